"""What the configs of all systems share: sections, kinds of settings, the data, the training loop.

Each system has a subclass of `Config` with a ``system`` literal of its own; systems.py has them by that key.
"""

from dataclasses import dataclass
from typing import Annotated, Any, Literal, Self, get_args

import yaml
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator

from gamesim.registry import bare


class Section(BaseModel):
    """A part of the tree: unknown keys, wrong types, NaN and infinity are errors, and it never changes."""

    model_config = ConfigDict(
        extra="forbid", strict=True, frozen=True, allow_inf_nan=False, hide_input_in_errors=True
    )


Share = Annotated[float, Field(ge=0, le=1)]
Weight = Annotated[float, Field(ge=0, le=1e6)]
Count = Annotated[int, Field(ge=1, le=1_000_000)]
Batch = Annotated[int, Field(ge=1, le=65536)]
Width = Annotated[int, Field(ge=1, le=16384)]


class DataConfig(Section):
    """How recorded episodes become batches."""

    segment: int = Field(
        default=16, ge=2, le=1024, description="length of a training example, in steps of play"
    )
    batch_size: Batch = Field(default=32, description="training examples per step and process")
    validation: float = Field(
        default=0.05, ge=0.0, le=0.5, description="share of the recordings held out to validate"
    )
    start_frames: int = Field(default=8, ge=1, le=256, description="real frames that a dream starts from")
    starts: int = Field(
        default=32, ge=1, le=4096, description="starts saved with the model, one of which begins a dream"
    )
    endings: Share = Field(default=0.0, description="share of examples chosen to show a game's end")
    shortest: Count = Field(default=1, description="leave out episodes with fewer steps than this")
    game: Annotated[str, Field(min_length=1), AfterValidator(bare)] | None = Field(
        default=None, description="which recorded game to learn; null: the only one that was recorded"
    )


class LoopConfig(Section):
    """What training/loop.py needs of any system's training section."""

    steps: int = Field(default=10_000, ge=1, le=1_000_000_000, description="training steps of the run")
    log_every: Count = Field(default=20, description="training steps between log lines")
    validate_every: int = Field(
        default=500, ge=1, le=1_000_000_000, description="training steps between validations"
    )
    sample_minutes: float = Field(default=3.0, gt=0, le=1e6, description="minutes between sample sheets")
    checkpoint_minutes: float = Field(default=5.0, gt=0, le=1e6, description="minutes between saves")
    threads: int | None = Field(default=None, ge=1, le=1024, description="CPU threads; null: torch decides")
    graphs: bool = Field(default=True, description="use CUDA graphs where possible, on NVIDIA GPUs")


FrameSize = Literal[64, 84]
Pairs = tuple[tuple[int, int], ...]


def _pacmans(told: dict[str, Any]) -> Pairs:
    """Left and right, up and down, where there are the actions of our Pac-Man."""
    return ((1, 2), (3, 4)) if told.get("num_actions") == 5 else ()


def _moderate(scale: float) -> float:
    """A scale that neither loses rewards nor makes them infinite: they are float32."""
    if not 1e-30 <= scale <= 1e30:
        raise ValueError("input should be from 1e-30 to 1e30")
    return scale


class GameShape(Section):
    """What an engine is told of the game.

    Training takes all of it from the recordings unless it is set; without recordings it is our Pac-Man's.
    """

    frame_size: FrameSize = Field(default=84, description="width and height of the game's frames in pixels")
    num_actions: int = Field(default=5, ge=2, le=256, description="actions that the game has")
    reward_scale: Annotated[float, AfterValidator(_moderate)] = Field(
        default=1.0, description="rewards are divided by this for the model"
    )

    @property
    def possible_sizes(self) -> tuple[int, ...]:
        """The sizes that frames may have: one that nobody set is not known before the recordings are."""
        return (self.frame_size,) if "frame_size" in self.model_fields_set else get_args(FrameSize)


