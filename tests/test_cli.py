"""The command line: one line and exit code 2 for whatever is wrong, and never a traceback."""

import builtins
import json
import os
import re
import signal
import subprocess
import sys
import warnings
from pathlib import Path

import gymnasium as gym
import imageio.v3 as imageio
import pytest

from gamesim import checkpoint, cli, config
from gamesim.app.kit import Kit
from gamesim.app.settings import Scores
from gamesim.data.store.index import scan
from gamesim.envs.recipe import Recipe
from gamesim.errors import UserError
from recordings import make_episode

ROOT = Path(__file__).resolve().parent.parent


def main(*words):
    return cli.main([str(word) for word in words])


@pytest.mark.parametrize(
    ("words", "complaint"),
    [
        ("trian x", "unknown command 'trian', did you mean 'train'?"),
        ("--hepl", "unrecognized arguments: --hepl"),
        ("record --episods 3", "record: unknown flag '--episods', did you mean '--episodes'?"),
        ("record --env gamesim/Pacmn-v0 --out x", "'gamesim/Pacmn-v0', did you mean 'gamesim/Pacman-v0'?"),
        ("record --env gamesim/Pacman-v0", "record: --out is missing"),
        ("record --out x", "record: --env is missing"),
        ("record --env gamesim/Pacman-v0 --out x --episodes many", "'many' is not a whole number"),
        ("record --env gamesim/Pacman-v0 --out x --episodes 0", "'0' is not a whole number from 1"),
        ("record --env gamesim/Pacman-v0 --out x --seed -1", "--seed"),
        (
            "record --env gamesim/Pacman-v0 --out x --policy clever",
            "policy must be one of explorer, random, dqn, gcn, or a model, not 'clever'",
        ),
        ("record --env gamesim/Pacman-v0 --out x wibble", "record: unexpected 'wibble', expected key=value"),
        ("record --env gamesim/Pacman-v0 --out x/y wibble=3", "wibble"),
        ("record --verify nowhere", "nowhere"),
        ("record --verify d --env gamesim/Pacman-v0", "--verify works alone, not with --env"),
        ("record --verify d --time-limit 3", "--verify works alone, not with --time-limit"),
        ("record --verify d max_steps=3", "--verify works alone, not with max_steps=3"),
        ("record --env gamesim/Pacman-v0 --out x --hold -3", "'-3' is not a number of steps from 1 to 10000"),
        ("record --env gamesim/Pacman-v0 --out x --hold 3-", "'3-' is not a number of steps from 1 to 10000"),
        ("play --size 64", "play: --size needs a game, and GAME is missing"),
        ("play gamesim/Dream-v0", "gamesim/Dream-v0 needs checkpoint=DIR, the folder of a model"),
        ("play gamesim/Dream-v0 checkpoint=3", "gamesim/Dream-v0 needs checkpoint=DIR"),
        ("play gamesim/Dream-v0 checkpoint=nowhere", "nowhere: no such model"),
        (
            "play gamesim/Dream-v0 checkpoint=tilemap-maze temperature=99",
            "must be a number from 0 to 10, not 99",
        ),
        ("play gamesim/Dream-v0 checkpoint=tilemap-maze foo=1", "takes no argument 'foo'"),
        ("play os:Nope-v0", "'os:Nope-v0' is neither a game nor a model. Games of os: none"),
        ("export m --out x.onnx --beside gamesim/Pacman-v0", "export: --beside works with films only"),
        ("export m --out x.onnx --steps 9", "export: --steps works with films only"),
        ("export m --out x --scale 2", "export: --scale works with films only"),
        ("export m --out x --temperature 0", "export: --temperature works with films and ONNX only"),
        ("export m --out x.onnx --size 64", "export: --size works with games only"),
        ("export m --out x max_steps=3", "export: max_steps=3 works with games only"),
        ("export CartPole-v1 --out x.gif --temperature 0", "export: --temperature works with models only"),
        ("export gamesim/Pacman-v0 --out x.gif --device cpu", "export: --device works with models only"),
        (
            "export gamesim/Dream-v0 checkpoint=m --out x.gif --temperature 0",
            "export: --temperature works with models only",
        ),
        ("train gamegan-tiny --data d --out o --minutes 525601", "above 0, up to a year"),
        ("train", "train: the following arguments are required: PRESET, --data, --out"),
        ("train gamegan-tny --data d --out o", "unknown preset 'gamegan-tny', did you mean 'gamegan-tiny'?"),
        ("train gamegan-tiny --data d --out o training.stepz=3", "unknown key 'training.stepz'"),
        ("train gamegan-tiny --data d --out o --device gpu", "unknown device 'gpu'"),
        ("train gamegan-tiny --data nowhere --out o --device cpu", "nowhere"),
        (
            "train gamegan-tiny --data d --out o --game a data.game=b",
            "--game and data.game=b mean the same: use only one of them",
        ),
        (
            "record --env gamesim/Dream-v0 --out o --device cpu device=cuda checkpoint=m",
            "--device and device=cuda mean the same: use only one of them",
        ),
        ("train gamegan-tiny --data d --out o --minutes 0", "--minutes: '0' is not a number"),
        ("train gamegan-tiny --data d --out o --minutes -2", "'-2' is not a number of minutes above 0"),
        ("train gamegan-tiny --data d --out o --minutes nan", "'nan' is not a number of minutes above 0"),
        ("train gamegan-tiny --data d --out o --minutes inf", "'inf' is not a number of minutes above 0"),
        ("train gamegan-tiny --data d --out o --minutes ten", "'ten' is not a number of minutes above 0"),
        ("train gamegan-tiny --data d --out o --init nowhere", "nowhere: no such model"),
        (
            "train gamegan-tiny --data d --out o --init . --resume",
            "--resume: not allowed with argument --init",
        ),
        ("export nowhere --out folder", "nowhere: no such model"),
        ("train visoin --data d --out o", "unknown preset 'visoin'"),
        ("evaluate ~/none", "/home/me/none: no such model"),
        ("evaluate m --json=~/no/f", "--json /home/me/no/f: no such folder"),
        ("train ~/none.yaml --data d --out o", "/home/me/none.yaml: no such file"),
        ("train vision --data d --out o preset=~/none.yaml", "/home/me/none.yaml: no such file"),
        ("play gamesim/Dream-v0 checkpoint=~/none", "~/none: no such model"),
        ("train vision --data d --out o preset=gamegan-tiny", "it is not a World Model, so it has no vision"),
        ("train memory --data d --out nowhere", "nowhere/vision/best: no such model; train vision"),
        ("train world-model-tiny --data d --out o --resume", "o: nothing to resume"),
        ("temperature nowhere --data d --out o", "nowhere: no such model"),
        ("temperature m --data d --out o --json no/f", "--json no/f: no such folder"),
        ("evaluate nowhere", "nowhere: no such model"),
        (f"evaluate {'n' * 3000}", "nnn: the name is too long"),
        ("evaluate m --json no/such/file", "--json no/such/file: no such folder"),
        (
            "evaluate tilemap-maze --game CartPole-v1",
            "--game CartPole-v1: tilemap-maze learned another game, gamesim/PacmanMaze-v0",
        ),
        ("evaluate tilemap-maze --game Nope-v0", "unknown game 'Nope-v0'"),
        ("evaluate m --plots file", "--plots file: not a folder"),
        ("evaluate m --card --temperature 0", "a card holds only what was measured at temperature 1"),
        ("temperature m --data d --out o --plot no/f.png", "--plot no/f.png: no such folder"),
        ("play nowhere", "nowhere"),
        ("export nowhere --out x.gif", "'nowhere' is neither a game nor a model. Games: gamesim/Pacman"),
        ("export gamesim/Pacman-v0 --out x.avi", "x.avi: a film's name ends in .gif or .mp4"),
        ("export gamesim/Pacman-v0 --out x.gif --steps 100000000", "too large"),
        ("export file --out .gif", "--out .gif: it has no name before .gif"),
        ("export file --out a/.ONNX", "--out a/.ONNX: it has no name before .ONNX"),
        ("export x --out x.gif --temperature 10.1", "'10.1' is not a number from 0 to 10"),
        ("export x --out x.gif --temperature nan", "'nan' is not a number from 0 to 10"),
        ("export x --out x.gif --beside gamesim/Pacmn-v0", "did you mean 'gamesim/Pacman-v0'?"),
        ("export nowhere --out x.gif --beside gamesim/Pacman-v0", "nowhere: no such model"),
        ("doctor now", "doctor: unexpected 'now'"),
        ("doctor --checkpoints nowhere", "nowhere: no such folder"),
        ("doctor --checkpoints file", "file: no such folder"),
    ],
)
def test_wrong_words_are_one_line_that_names_them(words, complaint, capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", "/home/me")
    (tmp_path / "file").touch()
    (tmp_path / "d").mkdir()
    (tmp_path / "m").mkdir()
    (tmp_path / "m" / "manifest.json").touch()  # enough to be taken for a model
    make_episode(9, size=84).save(tmp_path / "d" / "e.npz")
    assert main(*words.split()) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert complaint in err
    assert err.startswith("gamesim: ")
    assert err.count("\n") == 1
    assert not list(tmp_path.glob("*.gif"))


@pytest.mark.parametrize(
    "words",
    [
        ["record", "--env", "gamesim/Pacman-v0", "--episodes", "1", "--out", ""],
        ["train", "", "--data", "d", "--out", "o"],
        ["evaluate", ""],
    ],
)
def test_an_empty_word_is_not_the_folder_that_one_is_in(words, capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert main(*words) == 2
    assert capsys.readouterr().err.endswith(" is empty\n")
    assert not list(tmp_path.iterdir())


def test_the_temperature_table_is_of_world_models(tmp_path, capsys):
    from fake_task import starts

    folder = tmp_path / "engine"
    checkpoint.save(folder, weights={}, config=config.load("gamegan-tiny"), starts=starts(), card={})
    assert main("temperature", folder, "--data", tmp_path, "--out", tmp_path / "table") == 2
    assert f"{folder}: is not a World Model" in capsys.readouterr().err


def test_a_folder_that_one_may_not_read_is_one_line(tmp_path, monkeypatch, capsys):
    folder = tmp_path / "locked"
    folder.mkdir()

    def denied(*_):
        raise PermissionError(13, "Permission denied", str(folder))

    for place in ("gamesim.data.store.index.walk", "pathlib.Path.exists", "os.path.isfile"):
        monkeypatch.setattr(place, denied)  # a test that is run by root may read everything
    for words in (["record", "--verify", folder], ["evaluate", folder], ["export", folder, "--out", "x.gif"]):
        assert main(*words) == 2
        line = capsys.readouterr().err
        assert line.startswith(f"gamesim: {folder}: ") and "no permission" in line
        assert line.count("\n") == 1


def test_help_and_version_exit_0(capsys):
    for words, shown in (
        (["--help"], "doctor"),
        (["--version"], "gamesim "),
        (["train", "--help"], "training.steps=2000"),
    ):
        with pytest.raises(SystemExit) as left:
            main(*words)
        assert left.value.code == 0
        assert shown in capsys.readouterr().out


def help_of(command, capsys):
    with pytest.raises(SystemExit):
        main(command, "--help")
    return capsys.readouterr().out


@pytest.mark.parametrize("command", ["play", "record", "export"])
def test_help_lists_our_games_with_a_line_each(command, capsys):
    ours = [each for each in gym.registry if each.startswith("gamesim/") and each != "gamesim/Dream-v0"]
    lines = [line.split(maxsplit=1) for line in help_of(command, capsys).splitlines() if "gamesim/" in line]
    said = dict(line for line in lines if len(line) == 2)
    assert all(len(said[name]) > 10 for name in ours)


def test_help_lists_the_presets_with_a_line_each(capsys):
    _, _, listed = help_of("train", capsys).partition("presets:\n")
    said = dict(line.split(maxsplit=1) for line in listed.split("\n\n")[0].splitlines())
    assert list(said) == config.presets()
    assert all(len(line) > 20 and line != line.lower() for line in said.values())


@pytest.mark.parametrize(
    ("command", "default"),
    [("record", "1000"), ("evaluate", "200"), ("temperature", "150"), ("export", "60"), ("play", "cpu")],
)
def test_help_says_the_defaults(command, default, capsys):
    assert f"(default: {default})" in " ".join(help_of(command, capsys).split())


def test_without_words_and_with_play_the_app_opens(monkeypatch):
    started = []
    monkeypatch.setattr("gamesim.app.main", lambda start, device, **_: started.append((start, device)) or 0)
    assert main() == main("play") == main("play", "gamesim/Pacman-v0", "--device", "AUTO") == 0
    assert started == [(None, "cpu"), (None, "cpu"), (Recipe("gamesim/Pacman-v0"), "auto")]


@pytest.mark.parametrize(
    ("words", "line"),
    [
        (["gamesim/Pacman-v0", "grid_size=-4"], "grid_size must be an integer from 6 to 40, not -4"),
        (["gamesim/Pacman-v0", "nonsense=1"], "takes no argument 'nonsense'"),
        (["walled:Locked-v0"], "walled:Locked-v0 needs a package that is not installed"),
    ],
)
def test_a_game_that_cannot_be_made_opens_no_window(words, line, monkeypatch, tmp_path, capsys):
    game = """
import gymnasium as gym
class Locked(gym.Env):
    def __init__(self, render_mode=None):
        import a_package_that_nobody_has
gym.register(id="Locked-v0", entry_point=Locked)
"""
    (tmp_path / "walled.py").write_text(game)
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr("gamesim.app.main", lambda *_, **__: pytest.fail("a window opened"))
    assert main("play", *words) == 2
    gym.registry.pop("Locked-v0", None)
    said = capsys.readouterr().err
    assert line in said and said.count("\n") == 1


def test_the_app_offers_what_lies_where_one_was_though_a_game_changes_the_folder(monkeypatch, tmp_path):
    nomads = "import os, gymnasium, toy_games\nos.chdir('away')\n"
    (tmp_path / "nomads.py").write_text(f"{nomads}gymnasium.register('my/nomads-v0', toy_games.Dot)")
    for name in ("away", "recordings", "checkpoints"):
        (tmp_path / name).mkdir()
    monkeypatch.chdir(tmp_path)
    places = []
    monkeypatch.setattr("gamesim.app.main", lambda start, device, place: places.append(place) or 0)
    assert main("play", "nomads:my/nomads-v0") == 0
    shop = Kit(scores=Scores(tmp_path / "scores.json"), place=places[0]).workshop
    assert tmp_path / "recordings" in shop.shelf.roots and tmp_path / "checkpoints" in shop.folders
    assert shop.run_roots[0] == tmp_path / "runs"


def test_watch_opens_the_app_on_a_checkpoint_that_is_there(monkeypatch, tmp_path, capsys):
    started = []
    monkeypatch.setattr(
        "gamesim.app.main", lambda *given, place=None, **how: started.append((given, how)) or 0
    )
    model, run = tmp_path / "run" / "last", tmp_path / "run"
    model.mkdir(parents=True)
    (model / "manifest.json").touch()
    assert main("watch", str(model)) == main("play", str(model)) == 0
    assert started == [((str(model),), {"watch": True, "device": "cpu"}), ((str(model),), {"device": "cpu"})]
    for command in ("watch", "play"):
        assert main(command, str(run)) == 2
        assert f"the model of this run is {model}" in capsys.readouterr().err
        assert main(command, str(tmp_path)) == 2
        assert "not a model: it has no manifest.json" in capsys.readouterr().err
    assert main("watch", "nowhere") == 2
    assert "nowhere: no such model" in capsys.readouterr().err


def test_record_then_verify(tmp_path, capsys):
    words = ["--env", "gamesim/Pacman-v0", "--policy", "random", "--episodes", "3", "max_steps=5"]
    assert main("record", *words, "--out", tmp_path / "plays") == 0
    assert "3 games" in capsys.readouterr().out
    assert main("record", "--verify", tmp_path / "plays") == 0
    assert "3 replay byte for byte" in capsys.readouterr().out


def test_export_draws_a_gif(tmp_path):
    file = tmp_path / "play.gif"
    assert main("export", "gamesim/Pacman-v0", "--out", file, "--steps", "6", "--scale", "2") == 0
    assert imageio.imread(file).shape[1:] == (168, 168, 3)


def test_a_game_that_changes_the_folder_writes_where_one_was(tmp_path, monkeypatch, capsys):
    (tmp_path / "assets").mkdir()
    lines = (
        "import os, gymnasium as gym, toy_games",
        "os.chdir('assets')",
        "gym.register('{}', toy_games.Dot)",
    )
    for name in ("wanders", "strays"):
        (tmp_path / f"{name}.py").write_text("\n".join(lines).format(f"mine/{name}-v0"))
    monkeypatch.chdir(tmp_path)
    words = "--env", "wanders:mine/wanders-v0", "--episodes", "1"
    assert main("record", *words, "--out", "mine") == 0
    assert capsys.readouterr().out.endswith("in mine\n")
    monkeypatch.chdir(tmp_path)
    assert main("export", "strays:mine/strays-v0", "--out", "mine.gif", "--steps", "2") == 0
    assert (tmp_path / "mine" / "index.jsonl").is_file() and (tmp_path / "mine.gif").is_file()


def test_interrupts_are_quiet(monkeypatch, capsys):
    def interrupted(options):
        raise KeyboardInterrupt

    monkeypatch.setattr("gamesim.cli.doctor.main", interrupted)
    assert main("doctor") == 130
    assert capsys.readouterr() == ("", "")


def test_of_a_setting_that_is_given_twice_the_last_counts_and_it_is_said(tmp_path, capsys):
    words = "--env", "gamesim/Pacman-v0", "--episodes", "1", "--policy", "random", "--out", tmp_path
    assert main("record", *words, "max_steps=5", "max_steps=2", "num_ghosts=0", "num_ghosts=0") == 0
    out, err = capsys.readouterr()
    assert "1 game, 2 steps" in out
    assert [line for line in err.splitlines() if "twice" in line] == [
        "gamesim: warning: 'max_steps' is given twice: max_steps=2 counts"
    ]


def test_of_a_flag_that_is_given_twice_the_last_counts_and_it_is_said(tmp_path, capsys):
    words = "--env", "gamesim/Pacman-v0", "--policy", "random", "--out", tmp_path, "--stretch", "--stretch"
    assert main("record", *words, "--episodes", "3", "--seed=4", "--seed", "4", "--episodes=1") == 0
    out, err = capsys.readouterr()
    assert "1 game, " in out
    assert [line for line in err.splitlines() if "twice" in line] == [
        "gamesim: warning: --episodes is given twice: 1 counts"
    ]


def test_memory_that_runs_out_is_one_line(monkeypatch, capsys):
    def hungry(options):
        raise MemoryError

    monkeypatch.setattr("gamesim.cli.doctor.main", hungry)
    assert main("doctor") == 2
    assert capsys.readouterr() == ("", "gamesim: out of memory\n")


def test_a_folder_that_no_system_has_is_no_model(tmp_path, capsys):
    assert main("record", "--env", "gamesim/Dream-v0", 'checkpoint="a\\0b"', "--out", tmp_path) == 2
    said = capsys.readouterr().err
    assert said == "gamesim: a?b: no such folder\n"


def test_a_model_whose_weights_do_not_fit_is_not_exported(tmp_path, capsys):
    from fake_task import starts

    folder, out = tmp_path / "engine", tmp_path / "shared"
    checkpoint.save(folder, weights={}, config=config.load("gamegan-tiny"), starts=starts(), card={})
    assert main("export", folder, "--out", out) == 2
    assert "model.safetensors: its weights do not fit its config" in capsys.readouterr().err
    assert not out.exists()


def test_evaluate_writes_figures_where_it_is_told(tmp_path, monkeypatch, capsys):
    from fake_task import starts

    folder = tmp_path / "engine"
    checkpoint.save(folder, weights={}, config=config.load("gamegan-tiny"), starts=starts(), card={})
    figures = {"moves": 0.5}
    monkeypatch.setattr("gamesim.evaluation.evaluate.evaluate", lambda *_, **__: figures, raising=False)
    assert main("evaluate", folder, "--json", tmp_path / "f.json", "--card") == 0
    assert json.loads(capsys.readouterr().out) == figures
    assert json.loads((tmp_path / "f.json").read_text()) == figures
    assert checkpoint.load(folder).metrics == figures


def test_evaluate_warns_of_a_v_that_has_learned_another_game(tmp_path, monkeypatch, capsys):
    from fake_task import starts

    for name, game in (("engine", "mine"), ("alike", "mine"), ("other", "toys/Dot-v0")):
        how = {
            "weights": {},
            "config": config.load("gamegan-tiny"),
            "starts": starts(),
            "card": {"game": game},
        }
        checkpoint.save(tmp_path / name, **how)
    monkeypatch.setattr("gamesim.evaluation.evaluate.evaluate", lambda *_, **__: {}, raising=False)
    for name in ("alike", "other"):
        assert main("evaluate", tmp_path / "engine", "--vision", tmp_path / name) == 0
        warned = "has learned toys/Dot-v0, not mine" in capsys.readouterr().err
        assert warned == (name == "other")


def python(*words, **kwargs):
    environment = dict(os.environ, OMP_NUM_THREADS="1")
    command = [sys.executable, *map(str, words)]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, env=environment, **kwargs)


@pytest.mark.slow
@pytest.mark.skipif(os.name == "nt", reason="signals, as Unix has them")
@pytest.mark.parametrize("how", [["main.py"], ["-m", "gamesim"], ["gamesim"]])
def test_ctrl_c_while_libraries_are_loaded_is_quiet(how, tmp_path):
    """The first of them is gymnasium, in whose place somebody presses Ctrl-C here."""
    pressed = "import os, signal, time\nos.kill(os.getpid(), signal.SIGINT)\ntime.sleep(60)\n"
    (tmp_path / "gymnasium.py").write_text(pressed)
    environment = dict(os.environ, PYTHONPATH=f"{tmp_path}{os.pathsep}{ROOT}")
    if how == ["gamesim"]:  # what pip installs
        how = [str(tmp_path / "bin" / "gamesim")]
        (tmp_path / "bin").mkdir()
        Path(how[0]).write_text("from gamesim.cli import main\nmain()")
    command = [sys.executable, *how, "doctor"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, env=environment, timeout=50)
    assert (done.returncode, done.stdout, done.stderr) == (-signal.SIGINT, "", "")


@pytest.mark.parametrize(("missing", "command"), [("gymnasium", "doctor"), ("yaml", "play CartPole-v1 a=b")])
def test_a_package_that_is_missing_or_broken_is_named_in_one_line(missing, command, tmp_path):
    (tmp_path / f"{missing}.py").write_text(
        f"raise ImportError('No module\\nnamed {missing}', name='{missing}')"
    )
    environment = dict(os.environ, PYTHONPATH=str(tmp_path))
    words = [sys.executable, "main.py", *command.split()]
    done = subprocess.run(words, cwd=ROOT, capture_output=True, text=True, env=environment, timeout=50)
    assert (done.returncode, done.stdout) == (2, "")
    assert re.fullmatch(f"gamesim: No module named {missing}; .*(uv run main.py|doctor).*\n", done.stderr)


@pytest.mark.parametrize(
    ("broken", "command"), [("gymnasium", "doctor"), ("yaml", "play Acrobot-v1 a=b"), ("torch", "evaluate m")]
)
@pytest.mark.parametrize("kind", ["RuntimeError", "OSError"])
def test_a_package_may_raise_anything_where_its_parts_do_not_fit(broken, command, kind, tmp_path):
    (tmp_path / f"{broken}.py").write_text(f"raise {kind}('built for\\nanother numpy')")
    (tmp_path / "m").mkdir()
    (tmp_path / "m" / "manifest.json").touch()
    environment = dict(os.environ, PYTHONPATH=str(tmp_path))
    words = [sys.executable, ROOT / "main.py", *command.split()]
    done = subprocess.run(words, cwd=tmp_path, capture_output=True, text=True, env=environment, timeout=50)
    assert (done.returncode, done.stdout) == (2, "")
    said = f"gamesim: the package {broken} cannot be imported: .*built for another numpy; .*\n"
    assert re.fullmatch(said, done.stderr)


def test_a_game_that_was_mistyped_is_said_to_be_so_before_torch_is_loaded(tmp_path):
    (tmp_path / "torch.py").write_text("raise RuntimeError('it was loaded')")
    command = [sys.executable, ROOT / "main.py", "evaluate", "tilemap-maze", "--game", "Nope-v0"]
    environment = dict(os.environ, PYTHONPATH=str(tmp_path))
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, env=environment, timeout=50)
    assert done.returncode == 2 and done.stderr.startswith("gamesim: unknown game 'Nope-v0'")


