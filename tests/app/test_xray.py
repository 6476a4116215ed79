"""The x-ray and the swap, by keys and mouse: fakes that say what they like, and the shipped engine."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import gymnasium as gym
import numpy as np
import pygame
import pytest

from app.driver import Driver
from app.fakes import FakeDream
from gamesim.app.theme import Scale
from gamesim.app.xray import layout
from gamesim.app.xray.change import change
from gamesim.app.xray.panels import KEYS, Panel, panels_of
from gamesim.app.xray.pictures import composed, outline, veiled
from gamesim.app.xray.view import XRay
from gamesim.app.xray.walks import STEPS, same_walk

SHIPPED = Path(__file__).resolve().parents[2] / "checkpoints"
SETTLE = 40  # frames of the window in which everything has been painted


class Dreamer(FakeDream):
    """A dream with a z that can be changed: its frame is as bright as the first number of z."""

    def __init__(
        self, checkpoint: str = "", temperature: float = 1.0, render_mode: str | None = None
    ) -> None:
        super().__init__(checkpoint, temperature)
        self.z = np.zeros(4, np.float32)
        self.asked = 0
        self.changes = frozenset({"z"})

    def internals(self) -> dict[str, np.ndarray]:
        self.asked += 1
        new = {
            "whatever": np.arange(6, dtype=np.float32).reshape(2, 3),
            "flow": np.ones((3, 7, 7), np.float32),
        }
        shares = np.array([0.6, 0.4], np.float32)
        return {"z": self.z.copy(), "mixture": shares, "reconstruction": self.frame.copy(), **new}

    def with_z(self, z: np.ndarray) -> np.ndarray:
        self.z = z.copy()
        self.frame = np.full_like(self.frame, round(128 + 40 * float(z[0])))
        return self.frame.copy()


class Layered(FakeDream):
    """A dream with layers and a memory: its static layer, and what it remembers, is one shade of grey."""

    shade = 60

    def __init__(
        self, checkpoint: str = "", temperature: float = 1.0, render_mode: str | None = None
    ) -> None:
        super().__init__(checkpoint, temperature)
        self.shade = 200 if Path(checkpoint).name == "other-pacman" else 60
        self.closed = False
        self.changes = frozenset({"memory"})

    @property
    def state(self) -> Any:
        return self.frame.copy(), list(self.actions), self.shade

    @state.setter
    def state(self, moment: Any) -> None:
        self.frame, self.actions, self.shade = moment[0].copy(), list(moment[1]), moment[2]

    def internals(self) -> dict[str, np.ndarray]:
        mask = np.zeros((7, 7), np.float32)
        mask[3, 3] = 1
        dynamic = np.full_like(self.frame, 255)
        attention = np.zeros((21, 21), np.float32)
        attention[7:14, 7:14] = 1 / 49
        layers = {"static": np.full_like(self.frame, self.shade), "dynamic": dynamic, "mask": mask}
        return {**layers, "attention": attention, "memory": attention * 9}

    def elsewhere(self, start: int) -> Any:
        return self.frame, [], 120 + start % 2

    def with_memory(self, moment: Any) -> np.ndarray:
        self.shade = moment[2]
        return self.frame.copy()

    def close(self) -> None:
        self.closed = True


@pytest.fixture
def entry(monkeypatch: pytest.MonkeyPatch) -> Callable[[type], None]:
    """Makes gamesim/Dream-v0 one of the dreams above."""

    def use(kind: type) -> None:
        spec = gym.envs.registration.EnvSpec(id="gamesim/Dream-v0", entry_point=kind)
        monkeypatch.setitem(gym.registry, "gamesim/Dream-v0", spec)

    return use


@pytest.fixture
def dreaming(app: Driver, entry) -> Driver:
    entry(Dreamer)
    return app.play("GameGAN Pac-Man")


@pytest.fixture
def layered(app: Driver, entry, checkpoints: Path) -> Driver:
    other = checkpoints / "other-pacman"
    other.mkdir()
    (other / "config.yaml").write_text("name: fake\n", encoding="utf-8")
    entry(Layered)
    return app.play("GameGAN Pac-Man")


def xray(app: Driver) -> XRay:
    return app.window.screen.xray  # type: ignore[attr-defined]


def env(app: Driver) -> Any:
    return app.session.engine.env.unwrapped


def panel(app: Driver, name: str) -> tuple[Panel, layout.Tile]:
    x = xray(app)
    shown = [p.name for p, _ in x.panels]
    assert name in shown, (x.open, shown, x._area, type(x.engine.env.unwrapped), app.said)
    return next((p, tile) for p, tile in x.panels if p.name == name)


def mouse(kind: int, place: tuple[int, int]) -> None:
    button: dict[str, Any] = (
        {"buttons": (1, 0, 0), "rel": (0, 0)} if kind == pygame.MOUSEMOTION else {"button": 1}
    )
    pygame.event.post(pygame.event.Event(kind, pos=place, **button))


# ---------------------------------------------------------------------------------- open and closed


def test_x_shows_what_the_engine_has_and_x_again_hides_it(dreaming):
    app, closed = dreaming, dreaming.window.screen._layout.boards[0]
    app.press(pygame.K_x)
    shown = [p.name for p, _ in xray(app).panels]
    assert shown == ["reconstruction", "z", "mixture", "whatever", "flow"]
    assert app.window.screen._layout.boards[0].width < closed.width
    app.press(pygame.K_x)
    assert not xray(app).panels and app.window.screen._layout.boards[0] == closed


def test_closed_it_asks_nothing_and_open_it_asks_once_a_step(dreaming):
    app = dreaming
    app.frames(60)
    assert env(app).asked == 0
    app.press(pygame.K_x)
    app.frames(3, 0.0)
    asked = env(app).asked
    steps = app.session.engine.steps
    app.frames(120)
    made = app.session.engine.steps - steps
    assert made > 5
    assert made - 2 <= env(app).asked - asked <= made + 1


def test_what_is_on_screen_follows_the_dream(layered):
    app = layered
    app.press(pygame.K_x, pygame.K_p)
    app.session.step_once()
    app.frames(SETTLE, 0.0)
    before = xray(app).panels
    env(app).shade = 99
    app.session.step_once()
    app.frames(SETTLE, 0.0)
    assert xray(app).panels is not before
    assert panel(app, "static")[0].values.max() == 99


def test_the_real_game_has_nothing_to_look_into_but_its_rewards(app):
    app.play("Pac-Man").press(pygame.K_x)
    app.frames(30)
    assert xray(app).open and not xray(app).panels
    assert len(xray(app).chart.points) == app.session.engine.steps > 0


def test_beside_each_other_it_is_the_dream_that_is_looked_into(app, entry):
    entry(Layered)
    app.play("Pac-Man").press(pygame.K_v)
    app.until(lambda: type(app.window.screen).__name__ == "Play" and app.session.beside)
    app.press(pygame.K_x)
    assert xray(app).engine.temperature is not None
    assert {"static", "dynamic", "mask"} <= {p.name for p, _ in xray(app).panels}


@pytest.mark.parametrize("size", [(1280, 800), (800, 600), (500, 900), (1920, 1080), (640, 360)])
def test_panels_lie_beside_the_boards_and_over_nothing(layered, size):
    app = layered
    app.press(pygame.K_x)
    app.resize(*size)
    app.frames(2, 0.0)
    places = [tile.rect for _, tile in xray(app).panels]
    screen = app.window.screen._layout
    window = pygame.Rect((0, 0), size)
    assert places or size == (640, 360)
    for index, place in enumerate(places):
        assert window.contains(place)
        assert place.collidelist([*places[:index], *screen.boards, screen.panel]) == -1


@pytest.mark.parametrize("size", [(200, 150), (60, 40), (1, 1)])
def test_a_tiny_window_has_no_room_and_nothing_falls_over(layered, size):
    layered.press(pygame.K_x)
    layered.resize(*size)
    layered.frames(5)
    layered.resize(1280, 800)
    layered.frames(2)
    assert xray(layered).panels


def test_panels_for_which_there_is_no_room_are_left_out_from_the_end():
    room, scale = pygame.Rect(0, 0, 400, 300), Scale(1.0)
    wide = tuple([False] * 12)
    found = layout.placed(room, wide, scale)
    assert 0 < len(found) < 12
    assert all(tile.rect.bottom <= room.bottom - scale.px(17) for tile in found)  # the note says the rest
    assert len(layout.placed(pygame.Rect(0, 0, 900, 700), wide, scale)) == 12


# ---------------------------------------------------------------------------------- panels


def test_every_known_panel_explains_itself_in_a_line():
    for key in KEYS.values():
        assert key.title and key.legend.endswith(".") and len(key.legend) < 75


def test_numbers_have_a_form_without_anybody_asking_which_engine_it_is():
    many = np.linspace(-1, 1, 100, dtype=np.float32)
    shown = {
        "static": np.zeros((84, 84, 3), np.uint8),
        "few": many[:5],
        "many": many,
        "maps": np.ones((4, 7, 7)),
    }
    found = {p.name: p for p in panels_of(shown, np.zeros((84, 84, 3), np.uint8), frozenset({"few"}))}
    assert list(found) == ["static", "few", "many", "maps"]
    assert [found[name].form for name in found] == ["picture", "bars", "picture", "picture"]
    assert found["many"].values.shape == (10, 10, 3)
    assert found["maps"].values.shape == (15, 15, 3)
    assert found["few"].draggable and not found["many"].draggable
    assert found["many"].scale == "-1 to 1" and found["maps"].scale == "0 to 1"


def test_a_memory_board_is_dark_where_nothing_was_written():
    board = np.full((6, 6, 3), 200, np.uint8)
    known = np.zeros((3, 3), bool)
    known[1, 2] = True
    dark = veiled(board, known)
    assert (dark[2:4, 4:6] == 200).all()
    assert (dark[:2] == 25).all()
    assert (board == 200).all()


def test_the_outline_goes_around_what_is_read():
    weights = np.zeros((5, 5))
    weights[1:3, 1:4] = 0.1
    edges = outline(weights)
    assert len(edges) == 2 * (2 + 3)
    assert ((1, 1), (2, 1)) in edges and ((4, 1), (4, 2)) in edges


def test_layers_are_put_together_by_the_mask():
    mask = np.zeros((7, 7))
    mask[0, 0], mask[0, 1] = 1, 0.5
    picture = composed(np.full((84, 84, 3), 200, np.uint8), mask, np.full((84, 84, 3), 100, np.uint8))
    assert (
        (picture[:12, :12] == 200).all()
        and (picture[:12, 12:24] == 150).all()
        and (picture[12:] == 100).all()
    )


# ---------------------------------------------------------------------------------- the chart


def test_the_chart_keeps_reward_and_end_and_forgets_what_is_rewound(dreaming):
    app = dreaming
    app.frames(120)
    chart, engine = xray(app).chart, app.session.engine
    assert [point.step for point in chart.points] == list(range(1, engine.steps + 1))
    assert chart.points[-1].reward == 0.5 and chart.points[-1].end == pytest.approx(0.1)
    app.down(pygame.K_BACKSPACE)
    app.frames(30)
    app.up(pygame.K_BACKSPACE)
    app.frames(1, 0.0)
    assert [point.step for point in chart.points] == list(range(1, engine.steps + 1))


def test_the_chart_is_as_long_as_its_seconds(dreaming):
    app = dreaming
    app.frames(900)
    chart, engine = xray(app).chart, app.session.engine
    assert len(chart.points) == chart.length(engine) < engine.steps
    app.press(pygame.K_RETURN)
    assert len(chart.points) <= 1


# ---------------------------------------------------------------------------------- z by hand


def test_dragging_a_bar_changes_what_is_dreamt_next(dreaming):
    app = dreaming
    app.press(pygame.K_p, pygame.K_x)
    _, tile = panel(app, "z")
    place = (tile.image.left + 3, tile.image.top)
    mouse(pygame.MOUSEBUTTONDOWN, place)
    app.frames(1)
    assert env(app).z[0] == pytest.approx(3.0, abs=0.05)
    assert app.session.engine.frame.max() == 248 == app.session.engine.clip[-1].max()
    mouse(pygame.MOUSEMOTION, (place[0] + 200, tile.image.bottom - 1))  # the bar that was taken stays in hand
    app.frames(1)
    assert env(app).z[0] == pytest.approx(-3.0, abs=0.05)
    assert (env(app).z[1:] == 0).all()
    mouse(pygame.MOUSEBUTTONUP, place)
    mouse(pygame.MOUSEMOTION, place)
    app.frames(SETTLE)
    assert env(app).z[0] == pytest.approx(-3.0, abs=0.05)
    assert panel(app, "z")[0].values[0] == pytest.approx(-3.0, abs=0.05)


def test_a_held_bar_is_held_through_the_steps(dreaming):
    app = dreaming
    app.press(pygame.K_x)
    _, tile = panel(app, "z")
    mouse(pygame.MOUSEBUTTONDOWN, (tile.image.left + 3, tile.image.top))
    app.frames(1)
    env(app).z[0] = 0.0  # as if the engine had drawn another one
    app.session.tick()
    app.frames(1)
    assert env(app).z[0] == pytest.approx(3.0, abs=0.05)


def test_nothing_is_changed_by_hand_while_it_is_recorded(dreaming):
    app = dreaming
    app.press(pygame.K_x, pygame.K_COMMA)
    app.frames(20)
    _, tile = panel(app, "z")
    mouse(pygame.MOUSEBUTTONDOWN, (tile.image.left + 3, tile.image.top))
    app.frames(2)
    assert (env(app).z == 0).all() and "while it is recorded" in app.said
    app.press(pygame.K_COMMA)


def test_bars_of_what_cannot_be_changed_are_not_dragged(dreaming):
    app = dreaming
    app.press(pygame.K_p, pygame.K_x)
    shown = panel(app, "mixture")[1].image.center
    mouse(pygame.MOUSEBUTTONDOWN, shown)
    app.frames(2)
    assert (env(app).z == 0).all()
    assert "does not let its mixture be changed" in (change(app.session.engine, "mixture", None) or "")


# ---------------------------------------------------------------------------------- the swap


def test_b_goes_from_another_board_to_other_engines_and_back(layered):
    app = layered
    swap = app.window.screen.swap
    app.press(pygame.K_b)
    assert swap.name == "another board's memory" and env(app).shade in (120, 121)
    assert "Another board" in app.said
    app.press(pygame.K_b)
    app.until(lambda: type(app.window.screen).__name__ == "Play" and swap.guest is not None)
    assert env(app).shade == 60  # its own memory came back
    assert swap.name == "static layer of Other Pac-Man"
    guest = swap.guest.env.unwrapped
    app.press(pygame.K_b)
    assert swap.name is None and swap.guest is None and guest.closed
    assert app.session.engine.frame is swap.frame(app.session.engine)


def test_the_other_static_layer_is_under_the_own_dynamic_one(layered):
    app = layered
    swap, engine = app.window.screen.swap, app.session.engine
    app.press(pygame.K_b, pygame.K_b)
    app.until(lambda: type(app.window.screen).__name__ == "Play" and swap.guest is not None)
    app.down(pygame.K_LEFT)
    app.frames(60)
    app.up(pygame.K_LEFT)
    shown = swap.frame(engine)
    assert (shown[36:48, 36:48] == 255).all() and (shown[:36] == 200).all()
    assert (engine.clip[-1] == shown).all()
    app.press(pygame.K_p)
    app.frames(5, 0.0)
    assert swap.guest.env.unwrapped.actions == env(app).actions[-swap.guest.steps :]


def test_a_new_episode_ends_a_swap_of_memories(layered):
    app = layered
    app.frames(30)
    app.press(pygame.K_b)
    app.frames(30)
    app.press(pygame.K_RETURN)
    app.frames(2)
    assert app.window.screen.swap.name is None


def test_the_real_game_has_nothing_to_swap(app):
    app.play("Pac-Man").press(pygame.K_b)
    assert "Only a dream has layers" in app.said


def test_two_looks_of_one_game_begin_with_the_same_walk():
    walk = same_walk("gamesim/Pacman-v0", "gamesim/PacmanGarden-v0")
    assert walk is not None
    night, garden, actions = walk
    assert night.shape == garden.shape == (STEPS + 1, 84, 84, 3) and actions.shape == (STEPS,)
    assert (night != garden).any(-1).mean() > 0.8
    assert same_walk("gamesim/Pacman-v0", "gamesim/PacmanMaze-v0") is None
    assert same_walk("gamesim/Pacman-v0", "gamesim/Pacman-v0") is None


# ---------------------------------------------------------------------------------- what is shipped


@pytest.fixture
def shipped(tmp_path: Path):
    importlib.import_module("gamesim.dream")  # loads torch, which may take longer than a driver waits
    driver = Driver(SHIPPED, tmp_path)
    yield driver.play("GameGAN Pac-Man")
    driver.window.close()


def test_the_shipped_engine_shows_its_layers_and_its_memory(shipped):
    app = shipped
    app.press(pygame.K_x)
    app.down(pygame.K_LEFT)
    app.frames(40)
    app.up(pygame.K_LEFT)
    app.frames(SETTLE, 0.0)
    shown = {p.name: p for p, _ in xray(app).panels}
    assert list(shown) == ["static", "dynamic", "mask", "board", "memory", "writes", "z", "hidden"]
    internals = app.session.engine.internals
    assert outline(internals["attention"]) and shown["board"].marks is internals["attention"]
    assert 49 <= (internals["memory"] > 0).sum() < 441


def test_looking_and_swapping_back_leave_the_shipped_dream_as_it_was(shipped):
    app = shipped
    app.press(pygame.K_p)
    app.session.step_once()  # the first frame is real; from here on it is one that was drawn
    moment = env(app).state
    plain = [app.session.engine.env.step(key)[0] for key in (1, 3, 2)]
    env(app).state = moment
    app.press(pygame.K_x, pygame.K_b)
    assert not np.array_equal(env(app).state.memory["memory"], moment.memory["memory"])
    app.press(pygame.K_b)  # its own memory, and the maze's engine is being opened
    app.until(lambda: type(app.window.screen).__name__ == "Play" and app.window.screen.swap.guest is not None)
    app.press(pygame.K_b)  # on to an engine without layers, which is opened and declined, or to its own again
    app.until(lambda: type(app.window.screen).__name__ == "Play" and app.window.screen.swap.name is None)
    frame = env(app).state.memory["frame"]
    assert abs(frame - moment.memory["frame"]).max() < 1e-4
    assert np.array_equal(env(app).state.memory["memory"], moment.memory["memory"])
    env(app).state = moment
    again = [app.session.engine.env.step(key)[0] for key in (1, 3, 2)]
    np.testing.assert_array_equal(plain, again)
