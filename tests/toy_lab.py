"""Labs that learn nothing: one with each kind of panel and control, and some that misbehave."""

import math
import os
import time

import numpy as np

from gamesim.errors import UserError
from gamesim.labs import Entry, Given
from gamesim.labs.controls import Button, Choice, Slider, Switch, moved
from gamesim.labs.panels import Bars, Curves, Lines, Picture

ABOUT = "A toy that counts: turn everything, click into the board, and see that each panel follows."
TOY = Entry("toy", "Toy", ABOUT, "Nobody, nowhere, never (arXiv 0000.00000)", "toy_lab:Toy")
LACKING = Entry("lacking", "Lacking", "It lacks a package.", "Nobody", "toy_lab:Toy", (("no_such", "labs"),))


class Toy:
    """Counts its steps; tells everything that it was told."""

    steps = 30

    def __init__(self, given: Given) -> None:
        self.given = given
        self.controls = [
            Slider("size", "Size of a step", 0, 16, 4, 1, help="How far each step goes, of 255 levels."),
            Slider("heat", "Heat", -1.0, 1.0, 0.0, help="Any number from -1 to 1."),
            Switch(
                "norm", "Batch normalisation", True, help="Without it the generator soon draws one thing."
            ),
            Choice("kind", "Kind", ("wall", "food", "ghost"), "food", help="What is looked for."),
            Choice(
                "model", "Model", ("gamegan-pacman", "world-model-places", "tilemap-pacman"), "tilemap-pacman"
            ),
            Button("shuffle", "Shuffle", help="Draws Heat anew."),
            Button("walk", "Walk"),
        ]
        self.told: list[tuple] = []
        self.count = 0
        self.pictures = 3
        self.random = np.random.default_rng(given.seed)
        self.board = self.random.integers(0, 255, (84, 84, 3), dtype=np.uint8)
        self.losses: list[tuple[float, float]] = []

    def set(self, name, value):
        self.told.append((name, value))
        if name == "shuffle":
            self.controls = moved(self.controls, heat=round(float(self.random.uniform(-1, 1)), 2))
        else:
            self.controls = moved(self.controls, **{name: value})

    def point(self, panel, x, y):
        self.told.append((panel, round(x, 2), round(y, 2)))
        self.board[int(y * 84), int(x * 84)] = 255

    def step(self):
        self.count += 1
        self.losses.append((self.count, math.exp(-self.count / 300) + self.random.normal(0, 0.03)))

    def view(self):
        grid = np.kron(self.board[:28, :112], np.ones((2, 2, 1), np.uint8))
        told = " ".join(map(str, self.told[-1])) if self.told else "nothing"
        return [
            Picture("Board", self.board, "click into it", clicks=True),
            Picture("Sign map", np.where(self.board > 127, 200, 40).astype(np.uint8), "max norm 4 of 255"),
            Picture("Attacked", 255 - self.board, "an action's probability falls from 0.93 to 0.12"),
            Curves(
                "Losses",
                "step",
                {"generator": self.losses, "discriminator": [(x, 1 - y) for x, y in self.losses]},
            ),
            Bars(
                "Probabilities",
                ["stay", "left", "right", "up", "down"],
                {"before": [0.1, 0.2, 0.5, 0.1, 0.1], "after": [0.3, 0.3, 0.1, 0.2, 0.1]},
                (0, 1),
            ),
            Bars("KL of each number", [], {"KL": [3 * math.exp(-i / 9) for i in range(32)]}),
            Lines(
                "Figures", [("Steps", str(self.count)), ("Told last", told), ("Seed", str(self.given.seed))]
            ),
            Picture("Samples", grid),
        ]

    def figures(self):
        return {"steps": float(self.count), "told": float(len(self.told))}


class Exploding(Toy):
    """Falls over at its third step."""

    def step(self):
        super().step()
        if self.count == 3:
            raise ValueError("the loss\nis not a number")


class Refusing(Toy):
    """Does not open with what it is given."""

    def __init__(self, given):
        raise UserError("it wants a model of places")


class Lost(Toy):
    """Needs a file that is not there."""

    def __init__(self, given):
        open("/no/such/disk.npz", "rb").close()


class Malformed(Toy):
    """Shows what cannot be drawn."""

    def view(self):
        return [Picture("Board", self.board / 255)]


class Killed(Toy):
    """Its process ends without a word."""

    def step(self):
        os._exit(9)


class Finite(Toy):
    """Has nothing left to do after five steps, until a control changes something."""

    def step(self):
        if self.count >= 5:
            return False
        super().step()

    def set(self, name, value):
        super().set(name, value)
        self.count = 0


class Silent(Toy):
    """Takes what it is told, and leaves its controls as they are."""

    def set(self, name, value):
        self.told.append((name, value))


class Slow(Toy):
    """Takes its time for a step, and keeps the interpreter's lock meanwhile."""

    def step(self):
        end = time.monotonic() + 0.2
        while time.monotonic() < end:
            pass
        super().step()


class Threads(Toy):
    """Says on how many threads torch computes."""

    def view(self):
        import torch

        return [Lines("Threads", [("torch", str(torch.get_num_threads()))])]


def toy(name: str) -> Entry:
    """One of the classes above as a lab."""
    return Entry(name.lower(), name, ABOUT, "Nobody", f"toy_lab:{name}")
