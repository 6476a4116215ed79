"""The map variant's discriminators keep the contract of the paper's three (arXiv 2005.12126, Sec. 3.4)."""

from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F

from gamesim.models.gamegan.patch_discriminators import WINDOW, PatchDiscriminators
from gamesim.schema import GameGANModelConfig


def discriminators(patch: int = 12) -> PatchDiscriminators:
    torch.manual_seed(0)
    return PatchDiscriminators(GameGANModelConfig(engine="maps", discriminator_channels=8, patch=patch))


def frames(*shape: int) -> torch.Tensor:
    return torch.rand(*shape, 3, 84, 84, generator=torch.Generator().manual_seed(len(shape)))


@pytest.mark.parametrize(("patch", "cells"), [(12, 49), (28, 9)])
def test_frames_and_pairs_are_judged_by_cells_and_whole(patch, cells):
    model, one = discriminators(patch), frames(3)
    for logits, features in (model.single(one), model.action(one, torch.tensor([0, 1, 4]), one.flip(0))):
        assert [tuple(logit.shape) for logit in logits] == [(3, cells), (3, 1)]
        assert [tuple(feature.shape) for feature in features] == [(3, 8, 84 // patch, 84 // patch)] * 2


def test_a_cell_judges_what_is_around_it_and_the_whole_judges_all():
    model = discriminators().eval()
    one = frames(1)
    other = one.clone()
    other[..., :12, :12] = 1 - other[..., :12, :12]
    (cells, whole), _ = model.single(one)
    (cells_, whole_), _ = model.single(other)
    changed = (cells != cells_).view(7, 7)
    assert changed[0, 0] and not changed[3:].any() and not changed[:, 3:].any()
    assert whole != whole_


def test_the_action_changes_the_verdict_on_a_pair():
    model = discriminators().eval()
    before, after = frames(2), frames(2).flip(0)
    ours, _ = model.action(before, torch.tensor([1, 2]), after)
    theirs, _ = model.action(before, torch.tensor([3, 2]), after)
    for one, other in zip(ours, theirs, strict=True):
        assert not torch.equal(one[0], other[0])
        assert torch.equal(one[1], other[1])


def test_the_order_of_a_pair_matters():
    model = discriminators().eval()
    before, after, action = frames(2), frames(2).flip(0), torch.tensor([1, 1])
    assert not torch.equal(
        model.action(before, action, after)[0][1], model.action(after, action, before)[0][1]
    )


def test_the_action_is_recovered_from_the_pair_and_z_is_not():
    logits, z = discriminators().recover(frames(2), frames(2).flip(0))
    assert logits.shape == (2, 5)
    assert z is None


@pytest.mark.parametrize("time", [WINDOW, WINDOW + 3])
def test_every_window_of_a_clip_is_judged(time):
    logits, features = discriminators().temporal(frames(2, time))
    windows = 2 * (time - WINDOW + 1)
    assert [tuple(logit.shape) for logit in logits] == [(windows, 49), (windows, 1)]
    assert all(len(feature) == windows for feature in features)


def test_a_window_sees_its_own_frames_in_their_order():
    model = discriminators().eval()
    clip = frames(2, 6)
    logits, _ = model.temporal(clip)
    for number, (lane, first) in enumerate([(0, 0), (0, 1), (0, 2), (1, 0), (1, 1), (1, 2)]):
        alone, _ = model.clip(clip[lane, first : first + WINDOW].flatten(0, 1)[None])
        assert torch.allclose(logits[1][number], alone[1][0], atol=1e-5)
    backwards, _ = model.temporal(clip.flip(1))
    assert not torch.allclose(backwards[1].flip(0), logits[1], atol=1e-5)


@pytest.mark.parametrize("time", [1, WINDOW - 1])
def test_a_clip_shorter_than_the_window_is_an_error(time):
    with pytest.raises(ValueError, match=f"a clip of {time} frames is shorter than the window, 4"):
        discriminators().temporal(frames(1, time))


def test_every_weight_before_a_verdict_has_spectral_norm_one_at_most():
    model = discriminators()
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.mul_(20)
        for _ in range(15):  # a step of power iteration each
            model.single(frames(1))
            model.action(frames(1), torch.tensor([1]), frames(1))
            model.temporal(frames(1, WINDOW))
    model.eval()
    judged = [m for n, m in model.named_modules() if hasattr(m, "parametrizations") and "which" not in n]
    assert len(judged) == 3 * 5 + 1
    for module in judged:
        assert torch.linalg.matrix_norm(module.weight.detach().flatten(1), 2) < 1.05
    layers = (torch.nn.Linear, torch.nn.Conv2d, torch.nn.Embedding)
    unbound = {n for n, m in model.named_modules() if isinstance(m, layers) and m not in judged}
    assert unbound == {"pair.which_action"}


def test_lanes_are_independent():
    model = discriminators().eval()
    clips = frames(2, WINDOW)
    for both, alone in (
        (model.temporal(clips), model.temporal(clips[:1])),
        (model.single(clips[:, 0]), model.single(clips[:1, 0])),
    ):
        for ours, theirs in zip(both[0] + both[1], alone[0] + alone[1], strict=True):
            assert torch.allclose(ours[:1], theirs, atol=1e-5)


def test_gradients_reach_every_parameter_and_the_frames_twice():
    model = discriminators()
    clip, actions = frames(2, WINDOW).requires_grad_(), torch.tensor([0, 1])
    logits = [
        *model.single(clip[:, 0])[0],
        *model.action(clip[:, 0], actions, clip[:, 1])[0],
        *model.temporal(clip)[0],
    ]
    verdict = torch.stack([logit.sum() for logit in logits]).sum()
    (gradient,) = torch.autograd.grad(verdict, clip, create_graph=True)
    recovered = F.cross_entropy(model.recover(clip[:, 0], clip[:, 1])[0], actions)
    (verdict + gradient.square().sum() + recovered).backward()
    deaf = [name for name, p in model.named_parameters() if p.grad is None or not p.grad.abs().max() > 0]
    assert deaf == []


def test_they_learn_to_tell_a_wrong_action_from_the_right_one():
    """The picture moves by a cell with the key; only the key tells a right pair from a wrong one."""
    model = discriminators()
    before = frames(1).expand(4, -1, -1, -1)
    actions = torch.tensor([1, 2, 3, 4])
    moves = [(12, 2), (-12, 2), (12, 1), (-12, 1)]
    after = torch.stack([frame.roll(by, axis) for frame, (by, axis) in zip(before, moves, strict=True)])
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-2, betas=(0.0, 0.9))
    for _ in range(60):
        right = model.action(before, actions, after)[0][0].mean(1)
        wrong = model.action(before, actions % 4 + 1, after)[0][0].mean(1)
        loss = F.relu(1 - right).mean() + F.relu(1 + wrong).mean()
        loss = loss + F.cross_entropy(model.recover(before, after)[0], actions)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    assert (right > wrong).all()
    assert torch.equal(model.recover(before, after)[0].argmax(1), actions)
