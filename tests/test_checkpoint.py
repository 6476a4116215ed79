"""Checkpoints: whole or not there, every byte accounted for, never a pickle."""

import codecs
import json
import os
import pickle
import shutil
import signal
from concurrent.futures import ThreadPoolExecutor

import pytest
import torch
from torch import nn

from fake_task import starts
from gamesim import checkpoint, cli, config, locks, models, storage
from gamesim.card import facts, recipe_of
from gamesim.envs.recipe import Recipe
from gamesim.errors import UserError

CONFIG = config.load("gamegan-tiny")
FILES = ("model.safetensors", "config.yaml", "starts.safetensors", "metrics.json", "README.md")


def weights(fill=1.0):
    return {"a": torch.full((3, 2), fill), "steps": torch.tensor(7), "tied": torch.ones(4)[:2]}


def save(folder, fill=1.0, **kwargs):
    arguments = {"weights": weights(fill), "config": CONFIG, "starts": starts(), "card": {"data": "x|y"}}
    checkpoint.save(folder, **(arguments | kwargs))
    return folder


def test_what_was_saved_comes_back(tmp_path):
    real = starts(3, 4)
    folder = save(tmp_path / "engine", starts=real, metrics={"moves": 0.98, "lost": float("nan")})
    loaded = checkpoint.load(folder)
    assert {k: v.tolist() for k, v in loaded.weights.items()} == {k: v.tolist() for k, v in weights().items()}
    assert loaded.config == CONFIG
    assert torch.equal(loaded.starts.frames, real.frames)
    assert torch.equal(loaded.starts.actions, real.actions)
    assert loaded.metrics == {"moves": 0.98, "lost": None}
    assert "| data | x\\|y |" in loaded.card
    assert "| moves | 0.98 |" in loaded.card
    assert sorted(p.name for p in folder.iterdir()) == sorted([*FILES, "manifest.json"])
    assert [p.name for p in tmp_path.iterdir()] == ["engine"]


def test_saving_again_replaces_and_cleans_up(tmp_path):
    save(tmp_path / "engine", 1.0)
    save(tmp_path / "engine", 2.0)
    assert checkpoint.load(tmp_path / "engine").weights["a"][0, 0] == 2.0
    assert [p.name for p in tmp_path.iterdir()] == ["engine"]


def test_figures_do_not_bring_back_the_weights_that_a_training_replaces_meanwhile(tmp_path):
    pytest.importorskip("fcntl")
    folder, newer = save(tmp_path / "engine"), save(tmp_path / "elsewhere" / "engine", 2.0)
    measured = checkpoint.fingerprint(folder)
    with ThreadPoolExecutor(1) as pool:
        with locks.alone(folder):  # as a training that writes
            update = pool.submit(checkpoint.update_metrics, folder, {"moves": 1}, of=measured)
            with pytest.raises(TimeoutError):
                update.result(timeout=0.3)
            shutil.rmtree(folder)
            newer.rename(folder)
        with pytest.raises(UserError, match="has new weights since it was measured"):
            update.result()
    assert checkpoint.load(folder).weights["a"][0, 0] == 2.0


def test_figures_of_two_who_measure_at_once_are_all_kept(tmp_path):
    """Such as `evaluate --card` and `temperature --card`."""
    pytest.importorskip("fcntl")
    folder = save(tmp_path / "engine", metrics={"moves": 1, "lost": 2})
    with ThreadPoolExecutor(1) as pool:
        with locks.alone(folder):
            late = pool.submit(checkpoint.update_metrics, folder, {"moves": 3}, kept=["temperature"])
            with pytest.raises(TimeoutError):
                late.result(timeout=0.3)
            files = storage.read_folder(folder, **checkpoint.SEALED)
            files["metrics.json"] = b'{"moves": 1, "lost": 2, "temperature": {"rows": 4}}'
            storage.write_folder(folder, files, held=True, **checkpoint.SEALED)
        late.result()
    assert checkpoint.load(folder).metrics == {"moves": 3, "temperature": {"rows": 4}}
    checkpoint.update_metrics(folder, {"temperature": 5}, kept=None)
    assert checkpoint.load(folder).metrics == {"moves": 3, "temperature": 5}


