"""GameGAN's adversarial terms by hand-computed numbers (arXiv 2005.12126, Sec. 3.4, released scales)."""

from __future__ import annotations

import math

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from gamesim.config.gamegan import GameGANLosses, GameGANModelConfig
from gamesim.models.gamegan.discriminators import Discriminators
from gamesim.models.gamegan.generator import Rollout
from gamesim.training.adversarial import (
    Judged,
    discriminator_loss,
    generator_loss,
    gradient_penalty,
    judge,
    wrong_actions,
)
from gamesim.training.descent import masked_mean

NONE = {"action_recovery": 0.0, "z_recovery": 0.0, "z_recovery_discriminator": 0.0, "feature_matching": 0.0}


def only(**weights: float) -> GameGANLosses:
    return GameGANLosses(**NONE | weights)  # pyright: ignore[reportArgumentType]


def judged(**changes: object) -> Judged:
    """Two sequences of two steps, whose logits are the same everywhere."""

    def say(whole: float, patch: float, pair: float, short: float, long: float) -> dict[str, list[Tensor]]:
        return {
            "single": [torch.full((2, 2, 1), whole), torch.full((2, 2, 49), patch)],
            "pair": [torch.full((2, 2, 1), pair)],
            "temporal": [torch.full((2, 3, 16), short), torch.full((2, 1, 4), long)],
        }

    guess = torch.zeros(2, 2, 5)
    guess[..., 2] = 3
    parts = {
        "real": say(0.5, 0.25, 0.75, -1.0, 2.0),
        "fake": say(-0.5, 0.0, -2.0, 1.0, 0.5),
        "blend": {},
        "share": torch.tensor([[[0.25]], [[1.0]]]),
        "wrong": torch.full((2, 2, 1), 0.5),
        "played": torch.ones(2, 2),
        "dreamt": [torch.ones(2, 3, 1), torch.ones(2, 1, 1)],
        "real_actions": guess,
        "fake_actions": guess,
        "z": torch.full((2, 2, 6), 0.5),
        "features": torch.tensor(0.2),
    }
    return Judged(**parts | changes)  # pyright: ignore[reportArgumentType]


ACTIONS, Z = torch.full((2, 2), 2), torch.zeros(2, 2, 6)


def test_the_discriminators_hinge_terms_are_summed_and_temporal_levels_a_mean():
    loss = discriminator_loss(judged(), ACTIONS, Z, only())
    single = (1 - 0.5) + (1 - 0.25) + (1 - 0.5) + (1 + 0)  # whole and patches, real and fake
    pair = (1 - 0.75) + 0 + (1 + 0.5)  # real, fake (beyond the margin), real under a wrong action
    temporal = ((1 + 1) + (1 + 1)) / 2 + (0 + (1 + 0.5)) / 2
    assert loss == pytest.approx(single + pair + temporal)


def test_the_generator_wants_all_of_them_high():
    terms = generator_loss(judged(), ACTIONS, Z, only())
    assert terms["adversarial"] == pytest.approx(-(-0.5 + 0 - 2 + (1 + 0.5) / 2))


def test_recoveries_and_features_have_the_released_weights():
    """Action 1 for both; z 30 for the generator and 1 for the discriminators; features 10."""
    losses, found = GameGANLosses(), judged()
    unlike = math.log(4 + math.exp(3)) - 3
    terms = generator_loss(found, ACTIONS, Z, losses)
    assert terms["action_recovery"] == pytest.approx(unlike)
    assert terms["z_recovery"] == pytest.approx(30 * 0.5**2)
    assert terms["features"] == pytest.approx(10 * 0.2)
    extra = discriminator_loss(found, ACTIONS, Z, losses) - discriminator_loss(found, ACTIONS, Z, only())
    assert extra == pytest.approx(unlike + 0.5**2)


def test_what_was_not_played_is_not_judged_nor_are_windows_of_real_frames():
    found = judged()
    played = torch.tensor([[1.0, 0], [1, 1]])
    for which in (found.real, found.fake):
        which["single"][0][0, 1] = which["pair"][0][0, 1] = 100
        which["temporal"][0][1, 2] = -100
    found.wrong[0, 1] = 100
    dreamt = [torch.tensor([[1.0, 1, 1], [1, 1, 0]])[..., None], found.dreamt[1]]
    masked = Judged(**{**vars(found), "played": played, "dreamt": dreamt})
    plain = judged()
    assert discriminator_loss(masked, ACTIONS, Z, only()) == pytest.approx(
        discriminator_loss(plain, ACTIONS, Z, only()).item()
    )
    assert generator_loss(masked, ACTIONS, Z, only())["adversarial"] == pytest.approx(
        generator_loss(plain, ACTIONS, Z, only())["adversarial"].item()
    )


