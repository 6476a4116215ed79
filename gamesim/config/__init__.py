"""The config tree: what a run is made of, checked before anything starts.

A config is a preset (``gamesim/presets/NAME.yaml``) or a YAML file of one's own, which may start with
``extends: NAME`` and change a few keys, plus overrides ``section.key=value`` from the command line.
Whatever is wrong with one of them becomes a `UserError` of one line that names the file and the key.

Every setting and its range are in gamegan.py, tilemap.py and world_models.py; base.py has what those share.
"""

import json
import os
import re
import warnings
from collections import Counter
from collections.abc import Iterable, Mapping
from copy import deepcopy
from functools import lru_cache, reduce
from importlib import resources
from pathlib import Path
from typing import Any, TypeVar, cast

import yaml
from pydantic import ValidationError

from gamesim.config.base import Config, Section
from gamesim.config.earlier import PRESETS, today
from gamesim.config.world_models import WorldModelConfig
from gamesim.errors import UserError
from gamesim.registry import loaded
from gamesim.systems import find, systems
from gamesim.text import canonical, decode, flat, one_line, reason, suggest

MAX_BYTES = 64 * 1024  # a config is a page of text; whatever is larger is not one
MAX_CHAIN = 8  # presets that extend presets

_Config = TypeVar("_Config", bound=Config)


def presets() -> list[str]:
    """Return the names of the presets that come with gamesim, sorted."""
    return sorted(p.name.removesuffix(".yaml") for p in _folder().iterdir() if p.name.endswith(".yaml"))


def load(preset_or_path: str | Path, overrides: Iterable[str] = ()) -> Config:
    """Return the checked config of a preset's name or a YAML file, with overrides applied.

    Args:
        preset_or_path: A name out of `presets`, or a path (it ends in .yaml or .yml, or has a slash).
        overrides: ``section.key=value`` each; the value is read as YAML.

    Raises:
        UserError: What is wrong, with the file or override and the key.
    """
    files: dict[str, str] = {}
    tree = _resolve(str(preset_or_path), base=None, seen=(), files=files)
    if not _is_path(str(preset_or_path)):
        tree["name"] = PRESETS.get(str(preset_or_path), str(preset_or_path))
    else:
        tree.setdefault("name", _slug(Path(preset_or_path).stem))
    origins: dict[str, str] = {}
    for override in overrides:
        key, value = _split_override(override)
        try:
            _put(tree, key, value, override)
        except UserError:
            _check(tree, str(preset_or_path), origins, files)  # whoever gave the section may be to blame
            raise
        origins[key] = override
    config = _check(tree, str(preset_or_path), origins, files)
    _warn_of_idle(config, str(preset_or_path), origins, files)
    return config


def settings(words: Iterable[str]) -> dict[str, Any]:
    """Return ``key=value`` words as a dict, values read as YAML: keyword arguments of an environment."""
    return dict(_split_override(word) for word in words)


def parse(text: str | bytes, source: str) -> Config:
    """Return the config that a `Config.dump` holds, such as a run's or a checkpoint's config.yaml.

    Raises:
        UserError: What is wrong; the message starts with `source`.
    """
    return _check(_read(text, source), source, {})


def meaning(text: bytes, source: str) -> bytes:
    """Return the same bytes for all YAML with the same values, whatever its layout and comments.

    Raises:
        UserError: It is no config at all; the message starts with `source`.
    """
    return canonical(_read(text, source))


def world_model(config: Config, source: str | Path, lacks: str) -> WorldModelConfig:
    """Return the config of a World Model, for whoever needs its V, M or C.

    Raises:
        UserError: It is of another system; the message names `source` and what it therefore `lacks`.
    """
    if config.system != "world-model":
        raise UserError(f"{source}: is not a World Model, so it has no {lacks}")
    return cast(WorldModelConfig, config)


def complete(config: _Config, found: Mapping[str, Any], source: str) -> _Config:
    """Return the config with the values of these dotted keys; from then on it says what they are.

    Raises:
        UserError: It is not valid with them; the message starts with `source`.
    """
    tree = config.model_dump(mode="json")
    for key, item in found.items():
        _put(tree, key, item, key)
    return _check(tree, source, {})  # pyright: ignore[reportReturnType]


def difference(first: Config, second: Config, ignore: Iterable[str] = ()) -> str | None:
    """Return the first dotted key in which two configs differ (``training.steps``), or None.

    Keys and whole sections to `ignore` are not compared.
    """
    ignored = tuple(f"{key}." for key in ignore)
    a, b = dict(flat(first.model_dump(mode="json"))), dict(flat(second.model_dump(mode="json")))
    for key in [*a, *b]:
        if not f"{key}.".startswith(ignored) and a.get(key, _MISSING) != b.get(key, _MISSING):
            return key
    return None


def value(config: Config, key: str) -> object:
    """Return what a dotted key holds, None when there is no such key."""
    return dict(flat(config.model_dump(mode="json"))).get(key)


# ---------------------------------------------------------------------------------- reading YAML


