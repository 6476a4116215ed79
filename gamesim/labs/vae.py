"""A variational autoencoder that learns frames of the game, small enough to watch.

Kingma & Welling 2014, "Auto-Encoding Variational Bayes" (arXiv 1312.6114). The networks are V's of World
Models (`gamesim.models.world_models.vision`), half as wide, with 64 numbers in z. A step draws frames
(Eq. 8), z of each by the reparameterisation (Sec. 2.4), and follows the gradient of Eq. 10:

    reconstruction + beta * KL,    z = mean + sigma * eps,    eps ~ N(0, I)

which is minus the evidence lower bound where beta is 1. Another beta is Higgins et al.'s (ICLR 2017), and
none of it in 0: an autoencoder that draws its z with noise, as little as it likes. Pixels are Bernoulli
(appendix C.1).
"""

from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor

from gamesim.config.world_models import VisionTraining, WorldModelModelConfig
from gamesim.labs import Given, pictures, weights
from gamesim.labs import vae_panels as panels
from gamesim.labs.adam import Adam
from gamesim.labs.arithmetic import CENTRE, THINGS, Cell
from gamesim.labs.controls import Button, Choice, Control, Slider, Value, moved, values
from gamesim.labs.panels import Curves, Panel, Traces
from gamesim.labs.subject import COUNT, Frames, Played, Recorded, Subject, of_checkpoint, of_games
from gamesim.models.world_models.vision import Vision, kl, reconstruction, reparameterised, see

CHANNELS, Z = 16, 64
BATCH, CLIP = 32, 1e4
"""Frames a step, and the length of a gradient at most."""
STEPS = 3000
"""Of the shipped weights: by then the rate has fallen to its least."""
PIXELS = VisionTraining()
"""Bernoulli pixels."""


class SmallVAE(Vision):
    """V with half the channels; `taken` is how many steps it has learned."""

    taken: Tensor

    def __init__(self, seed: int) -> None:
        with torch.random.fork_rng(devices=()):
            torch.manual_seed(seed)
            super().__init__(WorldModelModelConfig(channels=CHANNELS, z_size=Z))
        self.register_buffer("taken", torch.tensor(0))


def terms(vision: Vision, pixels: Tensor, noise: Tensor) -> tuple[Tensor, Tensor]:
    """The two terms of Eq. 10 with one draw of z, in nats, each (B,): reconstruction and KL divergence.

    Args:
        vision: the VAE.
        pixels: (B, 3, 64, 64) in [0, 1].
        noise: standard normal (B, Z), eps.
    """
    mean, log_variance = vision.encode(pixels)
    z = reparameterised(mean, log_variance, noise)
    return reconstruction(vision.logits(z), pixels, PIXELS), kl(mean, log_variance)


def loss(missed: Tensor, divergence: Tensor, beta: float) -> Tensor:
    """The loss, in nats a frame: a scalar."""
    return (missed + beta * divergence).mean()


def rate(taken: int) -> float:
    """The learning rate after so many steps: 1e-3, falling from the middle of the training on to 1e-4."""
    return 1e-3 * max(0.1, min(1.0, 2 * (1 - taken / STEPS)))


class Training:
    """Adam on `loss`; the chance is of a seed.

    Args:
        model: what is trained.
        frames: where frames come from.
        seed: of the draws.
    """

    def __init__(self, model: SmallVAE, frames: Frames, seed: int) -> None:
        self.model, self.frames = model, frames
        self.generator = torch.Generator().manual_seed(seed)
        self.optimizer = Adam(model.parameters())

    def step(self, beta: float = 1.0) -> dict[str, float]:
        """One step; returns both terms in nats a frame, by name."""
        pixels = see(self.frames.draw(BATCH, self.generator))
        noise = torch.randn(BATCH, Z, generator=self.generator)
        missed, divergence = terms(self.model, pixels, noise)
        self.optimizer.descend(loss(missed, divergence, beta), rate(int(self.model.taken)), CLIP)
        self.model.taken += 1
        return {"reconstruction": missed.detach().mean().item(), "KL": divergence.detach().mean().item()}


