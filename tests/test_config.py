"""Configs: presets, files, overrides, and one line that names the file and the key for whatever is wrong."""

import os

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gamesim import config
from gamesim.config.base import Schedule, Section
from gamesim.errors import UserError
from gamesim.registry import loaded
from gamesim.systems import systems


def load_text(tmp_path, text):
    path = tmp_path / "mine.yaml"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return config.load(path)


@pytest.mark.parametrize("name", config.presets())
def test_every_preset_loads_under_its_own_name_and_survives_a_dump(name):
    loaded = config.load(name)
    assert loaded.name == name
    assert config.parse(loaded.dump(), "dump") == loaded


def test_a_file_extends_a_preset_and_changes_only_what_it_names(tmp_path):
    mine = load_text(tmp_path, "extends: gamegan-tiny\ntraining: {steps: 77}\n")
    assert mine.name == "mine"
    assert mine.training.steps == 77
    assert config.difference(mine, config.load("gamegan-tiny"), ignore=("name", "training.steps")) is None


@pytest.mark.parametrize(
    ("file", "name"),
    [("My Own.yaml", "my-own"), ("64px.yaml", "custom-64px"), ("-.yaml", "custom"), ("日本.yaml", "custom")],
)
def test_a_file_may_have_any_name(tmp_path, file, name):
    (tmp_path / file).write_text("extends: gamegan-tiny\n")
    assert config.load(tmp_path / file).name == name


def test_a_file_extends_its_neighbour(tmp_path):
    (tmp_path / "base.yaml").write_text("extends: gamegan-tiny\nseed: 5\n")
    assert load_text(tmp_path, "extends: ./base.yaml\n").seed == 5


@pytest.mark.parametrize(
    ("base", "mine", "complaint"),
    [
        ("extends: gamegan-tiny\ntraining: {steps: -5}", "seed: 1", "deep/base.yaml: training.steps: "),
        ("extends: gamegan-tiny\nmodel: {chanels: 8}", "", "deep/base.yaml: unknown key 'model.chanels'"),
        ("extends: gamegan-tiny\nsystem: gamegam", "", "deep/base.yaml: system: "),
        ("extends: gamegan-tiny\nseed: 5", "seed: -1", "mine.yaml: seed: "),
        ("5", "", "deep/base.yaml: expected keys and values"),
    ],
)
def test_what_is_wrong_is_said_of_the_file_that_says_it(base, mine, complaint, tmp_path):
    (tmp_path / "deep").mkdir()
    (tmp_path / "deep" / "base.yaml").write_text(base)
    with pytest.raises(UserError) as error:
        load_text(tmp_path, f"extends: ./deep/base.yaml\n{mine}")
    assert str(error.value).startswith(str(tmp_path / complaint))


def test_a_section_with_nothing_in_it_is_the_fault_of_who_gave_it(tmp_path):
    (tmp_path / "mine.yaml").write_text("extends: gamegan-tiny\ntraining:\n")
    for overrides in ([], ["training.steps=1"], ["training.losses.memory=1"]):
        with pytest.raises(UserError, match=r"mine\.yaml: training: expected a section, found nothing$"):
            config.load(tmp_path / "mine.yaml", overrides)
    with pytest.raises(UserError, match=r"^'training=3': training: expected a section, found a number$"):
        config.load("gamegan-tiny", ["training=3", "training.steps=1"])


def test_overrides_are_read_as_yaml_with_plain_numbers():
    changed = config.load("gamegan-tiny", ["training.steps=12", "training.sample_minutes=1e-2", "seed=3"])
    assert (changed.training.steps, changed.training.sample_minutes, changed.seed) == (12, 0.01, 3)


def settings_of(section):
    for name, field in section.model_fields.items():
        kind = field.annotation
        if isinstance(kind, type) and issubclass(kind, Section) and kind is not Schedule:
            yield from settings_of(kind)
        else:
            yield f"{section.__name__}.{name}", field


@pytest.mark.parametrize("name", systems())
def test_every_setting_says_what_it_means(name):
    system = loaded(systems()[name].config)
    silent = [name for name, field in settings_of(system) if not field.description]
    assert silent == [f"{system.__name__}.system"]


def test_the_system_decides_which_sections_there_are():
    changed = config.load("world-model-tiny", ["vision.steps=9", "controller.temperature=1.15"])
    assert (changed.system, changed.vision.steps, changed.controller.temperature) == ("world-model", 9, 1.15)
    with pytest.raises(UserError, match=r"unknown key 'vision.stepz', did you mean 'steps'\?$"):
        config.load("world-model-tiny", ["vision.stepz=9"])
    with pytest.raises(UserError, match="unknown key 'training'"):
        config.load("world-model-tiny", ["training.steps=9"])
    with pytest.raises(UserError, match="unknown key 'vision'"):
        config.load("gamegan-tiny", ["vision.steps=9"])