class _Loader(yaml.SafeLoader):
    """Safe YAML with the plain scalars of YAML 1.2: ``1e-4`` is a number and ``no`` is a word.

    Aliases are refused (a few lines of them can stand for gigabytes), and so is a key given twice.
    """

    def compose_node(self, parent: Any, index: Any) -> Any:
        if self.check_event(yaml.AliasEvent):
            raise yaml.YAMLError("aliases are not allowed")
        return super().compose_node(parent, index)

    def construct_mapping(self, node: Any, deep: bool = False) -> dict[Any, Any]:
        counts = Counter(key.value for key, _ in node.value if isinstance(key, yaml.ScalarNode))
        for key, count in counts.items():
            if count > 1:
                raise yaml.YAMLError(f"'{key}' is given twice")
        return super().construct_mapping(node, deep)


_Loader.yaml_implicit_resolvers = {}
for _tag, _pattern, _first in (
    ("bool", r"^(?:true|false)$", "tf"),
    ("null", r"^(?:~|null|)$", ["~", "n", ""]),
    ("int", r"^[-+]?(?:0|[1-9][0-9_]*)$", "-+0123456789"),
    ("float", r"^[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?$", "-+.0123456789"),
    ("float", r"^(?:[-+]?\.inf|\.nan)$", "-+."),
):
    _Loader.add_implicit_resolver(f"tag:yaml.org,2002:{_tag}", re.compile(_pattern), list(_first))


@lru_cache(maxsize=64)  # presets and the configs of models are read again and again
def _tree(text: str) -> Any:
    tree = yaml.load(text, _Loader)  # a SafeLoader with more refusals
    json.dumps(tree)  # sets, bytes and other tagged oddities stop here
    return tree


def _yaml(text: str, source: str) -> Any:
    """Parse one YAML document of plain JSON-like values, or raise a one-line `UserError`."""
    try:
        return deepcopy(_tree(text))
    except RecursionError:
        raise UserError(f"{source}: nested too deeply") from None
    except (yaml.YAMLError, ValueError, TypeError, OverflowError, LookupError, AttributeError) as error:
        # What a tag such as !!bool or !!timestamp cannot read is any of these.
        mark = getattr(error, "problem_mark", None)
        problem = getattr(error, "problem", None) or str(error)
        where = f" (line {mark.line + 1})" if mark is not None else ""
        raise UserError(f"{source}: not valid YAML: {one_line(problem)}{where}") from None


def _read(text: str | bytes, source: str) -> dict[str, Any]:
    if len(text) > MAX_BYTES:
        raise UserError(f"{source}: more than {MAX_BYTES // 1024} KiB, too large for a config")
    try:
        text = decode(text) if isinstance(text, bytes) else text
    except ValueError:
        raise UserError(f"{source}: not UTF-8 text") from None
    tree = _yaml(text, source)
    if not isinstance(tree, dict):
        raise UserError(f"{source}: expected keys and values, found {_kind(tree)}")
    return {str(key): item for key, item in tree.items()}


def _resolve(name: str, base: Path | None, seen: tuple[str, ...], files: dict[str, str]) -> dict[str, Any]:
    """Read a preset or file and lay it over what it extends; note in `files` which file says each key."""
    if name in seen or len(seen) >= MAX_CHAIN:
        raise UserError(f"{seen[0]}: 'extends' goes in a circle: {' -> '.join((*seen, name))}")
    if _is_path(name):
        path = (base or Path()) / os.path.expanduser(name)
        text, shown, base = _read_path(path), name if base is None else str(path), path.parent
    else:
        known = presets()
        if name in PRESETS:
            warnings.warn(f"the preset {name} is now called {PRESETS[name]}", stacklevel=2)
            name = PRESETS[name]
        if name not in known:
            where = f"{seen[-1]}: extends: " if seen else ""
            raise UserError(
                f"{where}unknown preset '{one_line(name, 80)}'{suggest(name, known, listed=True)}"
            )
        text, shown, base = (_folder() / f"{name}.yaml").read_bytes(), name, None
    tree = _read(text, shown)
    for key, _ in flat(tree) if base is not None else ():  # a preset is right
        files.setdefault(key, shown)  # whoever extends it was read before
    if "extends" not in tree:
        return tree
    parent = tree.pop("extends")
    if not isinstance(parent, str):
        raise UserError(f"{shown}: extends: expected a preset's name, found {_kind(parent)}")
    return _merge(_resolve(parent, base, (*seen, name), files), tree)


def _read_path(path: Path) -> bytes:
    try:
        if not path.is_file():
            other = "is a folder" if path.is_dir() else "not a file"
            raise UserError(f"{path}: {other if path.exists() else 'no such file'}")
        with path.open("rb") as file:
            return file.read(MAX_BYTES + 1)
    except (OSError, ValueError) as error:
        raise UserError(f"{path!s}: cannot be read: {reason(error)}") from None


def _merge(under: dict[str, Any], over: Mapping[str, Any]) -> dict[str, Any]:
    merged = dict(under)
    for key, item in over.items():
        old = merged.get(key)
        merged[key] = _merge(old, item) if isinstance(old, dict) and isinstance(item, dict) else item
    return merged


