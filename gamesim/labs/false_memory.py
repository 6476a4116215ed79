"""An attack on what a dream remembers: one frame is changed, and a wall is there that never was, or is not.

The frame goes through the engine's filter (`observe`), and the dream goes on by itself: some steps away, and
the same steps back. What it then shows at the attacked place is decoded to cells.

Misleading a network towards something chosen is Goodfellow et al. 2015 (arXiv 1412.6572, Sec. 4) with the
chosen answer in J and the other sign (Kurakin et al. 2017, arXiv 1607.02533, Sec. 2.3): what grows here is
-J(theta, x, wanted).

* GameGAN: J is how far the next dreamt frame is from what is wanted at that place. The engine's public steps
  `show`, `advance` and `render` are differentiable.
* Tilemap: its filter lets no gradient through. But it reads a frame cell by cell, by the likelihood of each
  tile, and that is differentiable: J is how unlikely the wanted tile is in that cell. The logarithm of the
  likelihood is linear in the pixels, so Sec. 3 holds exactly, and tells what no change can do: tile k
  overtakes tile a only if epsilon ||l_k - l_a||_1 exceeds the lead of a (l are the tiles' logits).
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from gamesim.envs import sprites
from gamesim.envs.layouts import FLOOR, WALL
from gamesim.evaluation.pacman.board import CENTRE, DELTAS, OPPOSITE, expected_scroll
from gamesim.evaluation.pacman.cells import real_episodes
from gamesim.labs.fgsm import FGSM, NOTHING, OF, RANDOM, Attack, Loss, Measured, Scene, shown, sign_map
from gamesim.labs.imitator import GAME
from gamesim.labs.panels import Curves, Lines, Panel, Picture
from gamesim.labs.pictures import marked
from gamesim.models import State, WorldModel
from gamesim.models.frames import to_float, to_uint8
from gamesim.models.gamegan.generator import Generator
from gamesim.models.tilemap.model import Tilemap

SEEN = 10
"""Real frames that the filter sees, the attacked one included."""
AWAY = 4
"""Dreamt steps away from the place; as many lead back."""
NEAR = 2
"""Cells from Pac-Man to the attacked place, at most."""
LANES, ROUNDS = 4, 12
EPSILONS = (16, 8, 4)
CONDITIONS = ((NOTHING, 0), *((by, epsilon) for epsilon in EPSILONS for by in (FGSM, RANDOM)))
TILE = 12
"""Pixels on a side of a cell."""
INSIDE = 1e-6
"""From black and from white."""
MAKE, TAKE = "walls made", "walls taken away"
WISHES = {MAKE: (FLOOR, WALL), TAKE: (WALL, FLOOR)}
"""What the attack does: from which class of cell to which."""
FRAME = "Frame"


class Filter(Protocol):
    """An engine whose filter can be misled."""

    model: Any
    """A `WorldModel`."""

    def loss(self, state: State, action: Tensor, places: NDArray[np.int64], tile: Tensor) -> Loss:
        """What grows as the engine comes to see this tile at these places.

        Args:
            state: before the frame that is attacked, B lanes.
            action: int64 (B,), the one that leads to it.
            places: (B, 2), row and column of a cell.
            tile: the picture of what is to be seen, (3, 12, 12) in [0, 1].
        """
        ...

    def certified(self, frame: Tensor) -> float | None:
        """Up to which epsilon, of 255, no change of frame (1, 3, H, W) makes a wall or takes one away.

        None: that is not known of this engine.
        """
        return None


class MisledGenerator(Filter):
    """GameGAN, by the frame that it would dream next, were Pac-Man to stay."""

    def __init__(self, model: Generator) -> None:
        self.model = model

    def loss(self, state: State, action: Tensor, places: NDArray[np.int64], tile: Tensor) -> Loss:
        still, stay = torch.zeros(len(action), *self.model.noise_shape), torch.zeros_like(action)
        with torch.no_grad():
            arrived = self.model.advance(state, action, still)

        def towards(frames: Tensor) -> Tensor:
            later = self.model.advance(self.model.show(arrived, frames), stay, still)
            return -(_cells(self.model.render(later).frame, places) - tile).square().sum((1, 2, 3))

        return towards


class MisledTilemap(Filter):
    """Tilemap, by the tile that it takes the cell for."""

    def __init__(self, model: Tilemap) -> None:
        self.model, self._palette = model, model.engine.renderer.tiles

    def loss(self, state: State, action: Tensor, places: NDArray[np.int64], tile: Tensor) -> Loss:
        wanted = self._which(tile)
        lanes, (y, x) = torch.arange(len(action)), torch.from_numpy(places).T

        def towards(frames: Tensor) -> Tensor:
            # The divergence's entropy has no slope at black and at white; it is the same for all tiles.
            inside = frames * (1 - 2 * INSIDE) + INSIDE
            return (-self._palette.divergence(inside)).log_softmax(1)[lanes, wanted, y, x]

        return towards

    def certified(self, frame: Tensor) -> float | None:
        gap = self._palette.divergence(frame)[0].flatten(1).T  # (cells, K), least at the tile that is there
        lead, there = gap.min(1)
        logits, wall = self._palette.logits, self._which(_tile(WALL))
        reach = (logits[:, None] - logits).abs().sum(-1)[there]  # (cells, K): by how much 1 moves it
        turned = (torch.arange(gap.shape[1]) == wall) != (there == wall)[:, None]
        return float(((gap - lead[:, None])[turned] / reach[turned]).min() * OF)

    def _which(self, tile: Tensor) -> int:
        """The number of the palette's tile that is this picture."""
        return int(self._palette.divergence(tile[None]).argmin())


