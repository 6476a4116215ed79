"""A graph convolutional network on the cells of a board, and a player that follows it.

Kipf & Welling 2017, "Semi-Supervised Classification with Graph Convolutional Networks" (arXiv 1609.02907). A
layer (Eq. 2) lets each node see its neighbours once:

    H' = relu(D^-1/2 (A + I) D^-1/2 H W)

The nodes are the cells where one can walk, an edge joins two that touch, and what a node brings along is what
its cell shows. As in the paper the last layer is a softmax over classes (Eq. 9), learned by cross-entropy
(Eq. 10): here a class is a number of steps to the goal. Biases are those of the authors' code, the residual
connections those of their Appendix B (Eq. 14).

The weights do not know how many nodes there are or where they lie. So a network that learned on whole boards
reads the 7x7 cells of a player's view, too.
"""

from itertools import pairwise
from pathlib import Path
from typing import Any

import gymnasium as gym
import numpy as np
import safetensors.torch
import torch
from safetensors import SafetensorError
from torch import Tensor, nn

from gamesim import storage
from gamesim.agents.policy import check_view
from gamesim.envs.layouts import DOOR, FLAG, FOOD, GHOST, OUTSIDE, PACMAN, WALL
from gamesim.envs.rules import DELTAS
from gamesim.envs.sprites import decode
from gamesim.errors import UserError
from gamesim.shipped import MODELS, folder
from gamesim.text import one_line
from gamesim.threads import one_thread

SHOWN = (FOOD, FLAG, GHOST, PACMAN)
"""What of a cell a node brings along: a number for each, 1 or 0."""
WIDTH = 32
CLASSES = 31
"""Steps to the goal: 0, 1, ..., 30 or more."""
EPSILON = 0.05
"""Share of actions by chance, so that a wrong prediction does not stop a player for ever."""
_WAYS = np.array(DELTAS)[:, ::-1]  # (y, x) of each action


def walkable(cells: np.ndarray) -> np.ndarray:
    """Classes uint8 (..., H, W) -> where the nodes are, bool (..., H, W)."""
    return ~np.isin(cells, (WALL, OUTSIDE, DOOR))


def features(cells: np.ndarray) -> Tensor:
    """X: classes uint8 (B, H, W) -> what nodes bring along, float32 (N, 4), board by board, row by row."""
    nodes = cells[walkable(cells)]
    return torch.from_numpy((nodes[:, None] == np.array(SHOWN)).astype(np.float32))


def edges(cells: np.ndarray) -> np.ndarray:
    """A: classes uint8 (B, H, W) -> pairs of nodes that touch, each in both orders, int64 (2, E)."""
    there = walkable(cells)
    number = np.where(there, np.cumsum(there).reshape(there.shape) - 1, -1)
    pairs = [(number[:, :, :-1], number[:, :, 1:]), (number[:, :-1], number[:, 1:])]
    joined = np.concatenate([np.stack([one.ravel(), other.ravel()]) for one, other in pairs], 1)
    joined = joined[:, (joined >= 0).all(0)]
    return np.concatenate([joined, joined[::-1]], 1)


def propagation(edges: np.ndarray, nodes: int) -> Tensor:
    """D^-1/2 (A + I) D^-1/2 of Eq. 2, sparse (N, N); D holds the row sums of A + I.

    Args:
        edges: int64 (2, E), each edge in both orders, without those from a node to itself.
        nodes: N.
    """
    itself = np.arange(nodes)
    rows, columns = np.concatenate([edges, np.stack([itself, itself])], 1)
    degree = np.bincount(rows, minlength=nodes)
    weights = 1 / np.sqrt(degree[rows] * degree[columns])
    places = torch.from_numpy(np.stack([rows, columns]))
    values = torch.from_numpy(weights).float()
    return torch.sparse_coo_tensor(places, values, (nodes, nodes), check_invariants=True).coalesce()


