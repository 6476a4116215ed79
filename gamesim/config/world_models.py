"""The config of World Models: every setting of V, M, C and their trainings, its range and meaning."""

from math import prod
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from gamesim.config.base import (
    Average,
    Batch,
    Clip,
    Config,
    Count,
    DescentConfig,
    GameShape,
    LearningRate,
    LoopConfig,
    Needs,
    Precision,
    Schedule,
    Share,
    Weight,
    Width,
    steady,
)


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
        default="h",
        description="what M predicts reward and end from: h as in the paper, or h and the next z",
    )
    restarts: bool = Field(default=False, description="M is told when a game starts, as for TakeCover")
    actions: Literal["one-hot", "number"] = Field(
        default="one-hot",
        description="number: one from -1 to 1, and C has a single output without bias, as for TakeCover",
    )
    levels: tuple[Annotated[int, Field(ge=2, le=256)], ...] = Field(
        default=(),
        description="values that each number of an action may take, as in record --levels; []: keys",
    )
    controller_input: Literal["zh", "zhc"] = Field(
        default="zh", description="what C sees: z and M's hidden state h, or M's cell state c, too"
    )

    @model_validator(mode="after")
    def _places_fit(self) -> Self:
        sizes = self.possible_sizes
        if self.engine == "places" and all(size % self.patch for size in sizes):
            raise ValueError(f"patch {self.patch} does not cut {sizes[-1]} pixels into whole places")
        return self

    @model_validator(mode="after")
    def _levels_fit(self) -> Self:
        found = prod(self.levels)
        if self.levels and "num_actions" in self.model_fields_set and found != self.num_actions:
            raise ValueError(f"levels {list(self.levels)} make {found} actions, not {self.num_actions}")
        return self

    @property
    def axes(self) -> tuple[int, ...]:
        """How many values each number of an action may take; () where M reads actions one-hot."""
        return self.levels or ((self.num_actions,) if self.actions == "number" else ())

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
        default=0.0, ge=0, le=1e3, description="nats of KL per number of z that are free; 0: none are"
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
    """How C is trained by CMA-ES: `steps` are generations."""

    steps: Count = Field(default=100, description="generations of CMA-ES")
    log_every: Count = Field(default=1, description="generations between log lines")
    validate_every: Count = Field(default=10, description="generations between tests in the real game")
    population: int = Field(default=64, ge=4, le=65536, description="candidates in a generation")
    learns_in: Literal["dream", "game"] = Field(
        default="dream", description="where C learns: in M's dream, or in the real game, as CarRacing's did"
    )
    patience: int = Field(
        default=0,
        ge=0,
        le=10**6,
        description="where C learns in the game: steps without a reward above 0 that end it; 0: never",
    )
    rollouts: Batch = Field(default=16, description="dreams, or games, in which each candidate is scored")
    sigma: float = Field(default=0.1, gt=0, le=1e3, description="initial step size of CMA-ES")
    average: Average = 0.0
    covariance: Literal["diagonal", "full"] = Field(
        default="diagonal",
        description="what CMA-ES learns of the weights: a step size for each, or all their correlations, too",
    )
    temperature: float = Field(
        default=1.0, ge=0, le=10, description="temperature of the dreams that C learns in"
    )
    dream_steps: Count = Field(default=1000, description="most steps of a dream")
    real_env: str = Field(
        default="", description="real game that C is tested in, or learns in; empty: the recorded one"
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
    def idle(self) -> dict[str, str]:
        model = self.model
        nothing = (
            (self.controller.learns_in == "dream", "C learns in the dream", ("controller.patience",)),
            (model.engine == "paper", "model.engine is paper", ("model.patch", "model.width")),
            (not model.rewards, "model.rewards is false", ("memory.reward_sigma", "memory.reward_weight")),
            (not model.ends, "model.ends is false", ("memory.end_weight", "memory.end_factor")),
            (self.vision.pixels == "bernoulli", "vision.pixels is bernoulli", ("vision.pixel_sigma",)),
        )
        return {key: why for here, why, keys in nothing if here for key in keys}

    @property
    def learned_from(self) -> str:
        by_places = self.model.engine == "places"
        return "frames and key presses, given the size of a place" if by_places else super().learned_from

    @property
    def trained_by(self) -> str:
        where = "inside the dream" if self.controller.learns_in == "dream" else "in the real game"
        return f"likelihood, and its controller by evolution {where}"

    @property
    def needs(self) -> Needs:
        return Needs(cell=self.model.frame_size // 7) if self.model.engine == "places" else Needs()
