"""CycleGAN's page: a running game, repainted both ways by cyclegan.py, beside its true other look."""

import time
from collections import deque
from typing import Any

import gymnasium as gym
import numpy as np
from numpy.typing import NDArray

from gamesim.agents.explorer import ExplorerPolicy
from gamesim.envs.sprites import decode, tiles
from gamesim.envs.walks import same_walk
from gamesim.labs import Given, Lab, weights
from gamesim.labs.controls import Choice, Control, Slider, Switch, moved, values
from gamesim.labs.cyclegan import CYCLE, IDENTITY, POOL, CycleGAN, tensor
from gamesim.labs.panels import Curves, Lines, Panel, Picture, Traces
from gamesim.labs.pictures import rows
from gamesim.labs.themes import GAMES, KINDS, Score, score, stream, total, twins
from gamesim.threads import one_thread

DREAMS = {"night": "tilemap-pacman", "garden": "tilemap-garden"}
"""Theme -> the shipped model that dreams it."""
DREAMT = 30
"""Steps of a dream, until the next begins with another walk."""
KEPT = 200
"""Frames of the running game that the figures speak of: the last ones."""

_WEIGHTS = ("trained", "untrained")
_CONTROLS: tuple[Control, ...] = (
    Choice(
        "weights",
        "Start with networks that are",
        _WEIGHTS,
        "trained",
        "Untrained ones begin to train at once.",
    ),
    Switch("train", "Train", help="Go on training the four networks, one step for each step of the game."),
    Slider(
        "cycle", "Weight of the cycle loss", 0, 20, CYCLE, 1, "At 0 a picture need not keep what was there."
    ),
    Slider(
        "identity", "Weight of the identity loss", 0, 10, IDENTITY, 0.5, "It makes the networks keep colours."
    ),
    Switch("pool", "Pool of 50 pictures", True, "Off: the discriminators see only the newest pictures."),
    Switch("swap", "Beside the layer swap", help="A dream re-skinned both by this and by GameGAN's swap."),
)


class CycleGANLab(Lab):
    """The bot plays a game, shown re-skinned both ways beside how it really looks in the other theme."""

    steps = KEPT

    def __init__(self, given: Given) -> None:
        self._seed, self._place = given.seed, given.checkpoint or weights.folder("cyclegan")
        self.controls = _CONTROLS
        self._games = twins(1, given.seed)
        self._streams = stream("night", 1, given.seed), stream("garden", 1, given.seed)
        self._model = CycleGAN(given.seed)
        weights.load(self._model, self._place)
        self._beside: Beside | None = None
        self._forget()

    def set(self, name: str, value: float | bool | str) -> None:
        self.controls = moved(self.controls, **{name: value})
        match name:
            case "weights":
                self._replace(shipped=value == "trained")
            case "swap":
                self._beside = Beside(self._seed) if value else None
                self._play()
            case "pool":
                for pool in self._model.pools:
                    pool.size = POOL if value else 0
            case "cycle" | "identity":
                setattr(self._model, name, float(value))

    def _replace(self, *, shipped: bool) -> None:
        old = self._model
        self._model = CycleGAN(self._seed, cycle=old.cycle, identity=old.identity)
        for pool, before in zip(self._model.pools, old.pools, strict=True):
            pool.size = before.size
        if shipped:
            weights.load(self._model, self._place)
        self.controls = moved(self.controls, train=not shipped)
        self._forget()

    def _forget(self) -> None:
        """Nothing that was measured holds for other networks."""
        self._losses, self._right = Traces(), Traces()
        self._scores = {theme: deque[Score](maxlen=KEPT) for theme in GAMES}
        self._took = deque[float](maxlen=KEPT)
        self._play()

    @one_thread()
    def step(self) -> None:
        if values(self.controls)["train"]:
            x, y = (tensor(next(pictures)) for pictures in self._streams)
            taken, losses = int(self._model.taken) + 1, self._model.step(x, y)
            self._losses.add(taken, losses)
            self._right.add(taken, {_way(theme): self._scores[theme][-1].right for theme in GAMES})
        self._play()

    def _play(self) -> None:
        """One step of the game, and what the generators make of it."""
        both, self._strips = next(self._games), {}
        for theme, other in _WAYS.items():
            began = time.process_time()
            painted = self._model.translated(both[theme], theme)
            self._took.append(1000 * (time.process_time() - began))
            back = self._model.translated(painted, other)
            self._scores[theme].append(score(both[theme], theme, painted, other, both[other]))
            self._strips[theme] = rows([both[theme][0], painted[0], back[0], both[other][0]])
        if self._beside is not None:
            self._beside.step(self._model)

    def view(self) -> list[Panel]:
        shown: list[Panel] = []
        for theme in _WAYS:
            now, note = self._scores[theme][-1], "real, painted, painted back, true"
            cells = f"{int(np.trace(now.confusion))} of {now.confusion.sum()} cells right"
            shown.append(Picture(_way(theme), self._strips[theme], f"{note}; {cells}"))
        if self._beside is not None:
            shown.append(self._beside.view())
        shown.append(Lines("Cells that kept their kind", self._rows()))
        for theme, other in _WAYS.items():
            title = f"What became of what, {_way(theme).lower()}"
            note = "rows: what it was; columns: what it became"
            shown.append(Picture(title, confusion(total(self._scores[theme]), theme, other), note))
        if losses := self._losses.lines():
            shown.append(Curves("Losses", "step", losses))
            shown.append(Curves("Cells right", "step", self._right.lines(), (0.0, 1.0)))
        return shown

    def _rows(self) -> list[tuple[str, str]]:
        rows = [("step of training", f"{int(self._model.taken):,}")]
        for theme in _WAYS:
            found = total(self._scores[theme])
            rows.append((_way(theme), f"{found.right:.1%} of all, {found.by_kind:.1%} as a mean over kinds"))
            rows.append(("", "; ".join(found.permuted()) or "nothing is swapped"))
        return [*rows, ("one frame, on one core", f"{np.median(self._took):.1f} ms")]

    def figures(self) -> dict[str, float]:
        found = {"steps": float(self._model.taken), "milliseconds": float(np.median(self._took))}
        for theme, other in _WAYS.items():
            judged = total(self._scores[theme])
            name = f"{theme}_to_{other}"
            found[f"{name}_right"], found[f"{name}_by_kind"] = judged.right, judged.by_kind
            found[f"{name}_error"], found[f"{name}_permuted"] = judged.error, float(len(judged.permuted()))
        return found | (self._beside.figures() if self._beside is not None else {})