@pytest.mark.slow
def test_main_py_is_the_command_line():
    result = python("main.py", "frob")
    assert result.returncode == 2
    assert result.stderr.startswith("gamesim: unknown command 'frob'")
    assert python("-m", "gamesim", "--version").stdout.startswith("gamesim ")


def test_a_broken_pipe_is_quiet():
    script = f"{sys.executable} main.py --help | true; exit ${{PIPESTATUS[0]}}"
    result = subprocess.run(["bash", "-c", script], cwd=ROOT, capture_output=True, text=True)
    assert "Traceback" not in result.stderr
    assert "BrokenPipe" not in result.stderr


def test_the_doctor_names_a_clash_of_pygames(monkeypatch, capsys):
    from gamesim.cli import doctor

    monkeypatch.setattr(doctor.metadata, "version", lambda name: "2.6.1")
    assert not doctor.check_pygame()
    assert "pygame 2.6.1, pygame-ce 2.6.1 are both installed" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("broken", "named"),
    [
        ("raise AttributeError('half\\ninstalled')", "tqdm (AttributeError half installed)"),
        ("import os; os.abort()", "tqdm (the process crashed)"),
    ],
)
def test_the_doctor_names_a_package_that_is_there_but_cannot_be_loaded(
    broken, named, tmp_path, monkeypatch, capsys
):
    """Such as one that was built for another NumPy: it was reported as fine, or ended the doctor."""
    from gamesim.cli import doctor

    (tmp_path / "tqdm.py").write_text(broken)
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    monkeypatch.setattr(doctor, "PACKAGES", ("numpy", "tqdm"))
    assert not doctor.check_packages()
    assert f"BAD  packages     cannot be loaded: {named}; install with" in capsys.readouterr().out


