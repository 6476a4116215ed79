"""The x-ray: what a world says of itself, on screen."""

from __future__ import annotations

import numpy as np
import pygame
import pytest

from app.driver import Driver
from app.fakes import Layered
from app.looking import SETTLE, env, panel, xray
from gamesim.app.action_keys import ActionKeys
from gamesim.app.game.pictures import composed, outline, veiled
from gamesim.app.theme import COLOURS, Scale, font
from gamesim.app.ui import widgets
from gamesim.app.ui.widgets import fitting, wrap
from gamesim.app.xray import chart, flow, layout
from gamesim.app.xray.draw import draw_panel
from gamesim.app.xray.layout import Tile
from gamesim.app.xray.panels import KEYS, UNSEEN, Panel, panels_of


def test_x_shows_what_the_engine_has_and_x_again_hides_it(dreaming):
    app, closed = dreaming, dreaming.window.screen.layout.boards[0]
    app.press(pygame.K_x)
    shown = [p.name for p, _ in xray(app).panels]
    assert shown == ["reconstruction", "z", "mixture", "whatever", "flow"]
    assert app.window.screen.layout.boards[0].width < closed.width
    app.press(pygame.K_x)
    assert not xray(app).panels and app.window.screen.layout.boards[0] == closed


def test_the_picture_of_a_model_calls_the_keys_what_its_game_calls_them(dreaming, monkeypatch):
    world = dreaming.session.world

    def named() -> dict[str, str]:
        return {name: draw.keywords["words"] for name, draw in flow.stops(world) if "key" in name}

    world.env.unwrapped.act = lambda: 1
    world.step(1)
    assert named() == {"C: AI's key": "←"}
    world.keys = ActionKeys(["LEFT", "NOOP", "RIGHT"])
    assert named() == {"C: AI's key": "none"}
    monkeypatch.setattr(type(world), "internals", {})  # as of another kind of model
    assert named() == {"Your key": "none"}


def test_closed_it_asks_nothing_and_open_it_asks_once_a_step(dreaming):
    app = dreaming
    app.frames(60)
    assert env(app).asked == 0
    app.press(pygame.K_x)
    app.frames(3, 0.0)
    asked = env(app).asked
    steps = app.session.world.steps
    app.frames(120, drawn=120)
    made = app.session.world.steps - steps
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
    assert len(xray(app).chart.points) == app.session.world.steps > 0


def test_beside_each_other_it_is_the_dream_that_is_looked_into(app, entry):
    entry(Layered)
    app.play("Pac-Man").press(pygame.K_v)
    app.until(lambda: type(app.window.screen).__name__ == "Play" and app.session.beside)
    app.press(pygame.K_x)
    assert xray(app).world.temperature is not None
    assert {"static", "dynamic", "mask"} <= {p.name for p, _ in xray(app).panels}


def test_panels_lie_beside_the_boards_and_over_nothing(layered):
    app = layered
    app.press(pygame.K_x)
    for size in ((1280, 800), (800, 600), (500, 900), (1920, 1080), (640, 360)):
        app.resize(*size)
        app.frames(2, 0.0)
        places = [tile.rect for _, tile in xray(app).panels]
        screen = app.window.screen.layout
        painting = xray(app).painting
        assert places and pygame.Rect((0, 0), size).contains(painting.view), size
        assert painting.view.collidelist([*screen.boards, screen.panel]) == -1, size
        for index, place in enumerate(places):
            assert painting.view.left <= place.left and place.right <= painting.view.right, size
            assert place.collidelist(places[:index]) == -1, size


def test_a_tiny_window_has_no_room_and_nothing_falls_over(layered):
    layered.press(pygame.K_x)
    for size in ((200, 150), (60, 40), (1, 1)):
        layered.resize(*size)
        layered.frames(5)
        layered.resize(1280, 800)
        layered.frames(2)
        assert xray(layered).panels, size


@pytest.mark.parametrize("zoom", [1.0, 1.5])
@pytest.mark.parametrize("size", [(1280, 800), (800, 600), (640, 480)])
def test_no_word_of_a_panel_is_cut_off(app: Driver, size: tuple[int, int], zoom: float):
    Scale.zoom = zoom
    scale, needs = Scale.of(size), tuple(layout.Need(False, key.title, key.legend) for key in KEYS.values())
    _, area = layout.beside(size, 1)
    places = layout.placed(area.size, needs, scale)
    assert len(places) == len(needs)
    for need, tile in zip(needs, places, strict=True):
        assert font(layout.title_size(scale), True).size(need.title)[0] <= tile.rect.width, need.title
        lines = wrap(need.legend, layout.small(scale), tile.legend.width)
        assert len(lines) * layout.line(scale) <= tile.legend.height and "…" not in "".join(lines)
        assert tile.legend.bottom <= tile.rect.bottom and tile.image.height >= scale.px(layout.SMALLEST)


