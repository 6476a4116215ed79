"""The config of GameGAN: every setting of its model and its training, its range and meaning."""

from typing import Literal, Self

from pydantic import Field, model_validator

from gamesim.config.base import (
    Average,
    Config,
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


class GameGANModelConfig(MemoryShape):
    """The shape of a GameGAN generator and of its discriminators; without memory it is GameGAN-M."""

    hidden: Width = Field(default=512, description="size of the dynamics engine's state")
    z_size: int = Field(default=32, ge=2, le=4096, description="numbers in z, the noise of a step")
    memory_width: Width = Field(default=512, description="numbers in a memory slot")
    recall: bool = Field(
        default=False,
        description="the static layer may also be drawn from what a memory slot held before the step wrote "
        "there (ours)",
    )
    discriminator_channels: int = Field(
        default=64, ge=4, le=4096, description="channels of the discriminators' first layer"
    )

    @model_validator(mode="after")
    def _something_to_recall(self) -> Self:
        if self.recall and not self.memory:
            raise ValueError("recall draws what the memory held, but memory is false")
        return self


class GameGANLosses(Section):
    """Weights of the loss terms; the defaults are the paper's released ones."""

    adversarial: Schedule = Field(
        default=steady(1), description="weight of all the discriminators' terms for the generator"
    )
    action_recovery: Weight = Field(
        default=1.0, description="weight of recognising the action in a pair of frames"
    )
    z_recovery: Weight = Field(
        default=30.0, description="weight of recognising z in a pair of frames, for the generator"
    )
    z_recovery_discriminator: Weight = Field(default=1.0, description="the same for the discriminator")
    feature_matching: Weight = Field(
        default=10.0, description="weight of matching the discriminators' features of real frames"
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
    blended: Schedule = Field(
        default=steady(0),
        description="weight of judging blends of real and drawn frames as in between",
    )
    attenuated: Schedule = Field(
        default=steady(0),
        description="share of the reconstruction that counts less where the next frame cannot be predicted",
    )
    diverged: float = Field(
        default=0.0,
        ge=0,
        le=1e6,
        description="mean squared error of the places of a dreamt frame at which the following steps "
        "count e times less; 0: all frames count alike",
    )
    gradient_penalty: Weight = Field(
        default=1.0, description="weight of the penalty on real frames and pairs of frames"
    )
    temporal_gradient_penalty: Weight = Field(
        default=10.0, description="weight of the penalty for the temporal discriminator"
    )
    outcome: Schedule = Field(default=steady(1), description="weight of the reward and the game's end")

    @model_validator(mode="after")
    def _someone_decides(self) -> Self:
        if self.attenuated.highest and not self.adversarial.highest:
            raise ValueError("attenuated leaves much to the discriminators, but adversarial is 0")
        return self


class GameGANTraining(EngineTraining):
    """How GameGAN is trained."""

    discriminator_learning_rate: LearningRate = 1e-4
    muon: Weight = Field(
        default=0.0,
        description="rate of Muon for the matrices, as a multiple of Adam's; 0: Adam learns them, too",
    )
    average: Average = 0.999
    warm_up: Schedule = Field(
        default=Schedule(start=16, end=1, over=0.6),
        description="real frames at the start of each example, before the model sees its own",
    )
    always_told: Share = Field(
        default=0.125, description="share of examples in which the model sees real frames only"
    )
    continues: bool = Field(
        default=False, description="a later stage: it goes on from an engine, which --init names"
    )
    part: Literal["all", "recall"] = Field(
        default="all", description="what is trained: the whole model, or recall alone"
    )
    losses: GameGANLosses = GameGANLosses()


class GameGANConfig(Config):
    """A GameGAN engine and how it is trained."""

    system: Literal["gamegan"] = "gamegan"
    model: GameGANModelConfig = GameGANModelConfig()
    training: GameGANTraining = GameGANTraining()

    @model_validator(mode="after")
    def _part_there(self) -> Self:
        part, losses = self.training.part, self.training.losses
        wrong = {
            "but this model has no recall": not self.model.recall,
            "which learns without discriminators, but adversarial is not 0": losses.adversarial.highest,
            "which learns by reconstruction, but that is 0": not losses.reconstruction.highest,
        }
        for why, found in wrong.items():
            if part == "recall" and found:
                raise ValueError(f"training.part is recall, {why}")
        return self

    @property
    def idle(self) -> dict[str, str]:
        training, losses = self.training, "training.losses."
        judged = ("action_recovery", "z_recovery", "z_recovery_discriminator", "feature_matching", "blended")
        judged = (*judged, "gradient_penalty", "temporal_gradient_penalty")
        forgets, told = not self.model.memory, min(training.warm_up.start, training.warm_up.end)
        nothing = (
            (forgets, "model.memory is false", ("model.memory_slots", "model.memory_width")),
            (forgets, "model.memory is false", (f"{losses}cycle", f"{losses}memory")),
            (
                not training.losses.adversarial.highest,
                f"{losses}adversarial is 0",
                ("training.discriminator_learning_rate", *(losses + name for name in judged)),
            ),
            (
                told >= self.data.segment,
                "training.warm_up is never below data.segment",
                ("training.always_told", f"{losses}diverged"),
            ),
        )
        return {key: why for here, why, keys in nothing if here for key in keys}

    @property
    def learned_from(self) -> str:
        told = self.model.memory and self.model.opposites  # they only matter to the memory's kernels
        return "frames and key presses, given which keys are opposites" if told else super().learned_from

    @property
    def continues(self) -> bool:
        return self.training.continues

    @property
    def trained_by(self) -> str:
        if self.training.part == "recall":
            return "reconstruction (its recall alone; all other weights are those that it began from)"
        judged = self.training.losses.adversarial.highest > 0
        return "reconstruction and discriminators" if judged else "reconstruction alone"

    @property
    def needs(self) -> Needs:
        return Needs(scrolls=True, tried=True)
