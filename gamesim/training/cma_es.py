"""Training of C by CMA-ES, by what it earns in the game or the dream (Ha & Schmidhuber 2018, Sec. 3 and 4).

A generation: CMA-ES (Hansen 2016, arXiv 1604.00772) draws candidates; all of them dream at once, each from
the same real first frames and with the same random numbers, so that only their actions differ. The real game
is only used for trials: what is measured there is logged, and decides nothing. With ``learns_in: game`` the
candidates play the real game instead (`games`), and the trials choose which C is kept.
"""

import copy
import warnings
from collections.abc import Iterable
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from gamesim.agents.controller import ControllerPolicy
from gamesim.agents.rollout import mean_and_error, play
from gamesim.config.world_models import ControllerTraining, WorldModelConfig
from gamesim.data.dataset import Dataset, TimeLimit
from gamesim.models import State, normal, opening, take
from gamesim.models.world_models.engine import WorldModelEngine
from gamesim.training.devices import distributed
from gamesim.training.graphs import Graphed
from gamesim.training.sheet import contact_sheet
from gamesim.training.trials import Games, real_game

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # cma misses matplotlib, which we do not ask it for
    import cma

CHUNK = 32
"""Steps of a generation between two looks at which dreams are over."""
VALIDATION_DREAMS = 256
TRIALS = 2_000_000_000
"""Seed of the boards of the trials; those of evaluations and of recordings are others."""
SHEET_ROWS, SHEET_STEPS = 4, 16


class Generation:
    """All dreams of a generation at once, `CHUNK` steps at a time.

    On CUDA those steps are one graph, and all lanes are dreamt for as long as any is left. Elsewhere the
    lanes whose dream is over are dropped after every `CHUNK` steps.

    Args:
        engine: Whose dreams they are.
        limit: Steps of a dream, and what it costs to be cut off.
        temperature: Of the dream.
        device: Where it computes.
        graphs: Whether CUDA records the steps.
    """

    def __init__(
        self,
        engine: WorldModelEngine,
        limit: TimeLimit,
        temperature: float,
        device: torch.device,
        graphs: bool = True,
    ) -> None:
        self.engine, self.limit, self.temperature = engine, limit, temperature
        self.compiled = Graphed(self._chunk, device, warm_up=1, enabled=graphs)
        self._names: list[str] = []

    @torch.inference_mode()
    def returns(self, candidates: Tensor, starts: State, generator: torch.Generator) -> tuple[Tensor, Tensor]:
        """Let every candidate dream from every start.

        Args:
            candidates: (P, N), rows as `Controller.flat` gives them.
            starts: R lanes to start from, the same for each candidate, as is the chance of each step.
            generator: On the CPU.

        Returns:
            Sums of rewards and numbers of steps, each (P, R). A dream is over where the end is likelier than
            not; what comes after it counts for nothing.
        """
        count, rollouts = len(candidates), len(next(iter(starts.values())))
        lanes = torch.arange(count * rollouts).to(candidates.device)
        rows, rollout = candidates.repeat_interleave(rollouts, 0), lanes % rollouts
        self._names = list(starts)
        parts = [part.repeat(count, *[1] * (part.ndim - 1)) for part in starts.values()]
        alive = torch.ones_like(lanes, dtype=torch.bool)
        returns, steps = 0.0 * lanes, 0.0 * lanes
        for begun in range(0, self.limit.steps, CHUNK):
            shape = (min(CHUNK, self.limit.steps - begun), rollouts, *self.engine.noise_shape)
            chance = normal(shape, generator, candidates.device)
            done = self.compiled(rows, chance, rollout, alive, *parts)
            returns[lanes] += done["returns"]
            steps[lanes] += done["steps"]
            parts, alive = [done[name] for name in self._names], done["alive"]
            if not alive.any():
                break
            if not self.compiled.recorded and not alive.all():
                lanes, rows, rollout = lanes[alive], rows[alive], rollout[alive]
                parts, alive = [part[alive] for part in parts], alive[alive]
        returns[lanes] += self.limit.reward * alive
        return returns.view(count, rollouts), steps.view(count, rollouts)

    def _chunk(self, rows: Tensor, chance: Tensor, rollout: Tensor, alive: Tensor, *parts: Tensor) -> State:
        """As many steps as there is chance for, (C, R, ...), of lanes that each have a `rollout` (L,)."""
        state = dict(zip(self._names, parts, strict=True))
        returns, steps = 0.0 * alive, 0.0 * alive
        for noise in chance.unbind():
            actions = self.engine.controller.population(rows, self.engine.features(state))
            state, reward, end = self.engine.dream(state, actions, self.temperature, noise[rollout])
            returns += reward * alive
            steps += alive
            alive = alive & (end <= 0.5)
        return {**state, "returns": returns, "steps": steps, "alive": alive}


