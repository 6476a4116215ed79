"""An end is seen, explained, and in a dream it need not be one."""

import numpy as np
import pygame
import pytest

from app.driver import FRAME, Driver, dream, world
from app.fakes import FakeDream, Mortal
from gamesim.app.controls import RIGHT
from gamesim.app.game import stage
from gamesim.app.game.banner import Line, draw_banner, fitted, player_cell
from gamesim.app.game.session import CAUGHT, PAUSES, Session
from gamesim.app.settings import Settings
from gamesim.app.theme import Scale, font
from gamesim.data.episode import Episode


class Found(Mortal):
    reward = 0.9


class Feast(FakeDream):
    """A dream in which every step is worth what food is worth."""


def run(session: Session, seconds: float) -> None:
    for _ in range(round(seconds / FRAME)):
        session.update(FRAME)


def mortal(kind: type[FakeDream] = Mortal) -> Session:
    made = dream()
    made.env = kind()
    session = Session(made)
    session.waiting = False
    return session


def caught() -> Session:
    """A real game at the moment of a catch, before the last move is seen to its end."""
    made = world(num_ghosts=8)
    session = Session(made)
    for seed in range(200):
        made.env.reset(seed=seed)
        made.look()
        made.over = None
        for _ in range(60):
            session.tick()
            if made.over:
                break
        if "eaten" in made.events:
            return session
    raise AssertionError("nobody was caught")


@pytest.fixture
def banners(monkeypatch: pytest.MonkeyPatch) -> list[list[Line]]:
    """The lines of every banner that is drawn."""
    drawn: list[list[Line]] = []

    def draw(surface, board, player, lines, scale):
        drawn.append(lines)
        return draw_banner(surface, board, player, lines, scale)

    monkeypatch.setattr(stage, "draw_banner", draw)
    return drawn


