"""What V loses of a game, and whether its numbers are used: the first thing to look at where C is stuck.

    python benchmarks/vision_error.py MODEL [MODEL ...] --data FOLDER [--sheet FILE.png]

Record games from which no V has learned. Every frame goes through each model's V and back, from the mean of
q. The table shows the squared error of a frame (pixels in [0, 1], summed): its mean, and its 99th percentile,
at which rare frames are; the KL divergence in nats; and how many numbers of z vary, that is, have a standard
deviation above 0.2 over all frames. The sheet shows the frames that the first model's V misses most, and
below them what each V makes of them.
"""

import argparse
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from gamesim.checkpoint import load_model
from gamesim.data.episode import Episode
from gamesim.data.store.index import scan
from gamesim.models.world_models.vision import Vision, kl, see, show

COLUMNS = 14
APART = 6
"""Frames of the sheet are at least as many steps apart."""
GAP = 2
BATCH = 256


@torch.inference_mode()
def through(vision: Vision, frames: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Squared errors (N,), KL divergences (N,) and means of q (N, Z) for frames uint8 (N, H, W, 3)."""
    parts = []
    for batch in frames.split(BATCH):
        pixels = see(batch, vision.side)
        mean, log_variance = vision.encode(pixels)
        error = (vision.decode(mean) - pixels).square().sum((1, 2, 3))
        parts.append((error, kl(mean, log_variance), mean))
    errors, nats, means = (torch.cat(part) for part in zip(*parts, strict=True))
    return errors, nats, means


def worst(errors: Tensor, count: int = COLUMNS) -> list[int]:
    """Places of the largest errors, the worst first, no two of them next to each other."""
    found: list[int] = []
    for place in errors.argsort(descending=True).tolist():
        if len(found) < count and all(abs(place - other) >= APART for other in found):
            found.append(place)
    return found


@torch.inference_mode()
def sheet(visions: list[Vision], frames: Tensor) -> np.ndarray:
    """Frames uint8 (N, H, W, 3) in a row, and what each V makes of them below: uint8 (H', W', 3)."""
    side = frames.shape[1]
    rows = [frames, *(show(v.decode(v.encode(see(frames, v.side))[0]), side) for v in visions)]
    step = side + GAP
    paper = np.full((len(rows) * step - GAP, len(frames) * step - GAP, 3), 255, np.uint8)
    for y, row in enumerate(rows):
        for x, frame in enumerate(row.numpy()):
            paper[y * step : y * step + side, x * step : x * step + side] = frame
    return paper


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("models", nargs="+", metavar="MODEL")
    parser.add_argument("--data", required=True, metavar="FOLDER")
    parser.add_argument("--sheet", type=Path, metavar="FILE.png")
    options = parser.parse_args()
    torch.set_num_threads(1)
    folder = Path(options.data)
    episodes = [Episode.load(folder / entry.file) for entry in scan(folder)]
    frames = torch.from_numpy(np.concatenate([episode.frames[1:] for episode in episodes]))
    visions = [load_model(model)[0].vision for model in options.models]
    print(f"{len(frames)} frames\n{'mean':>8} {'99%':>8} {'KL':>6} {'vary':>6}")
    shown: list[int] = []
    for model, vision in zip(options.models, visions, strict=True):
        errors, nats, means = through(vision, frames)
        shown = shown or worst(errors)
        vary = int((means.std(0) > 0.2).sum())
        print(f"{errors.mean():8.1f} {errors.quantile(0.99):8.1f} {nats.mean():6.1f} {vary:6} {model}")
    if options.sheet is not None:
        Image.fromarray(sheet(visions, frames[shown])).save(options.sheet)


if __name__ == "__main__":
    main()
