"""What Gymnasium's registry tells of games before any is made: which are installed, and how fast each is."""

import importlib
from collections.abc import Iterable

import gymnasium as gym

from gamesim.envs.recipe import FAMILIES, OURS, Recipe, find, metadata
from gamesim.errors import PASSING


def installed() -> list[str]:
    """Ids of the games that are installed here, beside ours, sorted; what cannot be imported is left out."""
    for family in FAMILIES:
        try:
            importlib.import_module(family.module)
        except Exception:
            continue
    return sorted(_newest(name for name in gym.registry if not name.startswith((OURS, "GymV"))))


def _newest(names: Iterable[str]) -> list[str]:
    """Of ids that differ in their version alone, the one with the highest."""
    best: dict[str, tuple[int, str]] = {}
    for name in names:
        spec = gym.registry[name]
        if str(spec.entry_point).startswith("ale_py") and not name.startswith("ALE/"):
            continue  # the same games under their old names
        title = f"{spec.namespace or ''}/{spec.name}"
        best[title] = max(best.get(title, (-1, "")), (spec.version or 0, name))
    return [name for _, name in best.values()]


def rate(recipe: Recipe) -> float | None:
    """Steps a second at which people should see a game, 2 to 60: its frames a second by its frame skip.

    Returns:
        None where the game does not say, or is not installed.
    """
    try:
        frames = float(metadata(find(recipe.env_id))["render_fps"])
    except PASSING:
        raise
    except BaseException:  # whatever a foreign module raises; a game that cannot be made says so when it is
        return None
    return min(max(frames / recipe.frame_skip, 2.0), 60.0) if frames > 0 else None
