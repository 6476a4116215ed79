"""Any environment as frames and keys."""

import gymnasium as gym
import numpy as np
import pytest
from gymnasium import spaces

from gamesim.envs.pictures import find_image, fit, resize, to_rgb
from gamesim.envs.wrappers import PixelEnv, choices
from gamesim.errors import UserError


class Scripted(gym.Env):
    """Counts its steps; ends after six; shows the count in an image, packed as asked for."""

    metadata = {"render_modes": ["rgb_array"]}

    def __init__(self, observation: str = "dict", action: spaces.Space | None = None, render_mode=None):
        self.render_mode = render_mode
        self.kind = observation
        image = spaces.Box(0, 255, (3, 20, 30) if observation == "first" else (20, 30, 3), np.uint8)
        vector = spaces.Box(-1, 1, (4,))
        self.observation_space = {
            "dict": spaces.Dict({"state": vector, "camera": spaces.Tuple((vector, image))}),
            "first": image,
            "vector": vector,
        }[observation]
        self.action_space = action or spaces.Discrete(3, start=5)
        self.count, self.seen = 0, []

    def _image(self) -> np.ndarray:
        return np.full((20, 30, 3), 10 * self.count, np.uint8)

    def _observe(self):
        vector = np.zeros(4, np.float32)
        return {
            "dict": {"state": vector, "camera": (vector, self._image())},
            "first": self._image().transpose(2, 0, 1),
            "vector": vector,
        }[self.kind]

    def reset(self, *, seed=None, options=None):
        super().reset(seed=seed)
        self.count, self.seen = 0, []
        return self._observe(), {}

    def step(self, action):
        self.count += 1
        self.seen.append(action)
        return self._observe(), 1.0, self.count == 6, False, {}

    def render(self):
        return self._image()


@pytest.mark.parametrize("kind", ["dict", "first", "vector"])
def test_an_image_is_found_wherever_it_is(kind):
    env = PixelEnv(Scripted(kind, render_mode="rgb_array"), size=64, stretch=True)
    frame, _ = env.reset(seed=0)
    assert frame.shape == env.observation_space.shape == (64, 64, 3)
    assert frame.dtype == np.uint8
    frame, *_ = env.step(0)
    assert (frame == 10).all()


def test_skipped_frames_add_up_and_stop_at_the_end():
    env = PixelEnv(Scripted(), frame_skip=4, stretch=True)
    env.reset()
    frame, reward, terminated, *_ = env.step(1)
    assert (reward, terminated, int(frame[0, 0, 0])) == (4.0, False, 40)
    _, reward, terminated, *_ = env.step(1)
    assert (reward, terminated) == (2.0, True)
    assert env.env.unwrapped.seen == [6] * 6, "Discrete(3, start=5): key 1 is action 6"


class Scaled(Scripted):
    """Halves the action that it is given where it lies."""

    def step(self, action):
        played = action.copy()
        action //= 2
        return *super().step(played)[:4], {}


def test_a_game_that_changes_its_action_where_it_lies_is_played_as_before():
    env = PixelEnv(Scaled(action=spaces.MultiDiscrete([5, 2])), frame_skip=2)
    env.reset()
    for _ in range(2):
        env.step(9)
    assert np.array_equal(env.env.unwrapped.seen, [[4, 1]] * 4)


def test_nothing_to_see_is_an_error_that_says_what_to_do():
    with pytest.raises(UserError, match=r"rgb_array") as caught:
        PixelEnv(Scripted("vector"))
    assert "observation Box(-1.0, 1.0, (4,), float32)" in str(caught.value)


def test_other_actions_become_a_list_of_choices():
    assert choices(spaces.Discrete(3, start=5), "x") == [5, 6, 7]
    multi = choices(spaces.MultiDiscrete([2, 3]), "x")
    assert [tuple(a) for a in multi] == [(0, 0), (0, 1), (0, 2), (1, 0), (1, 1), (1, 2)]
    assert len(choices(spaces.MultiBinary(3), "x")) == 8
    steering = choices(spaces.Box(np.array([-1, 0, 0], np.float32), np.ones(3, np.float32)), "x")
    assert [a.tolist() for a in steering] == [[0, 0, 0], [-1, 0, 0], [1, 0, 0], [0, 1, 0], [0, 0, 1]]
    for space in (spaces.MultiDiscrete([2, 3]), spaces.MultiBinary(3), spaces.Box(-2, 2, (2,))):
        assert all(space.contains(action) for action in choices(space, "x"))


