"""A model that is being measured, and what each part of `metrics` makes of it.

The real games and the dreams are played once and judged by several parts.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch

from gamesim.models import WorldModel

if TYPE_CHECKING:
    from gamesim.checkpoint import Starts
    from gamesim.evaluation.pacman.cells import Dreamer, Played, Tick
    from gamesim.evaluation.pacman.coming_home import Encoder
    from gamesim.evaluation.pacman.tally import Tally

LONGEST = 100
"""Dreamt steps of an episode."""
ROUGHLY = LONGEST + 70 + LONGEST * 0.7
"""Dreamt frames an episode, for the bar: rules, coming home, and fidelity until the real episode ends."""

Figures = Mapping[str, Any]


@dataclass
class Subject:
    """What is measured, and how.

    Attributes:
        model: the model, on `device`.
        game: the id of the real game; None where its card names none.
        episodes: boards, each dreamt on for `LONGEST` steps after 8 real frames.
        seed: of boards, walks and dreams.
        device: where the model computes.
        temperature: of the dreams that are judged.
        vision: a World Model's checkpoint, whose V measures distances; None takes the model's own V.
        stop_at_end: do not judge steps after a predicted end in ``rules`` and ``horizons``.
        checkpoint: its folder; None for a model in memory, which then has neither controller nor speed.
        starts: the real frames that its dreams begin with.
        notes: gets what had to be left out.
        on_step: told how many frames were dreamt.
    """

    model: WorldModel
    game: str | None
    episodes: int
    seed: int = 0
    device: str | torch.device = "cpu"
    temperature: float = 1.0
    vision: str | Path | None = None
    stop_at_end: bool = False
    checkpoint: str | Path | None = None
    starts: Starts | None = None
    notes: list[str] = field(default_factory=list)
    on_step: Tick = None

    @property
    def of_cells(self) -> bool:
        """Whether its dreams can be decoded to cells, and so be judged."""
        shape = tuple(self.model.frame_shape)
        return self.game is not None and shape == (84, 84, 3) and decodable(self.game)

    @property
    def dreamer(self) -> Dreamer:
        """What every dream is made by."""
        from gamesim.evaluation.pacman.cells import Dreamer

        return Dreamer(self.model, self.seed, self.device, self.temperature, self.on_step)

    @cached_property
    def real(self) -> Played:
        """Real episodes on boards that no recording has."""
        from gamesim.evaluation.pacman.cells import real_episodes
        from gamesim.evaluation.pacman.rules_kept import WARM_UP

        return real_episodes(str(self.game), self.episodes, WARM_UP, LONGEST, self.seed)

    @cached_property
    def dreamt(self) -> Played:
        """Dreams of the same beginnings."""
        from gamesim.evaluation.pacman.cells import dream_episodes

        return dream_episodes(self.dreamer, self.real, self.episodes, LONGEST)

    @cached_property
    def tally(self) -> Tally:
        """What the dreams did, counted."""
        from gamesim.evaluation.pacman.rules_kept import judge

        return judge(self.dreamt, stop_at_end=self.stop_at_end)

    @cached_property
    def real_tally(self) -> Tally:
        """What the real games did, counted."""
        from gamesim.evaluation.pacman.rules_kept import judge

        return judge(self.real, stop_at_end=True)

    @cached_property
    def encoder(self) -> Encoder | None:
        """V of `vision`, or the model's own; None, and a note, where there is neither.

        Raises:
            UserError: `vision` has no V.
        """
        from gamesim.checkpoint import load_model
        from gamesim.errors import UserError
        from gamesim.evaluation.pacman.coming_home import encoder_of

        model = self.model if self.vision is None else load_model(self.vision, self.device)[0]
        encoder = encoder_of(model)
        if encoder is None and self.vision is not None:
            raise UserError(f"{self.vision}: it has no V; the distances d need a World Model")
        if encoder is None:
            self.notes.append("home: no distances d; they need a World Model (--vision)")
        return encoder


def decodable(game: str) -> bool:
    """Whether a game shows 7x7 cells, so that its dreams can be judged."""
    from gamesim.envs.recipe import PACMANS
    from gamesim.errors import UserError
    from gamesim.evaluation.pacman.cells import make_real

    if not game.startswith(PACMANS):
        return False
    try:
        make_real(game, 1).close()
    except UserError:
        return False
    return True


def rules(subject: Subject) -> Figures:
    from gamesim.evaluation.pacman.rules_kept import STEPS, summary

    return summary(subject.dreamt, subject.tally, subject.real, subject.real_tally, STEPS)


def horizons(subject: Subject) -> Figures:
    from gamesim.evaluation.pacman.rules_kept import by_horizon

    return by_horizon(subject.dreamt, subject.tally, subject.real, subject.real_tally)


def home(subject: Subject) -> Figures:
    from gamesim.evaluation.pacman.coming_home import coming_home

    played = (str(subject.game), subject.real, subject.episodes)
    return coming_home(subject.dreamer, *played, subject.encoder)


def fidelity(subject: Subject) -> Figures:
    from gamesim.evaluation.pacman.fidelity import fidelity

    return fidelity(subject.dreamer, str(subject.game), subject.real, subject.episodes)


def diversity(subject: Subject) -> Figures:
    from gamesim.evaluation.pacman.diversity import diversity

    counted = (subject.real, subject.tally, subject.real_tally)
    return diversity(subject.dreamer, *counted, subject.episodes)


def controller(subject: Subject) -> Figures | None:
    from gamesim.evaluation.controller import controller_figures

    if subject.checkpoint is None or subject.game is None:
        return None
    episodes = max(subject.episodes, 2)
    return controller_figures(subject.checkpoint, episodes, subject.seed, subject.device)


def speed(subject: Subject) -> Figures | None:
    from gamesim.evaluation.speed import cost

    return None if subject.starts is None else cost(subject.model, subject.starts)
