"""How far is it? A graph convolutional network learns the way to the flag, and how far it can see.

Kipf & Welling 2017 (arXiv 1609.02907); the layers (Eq. 2) are in `gamesim.agents.gcn`, since a player follows
them. Here the network learns: in each step it sees boards that it never saw, and is moved towards the true
distances, which breadth-first search finds (cross-entropy, Eq. 10). The boards of a step are one large graph
without edges between boards.

Two laws can be seen. A layer looks one step far, so with k layers nothing beyond k steps can matter. And each
layer averages neighbours, so that many of them make all nodes alike (over-smoothing: Li et al. 2018, arXiv
1801.07606, Sec. 3); the paper's residual connections (Appendix B) keep them apart.
"""

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import cross_entropy

from gamesim.agents.gcn import CLASSES, GCN, distances, edges, features, propagation, walkable
from gamesim.envs.layouts import FLAG, FOOD, GHOST, PACMAN
from gamesim.envs.pacman import View
from gamesim.envs.rules import EgoGame
from gamesim.labs import Given
from gamesim.labs.adam import Adam
from gamesim.labs.controls import Button, Choice, Control, Slider, Switch, moved, values
from gamesim.labs.panels import Bars, Curves, Lines, Panel, Picture
from gamesim.labs.pictures import marked
from gamesim.text import counted
from gamesim.threads import one_thread

TARGETS = {"flag": (FLAG,), "food": (FOOD, FLAG)}
"""To where the steps are counted: to the flag, or to the nearest food or flag."""
SIZE = 14
"""Cells on a side of a board."""
BATCH, RATE = 8, 1e-2
DEPTHS = (1, 2, 4, 8, 12, 16, 20)
TURN = 150
"""Steps of training for each depth, where every depth takes its turn."""
_FAR = 28
"""Steps from the flag, at most, to Pac-Man's first cell: where the colours end."""
_COLOURS = np.array([(253, 231, 37), (94, 201, 98), (33, 145, 140), (59, 82, 139), (68, 1, 84)], float)
_NOWHERE = (90, 90, 90)
_MEMORY = 0.95
"""Share of a running mean that stays in each step."""


def boards(random: np.random.Generator, count: int) -> tuple[np.ndarray, np.ndarray]:
    """New boards, each with its own share of food: classes uint8 (B, 14, 14), frames uint8 (B, 84, 84, 3)."""
    games = [EgoGame("random", SIZE, 3, 0.3 * random.random(), None) for _ in range(count)]
    for game in games:
        game.reset(int(random.integers(2**62)))
    frames, cells = View("full", SIZE).draw(games)
    return cells, frames


def steps_from(sources: np.ndarray, free: np.ndarray) -> np.ndarray:
    """Breadth-first search: steps to each cell from the nearest source, float (B, H, W); inf: no way.

    Args:
        sources: bool (B, H, W).
        free: bool (B, H, W), where one can walk.
    """
    found = np.where(sources, 0.0, np.inf)
    reached = sources.copy()
    for steps in range(1, free[0].size):
        grown = reached.copy()
        grown[:, 1:] |= reached[:, :-1]
        grown[:, :-1] |= reached[:, 1:]
        grown[:, :, 1:] |= reached[:, :, :-1]
        grown[:, :, :-1] |= reached[:, :, 1:]
        new = grown & free & ~reached
        if not new.any():
            break
        found[new] = steps
        reached |= new
    return found


def truth(cells: np.ndarray, target: str) -> np.ndarray:
    """Steps from each cell to the target, round ghosts: float (B, H, W); inf where no way leads there."""
    return steps_from(np.isin(cells, TARGETS[target]), walkable(cells) & (cells != GHOST))


def spread(nodes: Tensor) -> float:
    """How unlike nodes (N, F) are: their deviation from the mean node, as a share of their size, 0 to 1."""
    size = nodes.square().mean()
    return float(((nodes - nodes.mean(0)).square().mean() / size).sqrt()) if size > 0 else 0.0