def test_levels_make_a_grid_of_numbers_in_which_rest_is():
    steering = spaces.Box(np.array([-1, 0], np.float32), np.ones(2, np.float32))
    grid = choices(steering, "x", (5, 3))
    assert [a.tolist() for a in grid[:4]] == [[-1, 0], [-1, 0.5], [-1, 1], [-0.5, 0]]
    assert len(grid) == 15 and grid[6].tolist() == [0, 0] and all(steering.contains(a) for a in grid)
    lopsided = choices(spaces.Box(-1, 7, (1,), np.int16), "x", (5,))
    assert [int(a[0]) for a in lopsided] == [-1, 0, 3, 5, 7], "of what is nearest to rest, rest is left"


@pytest.mark.parametrize("kind", [np.float32, np.float64, np.int64, np.uint64])
@pytest.mark.filterwarnings("error")
def test_levels_reach_as_far_as_numbers_go(kind):
    limits = np.iinfo(kind) if np.issubdtype(kind, np.integer) else np.finfo(kind)
    endless = spaces.Box(limits.min, limits.max, (1,), kind)
    for count in (3, 4, 9):
        grid = choices(endless, "x", (count,))
        assert all(endless.contains(action) for action in grid)
        assert [grid[0][0], grid[-1][0]] == [limits.min, limits.max]


@pytest.mark.parametrize(
    ("space", "levels", "line"),
    [
        (spaces.Discrete(5), (3,), "the actions of Doom are not numbers but Discrete(5)"),
        (spaces.Box(-1, 1, (3,)), (3, 3), "an action of Doom is 3 numbers, not 2"),
        (spaces.Box(-1, 1, (3,)), (9, 9, 9), "729 actions are more than 256"),
        (spaces.Box(-1, 1, (1,)), (2,), "2 values do not fit from -1 to 1; at least 3"),
        (spaces.Box(0, 3, (1,), np.uint8), (9,), "9 values do not fit from 0 to 3; there are fewer"),
    ],
)
def test_levels_that_do_not_fit_are_refused(space, levels, line):
    with pytest.raises(UserError) as caught:
        choices(space, "Doom", levels)
    assert line in str(caught.value)


@pytest.mark.parametrize(
    "space",
    [
        spaces.Box(-1, 1, ()),
        spaces.Box(-np.inf, -5, (2,)),
        spaces.Box(7, np.inf, (2,), np.float64),
        spaces.Box(-np.inf, np.inf, (1, 2), np.int16),
        spaces.Box(np.array([0, -5]), np.array([255, 5]), dtype=np.int16),
    ],
)
def test_each_end_of_each_axis_is_an_action_that_the_game_takes(space):
    ends = choices(space, "x")
    assert len({tuple(np.ravel(end)) for end in ends}) == len(ends) > 1
    assert all(space.contains(end) and np.abs(end).max() < 300 for end in ends)


@pytest.mark.parametrize(
    "space",
    [
        spaces.MultiDiscrete([9, 9]),
        spaces.Discrete(1000),
        spaces.Text(5),
        spaces.MultiBinary(40),
        spaces.MultiBinary(5000),
        spaces.MultiBinary(5_000_000),
        spaces.Box(-1, 1, (300, 300)),
    ],
)
def test_actions_that_no_keyboard_has_are_refused_by_name(space):
    with pytest.raises(UserError, match="Doom"):
        choices(space, "Doom")


def test_find_image_takes_the_largest():
    small, large = spaces.Box(0, 255, (8, 8, 3), np.uint8), spaces.Box(0, 255, (64, 64), np.uint8)
    assert find_image(spaces.Dict(a=small, b=spaces.Dict(c=large))) == ("b", "c")
    for numbers in (np.float32, np.int64, np.uint8):  # these may say what lies in each cell of a board
        board = spaces.Box(0, 3, (64, 64), numbers)
        assert find_image(board) is None, "who can draw itself knows better"
    assert find_image(spaces.Discrete(3)) is None