def test_the_doctor_goes_on_where_torch_or_the_models_cannot_be_loaded(monkeypatch, capsys):
    from gamesim.cli import doctor

    def broken(name, *rest):
        if name in ("torch", "gamesim"):
            raise ValueError("numpy.dtype size changed")
        return imported(name, *rest)

    imported = builtins.__import__
    with monkeypatch.context() as patch:
        patch.setattr(builtins, "__import__", broken)
        healthy = doctor.check_torch(), doctor.check_models(None)
    assert healthy == (False, False)
    assert capsys.readouterr().out.count(": numpy.dtype size changed\n") == 2


@pytest.mark.parametrize("keys", [2, 9])
def test_the_doctor_times_models_of_any_number_of_keys(keys, tmp_path, capsys):
    import torch

    from gamesim import checkpoint, models

    chosen = config.load("world-model-tiny", [f"model.num_actions={keys}", "model.frame_size=64"])
    frames, actions = torch.zeros(1, 2, 64, 64, 3, dtype=torch.uint8), torch.zeros(1, 1, dtype=torch.int64)
    starts, weights = checkpoint.Starts(frames, actions), models.build(chosen).state_dict()
    checkpoint.save(tmp_path / "tiny", weights=weights, config=chosen, starts=starts, card={})
    cli.main(["doctor", "--checkpoints", str(tmp_path)])
    assert "ok   tiny " in capsys.readouterr().out
    assert cli.main(["doctor", "--checkpoints", str(tmp_path / "tiny")]) == 0  # the model itself
    assert "ok   tiny " in capsys.readouterr().out


