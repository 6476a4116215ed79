"""The sections of a config: every setting, its range and what it means.

Each system has a subclass of `Config` with a ``system`` literal of its own; systems.py has them by that key.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any, Literal, Self, get_args

import yaml
from pydantic import BaseModel, ConfigDict, Field, model_validator


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
    game: str | None = Field(
        default=None, min_length=1, description="which recorded game to learn; null: the only one there is"
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


class GameShape(Section):
    """What an engine is told of the game.

    Training takes all of it from the recordings unless it is set; without recordings it is our Pac-Man's.
    """

    frame_size: FrameSize = Field(default=84, description="width and height of the game's frames in pixels")
    num_actions: int = Field(default=5, ge=2, le=256, description="actions that the game has")
    reward_scale: float = Field(default=1.0, gt=0, description="rewards are divided by this for the model")

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


class GameGANModelConfig(MemoryShape):
    """The shape of a GameGAN generator and of its discriminators; without memory it is GameGAN-M."""

    hidden: Width = Field(default=512, description="size of the dynamics engine's state")
    z_size: int = Field(default=32, ge=2, le=4096, description="numbers in z, the noise of a step")
    memory_width: Width = Field(default=512, description="numbers in a memory slot")
    discriminator_channels: int = Field(
        default=64, ge=4, le=4096, description="channels of the discriminators' first layer"
    )


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
Betas = Annotated[
    tuple[float, float], Field(description="how much Adam's means of gradients and of their squares keep")
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


class GameGANLosses(Section):
    """Weights of the loss terms; the defaults are the paper's released ones."""

    adversarial: Schedule = Field(
        default=steady(1), description="weight of all the discriminators' terms for the generator"
    )
    action_recovery: Weight = Field(
        default=1.0, description="weight of telling the action from a pair of frames"
    )
    z_recovery: Weight = Field(
        default=30.0, description="weight of telling z from a pair of frames, for the generator"
    )
    z_recovery_discriminator: Weight = Field(default=1.0, description="the same for the discriminator")
    feature_matching: Weight = Field(
        default=10.0, description="weight of having the discriminators' features of real frames"
    )
    reconstruction: Schedule = Field(
        default=steady(0.05), description="weight of the next frame's squared error"
    )
    cycle: Schedule = Field(
        default=steady(0.05), description="weight of finding a place again as it was left"
    )
    memory: Schedule = Field(
        default=steady(7.5e-5), description="cost of each pixel that the dynamic layer draws"
    )
    blended: Weight = Field(
        default=0.0, description="weight of judging frames that are part real, part drawn, as in between"
    )
    gradient_penalty: Weight = Field(default=1.0, description="weight on real frames and pairs of frames")
    temporal_gradient_penalty: Weight = Field(
        default=10.0, description="weight of the same for the temporal discriminator"
    )
    outcome: Schedule = Field(default=steady(1), description="weight of the reward and the game's end")


class GameGANTraining(EngineTraining):
    """How GameGAN is trained."""

    discriminator_learning_rate: LearningRate = 1e-4
    average: Average = 0.999
    warm_up: Schedule = Field(
        default=Schedule(start=16, end=1, over=0.6),
        description="real frames at the start of each example, before the model sees its own",
    )
    always_told: Share = Field(
        default=0.125, description="share of examples in which the model sees real frames only"
    )
    losses: GameGANLosses = GameGANLosses()


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


class GameGANConfig(Config):
    """A GameGAN engine and how it is trained."""

    system: Literal["gamegan"] = "gamegan"
    model: GameGANModelConfig = GameGANModelConfig()
    training: GameGANTraining = GameGANTraining()

    @property
    def trained_by(self) -> str:
        judged = self.training.losses.adversarial.highest > 0
        return "reconstruction and discriminators" if judged else "reconstruction alone"

    @property
    def needs(self) -> Needs:
        return Needs(scrolls=True, tried=True)