class GraphConvolution(nn.Module):
    """P H W + b: one layer of Eq. 2 before its relu, P being what `propagation` gives."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.empty(inputs, outputs))
        self.bias = nn.Parameter(torch.zeros(outputs))
        nn.init.xavier_uniform_(self.weight)  # as in the paper: Glorot & Bengio 2010

    def forward(self, spread: Tensor, nodes: Tensor) -> Tensor:
        """P (N, N) and H (N, inputs) -> (N, outputs)."""
        return spread @ (nodes @ self.weight) + self.bias


class GCN(nn.Module):
    """A graph convolutional network that tells each node's class, its steps to the goal.

    Args:
        layers: how often a node sees its neighbours, at least 1: what lies further away cannot matter.
        residual: whether a layer adds to what it was given (Eq. 14), all but the first and the last.
    """

    def __init__(self, layers: int, residual: bool = True) -> None:
        super().__init__()
        widths = [len(SHOWN), *[WIDTH] * (layers - 1), CLASSES]
        self.residual = residual
        self.layers = nn.ModuleList(GraphConvolution(inputs, outputs) for inputs, outputs in pairwise(widths))

    def forward(self, spread: Tensor, nodes: Tensor) -> Tensor:
        """P (N, N) and X (N, 4) -> logits of the steps to the goal, (N, CLASSES)."""
        return self.hidden(spread, nodes)[-1]

    def hidden(self, spread: Tensor, nodes: Tensor) -> list[Tensor]:
        """What each layer gives, H of Eq. 2: (N, WIDTH) each, and the logits from the last."""
        found: list[Tensor] = []
        for number, layer in enumerate(self.layers, 1):
            given, nodes = nodes, layer(spread, nodes)
            if number < len(self.layers):
                nodes = torch.relu(nodes)
                nodes = nodes + given if self.residual and number > 1 else nodes
            found.append(nodes)
        return found


@one_thread()
@torch.inference_mode()
def distances(network: GCN, cells: np.ndarray) -> np.ndarray:
    """Classes uint8 (B, H, W) -> expected steps to the goal, float32 (B, H, W); inf where no node is."""
    there = walkable(cells)
    chances = network(propagation(edges(cells), int(there.sum())), features(cells)).softmax(1)
    found = np.full(cells.shape, np.inf, np.float32)
    found[there] = (chances @ torch.arange(CLASSES, dtype=torch.float32)).numpy()
    return found


class GCNPolicy:
    """Follows the network: moves to the cell that is the fewest steps away from something to eat.

    The network knows nothing of how ghosts move. So a cell where one may be after the step comes last, and a
    cell where one is does not come into question.

    Args:
        network: that predicts the steps to the nearest food or flag.
        seed: of its chance.
        theme: the look of the game.
    """

    player = "gcn"

    def __init__(self, network: GCN, seed: int = 0, theme: str = "night") -> None:
        self.network, self._theme = network, theme
        self._random = np.random.default_rng(seed)

    def act(self, frames: np.ndarray, info: dict[str, Any]) -> np.ndarray:
        """Frames uint8 (N, 84, 84, 3) -> actions int64 (N,)."""
        cells = decode(frames, self._theme)[0]
        there = np.array([3, 3]) + _WAYS
        steps = distances(self.network, cells)[:, there[:, 0], there[:, 1]]
        steps[:, 0] = 1e3  # to stay is better than danger, and worse than any step
        ghosts = np.pad(cells == GHOST, ((0, 0), (1, 1), (1, 1)))
        near = np.any([ghosts[:, 1 + y : 8 + y, 1 + x : 8 + x] for y, x in _WAYS], 0)
        steps += 1e4 * near[:, there[:, 0], there[:, 1]] + 1e5 * (cells == GHOST)[:, there[:, 0], there[:, 1]]
        anything = self._random.integers(len(_WAYS), size=len(frames))
        return np.where(self._random.random(len(frames)) < EPSILON, anything, steps.argmin(1))

    def reset(self, mask: np.ndarray) -> None:
        """It remembers nothing."""


def player(seed: int, env: gym.vector.VectorEnv, settings: dict[str, Any]) -> GCNPolicy:
    """The network that comes with gamesim, for ``record --policy gcn``.

    Raises:
        UserError: The game does not look like our 7x7 view.
    """
    check_view(env, "the GCN")
    return GCNPolicy(load(shipped()), seed, theme=settings.get("theme", "night"))


def save(network: GCN, path: str | Path) -> None:
    """Writes the network's weights, float32, and how it is built."""
    said = {"layers": str(len(network.layers)), "residual": str(int(network.residual))}
    storage.write_file(Path(path), safetensors.torch.save(network.state_dict(), said))


def load(path: str | Path) -> GCN:
    """Reads a network of `save`.

    Raises:
        UserError: there is none, or it is damaged.
    """
    try:
        with safetensors.safe_open(path, "pt") as file:
            said = file.metadata() or {}
            network = GCN(int(said["layers"]), said["residual"] == "1")
            network.load_state_dict({name: file.get_tensor(name) for name in file.keys()})  # noqa: SIM118
    except (OSError, SafetensorError, KeyError, ValueError, RuntimeError) as error:
        raise UserError(f"{path}: not the weights of a GCN ({one_line(error)})") from None
    return network.eval()


def shipped() -> Path:
    """The file of the network that comes with gamesim."""
    return folder(MODELS) / "labs" / "gcn" / "food.safetensors"
