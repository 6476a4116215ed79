"""The lecture's other methods, each as something to play with: what a lab is, and which there are.

A lab is one file of this folder: the method, with its paper, and what a person can turn and see. A long one
is two, such as ``gan.py``, the method, and ``gan_page.py``, what a person sees of it. It knows neither window
nor process. The app shows any lab on one page (`gamesim.app.labs`), and ``main.py lab NAME --headless`` makes
the same pictures and figures without one. Whoever adds a lab adds one call of `register`, or, from another
package, an entry point of the group ``gamesim.labs`` that names an `Entry` (docs/adding.md).

Everything is about our game, so each lab has a ground truth: frames decode to cells exactly.
"""

import importlib.util
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from gamesim.errors import UserError
from gamesim.labs.controls import Control
from gamesim.labs.panels import Panel
from gamesim.registry import Registry, blamed, loaded


@dataclass(frozen=True)
class Given:
    """What a lab is made with.

    Attributes:
        seed: of its chance.
        data: a folder of recordings to learn from; None: the lab plays the games that it needs itself.
        checkpoint: a model's folder, for a lab that looks into one; None: the shipped one.
    """

    seed: int = 0
    data: Path | None = None
    checkpoint: Path | None = None


class Lab(Protocol):
    """One lab. It opens within a few seconds: what takes longer is done by `step`, a little at a time."""

    controls: Sequence[Control]
    """What a person can turn, press or choose, in the order of the page.

    Where the lab itself moves one (a button that draws all sliders anew, say), it replaces this by controls
    with the new values, and the page follows.
    """
    steps: int
    """How many steps ``main.py lab`` takes without a window."""

    def set(self, name: str, value: float | bool | str) -> None:
        """A control has a new value; a `Button` was pressed if ``value`` is True.

        What is being trained goes on with the new value; where the lab must begin anew, it does so.
        """
        ...

    def point(self, panel: str, x: float, y: float) -> None:
        """A person clicked in the panel of this title, at a share (0 to 1) of its width and of its height.

        A lab that derives from this class and has nothing to click into needs no such method.
        """

    def step(self) -> bool | None:
        """One step of what runs while the lab is not paused: at most 0.2 seconds of one core.

        Returns:
            False if nothing is left to do: it is called again after a control or a click changed something.
        """
        ...

    def view(self) -> Sequence[Panel]:
        """What is to be seen now, most important first; quick enough for ten times a second."""
        ...

    def figures(self) -> dict[str, float]:
        """What was measured so far, by name, for ``figures.json`` and the lab's page in docs/labs."""
        ...


@dataclass(frozen=True)
class Entry:
    """A lab as the menu and the command line know it.

    Attributes:
        name: for the command line, such as "vae".
        title: for people, such as "Variational autoencoder".
        about: one sentence: what there is to do and to see.
        paper: who, when, and in brackets where.
        make: "module:name" of a function that makes the `Lab` of a `Given`.
        needs: {module: extra}, the optional packages it cannot do without.
        reads: what of `Given` it looks at, beside the seed; "weights": its checkpoint is a folder that
            ``python -m gamesim.labs.train`` made, no model.
    """

    name: str
    title: str
    about: str
    paper: str
    make: str
    needs: tuple[tuple[str, str], ...] = ()
    reads: tuple[str, ...] = ("data", "checkpoint")

    @property
    def authors(self) -> str:
        """Who and when."""
        return self.paper.partition(" (")[0]

    def missing(self) -> str:
        """The extra that is not installed; "" if nothing is missing."""
        lacks = (extra for module, extra in self.needs if importlib.util.find_spec(module) is None)
        return next(lacks, "")

    def check(self, given: Given) -> None:
        """Makes sure that nothing is missing, and that it looks at all that is given.

        Raises:
            UserError: an extra is missing, or something would do nothing.
        """
        if extra := self.missing():
            raise UserError(f"the lab {self.name} needs the extra {extra}: pip install 'gamesim[{extra}]'")
        for what in ("data", "checkpoint"):
            reads = what in self.reads or (what == "checkpoint" and "weights" in self.reads)
            if getattr(given, what) is not None and not reads:
                raise UserError(f"the lab {self.name} takes no --{what}")

    def open(self, given: Given) -> Lab:
        """Makes the lab.

        Raises:
            UserError: see `check`; or what is given cannot be read.
        """
        self.check(given)
        with blamed(self.make):
            return loaded(self.make)(given)


_labs: Registry[Entry] = Registry(Entry, "gamesim.labs", "labs")
register, remove, entries = _labs.register, _labs.remove, _labs.all

for _entry in (
    Entry(
        "vae",
        "Variational autoencoder",
        "Watch a VAE learn to draw frames, turn the numbers in its z, and calculate with them.",
        "Kingma & Welling 2014 (arXiv 1312.6114)",
        "gamesim.labs.vae:VAELab",
    ),
    Entry(
        "gan",
        "Generative adversarial network",
        "Two networks learn to paint sprites and to tell them from real ones; make them collapse, cure them.",
        "Goodfellow et al. 2014 (arXiv 1406.2661)",
        "gamesim.labs.gan_page:GANLab",
        reads=("weights",),
    ),
    Entry(
        "cyclegan",
        "CycleGAN",
        "The night game becomes a garden and back, learned without a single pair of pictures.",
        "Zhu et al. 2017 (arXiv 1703.10593)",
        "gamesim.labs.cyclegan_page:CycleGANLab",
        reads=("weights",),
    ),
    Entry(
        "dqn",
        "Deep Q-network",
        "Watch a network learn to play, and what it expects of each key.",
        "Mnih et al. 2013 (arXiv 1312.5602)",
        "gamesim.labs.dqn:DQNLab",
        needs=(("stable_baselines3", "agents"), ("sb3_contrib", "agents")),
        reads=(),
    ),
    Entry(
        "gcn",
        "Graph convolutional network",
        "How far is the flag? A network that sees only a few steps far colours the board.",
        "Kipf & Welling 2017 (arXiv 1609.02907)",
        "gamesim.labs.gcn:GCNLab",
        reads=(),
    ),
    Entry(
        "fgsm",
        "Adversarial examples",
        "Change frames by too little to see: players go wrong, dreams remember walls that never were there.",
        "Goodfellow, Shlens & Szegedy 2015 (arXiv 1412.6572)",
        "gamesim.labs.fgsm_page:FGSMLab",
        reads=("checkpoint",),
    ),
):
    register(_entry)


def named(name: str) -> Entry:
    """The lab of this name.

    Raises:
        UserError: there is none.
    """
    if name not in entries():
        raise UserError(f"lab must be one of {', '.join(entries())}, not {name!r}")
    return entries()[name]
