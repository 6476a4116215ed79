"""The kinds of models, one entry each: its config, how it is built, how it is trained, what it can do.

Whoever needs to know something of a kind asks here: the configs, the models, the training, the command line
and the app. A kind of one's own is one call of `register`, or, so that every command knows it, an entry point
of the group ``gamesim.systems`` that names a `System`; docs/adding.md has an example.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from gamesim.registry import Registry


@dataclass(frozen=True)
class Stage:
    """One training of a system, of several that build upon each other or the only one.

    Attributes:
        section: of the config, which says how; the run folder of one of several has this name, too.
        make: "module:name" of a function (config, data, device, weights, begin) that returns a
            `gamesim.training.task.Training`. ``weights`` are those of the parts that were trained before,
            ``begin`` is the checkpoint that training starts from, or None.
        check: "module:name" of a function (config, env_spec) that complains, before anything is trained,
            about what this stage will need of the recorded game; "" for none.
    """

    section: str
    make: str
    check: str = ""


@dataclass(frozen=True)
class System:
    """A kind of model.

    Attributes:
        name: as configs and the names of presets have it: "world-model".
        title: as people read it: "World Model".
        config: "module:name" of its config, a subclass of `gamesim.config.base.Config`.
        model: "module:name" of what ``config.model`` is given to; it implements `gamesim.models.WorldModel`.
        stages: how it is trained, in this order.
        extras: "module:name" of what training alone needs, made from ``config.model`` too; by the names that
            its checkpoints have for it.
        drives: whether it has a controller, which can play by itself.
        about: a sentence or two for the app's page about a model.
    """

    name: str
    title: str
    config: str
    model: str
    stages: tuple[Stage, ...]
    extras: Mapping[str, str] = field(default_factory=dict)
    drives: bool = False
    about: str = ""

    @property
    def sections(self) -> tuple[str, ...]:
        """The sections of its config that train something, in the order of their training."""
        return tuple(stage.section for stage in self.stages)

    @property
    def parts(self) -> tuple[str, ...]:
        """The folders of its stages in a run's; none where one training makes all of it."""
        return self.sections if len(self.stages) > 1 else ()


_systems: Registry[System] = Registry(System, "gamesim.systems", "models")
register, remove, systems = _systems.register, _systems.remove, _systems.all


def find(name: str) -> System | None:
    """The kind of this name, None if there is none."""
    return systems().get(name)


def with_part(name: str) -> System | None:
    """The kind that has such a stage among several; None if none has."""
    return next((system for system in systems().values() if name in system.parts), None)


def parts() -> tuple[str, ...]:
    """The folders of all systems' stages inside a run's."""
    return tuple(dict.fromkeys(part for system in systems().values() for part in system.parts))


# The first is the one that forgets least.
for _system in (
    System(
        name="tilemap",
        title="Tilemap",
        config="gamesim.config.tilemap:TilemapConfig",
        model="gamesim.models.tilemap.model:Tilemap",
        stages=(Stage("training", "gamesim.training.tasks:tilemap"),),
    ),
    System(
        name="gamegan",
        title="GameGAN",
        config="gamesim.config.gamegan:GameGANConfig",
        model="gamesim.models.gamegan.generator:Generator",
        stages=(Stage("training", "gamesim.training.tasks:gamegan"),),
        extras={
            "discriminators": "gamesim.models.gamegan.discriminators:Discriminators",
            "uncertainty": "gamesim.training.uncertainty:Uncertainty",
        },
    ),
    System(
        name="world-model",
        title="World Model",
        config="gamesim.config.world_models:WorldModelConfig",
        model="gamesim.models.world_models.engine:WorldModelEngine",
        stages=(
            Stage("vision", "gamesim.training.tasks:vision"),
            Stage("memory", "gamesim.training.tasks:memory"),
            Stage("controller", "gamesim.training.tasks:controller", "gamesim.training.trials:check"),
        ),
        drives=True,
    ),
):
    register(_system)