class Learner:
    """A network and its training.

    Args:
        layers, residual: see `GCN`.
        target: a name of `TARGETS`.
        seed: of the weights and the boards.

    Attributes:
        losses: one for each step.
        right: running mean: share of the cells whose most likely class is right.
        by_distance: the same for each true distance, and of how many cells; float (2, CLASSES).
    """

    def __init__(self, layers: int, residual: bool, target: str, seed: int) -> None:
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            self.network = GCN(layers, residual)
        self.target = target
        self._random = np.random.default_rng(seed)
        self._adam = Adam(self.network.parameters())
        self.losses: list[float] = []
        self.right = 0.0
        self.by_distance = np.zeros((2, CLASSES))

    @one_thread()
    def step(self) -> None:
        """One step of Adam on new boards, which are a test before they are learned from."""
        cells, _ = boards(self._random, BATCH)
        there = walkable(cells)
        true = torch.from_numpy(truth(cells, self.target)[there]).float()
        found = self.network(propagation(edges(cells), len(true)), features(cells))
        known = true.isfinite()
        right = true[known].long().clamp(max=CLASSES - 1)
        loss = cross_entropy(found[known], right)
        self._adam.descend(loss, RATE, clip=1.0)
        self._note(loss.item(), (found[known].argmax(1) == right).numpy(), right.numpy())

    def _note(self, loss: float, right: np.ndarray, true: np.ndarray) -> None:
        keep = _MEMORY if self.losses else 0.0
        self.losses.append(loss)
        self.right = keep * self.right + (1 - keep) * float(right.mean())
        now = np.stack([np.bincount(true, right, CLASSES), np.bincount(true, None, CLASSES)])
        self.by_distance = _MEMORY * self.by_distance + now


_CONTROLS: tuple[Control, ...] = (
    Slider("layers", "Layers", 1, 20, 8, 1, "How many steps far each cell can look."),
    Switch("residual", "Residual connections", True, "Each layer adds its output to its input."),
    Choice("target", "Steps to", tuple(TARGETS), "flag", "food: the nearest food, or the flag."),
    Button("board", "Another board"),
    Switch("sweep", "Try every depth", False, f"Each for {counted(TURN, 'step')}, in turn."),
)