def _tile(kind: int) -> Tensor:
    """The picture of a class of cell, (3, 12, 12) in [0, 1]."""
    return to_float(torch.from_numpy(sprites.tiles(TILE)[kind].copy()))


def _cells(frames: Tensor, places: NDArray[np.int64]) -> Tensor:
    """The cells at these places of frames (B, 3, H, W): (B, 3, 12, 12)."""
    corners = (places * TILE).tolist()
    return torch.stack(
        [frame[:, y : y + TILE, x : x + TILE] for frame, (y, x) in zip(frames, corners, strict=True)]
    )


@dataclass
class Story:
    """Lanes of a real game up to the frame that will be attacked, and the walk that follows.

    Attributes:
        frames: uint8 (B, SEEN, H, W, 3), real ones.
        actions: int64 (B, SEEN - 1), between them.
        views: uint8 (B, 7, 7), the cells of the last frame.
        walk: int64 (B, 2 * AWAY), the way that Pac-Man came, backwards and then forwards again.
    """

    frames: NDArray[np.uint8]
    actions: NDArray[np.int64]
    views: NDArray[np.uint8]
    walk: NDArray[np.int64]

    def choices(self, lane: int, kind: int) -> list[tuple[int, int]]:
        """Cells of that class near Pac-Man, but not on his walk: rows and columns in the view."""
        steps = DELTAS[self.walk[lane, :AWAY]].cumsum(0).tolist()
        path = {(CENTRE, CENTRE)} | {(CENTRE + y, CENTRE + x) for x, y in steps}
        near = range(CENTRE - NEAR, CENTRE + NEAR + 1)
        view = self.views[lane]
        return [(y, x) for y in near for x in near if view[y, x] == kind and (y, x) not in path]

    def places(self, kind: int, random: np.random.Generator) -> NDArray[np.int64]:
        """One of the choices for each lane, (B, 2)."""
        choices = [self.choices(lane, kind) for lane in range(len(self.frames))]
        return np.array([free[random.integers(len(free))] for free in choices])


def stories(lanes: int, seed: int) -> Story:
    """Games on boards that no recording holds, with a free cell and a wall near Pac-Man."""
    real = real_episodes(GAME, 4 * lanes, SEEN, 1, seed)
    actions = real.actions[:, : SEEN - 1]
    moves = np.stack([expected_scroll(real.cells[:, t], actions[:, t]) for t in range(SEEN - 1)], 1)
    back = OPPOSITE[moves[:, ::-1][:, :AWAY]]
    walk = np.concatenate([back, OPPOSITE[back[:, ::-1]]], 1)
    story = Story(real.frames, actions, real.cells[:, SEEN - 1], walk)
    both = [n for n in range(len(real.seeds)) if story.choices(n, FLOOR) and story.choices(n, WALL)]
    keep = both[:lanes]
    return Story(story.frames[keep], story.actions[keep], story.views[keep], story.walk[keep])