def test_frames_that_are_part_real_are_judged_on_the_line_between():
    """A quarter real: -0.5; all real: 1. Squared errors, summed as the hinge terms are."""
    found = judged()
    found.blend = judged().real
    extra = discriminator_loss(found, ACTIONS, Z, only(), 3.0) - discriminator_loss(
        judged(), ACTIONS, Z, only(), 3.0
    )

    def off(logit: float) -> float:
        return ((logit + 0.5) ** 2 + (logit - 1) ** 2) / 2

    assert extra == pytest.approx(3 * (off(0.5) + off(0.25) + off(0.75) + (off(-1) + off(2)) / 2))


def test_a_masked_mean():
    values, mask = torch.arange(8.0).view(2, 2, 2), torch.tensor([[1.0, 0], [0, 1]])
    assert masked_mean(values, mask) == (0 + 1 + 6 + 7) / 4
    assert masked_mean(values, torch.zeros(2, 2)) == 0


def test_a_wrong_action_is_never_the_right_one_and_every_other_one_alike():
    torch.manual_seed(0)
    actions = torch.arange(5).repeat(4000)
    wrong = wrong_actions(actions, 5)
    assert wrong.dtype == torch.int64 and wrong.min() == 0 and wrong.max() == 4
    for action in range(5):
        counts = torch.bincount(wrong[actions == action], minlength=5)
        assert counts[action] == 0
        others = counts[torch.arange(5) != action]
        assert ((others - 1000).abs() < 5 * 1000**0.5).all()  # five standard deviations
    assert wrong_actions(torch.tensor([0, 1, 1]), 2).tolist() == [1, 0, 0]


# ---------------------------------------------------------------------------------- the gradient penalty


class Linear(nn.Module):
    """Discriminators whose logits are multiples of the sum of a frame's numbers in [0, 1]."""

    def encode(self, frames: Tensor) -> list[Tensor]:
        return [frames]

    def single(self, maps: Tensor) -> list[Tensor]:
        total = maps.sum((1, 2, 3))[:, None]
        return [2 * total, 3 * total.expand(-1, 49)]

    def temporal(self, maps: Tensor) -> list[Tensor]:
        return [6 * maps.sum((1, 2, 3, 4))[:, None, None], 2 * maps[:, :3].sum((1, 2, 3, 4))[:, None, None]]

    def pair(self, pair: Tensor, action: Tensor) -> Tensor:
        return 4 * pair.sum(1, keepdim=True) + action[:, None]


def linear_judges() -> Linear:
    judges = Linear()
    pair = judges.pair

    class Pair:
        encode = staticmethod(lambda before, after: (before - after).flatten(1))
        which_action = staticmethod(lambda seen: torch.stack([seen.sum(1), -3 * seen.sum(1)], 1))
        __call__ = staticmethod(pair)

    judges.pair = Pair()  # pyright: ignore[reportAttributeAccessIssue]
    return judges


def test_gradient_penalties_by_hand():
    """Four frames of 12 numbers, in two pairs; pixels in [-1, 1] have half the gradient of those in [0, 1].

    Single: 2 + 3 = 5. Pair: 4 for either frame. Action head: 1 - 3 = -2 for either. A third each, a mean over
    pairs. Temporal: the mean of 6, in all four frames, and 2, in the first three; a mean over clips.
    """
    frames, actions = torch.rand(3, 4, 3, 2, 2), torch.zeros(3, 3, dtype=torch.int64)
    still = (12 * 2.5**2 + 24 * 2**2 + 24 * 1**2) / 3
    moving = 3 * 12 * (4 / 2) ** 2 + 12 * (3 / 2) ** 2
    found = gradient_penalty(linear_judges(), frames, actions, GameGANLosses())  # pyright: ignore
    assert found == pytest.approx(1 * still + 10 * moving)


# ---------------------------------------------------------------------------------- what is judged

TINY = GameGANModelConfig(z_size=6, discriminator_channels=4)


def rollout(lanes: int = 2, steps: int = 6, told: tuple[int, ...] = (1, 4)) -> tuple[Rollout, Tensor, Tensor]:
    """Random frames of a generator in which lanes saw this many real ones; real frames and actions."""
    chance = torch.Generator().manual_seed(1)
    drawn = torch.rand(lanes, steps, 3, 84, 84, generator=chance)
    frames = torch.rand(lanes, steps + 1, 3, 84, 84, generator=chance)
    real = torch.arange(steps + 1) < torch.tensor(told)[:, None]
    nothing = torch.zeros(lanes, steps)
    z = torch.randn(lanes, steps, 6, generator=chance)
    rolled = Rollout(real, frames, z, drawn, drawn, nothing, None, nothing, nothing, nothing)
    return rolled, frames, (torch.arange(lanes)[:, None] + torch.arange(steps)) % 5