def test_figures_are_replaced_on_the_card_and_the_facts_stay(tmp_path):
    folder = save(tmp_path / "engine", metrics={"old": 1})
    for figure in (0.25, 0.5):
        checkpoint.update_metrics(folder, {"moves": {"free": figure}})
    loaded = checkpoint.load(folder)
    assert loaded.metrics == {"moves": {"free": 0.5}}
    assert "| moves.free | 0.5 |" in loaded.card
    assert "old" not in loaded.card
    assert loaded.card.count("## Figures") == 1
    assert "| data | x\\|y |" in loaded.card


def test_a_card_gets_no_figures_of_weights_that_were_replaced_while_they_were_measured(
    tmp_path, monkeypatch, capsys
):
    """Such as those of a training's last checkpoint."""
    folder = save(tmp_path / "engine", metrics={"old": 1})

    def measured(checkpoint, **_):
        save(checkpoint, fill, metrics={"old": 1})
        return {"moves": 0.5}

    monkeypatch.setattr("gamesim.evaluation.evaluate.evaluate", measured)
    words = ["evaluate", str(folder), "--card", "--json", str(tmp_path / "figures.json")]
    fill = 2.0
    assert cli.main(words) == 2
    assert "engine: has new weights since it was measured" in capsys.readouterr().err
    assert checkpoint.load(folder).metrics == {"old": 1}
    assert json.loads((tmp_path / "figures.json").read_bytes()) == {"moves": 0.5}
    assert cli.main(words) == 0, "the same weights, written again"
    assert checkpoint.load(folder).metrics == {"moves": 0.5}


def test_what_training_saves_is_exact_however_large(tmp_path):
    third = torch.full((2000, 2000), 1 / 3)
    folder = save(tmp_path / "run", weights={"w": third}, extras={"critic": {"v": third}})
    loaded = checkpoint.load(folder, extras=True)
    assert torch.equal(loaded.weights["w"], third)
    assert torch.equal(loaded.extras["critic"]["v"], third)
    assert checkpoint.load(folder).extras == {}


@pytest.mark.parametrize(
    ("preset", "learned_from", "trained_by"),
    [
        (
            "gamegan",
            "frames and key presses, given which keys are opposites",
            "reconstruction and discriminators",
        ),
        ("action-lstm", "frames and key presses alone", "reconstruction alone"),
        (
            "gamegan-recall",
            "frames and key presses, given which keys are opposites",
            "reconstruction (its recall alone; all other weights are those that it began from)",
        ),
        (
            "tilemap",
            "frames and key presses, given the size of a cell, the player's cell, which keys are opposites, ",
            "the likelihood of",
        ),
        ("world-model", "frames and key presses alone", "likelihood, and its controller by evolution"),
        ("world-model-places", "frames and key presses, given the size of a place", "likelihood, and its"),
    ],
)
def test_a_card_says_what_an_engine_was_given_and_trained_by(tmp_path, preset, learned_from, trained_by):
    checkpoint.save(tmp_path, weights={}, config=config.load(preset), starts=starts(), card={})
    card = checkpoint.load(tmp_path).card
    assert card.startswith(f"# {preset}\n\nA model of a game, learned from {learned_from}")
    assert f"\nIt was trained by {trained_by}" in card
    assert f"| learned from | {learned_from}" in card