class TilemapModelConfig(MemoryShape):
    """The shape of Tilemap."""

    patch: int = Field(default=12, ge=1, le=84, description="pixels along the side of a cell")
    tiles: int = Field(
        default=32, ge=2, le=4096, description="different pictures of a cell that the model can draw"
    )
    hidden: Width = Field(default=32, description="size of the dynamics engine's state for each cell")
    memory_width: Width = Field(default=32, description="numbers in a memory slot")
    blocks: int = Field(default=1, ge=1, le=64, description="residual blocks in the renderer")

    @model_validator(mode="after")
    def _cells_fit(self) -> TilemapModelConfig:
        misfits = [self._misfit(size) for size in self.possible_sizes]
        if all(misfits):
            raise ValueError(misfits[-1])
        return self

    def _misfit(self, size: int) -> str | None:
        """What is wrong with cells of frames of this size."""
        cells, rest = divmod(size, self.patch)
        if rest or cells < 3:
            return f"patch {self.patch} does not cut {size} pixels into 3 cells or more"
        if self.memory_slots < cells + 2:
            return f"memory_slots {self.memory_slots} is too few for a view of {cells} cells"
        return None


class TilemapLosses(Section):
    """Weights of the loss terms: of nats a cell, but for outcome and covering."""

    frame: Weight = Field(default=10.0, description="weight of the next frame")
    outcome: Weight = Field(default=5.0, description="weight of the reward and the game's end")
    static: Schedule = Field(
        default=steady(0), description="weight of the static layer alone, on cells seen before"
    )
    robust: float = Field(
        default=0.05,
        ge=0,
        lt=1,
        description="the static layer may give a tile a chance as low as this at no cost",
    )
    dynamic: Schedule = Field(
        default=steady(0), description="weight of the dynamic layer alone, on all cells"
    )
    remembered: Schedule = Field(
        default=steady(0), description="weight of free-running frames, on cells shown before"
    )
    covering: Schedule = Field(
        default=steady(7.5e-5), description="cost of each pixel that the dynamic layer draws"
    )


class TilemapTraining(EngineTraining):
    """How Tilemap is trained: by likelihood alone."""

    learning_rate: LearningRate = 2e-3
    betas: Betas = (0.5, 0.99)
    gradient_clip: Clip = 5.0
    unroll: Schedule = Field(default=steady(1e6), description="steps per example, at most data.segment")
    warm_up: Schedule = Field(default=steady(1), description="real frames before an example runs freely")
    free_running: Schedule = Field(
        default=steady(0),
        description="share of examples in which the model sees its own frames; the others are teacher-forced",
    )
    corrupt: Share = Field(
        default=0.0, description="share of cells made wrong in teacher-forced examples, to be repaired"
    )
    palette_frames: Count = Field(default=4096, description="frames from which the tiles are collected")
    losses: TilemapLosses = TilemapLosses()


class TilemapConfig(Config):
    """A Tilemap engine and how it is trained."""

    system: Literal["tilemap"] = "tilemap"
    model: TilemapModelConfig = TilemapModelConfig()
    training: TilemapTraining = TilemapTraining()

    @property
    def learned_from(self) -> str:
        return (
            "frames and key presses, given the size of a cell, the player's cell, and that the view scrolls "
            "by whole cells or not at all"
        )

    @property
    def trained_by(self) -> str:
        return "the likelihood of real frames alone, without a discriminator"

    @property
    def needs(self) -> Needs:
        return Needs(cell=self.model.patch, scrolls=True)


class WorldModelModelConfig(GameShape):
    """The shape of V, M and C (Ha & Schmidhuber 2018, appendix A); the paper's V sees 64x64 pixels."""

    engine: Literal["paper", "places"] = Field(
        default="paper", description="the paper's architecture, or ours that works by places"
    )
    channels: int = Field(
        default=32, ge=1, le=1024, description="channels of V's first layer; 32 in the paper"
    )
    z_size: int = Field(default=32, ge=1, le=4096, description="numbers in z; for places, in the z of each")
    patch: int = Field(default=12, ge=1, le=84, description="for places: pixels along the side of a place")
    width: int = Field(
        default=64, ge=1, le=4096, description="for places: numbers that M computes for each place"
    )
    hidden: Width = Field(default=256, description="size of the hidden state of M's LSTM")
    mixtures: int = Field(default=5, ge=1, le=64, description="Gaussians for each number of z")
    rewards: bool = Field(
        default=True, description="M predicts the reward; false: every step survived counts 1"
    )
    ends: bool = Field(default=True, description="M predicts the game's end; false: dreams never end")
    outcome_sees: Literal["h", "hz"] = Field(
        default="h", description="what M predicts reward and end from: h as in the paper, or h and the next z"
    )
    restarts: bool = Field(default=False, description="M is told when a game starts, as for TakeCover")
    actions: Literal["one-hot", "number"] = Field(
        default="one-hot",
        description="number: one from -1 to 1, and C has a single output without bias, as for TakeCover",
    )
    controller_input: Literal["zh", "zhc"] = Field(
        default="zh", description="what C sees: z and M's hidden state h, or M's cell state c, too"
    )

    @model_validator(mode="after")
    def _places_fit(self) -> WorldModelModelConfig:
        sizes = self.possible_sizes
        if self.engine == "places" and all(size % self.patch for size in sizes):
            raise ValueError(f"patch {self.patch} does not cut {sizes[-1]} pixels into whole places")
        return self

    @property
    def places(self) -> int:
        """Along each side of a frame."""
        return self.frame_size // self.patch if self.engine == "places" else 1

    @property
    def numbers(self) -> int:
        """In z."""
        return self.z_size * self.places**2