def drawn(states: State, lanes: int, generator: torch.Generator) -> State:
    """Some lanes of `states`, each as likely as any other."""
    count = len(next(iter(states.values())))
    return take(states, torch.randint(count, (lanes,), generator=generator).numpy())


class Evolution:
    """CMA-ES with a state of plain numbers: it is a function of its seed and of the scores it was told.

    The paper's covariance is full. The default here is a diagonal one (sep-CMA-ES: Ros & Hansen 2008), as a
    run of a few hundred generations does not learn the more than a million entries of a full one.

    Attributes:
        mean: The centre of the search, (N,): it rests on more dreams than any candidate.
        average: What is shipped, (N,): a running average of the centre. With few games for each candidate
            the centre walks about at random in the many directions that hardly matter.
    """

    def __init__(
        self,
        start: NDArray[np.float64],
        settings: ControllerTraining,
        seed: int,
        told: Iterable[NDArray[np.float64]] = (),
    ) -> None:
        """Begin at `start` (N,), and go to where the scores `told` of some generations, each (P,), lead."""
        self.start = start
        chance = np.random.default_rng(seed)
        options = {
            "popsize": settings.population,
            "CMA_diagonal": settings.covariance == "diagonal",
            "randn": lambda *shape: chance.standard_normal(shape),
            "seed": np.nan,  # leaves NumPy's global generator alone
            "verbose": -9,
        }
        self._search = cma.CMAEvolutionStrategy(start, settings.sigma, options)
        self._longest = settings.average
        self.mean = self.average = start
        self._asked: list[Any] = []
        self.told: list[NDArray[np.float64]] = []
        for scores in told:
            self.ask()
            self.tell(scores)

    def ask(self) -> NDArray[np.float64]:
        """The candidates of this generation, (P, N)."""
        self._asked = list(self._search.ask() or ())
        return np.stack(self._asked)

    def tell(self, scores: NDArray[np.float64]) -> None:
        """Score them, (P,): higher is better."""
        self._search.tell(self._asked, (-scores).tolist())
        self.told.append(scores)
        self.mean = np.array(self._search.mean)
        kept = min(self._longest, 1 - 1 / len(self.told))
        self.average = kept * self.average + (1 - kept) * self.mean

    @property
    def sigma(self) -> float:
        return float(self._search.sigma)