# ---------------------------------------------------------------------------------- overrides


def _split_override(override: str) -> tuple[str, Any]:
    key, equals, text = override.partition("=")
    if not equals or not key.strip() or key != key.strip():
        raise UserError(f"'{one_line(override, 80)}': expected key=value, such as training.steps=1000")
    if key == "extends":
        raise UserError(f"'{one_line(override, 80)}': extends belongs in a YAML file")
    return key, _yaml(text, f"'{one_line(override, 80)}'")


def _put(tree: dict[str, Any], dotted: str, item: Any, override: str) -> None:
    *path, last = dotted.split(".")
    for part in path:
        tree = tree.setdefault(part, {})
        if not isinstance(tree, dict):
            raise UserError(f"'{one_line(override, 80)}': '{part}' is not a section")
    tree.update(_merge(tree, {last: item}))  # part of a section is laid over it, as a file's is


# ---------------------------------------------------------------------------------- checking


def _check(
    tree: dict[str, Any], source: str, origins: Mapping[str, str], files: Mapping[str, str] | None = None
) -> Config:
    tree, note = today(tree)
    if note:
        warnings.warn(f"{source}: {note}", stacklevel=2)
    chosen = _system(tree, source, origins, files or {})
    try:
        # By way of JSON, where strict means "no 'yes' for true, no 1.5 for an int" but a list may be a tuple.
        return chosen.model_validate_json(json.dumps(tree))
    except ValidationError as problem:
        error = problem.errors(include_url=False, include_context=True)[0]
        parts = [str(part) for part in error["loc"]]
        key = ".".join(parts)
        if error["type"] == "extra_forbidden":
            known = _keys_at(chosen, parts[:-1])
            message = f"unknown key '{key}'{suggest(parts[-1], known)}"
        else:
            said = error["msg"].removeprefix("Value error, ")
            if error["type"] == "model_type":
                said = f"expected a section, found {_kind(error['input'])}"
            message = f"{key}: {said[0].lower()}{said[1:]}".removeprefix(": ")
        raise UserError(f"{_origin(key, source, origins, files or {})}: {one_line(message)}") from None


def _warn_of_idle(config: Config, source: str, origins: Mapping[str, str], files: Mapping[str, str]) -> None:
    """Warn of settings that somebody changed though they do nothing here; a preset may hold such."""
    said = set(files) | {leaf for each in origins.values() for leaf, _ in flat(settings([each]))}
    for key, why in config.idle.items():
        *sections, name = key.split(".")
        section = reduce(getattr, sections, config)
        changed = getattr(section, name) != type(section).model_fields[name].default
        if changed and any(f"{leaf}.".startswith(f"{key}.") for leaf in said):  # a schedule has leaves
            where = _origin(key, source, origins, files)
            warnings.warn(f"{where}: {key} does nothing where {why}", stacklevel=3)


def _system(
    tree: Mapping[str, Any], source: str, origins: Mapping[str, str], files: Mapping[str, str]
) -> type[Config]:
    """Return the class of the system that the tree names; GameGAN's where it names none."""
    named = tree.get("system", "gamegan")
    found = find(named) if isinstance(named, str) else None
    if found is None:
        known = " or ".join(f"'{name}'" for name in systems())
        hint = suggest(named, systems()) if isinstance(named, str) else ""
        raise UserError(f"{_origin('system', source, origins, files)}: system: input should be {known}{hint}")
    return loaded(found.config)


def _origin(key: str, source: str, origins: Mapping[str, str], files: Mapping[str, str]) -> str:
    """Return the override that gave a key, or its section, quoted, or else the file that did."""

    def near(other: str) -> bool:
        return f"{other}.".startswith(f"{key}.") or f"{key}.".startswith(f"{other}.")

    override = next((origins[other] for other in origins if near(other)), None)
    if override is not None:
        return f"'{one_line(override, 80)}'"
    said = {file for other, file in files.items() if near(other)}
    return said.pop() if len(said) == 1 else source


def _keys_at(system: type[Config], path: list[str]) -> list[str]:
    """Return the known keys of the section at `path`."""
    section: Any = system
    for part in path:
        field = section.model_fields.get(part) if _is_section(section) else None
        section = field.annotation if field else None
    return list(section.model_fields) if _is_section(section) else []


def _is_section(thing: object) -> bool:
    return isinstance(thing, type) and issubclass(thing, Section)


_MISSING = object()


def _kind(tree: object) -> str:
    names = {type(None): "nothing", list: "a list", str: "text", dict: "a section", bool: "true or false"}
    return names.get(type(tree), "a number")


def _is_path(name: str) -> bool:
    return name.endswith((".yaml", ".yml")) or "/" in name or "\\" in name


def _slug(stem: str) -> str:
    """The name of a preset whose file is called so; a name begins with a letter."""
    plain = re.sub(r"[^a-z0-9]+", "-", stem.lower()).strip("-")
    return (plain if plain[:1].isalpha() else f"custom-{plain}")[:64].strip("-")


def _folder() -> Any:
    return resources.files("gamesim") / "presets"