class VisionTraining(DescentConfig):
    """How V is trained: the ELBO in nats a frame (paper: 1e-4, batches of 100, squared error, floor 0.5)."""

    batch_size: Batch = Field(default=100, description="frames per training step")
    gradient_clip: Clip = 1e4
    pixels: Literal["bernoulli", "gaussian"] = Field(
        default="bernoulli", description="distribution of a pixel in the loss"
    )
    pixel_sigma: float = Field(
        default=0.5**0.5,
        gt=0,
        le=1e3,
        description="for gaussian: standard deviation; the root of 1/2 gives the squared error",
    )
    kl_weight: Schedule = Field(default=steady(1), description="weight of the KL divergence")
    kl_tolerance: float = Field(
        default=0.0, ge=0, le=1e3, description="nats of KL per number of z that cost nothing; 0: all cost"
    )


class MemoryTraining(DescentConfig):
    """How M is trained, on data.batch_size windows of data.segment steps: nats a step."""

    learning_rate: LearningRate = 1e-3
    decay: Schedule = Field(
        default=Schedule(start=1, end=0.01), description="factor of the learning rate, over the run"
    )
    gradient_clip: Clip = 1.0
    noise: Share = Field(
        default=0.0, description="share of places at which M reads noise, which it learns to repair"
    )
    reward_sigma: float = Field(
        default=0.1, gt=0, le=1e3, description="standard deviation of the reward's Gaussian"
    )
    reward_weight: Weight = Field(default=1.0, description="weight of the reward")
    end_weight: Weight = Field(default=1.0, description="weight of the game's end")
    end_factor: float = Field(
        default=1.0, gt=0, le=1e6, description="weight of a step that ends the game, where any other counts 1"
    )


class ControllerTraining(LoopConfig):
    """How C is trained in the dream by CMA-ES: `steps` are generations."""

    steps: Count = Field(default=100, description="generations of CMA-ES")
    log_every: Count = Field(default=1, description="generations between log lines")
    validate_every: Count = Field(default=10, description="generations between tests in the real game")
    population: int = Field(default=64, ge=4, le=65536, description="candidates in a generation")
    rollouts: Batch = Field(default=16, description="dreams in which each candidate is scored")
    sigma: float = Field(default=0.1, gt=0, le=1e3, description="initial step size of CMA-ES")
    covariance: Literal["diagonal", "full"] = Field(
        default="diagonal",
        description="what CMA-ES learns of the weights: a step size for each, or all their correlations, too",
    )
    temperature: float = Field(
        default=1.0, ge=0, le=10, description="temperature of the dreams that C learns in"
    )
    dream_steps: Count = Field(default=1000, description="most steps of a dream")
    real_env: str = Field(
        default="", description="real game that C is tested in, never trained in; empty: the recorded one"
    )
    real_episodes: Count = Field(default=64, description="games per test")
    precision: Precision = Field(default="float32", description="precision of M while dreaming")


class WorldModelConfig(Config):
    """V, M and C, and how each is trained."""

    system: Literal["world-model"] = "world-model"
    model: WorldModelModelConfig = WorldModelModelConfig()
    vision: VisionTraining = VisionTraining()
    memory: MemoryTraining = MemoryTraining()
    controller: ControllerTraining = ControllerTraining()

    @property
    def learned_from(self) -> str:
        by_places = self.model.engine == "places"
        return "frames and key presses, given the size of a place" if by_places else super().learned_from

    @property
    def trained_by(self) -> str:
        return "likelihood, and its controller by evolution inside the dream"

    @property
    def needs(self) -> Needs:
        return Needs(cell=self.model.frame_size // 7) if self.model.engine == "places" else Needs()
