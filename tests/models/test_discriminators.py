"""GameGAN's three discriminators on one frame encoder (arXiv 2005.12126, Sec. 3.4)."""

from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F
from torch.nn.utils import parametrize

from gamesim.config.gamegan import GameGANModelConfig
from gamesim.models.gamegan.discriminators import WINDOWS, Discriminators, windows_with


def discriminators(frame_size: int = 84) -> Discriminators:
    torch.manual_seed(0)
    config = GameGANModelConfig(frame_size=frame_size, z_size=6, discriminator_channels=4)  # pyright: ignore
    return Discriminators(config).eval()


def maps(*shape: int, size: int = 84) -> torch.Tensor:
    frames = torch.rand(*shape, 3, size, size, generator=torch.Generator().manual_seed(len(shape)))
    return discriminators(size).encode(frames.flatten(0, -4))[-1].unflatten(0, shape)


@pytest.mark.parametrize(("size", "side"), [(84, 7), (64, 8)])
def test_one_encoder_makes_the_map_that_all_three_judge(size, side):
    judges = discriminators(size)
    features = judges.encode(torch.rand(3, 3, size, size))
    assert features[-1].shape == (3, 16, side, side) and all(len(each) == 3 for each in features)
    whole, patches = judges.single(features[-1])
    assert whole.shape == (3, 1) and patches.shape == (3, side**2)
    encoders = [name for name, p in judges.named_parameters() if p.ndim == 4 and p.shape[1] == 3]
    assert len(encoders) == 1, "only one network sees pixels"


def test_a_patch_judges_its_own_place_and_the_whole_judges_all():
    judges = discriminators()
    one = torch.rand(1, 3, 84, 84)
    other = one.clone()
    other[..., :12, :12] = 1 - other[..., :12, :12]
    (whole, patches), (whole_, patches_) = (judges.single(judges.encode(each)[-1]) for each in (one, other))
    changed = (patches != patches_).view(7, 7)
    assert changed[0, 0] and not changed[3:, :].any() and not changed[:, 3:].any()
    assert whole != whole_


def test_a_pair_is_judged_by_its_action():
    judges = discriminators()
    pair = judges.pair.encode(maps(2), maps(2).flip(0))
    right = judges.pair(pair, torch.tensor([1, 2]))
    wrong = judges.pair(pair, torch.tensor([3, 2]))
    assert right.shape == (2, 1)
    assert right[0] != wrong[0] and torch.equal(right[1], wrong[1])


def test_action_and_z_are_recovered_from_the_pair_alone():
    judges = discriminators()
    pair = judges.pair.encode(maps(2), maps(2))
    assert judges.pair.which_action(pair).shape == (2, 5)
    assert judges.pair.which_z(pair).shape == (2, 6)


@pytest.mark.parametrize(("time", "levels"), [(3, 1), (7, 2), (14, 2), (15, 3), (18, 3), (32, 3)])
def test_windows_that_fit_are_judged(time, levels):
    logits = discriminators().temporal(maps(2, time))
    assert len(logits) == levels
    assert all(len(logit) == 2 and logit.ndim == 3 for logit in logits)


def test_a_clip_that_is_too_short_is_an_error():
    with pytest.raises(ValueError, match="a clip of 2 frames"):
        discriminators().temporal(maps(1, 2))


@pytest.mark.parametrize("changed", [0, 5, 15])
def test_a_window_is_marked_if_and_only_if_it_sees_a_marked_frame(changed):
    """The masks say which logits a dreamt frame can move."""
    judges, clip = discriminators(), maps(1, 16)
    other = clip.clone()
    other[:, changed] += 1
    marked = torch.zeros(1, 16, dtype=torch.bool)
    marked[0, changed] = True
    masks = windows_with(marked)
    assert len(masks) == len(WINDOWS)
    for before, after, mask in zip(judges.temporal(clip), judges.temporal(other), masks, strict=True):
        assert mask.shape == (*before.shape[:2], 1)
        moved = (before != after).any(-1, keepdim=True)
        assert torch.equal(moved, mask.bool())


def test_every_layer_that_judges_is_held_to_a_lipschitz_constant():
    """All weights have spectral norm 1, but for the two that estimate quantities of any size."""
    judges = discriminators().train()
    for _ in range(20):  # the norm is estimated by power iteration, a step a pass
        features = judges.encode(torch.rand(2, 3, 84, 84))[-1]
        judges.single(features)
        judges.pair(judges.pair.encode(features, features), torch.tensor([0, 1]))
    free = {
        name
        for name, module in judges.named_modules()
        if isinstance(module, torch.nn.Conv2d | torch.nn.Conv3d | torch.nn.Linear | torch.nn.Embedding)
        and not parametrize.is_parametrized(module)
    }
    assert free == {"pair.which_action", "pair.which_z"}
    weight = judges.encode.layers[1].weight.detach().flatten(1)
    assert torch.linalg.matrix_norm(weight, 2) == pytest.approx(1, abs=0.1)


def test_gradients_reach_every_layer_and_the_frames():
    judges = discriminators()
    frames = torch.rand(2, 15, 3, 84, 84, requires_grad=True)
    found = judges.encode(frames.flatten(0, 1))[-1].unflatten(0, (2, 15))
    pair = judges.pair.encode(found[:, 0], found[:, 1])
    logits = [*judges.single(found[:, 0]), judges.pair(pair, torch.tensor([0, 3])), *judges.temporal(found)]
    logits += [judges.pair.which_action(pair), judges.pair.which_z(pair)]
    torch.stack([logit.square().mean() for logit in logits]).sum().backward()
    assert all(p.grad is not None and p.grad.isfinite().all() for p in judges.parameters())
    assert frames.grad is not None and frames.grad.abs().amax((2, 3, 4)).min() > 0
    assert F.relu(logits[0]).shape == (2, 1)