class Dream:
    """A dream on from attacked frames.

    Args:
        model: the engine.
        state: what its filter holds before the frames, B lanes.
        action: int64 (B,), that led to the frames.
        frames: (B, 3, H, W) in [0, 1].
        noise: standard normal, of each step for all lanes alike, (2 * AWAY, *noise_shape).
    """

    def __init__(
        self, model: WorldModel, state: State, action: Tensor, frames: Tensor, noise: Tensor
    ) -> None:
        self._model, self._noise = model, noise
        self.shown, self.steps = to_uint8(frames).numpy(), 0
        with torch.no_grad():
            self.state = model.observe(state, action, torch.from_numpy(self.shown))

    def step(self, actions: NDArray[np.int64]) -> None:
        """Dreams one step; actions int64 (B,)."""
        noise = self._noise[self.steps].expand(len(actions), *self._model.noise_shape)
        with torch.no_grad():
            self.state, drawn = self._model.imagine(
                self.state, torch.from_numpy(actions), temperature=1.0, generator=noise
            )
        self.shown, self.steps = drawn.frame.numpy(), self.steps + 1

    def at_home(self, walk: NDArray[np.int64], places: NDArray[np.int64]) -> NDArray[np.bool_]:
        """Whether a wall is shown at what were these places (B, 2) before the walk (B, 2 * AWAY) began."""
        moved = DELTAS[walk[:, : self.steps]].sum(1)[:, ::-1]
        return self.walls(places - moved)

    def walls(self, places: NDArray[np.int64]) -> NDArray[np.bool_]:
        """Whether the frames show a wall at these places (B, 2)."""
        cells, _ = sprites.decode(self.shown)
        return cells[np.arange(len(cells)), places[:, 0], places[:, 1]] == WALL


def _noise(model: WorldModel, seed: int) -> Tensor:
    return torch.randn(2 * AWAY, *model.noise_shape, generator=torch.Generator().manual_seed(seed))