def test_a_number_is_a_schedule_that_stays():
    losses = config.load("gamegan-tiny", ["training.losses.memory=0.5"]).training.losses
    assert [losses.memory.at(progress) for progress in (0.0, 0.5, 1.0)] == [0.5] * 3
    with pytest.raises(UserError, match=r"training\.losses\.memory\.start: "):
        config.load("gamegan-tiny", ["training.losses.memory=-1"])


def test_part_of_a_section_is_laid_over_it_on_the_command_line_as_in_a_file(tmp_path):
    typed = config.load("gamegan-tiny", ["training={steps: 9}", "training.decay={end: 0.5}"]).training
    file = load_text(tmp_path, "extends: gamegan-tiny\ntraining: {steps: 9, decay: {end: 0.5}}\n").training
    assert typed == file and (typed.steps, typed.log_every, typed.decay.end) == (9, 2, 0.5)


def test_a_file_that_names_no_system_is_gamegans(tmp_path):
    assert load_text(tmp_path, "seed: 4\n").system == "gamegan"


def test_difference_names_the_dotted_key():
    first, second = (config.load("gamegan-tiny", [f"data.segment={steps}"]) for steps in (4, 5))
    assert config.difference(first, first) is None
    assert config.difference(first, second) == "data.segment"
    assert (config.value(first, "data.segment"), config.value(second, "data.segment")) == (4, 5)


@pytest.mark.parametrize(
    ("override", "complaint"),
    [
        ("training.stepz=3", r"^'training.stepz=3': unknown key 'training.stepz', did you mean 'steps'\?$"),
        ("training.steps=-3", "training.steps: input should be greater than or equal to 1"),
        ("training.steps=many", "training.steps: input should be a valid integer"),
        ("training.steps=1.5", "training.steps: input should be a valid integer"),
        ("training.steps=" + "9" * 30, "training.steps: "),
        ("training.steps=" + "9" * 5000, "not valid YAML"),
        ("seed=true", "seed: input should be a valid integer"),
        ("data.validation=.nan", "data.validation: "),
        ("data.validation=.inf", "data.validation: "),
        ("data=3", "data: expected a section, found a number"),
        ("model.reward_scale=0", "model.reward_scale: input should be from 1e-30 to 1e30"),
        ("model.reward_scale=1e-300", "model.reward_scale: input should be from 1e-30 to 1e30"),
        ("model.reward_scale=1e300", "model.reward_scale: input should be from 1e-30 to 1e30"),
        ("data={segmnt: 4}", "unknown key 'data.segmnt', did you mean 'segment'?"),
        ("training.betas=[1.5, 0.9]", "training.betas.0: input should be less than 1"),
        ("training.betas=[0, 1.0]", "training.betas.1: input should be less than 1"),
        ("seed.x=3", r"seed: input should be a valid integer|'seed' is not a section"),
        ("system=other", "system: input should be 'tilemap' or 'gamegan' or 'world-model'$"),
        ("system=world-modl", "or 'world-model', did you mean 'world-model'"),
        ("system=[]", "system: input should be 'tilemap'"),
        ("name=../evil", "name: "),
        ("seed", "expected key=value"),
        ("=3", "expected key=value"),
        ("seed={", "not valid YAML"),
        ("extends=gamegan", "extends belongs in a YAML file"),
    ],
)
def test_a_wrong_override_is_named(override, complaint):
    with pytest.raises(UserError, match=complaint) as caught:
        config.load("gamegan-tiny", [override])
    assert str(caught.value).startswith(f"'{override[:70]}")
    assert len(str(caught.value)) < 420
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("training: {stepz: 3}", "unknown key 'training.stepz', did you mean 'steps'?"),
        ("frobnicate: 1", "unknown key 'frobnicate'"),
        ("", "expected keys and values, found nothing"),
        ("- a\n- b", "expected keys and values, found a list"),
        ("just words", "expected keys and values, found text"),
        ("a: &x [1]\nb: *x", "aliases are not allowed"),
        ("seed: !!python/object/apply:os.system ['true']", "not valid YAML"),
        ("seed: !!binary aGk=", "not valid YAML"),
        ("seed: !!set {a, b}", "not valid YAML"),
        ("seed: !!int ''", "not valid YAML"),
        ("seed: !!bool maybe", "not valid YAML"),
        ("seed: !!timestamp today", "not valid YAML"),
        ("seed: 1\nseed: 2", "'seed' is given twice"),
        ("a: 1\n---\nb: 2", "not valid YAML"),
        ("[" * 5000, "nested too deeply"),
        ("seed: 1\n" + "#" * 70000, "more than 64 KiB"),
        (b"seed: \xff\xfe", "not UTF-8"),
        (b"seed: \x00", "not valid YAML"),
        ("extends: nothing", "mine.yaml: extends: unknown preset 'nothing'"),
        ("extends: 3", "extends: expected a preset's name, found a number"),
        ("extends:", "extends: expected a preset's name, found nothing"),
        (f"extends: {'a' * 5000}", f"unknown preset '{'a' * 79}…'"),
        ("extends: ./mine.yaml", "'extends' goes in a circle"),
        ("extends: ./gone.yaml", "no such file"),
        ("? [a, b]\n: 1", "not valid YAML"),
        ("1: 2", "unknown key '1'"),
    ],
)
def test_a_wrong_file_is_named(tmp_path, text, complaint):
    with pytest.raises(UserError) as caught:
        load_text(tmp_path, text)
    assert complaint in str(caught.value)
    assert ".yaml" in str(caught.value) or "preset" in str(caught.value)
    assert "\n" not in str(caught.value)


