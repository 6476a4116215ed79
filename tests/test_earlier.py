"""What was made by an earlier release is read by today's names, and said so in one line."""

from __future__ import annotations

import pytest
import torch

from gamesim import checkpoint, cli, config, models, storage
from gamesim.config.base import Schedule
from gamesim.config.tilemap import TilemapConfig
from gamesim.errors import UserError

MAPS = """\
name: gamegan-lite-long
seed: 3
data: {segment: 13, batch_size: 32, endings: 0.1}
system: gamegan
model: {engine: maps, frame_size: 84, num_actions: 5, channels: 64, hidden: 32, z_size: 16, memory: false,
  memory_slots: 21, memory_width: 32, discriminator_channels: 48, patch: 12, blocks: 1}
training:
  steps: 2000
  threads: 1
  precision: float32
  learning_rate: 0.002
  discriminator_learning_rate: 0.001
  decay: {start: 1.0, end: 0.1, begin: 0.55, over: 0.45}
  betas: [0.5, 0.99]
  gradient_clip: 5.0
  average: 0.995
  unroll: {start: 3.0, end: 13.0, begin: 0.05, over: 0.4}
  warm_up: {start: 4.0, end: 1.0, begin: 0.1, over: 0.1}
  dreaming: {start: 0.0, end: 0.125, begin: 0.22, over: 0.001}
  noise: 0.02
  adversarial: false
  static: {start: 10.0, end: 3.0, begin: 0.1, over: 0.1}
  dynamic: {start: 3.0, end: 0.0, begin: 0.2, over: 0.4}
  remembered: {start: 2.0, end: 0.5, begin: 0.32, over: 0.25}
  covering: {start: 10.0, end: 1.0, begin: 0.05, over: 0.15}
  adversarial_share: {start: 0.3, end: 1.0, begin: 0.32, over: 0.2}
  settling: {start: 1.0, end: 0.3, begin: 0.75, over: 0.15}
  adversarial_from: 0.22
  clip: 5
  losses: {adversarial: 1.0, action_recovery: 0.0, z_recovery: 30.0, z_recovery_discriminator: 1.0,
    feature_matching: 0.0, reconstruction: 10.0, cycle: 0.0, memory: 7.5e-05, gradient_penalty: 0.0,
    temporal_gradient_penalty: 0.0, outcome: 5.0}
"""
"""A config as `train gamegan-lite-long` wrote it, with a palette and a memory that are unlike today's."""


def test_a_config_of_the_map_engine_is_tilemaps():
    with pytest.warns(UserWarning, match=r"^old: a GameGAN with the engine 'maps' is now called Tilemap"):
        read = config.parse(MAPS, "old")
    changes = ["seed=3", "model.tiles=16", "model.memory=false"]
    assert isinstance(read, TilemapConfig)
    assert read.training.losses.covering == Schedule(start=7.5e-4, end=7.5e-5, begin=0.05, over=0.15)
    assert config.difference(read, config.load("tilemap-long", changes)) is None


@pytest.mark.filterwarnings("ignore:old. a GameGAN")
@pytest.mark.parametrize(
    ("actions", "pairs"), [(2, ()), (3, ((1, 2),)), (5, ((1, 2), (3, 4))), (6, ((2, 3), (4, 5)))]
)
def test_actions_that_shared_a_kernel_still_do(actions, pairs):
    read = config.parse(MAPS.replace("num_actions: 5", f"num_actions: {actions}"), "old")
    assert isinstance(read, TilemapConfig) and read.model.opposites == pairs


@pytest.mark.filterwarnings("ignore:old. a GameGAN")
def test_what_is_wrong_with_an_older_config_is_named_like_any_other():
    with pytest.raises(UserError, match=r"^old: unknown key 'training.stepz'"):
        config.parse(MAPS.replace("  steps: 2000", "  stepz: 2000"), "old")
    for broken in ("covering: 3", "covering: {start: x, end: [1]}"):
        text = MAPS.replace("covering: {start: 10.0, end: 1.0, begin: 0.05, over: 0.15}", broken)
        with pytest.raises(UserError, match=r"^old: training\.losses\.covering"):
            config.parse(text, "old")


def test_a_world_model_over_maps_is_one_by_places():
    text = config.load("world-model-places").dump().replace("engine: places", "engine: maps")
    with pytest.warns(UserWarning, match="'maps' is now called 'places'"):
        read = config.parse(text.replace("name: world-model-places", "name: world-model"), "old")
    assert config.difference(read, config.load("world-model-places")) is None


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("preset", ["gamegan", "tilemap", "world-model", "world-model-places"])
def test_todays_configs_are_not_remarked_upon(preset):
    assert config.parse(config.load(preset).dump(), "new") == config.load(preset)


def test_the_presets_old_names_give_todays_with_one_line(tmp_path, capsys):
    words = ["--data", "nowhere", "--out", str(tmp_path / "run"), "--device", "cpu"]
    assert cli.main(["train", "gamegan-lite-long", *words]) == 2
    said = capsys.readouterr().err.splitlines()
    assert said[0] == "gamesim: warning: the preset gamegan-lite-long is now called tilemap-long"
    assert len(said) == 2 and "nowhere" in said[1]
    with pytest.warns(UserWarning, match="gamegan-lite is now called tilemap"):
        assert config.load("gamegan-lite") == config.load("tilemap")
    (tmp_path / "mine.yaml").write_text("extends: gamegan-lite\nseed: 4\n")
    with pytest.warns(UserWarning, match="gamegan-lite is now called tilemap"):
        assert config.load(tmp_path / "mine.yaml").system == "tilemap"


def test_a_checkpoint_of_the_map_engine_loads_with_the_weights_it_has(tmp_path):
    starts = checkpoint.Starts(torch.zeros((1, 1, 84, 84, 3), dtype=torch.uint8), torch.zeros(1, 0).long())
    settings = config.load("tilemap", ["model.channels=8"])
    weights = models.build(settings).state_dict()
    checkpoint.save(tmp_path / "e", weights=weights, config=settings, starts=starts, card={})
    sealed = {"kind": checkpoint.KIND, "version": checkpoint.VERSION}
    files = storage.read_folder(tmp_path / "e", **sealed)
    older = MAPS.replace("channels: 64", "channels: 8").replace("z_size: 16", "z_size: 32")
    files["config.yaml"] = older.replace("memory: false", "memory: true").encode()
    storage.write_folder(tmp_path / "e", files, **sealed)
    with pytest.warns(UserWarning, match="is now called Tilemap"):
        model, _ = checkpoint.load_model(tmp_path / "e")
    assert all((model.state_dict()[name] == weight).all() for name, weight in weights.items())


def test_where_dreams_begin_is_no_setting_any_more(recwarn):
    config.parse("name: x\nsystem: world-model\ncontroller: {begin: first}", "old")
    assert not recwarn
    with pytest.warns(UserWarning, match=r"^old: controller.begin is gone: dreams begin at first frames"):
        config.parse("name: x\nsystem: world-model\ncontroller: {begin: any}", "old")


def test_the_write_gate_is_no_setting_any_more(recwarn):
    config.parse("name: x\nsystem: gamegan\nmodel: {memory_gate: false}", "old")
    assert not recwarn
    with pytest.warns(UserWarning, match=r"^old: model.memory_gate is gone: model.recall remembers better"):
        config.parse("name: x\nsystem: gamegan\nmodel: {memory_gate: true}", "old")