class LayerSwap:
    """The other way to re-skin: a dream of the night, and the same over the background of one of the garden.

    Kim et al. 2020 (GameGAN), Eq. 14 and Sec. 4: a model with layers paints static and moving things apart,
    so that another model's static layer can take the place of its own. Here both are Tilemaps, one for each
    look. They dream the same walk under the same keys; what neither has seen yet, each makes up by itself.

    Attributes:
        night: uint8 (84, 84, 3), what the first model dreams.
        swapped: uint8 (84, 84, 3), its moving things over the second model's background.
    """

    def __init__(self, seed: int = 0) -> None:
        self._dreams: list[Any] = [
            gym.make("gamesim/Dream-v0", checkpoint=name, render_mode="rgb_array").unwrapped
            for name in DREAMS.values()
        ]
        self._bot, self._seed, self._left = ExplorerPolicy(seed), 100 * seed, 0
        self.step()

    def step(self) -> None:
        """Both dreams go on by one step, or begin where one of them has ended."""
        if self._left:
            action = int(self._bot.act(self.night[None], {})[0])
            over = [dream.step(action)[2] for dream in self._dreams]
            self._left = 0 if any(over) else self._left - 1
        else:
            self._begin()
        night, garden = (dream.internals() for dream in self._dreams)
        share = np.kron(night["mask"], np.ones((84 // len(night["mask"]),) * 2))[..., None]
        self.night = self._dreams[0].render()
        self.swapped = np.round(share * night["dynamic"] + (1 - share) * garden["static"]).astype(np.uint8)

    def _begin(self) -> None:
        walk = same_walk(*GAMES.values(), seed=self._seed)
        assert walk is not None, "the two games differ in their looks alone"
        *frames, actions = walk
        for dream, seen in zip(self._dreams, frames, strict=True):
            dream.reset(seed=self._seed, options={"frames": seen, "actions": actions})
        self._bot.reset(np.ones(1, bool))
        self._left, self._seed = DREAMT, self._seed + 20


def cells_kept(night: NDArray[np.uint8], swapped: NDArray[np.uint8]) -> float:
    """Share of the cells of a night (84, 84, 3) that are of the same kind in either look of the other."""
    kinds, far = zip(*(decode(swapped, theme) for theme in GAMES), strict=True)
    seen = np.where(far[0] <= far[1], kinds[0], kinds[1])
    return float((seen == decode(night)[0]).mean())


class Beside:
    """A dream of the night as a garden: repainted by a generator, and by the layer swap."""

    def __init__(self, seed: int) -> None:
        self._swap = LayerSwap(seed)
        self._kept = {"cyclegan": deque[float](maxlen=KEPT), "swap": deque[float](maxlen=KEPT)}

    def step(self, model: CycleGAN) -> None:
        swap = self._swap
        swap.step()
        painted = model.translated(swap.night[None], "night")[0]
        for name, picture in (("cyclegan", painted), ("swap", swap.swapped)):
            self._kept[name].append(cells_kept(swap.night, picture))
        self._strip = rows([swap.night, painted, swap.swapped])

    def view(self) -> Panel:
        ours, theirs = (f"{np.mean(kept):.1%}" for kept in self._kept.values())
        note = f"the dream, by CycleGAN ({ours} of cells right), by the layer swap ({theirs})"
        return Picture("A dream, re-skinned in two ways", self._strip, note)

    def figures(self) -> dict[str, float]:
        return {f"dream_{name}_right": float(np.mean(kept)) for name, kept in self._kept.items()}


_WAYS = {"night": "garden", "garden": "night"}


def _way(theme: str) -> str:
    return f"{theme.capitalize()} to {_WAYS[theme]}"


def confusion(judged: Score, theme: str, into: str) -> NDArray[np.uint8]:
    """A score as a picture: tiles of one look down the side, of the other along the top, shares within."""
    size, kinds = 12, list(KINDS)
    picture = np.zeros(((len(kinds) + 1) * (size + 1), (len(kinds) + 1) * (size + 1), 3), np.uint8)
    for i, kind in enumerate(kinds):
        at = slice((i + 1) * (size + 1), (i + 1) * (size + 1) + size)
        picture[at, :size], picture[:size, at] = tiles(size, theme)[kind], tiles(size, into)[kind]
        for j, share in enumerate(judged.shares[i]):
            across = slice((j + 1) * (size + 1), (j + 1) * (size + 1) + size)
            picture[at, across] = round(24 + 231 * float(share))
    return picture