def test_what_is_shipped_is_half_as_large_and_its_card_says_so(tmp_path):
    third = torch.full((200, 200), 1 / 3)
    weights = {"w": third, "far": torch.tensor([1e6]), "count": torch.tensor(7)}
    run = save(tmp_path / "run", weights=weights, extras={"critic": {"v": third}}, metrics={"moves": 0.98})
    for source in (run, tmp_path / "shipped"):  # what was shipped may be shipped again
        checkpoint.ship(source, tmp_path / "shipped")
        for name in ("model", "critic"):
            assert (tmp_path / "shipped" / f"{name}.safetensors").stat().st_size < 81_000
        loaded = checkpoint.load(tmp_path / "shipped", extras=True)
        for part in (loaded.weights["w"], loaded.extras["critic"]["v"]):
            assert part.dtype == torch.float32
            assert torch.equal(part, third.half().float())
        assert loaded.weights["far"] == 1e6
        assert loaded.weights["count"] == 7
        assert loaded.card.count("| weights | float16 |") == 1
        assert "| moves | 0.98 |" in loaded.card
        assert loaded.metrics == {"moves": 0.98}
    checkpoint.ship(run, tmp_path / "bare", extras=False)
    assert checkpoint.load(tmp_path / "bare", extras=True).extras == {}


def test_shipping_never_replaces_what_is_no_checkpoint_and_refuses_what_is_too_large(tmp_path, monkeypatch):
    run = save(tmp_path / "run")
    (tmp_path / "notes").mkdir()
    (tmp_path / "notes" / "mine.txt").touch()
    with pytest.raises(UserError, match="notes: already exists and is not a model"):
        checkpoint.ship(run, tmp_path / "notes")
    assert (tmp_path / "notes" / "mine.txt").exists()
    monkeypatch.setattr(checkpoint, "MAX_SHIPPED_BYTES", 100)
    with pytest.raises(UserError, match=r"run/\S+: 0 MiB, more than the 0 MiB"):
        checkpoint.ship(run, tmp_path / "shipped")
    assert not (tmp_path / "shipped").exists()


def harms():
    """Every harm to every file, but for what may happen to a card: people write on it."""
    for harm in ("truncated", "flipped", "missing", "empty", "folder", "longer"):
        for name in (*FILES, "manifest.json"):
            if name != "README.md" or harm in ("missing", "folder"):
                yield name, harm


