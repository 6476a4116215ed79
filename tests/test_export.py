"""Films of play, and the real game beside its dream."""

import imageio.v3 as imageio
import numpy as np
import pytest
import torch

from gamesim import checkpoint
from gamesim.envs.recipe import Recipe
from gamesim.errors import UserError
from gamesim.evaluation.pacman.cells import real_episodes
from gamesim.export import video
from gamesim.export.film import CARRIED, dream_of, endless, film, film_beside, side_by_side
from worlds import Frozen, Ideal


@pytest.fixture(scope="module")
def starts():
    real = real_episodes("gamesim/Pacman-v0", 2, 4, 1)
    return checkpoint.Starts(torch.from_numpy(real.frames[:2, :4]), torch.from_numpy(real.actions[:2, :3]))


def beside(source, env_id, *, steps, seed=0):
    """Real frames, dreamt frames, and the keys that led to them."""
    game = endless(env_id)
    moments = zip(*side_by_side(dream_of(game, source), game, steps, seed), strict=True)
    return [np.array(part) for part in moments]


def test_the_dream_goes_on_from_the_real_frames_under_the_same_keys(starts):
    seen = []

    class Watched(Ideal):
        def start(self, frames, actions):
            seen.append([frames.shape[1]])
            return super().start(frames, actions)

        def imagine(self, state, action, *, temperature, generator):
            seen[-1].append(int(action))
            return super().imagine(state, action, temperature=temperature, generator=generator)

    real, dreamt, keys = beside((Watched(), starts), "gamesim/Pacman-v0", steps=40, seed=2)
    assert real.shape == dreamt.shape == (40, 84, 84, 3)
    assert all(dream[0] == CARRIED for dream in seen)
    assert [key for dream in seen for key in dream[1:]] == keys.tolist()


def test_the_dream_starts_where_the_real_game_is(starts):
    real, dreamt, keys = beside((Frozen(), starts), "gamesim/PacmanMaze-v0", steps=1, seed=0)
    again, _, same = beside((Frozen(), starts), "gamesim/PacmanMaze-v0", steps=1, seed=0)
    assert (real == again).all()
    assert (keys == same).all()
    # One step apart: most of the view only scrolled.
    assert 0 < (real != dreamt).any(-1).mean() < 0.9


def test_both_are_drawn_beside_each_other(starts, tmp_path):
    out = tmp_path / "pair.gif"
    film_beside((Frozen(), starts), "gamesim/Pacman-v0", out, steps=5, scale=2)
    pictures = imageio.imread(out)
    assert pictures.shape[1:] == (168, 2 * (84 * 2 + 6), 3)


def test_a_real_game_can_be_drawn_too(tmp_path):
    film("gamesim/PacmanArcade-v0", tmp_path / "a.gif", steps=4, seed=0, scale=1)
    assert imageio.imread(tmp_path / "a.gif").shape[1:] == (84, 84, 3)


@pytest.mark.parametrize("number", [np.int64, torch.tensor])
def test_numbers_of_other_libraries_and_names_of_files_make_films_too(tmp_path, number):
    film("gamesim/PacmanMaze-v0", str(tmp_path / "a.gif"), steps=number(3), seed=number(1), scale=number(2))
    film("gamesim/PacmanMaze-v0", tmp_path / "b.gif", steps=3, seed=1, scale=2)
    assert (tmp_path / "a.gif").read_bytes() == (tmp_path / "b.gif").read_bytes()
    for wrong in ({"steps": 2.5}, {"seed": -1}, {"scale": "3"}):
        (name,) = wrong
        with pytest.raises(UserError, match=f"^{name} must be an integer from "):
            film("gamesim/PacmanMaze-v0", tmp_path / "c.gif", **{"steps": 3, "seed": 1, **wrong})


def test_what_cannot_be_drawn_is_named(starts, tmp_path):
    with pytest.raises(UserError, match="Nothing-v0"):
        film_beside((Frozen(), starts), "Nothing-v0", tmp_path / "a.gif", steps=1)


@pytest.mark.parametrize(
    ("name", "how", "words"),
    [
        ("a.avi", {}, r"a film's name ends in \.gif or \.mp4"),
        ("a", {}, r"a film's name ends in"),
        ("no/a.gif", {}, "no such folder"),
        ("a.gif", {"steps": 100_000}, "the film is too large: 100,000 frames"),
        ("a.gif", {"scale": 5000}, "the film is too large"),
        ("there", {}, "a film's name ends in"),
        ("there.gif", {}, "is a folder"),
    ],
)
def test_a_film_that_cannot_be_is_refused_before_anything_is_played(
    starts, tmp_path, monkeypatch, name, how, words
):
    (tmp_path / "there.gif").mkdir()
    monkeypatch.setattr("gamesim.export.film.ExplorerPolicy", lambda *_, **__: pytest.fail("it plays"))
    how = {"steps": 4, "seed": 0, "scale": 1, **how}
    for write in (
        lambda: film("gamesim/Pacman-v0", tmp_path / name, **how),
        lambda: film_beside((Frozen(), starts), "gamesim/Pacman-v0", tmp_path / name, **how),
    ):
        with pytest.raises(UserError, match=words):
            write()
    assert [path.name for path in tmp_path.iterdir()] == ["there.gif"]


def test_games_that_are_over_before_a_dream_could_begin_are_refused(starts, tmp_path):
    short = Recipe("gamesim/Pacman-v0", {"max_steps": CARRIED - 1})
    with pytest.raises(UserError, match=f"gamesim/Pacman-v0: its games end within {CARRIED} steps"):
        film_beside((Frozen(), starts), short, tmp_path / "a.gif", steps=1)
    assert not list(tmp_path.iterdir())


def test_beside_is_refused_by_what_both_frames_weigh(starts, tmp_path):
    """One alone would just fit."""
    steps = video.MAX_PIXELS // (84 * 84) - 1
    with pytest.raises(UserError, match="the film is too large"):
        film_beside((Frozen(), starts), "gamesim/Pacman-v0", tmp_path / "a.gif", steps=steps, scale=1)


def test_an_interrupted_export_leaves_nothing(starts, tmp_path):
    class Interrupted(Frozen):
        def imagine(self, *state, **how):
            raise KeyboardInterrupt

    (tmp_path / "a.gif").write_bytes(b"was here before")
    with pytest.raises(KeyboardInterrupt):
        film_beside((Interrupted(), starts), "gamesim/Pacman-v0", tmp_path / "a.gif", steps=5)
    assert [(path.name, path.read_bytes()) for path in tmp_path.iterdir()] == [("a.gif", b"was here before")]