def test_the_doctor_names_the_smaller_torch_where_there_is_no_gpu(monkeypatch, capsys):
    import torch

    from gamesim.cli import doctor

    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    for build, named in ((None, 0), ("13.0", 1)):
        monkeypatch.setattr(torch.version, "cuda", build)
        assert doctor.check_torch()
        assert capsys.readouterr().out.count("uv pip install --torch-backend cpu") == named


def test_the_doctor_does_not_take_a_folder_it_cannot_read_for_an_empty_one(tmp_path, monkeypatch):
    from gamesim.cli import doctor

    monkeypatch.setattr(doctor.os, "access", lambda path, mode: path != tmp_path)  # root may read all
    with pytest.raises(UserError, match="cannot be read"):
        doctor.main(tmp_path)


def test_the_doctor_names_a_damaged_engine(tmp_path, capsys):
    from fake_task import starts
    from gamesim.cli import doctor

    folder = tmp_path / "engine\nof two lines"
    checkpoint.save(folder, weights={}, config=config.load("gamegan-tiny"), starts=starts(), card={})
    (folder / "model.safetensors").write_bytes(b"")
    assert not doctor.check_models(tmp_path)
    said = capsys.readouterr().out
    assert "BAD  engine of two lines" in said and said.count("\n") == 1


