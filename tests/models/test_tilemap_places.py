"""V and M over places: what a place's z hangs on, one mixture for each place, and batches learnt by heart."""

import math

import pytest
import torch

from gamesim import models
from gamesim.config import load
from gamesim.config.world_models import VisionTraining
from gamesim.errors import UserError
from gamesim.models.tilemap.places import PlaceMemory, PlaceVision
from gamesim.models.world_models import vision
from gamesim.models.world_models.memory import MDN, nll, sample

BY_PLACES = ["model.engine=places", "model.z_size=3", "model.channels=16", "model.width=8"]
PLACES, NUMBERS = 49, 147


def noise(*shape, seed=0):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


def config(*overrides):
    return load("world-model-tiny", [*BY_PLACES, *overrides])


@pytest.fixture
def eyes():
    torch.manual_seed(0)
    return PlaceVision(config().model)


@pytest.fixture
def memory():
    torch.manual_seed(0)
    return PlaceMemory(config().model)


def test_patches_that_do_not_cut_a_frame_into_places_are_told():
    with pytest.raises(UserError, match="patch 13"):
        config("model.patch=13")


class TestVision:
    def test_a_picture_becomes_numbers_for_each_place_and_back(self, eyes):
        mean, log_variance = eyes.encode(torch.rand(2, 3, 84, 84))
        assert mean.shape == log_variance.shape == (2, NUMBERS)
        assert eyes.decode(mean).shape == (2, 3, 84, 84)

    def test_a_places_numbers_are_of_its_own_pixels_alone(self, eyes):
        picture = torch.rand(1, 3, 84, 84, generator=torch.Generator().manual_seed(0))
        other = picture.clone()
        other[..., 24:36, 60:72] = 0  # row 2, column 5
        changed = (eyes.encode(picture)[0] != eyes.encode(other)[0]).view(7, 7, 3).any(-1)
        assert changed.nonzero().tolist() == [[2, 5]]

    def test_what_is_drawn_at_a_place_is_of_its_own_numbers_alone(self, eyes):
        z = noise(1, NUMBERS)
        other = z.clone().view(1, 7, 7, 3)
        other[0, 2, 5] += 1
        changed = (eyes.decode(z) != eyes.decode(other.flatten(1)))[0].any(0).view(7, 12, 7, 12)
        assert changed.any(3).any(1).nonzero().tolist() == [[2, 5]]

    @pytest.mark.slow
    def test_it_learns_a_batch_by_heart(self, eyes):
        pictures = torch.rand(4, 3, 7, 7).round().repeat_interleave(12, 2).repeat_interleave(12, 3)
        adam = torch.optim.Adam(eyes.parameters(), lr=5e-3)
        history = []
        for _ in range(150):
            mean, log_variance = eyes.encode(pictures)
            logits = eyes.logits(vision.reparameterised(mean, log_variance, torch.randn_like(mean)))
            missed = vision.reconstruction(logits, pictures, VisionTraining()).mean()
            history.append(missed.item())
            adam.zero_grad()
            (missed + vision.kl(mean, log_variance).mean()).backward()
            adam.step()
        assert history[-1] < history[0] / 20


def foretold():
    """(4, 147, 5): lanes, numbers of z, Gaussians; the numbers of a place have the same weights."""
    weight, mean, log_std = noise(4, PLACES, 5), noise(4, NUMBERS, 5, seed=1), noise(4, NUMBERS, 5, seed=2)
    return MDN(weight.log_softmax(-1).repeat_interleave(3, -2), mean, log_std, torch.zeros(4, 2))


