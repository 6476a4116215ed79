"""Open-loop fidelity: does the dream match the real game where nothing is left to chance?

The wanderer plays real episodes. The dream sees their first 8 frames and then only their actions; after 1, 5,
10, 20, 40 and 100 of them its frame is compared with the real one, in the episodes that still go on there.
Only cells that are *determined* by the 8 frames and the actions are compared:

- Pac-Man's own, and cells that one of the 8 frames showed,
- unless a ghost hid at that time whether there is food,
- or a ghost is there now, in the real game or (decoded) in the dream: ghosts move as they like.

What is not determined is taken from the real frame before comparing, so that it does not leak into the SSIM
of its neighbours. One wrong scroll moves everything after it: this is intended.

- `psnr`: decibels of the mean squared error over all compared pixels and colours at a horizon, pooled over
  episodes; 60 (the most that `ssim.psnr` gives) means equal. Higher is better.
- `ssim`: mean structural similarity over compared pixels, -1 to 1, 1 is equal.
- `psnr_still`, `ssim_still`: the same for the last real frame that was seen, for ever: chance level. A frozen
  engine scores exactly this.
- `compared`: share of the cells of these views that are determined. It falls with the distance from home;
  where none is left, the other figures are NaN.
- `episodes`: how many of the real episodes still go on.

Source: PSNR and SSIM are Wang et al. 2004's (see `ssim`); masking what is left to chance is ours.
"""

import numpy as np
from numpy.typing import NDArray

from gamesim.envs import sprites
from gamesim.envs.layouts import GHOST
from gamesim.evaluation.pacman.board import OFF_CENTRE, WALKABLE, Board
from gamesim.evaluation.pacman.cells import Dream, Dreamer, Played, replay
from gamesim.evaluation.pacman.rules_kept import HORIZONS
from gamesim.evaluation.pacman.tally import Bools
from gamesim.evaluation.ssim import MARGIN, psnr, ssim_map

CELL = 12
"""Pixels along the side of a cell."""


def fidelity(dreamer: Dreamer, env_id: str, real: Played, episodes: int) -> dict[str, list]:
    """Dreams under the actions of the first `episodes` real lanes; figures by horizon, defined above."""
    steps = [step for step in HORIZONS if step <= real.steps]
    sums = {step: np.zeros(7) for step in steps}
    for number, batch in enumerate(real.batches(episodes)):
        dream, certain = Dream(dreamer, batch, number), determined(batch)
        for time, frames in enumerate(replay(env_id, batch)):
            step = time - batch.warm_up + 1
            if step <= 0:
                continue
            dreamt, _, _ = dream.step(batch.actions[:, time - 1])
            if step in sums:
                on = batch.going(step)
                still = batch.frames[:, -1]
                sums[step] += _compare(frames[on], dreamt[on], still[on], certain[on, step - 1], batch.theme)
            if not batch.going(step).any():
                break
    return {"steps": steps} | _figures(np.stack(list(sums.values())))


def _figures(sums: NDArray[np.float64]) -> dict[str, list]:
    """Sums over a horizon's episodes, float64 (horizons, 7), to figures by name."""
    error, error_still, pixels, alike, alike_still, seen, lanes = sums.T
    mean = [
        np.divide(total, count, out=np.full(len(sums), np.nan), where=count > 0)
        for total, count in ((error, pixels), (error_still, pixels), (alike, seen), (alike_still, seen))
    ]
    per_view = 3.0 * (7 * CELL) ** 2
    return {
        "psnr": [psnr(each) if np.isfinite(each) else float("nan") for each in mean[0]],
        "ssim": mean[2].tolist(),
        "psnr_still": [psnr(each) if np.isfinite(each) else float("nan") for each in mean[1]],
        "ssim_still": mean[3].tolist(),
        "compared": (pixels / np.maximum(lanes * per_view, 1)).tolist(),
        "episodes": lanes.astype(int).tolist(),
    }


def determined(real: Played) -> Bools:
    """Which cells of the T views after the warm-up follow from it and from the actions: (B, T, 7, 7)."""
    lanes, frames = real.cells.shape[:2]
    board = Board(lanes, frames)
    board.see(real.cells[:, 0], 0)
    certain = np.zeros((lanes, real.steps, 7, 7), bool)
    for time in range(1, frames):
        board.follow(real.cells, real.actions, time)
        now = real.cells[:, time]
        if time < real.warm_up:
            board.see(now, time)
            continue
        known = board.look(time)
        unsure = (known.ground == WALKABLE) & (known.food < 0) & (known.visited_at < 0)
        view = (known.ground >= 0) & ~unsure & (now != GHOST)
        certain[:, time - real.warm_up] = view | ~OFF_CENTRE
    return certain


def _compare(
    real: NDArray[np.uint8],
    dreamt: NDArray[np.uint8],
    still: NDArray[np.uint8],
    certain: Bools,
    theme: str,
) -> NDArray[np.float64]:
    """The sums that `_figures` wants, of frames uint8 (B, H, W, 3) on cells (B, 7, 7)."""
    if not len(real):
        return np.zeros(7)
    certain = certain & (sprites.decode(dreamt, theme)[0] != GHOST)
    pixels = certain.repeat(CELL, 1).repeat(CELL, 2)
    inner = pixels[:, MARGIN:-MARGIN, MARGIN:-MARGIN]
    errors, likeness = [], []
    for picture in (dreamt, still):
        shown = np.where(pixels[..., None], picture, real)
        errors.append(np.square(shown.astype(np.float64) - real).sum())
        likeness.append((ssim_map(shown, real) * inner).sum())
    return np.array([*errors, 3 * pixels.sum(), *likeness, inner.sum(), len(real)])
