"""What of a frame can be predicted (Kendall & Gal 2017, Eq. 5), and how much it then counts to be near it."""

from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor

from gamesim import config
from gamesim.config.gamegan import GameGANModelConfig
from gamesim.data.dataset import Segments
from gamesim.errors import UserError
from gamesim.training.gamegan import GameGANTask, released
from gamesim.training.uncertainty import Uncertainty, agreement, attenuation, errors_by_place, surprise


@pytest.mark.parametrize(("size", "side"), [(84, 7), (64, 8)])
def test_a_frame_s_errors_are_those_of_its_places(size, side):
    drawn, real = torch.rand(2, 3, 3, size, size), torch.rand(2, 3, 3, size, size)
    assert torch.allclose(errors_by_place(drawn, real, side).sum((2, 3)), released(drawn, real), rtol=1e-4)
    pixels, elsewhere = size // side, real.clone()
    elsewhere[0, 1, :, pixels : 2 * pixels, :pixels] += 0.5  # by 1 of [-1, 1], in three colours
    errors = errors_by_place(elsewhere, real, side)
    assert errors[0, 1, 1, 0] == pytest.approx(3 * pixels**2, rel=1e-4) and (errors > 0).sum() == 1


def test_being_near_the_real_frame_counts_less_the_larger_the_error_will_be():
    log_errors = torch.tensor([1e-6, 10, 90]).log()
    assert attenuation(log_errors).tolist() == pytest.approx([1, 0.25, 0.01], rel=1e-4)


def test_an_error_surprises_least_who_predicted_it():
    told = torch.linspace(0, 6, 601)
    least = surprise(told, torch.full_like(told, 30.0)).argmin()
    assert told[least].exp() == pytest.approx(30, rel=0.01)


def learned(known: Tensor, told: Tensor, actions: Tensor, errors: Tensor) -> Tensor:
    """What a small one predicts of some sequences' errors after 300 steps on them."""
    torch.manual_seed(0)
    model = Uncertainty(GameGANModelConfig(hidden=32, memory_width=8, num_actions=2))
    optimizer = torch.optim.Adam(model.parameters(), 1e-2)
    for _ in range(300):
        optimizer.zero_grad()
        surprise(model(known, told, actions), errors).mean().backward()
        optimizer.step()
    return model(known, told, actions).exp()


def test_it_learns_from_a_state_which_place_cannot_be_predicted():
    """One state of two goes with a large error in a corner, in every other case."""
    known = torch.randn(2, 1, 40, generator=torch.Generator().manual_seed(0)).repeat(8, 1, 1)
    errors = torch.ones(16, 1, 7, 7)
    errors[::4, 0, 0, 0] = 100.0  # in half of the lanes of one state
    found = learned(known, torch.ones(16, 1, dtype=torch.bool), torch.zeros(16, 1, dtype=torch.int64), errors)
    assert found[0, 0, 0, 0].item() == pytest.approx(50.5, rel=0.1)
    assert found[1, 0, 0, 0].item() == pytest.approx(1, rel=0.1)
    assert found[0, 0, 3, 3].item() == pytest.approx(1, rel=0.1)


@pytest.mark.parametrize("tells", ["told", "actions"])
def test_it_remembers_which_frames_were_real_and_what_was_played(tells: str):
    """A corner cannot be predicted once a frame was dreamt, or 1 was played, however long ago that is."""
    steps, known = 4, torch.zeros(2, 4, 40)
    told, actions = torch.ones(2, steps, dtype=torch.bool), torch.zeros(2, steps, dtype=torch.int64)
    if tells == "told":
        told[1, 0] = False
    else:
        actions[1, 0] = 1
    errors = torch.ones(2, steps, 7, 7)
    errors[1, :, 0, 0] = 100.0
    found = learned(known, told, actions, errors)
    assert found[0, -1, 0, 0].item() == pytest.approx(1, rel=0.1)
    assert found[1, -1, 0, 0].item() == pytest.approx(100, rel=0.1)


# ------------------------------------------------------------------------------------- in training

