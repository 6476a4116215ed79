"""C's search in a dream whose best way is known."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch

from gamesim import config
from gamesim.data.dataset import TimeLimit
from gamesim.models.world_models.controller import Controller
from gamesim.models.world_models.engine import WorldModelEngine
from gamesim.training import cma_es as controller
from gamesim.training.cma_es import Evolution, Generation

ROOT = Path(__file__).parents[2]


class Corridor:
    """A walk of ten steps: going towards the light, which each lane has on a side of its own, earns 1.

    Going all the way earns 10; standing still earns nothing, and action 3 ends the dream at once with 5.
    """

    noise_shape = (1,)

    def __init__(self):
        self.controller = Controller(3, 4)

    def start(self, lanes):
        side = torch.where(torch.arange(lanes) % 2 == 0, 1.0, -1.0)
        return {"side": side, "steps": torch.zeros(lanes)}

    def features(self, state):
        return torch.stack([state["side"], state["steps"] / 10, torch.ones_like(state["side"])], 1)

    def dream(self, state, action, temperature, noise):
        towards = torch.where(state["side"] > 0, action == 1, action == 2)
        reward = towards.float() + 5.0 * (action == 3) + temperature * noise[:, 0]
        return {**state, "steps": state["steps"] + 1}, reward, (action == 3).float() * 0.9


def returns(dream, candidates, lanes=4, steps=10, cost=0.0, temperature=0.0):
    generation = Generation(dream, TimeLimit(steps, cost), temperature, candidates.device)
    return generation.returns(candidates, dream.start(lanes), torch.Generator().manual_seed(0))


def always(action, size=16):
    """The candidate that takes one action, whatever it sees."""
    row = torch.zeros(size)
    row[12 + action] = 1
    return row


def test_a_dream_that_is_over_earns_nothing_more():
    earned, steps = returns(Corridor(), torch.stack([always(3), always(0), always(1)]))
    assert earned.tolist() == [[5] * 4, [0] * 4, [10, 0, 10, 0]]
    assert steps.tolist() == [[1] * 4, [10] * 4, [10] * 4]


def test_lanes_that_are_dropped_on_the_way_leave_the_others_as_they_were(monkeypatch):
    """Candidates that end at once, never, and somewhere between, with chance in all that they earn."""
    torch.manual_seed(0)
    candidates = torch.cat([torch.stack([always(3), always(1)]), torch.randn(6, 16)])
    whole = returns(Corridor(), candidates, temperature=1.0, cost=-1.0)
    monkeypatch.setattr(controller, "CHUNK", 2)
    monkeypatch.setattr(Corridor, "dream", counted := Counted(Corridor.dream))
    dropped = returns(Corridor(), candidates, temperature=1.0, cost=-1.0)
    assert torch.equal(dropped[1], whole[1]) and dropped[1].unique().numel() > 1
    assert counted.lanes[0] == 32 > counted.lanes[-1] > 0


class Counted:
    """A dream that notes how many lanes each step has."""

    def __init__(self, dream):
        self.dreamt, self.lanes = dream, []

    def __get__(self, owner, kind):
        def dream(state, action, temperature, noise):
            self.lanes.append(len(action))
            return self.dreamt(owner, state, action, temperature, noise)

        return dream


def test_being_cut_off_costs_those_who_are_still_there():
    earned, _ = returns(Corridor(), torch.stack([always(3), always(0)]), cost=-1.0)
    assert earned.tolist() == [[5] * 4, [-1] * 4]


def test_candidates_have_the_same_chance():
    earned, _ = returns(Corridor(), torch.stack([always(0), always(0)]), temperature=1.0)
    assert torch.equal(earned[0], earned[1])
    assert len(set(earned[0].tolist())) == 4


def test_a_population_dreams_what_each_candidate_dreams_alone():
    chosen = config.load("world-model-tiny")
    torch.manual_seed(0)
    engine = WorldModelEngine(chosen.model).eval().requires_grad_(False)
    candidates = torch.randn(5, len(engine.controller.flat()))
    starts = engine.begin(torch.randn(3, chosen.model.z_size))
    generation = Generation(engine, TimeLimit(6, 0.0), 1.0, candidates.device)
    together, _ = generation.returns(candidates, starts, torch.Generator().manual_seed(1))
    for candidate, expected in zip(candidates, together, strict=True):
        alone, _ = generation.returns(candidate[None], starts, torch.Generator().manual_seed(1))
        assert torch.allclose(alone[0], expected, atol=1e-5)


def search(generations, seed=0, told=(), covariance="diagonal", average=0.0):
    changes = ["controller.population=16", "controller.sigma=0.5", f"controller.covariance={covariance}"]
    changes.append(f"controller.average={average}")
    chosen = config.load("world-model-tiny", changes)
    dream = Corridor()
    evolution = Evolution(np.zeros(16), chosen.controller, seed, told)
    for _ in range(generations):
        earned, _ = returns(dream, torch.from_numpy(evolution.ask()).float())
        evolution.tell(earned.double().mean(1).numpy())
    return dream, evolution


@pytest.mark.parametrize("covariance", ["diagonal", "full"])
def test_cma_es_finds_the_best_way_through_a_toy_dream(covariance):
    dream, evolution = search(40, covariance=covariance)
    earned, _ = returns(dream, torch.from_numpy(evolution.mean).float()[None])
    assert earned.min() >= 10


@pytest.mark.parametrize("covariance", ["diagonal", "full"])
def test_a_search_is_told_again_to_the_last_bit(covariance):
    _, straight = search(9, covariance=covariance)
    _, other = search(0, told=np.array(straight.told), covariance=covariance)
    assert np.array_equal(straight.mean, other.mean)
    assert straight.sigma == other.sigma
    assert np.array_equal(straight.ask(), other.ask())
    assert not np.array_equal(straight.mean, search(9, seed=1)[1].mean)


def test_what_is_shipped_is_a_running_average_of_the_centres():
    _, straight = search(4, average=0.6)
    first, second, third, fourth = (search(0, told=straight.told[:count])[1].mean for count in range(1, 5))
    halves = (first + second) / 2
    expected = 0.6 * (0.6 * halves + 0.4 * third) + 0.4 * fourth
    np.testing.assert_allclose(straight.average, expected)
    assert np.array_equal(straight.average, search(0, told=straight.told, average=0.6)[1].average)
    assert np.array_equal(search(4)[1].average, fourth), "without it, the last centre"


SCRIPT = """
import sys; sys.path[:0] = [{here!r}, {root!r}]
from test_world_model_dream import scored
import torch
torch.rand(3)
print(scored())
"""


def scored() -> str:
    """What a search finds, and what it is worth."""
    dream, evolution = search(5)
    worth, _ = returns(dream, torch.from_numpy(evolution.mean).float()[None])
    return f"{evolution.mean.tobytes().hex()} {worth.tolist()}"


@pytest.mark.slow
def test_a_controller_and_its_score_are_the_same_in_another_process():
    script = SCRIPT.format(here=str(Path(__file__).parent), root=str(ROOT))
    other = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert other.stdout.strip() == scored()
