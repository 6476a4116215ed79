"""The GAN's page: the networks of gan.py learn on screen; what makes them fail, and what cures it."""

import importlib.util
import math
from collections import deque

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from gamesim.labs import Given, Lab, weights
from gamesim.labs.controls import Button, Choice, Control, Slider, Switch, Value, moved, values
from gamesim.labs.gan import BATCH, GAN, NOISE, R1, Rules, count
from gamesim.labs.modes import Pictures, checkerboard, covered, digits, evenness, shares, sprites
from gamesim.labs.panels import Bars, Curves, Lines, Panel, Picture, Traces
from gamesim.labs.pictures import rows
from gamesim.threads import one_thread

WINDOW = 512
"""Painted pictures that modes are counted in: the last ones."""
_SHOWN, _AT_ONCE = 16, 64
"""Pictures that are shown, and those that are painted to count modes in before any step."""
_EVERY = 10
"""One step of so many is spent on painting what is shown from the fixed z."""
_SECOND_STEPS = 5
_WEIGHTS = ("trained", "untrained")
_BEGINNINGS = ("weights", "norm", "growth", "data")
"""Controls with which the networks begin anew: the trained ones are those of the lecture, for sprites."""
_GROWTH = ("upsampling", "transposed")
_PACES = {"normal": 1.0, "ten times": 10.0}
_JUDGE_PACES = {"a quarter": 0.25, "the same": 1.0, "twice": 2.0}
_DATA = {"sprites": sprites, "digits": digits}
_FOUND = tuple(_DATA) if importlib.util.find_spec("sklearn") else ("sprites",)
_CURES: dict[str, dict[str, Value]] = {
    "collapse": {"noise": 0.0, "r1": 0.0, "judge_rate": "a quarter"},
    "cure": {"noise": NOISE[1], "r1": R1, "judge_rate": "twice"},
}
"""What the two buttons set."""

_CONTROLS: tuple[Control, ...] = (
    Choice("weights", "Begin with networks that are", _WEIGHTS, "trained", "Trained ones come with the lab."),
    Choice("data", "Pictures", _FOUND, "sprites", "Starts again. Digits need the extra labs."),
    Button("collapse", "Take the cures away", "No noise, no R1, and D learns at a quarter of G's rate."),
    Button("cure", "Give the cures back", "As the trained networks were trained in the end."),
    Slider(
        "noise", "Noise on what D sees", 0, 0.5, NOISE[1], 0.05, "Its standard deviation; pixels are -1 to 1."
    ),
    Slider("r1", "R1", 0, 10, R1, 0.5, "How strongly D is kept flat at real pictures."),
    Choice("judge_rate", "D's rate, relative to G's", tuple(_JUDGE_PACES), "twice", "How fast D learns."),
    Choice("rate", "Learning rates", tuple(_PACES), "normal", "The learning rates of both networks."),
    Choice("judge", "Steps of D for each of G", ("1", "5", "never"), "1", "Never: D stays as it is."),
    Slider(
        "penalty", "Gradient penalty", 0, 10, 0, 1, "How strongly D's slope is pulled to 1; 10 in its paper."
    ),
    Switch(
        "average",
        "Show an average of G",
        True,
        "An average of its weights over the last hundred steps or so.",
    ),
    Switch("norm", "Batch norm", True, "Starts again."),
    Choice(
        "growth",
        "How G enlarges pictures",
        _GROWTH,
        _GROWTH[0],
        "Upsampling and a convolution, or a transposed convolution. Starts again.",
    ),
)


