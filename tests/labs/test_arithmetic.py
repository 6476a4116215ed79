"""Latent arithmetic, on a V of which it is known what must come out, and on the shipped ones."""

import pytest
import torch
from torch import nn

from gamesim.config.world_models import VisionTraining
from gamesim.envs.layouts import FLOOR, GHOST, WALL
from gamesim.envs.sprites import decode
from gamesim.labs.arithmetic import by_chance, drawn, painted, right, scores, vector
from gamesim.labs.subject import Subject, of_checkpoint, of_games
from gamesim.labs.vae import PIXELS, trained

CELL = (3, 5)


class Pixels(nn.Module):
    """A V whose z are the pixels."""

    side = 84

    def encode(self, pixels):
        return pixels.flatten(1), torch.zeros(len(pixels), 3 * 84 * 84)

    def logits(self, z):
        return z.unflatten(1, (3, 84, 84)).logit()

    def decode(self, z):
        return z.unflatten(1, (3, 84, 84)).clamp(0, 1)


class Blind(Pixels):
    """One that sees no red, and so no ghosts."""

    def encode(self, pixels):
        return super().encode(pixels * torch.tensor([0.0, 1.0, 1.0])[:, None, None])


@pytest.fixture(scope="module")
def frames():
    return of_games(48, seed=7)


def subject(vision, frames):
    return Subject(vision, frames, VisionTraining(), decodes=True)


def shown(subject, frames, kind=GHOST, alphas=(1.0,)):
    added = torch.tensor(alphas)[:, None] * vector(subject, frames[:16], CELL, kind)
    return scores(subject, frames[16:], CELL, kind, added)


def test_a_painted_cell_holds_the_thing_and_the_others_what_they_held(frames):
    before, after = decode(frames.numpy())[0], decode(painted(frames, CELL, WALL).numpy())[0]
    assert (after[:, *CELL] == WALL).all()
    changed = before != after
    changed[:, *CELL] = False
    assert not changed.any()


def test_in_a_z_of_pixels_arithmetic_is_exact(frames):
    none, one = shown(subject(Pixels(), frames), frames, alphas=(0.0, 1.0))
    assert (none.shown, none.kept) == (0, 1)
    assert (one.shown, one.kept) == (1, 1)


def test_what_v_does_not_see_cannot_be_added_and_the_score_says_so(frames):
    blind = subject(Blind(), frames)
    assert shown(blind, frames)[0].shown == 0
    assert drawn(blind, frames, CELL, GHOST) == 0


def test_a_vector_by_chance_is_as_long_and_adds_no_ghost(frames):
    plain = subject(Pixels(), frames)
    real = vector(plain, frames[:16], CELL, GHOST)
    other = by_chance(real, seed=0)
    assert other.norm() == pytest.approx(float(real.norm()), rel=1e-4)
    assert scores(plain, frames[16:], CELL, GHOST, other[None])[0].shown < 0.1


def test_a_v_by_places_adds_ghosts_where_it_is_told_and_nothing_else_changes():
    places = of_checkpoint("world-model-places", seed=0)
    assert right(places, places.frames[:64]).mean() > 0.99
    (told,) = shown(places, places.frames[:48])
    assert told.shown > 0.95 and told.kept > 0.99


def test_the_small_vae_adds_walls_but_no_ghosts(frames):
    small = Subject(trained(), frames, PIXELS, decodes=True)
    (wall,) = shown(small, frames, WALL)
    (ghost,) = shown(small, frames, GHOST)
    assert wall.shown > 0.7
    assert ghost.shown < 0.2 and drawn(small, frames, CELL, GHOST) < 0.2


def test_floor_is_what_the_thing_is_compared_with(frames):
    plain = subject(Pixels(), frames)
    assert vector(plain, frames, CELL, FLOOR).abs().max() == 0
