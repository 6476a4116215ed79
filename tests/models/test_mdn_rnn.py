"""M: mixtures by hand and by torch, the limits of temperature, one bias a gate, and what it predicts."""

import math

import pytest
import torch
from torch.distributions import Categorical, MixtureSameFamily, Normal

from gamesim.config import load
from gamesim.models.world_models.memory import MDN, NEVER, Memory, nll, sample


def mixture(weights, means, stds):
    """One mixture (Z = 1) as an `MDN` without leading dimensions."""
    log_pi, mean, log_std = torch.tensor(weights).log(), torch.tensor(means), torch.tensor(stds).log()
    return MDN(log_pi[None], mean[None], log_std[None], torch.zeros(0))


def memory(preset="world-model-tiny", *overrides):
    torch.manual_seed(0)
    return Memory(load(preset, overrides).model)


def noise(*shape, seed=0):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


@pytest.mark.parametrize(
    ("preset", "game", "parameters"),
    [
        ("world-model-carracing", ["model.num_actions=225", "model.levels=[9,5,5]"], 422_368),
        ("world-model-doom", ["model.num_actions=3"], 1_678_785),
    ],
)
def test_the_papers_sizes(preset, game, parameters):
    """The paper's M for CarRacing predicts no reward."""
    published = memory(preset, *game, "model.rewards=false")
    assert sum(parameter.numel() for parameter in published.parameters()) == parameters


@pytest.mark.parametrize("preset", ["world-model-doom", "world-model-places"])
def test_step_by_step_it_foretells_what_it_foretells_of_a_whole_window(preset):
    small = ("model.hidden=8", "model.z_size=4")
    network = memory(preset, *small, *(("model.patch=42",) if "places" in preset else ()))
    z, actions = noise(3, 5, network.z_size), torch.arange(15).view(3, 5) % 3
    first = torch.eye(1, 5).repeat(3, 1)
    with torch.no_grad():
        together, (h, c) = network(z, actions, first=first)
        cell = (torch.zeros(3, 8), torch.zeros(3, 8))
        for t in range(5):
            told, cell = network.step(z[:, t], actions[:, t], cell, first[:, t])
            for part, whole in zip(told, together, strict=True):
                assert torch.allclose(part, whole[:, t], atol=1e-5)
    assert torch.allclose(cell[0], h, atol=1e-5) and torch.allclose(cell[1], c, atol=1e-5)


class TestLikelihood:
    def test_a_mixture_computed_by_hand(self):
        density = 0.3 * math.exp(-0.5 * (1 / 0.5) ** 2) / (0.5 * math.sqrt(2 * math.pi))
        density += 0.7 * math.exp(-0.5 * (2 / 2.0) ** 2) / (2.0 * math.sqrt(2 * math.pi))
        nats = nll(mixture([0.3, 0.7], [0.0, 3.0], [0.5, 2.0]), torch.tensor([1.0]))
        assert nats.item() == pytest.approx(-math.log(density), rel=1e-6)

    def test_it_is_torchs(self):
        mdn, z = foretold(), noise(3, 4, 6)
        theirs = MixtureSameFamily(Categorical(logits=mdn.log_pi), Normal(mdn.mean, mdn.log_std.exp()))
        assert torch.allclose(nll(mdn, z), -theirs.log_prob(z), atol=1e-5)

    def test_far_from_every_gaussian_it_is_large_and_has_a_gradient(self):
        mdn = mixture([0.5, 0.5], [0.0, 1.0], [0.01, 0.01])
        mdn.mean.requires_grad_()
        nats = nll(mdn, torch.tensor([50.0]))
        nats.sum().backward()
        assert 1e6 < nats.item() < math.inf
        assert mdn.mean.grad.isfinite().all() and mdn.mean.grad.abs().max() > 0


def foretold():
    """(3, 4, 6, 5): lanes, steps, numbers of z, Gaussians."""
    chance = torch.Generator().manual_seed(1)
    draw = [torch.randn(3, 4, 6, 5, generator=chance) for _ in range(3)]
    return MDN(draw[0].log_softmax(-1), draw[1], draw[2], torch.zeros(3, 4, 2))