@pytest.mark.parametrize(("name", "harm"), list(harms()))
def test_any_harm_to_any_file_is_named(tmp_path, name, harm):
    folder = save(tmp_path / "engine", metrics={"moves": 0.98})
    path = folder / name
    data = bytearray(path.read_bytes())
    if harm == "flipped":
        data[len(data) // 2] ^= 1
    changed = {"truncated": data[:-30], "flipped": data, "empty": b"", "longer": data + b"x"}
    path.unlink()
    if harm == "folder":
        path.mkdir()
    elif harm != "missing":
        path.write_bytes(changed[harm])
    with pytest.raises(UserError) as caught:
        checkpoint.load(folder)
    assert name in str(caught.value)
    assert "\n" not in str(caught.value)


def crlf(data):
    return data.replace(b"\n", b"\r\n")


REWRITTEN = {
    "Git on Windows": crlf,
    "an old Mac": lambda data: data.replace(b"\n", b"\r"),
    "an editor with a byte order mark": lambda data: codecs.BOM_UTF8 + crlf(data),
    "Notepad's Unicode": lambda data: codecs.BOM_UTF16_LE + crlf(data).decode().encode("utf-16-le"),
    "an editor that adds a line's end": lambda data: data + b"\n",
    "an editor that takes it": lambda data: data.rstrip(b"\n"),
}


def rewrite(folder, change):
    for name in ("config.yaml", "metrics.json", "README.md", "manifest.json"):
        (folder / name).write_bytes(change((folder / name).read_bytes()))


def unsealed(folder):
    """Seals a checkpoint as earlier releases did, which knew nothing of meanings."""
    manifest = json.loads((folder / "manifest.json").read_text())
    for entry in manifest["files"].values():
        entry.pop("says", None)
    (folder / "manifest.json").write_text(json.dumps(manifest))


@pytest.mark.parametrize("older", [False, True])
@pytest.mark.parametrize("who", REWRITTEN)
def test_text_that_says_the_same_is_the_same(tmp_path, who, older):
    folder = save(tmp_path / "engine", metrics={"moves": 0.98, "steps": 7}, card={"data": "naïve"})
    before = checkpoint.load(folder)
    if older:
        unsealed(folder)
    rewrite(folder, REWRITTEN[who])
    after = checkpoint.load(folder)
    assert (after.config, after.metrics) == (before.config, before.metrics)
    assert after.card.strip() == before.card.strip()
    checkpoint.update_metrics(folder, {"moves": 1})  # what is rewritten can be measured and shipped
    checkpoint.ship(folder, tmp_path / "shipped")
    assert checkpoint.load(tmp_path / "shipped").card.count("| moves | 1 |") == 1


def test_layout_and_comments_say_nothing(tmp_path):
    folder = save(tmp_path / "engine", metrics={"moves": 1.0, "lost": None})
    config_file, figures = folder / "config.yaml", folder / "metrics.json"
    config_file.write_text("# mine\n" + "\n".join(reversed(one_a_line(CONFIG))))
    figures.write_text('{"lost": null, "moves": 1}')
    loaded = checkpoint.load(folder)
    assert loaded.config == CONFIG
    assert loaded.metrics == {"moves": 1, "lost": None}


def one_a_line(config):
    return [f"{key}: {json.dumps(item)}" for key, item in config.model_dump(mode="json").items()]


@pytest.mark.parametrize(
    ("name", "old", "new"),
    [
        ("config.yaml", "num_actions: 5", "num_actions: 9"),
        ("config.yaml", "seed: 0", "seed: 1"),
        ("metrics.json", "0.98", "0.99"),
    ],
)
def test_text_that_says_something_else_is_named(tmp_path, name, old, new):
    folder = save(tmp_path / "engine", metrics={"moves": 0.98})
    said = (folder / name).read_text()
    assert old in said
    (folder / name).write_text(said.replace(old, new))
    with pytest.raises(UserError, match=rf"engine/{name}: .*its content has changed since it was saved$"):
        checkpoint.load(folder)


def test_another_width_in_an_older_checkpoint_is_named(tmp_path):
    folder = tmp_path / "engine"
    weights = models.build(CONFIG).state_dict()
    checkpoint.save(folder, weights=weights, config=CONFIG, starts=starts(), card={})
    unsealed(folder)
    wider = config.load("gamegan-tiny", ["model.hidden=32"])
    (folder / "config.yaml").write_text(wider.dump())
    with pytest.raises(UserError, match=r"model\.safetensors: its weights do not fit its config") as caught:
        checkpoint.load_model(folder)
    assert "\n" not in str(caught.value)


NOTES = {
    "below": lambda card: card + b"\nMy note.\n",
    "between": lambda card: card.replace(b"\n## Figures", b"\nMy note.\n\n## Figures"),
    "in another encoding": lambda card: card + "\nMy note. Grüße".encode("cp1252"),
    "right at the end": lambda card: card + b"My note.",
    "from nothing": lambda card: b"My note.",
}


@pytest.mark.parametrize("where", NOTES)
def test_a_note_on_a_card_stays_there_when_it_is_measured_and_shipped(tmp_path, where):
    folder = save(tmp_path / "engine", metrics={"moves": 0.25})
    card = folder / "README.md"
    card.write_bytes(NOTES[where](card.read_bytes()))
    assert "My note." in checkpoint.load(folder).card
    for figure in (0.5, 0.75):
        checkpoint.update_metrics(folder, {"moves": figure})
    checkpoint.ship(folder, tmp_path / "shipped")
    shipped = checkpoint.load(tmp_path / "shipped").card
    assert shipped.count("My note.") == 1
    assert "| moves | 0.75 |" in shipped
    assert "0.5 " not in shipped


@pytest.mark.parametrize("fact", ["recordings/na\udcefve", "Ünïcode 👻", "a\nb"])
def test_data_of_any_name_can_be_put_on_a_card(tmp_path, fact):
    assert "| data |" in checkpoint.load(save(tmp_path / "engine", card={"data": fact})).card


def test_how_a_game_was_made_is_read_back_whole_however_long(tmp_path):
    """A board of FrozenLake of 16x16 fields, and a word for each of 64 actions, two of which have none."""
    recipe = Recipe("FrozenLake-v1", {"desc": ["SF  | FHFFFFHFFFG"] * 16}, size=64, time_limit=90)
    words = ", ".join(["NOOP", "", *(f"MOVE_FORWARD+ATTACK_{i}" for i in range(61)), ""])
    told = {"game": recipe.env_id, "recorded with": recipe.words, "actions": words}
    card = checkpoint.load(save(tmp_path / "engine", card=told)).card
    assert len(recipe.words) > 300 and recipe_of(card, "card") == recipe
    assert facts(card)["actions"] == words


def test_what_is_no_checkpoint_is_named(tmp_path):
    with pytest.raises(UserError, match="gone: no such folder"):
        checkpoint.load(tmp_path / "gone")
    for name in ("a\0b", "x" * 300, "x" * 5000):  # no folder can be called that
        with pytest.raises(UserError, match="no such folder"):
            checkpoint.load(name)
    with pytest.raises(UserError, match=r"not a model: it has no manifest\.json"):
        checkpoint.load(tmp_path)
    (tmp_path / "file").touch()
    with pytest.raises(UserError, match="file: not a folder"):
        checkpoint.load(tmp_path / "file")
    (tmp_path / "manifest.json").write_text('{"kind": "another", "version": 1, "files": {}}')
    with pytest.raises(UserError, match=r"not a model: its manifest\.json says otherwise"):
        checkpoint.load(tmp_path)


def tamper(folder, name, data):
    """Changes a file and the manifest with it, as a hostile maker would."""
    files = storage.read_folder(folder, kind=checkpoint.KIND, version=checkpoint.VERSION)
    storage.write_folder(folder, files | {name: data}, kind=checkpoint.KIND, version=checkpoint.VERSION)


class Bomb:
    def __reduce__(self):
        return (os.abort, ())


@pytest.mark.parametrize(
    ("name", "data"),
    [
        ("model.safetensors", pickle.dumps(Bomb())),
        ("model.safetensors", b"\xff" * 64),
        ("starts.safetensors", b""),
        ("starts.safetensors", (8).to_bytes(8, "little") + b'{"a": 1}'),
        ("config.yaml", b"seed: !!python/object/apply:os.abort []"),
        ("config.yaml", b"name: x\nfrob: 1"),
        ("metrics.json", b"[" * 100000),
        ("metrics.json", b"[1]"),
    ],
)
def test_hostile_content_with_right_hashes_is_refused(tmp_path, name, data):
    folder = save(tmp_path / "engine")
    tamper(folder, name, data)
    with pytest.raises(UserError, match="engine"):
        checkpoint.load(folder)


@pytest.mark.parametrize(
    "listing",
    [
        {"../secret": {"bytes": 1, "sha256": "0"}},
        {"/etc/passwd": {"bytes": 1, "sha256": "0"}},
        {"model.safetensors": {"bytes": -1, "sha256": "0"}},
        {"model.safetensors": {"bytes": True, "sha256": "0"}},
        {"model.safetensors": {"bytes": 1}},
        {},
        [],
        3,
    ],
)
def test_a_hostile_manifest_is_refused(tmp_path, listing):
    folder = save(tmp_path / "engine")
    manifest = {"kind": checkpoint.KIND, "version": checkpoint.VERSION, "files": listing}
    (folder / "manifest.json").write_text(json.dumps(manifest))
    with pytest.raises(UserError, match=r"manifest\.json"):
        checkpoint.load(folder)


def test_a_later_version_is_named(tmp_path):
    folder = save(tmp_path / "engine")
    manifest = json.loads((folder / "manifest.json").read_text()) | {"version": 99}
    (folder / "manifest.json").write_text(json.dumps(manifest))
    with pytest.raises(UserError, match="model of version 99, but this release reads version 1"):
        checkpoint.load(folder)


def test_weights_that_do_not_fit_their_config_are_named(tmp_path, monkeypatch):
    monkeypatch.setattr("gamesim.models.build", lambda config: nn.Linear(2, 2))
    folder = save(tmp_path / "engine")
    with pytest.raises(UserError, match=r"model\.safetensors: its weights do not fit its config"):
        checkpoint.load_model(folder)
    save(folder, weights=nn.Linear(2, 2).state_dict())
    model, loaded = checkpoint.load_model(folder)
    assert not model.training
    assert not any(p.requires_grad for p in model.parameters())
    assert loaded.folder == folder


@pytest.mark.parametrize("number", [float("nan"), float("inf")])
def test_weights_that_are_no_numbers_neither_dream_nor_train(number, tmp_path):
    broken = nn.Linear(2, 2).state_dict() | {"bias": torch.tensor([0, number])}
    with pytest.raises(UserError, match=r"engine/model\.safetensors: bias holds NaN or infinity$"):
        checkpoint.load(save(tmp_path / "engine", weights=broken))
    with pytest.raises(UserError, match=r"engine/critics\.safetensors: bias holds NaN or infinity$"):
        checkpoint.load(save(tmp_path / "engine", extras={"critics": broken}), extras=True)


@pytest.mark.skipif(os.name == "nt", reason="links, as Unix has them")
def test_a_link_to_a_checkpoint_stays_a_link(tmp_path):
    (tmp_path / "disk").mkdir()
    real, link = save(tmp_path / "disk" / "engine"), tmp_path / "best"
    link.symlink_to(real)
    checkpoint.update_metrics(link, {"moves": 0.5})
    checkpoint.ship(link, link)
    assert link.is_symlink() and checkpoint.load(real).metrics == {"moves": 0.5}
    real.rename(real.parent / ".engine.old")  # a writer was killed between its renames
    assert checkpoint.exists(link) and checkpoint.load(link).metrics == {"moves": 0.5}
    save(link, 2.0)
    assert checkpoint.load(real).weights["a"][0, 0] == 2.0
    assert sorted(p.name for p in tmp_path.iterdir()) == ["best", "disk"]
    assert [p.name for p in real.parent.iterdir()] == ["engine"]


def test_a_failed_write_keeps_the_old_one(tmp_path, monkeypatch):
    folder = save(tmp_path / "engine", 1.0)
    writes = iter([None, OSError(28, "No space left on device")])

    def full(handle):
        if (error := next(writes, None)) is not None:
            raise error

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(UserError, match="engine: cannot be written: the disk is full"):
        save(folder, 2.0)
    assert checkpoint.load(folder).weights["a"][0, 0] == 1.0
    assert [p.name for p in tmp_path.iterdir()] == ["engine"]


def test_a_writer_killed_between_its_renames_leaves_the_old_one_readable(tmp_path):
    folder = save(tmp_path / "engine", 1.0)
    folder.rename(tmp_path / ".engine.old")
    shutil.copytree(tmp_path / ".engine.old", tmp_path / ".engine.new")
    assert checkpoint.exists(folder)
    assert checkpoint.load(folder).weights["a"][0, 0] == 1.0
    save(folder, 2.0)
    assert checkpoint.load(folder).weights["a"][0, 0] == 2.0
    assert [p.name for p in tmp_path.iterdir()] == ["engine"]


def test_find_lists_checkpoints_and_nothing_else(tmp_path):
    save(tmp_path / "b")
    save(tmp_path / "a")
    (tmp_path / "notes").mkdir()
    shutil.copytree(tmp_path / "a", tmp_path / ".a.old")
    assert checkpoint.find(tmp_path) == [tmp_path / "a", tmp_path / "b"]
    assert checkpoint.find(tmp_path / "none") == []


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork")
@pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning")
def test_kill_9_at_any_moment_leaves_one_loadable_checkpoint(tmp_path):
    folder = save(tmp_path / "engine", 0.0)
    files = storage.read_folder(folder, kind=checkpoint.KIND, version=checkpoint.VERSION)
    for looks in (6, 7, 9, 11, 13, 16):
        child = os.fork()
        if child == 0:
            while True:
                storage.write_folder(folder, files, kind=checkpoint.KIND, version=checkpoint.VERSION)
        try:
            for _ in range(looks):  # a reader meets a whole checkpoint while it is replaced
                checkpoint.load(folder)
        finally:
            os.kill(child, signal.SIGKILL)
            os.waitpid(child, 0)
        checkpoint.load(folder)
