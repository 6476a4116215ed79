"""What earlier releases called things: their configs are read by today's names.

Our engine for games made of cells was a setting of GameGAN's (``model.engine: maps``) once, and World Models'
variant by places bore the paper's name.
"""

from collections.abc import Mapping
from typing import Any

PRESETS = {"gamegan-lite": "tilemap", "gamegan-lite-long": "tilemap-long"}
"""Presets that are called otherwise now."""

_NAMES = {"z_size": "tiles", "dreaming": "free_running", "noise": "corrupt", "reconstruction": "frame"}
_INTO_LOSSES = ("static", "dynamic", "remembered", "covering")
_GONE = {
    "model": ("engine", "discriminator_channels"),
    "training": (
        *("adversarial", "adversarial_from", "adversarial_share", "settling", "clip"),
        *("discriminator_learning_rate", "losses", *_INTO_LOSSES),
    ),
    "losses": (
        *("adversarial", "action_recovery", "z_recovery", "z_recovery_discriminator", "feature_matching"),
        *("cycle", "memory", "gradient_penalty", "temporal_gradient_penalty"),
    ),
}
"""What Tilemap has no more, or has elsewhere, by section."""


_WITHOUT = (
    ("controller", "begin", "first", "controller.begin is gone: dreams begin at first frames"),
    ("model", "memory_gate", False, "model.memory_gate is gone: model.recall remembers better"),
)
"""Settings that are gone: section, key, what nearly all configs have, and what to say of another."""


def today(tree: Mapping[str, Any]) -> tuple[dict[str, Any], str]:
    """Return a config tree by today's names, and a note on what it was, empty where it needs none."""
    gone = ""
    for section, key, usual, note in _WITHOUT:
        held = _section(tree, section)
        if key in held:
            tree = {**tree, section: {name: item for name, item in held.items() if name != key}}
            gone = note if held[key] != usual else gone
    model = _section(tree, "model")
    if model.get("engine") != "maps":
        return dict(tree), gone
    if tree.get("system") == "world-model":
        name = {"name": "world-model-places"} if tree.get("name") == "world-model" else {}
        now = {**tree, **name, "model": {**model, "engine": "places"}}
        return now, "model.engine: 'maps' is now called 'places'"
    return _tilemap(tree), "a GameGAN with the engine 'maps' is now called Tilemap and is read as one"


def _tilemap(tree: Mapping[str, Any]) -> dict[str, Any]:
    training = _section(tree, "training")
    losses = _section(training, "losses")
    moved = {key: training[key] for key in _INTO_LOSSES if key in training}
    if "covering" in moved:  # was a multiple of losses.memory
        pixel, covering = losses.get("memory"), _section(moved, "covering")
        ends = {key: _times(covering[key], pixel) for key in ("start", "end") if key in covering}
        moved["covering"] = covering | ends
    named = {"name": PRESETS.get(str(tree["name"]), tree["name"])} if "name" in tree else {}
    return {
        **tree,
        **named,
        "system": "tilemap",
        "model": _paired(_kept(_section(tree, "model"), "model")),
        "training": _kept(training, "training") | {"losses": _kept(losses, "losses") | moved},
    }


def _kept(section: Mapping[str, Any], name: str) -> dict[str, Any]:
    """Return what is left of a section, by today's names."""
    return {_NAMES.get(key, key): item for key, item in section.items() if key not in _GONE[name]}


def _paired(model: dict[str, Any]) -> dict[str, Any]:
    """Say which actions shared a kernel: 1 and 2, 3 and 4, or 2 and 3, 4 and 5, whatever they meant."""
    count = model.get("num_actions")
    if not isinstance(count, int) or count > 256:
        return model
    return {"opposites": [[one, one + 1] for one in range(2 - count % 2, count, 2)], **model}


def _times(first: Any, second: Any) -> Any:
    """Return the product of two numbers, as a person would write it; the first where one of them is none."""
    numbers = isinstance(first, int | float) and isinstance(second, int | float)
    return float(f"{first * second:.12g}") if numbers else first


def _section(tree: Mapping[str, Any], name: str) -> dict[str, Any]:
    """Return a section, empty where it is none: whatever is wrong with it is found when it is checked."""
    found = tree.get(name)
    return found if isinstance(found, dict) else {}