# ---------------------------------------------------------------------------------- the lab

SMALL = "small VAE, learns here"
SHIPPED = ("world-model-places", "world-model-takecover", "world-model-carracing")
HELD_OUT = 1_000_000
"""So far from the seed of the games that are learned is that of the frames which are looked at."""
TURNED = ("1st", "2nd", "3rd", "4th")
"""Numbers of z that have sliders: those with the most KL."""
REACH = 6.0
"""How far a slider moves a number."""
MEASURED: tuple[Cell, ...] = ((1, 3), (3, 1), (3, 5), (5, 3))
"""Cells that the figures of the arithmetic are means of."""


class VAELab:
    """See `gamesim.labs.Lab`. One V is looked into at a time: the one that learns, or a World Model's."""

    steps = 100

    def __init__(self, given: Given) -> None:
        self.seed = given.seed
        self.source: Frames = Recorded(given.data) if given.data else Played(given.seed)
        self.frames = self.source.draw(COUNT, torch.Generator().manual_seed(given.seed))
        if given.data is None:
            self.frames = of_games(COUNT, given.seed + HELD_OUT)
        mine = () if given.checkpoint is None else (str(given.checkpoint),)
        self.controls: Sequence[Control] = _controls((*mine, SMALL, *SHIPPED))
        self.cell: Cell = (3, 5)
        self.subjects: dict[str, Subject] = {}
        self._made: dict[str, tuple[object, Any]] = {}
        self._begin(trained())
        self._look_into(str(self.values["model"]))

    # what a person does ------------------------------------------------------------------------------

    def set(self, name: str, value: float | bool | str) -> None:
        if name == "untrained":
            self._begin(SmallVAE(self.seed))
        elif name == "model":
            self._look_into(str(value))
        self.controls = moved(self.controls, **{name: value})

    def point(self, panel: str, x: float, y: float) -> None:
        if panel == panels.FRAMES:
            self.set("frame", 1 + min(panels.SHOWN - 1, int(x * panels.SHOWN)))
        elif panel == panels.MAP:
            codes = self._codes()
            way = torch.tensor(pictures.at(x, y, codes.reach)) - codes.two[self._number("frame")]
            first, second = way.clamp(-REACH, REACH).tolist()
            self.controls = moved(self.controls, z1=round(first, 1), z2=round(second, 1))
        elif panel == panels.CELL and (cell := (min(6, int(y * 7)), min(6, int(x * 7)))) != CENTRE:
            self.cell = cell

    @property
    def values(self) -> dict[str, Value]:
        return values(self.controls)

    # training ----------------------------------------------------------------------------------------

    def step(self) -> bool:
        """Train the small VAE, if it is looked into, and have the next panel made anew."""
        if self.values["model"] != SMALL:
            return False
        losses = self.training.step(float(self.values["beta"]))
        taken, names = int(self.training.model.taken), ["codes", *self._makers()]
        self.traces.add(taken, losses)
        self._made.pop(names[taken % len(names)], None)
        return True

    def _begin(self, model: SmallVAE) -> None:
        """Train this one from here on."""
        self.training = Training(model, self.source, self.seed)
        self.traces = Traces()
        self.subjects[SMALL] = Subject(model, self.frames, PIXELS, self.source.decodes)
        self._made = {}

    def _look_into(self, model: str) -> None:
        if model not in self.subjects:
            self.subjects[model] = of_checkpoint(model, self.seed + HELD_OUT)
        self._made = {}

    # what is seen ------------------------------------------------------------------------------------

    def view(self) -> Sequence[Panel]:
        made = [self._get(name, of, make) for name, (of, make) in self._makers().items()]
        if self.values["model"] == SMALL:
            lines = self.traces.lines("reconstruction", "KL")
            made.insert(1, Curves("Loss, in nats a frame", "step", lines))
        return made

    def _makers(self) -> dict[str, tuple[object, Callable[[], Panel]]]:
        """Panels by name: what each is made of beside the model, and what makes it."""
        subject, codes, cell = self.subjects[str(self.values["model"])], self._codes, self.cell
        frame, other, alpha = self._number("frame"), self._number("other"), float(self.values["alpha"])
        shifts = tuple(float(self.values[f"z{i}"]) for i in range(1, 1 + len(TURNED)))
        thing = str(self.values["thing"])
        frame, other = (min(i, len(subject.frames) - 1) for i in (frame, other))
        made: dict[str, tuple[object, Callable[[], Panel]]] = {
            "frames": ((), lambda: panels.frames(subject, codes())),
            "nats": ((), lambda: panels.nats(codes())),
            "prior": ((), lambda: panels.prior(subject, codes())),
            "moved": ((frame, shifts), lambda: panels.moved(subject, codes(), frame, torch.tensor(shifts))),
            "chart": ((frame, shifts), lambda: panels.chart(codes(), frame, torch.tensor(shifts))),
            "walk": ((frame, other), lambda: panels.walk(subject, codes(), frame, other)),
            "draw": (frame, lambda: panels.draw_of_z(codes(), frame)),
            "numbers": (frame, lambda: panels.in_numbers(subject, codes(), frame)),
        }
        if subject.decodes:
            made |= {
                "cell": ((frame, cell), lambda: panels.cell(subject, frame, cell)),
                "added": ((cell, thing, alpha), lambda: panels.added(subject, cell, thing, alpha)),
                "by alpha": ((cell, thing), lambda: panels.by_alpha(subject, cell, thing)),
                "sums": (cell, lambda: panels.sums(subject, cell)),
            }
        return made

    def _number(self, name: str) -> int:
        """Which frame a slider means, from 0."""
        return int(self.values[name]) - 1

    def _codes(self) -> panels.Codes:
        subject = self.subjects[str(self.values["model"])]
        return self._get("codes", (), lambda: panels.codes(subject))

    def _get(self, name: str, made_of: object, make: Callable[[], Any]) -> Any:
        """What has this name; it is made if it is not there, or was made of something else."""
        if name not in self._made or self._made[name][0] != made_of:
            self._made[name] = made_of, make()
        return self._made[name][1]

    def figures(self) -> dict[str, float]:
        """Of the small VAE and of V by places, and of what else was looked into: see docs/labs/vae.md."""
        for model in (SMALL, SHIPPED[0]):
            if model not in self.subjects:
                self.subjects[model] = of_checkpoint(model, self.seed + HELD_OUT)
        found = {"small.steps": float(self.training.model.taken)}
        for model, subject in self.subjects.items():
            name = "small" if model == SMALL else model
            found |= {f"{name}.{what}": value for what, value in panels.figures(subject, MEASURED).items()}
        return found


def _controls(models: tuple[str, ...]) -> Sequence[Control]:
    return (
        Choice("model", "Model", models, models[0], "The VAE that learns here, or V of a World Model"),
        Slider("beta", "Beta, weight of the KL", 0, 8, 1, 0.1, "1: the evidence lower bound. 0: no KL"),
        Button("untrained", "Train from nothing", "The small VAE forgets all that it has learned"),
        Slider("frame", "Frame", 1, panels.SHOWN, 1, 1, "One of the frames above; you can also click on it"),
        Slider("other", "Walk to frame", 1, panels.SHOWN, 2, 1, "The frame at the end of the walk"),
        *(
            Slider(f"z{i}", f"Move the {nth} number", -REACH, REACH, 0, 0.1, "The numbers with the most KL")
            for i, nth in enumerate(TURNED, 1)
        ),
        Choice("thing", "Add", tuple(THINGS), next(iter(THINGS)), "What the arithmetic adds to frames"),
        Slider("alpha", "Alpha", 0, 3, 1, 0.1, "The factor with which the vector is added"),
    )


def trained() -> SmallVAE:
    """The small VAE as it is shipped."""
    model = SmallVAE(0)
    weights.load(model, weights.folder("vae"))
    return model
