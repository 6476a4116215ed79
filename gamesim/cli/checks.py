"""What was typed is looked at before the expensive part: games, models, and places to write to."""

from __future__ import annotations

import argparse
import os
import warnings
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from gamesim import outputs, shipped
from gamesim.cli.words import Words
from gamesim.envs import command_line
from gamesim.errors import UserError

if TYPE_CHECKING:
    from gamesim.envs.recipe import Recipe


def works(command: str) -> bool:
    """Whether this process does what was typed; of those that ``torchrun`` started only the first does."""
    if "TORCHELASTIC_RUN_ID" not in os.environ or os.environ.get("WORLD_SIZE") == "1":
        return True
    if os.environ.get("RANK") != "0":
        return False
    warnings.warn(f"torchrun: {command} works in one process; the others do nothing", stacklevel=2)
    for name in ("WORLD_SIZE", "RANK", "LOCAL_RANK"):  # it must not wait for the others
        os.environ.pop(name, None)
    return True


def usual_player(game: Recipe) -> str:
    """Who plays if nobody is named: the bot, if it knows the game, or the game that a dream is of."""
    from gamesim.card import facts_in
    from gamesim.envs.recipe import PACMANS

    checkpoint = game.kwargs.get("checkpoint")
    learned = facts_in(shipped.locate(str(checkpoint))).get("game", PACMANS) if checkpoint else PACMANS
    return "explorer" if game.of_cells and learned.startswith(PACMANS) else "random"


def check_alone(options: argparse.Namespace) -> None:
    """Complain about what was said beside ``record --verify``, which does nothing with it."""
    usual = vars(Words().commands["record"].parse_args([])) | {"settings": []}
    beside = [name for name, value in vars(options).items() if value != usual[name] and name != "verify"]
    if beside:
        said = f"--{beside[0].replace('_', '-')}" if beside[0] != "settings" else options.settings[0]
        raise UserError(f"record: --verify works alone, not with {said}")


def only_with(options: argparse.Namespace, flags: Iterable[str], what: str) -> None:
    """Complain about flags of ``export`` that do nothing here: they work with `what` only."""
    usual = Words().commands["export"].get_default
    for flag in flags:
        if getattr(options, flag) != usual(flag):
            raise UserError(f"export: --{flag} works with {what} only")


def said_once(flag: str, setting: str, settings: Iterable[str]) -> None:
    """Complain about a setting that was typed beside the flag that means the same."""
    twice = next((word for word in settings if word.startswith(f"{setting}=")), None)
    if twice is not None:
        raise UserError(f"{flag} and {twice} mean the same: use only one of them")


def said_of_a_game(options: argparse.Namespace) -> str | None:
    """The first word that was typed about how a game is made, None if there is none."""
    from gamesim.envs.recipe import Recipe

    said = [f"--{name.replace('_', '-')}" for name in Recipe("", **command_line.flags(options)).changed]
    return next(iter(said + options.settings), None)


def start(options: argparse.Namespace) -> str | Recipe:
    """What is to be played: the folder of a model, or a game; a game is made once, to see that it can be.

    Raises:
        UserError: It is neither, it cannot be made, or what is said of a game is said of a model.
    """
    from gamesim.envs.recipe import DREAMS, UnknownGame, make
    from gamesim.shipped import locate

    if not locate(options.start).is_dir():
        try:
            recipe = command_line.recipe(options.start, options)
        except UnknownGame as error:
            raise UserError(f"'{options.start}' is neither a game nor a model{error.hint}") from None
        if dreamt := recipe.env_id.startswith(DREAMS):
            checkpoint = recipe.kwargs.get("checkpoint")
            if not isinstance(checkpoint, str):
                raise UserError(f"{recipe.env_id} needs checkpoint=DIR, the folder of a model")
            known_checkpoint(checkpoint)
        if not dreamt or len(recipe.kwargs) > 1:  # to make a dream loads torch before there is a window
            make(recipe).close()
        return recipe
    if said := said_of_a_game(options):
        raise UserError(f"{said} works with games only, and {options.start} is a model")
    known_checkpoint(options.start)
    return options.start


def known_checkpoint(folder: str) -> None:
    """Complain about a folder that is not there, or is no model, before torch is loaded."""
    from gamesim import storage

    place = shipped.locate(folder)
    if storage.exists(place):
        return
    if not place.exists():
        raise UserError(f"{folder}: no such model")
    inside = next((name for name in ("last", "best") if storage.exists(place / name)), None)
    where = f"the model of this run is {Path(folder) / inside}" if inside else "it has no manifest.json"
    raise UserError(f"{folder}: not a model: {where}")


def known_player(folder: str) -> None:
    """Complain about a folder that was named as a player, and is no model and no player's name."""
    from gamesim.agents.policy import policies

    if folder not in policies():
        known_checkpoint(folder)


def known_place(flag: str, place: str | None, check: Callable[[str], None] = outputs.check_file) -> None:
    """Complain about a file or folder that cannot be written, before it could be missed."""
    if place is not None:
        try:
            check(place)
        except UserError as error:
            raise UserError(f"{flag} {error}") from None


def known_card(options: argparse.Namespace) -> None:
    """Complain about a checkpoint whose card cannot be written, where that is asked for."""
    if options.card:
        known_place("--card", str(shipped.locate(options.checkpoint)), outputs.check_sealed)


def known_vision(options: argparse.Namespace) -> None:
    """Complain about a ``--vision`` that is no model, and warn of one that has learned another game."""
    known_checkpoint(options.vision)
    from gamesim.card import facts_in

    here, there = (
        facts_in(shipped.locate(each)).get("game") for each in (options.checkpoint, options.vision)
    )
    if here and there and here != there:
        warnings.warn(f"--vision {options.vision}: its V has learned {there}, not {here}", stacklevel=2)


def known_world(options: argparse.Namespace) -> None:
    """Import the module of a game that was typed, and complain if the model has learned another one."""
    if options.game is None:
        return
    from gamesim.card import facts_in
    from gamesim.envs.recipe import find
    from gamesim.registry import bare

    learned, named = facts_in(shipped.locate(options.checkpoint)).get("game"), options.checkpoint
    whole_paths(options)
    found = find(options.game)
    if learned is not None and found.id != bare(learned):
        raise UserError(f"--game {options.game}: {named} learned another game, {learned}")


def whole_paths(options: argparse.Namespace) -> None:
    """Make what was typed whole paths, before a game can change the current folder."""
    for name in {"checkpoint", "vision", "data", "out", "json", "plot", "plots"} & vars(options).keys():
        value = getattr(options, name)
        if value is not None:
            place = shipped.locate(value) if name in ("checkpoint", "vision") else Path(value)
            setattr(options, name, str(place.absolute()))