class TestTemperature:
    def test_at_0_it_is_the_mean_of_the_likeliest_gaussian(self):
        mdn = foretold()
        likeliest = mdn.mean.gather(-1, mdn.log_pi.argmax(-1, keepdim=True)).squeeze(-1)
        for seed in range(5):
            assert (sample(mdn, 0.0, noise(3, 4, 2, 6, seed=seed)) == likeliest).all()

    def test_towards_0_it_comes_ever_closer_to_that(self):
        mdn, draws = foretold(), noise(3, 4, 2, 6)
        frozen = sample(mdn, 0.0, draws)
        distances = [(sample(mdn, tau, draws) - frozen).abs().max().item() for tau in (1e-2, 1e-3, 1e-4)]
        assert distances == sorted(distances, reverse=True)
        assert distances[-1] < 0.3

    @pytest.mark.parametrize("tau", [0.5, 1.0, 2.0])
    def test_it_bends_the_weights_and_spreads_by_its_root(self, tau):
        mdn = mixture([0.2, 0.8], [-100.0, 100.0], [1.0, 3.0])
        draws = noise(100_000, 2, 1)
        z = sample(MDN(*(part.expand(100_000, *part.shape) for part in mdn)), tau, draws).squeeze(1)
        left = z < 0
        weights = [weight ** (1 / tau) for weight in (0.2, 0.8)]
        assert left.float().mean().item() == pytest.approx(weights[0] / sum(weights), abs=0.006)
        assert z[left].std().item() == pytest.approx(math.sqrt(tau), rel=0.02)
        assert z[~left].std().item() == pytest.approx(3 * math.sqrt(tau), rel=0.02)
        assert z[left].mean().item() == pytest.approx(-100, abs=0.1)

    def test_hot_without_end_every_gaussian_is_as_likely(self):
        mdn = mixture([0.98, 0.01, 0.01], [0.0, 1e6, 2e6], [1.0, 1.0, 1.0])
        z = sample(MDN(*(part.expand(30_000, *part.shape) for part in mdn)), 1e4, noise(30_000, 2, 1))
        assert torch.bincount((z.flatten() / 1e6).round().long()).tolist() == pytest.approx(
            [1e4] * 3, rel=0.05
        )

    def test_draws_follow_the_mixture(self):
        """A draw's nats are, on average, the mixture's entropy, as torch's own draws have it."""
        mdn = mixture([0.3, 0.7], [0.0, 3.0], [0.5, 2.0])
        many = MDN(*(part.expand(100_000, *part.shape) for part in mdn))
        ours = nll(many, sample(many, 1.0, noise(100_000, 2, 1)))
        theirs = MixtureSameFamily(Categorical(logits=mdn.log_pi), Normal(mdn.mean, mdn.log_std.exp()))
        torch.manual_seed(0)
        entropy = -theirs.log_prob(theirs.sample((100_000,))).mean()
        assert ours.mean().item() == pytest.approx(entropy.item(), abs=0.01)


class TestForetelling:
    z, action = noise(3, 7, 4), torch.arange(21).view(3, 7) % 5

    def test_shapes_and_weights(self):
        mdn, (h, c) = memory()(self.z, self.action)
        assert mdn.log_pi.shape == mdn.mean.shape == mdn.log_std.shape == (3, 7, 4, 2)
        assert torch.allclose(mdn.log_pi.exp().sum(-1), torch.ones(3, 7, 4))
        assert mdn.hidden.shape == (3, 7, 8)
        assert h.shape == c.shape == (3, 8)
        assert (h == mdn.hidden[:, -1]).all()

    def test_a_sequence_at_once_is_its_steps_one_by_one(self):
        network = memory()
        whole, last = network(self.z, self.action)
        state = None
        for step in range(7):
            mdn, state = network(self.z[:, step : step + 1], self.action[:, step : step + 1], state)
            assert torch.allclose(mdn.mean[:, 0], whole.mean[:, step], atol=1e-6)
        assert torch.allclose(state[1], last[1], atol=1e-6)

    def test_it_knows_the_past_and_not_the_future(self):
        network = memory()
        before, _ = network(self.z, self.action)
        z, action = self.z.clone(), self.action.clone()
        z[:, 4], action[:, 3] = 9.0, (action[:, 3] + 1) % 5
        after, _ = network(z, action)
        assert torch.allclose(before.mean[:, :3], after.mean[:, :3], atol=1e-6)
        assert ((before.mean - after.mean)[:, 3:].abs().amax((0, 2, 3)) > 1e-4).all()

    def test_the_gates_are_the_lstms_with_one_bias(self):
        """Against a step written out: i, f, g, o from one product with (z, action, 1) and one with h."""
        network = memory()
        z, h, c = noise(3, 4), noise(3, 8, seed=1), noise(3, 8, seed=2)
        action = torch.tensor([0, 4, 2])
        seen = torch.cat([z, torch.nn.functional.one_hot(action, 5), torch.ones(3, 1)], 1)
        gates = seen @ network.lstm.weight_ih_l0.T + h @ network.lstm.weight_hh_l0.T
        i, f, g, o = gates.chunk(4, 1)
        kept = f.sigmoid() * c + i.sigmoid() * g.tanh()
        _, (new_h, new_c) = network(z[:, None], action[:, None], (h, c))
        assert torch.allclose(new_c, kept, atol=1e-6)
        assert torch.allclose(new_h, o.sigmoid() * kept.tanh(), atol=1e-6)

    def test_takecovers_action_is_one_number_and_it_is_told_of_beginnings(self):
        network = memory("world-model-doom", "model.z_size=4", "model.hidden=8")
        action = torch.tensor([[0, 1, 2]])
        assert network.read(action)[..., 0].tolist() == [[-1, 0, 1]]
        z = noise(1, 3, 4)
        plain, _ = network(z, action)
        told, _ = network(z, action, first=torch.tensor([[1.0, 0, 0]]))
        assert (plain.mean != told.mean).any()


