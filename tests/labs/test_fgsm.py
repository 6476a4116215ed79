"""What holds of the fast gradient sign method, whatever it attacks; and of what the lab attacks with it."""

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from gamesim.labs.fgsm import adversarial, fgsm, gradient, moved, random_signs

INFINITE = {"low": -torch.inf, "high": torch.inf}


def network(seed=0):
    torch.manual_seed(seed)
    return nn.Sequential(nn.Flatten(), nn.Linear(48, 32), nn.Tanh(), nn.Linear(32, 5))


def frames(count=6, seed=0):
    return torch.rand(count, 3, 4, 4, generator=torch.Generator().manual_seed(seed))


def cross_entropy(model, labels):
    return lambda x: F.cross_entropy(model(x), labels, reduction="none")


LABELS = torch.tensor([0, 1, 2, 3, 4, 0])


@pytest.mark.parametrize("epsilon", [1 / 255, 8 / 255, 0.25])
def test_each_pixel_moves_by_epsilon_or_to_its_bound(epsilon):
    x = frames()
    change = (fgsm(cross_entropy(network(), LABELS), x, epsilon) - x).abs()
    room = (x >= epsilon) & (x <= 1 - epsilon)
    torch.testing.assert_close(change[room], torch.full_like(change[room], epsilon), rtol=0, atol=1e-6)
    assert change.max() <= epsilon + 1e-6 and room.any()


def test_no_pixel_leaves_its_bounds():
    x = frames().round()  # black and white alone: every other step is clipped
    attacked = fgsm(cross_entropy(network(), LABELS), x, 0.1)
    assert attacked.min() >= 0 and attacked.max() <= 1
    assert not torch.equal(attacked, x)


def test_an_epsilon_of_0_changes_nothing():
    x = frames()
    assert torch.equal(fgsm(cross_entropy(network(), LABELS), x, 0.0), x)
    assert torch.equal(moved(x, random_signs(x, torch.Generator()), 0.0), x)


def test_a_linear_loss_grows_by_epsilon_times_the_sum_of_its_weights_and_no_change_of_that_size_does_more():
    w, x, epsilon = torch.randn(48, generator=torch.Generator().manual_seed(1)), frames(), 0.07

    def loss(p):
        return p.flatten(1) @ w

    grown = loss(fgsm(loss, x, epsilon, **INFINITE)) - loss(x)
    torch.testing.assert_close(grown, (epsilon * w.abs().sum()).expand(6))
    stream = torch.Generator().manual_seed(2)
    for _ in range(100):
        assert (loss(moved(x, random_signs(x, stream), epsilon, **INFINITE)) - loss(x) < grown).all()


def test_each_frame_is_attacked_by_its_own_gradient():
    x, model = frames(), network()
    together = fgsm(cross_entropy(model, LABELS), x, 0.1)
    for lane in range(len(x)):
        alone = fgsm(cross_entropy(model, LABELS[lane : lane + 1]), x[lane : lane + 1], 0.1)
        assert torch.equal(alone[0], together[lane])


def test_no_gradient_is_left_on_the_weights_nor_on_the_frame():
    model, x = network(), frames()
    fgsm(cross_entropy(model, LABELS), x, 0.1)
    assert all(weight.grad is None for weight in model.parameters())
    assert x.grad is None and not x.requires_grad


def test_it_attacks_weights_that_ask_for_no_gradient_and_where_gradients_are_off():
    model, x = network().requires_grad_(False), frames()
    with torch.no_grad():
        assert gradient(cross_entropy(model, LABELS), x).abs().sum() > 0


def test_random_signs_are_plus_and_minus_one_equally_often_and_follow_their_seed():
    x = torch.zeros(10, 3, 32, 32)
    signs = random_signs(x, torch.Generator().manual_seed(3))
    assert set(signs.unique().tolist()) == {-1.0, 1.0}
    assert abs(signs.mean().item()) < 4 / signs.numel() ** 0.5
    assert torch.equal(signs, random_signs(x, torch.Generator().manual_seed(3)))


@pytest.mark.filterwarnings("ignore:Input Tensor 0 did not already require gradients")
def test_it_is_captums():
    attack = pytest.importorskip("captum.robust").FGSM
    model, x = network(), frames()
    theirs = attack(model, nn.CrossEntropyLoss(reduction="none"), 0, 1).perturb(x, 0.05, LABELS)
    torch.testing.assert_close(fgsm(cross_entropy(model, LABELS), x, 0.05), theirs)


def test_adversarial_training_weighs_the_frame_and_its_attack():
    model, x = network(), frames()
    loss = cross_entropy(model, LABELS)
    attacked = loss(fgsm(loss, x, 0.1))
    torch.testing.assert_close(adversarial(loss, x, 0.1), 0.5 * loss(x) + 0.5 * attacked)
    torch.testing.assert_close(adversarial(loss, x, 0.1, alpha=1.0), loss(x))
    torch.testing.assert_close(adversarial(loss, x, 0.1, alpha=0.0), attacked)


def test_the_gradient_of_adversarial_training_takes_the_attack_as_given():
    model, x = network(), frames()
    loss = cross_entropy(model, LABELS)
    adversarial(loss, x, 0.1).sum().backward()
    asked = [weight.grad.clone() for weight in model.parameters()]
    model.zero_grad()
    (0.5 * loss(x) + 0.5 * loss(fgsm(loss, x, 0.1).detach())).sum().backward()
    for mine, weight in zip(asked, model.parameters(), strict=True):
        torch.testing.assert_close(mine, weight.grad)
