"""GameGAN's three discriminators keep their contract (arXiv 2005.12126, Sec. 3.4)."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
import torch
import torch.nn.functional as F

from gamesim.models.gamegan.discriminators import WINDOWS, Discriminators


def discriminators(frame_size: int = 84) -> Discriminators:
    torch.manual_seed(0)
    return Discriminators(
        SimpleNamespace(frame_size=frame_size, num_actions=5, z_size=6, discriminator_channels=4)  # pyright: ignore
    )


def frames(*shape: int, size: int = 84) -> torch.Tensor:
    return torch.rand(*shape, 3, size, size, generator=torch.Generator().manual_seed(len(shape)))


@pytest.mark.parametrize(("size", "patches"), [(84, 49), (64, 64)])
def test_a_single_frame_is_judged_whole_and_by_patches(size, patches):
    logits, features = discriminators(size).single(frames(3, size=size))
    assert [tuple(logit.shape) for logit in logits] == [(3, 1), (3, patches)]
    assert all(len(feature) == 3 for feature in features)


def test_a_patch_judges_its_own_place_and_the_whole_judges_all():
    judge = discriminators().eval()
    one = frames(1)
    other = one.clone()
    other[..., :12, :12] = 1 - other[..., :12, :12]
    (whole, patches), _ = judge.single(one)
    (whole_, patches_), _ = judge.single(other)
    changed = (patches != patches_).view(7, 7)
    assert changed[0, 0] and not changed[3:, :].any() and not changed[:, 3:].any()
    assert whole != whole_


def test_a_pair_is_judged_by_its_action():
    judge = discriminators().eval()
    before, after = frames(2), frames(2).flip(0)
    right, features = judge.action(before, torch.tensor([1, 2]), after)
    wrong, _ = judge.action(before, torch.tensor([3, 2]), after)
    assert [tuple(logit.shape) for logit in right] == [(2, 1)]
    assert right[0][0] != wrong[0][0] and torch.equal(right[0][1], wrong[0][1])
    assert all(len(feature) == 2 for feature in features)


def test_action_and_z_are_recovered_from_the_pair_alone():
    action_logits, z = discriminators().recover(frames(2), frames(2))
    assert action_logits.shape == (2, 5)
    assert z.shape == (2, 6)


@pytest.mark.parametrize(("time", "levels"), [(3, 1), (7, 2), (14, 2), (15, 3), (18, 3), (32, 3)])
def test_every_window_that_fits_judges_a_clip(time, levels):
    logits, features = discriminators().temporal(frames(1, time))
    assert len(logits) == levels
    assert all(len(logit) == 1 and logit.ndim == 2 for logit in logits)
    assert len(features) > levels


@pytest.mark.parametrize("level", range(3))
def test_a_window_sees_as_many_frames_as_it_says(level):
    judge = discriminators().eval()
    clip = frames(1, 18).requires_grad_()
    judge.temporal(clip)[0][level][0, 0].backward()
    assert clip.grad is not None
    seen = clip.grad[0].abs().amax(dim=(1, 2, 3)) > 0
    assert seen.nonzero().flatten().tolist() == list(range(WINDOWS[level]))


def test_a_clip_shorter_than_any_window_is_an_error():
    with pytest.raises(ValueError, match="2 frames"):
        discriminators().temporal(frames(1, 2))


def test_every_weight_before_a_verdict_is_spectrally_normalised():
    model = discriminators()
    for _ in range(30):
        model.single(frames(1))
        model.action(frames(1), torch.tensor([1]), frames(1))
        model.temporal(frames(1, 15))
    model.eval()
    plain = ("which_action", "which_z")
    for name, module in model.named_modules():
        weight = getattr(module, "weight", None)
        if isinstance(weight, torch.Tensor) and not name.endswith(plain):
            norm = torch.linalg.matrix_norm(weight.detach().flatten(1), 2)
            assert abs(norm - 1) < 0.05, name


def test_lanes_are_independent():
    model = discriminators().eval()
    clips = frames(2, 15)
    for all_, alone in zip(model.temporal(clips)[0], model.temporal(clips[:1])[0], strict=True):
        assert torch.allclose(all_[:1], alone, atol=1e-5)
    for all_, alone in zip(model.single(clips[:, 0])[0], model.single(clips[:1, 0])[0], strict=True):
        assert torch.allclose(all_[:1], alone, atol=1e-5)


def test_gradients_reach_every_parameter_and_the_gradient_penalty_is_differentiable():
    model = discriminators()
    clip = frames(2, 15).requires_grad_()
    actions = torch.tensor([0, 1])
    logits = [
        *model.single(clip[:, 0])[0],
        *model.action(clip[:, 0], actions, clip[:, 1])[0],
        *model.action(clip[:, 0], actions + 2, clip[:, 1])[0],
        *model.temporal(clip)[0],
    ]
    verdict = torch.stack([logit.sum() for logit in logits]).sum()
    (gradient,) = torch.autograd.grad(verdict, clip, create_graph=True)
    action_logits, z = model.recover(clip[:, 0], clip[:, 1])
    recovery = F.cross_entropy(action_logits, actions) + z.square().sum()
    (verdict + gradient.square().sum() + recovery).backward()
    deaf = [name for name, p in model.named_parameters() if p.grad is None or not p.grad.abs().max() > 0]
    assert deaf == []


def test_they_learn_to_tell_a_wrong_action_from_the_right_one():
    """The picture moves with the key; only the key tells a right pair from a wrong one."""
    model = discriminators(64)
    before = torch.zeros(4, 3, 64, 64)
    before[:, :, 24:40, 24:40] = 1
    actions = torch.tensor([1, 2, 3, 4])
    moves = [(-16, 2), (16, 2), (-16, 1), (16, 1)]
    after = torch.stack([frame.roll(by, axis) for frame, (by, axis) in zip(before, moves, strict=True)])
    optimiser = torch.optim.Adam(model.parameters(), lr=1e-2, betas=(0.0, 0.9))
    for _ in range(80):
        right = model.action(before, actions, after)[0][0]
        wrong = model.action(before, actions % 4 + 1, after)[0][0]
        loss = F.relu(1 - right).mean() + F.relu(1 + wrong).mean()
        loss = loss + F.cross_entropy(model.recover(before, after)[0], actions)
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
    assert (right > wrong).all()
    assert torch.equal(model.recover(before, after)[0].argmax(1), actions)