class TestOutcome:
    hidden, z = noise(5, 8), noise(5, 4, seed=1)

    def test_reward_and_end_are_two_numbers_a_step(self):
        reward, end_logit = memory().outcome(self.hidden, self.z)
        assert reward.shape == end_logit.shape == (5,)
        assert (reward != end_logit).all()

    def test_the_papers_m_tells_the_end_by_h_alone_and_ours_by_the_z_that_came_too(self):
        paper, ours = memory("world-model-tiny", "model.outcome_sees=h"), memory()
        assert (paper.outcome(self.hidden, self.z)[1] == paper.outcome(self.hidden, -self.z)[1]).all()
        assert (ours.outcome(self.hidden, self.z)[1] != ours.outcome(self.hidden, -self.z)[1]).all()

    def test_each_head_can_be_left_out(self):
        neither = memory("world-model-tiny", "model.rewards=false", "model.ends=false")
        reward, end_logit = neither.outcome(self.hidden, self.z)
        assert reward.tolist() == [1] * 5
        assert end_logit.tolist() == [NEVER] * 5
        only_end = memory("world-model-tiny", "model.rewards=false")
        reward, end_logit = only_end.outcome(self.hidden, self.z)
        assert reward.tolist() == [1] * 5
        assert (end_logit != NEVER).all()


@pytest.mark.slow
def test_it_learns_a_batch_by_heart():
    torch.manual_seed(0)
    network = memory("world-model-tiny", "model.hidden=32")
    z, action = noise(4, 7, 4), torch.randint(0, 5, (4, 6))
    rewards, ends = torch.randn(4, 6), (torch.arange(6) == 5).expand(4, 6).float()
    adam = torch.optim.Adam(network.parameters(), lr=1e-2)
    history = []
    for _ in range(300):
        mdn, _ = network(z[:, :-1], action)
        reward, end_logit = network.outcome(mdn.hidden, z[:, 1:])
        nats = nll(mdn, z[:, 1:]).sum(-1).mean()
        missed = (reward - rewards).square().mean()
        surprise = torch.nn.functional.binary_cross_entropy_with_logits(end_logit, ends)
        history.append((nats.item(), missed.item(), surprise.item()))
        adam.zero_grad()
        (nats + missed + surprise).backward()
        torch.nn.utils.clip_grad_norm_(network.parameters(), 1.0)
        adam.step()
    (nats_then, missed_then, _), (nats_now, missed_now, surprise_now) = history[0], history[-1]
    assert nats_now < nats_then - 8  # of numbers that chance drew, about 1.4 nats each by N(0, 1)
    assert missed_now < missed_then / 20
    assert surprise_now < 0.05
    mdn, _ = network(z[:, :-1], action)
    frozen = sample(mdn, 0.0, torch.zeros(4, 6, 2, 4))
    assert (frozen - z[:, 1:]).abs().mean() < 0.3  # of about 0.8; chips differ
