"""GameGAN's adversarial terms by hand-computed numbers (arXiv 2005.12126, Sec. 3.4)."""

from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from gamesim.models.gamegan.discriminators import Discriminators
from gamesim.schema import GameGANLosses, GameGANModelConfig
from gamesim.training.adversarial import (
    Clip,
    discriminator_loss,
    fake_hinge,
    generator_loss,
    gradient_penalty,
    real_hinge,
    wanted,
    wrong_actions,
)

NONE = dict.fromkeys(set(GameGANLosses.model_fields) - {"reconstruction", "outcome"}, 0.0)


def only(**weights: float) -> GameGANLosses:
    return GameGANLosses(**NONE | weights)


class Means(nn.Module):
    """Judges whose verdict is the mean brightness, so that every loss can be worked out by hand.

    A pair is worth what comes after, plus a tenth of its action; a guess of the action is always 2, of z 0.5.
    """

    def single(self, frames: Tensor) -> tuple[list[Tensor], list[Tensor]]:
        return [frames.mean((1, 2, 3))[:, None]], [frames.flatten(1)]

    def action(self, before: Tensor, action: Tensor, after: Tensor) -> tuple[list[Tensor], list[Tensor]]:
        return [after.mean((1, 2, 3))[:, None] + action[:, None] / 10], [after.flatten(1)]

    def recover(self, before: Tensor, after: Tensor) -> tuple[Tensor, Tensor]:
        guess = torch.zeros(len(before), 5)
        guess[:, 2] = 3
        return guess, torch.full((len(before), 6), 0.5)

    def temporal(self, frames: Tensor) -> tuple[list[Tensor], list[Tensor]]:
        return [frames.mean((1, 2, 3, 4))[:, None]], [2 * frames.flatten(1)]


def clip(brightness: float, action: int = 1, z: float | None = None) -> Clip:
    noise = None if z is None else torch.full((2, 2, 6), z)
    return Clip(torch.full((2, 3, 3, 4, 4), brightness), torch.full((2, 2), action), noise)


def test_a_clip_as_pairs():
    frames = torch.arange(6.0).view(2, 3, 1, 1, 1).expand(2, 3, 3, 4, 4)
    before, action, after = Clip(frames, torch.tensor([[1, 2], [3, 4]])).pairs
    assert before[:, 0, 0, 0].tolist() == [0, 1, 3, 4]
    assert action.tolist() == [1, 2, 3, 4]
    assert after[:, 0, 0, 0].tolist() == [1, 2, 4, 5]


def test_hinge_terms_by_hand():
    """Each term of the logits is a mean of its own, so that 49 cells do not drown the whole."""
    logits = [torch.tensor([[2.0, 0.5], [-1.0, 1.0]]), torch.tensor([[0.0], [-3.0]])]
    assert real_hinge(logits) == ((0 + 0.5 + 2 + 0) / 4 + (1 + 4) / 2) / 2
    assert fake_hinge(logits) == ((3 + 1.5 + 0 + 2) / 4 + (1 + 0) / 2) / 2
    assert wanted(logits) == -((2 + 0.5 - 1 + 1) / 4 + (0 - 3) / 2) / 2


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


def test_with_two_actions_the_wrong_one_is_the_other():
    assert wrong_actions(torch.tensor([0, 1, 1]), 2).tolist() == [1, 0, 0]


def test_gradient_penalty_of_a_known_gradient():
    frames = torch.full((2, 3, 3, 4, 4), 0.5, requires_grad=True)
    slope = torch.tensor(3.0, requires_grad=True)
    logits = [slope * frames.sum((1, 2, 3, 4)), frames.square().sum((1, 2, 3, 4))[:, None]]
    penalty = gradient_penalty(logits, frames)  # the gradient is 3 + 2 * 0.5 everywhere
    assert torch.isclose(penalty, torch.tensor(frames.numel() * 4.0**2))
    penalty.backward()
    assert slope.grad is not None
    assert torch.isclose(slope.grad, torch.tensor(frames.numel() * 2 * 4.0))


def test_discriminator_loss_by_hand():
    """Real frames of 0.75 and fake ones of 0.25, under action 1 or, as a wrong one, 0 of 2."""
    real, fake = clip(0.75), clip(0.25)
    loss = discriminator_loss(Means(), real, fake, only(adversarial=1.0), num_actions=2)
    single = (1 - 0.75) + (1 + 0.25)
    pair = (1 - 0.85) + ((1 + 0.75) + (1 + 0.35)) / 2  # the wrong action, and the fake pair
    assert torch.isclose(loss, torch.tensor(2 * single + pair))
    double = discriminator_loss(Means(), real, fake, only(adversarial=2.0), num_actions=2)
    assert torch.isclose(double, 2 * loss)