class GANLab(Lab):
    """The lecture's GAN, trained before one's eyes on sprites; what makes it fail, and what cures it."""

    steps = 200

    def __init__(self, given: Given) -> None:
        self._seed, self._place = given.seed, given.checkpoint or weights.folder("gan")
        self.controls = _CONTROLS
        self._begin()

    def set(self, name: str, value: float | bool | str) -> None:
        if name in _BEGINNINGS and value == self._value(name):
            return
        self.controls = moved(self.controls, **_CURES.get(name, {name: value}))
        match name:
            case "weights" if value == "trained":
                self.controls = moved(self.controls, norm=True, growth=_GROWTH[0], data="sprites")
            case "norm" | "growth" | "data":
                self.controls = moved(self.controls, weights="untrained")
            case "average":
                self._look_again()
        self._model.rules = self._rules()
        if name in _BEGINNINGS:
            self._begin()

    def _value(self, name: str) -> Value:
        return values(self.controls)[name]

    def _rules(self) -> Rules:
        return Rules(
            pace=_PACES[str(self._value("rate"))],
            judge_pace=_JUDGE_PACES[str(self._value("judge_rate"))],
            noise=float(self._value("noise")),
            r1=float(self._value("r1")),
            penalty=float(self._value("penalty")),
        )

    def _begin(self) -> None:
        """New networks, as the controls have them."""
        self._pictures: Pictures = _DATA[str(self._value("data"))]()
        self._chance = np.random.default_rng(self._seed)
        transposed = self._value("growth") == "transposed"
        self._model = GAN(self._seed, batch_norm=bool(self._value("norm")), transposed=transposed)
        self._model.rules = self._rules()
        if self._value("weights") == "trained":
            weights.load(self._model, self._place)
        self._z = self._model.latent(_SHOWN)
        self._traces, self._found = Traces(), deque[int](maxlen=WINDOW)
        self._steps = 0
        self._look_again()

    def _look_again(self) -> None:
        """Other networks paint, or the same ones otherwise: what was counted holds no longer."""
        self._paint()
        self._found.clear()
        if int(self._model.taken):
            self._find(self._generate(self._model.latent(_AT_ONCE)))

    @one_thread()
    def step(self) -> None:
        self._steps += 1
        if self._steps % _EVERY == 0:
            self._paint()
            return
        real = torch.from_numpy(self._pictures.draw(BATCH, self._chance))[:, None]
        judge = self._value("judge")
        paint = judge != str(_SECOND_STEPS) or int(self._model.taken) % _SECOND_STEPS == 0
        told = self._model.step(real, judge=judge != "never", paint=paint)
        self._find(self._generate(self._model.latent(BATCH)))
        self._traces.add(int(self._model.taken), {**told, "modes": float(covered(self._shares()).sum())})

    def _paint(self) -> None:
        """What G makes of the z that stay the same."""
        self._samples = self._generate(self._z)

    @torch.inference_mode()
    def _generate(self, z: Tensor) -> NDArray[np.float32]:
        """Pictures float32 (N, 28, 28) without a trace in the moving means of batch norm."""
        painter = self._model.average if self._value("average") else self._model.generator
        painter.eval()
        pictures = painter(z)[:, 0].numpy()
        painter.train()
        return pictures

    def _find(self, pictures: NDArray[np.float32]) -> None:
        self._found.extend(self._pictures.found(pictures).tolist())

    def _shares(self) -> NDArray[np.float64]:
        return shares(self._found, len(self._pictures.kinds))

    def view(self) -> list[Panel]:
        pictures, kinds = self._pictures, self._pictures.kinds
        found, lit = self._shares(), covered(self._shares())
        modes = f"{lit.sum()} of {len(kinds)} modes in the last {len(self._found)} pictures"
        lines = self._traces.lines
        shown: list[Panel] = [
            Picture("Painted from a fixed z", _sheet(self._samples), "each from the same z all the time"),
            Picture("Real", _sheet(pictures.draw(_SHOWN, np.random.default_rng(0)))),
            Picture("Modes, lit if covered", _sheet(self._modes(lit)), modes),
        ]
        if self._found:
            shown.append(Bars("What is painted", kinds, {"share": found.tolist()}))
        if lines():
            shown += [
                Curves("Losses", "step", lines("loss of D", "loss of G")),
                Curves("What D says", "step", lines("D(real)", "D(painted)"), (0.0, 1.0)),
                Curves("Modes covered", "step", lines("modes"), (0.0, float(len(kinds)))),
            ]
        return [*shown, Lines("In numbers", self._rows())]

    def _modes(self, lit: NDArray[np.bool_]) -> NDArray[np.float32]:
        """A real picture of each kind, dark if G does not paint it."""
        pictures = self._pictures
        real = [pictures.all[np.argmax(pictures.kind == kind)] for kind in range(len(lit))]
        return np.stack([each if on else (each + 1) / 5 - 1 for each, on in zip(real, lit, strict=True)])

    def _rows(self) -> list[tuple[str, str]]:
        found = self.figures()
        worth = f"{found['value']:.3f}" if "value" in found else "not yet"
        return [
            ("step", f"{int(self._model.taken):,}"),
            ("parameters of G", f"{count(self._model.generator):,}"),
            ("parameters of D", f"{count(self._model.discriminator):,}"),
            ("value V(D, G)", worth),
            ("... when D can only guess", f"-log 4 = {-math.log(4):.3f}"),
            ("like a real picture", f"{found['similar']:.0%}"),
            ("evenness of the modes, 1 at most", f"{found['evenness']:.2f}"),
            ("checkerboard", f"{100 * found['checkerboard']:.1f} % of the contrast"),
        ]

    def figures(self) -> dict[str, float]:
        """``similar``: share of painted pictures that are like a real one; ``evenness``: of their kinds.

        ``value``: the last V(D, G).
        """
        shown = self._shares()
        found = {
            "steps": float(self._model.taken),
            "modes": float(covered(shown).sum()),
            "similar": float(shown.sum()),
            "evenness": evenness(shown),
            "checkerboard": checkerboard(self._samples),
        }
        lasts = {name: points[-1][1] for name, points in self._traces.lines().items() if points}
        if "loss of D" in lasts:
            found |= {"value": -lasts["loss of D"], "d_real": lasts["D(real)"]}
        return found


def _sheet(pictures: NDArray[np.float32]) -> NDArray[np.uint8]:
    """Pictures float32 (N, 28, 28), -1 to 1, in rows of four and twice as large: uint8 (H, W, 3)."""
    grey = np.round((pictures.clip(-1, 1) + 1) * 127.5).astype(np.uint8)[..., None].repeat(3, -1)
    sheet = rows(*np.split(grey, range(4, len(grey), 4)))
    return sheet.repeat(2, 0).repeat(2, 1)