@pytest.mark.slow
def test_record_train_stop_resume_and_dream(tmp_path, monkeypatch, capsys):
    """The whole loop in small; a stopped and resumed training equals a straight one to the byte."""
    from gamesim.training import gamegan

    plays, straight, parted = tmp_path / "plays", tmp_path / "straight", tmp_path / "parted"
    assert main("record", "--env", "gamesim/Pacman-v0", "--episodes", "12", "--out", plays) == 0
    words = ["train", "gamegan-tiny", "--data", plays, "--device", "cpu", "training.steps=4"]
    assert main(*words, "--out", straight) == 0
    step = gamegan.GameGANTask.step

    def interrupted(task):
        if task.done == 1:
            os.kill(os.getpid(), signal.SIGTERM)
        return step(task)

    with monkeypatch.context() as patch:
        patch.setattr(gamegan.GameGANTask, "step", interrupted)
        assert main(*words, "--out", parted) == 0
    assert "stopped: " in capsys.readouterr().out
    assert main(*words, "--out", parted, "--resume") == 0
    weights = [(run / "last" / "model.safetensors").read_bytes() for run in (straight, parted)]
    assert weights[0] == weights[1]
    assert "| game | gamesim/Pacman-v0 |" in checkpoint.load(parted / "last").card
    assert main("export", parted / "last", "--out", tmp_path / "dream.gif", "--steps", "4") == 0
    assert main(*words, "--out", tmp_path / "odd", "model.frame_size=64") == 2
    assert "model.frame_size is 64, but the recordings in" in capsys.readouterr().err
    assert not (tmp_path / "odd").exists()