class MemoryScene(Scene):
    """One engine's filter under attack.

    Args:
        name: of the engine, for people.
        victim: its filter.
        seed: of the boards and of chance.
        rounds: of what is measured, 1 to `ROUNDS`.
    """

    def __init__(self, name: str, victim: Filter, seed: int, rounds: int = ROUNDS) -> None:
        self.name, self._victim, self._seed, self._rounds = name, victim, seed, rounds
        self._random = np.random.default_rng(seed)
        self._kept = Measured()
        self.anew()

    def anew(self) -> None:
        """A new board, and a wall that is to be seen where none is."""
        self._seed += 1
        self._story = stories(1, self._seed)
        self._before = self._filtered(self._story)
        self._aim(MAKE, self._story.places(FLOOR, self._random))

    def point(self, panel: str, x: float, y: float) -> None:
        """A click on a cell of the frame: a wall is to be seen there, or, where one is, none."""
        place = int(y * 7), int(x * 7)
        for wish, (kind, _) in WISHES.items():
            if panel == FRAME and place in self._story.choices(0, kind):
                self._aim(wish, np.array([place]))

    def _aim(self, wish: str, place: NDArray[np.int64]) -> None:
        self._wish, self._place, self._dream = wish, place, None
        self._attack = self._attacked(self._story, self._before, wish, place, self._seed)
        self._bound = self._victim.certified(self._attack.frame)

    def _filtered(self, story: Story) -> State:
        """What the filter holds before the last frame."""
        with torch.no_grad():
            return self._victim.model.start(
                torch.from_numpy(story.frames[:, :-1]), torch.from_numpy(story.actions[:, :-1])
            )

    def _attacked(
        self, story: Story, before: State, wish: str, places: NDArray[np.int64], seed: int
    ) -> Attack:
        frame = to_float(torch.from_numpy(story.frames[:, -1])).contiguous()
        last = torch.from_numpy(story.actions[:, -1])
        loss = self._victim.loss(before, last, places, _tile(WISHES[wish][1]))
        return Attack(loss, frame, torch.Generator().manual_seed(seed))

    def step(self, by: str, epsilon: float) -> None:
        """The dreams after the clean, the attacked and the noisy frame go on together, by the same chance."""
        if self._dream is None or self._dream.steps == 2 * AWAY:
            seen = torch.cat([self._attack.seen(kind, epsilon) for kind in KINDS])
            state = {name: part.repeat_interleave(len(KINDS), 0) for name, part in self._before.items()}
            action = torch.from_numpy(self._story.actions[:, -1]).repeat_interleave(len(KINDS))
            noise = _noise(self._victim.model, self._seed)
            self._dream = Dream(self._victim.model, state, action, seen, noise)
        else:
            self._dream.step(self._story.walk[:, self._dream.steps].repeat(len(KINDS)))

    def measures(self) -> Iterator[None]:
        """Attacks frames of many games, dreams on from each, and yields after each step."""
        for number in range(self._rounds):
            story = stories(LANES, 1000 + number)
            before = self._filtered(story)
            noise, last = _noise(self._victim.model, number), torch.from_numpy(story.actions[:, -1])
            for wish, (kind, wanted) in WISHES.items():
                places = story.places(kind, np.random.default_rng(number))
                attack = self._attacked(story, before, wish, places, number)
                yield
                for by, epsilon in CONDITIONS:
                    dream = Dream(self._victim.model, before, last, attack.seen(by, epsilon), noise)
                    yield
                    for actions in story.walk.T:
                        dream.step(np.ascontiguousarray(actions))
                        if dream.steps in WHEN:
                            now = dream.at_home(story.walk, places) == (wanted == WALL)
                            self._kept.add(f"{wish}, {WHEN[dream.steps]}", by, epsilon, now)
                        yield

    def view(self, by: str, epsilon: float) -> list[Panel]:
        """The frame and what is made of it, the dreams that follow, and what was measured so far."""
        attack = self._attack
        wanted = "wanted: a wall here" if self._wish == MAKE else "wanted: no wall here"
        clean = to_uint8(attack.frame)[0].numpy()
        return [
            Picture(FRAME, self._marked(clean), wanted, clicks=True),
            sign_map(attack.signs[0]),
            shown("Attacked frame", attack.seen(FGSM, epsilon)[0], f"epsilon {epsilon:g} of 255"),
            shown("Random signs", attack.seen(RANDOM, epsilon)[0], f"epsilon {epsilon:g} of 255"),
            *self._dreamt(),
            *(self._curve(wish) for wish in WISHES),
            Lines("The dreams", self._told()),
        ]

    def _dreamt(self) -> list[Panel]:
        if self._dream is None:
            return []
        steps = self._dream.steps
        away = min(steps, 2 * AWAY - steps)
        walls = self._dream.walls(self._place.repeat(len(KINDS), 0))
        panels: list[Panel] = []
        for number, title in enumerate(KINDS.values()):
            frame = self._dream.shown[number]
            if away:
                panels.append(Picture(title, frame, f"{away} of {AWAY} steps away"))
            else:
                found = "a wall here" if walls[number] else "no wall here"
                panels.append(Picture(title, self._marked(frame), found))
        return panels

    def _marked(self, frame: NDArray[np.uint8]) -> NDArray[np.uint8]:
        row, column = self._place[0].tolist()
        return marked(frame, (row, column), TILE, sprites.palette["yellow"])

    def _curve(self, wish: str) -> Curves:
        lines = {
            f"{by}, {when}": points
            for when in WHEN.values()
            for by, points in self._kept.curves(f"{wish}, {when}").items()
        }
        return Curves(wish.capitalize(), "epsilon, of 255", lines, (0, 1))

    def _told(self) -> list[tuple[str, str]]:
        rows = [("steps away, and back", f"{AWAY} + {AWAY}")]
        if self._bound is not None:
            rows.append(("no change makes or takes a wall up to", f"{self._bound:.1f} of 255"))
        return rows

    def figures(self) -> dict[str, float]:
        """Shares of the dreams that show what was wanted, and their standard errors."""
        told = self._kept.figures(self.name)
        if self._bound is not None:
            told[f"{self.name}: no change makes or takes a wall up to"] = self._bound
        return told


KINDS = {NOTHING: "Dream, clean frame", FGSM: "Dream, attacked frame", RANDOM: "Dream, random signs"}
WHEN = {1: "1 step on", 2 * AWAY: f"{2 * AWAY} steps on"}
