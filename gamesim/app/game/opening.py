"""Opens games and dreams on threads of their own, some of them before anybody asks."""

import threading
from concurrent.futures import Future

import gymnasium as gym

from gamesim.app.library.catalog import Title


def opened(title: Title, device: str) -> Future[gym.Env]:
    """A title that is being opened; a dream computes on `device`."""
    env: Future[gym.Env] = Future()

    def work() -> None:
        try:
            env.set_result(title.make(device))
        except Exception as error:  # whoever asks for the result gets it
            env.set_exception(error)

    threading.Thread(target=work, daemon=True).start()
    return env


def abandon(env: Future[gym.Env]) -> None:
    """Close it, now or as soon as it is open: nobody wants it any more."""
    env.add_done_callback(lambda env: None if env.exception() else env.result().close())


class Ahead:
    """The one title that is opened before anybody asks: a dream takes seconds, most of them to load torch."""

    def __init__(self) -> None:
        self._prepared: tuple[Title, Future[gym.Env]] | None = None

    def prepare(self, title: Title, device: str) -> None:
        """Begin to open a title, and drop the one before."""
        self.drop()
        self._prepared = title, opened(title, device)

    def opening(self, title: Title, device: str) -> Future[gym.Env]:
        """The opening of a title: what was prepared, or one that begins now."""
        if self._prepared is not None and self._prepared[0] == title:
            (_, env), self._prepared = self._prepared, None
            return env
        return opened(title, device)

    def drop(self) -> None:
        if self._prepared is not None:
            abandon(self._prepared[1])
        self._prepared = None