@pytest.mark.parametrize("size", [(1280, 800), (640, 480), (400, 700), (320, 240), (240, 320)])
def test_no_word_of_the_strip_chart_is_cut_off(dreaming, size: tuple[int, int], monkeypatch):
    said: list[tuple[str, pygame.Rect, int]] = []

    def text(surface, words, place, size, *colour, bold=False, width=None, shrinks=False, **anchor):
        letters = fitting(words, size, width, bold) if shrinks else size
        drawn = widgets.text(
            surface, words, place, size, *colour, bold=bold, width=width, shrinks=shrinks, **anchor
        )
        said.append((words, drawn, font(letters, bold).size(words)[0]))
        return drawn

    monkeypatch.setattr(chart, "text", text)
    dreaming.resize(*size)
    dreaming.press(pygame.K_x, pygame.K_RIGHT)
    dreaming.frames(SETTLE)
    dreaming.until(lambda: any("50 %" in words for words, *_ in said))
    whole = xray(dreaming).painting.chart.get_rect()
    for words, drawn, width in said:
        assert whole.contains(drawn) and drawn.width == width, words


def test_panels_that_do_not_fit_are_scrolled_to_with_the_wheel(layered, monkeypatch):
    app = layered
    app.press(pygame.K_x, pygame.K_p)
    app.resize(640, 480)
    Scale.zoom = 2.0
    app.frames(SETTLE, 0.0)
    view, temperature = xray(app).painting.view, app.session.temperature
    name = xray(app).panels[-1][0].name
    assert not view.contains(panel(app, name)[1].rect)
    monkeypatch.setattr(pygame.mouse, "get_pos", lambda: view.center)
    for _ in range(60):
        pygame.event.post(pygame.event.Event(pygame.MOUSEWHEEL, y=-1))
        app.frames(1, 0.0)
    assert panel(app, name)[1].rect.bottom <= view.bottom
    assert app.session.temperature == temperature  # the wheel turns that elsewhere
    monkeypatch.setattr(pygame.mouse, "get_pos", lambda: (1, 1))
    pygame.event.post(pygame.event.Event(pygame.MOUSEWHEEL, y=-1))
    app.frames(1, 0.0)
    assert app.session.temperature != temperature


def test_every_known_panel_explains_itself_in_a_line():
    for key in KEYS.values():
        assert key.title and key.legend.endswith(".") and len(key.legend) < 75


@pytest.mark.parametrize("layer", ["static", "dynamic"])
def test_an_object_map_that_is_bright_all_over_is_explained(layer: str):
    """GameGAN's are: sigmoids near 1 in every cell. Without a word this looked like a broken panel."""
    full = {f"{layer} objects": np.full((7, 7), 0.998, np.float32)}
    (panel,) = panels_of(full, np.zeros((84, 84, 3), np.uint8), frozenset())
    assert panel.scale == "0 to 1" and "All bright: everywhere" in panel.legend


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


def test_a_map_of_numbers_that_are_all_low_can_be_seen():
    (dark,) = panels_of(
        {"recalled": np.zeros((7, 7), np.float32)}, np.zeros((84, 84, 3), np.uint8), frozenset()
    )
    surface, scale = pygame.Surface((160, 200)), Scale(1.0)
    surface.fill(COLOURS["back"])
    image = pygame.Rect(0, 24, 112, 112)
    tile = layout.Tile(surface.get_rect(), image, pygame.Rect(0, 140, 160, 60))
    draw_panel(surface, dark, tile, scale)
    edge = {surface.get_at(corner)[:3] for corner in (image.topleft, (111, 24), (0, 135), (111, 135))}
    assert edge == {tuple(COLOURS["line"])}


def test_layers_are_put_together_by_the_mask():
    mask = np.zeros((7, 7))
    mask[0, 0], mask[0, 1] = 1, 0.5
    picture = composed(np.full((84, 84, 3), 200, np.uint8), mask, np.full((84, 84, 3), 100, np.uint8))
    assert (
        (picture[:12, :12] == 200).all()
        and (picture[:12, 12:24] == 150).all()
        and (picture[12:] == 100).all()
    )


def test_the_dynamic_layer_is_dim_where_the_mask_leaves_it_out():
    layer, mask = np.full((84, 84, 3), 200, np.uint8), np.zeros((7, 7))
    mask[3, 3] = 1
    (panel,) = (
        p for p in panels_of({"dynamic": layer, "mask": mask}, layer, frozenset()) if p.name == "dynamic"
    )
    assert (panel.values[36:48, 36:48] == 200).all()
    assert (panel.values[:36] == round(200 * UNSEEN)).all()


def test_the_shipped_engine_shows_its_layers_and_its_memory(shipped):
    app = shipped
    app.press(pygame.K_x)
    app.down(pygame.K_LEFT)
    app.frames(40)
    app.up(pygame.K_LEFT)
    app.frames(SETTLE, 0.0)
    shown = {p.name: p for p, _ in xray(app).panels}
    assert list(shown) == ["static", "dynamic", "mask", "board", "memory", "writes", "z", "hidden"]
    internals = app.session.world.internals
    assert outline(internals["attention"]) and shown["board"].marks is internals["attention"]
    assert 49 <= (internals["memory"] > 0).sum() < 441


def test_the_number_of_a_negative_bar_can_be_read():
    """It was white on yellow: it stands above zero now."""
    pygame.font.init()
    surface, scale, rect = pygame.Surface((60, 100)), Scale.of((1280, 800)), pygame.Rect(0, 0, 60, 100)
    below = Panel("z", "", "", "bars", np.array([-2.0]), -3.0, 3.0)
    draw_panel(surface, below, Tile(rect, rect, rect), scale)
    found = {tuple(pixel) for pixel in pygame.surfarray.array3d(surface)[:, 52:].reshape(-1, 3).tolist()}
    assert found == {COLOURS["panel"], COLOURS["real"]}