@pytest.mark.slow
def test_the_doctor_finds_this_machine_healthy(tmp_path):
    result = python("main.py", "doctor", "--checkpoints", tmp_path, timeout=250)
    assert result.returncode == 0, result.stdout
    for name in ("python", "packages", "pygame", "torch", "device", "display", "audio", "models"):
        assert f" {name} " in result.stdout


@pytest.mark.parametrize(
    ("game", "player"), [("gamesim/PacmanMaze-v0", "explorer"), ("toys/Nine-v0", "random")]
)
def test_a_dream_is_recorded_by_the_bot_if_the_bot_knows_its_game(game, player, tmp_path, monkeypatch):
    (tmp_path / "README.md").write_text(f"| game | {game} |\n")
    asked = []
    monkeypatch.setattr(
        "gamesim.agents.record.record", lambda recipe, policy, *_, **__: asked.append(policy) or []
    )
    words = ["--env", "gamesim/Dream-v0", f"checkpoint={tmp_path}", "--episodes", "1"]
    assert main("record", *words, "--out", str(tmp_path / "out")) == 0
    assert asked == [player]


def test_user_errors_are_exceptions_with_one_line():
    assert str(UserError("x: y")) == "x: y"


def test_what_is_warned_of_twice_is_said_once(monkeypatch, capsys):
    """Also where a library is loaded in between, which makes Python forget what it has said."""

    def load(*_):
        for _ in range(2):
            warnings.warn("an older name", stacklevel=1)
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
        raise UserError("no more")

    monkeypatch.setattr("gamesim.config.load", load)
    assert cli.main(["train", "tilemap", "--data", "d", "--out", "o"]) == 2
    assert capsys.readouterr().err == "gamesim: warning: an older name\ngamesim: no more\n"