def test_unknown_presets_and_paths_are_named(tmp_path):
    with pytest.raises(UserError, match=r"^unknown preset 'gamegan-tny', did you mean 'gamegan-tiny'\?$"):
        config.load("gamegan-tny")
    with pytest.raises(UserError, match=r"no\.yaml: no such file"):
        config.load(tmp_path / "no.yaml")
    with pytest.raises(UserError, match="is a folder"):
        config.load(f"{tmp_path}/")
    with pytest.raises(UserError, match=rf"{os.devnull}: not a file"):
        config.load(os.devnull)


@settings(max_examples=30)
@given(st.text(max_size=100))
def test_no_text_gets_past_as_anything_but_a_user_error(text):
    try:
        config.parse(text, "here")
    except UserError as error:
        assert str(error).startswith("here: ")
        assert "\n" not in str(error)


@pytest.mark.parametrize(
    ("overrides", "warned"),
    [
        (
            ["controller.patience=5"],
            "'controller.patience=5': controller.patience does nothing where C learns in",
        ),
        (["controller={patience: 5}"], "controller.patience does nothing where"),
        (["model.rewards=false", "memory.reward_weight=3"], "does nothing where model.rewards is false"),
        (["vision.pixel_sigma=0.3"], "does nothing where vision.pixels is bernoulli"),
        (["model.patch=6"], "does nothing where model.engine is paper"),
    ],
)
def test_a_setting_that_does_nothing_beside_another_is_said_to_do_so(overrides, warned):
    with pytest.warns(UserWarning, match="does nothing") as found:
        config.load("world-model-tiny", overrides)
    (said,) = {str(each.message) for each in found}
    assert warned in said


IDLE = {
    ("gamegan", "model.memory=false"): (
        "model.memory_width=64",
        "training.losses.cycle=1",
        "training.losses.memory.end=1",
    ),
    ("gamegan", "training.losses={adversarial: 0, attenuated: 0}"): (
        "training.losses.blended=0.5",
        "training.losses.feature_matching=5",
        "training.discriminator_learning_rate=1e-3",
    ),
    ("gamegan", "training.warm_up=20"): ("training.losses.diverged=20", "training.always_told=0.5"),
    ("tilemap", "model.memory=false"): ("training.losses.static=1", "model.memory_width=64"),
    ("tilemap", "training.losses.static=0"): ("training.losses.robust=0.1",),
    ("tilemap", "training.free_running=0"): ("training.losses.remembered=1", "training.warm_up=4"),
}


@pytest.mark.parametrize(
    ("preset", "beside", "idle"),
    [(*where, setting) for where, settings in IDLE.items() for setting in settings],
)
def test_so_is_one_of_an_engine_that_learns_in_one_piece(preset, beside, idle, recwarn):
    config.load(preset, [beside])
    config.load(preset, [idle])
    assert not list(recwarn)
    key = idle.partition("=")[0].removesuffix(".end")
    with pytest.warns(UserWarning, match=f"{key} does nothing where {beside.partition('=')[0][:12]}"):
        config.load(preset, [beside, idle])


def test_a_setting_that_only_a_preset_holds_is_not_warned_of(recwarn):
    config.load("world-model-carracing", ["controller.learns_in=dream"])
    config.load("world-model-tiny", ["controller.learns_in=game", "controller.patience=5"])
    assert not list(recwarn)


def test_a_file_that_changes_what_does_nothing_is_named(tmp_path):
    file = tmp_path / "mine.yaml"
    file.write_text("extends: world-model-tiny\ncontroller: {patience: 5}\nvision: {steps: 3}\n")
    with pytest.warns(UserWarning, match=r"mine\.yaml: controller\.patience does nothing where"):
        config.load(file)