TINY = (
    "model.channels=4",
    "model.hidden=16",
    "model.z_size=4",
    "model.memory_slots=5",
    "model.memory_width=8",
)


class Games:
    """Two lanes of noise."""

    def sample(self, *_: object, **__: object) -> Segments:
        chance = torch.Generator().manual_seed(0)
        never = torch.zeros(2, 6, dtype=torch.bool)
        return Segments(
            frames=torch.randint(256, (2, 7, 84, 84, 3), generator=chance).to(torch.uint8),
            actions=torch.randint(5, (2, 6), generator=chance),
            rewards=torch.zeros(2, 6),
            terminated=never,
            truncated=never,
            played=~never,
        )


def stepped(
    steps: int = 1, decay: float = 1, warm_up: int = 20, **losses: object
) -> tuple[GameGANTask, dict[str, Tensor]]:
    """A tiny GameGAN after some steps by these losses, and the terms of the last one."""
    words = [f"training.losses.{name}={weight}" for name, weight in losses.items()]
    words += ["training.steps=9", f"training.decay={decay}", f"training.warm_up={warm_up}"]
    chosen = config.load("gamegan", [*TINY, "data.batch_size=2", "data.segment=6", *words])
    torch.manual_seed(0)
    task = GameGANTask(chosen, Games(), Games(), torch.device("cpu"))  # pyright: ignore[reportArgumentType]
    terms = {}
    for _ in range(steps):
        terms = dict(task.step())
    return task, terms


def test_places_that_cannot_be_predicted_count_less_by_a_share():
    def reconstruction(share: float) -> float:
        return float(stepped(attenuated=share)[1]["reconstruction"])

    nothing, half, all_of_it = (reconstruction(share) for share in (0, 0.5, 1))
    assert all_of_it < 0.9 * nothing
    assert half == pytest.approx((nothing + all_of_it) / 2, rel=0.01)


def test_what_follows_a_dreamt_frame_counts_the_less_the_further_that_frame_was_from_its_game():
    errors = torch.zeros(2, 3, 7, 7)
    errors[:, 0], errors[:, 1] = 20, 60  # of the frames before the second and the third step
    told = torch.tensor([[True, False, False], [True, True, True]])
    counted = agreement(errors, told, 20.0)
    assert counted.shape == (2, 3, 1, 1)
    assert counted[0].flatten().tolist() == pytest.approx([1, math.exp(-1), math.exp(-3)])
    assert (counted[1] == 1).all(), "a real frame is one of its game, whatever was drawn"


def test_a_dream_that_went_another_way_is_held_less_to_its_game():
    whole, less = (float(stepped(warm_up=1, diverged=scale)[1]["reconstruction"]) for scale in (0, 1))
    assert less < 0.9 * whole


def test_what_predicts_keeps_its_rate_while_the_generator_learns_more_gently():
    def learned(share: float) -> tuple[Tensor, Tensor]:
        task, _ = stepped(1, attenuated=1, decay=share)
        bias = "layers.2.bias"
        return task.uncertainty.state_dict()[bias].abs().max(), task.optimizer.param_groups[0]["lr"]

    (whole, rate), (gentle, lower) = learned(1), learned(0.01)
    assert gentle == pytest.approx(float(whole))
    assert float(lower) == pytest.approx(0.01 * float(rate))


def test_without_discriminators_nothing_may_count_less():
    with pytest.raises(UserError, match="attenuated"):
        config.load("gamegan", ["training.losses.attenuated=1", "training.losses.adversarial=0"])


def test_what_predicts_is_saved_and_a_run_of_before_goes_on_without():
    task, _ = stepped(2, attenuated=1)
    state = task.state_dict()
    other, _ = stepped(0, attenuated=1)
    other.load_state_dict(state)
    for name, weight in task.uncertainty.state_dict().items():
        assert torch.equal(other.uncertainty.state_dict()[name], weight)
    before = {name: part for name, part in state.items() if not name.startswith("uncertainty")}
    stepped(0, attenuated=1)[0].load_state_dict(before)