class TestBanner:
    @pytest.mark.parametrize("size", [(1280, 800), (800, 600), (500, 400), (200, 150)])
    @pytest.mark.parametrize("place", [(0.5, 0.5), (0.1, 0.1), (0.9, 0.9), (0.5, 0.95), (0.5, 0.02)])
    def test_it_never_touches_the_player(self, app: Driver, size, place):
        surface = pygame.Surface(size)
        board = pygame.Rect(10, 10, size[1] - 20, size[1] - 20)
        side = board.width // 7
        player = pygame.Rect(0, 0, side, side)
        player.center = (
            board.left + round(place[0] * board.width),
            board.top + round(place[1] * board.height),
        )
        lines = [Line(f"A line of the banner {i}", 30 - 3 * i, (255, 255, 255)) for i in range(5)]
        where = draw_banner(surface, board, player, lines, Scale.of(size))
        assert not where.colliderect(player)
        assert board.contains(where)

    @pytest.mark.parametrize("zoom", [1.0, 1.5, 2.0])
    @pytest.mark.parametrize("side", [200, 300, 420, 660])
    def test_no_line_is_cut_off(self, app: Driver, side, zoom):
        Scale.zoom = zoom
        lines = [Line("Caught by a ghost", 32, (9, 9, 9), True), Line("Score +0.5 · 12 steps", 18, (9, 9, 9))]
        room = (side - 24, 3 * side // 7 - 24)
        kept, sizes = fitted(lines, room, Scale.of((800, 600)))
        assert kept[0] is lines[0] and (side < 300 or len(kept) == 2)
        for line, size in zip(kept, sizes, strict=True):
            assert font(size, line.bold).size(line.words)[0] <= room[0]

    def test_the_board_is_seen_through_it(self, app: Driver):
        def drawn(colour: int) -> np.ndarray:
            surface = pygame.Surface((600, 600))
            surface.fill((colour,) * 3)
            where = draw_banner(
                surface, surface.get_rect(), pygame.Rect(260, 260, 80, 80), [Line("x", 20, (9, 9, 9))], scale
            )
            return np.array(surface.get_at((where.left + 12, where.centery))[:3], int)

        scale = Scale.of((1280, 800))
        assert (drawn(255) - drawn(0) > 40).all()

    def test_the_player_is_in_the_middle_of_a_view_and_anywhere_on_a_board(self, app: Driver):
        board = pygame.Rect(0, 0, 840, 840)
        assert player_cell(board, dream()).center == board.center
        arcade = world("gamesim/PacmanArcade-v0")
        assert player_cell(board, arcade) == pygame.Rect(400, 600, 40, 40)


class TestCatch:
    def test_no_banner_flashes_before_he_has_gone(self):
        session = caught()
        told = []
        for _ in range(round(2.5 / FRAME)):
            told.append(session.tells_end(session.world))
            session.update(FRAME)
        assert not any(told)

    def test_first_all_stands_still_then_he_vanishes(self):
        session = caught()
        seen = []
        for _ in range(round((PAUSES["eaten"] + 0.3) / FRAME)):
            session.update(FRAME)
            seen.append(session.death(session.world))
        still = seen.index(next(part for part in seen if part is not None))
        assert still * FRAME >= CAUGHT
        after = seen[still:]
        assert after == sorted(after) and after[0] < 0.1 and after[-1] == 1.0

    def test_the_ghost_that_has_him_is_drawn_over_him(self, app: Driver):
        session = caught()
        now = session.world.now
        x, y = now.pacman
        surface = pygame.Surface((700, 700))
        drawn = []
        for events in (now.events, ()):
            shown = now.__class__(**{**now.__dict__, "events": events})
            area = surface.get_rect()
            app.window.kit.painter.draw(surface, area, shown, shown, 1.0, 0.0, (7, 7))
            drawn.append(tuple(surface.get_at((350, 385))[:3]))
        red, yellow = drawn
        assert any((ghost.x, ghost.y) == (x, y) for ghost in now.ghosts)
        assert red[1] < 80 and yellow[1] > 150  # little green in red, much in yellow

    def test_ghosts_are_gone_while_he_vanishes(self, app: Driver):
        session = caught()
        now = session.world.now
        surface = pygame.Surface((700, 700))
        app.window.kit.painter.draw(surface, surface.get_rect(), now, now, 1.0, 0.0, (7, 7), 0.5)
        pixels = pygame.surfarray.array3d(surface)
        assert not ((pixels[..., 0] > 200) & (pixels[..., 1] < 80)).any()


class TestReplay:
    @staticmethod
    def replayed(app: Driver) -> None:
        app.play("Tilemap Pac-Man")
        for _ in range(600):
            if not app.session.replaying:
                app.window.screen.update(FRAME)
        assert app.session.replaying
        app.frames(1)

    def test_the_last_second_comes_again_slower(self):
        session = mortal()
        while not session.world.over:
            session.update(FRAME)
        while not session.replaying:
            session.update(FRAME)
        frames = []
        while session.replaying:
            shot, part = session.replay(session.world)
            assert 0.0 <= part <= 1.0
            frames.append(shot)
            session.update(FRAME)
        shots = list(dict.fromkeys(map(id, frames)))
        assert len(shots) == session.world.steps
        assert len(frames) * FRAME > 2 * len(shots) / session.world.rate
        assert frames[-1].frame is session.world.frame
        assert session.tells_end(session.world)

    @pytest.mark.parametrize("key", [pygame.K_RIGHT, pygame.K_SPACE, pygame.K_q, pygame.K_p, pygame.K_x])
    def test_any_key_skips_it(self, app: Driver, entry, key):
        entry(Mortal)
        self.replayed(app)
        app.press(key)
        assert not app.session.replaying and app.session.world.over
        assert app.session.tells_end(app.session.world)

    def test_enter_in_it_begins_the_next_game(self, app: Driver, entry):
        entry(Mortal)
        self.replayed(app)
        app.press(pygame.K_RETURN)
        assert app.session.ready and app.session.world.over is None

    def test_a_step_limit_is_no_riddle(self):
        session = Session(world(max_steps=3))
        for _ in range(3):
            session.tick()
        run(session, 0.3)
        assert session.world.over == "Out of time"
        assert session.tells_end(session.world) and not session.replaying

    def test_what_was_rewound_is_not_shown(self):
        session = mortal()
        session.tick()
        session.tick()
        session.world.rewind()
        assert session.world.reel.seconds == pytest.approx(1 / (0.4 * session.world.rate))


class TestBelief:
    def test_a_dream_says_how_sure_it_was(self, app: Driver, entry, banners):
        entry(Mortal)
        app.play("Tilemap Pac-Man")
        app.passes(6.0)
        words = [line.words for line in banners[-1]]
        assert "The model was 79 % sure that this was the end" in words
        assert any("3 steps" in line for line in words)

    def test_nothing_is_minus_nought(self, app: Driver, entry, banners):
        class Broke(Mortal):
            reward = -0.04

        entry(Broke)
        app.play("Tilemap Pac-Man")
        app.passes(6.0)
        assert any("Score +0.0" in line.words for line in banners[-1])

    def test_a_real_game_believes_nothing(self, app: Driver, banners):
        app.play("Pac-Man")
        while not app.session.world.over:
            app.session.tick()
        app.passes(8.0)
        assert not any("sure" in line.words for line in banners[-1])


class TestGoingOn:
    def test_a_key_makes_dreams_go_on_after_an_end_and_it_is_remembered(self, app: Driver, entry):
        entry(Mortal)
        app.play("Tilemap Pac-Man")
        app.press(pygame.K_o)
        app.passes(2.0)
        made = app.session.world
        assert made.over is None and made.steps > 9 and made.ends[:3] == [3, 6, 9]
        assert made.env.unwrapped.taken_back == len(made.ends)
        assert Settings(app.window.kit.settings.path).endless_dreams
        app.press(pygame.K_o)
        app.frames(60)
        assert made.over and not app.window.kit.settings.endless_dreams

    def test_an_end_that_stands_already_is_taken_back(self, app: Driver, entry):
        entry(Mortal)
        app.play("Tilemap Pac-Man")
        app.passes(6.0)
        frame = app.session.world.frame.copy()
        assert app.session.world.over
        app.press(pygame.K_o)
        app.frames(60)
        assert app.session.ready and app.session.world.over is None and app.session.world.steps == 3
        assert (app.session.world.frame == frame).all()
        app.press(pygame.K_LEFT)
        app.frames(30)
        assert app.session.world.steps > 3

    def test_it_is_marked_on_screen(self, app: Driver, entry, monkeypatch):
        said: list[str] = []
        monkeypatch.setattr(stage, "pill", lambda surface, words, *rest: said.append(words))
        entry(Mortal)
        app.play("Tilemap Pac-Man")
        app.press(pygame.K_o)
        app.frames(60)
        assert any("ignored" in words for words in said)

    def test_a_real_game_still_ends(self):
        session = Session(world(max_steps=3))
        session.endless = True
        for _ in range(3):
            session.tick()
        assert session.world.over == "Out of time"

    def test_a_recording_of_it_is_one_game_to_an_end(self, app: Driver, entry):
        entry(Mortal)
        app.play("Tilemap Pac-Man")
        app.press(pygame.K_o, pygame.K_COMMA)
        app.passes(2.0)
        app.press(pygame.K_COMMA, pygame.K_ESCAPE)
        kept = [Episode.load(path) for path in app.recordings.glob("tilemap-pac-man-*/*.npz")]
        assert len(kept) > 2
        assert sorted({len(episode) for episode in kept if episode.terminated}) == [3]

    def test_rewinding_over_an_end_forgets_it(self):
        session = mortal()
        session.endless = True
        for _ in range(4):
            session.tick()
        assert session.world.ends == [3]
        session.world.rewind()
        assert session.world.ends == [3]
        session.world.rewind()
        assert session.world.ends == [] and session.world.over is None

    def test_a_shipped_dream_goes_on_from_where_it_ended(self, shipped: Driver):
        made = shipped.session.world
        made.env.unwrapped.batch.ended[:] = True
        made.over = "The dream ends here"
        frame = made.frame.copy()
        shipped.press(pygame.K_o)
        assert made.over is None and (made.frame == frame).all()
        made.step(RIGHT)
        assert made.steps and made.env.unwrapped.state.steps[0] == made.steps


class TestSounds:
    @pytest.mark.parametrize(("kind", "heard"), [(Mortal, "eaten"), (Found, "flag"), (Feast, "food")])
    def test_a_dream_sounds_by_its_own_reward_and_end(self, app: Driver, entry, monkeypatch, kind, heard):
        played: list[str] = []
        monkeypatch.setattr(app.window.kit.sound, "play", played.append)
        entry(kind)
        app.play("Tilemap Pac-Man")
        app.frames(60)
        assert heard in played

    def test_a_dream_of_a_foreign_game_beeps_at_no_reward(self):
        session = mortal(Feast)
        session.world.title = session.world.title.__class__("Other", "", "x", {}, "CartPole-v1")
        session.tick()
        assert session.world.happened == ()


class TestHighScore:
    def test_the_first_score_ever_is_kept_but_not_celebrated(self, app: Driver):
        self.play(app)
        assert "high score" not in app.said
        assert app.window.kit.scores.best("gamesim/PacmanArcade-v0") > 0

    def test_one_that_is_beaten_is_celebrated(self, app: Driver):
        app.window.kit.scores.add("gamesim/PacmanArcade-v0", 5.0)
        self.play(app)
        assert "A new high score" in app.said

    @staticmethod
    def play(app: Driver) -> None:
        app.play("Arcade")
        game = app.session.world.env.unwrapped.game
        game.lives, game.score = 1, 60
        while app.session.world.over is None:
            app.session.tick()
        app.frames(1)
