"""Playing recordings again: frames, rewards and ends must come out byte for byte."""

import json
from dataclasses import dataclass, field
from pathlib import Path

import gymnasium as gym
import numpy as np

from gamesim.data.episode import Episode
from gamesim.data.store.index import scan
from gamesim.envs.recipe import Recipe, make
from gamesim.errors import UserError


@dataclass
class Report:
    """What :func:`verify` found.

    Attributes:
        same: Episodes that replayed byte for byte.
        different: File -> what differs first.
        damaged: File -> why it cannot be read.
        skipped: File -> why there is no replay (a dream, no seed).
    """

    same: int = 0
    different: dict[str, str] = field(default_factory=dict)
    damaged: dict[str, str] = field(default_factory=dict)
    skipped: dict[str, str] = field(default_factory=dict)

    @property
    def ok(self) -> bool:
        """Whether nothing differs and nothing is damaged."""
        return not self.different and not self.damaged

    def __str__(self) -> str:
        parts = [f"{self.same} replay byte for byte"]
        for count, what in (
            (len(self.different), "differ"),
            (len(self.damaged), "are damaged"),
            (len(self.skipped), "cannot be replayed"),
        ):
            parts += [f"{count} {what}"] if count else []
        return ", ".join(parts)


def verify(folder: str | Path) -> Report:
    """Replay every episode of a folder of recordings from its seed and actions.

    Raises:
        UserError: There is no such folder, or no recording in it.
    """
    folder, report = Path(folder), Report()
    entries = scan(folder, report.damaged)
    if not entries and not report.damaged:
        raise UserError(f"{folder}: it contains no recordings")
    envs: dict[str, gym.Env] = {}
    for entry in entries:
        try:
            episode = Episode.load(folder / entry.file)
            reason = _why_not(episode)
            if reason:
                report.skipped[entry.file] = reason
            elif found := _difference(_env(envs, episode.env_spec), episode):
                report.different[entry.file] = found
            else:
                report.same += 1
        except UserError as error:
            report.damaged[entry.file] = str(error)
    for env in envs.values():
        env.close()
    return report


def _why_not(episode: Episode) -> str:
    """Why an episode cannot be replayed, or "". Only our own games are: a spec is data, not code."""
    try:
        spec = json.loads(episode.env_spec)
        name, wrappers = spec["id"], spec.get("additional_wrappers")
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return "it does not say which game it is"
    if not isinstance(name, str) or not name.startswith("gamesim/") or name not in gym.registry:
        return "it is not one of our games"
    if name.startswith("gamesim/Dream"):
        return "a dream"
    if wrappers:
        return "its game was wrapped in another"
    return "it has no seed" if episode.seed is None else ""


def _env(envs: dict[str, gym.Env], spec: str) -> gym.Env:
    """The environment of a spec, made once."""
    if spec not in envs:
        recipe = Recipe.of(spec)
        if recipe is None:
            raise UserError("its game cannot be made (its spec is damaged)")
        envs[spec] = make(recipe)
    return envs[spec]


def _difference(env: gym.Env, episode: Episode) -> str:
    """What differs first between a replay and an episode, or ""."""
    try:
        frame, _ = env.reset(seed=episode.seed)
        for action in episode.prefix.tolist():
            frame = env.step(action)[0]
        if not np.array_equal(frame, episode.frames[0]):
            return "its first frame"
        for step, action in enumerate(episode.actions.tolist()):
            frame, reward, terminated, truncated, _ = env.step(action)
            if not np.array_equal(frame, episode.frames[step + 1]):
                return f"the frame after step {step}"
            if np.float32(reward) != episode.rewards[step]:
                return f"the reward of step {step}"
            last = step == len(episode) - 1
            if (terminated, truncated) != (last and episode.terminated, last and episode.truncated):
                return f"the end at step {step}"
    except (gym.error.Error, UserError, ValueError) as error:
        return f"the game refuses its actions ({error})"
    return ""