def test_discriminators_learn_to_recover_action_from_real_pairs_and_z_from_fake_ones():
    real, fake = clip(0.75, action=2), clip(0.25, action=0, z=0.0)
    guess = torch.tensor([[0.0, 0, 3, 0, 0]])
    found = discriminator_loss(Means(), real, fake, only(action_recovery=3.0), 5)
    assert torch.isclose(found, 3 * F.cross_entropy(guess, torch.tensor([2])))
    found = discriminator_loss(Means(), real, fake, only(z_recovery_discriminator=2.0), 5)
    assert torch.isclose(found, torch.tensor(2 * 0.5**2))
    assert discriminator_loss(Means(), real, clip(0.25), only(z_recovery_discriminator=2.0), 5) == 0


def test_gradient_penalties_are_a_frames_and_a_clips():
    """A frame's logits have the gradient 1/48 from itself and, unless it is the first, 1/48 from its pair."""
    real, fake = clip(0.75), clip(0.25)
    found = discriminator_loss(Means(), real, fake, only(gradient_penalty=2.0), 5)
    assert torch.isclose(found, torch.tensor(2 * (1 + 2**2 + 2**2) * 48 / 48**2 / 3))
    found = discriminator_loss(Means(), real, fake, only(temporal_gradient_penalty=5.0), 5)
    assert torch.isclose(found, torch.tensor(5 * (3 * 48) / (3 * 48) ** 2))
    assert not real.frames.requires_grad


def test_generator_terms_by_name_and_weight():
    real, fake = clip(0.75, action=2), clip(0.25, action=2, z=0.0)
    weights = {"adversarial": 2.0, "action_recovery": 3.0, "z_recovery": 30.0, "feature_matching": 10.0}
    terms = generator_loss(Means(), real, fake, only(**weights), paired=True)
    assert set(terms) == {"adversarial", "action_recovery", "z_recovery", "features"}
    assert torch.isclose(terms["adversarial"], torch.tensor(-2 * (0.25 + (0.25 + 0.2) + 0.25)))
    recovered = F.cross_entropy(torch.tensor([[0.0, 0, 3, 0, 0]]), torch.tensor([2]))
    assert torch.isclose(terms["action_recovery"], 3 * recovered)
    assert torch.isclose(terms["z_recovery"], torch.tensor(30 * 0.5**2))
    assert torch.isclose(terms["features"], torch.tensor(10 * (0.5 + 2 * 0.5) / 2))


def test_terms_that_make_no_sense_are_left_out():
    assert set(generator_loss(Means(), clip(0.7), clip(0.2), GameGANLosses(), paired=False)) == {
        "adversarial", "action_recovery",
    }  # fmt: skip
    assert set(generator_loss(Means(), clip(0.7), clip(0.2), only(adversarial=1.0), paired=True)) == {
        "adversarial"
    }


TINY = {"frame_size": 84, "z_size": 6, "discriminator_channels": 4}


def test_the_discriminators_serve_the_losses():
    torch.manual_seed(0)
    judges = Discriminators(GameGANModelConfig(**TINY))
    fake = torch.rand(2, 4, 3, 84, 84, requires_grad=True)
    z = torch.rand(2, 3, 6)
    actions = torch.tensor([[0, 1, 2], [3, 4, 0]])
    real, dreamt = Clip(torch.rand(2, 4, 3, 84, 84), actions), Clip(fake, actions, z)
    judged = discriminator_loss(judges, real, Clip(fake.detach(), actions, z), GameGANLosses(), 5)
    judged.backward()
    assert fake.grad is None
    gradients = [p.grad for p in judges.parameters() if p.grad is not None]
    assert all(gradient.isfinite().all() for gradient in gradients)
    untrained = [n for n, p in judges.named_parameters() if p.grad is None]
    assert all(name.startswith("clip.") for name in untrained)
    terms = generator_loss(judges.requires_grad_(False), real, dreamt, GameGANLosses(), paired=True)
    torch.stack(list(terms.values())).sum().backward()
    assert fake.grad is not None and (fake.grad.abs().amax((2, 3, 4)) > 0).all()


@pytest.mark.slow
def test_judges_learn_to_separate_two_obvious_sets():
    """Real: dark, with the action lighting a corner. Fake: noise."""
    torch.manual_seed(0)
    judges = Discriminators(GameGANModelConfig(**TINY))
    losses = only(adversarial=1.0)
    actions = torch.tensor([[0, 1, 2], [3, 4, 0]])
    frames = torch.zeros(2, 4, 3, 84, 84)
    for lane, step in torch.cartesian_prod(torch.arange(2), torch.arange(3)):
        frames[lane, step + 1, :, : 12 * (1 + int(actions[lane, step])), :12] = 1
    real, fake = Clip(frames, actions), Clip(torch.rand_like(frames), actions)
    optimizer = torch.optim.Adam(judges.parameters(), 1e-2, (0.0, 0.9))
    first = None
    for _ in range(30):
        loss = discriminator_loss(judges, real, fake, losses, 5)
        first = first or loss.item()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    judges.eval()
    for judge in (lambda c: judges.single(c.frames.flatten(0, 1)), lambda c: judges.temporal(c.frames)):
        for of_real, of_fake in zip(judge(real)[0], judge(fake)[0], strict=True):
            assert of_real.mean(1).min() > of_fake.mean(1).max()
    assert loss.item() < 0.5 * first
