"""The real game as the place where C learns (Ha & Schmidhuber 2018, arXiv 1803.10122, Sec. 3: CarRacing).

V and M only look on: each frame of the game goes through them, and C acts on what they hold.
"""

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from gamesim.envs.recipe import MOST_SINGLE, Recipe, make
from gamesim.models import take
from gamesim.models.world_models.engine import WorldModelEngine

_SEEDS = 2**31


class Games:
    """The real games of a generation, some of them at once.

    Args:
        recipe: How the game is made; it has an end.
        engine: Through whose V and M the candidates look.
        patience: Steps without a reward above 0 after which a game is given up; 0: none is.
        device: Where the engine computes.
    """

    def __init__(self, recipe: Recipe, engine: WorldModelEngine, patience: int, device: torch.device) -> None:
        self.engine, self.patience, self.device = engine, patience, device
        self._envs = [make(recipe) for _ in range(MOST_SINGLE)]

    @torch.inference_mode()
    def returns(self, candidates: Tensor, rollouts: int, generator: torch.Generator) -> tuple[Tensor, Tensor]:
        """Let every candidate play the same games.

        Args:
            candidates: (P, N), rows as `Controller.flat` gives them.
            rollouts: R, games of each candidate.
            generator: Of their seeds; on the CPU.

        Returns:
            Sums of rewards and numbers of steps, each (P, R).
        """
        seeds = torch.randint(_SEEDS, (rollouts,), generator=generator).tolist() * len(candidates)
        rows = candidates.repeat_interleave(rollouts, 0)
        played = [
            self._together(rows[begin : begin + MOST_SINGLE], seeds[begin : begin + MOST_SINGLE])
            for begin in range(0, len(rows), MOST_SINGLE)
        ]
        returns, steps = (torch.from_numpy(np.concatenate(part)) for part in zip(*played, strict=True))
        return returns.float().view(-1, rollouts), steps.float().view(-1, rollouts)

    def _together(self, rows: Tensor, seeds: Sequence[int]) -> tuple[np.ndarray, np.ndarray]:
        """One game for each of these candidates (L, N): sums of rewards and numbers of steps, (L,)."""
        returns, steps, idle = (np.zeros(len(seeds)) for _ in range(3))
        began = [env.reset(seed=seed)[0] for env, seed in zip(self._envs, seeds, strict=False)]
        nothing = torch.zeros(len(seeds), 0, dtype=torch.int64).to(self.device)
        state = self.engine.start(self._shown(began)[:, None], nothing)
        playing = np.arange(len(seeds))
        while True:
            actions = self.engine.controller.population(rows[playing], self.engine.features(state))
            frames, left = [], []
            for place, (lane, action) in enumerate(zip(playing, actions.tolist(), strict=True)):
                frame, earned, ended, cut, _ = self._envs[lane].step(action)
                reward = float(earned)
                returns[lane] += reward
                steps[lane] += 1
                idle[lane] = 0 if reward > 0 else idle[lane] + 1
                if not (ended or cut or 0 < self.patience <= idle[lane]):
                    frames.append(frame)
                    left.append(place)
            if not left:
                return returns, steps
            kept = np.array(left)
            playing, state = playing[kept], take(state, kept)
            state = self.engine.observe(state, actions[kept], self._shown(frames))

    def _shown(self, frames: Sequence[np.ndarray]) -> Tensor:
        return torch.from_numpy(np.stack(frames)).to(self.device)
