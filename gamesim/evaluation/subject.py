"""A model that is being measured, and what each part of `metrics` makes of it.

The real games and the dreams are played once and judged by several parts.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

from gamesim.checkpoint import Checkpoint, Starts, load_model
from gamesim.envs.recipe import PACMANS
from gamesim.errors import UserError
from gamesim.evaluation import controller, speed
from gamesim.evaluation.pacman import cells, coming_home, diversity, fidelity, rules_kept
from gamesim.evaluation.pacman.tally import Tally

LONGEST = 100
"""Dreamt steps of an episode."""
ROUGHLY = LONGEST + 70 + LONGEST * 0.7
"""Dreamt frames an episode, for the bar: rules, coming home, and fidelity until the real episode ends."""

Figures = Mapping[str, Any]


@dataclass(kw_only=True)
class Subject(cells.Dreamer):
    """A model that dreams, with the real game that it is compared with; its seed is of boards and walks, too.

    Attributes:
        game: the id of the real game; None where its card names none.
        episodes: boards, each dreamt on for `LONGEST` steps after 8 real frames.
        vision: a World Model's checkpoint, whose V measures distances; None takes the model's own V.
        loaded: the checkpoint that it came from; None for a model in memory, of which then neither its
            controller nor its speed is measured.
        notes: gets what had to be left out.
    """

    game: str | None
    episodes: int
    vision: str | Path | None = None
    loaded: Checkpoint | None = None
    notes: list[str] = field(default_factory=list)

    @property
    def starts(self) -> Starts | None:
        """The real frames that its dreams begin with."""
        return None if self.loaded is None else self.loaded.starts

    @property
    def of_cells(self) -> bool:
        """Whether its dreams can be decoded to cells, and so be judged."""
        shape = tuple(self.model.frame_shape)
        return self.game is not None and shape == (84, 84, 3) and decodable(self.game)

    @cached_property
    def real(self) -> cells.Played:
        """Real episodes on boards that no recording has."""
        return cells.real_episodes(str(self.game), self.episodes, rules_kept.WARM_UP, LONGEST, self.seed)

    @cached_property
    def dreamt(self) -> cells.Played:
        """Dreams of the same beginnings."""
        return cells.dream_episodes(self, self.real, self.episodes, LONGEST)

    @cached_property
    def tally(self) -> Tally:
        """What the dreams did, counted."""
        return rules_kept.judge(self.dreamt)

    @cached_property
    def real_tally(self) -> Tally:
        """What the real games did, counted."""
        return rules_kept.judge(self.real, stop_at_end=True)

    @cached_property
    def encoder(self) -> coming_home.Encoder | None:
        """V of `vision`, or the model's own; None, and a note, where there is neither.

        Raises:
            UserError: `vision` has no V.
        """
        model = self.model if self.vision is None else load_model(self.vision, self.device)[0]
        encoder = coming_home.encoder_of(model)
        if encoder is None and self.vision is not None:
            raise UserError(f"{self.vision}: it has no V; the distances d need a World Model")
        if encoder is None:
            self.notes.append("home: no distances d; they need a World Model (--vision)")
        return encoder


def decodable(game: str) -> bool:
    """Whether a game shows 7x7 cells, so that its dreams can be judged."""
    if not game.startswith(PACMANS):
        return False
    try:
        cells.make_real(game, 1).close()
    except UserError:
        return False
    return True


def measure_rules(its: Subject) -> Figures:
    return rules_kept.summary(its.dreamt, its.tally, its.real, its.real_tally, rules_kept.STEPS)


def measure_horizons(its: Subject) -> Figures:
    return rules_kept.by_horizon(its.dreamt, its.tally, its.real, its.real_tally)


def measure_home(its: Subject) -> Figures:
    return coming_home.coming_home(its, str(its.game), its.real, its.episodes, its.encoder)


def measure_fidelity(its: Subject) -> Figures:
    return fidelity.fidelity(its, str(its.game), its.real, its.episodes)


def measure_diversity(its: Subject) -> Figures:
    return diversity.diversity(its, its.real, its.tally, its.real_tally, its.episodes)


def measure_controller(its: Subject) -> Figures | None:
    if its.loaded is None or its.game is None:
        return None
    return controller.figures_of(its.model, its.loaded, max(its.episodes, 2), its.seed)


def measure_speed(its: Subject) -> Figures | None:
    return None if its.starts is None else speed.cost(its.model, its.starts)