class TestMixtures:
    def test_shapes_and_that_a_places_numbers_share_their_weights(self, memory):
        mdn, (h, c) = memory(noise(2, 4, NUMBERS), torch.zeros(2, 4, dtype=torch.int64))
        assert mdn.log_pi.shape == mdn.mean.shape == mdn.log_std.shape == (2, 4, NUMBERS, 2)
        assert h.shape == c.shape == (2, 8)
        weights = mdn.log_pi.exp().unflatten(-2, (PLACES, 3))
        assert torch.allclose(weights.sum(-1), torch.ones(2, 4, PLACES, 3))
        assert (weights == weights[..., :1, :]).all()

    def test_nats_are_those_of_torchs_mixture_of_whole_places(self, memory):
        from torch.distributions import Categorical, Independent, MixtureSameFamily, Normal

        mdn, z = foretold(), noise(4, NUMBERS, seed=3)
        mean, std = (part.unflatten(1, (PLACES, 3)).mT for part in (mdn.mean, mdn.log_std.exp()))
        theirs = MixtureSameFamily(
            Categorical(logits=mdn.log_pi[:, ::3]), Independent(Normal(mean, std), 1)
        ).log_prob(z.unflatten(1, (PLACES, 3)))
        assert torch.allclose(memory.nll(mdn, z), -theirs.sum(1), rtol=1e-4)

    def test_with_one_number_a_place_they_are_the_papers(self):
        torch.manual_seed(0)
        single = PlaceMemory(config("model.z_size=1").model)
        mdn = MDN(*(noise(4, PLACES, 5, seed=k) for k in range(3)), torch.zeros(4, 2))
        mdn = mdn._replace(log_pi=mdn.log_pi.log_softmax(-1))
        z, draws = noise(4, PLACES, seed=5), noise(4, 2, PLACES, seed=6)
        assert torch.allclose(single.nll(mdn, z), nll(mdn, z).sum(-1), rtol=1e-5)
        assert (single.sample(mdn, 1.0, draws) == sample(mdn, 1.0, draws)).all()

    def test_a_draw_is_one_gaussian_for_all_numbers_of_a_place(self, memory):
        """Means 0, 10, 20, ... apart and hardly any spread: each number tells which one was drawn."""
        mean = (10.0 * torch.arange(5)).expand(200, NUMBERS, 5)
        mdn = MDN(
            torch.full((200, NUMBERS, 5), -math.log(5)), mean, torch.full_like(mean, -9), torch.zeros(200, 1)
        )
        drawn = (memory.sample(mdn, 1.0, noise(200, 2, NUMBERS)) / 10).round().view(200, PLACES, 3)
        assert (drawn == drawn[..., :1]).all()
        assert torch.bincount(drawn[..., 0].flatten().long()).float().div(9800).tolist() == pytest.approx(
            [0.2] * 5, abs=0.02
        )

    def test_a_places_mixture_is_made_of_its_neighbours_and_of_h(self, memory):
        hidden, z = noise(1, 8), noise(1, NUMBERS)
        other = z.clone().view(1, 7, 7, 3)
        other[0, 2, 5] += 1
        mean = memory.foretell(hidden, z).mean
        changed = (mean != memory.foretell(hidden, other.flatten(1)).mean).any(-1).view(7, 7, 3).any(-1)
        wanted = [[row, column] for row in (1, 2, 3) for column in (4, 5, 6)]
        assert changed.nonzero().tolist() == wanted
        assert (mean != memory.foretell(-hidden, z).mean).any(-1).view(49, 3).any(-1).all()

    def test_a_sequence_at_once_is_its_steps_one_by_one(self, memory):
        z, action = noise(3, 5, NUMBERS), torch.arange(15).view(3, 5) % 5
        whole, last = memory(z, action)
        state = None
        for step in range(5):
            mdn, state = memory(z[:, step : step + 1], action[:, step : step + 1], state)
            assert torch.allclose(mdn.mean[:, 0], whole.mean[:, step], atol=1e-5)
        assert torch.allclose(state[0], last[0], atol=1e-5)

    def test_reward_and_end_are_told_by_the_z_that_was_and_the_z_that_came(self, memory):
        """Both, else a ghost that is gone from the picture could have caught the player or just left."""
        z, came = noise(4, 1, NUMBERS), noise(4, 1, NUMBERS, seed=1)
        mdn, _ = memory(z, torch.ones(4, 1, dtype=torch.int64))
        assert mdn.hidden.shape == (4, 1, 8 + NUMBERS)
        assert (mdn.hidden[..., 8:] == z).all()
        told = torch.stack(memory.outcome(mdn.hidden, came))
        assert (told != torch.stack(memory.outcome(mdn.hidden, -came))).all()
        assert (told != torch.stack(memory.outcome(-mdn.hidden, came))).all()

    @pytest.mark.slow
    def test_it_learns_to_scroll_as_the_action_says(self):
        """A toy game: 1 leaves all as it is, 2 moves every place's numbers one to the left."""
        torch.manual_seed(0)
        network = PlaceMemory(config("model.hidden=16", "model.width=32", "model.mixtures=1").model)
        adam = torch.optim.Adam(network.parameters(), lr=1e-2)
        for _ in range(250):
            z, action = torch.randn(32, 1, NUMBERS), torch.randint(1, 3, (32, 1))
            grid = z.view(32, 7, 7, 3)
            wanted = torch.where((action == 2).view(32, 1, 1, 1), grid.roll(-1, 2), grid)[:, :, :-1]
            mdn, _ = network(z, action)
            missed = (mdn.mean.view(32, 7, 7, 3)[:, :, :-1] - wanted).square().mean()
            adam.zero_grad()
            missed.backward()
            adam.step()
        assert missed.item() < 0.1  # by standing still or by always scrolling it would be 1


def test_the_whole_engine_dreams_and_half_precision_does_nearly_the_same():
    torch.manual_seed(0)
    exact, half = (models.build(config()).eval() for _ in range(2))
    half.load_state_dict(exact.state_dict())
    half.memory.to(torch.bfloat16)
    frames = torch.randint(0, 256, (5, 3, 84, 84, 3), dtype=torch.uint8)
    state = exact.start(frames, torch.zeros(5, 2, dtype=torch.int64))
    draws = noise(5, *exact.noise_shape)
    wanted, got = (m.dream(state, torch.arange(5), 0.0, draws)[0] for m in (exact, half))
    assert torch.allclose(got["h"], wanted["h"], atol=0.03)
    assert exact.features(state).shape == (5, NUMBERS + 8)
    _, prediction = exact.imagine(state, torch.arange(5), temperature=1.0, generator=draws)
    assert prediction.frame.shape == (5, 84, 84, 3)