class MemoryShape(GameShape):
    """The shape of an engine that may have a memory module, which is told which actions are opposites."""

    opposites: Pairs = Field(
        default_factory=_pacmans, description="pairs of actions that undo each other, such as left and right"
    )
    channels: int = Field(default=64, ge=4, le=4096, description="channels of encoder and renderer")
    memory: bool = Field(
        default=True, description="use the memory module; false: one simple renderer draws everything"
    )
    memory_slots: int = Field(
        default=21, ge=3, le=256, description="memory slots along each side of the board"
    )

    @model_validator(mode="after")
    def _opposites_fit(self) -> Self:
        paired = [action for pair in self.opposites for action in pair]
        if len(set(paired)) < len(paired) or not all(0 <= action < self.num_actions for action in paired):
            raise ValueError(f"opposites: no action may be in two pairs, or beyond {self.num_actions - 1}")
        return self


class Schedule(Section):
    """A number that goes in a straight line from `start` to `end`, as shares of the run pass.

    A plain number is a schedule that stays there.
    """

    start: Weight
    end: Weight
    begin: Share = Field(default=0.0, description="share of the run after which the number begins to change")
    over: float = Field(default=1.0, gt=0, le=1, description="share of the run that the change takes")

    @model_validator(mode="before")
    @classmethod
    def _stays(cls, value: Any) -> Any:
        number = isinstance(value, int | float) and not isinstance(value, bool)
        return {"start": value, "end": value} if number else value

    def at(self, progress: float) -> float:
        """Return the number at a share of the run in [0, 1]."""
        moved = min(max((progress - self.begin) / self.over, 0.0), 1.0)
        return self.start + (self.end - self.start) * moved

    @property
    def highest(self) -> float:
        """The largest number that it ever is."""
        return max(self.start, self.end)


def steady(number: float) -> Schedule:
    """A schedule that stays at a number."""
    return Schedule(start=number, end=number)


LearningRate = Annotated[float, Field(gt=0, le=1.0, description="step size of Adam")]
Clip = Annotated[float, Field(gt=0, le=1e9, description="longest gradient; a longer one is shortened to it")]
Kept = Annotated[float, Field(ge=0, lt=1)]
Betas = Annotated[
    tuple[Kept, Kept], Field(description="how much Adam's means of gradients and of their squares keep")
]
Average = Annotated[
    float,
    Field(
        ge=0, lt=1, description="decay of the running mean of the weights, which is what is saved; 0: no mean"
    ),
]
Precision = Literal["float32", "bfloat16"]


class DescentConfig(LoopConfig):
    """How a part is trained by gradient descent."""

    learning_rate: LearningRate = 1e-4
    decay: Schedule = Field(default=steady(1), description="factor of the learning rate, over the run")
    gradient_clip: Clip = 100.0
    precision: Precision = Field(default="float32", description="precision of the activations")


class EngineTraining(DescentConfig):
    """How an engine is trained that learns in one piece."""

    betas: Betas = (0.0, 0.9)
    average: Average = 0.0


@dataclass(frozen=True)
class Needs:
    """What a model takes for granted about the game that it learns.

    Attributes:
        cell: side in pixels of the cells that frames must be made of; None: any frames will do.
        scrolls: whether the view has to move with the player.
        tried: whether that is only what it was tried on, not what it is built for.
    """

    cell: int | None = None
    scrolls: bool = False
    tried: bool = False


class Config(Section):
    """What every system's config has, beside a section for each of its trainings."""

    name: str = Field(pattern=r"^[a-z][a-z0-9-]{0,63}$", description="the preset's name")
    seed: int = Field(default=0, ge=0, le=2**32 - 1, description="random seed of the run")
    data: DataConfig = DataConfig()
    system: Any
    """A literal of its own: the system's name."""
    model: Any
    """The shape of the engine, a kind of `GameShape`."""

    def dump(self) -> str:
        """Return the whole tree as YAML that `parse` reads back to an equal config."""
        return yaml.safe_dump(self.model_dump(mode="json"), sort_keys=False)

    @property
    def continues(self) -> bool:
        """Whether a training by it makes sense only from an engine's weights."""
        return False

    @property
    def idle(self) -> dict[str, str]:
        """Settings that do nothing in this config, by dotted key, and where that is so."""
        return {}

    @property
    def learned_from(self) -> str:
        """What an engine learns from and is given, for its card."""
        return "frames and key presses alone"

    @property
    def trained_by(self) -> str:
        """What an engine is trained by, for its card."""
        raise NotImplementedError

    @property
    def needs(self) -> Needs:
        """What an engine of this shape takes for granted about the game."""
        return Needs()
