"""The config of Tilemap: every setting of its model and its training, its range and meaning."""

from typing import Literal, Self

from pydantic import Field, model_validator

from gamesim.config.base import (
    Betas,
    Clip,
    Config,
    Count,
    EngineTraining,
    LearningRate,
    MemoryShape,
    Needs,
    Schedule,
    Section,
    Share,
    Weight,
    Width,
    steady,
)


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
    def _cells_fit(self) -> Self:
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
        description="tiles rarer than this cost the static layer hardly anything",
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
    def idle(self) -> dict[str, str]:
        training, losses = self.training, "training.losses."
        layers = tuple(losses + name for name in ("static", "dynamic", "robust"))
        nothing = (
            (not training.losses.static.highest, f"{losses}static is 0", (f"{losses}robust",)),
            (not self.model.memory, "model.memory is false", ("model.memory_width", *layers)),
            (
                not training.free_running.highest,
                "training.free_running is 0",
                ("training.warm_up", f"{losses}remembered"),
            ),
        )
        return {key: why for here, why, keys in nothing if here for key in keys}

    @property
    def learned_from(self) -> str:
        told = "which keys are opposites, " if self.model.opposites else ""
        return (
            f"frames and key presses, given the size of a cell, the player's cell, {told}and that the view "
            "scrolls by whole cells or not at all"
        )

    @property
    def trained_by(self) -> str:
        return "the likelihood of real frames alone, without a discriminator"

    @property
    def needs(self) -> Needs:
        return Needs(cell=self.model.patch, scrolls=True)