def test_the_home_folder_may_be_written_short_where_no_shell_spells_it_out(tmp_path, monkeypatch, capsys):
    home = tmp_path / "home"
    home.mkdir()
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.chdir(tmp_path)
    (home / "base.yaml").write_text("extends: gamegan-tiny\ntraining:\n  steps: 7\n")
    (tmp_path / "mine.yaml").write_text("extends: ~/base.yaml\n")
    assert config.load("mine.yaml").training.steps == 7
    assert main("record", "--env", "gamesim/PacmanMaze-v0", "--episodes", "1", "--out=~/games") == 0
    assert len(scan(home / "games")) == 1 and not (tmp_path / "~").exists()
    model = ROOT / "checkpoints" / "tilemap-maze"
    (home / "mine").symlink_to(model)
    assert main("export", "gamesim/Dream-v0", "checkpoint=~/mine", "--out=~/a.gif", "--steps", "2") == 0
    assert (home / "a.gif").exists()


def test_of_torchruns_processes_only_the_first_does_what_they_cannot_share(monkeypatch, tmp_path, capsys):
    words = ["record", "--env", "gamesim/Pacman-v0", "--policy", "random", "--episodes", "2"]
    for rank, games in (("1", 0), ("0", 2)):
        for name, value in {"TORCHELASTIC_RUN_ID": "here", "WORLD_SIZE": "2", "RANK": rank}.items():
            monkeypatch.setenv(name, value)
        assert cli.main([*words, "--out", str(tmp_path / "recordings")]) == 0
        assert capsys.readouterr().err.count("torchrun: record works in one process") == (rank == "0")
        assert len(list(tmp_path.rglob("*.npz"))) == games
    assert "WORLD_SIZE" not in os.environ
