"""The page of adversarial examples: attacks on players, on what dreams remember, and on digits."""

from collections.abc import Iterator, Sequence
from typing import Any

from gamesim import checkpoint, shipped
from gamesim.errors import UserError
from gamesim.labs import Given, imitator
from gamesim.labs.attacked_play import PlayScene
from gamesim.labs.controls import Button, Choice, Control, Slider, moved, values
from gamesim.labs.false_memory import MemoryScene, MisledGenerator, MisledTilemap
from gamesim.labs.fgsm import FGSM, NOTHING, RANDOM, Scene
from gamesim.labs.panels import Lines, Panel
from gamesim.labs.players import Controlled, Imitating, controller_engine, q_learned
from gamesim.labs.softmax_digits import DigitsScene

VICTIMS = (
    *("imitator", "hardened imitator", "DQN", "controller C"),
    *("GameGAN's memory", "Tilemap's memory", "digits"),
)


class Refused(Scene):
    """In the place of a scene for which something is missing: it says what."""

    def __init__(self, why: str) -> None:
        self._why = why

    def view(self, by: str, epsilon: float) -> list[Panel]:
        return [Lines("Not here", ((self._why, ""),))]


class FGSMLab:
    """Each victim is opened when it is first chosen. What is chosen is measured first, and then all others.

    Raises:
        UserError: the given checkpoint has no controller for Pac-Man.
    """

    steps = 3850
    """All that is measured."""

    def __init__(self, given: Given) -> None:
        self._given = given
        self._scenes, self._measuring = dict[str, Scene](), dict[str, Iterator[None]]()
        self._victim = "controller C" if given.checkpoint else "imitator"
        self._by, self._epsilon = FGSM, 8.0
        self._scenes[self._victim] = self._opened(self._victim)
        self.controls: Sequence[Control] = (
            Choice("victim", "Attack", VICTIMS, self._victim),
            Slider("epsilon", "Epsilon, of 255", 0, 16, self._epsilon, 1, "the greatest change of any pixel"),
            Choice("by", "Frames are changed by", (FGSM, RANDOM, NOTHING), FGSM, "in the running game"),
            Button("board", "New board"),
        )

    def set(self, name: str, value: float | bool | str) -> None:
        if name == "board":
            return self._scene(self._victim).anew()
        self.controls = moved(self.controls, **{name: value})
        chosen = values(self.controls)
        self._victim, self._by = str(chosen["victim"]), str(chosen["by"])
        self._epsilon = float(chosen["epsilon"])

    def point(self, panel: str, x: float, y: float) -> None:
        self._scene(self._victim).point(panel, x, y)

    def step(self) -> None:
        self._scene(self._victim).step(self._by, self._epsilon)
        for name in (self._victim, *VICTIMS):
            if name not in self._measuring:
                self._measuring[name] = self._scene(name).measures()
            for _ in self._measuring[name]:
                return  # one bit of work; without one, the next victim's

    def view(self) -> Sequence[Panel]:
        return self._scene(self._victim).view(self._by, self._epsilon)

    def figures(self) -> dict[str, float]:
        return {name: value for scene in self._scenes.values() for name, value in scene.figures().items()}

    def _scene(self, name: str) -> Scene:
        if name not in self._scenes:
            try:
                self._scenes[name] = self._opened(name)
            except UserError as error:
                self._scenes[name] = Refused(str(error))
        return self._scenes[name]

    def _opened(self, name: str) -> Scene:
        """What is watched and measured of a victim."""
        seed = self._given.seed
        match name:
            case "imitator" | "hardened imitator":
                player = Imitating(imitator.load("plain" if name == "imitator" else "hardened"))
                return PlayScene(name, (player, player), seed, lessons=True)
            case "DQN":
                return PlayScene(name, (q_learned(), q_learned()), seed)
            case "controller C":
                engine = controller_engine(self._given.checkpoint)
                return PlayScene(name, (Controlled(engine), Controlled(engine)), seed)
            case "GameGAN's memory":
                return MemoryScene(name, MisledGenerator(_shipped("gamegan-pacman")), seed)
            case "Tilemap's memory":  # what cannot happen to it is measured less often
                return MemoryScene(name, MisledTilemap(_shipped("tilemap-pacman")), seed, rounds=3)
            case _:
                return DigitsScene(seed)


def _shipped(name: str) -> Any:
    return checkpoint.load_model(shipped.folder(shipped.MODELS) / name)[0]