@pytest.mark.parametrize("share", [0.0, 1.0])
def test_a_blend_of_nothing_is_the_drawn_frame_and_of_all_the_real_one(monkeypatch, share):
    torch.manual_seed(0)
    judges = Discriminators(TINY).eval()
    rolled, frames, actions = rollout()
    monkeypatch.setattr(torch, "rand", lambda *shape, **_: torch.full(shape, share))
    found = judge(judges, rolled, rolled.frames, frames, actions, torch.ones(2, 6), blends=True)
    alike = found.real if share else found.fake
    for blend, wanted in zip(found.blend["single"], alike["single"], strict=True):
        assert torch.allclose(blend, wanted, atol=1e-5)
    if not share:
        for part in ("pair", "temporal"):
            for blend, wanted in zip(found.blend[part], found.fake[part], strict=True):
                assert torch.allclose(blend, wanted, atol=1e-5)


def test_pairs_and_clips_are_judged_as_they_were_on_screen():
    """Before-frames are real in the warm-up and dreamt after it; so is the clip; its last frame is dreamt."""
    torch.manual_seed(0)
    judges = Discriminators(TINY).eval()
    rolled, frames, actions = rollout(told=(3, 7))
    found = judge(judges, rolled, rolled.frames, frames, actions, torch.ones(2, 6))
    encoded = [judges.encode(x.flatten(0, 1))[-1].unflatten(0, x.shape[:2]) for x in (frames, rolled.frames)]
    real, fake = encoded
    for lane, told in ((0, 3), (1, 7)):
        for step in range(6):
            before = real[lane, step] if step < told else fake[lane, step - 1]
            pair = judges.pair.encode(before[None], fake[lane, step][None])
            wanted = judges.pair(pair, actions[lane, step][None])
            assert torch.allclose(found.fake["pair"][0][lane, step], wanted[0], atol=1e-5)
        clip = torch.cat([real[lane, : min(told, 6)], fake[lane, min(told, 6) - 1 :]])[None]
        for ours, theirs in zip(found.fake["temporal"], judges.temporal(clip), strict=True):
            assert torch.allclose(ours[lane], theirs[0], atol=1e-5)
    # Windows of 3 at steps 0, 2 and 4: lane 0 dreams from its fourth frame on, lane 1 its last frame alone.
    assert found.dreamt[0][..., 0].tolist() == [[0, 1, 1], [0, 0, 1]]


def test_a_pair_s_gradient_reaches_the_frame_that_came_and_not_the_one_before():
    judges = Discriminators(TINY).eval()
    rolled, frames, actions = rollout(told=(1, 1))
    drawn = rolled.frames.requires_grad_(True)
    found = judge(judges, rolled, drawn, frames, actions, torch.ones(2, 6))
    (gradient,) = torch.autograd.grad(found.fake["pair"][0][:, 3].sum(), drawn)
    reached = gradient.abs().amax((2, 3, 4)) > 0
    assert reached[:, 3].all() and reached.sum() == 2


def test_features_are_those_of_the_real_frame_that_came():
    judges = Discriminators(TINY).eval()
    rolled, frames, actions = rollout()
    drawn = frames[:, 1:].clone()
    same = judge(judges, rolled, drawn, frames, actions, torch.ones(2, 6)).features.item()
    drawn[0, 2] = 0.5
    other = judge(judges, rolled, drawn, frames, actions, torch.ones(2, 6)).features.item()
    assert same == pytest.approx(0, abs=1e-5) and other > 0.001


def test_features_count_as_their_places_do():
    torch.manual_seed(0)
    judges = Discriminators(TINY).eval()
    rolled, frames, actions = rollout()

    def distance(*counts: Tensor) -> float:
        played = torch.ones(2, 6)
        return judge(judges, rolled, rolled.frames, frames, actions, played, *counts).features.item()

    everywhere = torch.ones(2, 6, 7, 7)
    corner = everywhere.clone()
    corner[..., 3:, 3:] = 0
    assert distance(everywhere) == pytest.approx(distance(), rel=1e-5)
    assert distance(0 * everywhere) == 0 < distance(corner) < distance()


def test_judges_learn_to_separate_two_obvious_sets():
    """Real: dark, with the action lighting a corner. Drawn: noise."""
    torch.manual_seed(0)
    judges = Discriminators(TINY)
    rolled, frames, actions = rollout(told=(1, 1))
    frames = torch.zeros_like(frames)
    for lane, step in torch.cartesian_prod(torch.arange(2), torch.arange(6)):
        frames[lane, step + 1, :, : 12 * (1 + int(actions[lane, step])), :12] = 1
    optimizer = torch.optim.Adam(judges.parameters(), 1e-2, (0.0, 0.9))
    losses = []
    for _ in range(12):
        found = judge(judges, rolled, rolled.frames, frames, actions, torch.ones(2, 6))
        losses.append(discriminator_loss(found, actions, rolled.z, only()))
        optimizer.zero_grad()
        losses[-1].backward()
        optimizer.step()
    assert losses[-1] < 0.6 * losses[0]
    assert found.real["single"][1].mean() > found.fake["single"][1].mean() + 1
    assert F.relu(losses[-1]).isfinite()