class Bare(gym.Env):
    """A game that cannot draw itself; all of its image is `level`."""

    action_space = spaces.Discrete(2)

    def __init__(self, space: spaces.Box, level: float, dtype: type | None = None):
        self.observation_space, self.render_mode = spaces.Dict(camera=space), None
        self.image = np.full(space.shape, level, dtype or space.dtype)

    def reset(self, *, seed=None, options=None):
        super().reset(seed=seed)
        return {"camera": self.image}, {}

    def step(self, action):
        return {"camera": self.image}, 0.0, False, False, {}


@pytest.mark.parametrize(
    ("space", "level", "grey"),
    [
        (spaces.Box(0, 1, (20, 20, 3), np.float32), 0.2, 51),
        (spaces.Box(0, 1, (20, 20), np.float64), 1.0, 255),
        (spaces.Box(-1, 1, (3, 20, 20), np.float32), 0.0, 128),
        (spaces.Box(0, 255, (20, 20, 3), np.float32), 77.0, 77),
        (spaces.Box(0, 1, (20, 20, 3), np.float32), 7.0, 255),
        (spaces.Box(0, 1, (20, 20, 3), np.float32), np.nan, 0),
        (spaces.Box(0, 255, (20, 20, 4), np.uint8), 9, 9),
        (spaces.Box(0, 255, (20, 20, 3), np.int16), 77, 77),
        (spaces.Box(0, 3, (20, 20), np.int64), 1, 85),
        (spaces.Box(0, 1, (20, 20), np.uint8), 1, 255),
        (spaces.Box(0, 1, (20, 20), np.bool_), True, 255),
    ],
)
def test_a_game_that_cannot_draw_itself_may_show_any_numbers_or_rgba(space, level, grey):
    frame, _ = PixelEnv(Bare(space, level), size=64).reset()
    assert (frame == grey).all()


def test_floats_may_come_in_another_precision_and_must_have_bounds():
    space = spaces.Box(0, 1, (20, 20, 3), np.float32)
    frame, _ = PixelEnv(Bare(space, 1.0, np.float64), size=64).reset()
    assert (frame == 255).all()
    with pytest.raises(UserError, match=r"showed uint8 .* says float32"):
        PixelEnv(Bare(space, 1, np.uint8), size=64).reset()
    with pytest.raises(UserError, match="shows no picture"):
        PixelEnv(Bare(spaces.Box(-np.inf, np.inf, (20, 20, 3), np.float32), 0.0))


@pytest.mark.parametrize("shape", [(6, 6), (7, 9, 3), (3, 6, 20)])
def test_a_picture_that_is_too_small_is_said_to_be_so(shape):
    said = "x".join(map(str, shape))
    with pytest.raises(
        UserError, match=rf"Bare: its pictures are too small \({said}\): 8x8 pixels is the least"
    ):
        PixelEnv(Bare(spaces.Box(0, 255, shape, np.uint8), 0))


def test_grey_images_get_three_channels():
    for shape in ((9, 12), (9, 12, 1), (1, 9, 12), (3, 9, 12), (9, 12, 3)):
        assert to_rgb(np.zeros(shape, np.uint8)).shape == (9, 12, 3)


def test_resizing_is_the_mean_of_what_is_covered():
    rng = np.random.default_rng(0)
    image = rng.integers(0, 256, (40, 60, 3)).astype(np.uint8)
    blocks = image.reshape(20, 2, 20, 3, 3).mean((1, 3))
    assert np.abs(resize(image, (20, 20)) - blocks).max() <= 0.5 + 1e-3
    assert (resize(image, (80, 120)) == image.repeat(2, 0).repeat(2, 1)).all()
    assert (resize(np.full((210, 160, 3), 77, np.uint8), (84, 84)) == 77).all()
    same = resize(image, (40, 60))
    assert (same == image).all()
    assert same is not image


def test_a_picture_keeps_its_shape_between_black_bars_unless_it_is_to_be_stretched():
    wide = np.full((40, 80, 3), 200, np.uint8)
    shown = fit(wide, 84, stretch=False)
    assert (shown[21:63] == 200).all() and not shown[:21].any() and not shown[63:].any()
    assert (fit(wide, 84, stretch=True) == 200).all()
    assert fit(np.full((1000, 8, 3), 9, np.uint8), 64, stretch=False).any(), "a sliver is one pixel wide"
