"""Text in files says the same whoever rewrote it, and whatever is written is UTF-8 and JSON."""

import codecs
import json
import math

import numpy as np
import pytest

from gamesim import config, text
from gamesim.app.library import cards, catalog
from gamesim.app.settings import Settings
from gamesim.errors import UserError
from gamesim.training.folder import Log

LINES = "one\ntwo ✓\n"
SAVED = {
    "Linux": LINES.encode(),
    "Git on Windows": LINES.replace("\n", "\r\n").encode(),
    "an old Mac": LINES.replace("\n", "\r").encode(),
    "UTF-8 with a mark": codecs.BOM_UTF8 + LINES.encode(),
    "Notepad": codecs.BOM_UTF16_LE + LINES.replace("\n", "\r\n").encode("utf-16-le"),
    "UTF-16, the other end first": codecs.BOM_UTF16_BE + LINES.encode("utf-16-be"),
    "UTF-32": codecs.BOM_UTF32_LE + LINES.encode("utf-32-le"),
}
MARKED = {"as Git": b"", "with a mark": codecs.BOM_UTF8}
each_mark = pytest.mark.parametrize("mark", MARKED.values(), ids=MARKED)


@pytest.mark.parametrize("data", SAVED.values(), ids=SAVED)
def test_text_is_read_as_it_was_meant(data):
    assert text.decode(data) == LINES


def test_what_is_no_text_is_refused_or_shown_as_far_as_it_goes():
    with pytest.raises(ValueError, match="decode"):
        text.decode(b"caf\xe9")
    assert text.decode(b"caf\xe9", "replace") == "caf\ufffd"


@pytest.mark.parametrize("name", ["plain", "naïve", "👻", "odd\udce9byte"])
def test_any_name_can_be_written(name):
    assert text.decode(text.encode(name)).encode()
    assert text.from_json(text.to_json({"name": name})) == {"name": name}


def test_json_has_no_nan():
    tree = {"a": math.nan, "b": [-math.inf, np.float32(0.5)], "c": np.arange(2), 3: (True, None)}
    assert json.loads(text.to_json(tree), parse_constant=pytest.fail) == {
        "a": None,
        "b": [None, 0.5],
        "c": [0, 1],
        "3": [True, None],
    }


def test_the_same_said_otherwise_has_the_same_canon():
    assert text.canonical({"a": 1, "b": [1.0, None]}) == text.canonical({"b": [1, math.nan], "a": 1.0})
    assert text.canonical({"a": 1}) != text.canonical({"a": 2})
    assert text.canonical({"a": 1}) != text.canonical({"a": "1"})


def windows(path, mark, words):
    path.write_bytes(mark + words.replace("\n", "\r\n").encode())
    return path


@each_mark
def test_a_preset_of_ones_own_and_the_app_files_may_come_from_windows(tmp_path, mark, monkeypatch):
    mine = windows(tmp_path / "mine.yaml", mark, "extends: tilemap\nseed: 4\n# mine\ndata:\n  segment: 5\n")
    assert (config.load(mine).seed, config.load(mine).data.segment) == (4, 5)
    settings = windows(tmp_path / "settings.json", mark, '{\n "ui_scale": 150\n}\n')
    found = Settings(settings)
    assert (found.ui_scale, found.problem) == (150, None)


@each_mark
def test_a_model_from_windows_is_listed_as_what_it_is(tmp_path, mark):
    windows(tmp_path / "config.yaml", mark, "system: tilemap\nname: tilemap\n")
    windows(tmp_path / "README.md", mark, "# x\n\n| | |\n|---|---|\n| game | gamesim/PacmanMaze-v0 |\n")
    windows(tmp_path / "metrics.json", mark, '{\n "validation": {"error": 0.5}\n}\n')
    title = catalog.dream(tmp_path)
    assert (title.system, title.game_id) == ("tilemap", catalog.MAZE)
    card = cards.read(tmp_path, tmp_path / "none")
    assert card.facts["game"] == "gamesim/PacmanMaze-v0"
    assert [figure.label for figure in card.figures] == ["Error"]


