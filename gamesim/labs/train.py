"""Trains from scratch what a lab ships: ``python -m gamesim.labs.train cyclegan --out DIR``.

The weights are saved every two minutes, and where Ctrl-C stops it. Started again with the same folder it goes
on from them; Adam's moments and the pool of pictures begin anew.
"""

import argparse
import time
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path

import numpy as np
import torch
from torch import nn

from gamesim import outputs
from gamesim.envs.arguments import MOST_STEPS, check_seed, whole_number
from gamesim.errors import UserError
from gamesim.labs import cyclegan, fgsm, gan, imitator, modes, vae, weights
from gamesim.labs.subject import Played
from gamesim.labs.themes import stream
from gamesim.signals import Asked

Training = tuple[nn.Module, int, Iterator[dict[str, float]]]
"""What is trained, with a buffer ``taken`` (its steps); how many steps; and its steps, each giving losses."""

_EVERY = 120
"""Seconds from one saving to the next."""


def _cyclegan(seed: int) -> Training:
    model = cyclegan.CycleGAN(seed, steps=cyclegan.STEPS)
    nights, gardens = (stream(theme, 1, seed) for theme in ("night", "garden"))
    steps = (model.step(cyclegan.tensor(x), cyclegan.tensor(y)) for x, y in zip(nights, gardens, strict=True))
    return model, cyclegan.STEPS, steps


def _gan(seed: int) -> Training:
    model, pictures, chance = gan.GAN(seed), modes.sprites(), np.random.default_rng(seed)
    # Channels last, as convolutions in bfloat16 like it: nearly twice as fast.
    model.to(memory_format=torch.channels_last)  # pyright: ignore[reportCallIssue]

    def steps() -> Iterator[dict[str, float]]:
        while True:
            model.rules = gan.rules_after(int(model.taken))
            yield model.step(torch.from_numpy(pictures.draw(gan.SHIPPED_BATCH, chance))[:, None])

    return model, gan.STEPS, steps()


def _vae(seed: int) -> Training:
    model = vae.SmallVAE(seed)
    return model, vae.STEPS, iter(vae.Training(model, Played(seed), seed).step, None)


def _imitator(seed: int, objective: imitator.Objective = lambda loss, frames: loss(frames)) -> Training:
    torch.manual_seed(seed)
    model = imitator.Imitator()
    return model, imitator.STEPS, imitator.training(model, objective, seed)


TRAININGS: dict[str, Callable[[int], Training]] = {
    "cyclegan": _cyclegan,
    "gan": _gan,
    "imitator": _imitator,
    "imitator-hardened": partial(_imitator, objective=partial(fgsm.adversarial, epsilon=imitator.HARDENED)),
    "vae": _vae,
}
"""What is trained, of a seed."""


def train(name: str, place: Path, seed: int = 0, steps: int | None = None) -> dict[str, float]:
    """Train until ``steps`` steps are taken (None: the lab's own number) or a signal asks for the end.

    Returns:
        The last losses.

    Raises:
        UserError: the weights in ``place`` are damaged or of another network, or it cannot be written; a
            number is out of range.
    """
    steps = None if steps is None else whole_number("steps", steps, 1, MOST_STEPS)
    check_seed(seed)
    outputs.check_folder(place)
    model, all_steps, run = TRAININGS[name](seed)
    if (place / weights.FILE).exists():
        weights.load(model, place)
    taken, wanted, saved = int(model.get_buffer("taken")), steps or all_steps, time.monotonic()
    losses: dict[str, float] = {}
    with Asked() as signals:
        while taken < wanted and not signals.asked:
            losses, taken = next(run), taken + 1
            if time.monotonic() - saved > _EVERY:
                weights.save(model, place)
                saved = time.monotonic()
                print(taken, " ".join(f"{key} {value:.3f}" for key, value in losses.items()), flush=True)
    weights.save(model, place)
    return losses


def precision(*, bfloat16: bool) -> torch.autocast:
    """The context in which forward passes compute; it may last for any number of steps."""
    # A cache would keep the weights in bfloat16 as they were at the first step.
    return torch.autocast("cpu", torch.bfloat16, enabled=bfloat16, cache_enabled=False)


def main(words: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(
        prog="python -m gamesim.labs.train", description="Trains from scratch what a lab ships."
    )
    parser.add_argument("lab", choices=sorted(TRAININGS))
    parser.add_argument(
        "--out", type=Path, required=True, help="folder for the weights; continues from those in it"
    )
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--steps", type=int, help="steps in all (default: as for the shipped weights)")
    parser.add_argument("--bfloat16", action="store_true", help="faster on some processors")
    given = parser.parse_args(words)
    torch.set_num_threads(1)
    try:
        with precision(bfloat16=given.bfloat16):
            train(given.lab, given.out, given.seed, given.steps)
    except UserError as error:
        parser.exit(2, f"gamesim: {error}\n")
    except KeyboardInterrupt:
        parser.exit(130)


if __name__ == "__main__":
    main()
