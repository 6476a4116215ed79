"""What an environment says of itself: what it is called, and how it is made."""

import copy
import json
import os
from typing import Any

import numpy as np
from gymnasium.envs.registration import EnvSpec


def name_of(env: Any) -> str:
    """What a game, or a batch of it, is called: its id, or the name of its class."""
    single = getattr(env, "envs", [env])[0]
    spec = env.spec or single.spec
    return spec.id if spec is not None else type(single.unwrapped).__name__


def spec_json(spec: EnvSpec) -> str:
    """A spec as JSON, also where a class or a function makes the game, which is written as MODULE:NAME.

    Settings that JSON does not know are left out: a game that is registered with them has them again.
    """
    plain = copy.deepcopy(spec)
    for entry in ("entry_point", "vector_entry_point"):
        maker: Any = getattr(plain, entry)
        if callable(maker):
            name = getattr(maker, "__qualname__", type(maker).__qualname__)
            setattr(plain, entry, f"{maker.__module__}:{name}")
    for settings in (plain.kwargs, *(wrapper.kwargs or {} for wrapper in plain.additional_wrappers)):
        for name, value in list(settings.items()):
            if isinstance(value, os.PathLike):  # the folder of a dream's model
                settings[name] = os.fspath(value)
            elif isinstance(value, np.generic):
                settings[name] = value.item()
            elif not _is_known(value):
                del settings[name]
    return plain.to_json()


def _is_known(value: Any) -> bool:
    """Whether JSON knows it."""
    try:
        return bool(json.dumps(value))
    except (TypeError, ValueError, RecursionError):
        return False