@each_mark
def test_a_log_from_windows_is_gone_on_with(tmp_path, mark):
    log = Log(tmp_path)
    windows(log.path, mark, '{"step": 1}\n{"step": 2}\n{"step": 2, "status": "done"}\n')
    assert log.reached() == 2
    log.trim(1)
    assert [text.from_json(line) for line in log.path.read_bytes().splitlines()] == [{"step": 1}]


@pytest.mark.parametrize(
    ("value", "digits", "words"),
    [(1.5, 1, "+1.5"), (-0.04, 1, "+0.0"), (-0.001, 2, "+0.00"), (-1, 1, "-1.0"), (0.25, 2, "+0.25")],
)
def test_a_score_has_its_sign_and_nothing_is_minus_nought(value: float, digits: int, words: str):
    assert text.signed(value, digits) == words


def test_an_error_that_cannot_even_say_what_it_is_is_called_by_its_kind():
    class Mute(Exception):
        def __str__(self) -> str:
            raise ValueError("nothing to say")

    assert text.one_line(Mute()) == "Mute"
    assert text.one_line(ValueError()) == "ValueError" and text.one_line(ValueError("a\nb")) == "a b"


def test_why_a_file_cannot_be_written_is_said_in_plain_words(tmp_path):
    (tmp_path / "file").write_text("x")

    def failing(do) -> OSError:
        try:
            do()
        except OSError as error:
            return error
        raise AssertionError("it could be made")

    in_the_way = failing((tmp_path / "file").mkdir)
    assert text.complaint(in_the_way) == f"{tmp_path / 'file'}: a file is in the way"
    assert text.reason(failing((tmp_path / "file" / "in").mkdir)) == "a file is in the way"
    assert text.reason(failing((tmp_path / "none" / "in").mkdir)) == "no such file or folder"
    assert text.reason(failing(tmp_path.read_bytes)) == "it is a folder"
    assert text.reason(failing((tmp_path / ("n" * 300)).mkdir)) == "the name is too long"
    assert text.reason(OSError(28, "No space left on device", "f")) == "the disk is full"
    assert text.complaint(OSError("ffmpeg ended")) == "ffmpeg ended"
    assert text.complaint(OSError(9, "Bad file descriptor", 3)) == "Bad file descriptor"
    assert text.complaint(UserError("d/" * 500 + "e: is damaged")) == "d/" * 500 + "e: is damaged"
    assert text.complaint(MemoryError()) == "out of memory"
    assert text.one_line(in_the_way) == text.complaint(in_the_way)
    assert text.one_line(OSError("ffmpeg ended")) == "ffmpeg ended"
    assert text.reason(OSError(2, "no ROM of Pong: get it")) == "no ROM of Pong: get it"


@pytest.mark.parametrize(
    ("count", "words"),
    [
        (0, "0 bytes"),
        (1, "1 byte"),
        (999, "999 bytes"),
        (4_096, "4.1 kB"),
        (9_960, "10 kB"),
        (999_600, "1.0 MB"),
        (53_400_000, "53 MB"),
        (2_000_000_000_000, "2,000 GB"),
    ],
)
def test_a_size_is_told_in_a_unit_that_fits(count: int, words: str):
    assert text.sized(count) == words


def test_names_in_any_letters_stay_apart_as_names_of_files():
    names = ("日本", "中国", "हिन्दी", "हिन्द", "naïve", "nave", "👻", "🎮", "Pac-Man, endless")
    assert len({text.file_name(name, "game") for name in names}) == len(names)
    assert text.file_name("Pac-Man, endless", "game") == "pac-man-endless"
    assert text.file_name("nai\u0308ve", "game") == text.file_name("naïve", "game")  # as macOS spells it


@pytest.mark.parametrize("name", ["a/b", "..", "x" * 300, "日" * 300, "a\0b", "odd\udce9byte", "", "?"])
def test_any_name_can_be_the_name_of_a_folder(tmp_path, name: str):
    folder = tmp_path / text.file_name(name, "game")
    folder.mkdir()
    assert folder.parent == tmp_path and list(tmp_path.iterdir()) == [folder]