class ControllerTask:
    """What the training loop needs to train C; implements `Task`. A step is a generation.

    Attributes:
        model: The whole engine, of which C is trained.
    """

    score_key = "loss"

    def __init__(
        self, config: WorldModelConfig, model: WorldModelEngine, train: Dataset, held_out: Dataset
    ) -> None:
        """Take an engine with a trained V and M on its device, and data sets that keep `latents`."""
        self.settings, self.seed = config.controller, config.seed
        self.processes = distributed()
        self.real = real_game(config, train.env_spec)
        found = train.time_limit()
        cut = found is not None and found.steps <= self.settings.dream_steps
        self.limit = found if found is not None and cut else TimeLimit(self.settings.dream_steps, 0.0)
        self.model: nn.Module = model
        self.engine = model.eval().requires_grad_(False)
        dreamer = self.engine
        if self.settings.precision == "bfloat16":
            dreamer = copy.deepcopy(self.engine)
            dreamer.memory.bfloat16()
        self.generation = Generation(
            dreamer, self.limit, self.settings.temperature, train.device, self.settings.graphs
        )
        self.games: Games | None = None
        if self.settings.learns_in == "game" and self.real is not None:
            self.games = Games(self.real, self.engine, self.settings.patience, train.device)
        self.policy = ControllerPolicy(self.engine, train.device)
        self.starts, self.held_out = self._states(train), self._states(held_out)
        self.evolution = Evolution(model.controller.flat().cpu().double().numpy(), self.settings, config.seed)

    @torch.inference_mode()
    def _states(self, data: Dataset) -> State:
        """Where dreams begin: the states after the episodes' first frames."""
        return self.engine.begin(data.beginnings().frames[:, 0].chunk(2, -1)[0])

    @property
    def frames_per_step(self) -> int:
        """Frames of this process's share of a generation, at most."""
        candidates = self.settings.population // self.processes.count
        return candidates * self.settings.rollouts * self.limit.steps

    def step(self) -> dict[str, Tensor]:
        settings = self.settings
        # Seeded by the generation: a resumed run dreams what the straight one would have.
        generator = torch.Generator().manual_seed(self.seed * 1_000_003 + len(self.evolution.told))
        candidates = torch.from_numpy(self.evolution.ask()).float().to(self.starts["z"].device)
        mine = candidates[self.processes.share(len(candidates))]
        if self.games is None:
            starts = drawn(self.starts, settings.rollouts, generator)
            earned = self.generation.returns(mine, starts, generator)
        else:
            earned = self.games.returns(mine, settings.rollouts, generator)
        returns, steps = (self.processes.joined(part) for part in earned)
        self.evolution.tell(returns.cpu().double().mean(1).numpy())  # not every device has float64
        self.engine.controller.from_flat(torch.from_numpy(self.evolution.average))
        where = settings.learns_in
        return {
            where: returns.mean(),
            f"{where}_best": returns.mean(1).max(),
            f"{where}_steps": steps.mean(),
            "sigma": torch.full_like(steps[0, 0], self.evolution.sigma),
        }

    # -- what the loop asks for ----------------------------------------------------------------------

    def extras(self) -> dict[str, dict[str, Tensor]]:
        return {}

    def validate(self) -> dict[str, float]:
        """The average's return in dreams that begin with held-out frames, and in the real game."""
        settings = self.settings
        generator = torch.Generator().manual_seed(self.seed)
        starts = drawn(self.held_out, VALIDATION_DREAMS, generator)
        dreamt, _ = self.generation.returns(self.engine.controller.flat()[None], starts, generator)
        dream, dream_error = mean_and_error(dreamt.flatten().tolist())
        figures = {"loss": -dream, "dream": dream, "dream_error": dream_error}
        if self.real is not None:
            trial = play(self.real, self.policy, settings.real_episodes, seed=TRIALS, keep_frames=False)
            real, real_error = mean_and_error([float(episode.rewards.sum()) for episode in trial])
            figures |= {"real": real, "real_error": real_error}
        if self.games is not None:
            figures["loss"] = -figures["real"]
        return figures

    def sheet(self) -> np.ndarray:
        """Real games above, dreams that begin with the same frame below; C plays both, as it sees them.

        Without a real game there are dreams alone.
        """
        if self.real is None:
            dreamt = self._dreamt(drawn(self.held_out, SHEET_ROWS, torch.Generator().manual_seed(1)))
            return contact_sheet(np.zeros_like(dreamt), dreamt)
        real = np.stack(
            [
                episode.frames[np.minimum(np.arange(SHEET_STEPS + 1), len(episode))]
                for episode in play(self.real, self.policy, SHEET_ROWS, seed=TRIALS)
            ]
        )
        first = torch.from_numpy(real[:, 0]).to(self.starts["z"].device)
        return contact_sheet(real[:, 1:], self._dreamt(opening(self.engine, first)))

    @torch.inference_mode()
    def _dreamt(self, state: State) -> NDArray[np.uint8]:
        """What C dreams from these states: uint8 (B, SHEET_STEPS, H, W, 3)."""
        generator, dreamt = torch.Generator().manual_seed(1), []
        for _ in range(SHEET_STEPS):
            how = {"temperature": self.settings.temperature, "generator": generator}
            state, told = self.engine.imagine(state, self.engine.act(state), **how)
            dreamt.append(told.frame.cpu().numpy())
        return np.stack(dreamt, 1)

    def state_dict(self) -> dict[str, Any]:
        return {
            "told": torch.from_numpy(np.array(self.evolution.told)),
            "start": torch.from_numpy(self.evolution.start),
        }

    def load_state_dict(self, state: dict[str, Any]) -> None:
        start = state["start"].numpy() if "start" in state else self.evolution.start
        self.evolution = Evolution(start, self.settings, self.seed, state["told"].numpy())
        self.engine.controller.from_flat(torch.from_numpy(self.evolution.average))