class GCNLab:
    """The page: a board coloured by what the network thinks, beside the truth."""

    steps = 400

    def __init__(self, given: Given) -> None:
        self._seed, self._random = given.seed, np.random.default_rng([given.seed, 1])
        self.controls = _CONTROLS
        self._tried: dict[str, dict[int, float]] = {}
        self._new_board()
        self._begin()

    def _begin(self) -> None:
        """A new network, as the controls have it."""
        chosen = values(self.controls)
        self._layers, self._residual = int(chosen["layers"]), bool(chosen["residual"])
        self._target = str(chosen["target"])
        self.learner = Learner(self._layers, self._residual, self._target, self._seed)

    def _new_board(self) -> None:
        self.cells, frames = boards(self._random, 1)
        self._frame = frames[0]
        y, x = np.argwhere(self.cells[0] == PACMAN)[0].tolist()
        self._chosen = y, x

    def set(self, name: str, value: float | bool | str) -> None:
        self.controls = moved(self.controls, **{name: value})
        if name == "board":
            self._new_board()
        elif name == "target":
            self._tried = {}
        if name in ("layers", "residual", "target"):
            self._begin()

    def point(self, panel: str, x: float, y: float) -> None:
        y, x = (min(int(share * SIZE), SIZE - 1) for share in (y, x))
        if walkable(self.cells)[0, y, x]:
            self._chosen = (y, x)

    def step(self) -> None:
        self.learner.step()
        line = self._tried.setdefault("with residuals" if self._residual else "without", {})
        line[self._layers] = self.learner.right
        if values(self.controls)["sweep"] and len(self.learner.losses) >= TURN:
            self._next_depth()

    def _next_depth(self) -> None:
        """Each depth with residuals, then each without."""
        turns = [(layers, residual) for residual in (True, False) for layers in DEPTHS]
        now = turns.index((self._layers, self._residual)) if (self._layers, self._residual) in turns else -1
        layers, residual = turns[(now + 1) % len(turns)]
        self.controls = moved(self.controls, layers=layers, residual=residual)
        self._begin()

    def view(self) -> Sequence[Panel]:
        true, found = truth(self.cells, self._target)[0], distances(self.learner.network, self.cells)[0]
        there = np.isfinite(true)
        error = np.abs(found[there] - true[there]).mean()
        goal = "the flag" if self._target == "flag" else "food or the flag"
        predicted, real = (coloured(self._frame, self.cells[0], steps) for steps in (found, true))
        losses, depths = self.learner.losses, [str(number) for number in range(1, self._layers + 1)]
        by_distance = {counted(self._layers, "layer"): self._by_distance()}
        by_depth = {name: sorted(line.items()) for name, line in self._tried.items()}
        unlike = {"deviation from the mean cell": self._spreads()}
        now = (
            ("a layer", "H' = relu(P H W)" + " + H" * self._residual),
            ("P", "D^-1/2 (A + I) D^-1/2"),
            ("steps trained", f"{len(losses):,}"),
            ("exactly right", f"{self.learner.right:.1%} of the cells"),
            ("downhill leads nearer", f"{self._downhill(found, true):.1%} of the cells"),
        )
        note = f"wrong by {error:.1f} steps; {self._told(found)}"
        return (
            Picture(f"Predicted steps to {goal}", predicted, note, clicks=True),
            Picture(f"True steps to {goal}", real, self._told(true), clicks=True),
            self._known(),
            Curves("Exactly right, by distance", "steps", by_distance, (0.0, 1.0)),
            Curves("Exactly right, by depth", "layers", by_depth, (0.0, 1.0)),
            Curves("Loss", "step", {"of boards never seen before": list(enumerate(losses, 1))}),
            Bars("How different the cells are, layer by layer", depths, unlike, (0.0, 1.0)),
            Lines("Now", now),
        )

    def _told(self, steps: np.ndarray) -> str:
        return f"chosen cell: {steps[self._chosen]:.1f}"

    def _known(self) -> Picture:
        source = np.zeros_like(self.cells, bool)
        source[(0, *self._chosen)] = True
        near = steps_from(source, walkable(self.cells))[0] <= self._layers
        seen = np.kron(near, np.ones((6, 6), bool))[..., None]
        pixels = marked(np.where(seen, self._frame, self._frame // 4), self._chosen, 6)
        cells = f"{near.sum()} of {counted(int(walkable(self.cells).sum()), 'cell')}"
        return Picture("What the chosen cell can see", pixels, cells, clicks=True)

    def _by_distance(self) -> list[tuple[float, float]]:
        right, cells = self.learner.by_distance
        return [(steps, right[steps] / cells[steps]) for steps in np.flatnonzero(cells > 1).tolist()]

    @one_thread()
    @torch.inference_mode()
    def _spreads(self) -> list[float]:
        nodes = features(self.cells)
        layers = self.learner.network.hidden(propagation(edges(self.cells), len(nodes)), nodes)
        return [spread(each) for each in layers]

    @staticmethod
    def _downhill(found: np.ndarray, true: np.ndarray) -> float:
        """Share of the cells whose neighbour with the least prediction is truly nearer."""
        rim = np.pad(found, 1, constant_values=np.inf), np.pad(true, 1, constant_values=np.inf)
        ways = [
            (slice(1 + y, 1 + y + SIZE), slice(1 + x, 1 + x + SIZE))
            for y, x in ((0, 1), (0, -1), (1, 0), (-1, 0))
        ]
        predicted, steps = (np.stack([each[way] for way in ways]) for each in rim)
        chosen = np.take_along_axis(steps, predicted.argmin(0)[None], 0)[0]
        asked = np.isfinite(true) & (true > 0)
        return float((chosen < true)[asked].mean()) if asked.any() else 1.0

    def figures(self) -> dict[str, float]:
        true, found = truth(self.cells, self._target)[0], distances(self.learner.network, self.cells)[0]
        tried = {
            f"right, {counted(layers, 'layer')} {name}": right
            for name, line in self._tried.items()
            for layers, right in sorted(line.items())
        }
        return {
            "layers": float(self._layers),
            "loss": float(np.mean(self.learner.losses[-20:])) if self.learner.losses else 0.0,
            "exactly right": self.learner.right,
            "downhill leads nearer": self._downhill(found, true),
            "unlikeness of the cells in the last layer but one": self._spreads()[-2:][0],
            **tried,
        }


def coloured(frame: np.ndarray, cells: np.ndarray, steps: np.ndarray) -> np.ndarray:
    """A board's frame with its floor in colours: yellow is near, blue is far, grey is out of reach.

    Args:
        frame: uint8 (84, 84, 3), the night's.
        cells: uint8 (14, 14).
        steps: (14, 14), inf where there is no way.
    """
    share, marks = np.nan_to_num(steps, posinf=0.0) / _FAR, np.linspace(0, 1, len(_COLOURS))
    tint = np.stack([np.interp(share, marks, channel) for channel in _COLOURS.T], -1)
    tint[~np.isfinite(steps)] = _NOWHERE
    floor = np.kron(walkable(cells), np.ones((6, 6), bool)) & (frame == 0).all(-1)
    return np.where(floor[..., None], np.kron(tint, np.ones((6, 6, 1))), frame).astype(np.uint8)
