"""Opens games and dreams on threads of their own, some of them before anybody asks."""

import threading
from concurrent.futures import Future

import gymnasium as gym

from gamesim.app.library.catalog import Title


class Opening:
    """A title that is being opened; a dream computes on `device`."""

    def __init__(self, title: Title, device: str) -> None:
        self.title = title
        self._env: Future[gym.Env] = Future()
        self._settled = False  # whether somebody has taken it, or will close it
        self._thread = threading.Thread(target=self._open, args=(device,), daemon=True)
        self._thread.start()

    @property
    def done(self) -> bool:
        """Whether it is open, or cannot be."""
        return not self._thread.is_alive()

    def take(self) -> gym.Env:
        """The environment, once it is open; the caller has to close it.

        Raises:
            Exception: whatever went wrong when it was opened.
        """
        self._settled = True
        return self._env.result(timeout=0)

    def abandon(self) -> None:
        """Close it, now or as soon as it is open, unless it was taken: nobody wants it any more."""
        if not self._settled:
            self._settled = True
            self._env.add_done_callback(lambda env: None if env.exception() else env.result().close())

    def _open(self, device: str) -> None:
        try:
            self._env.set_result(self.title.make(device))
        except Exception as error:  # `take` raises it
            self._env.set_exception(error)


class Ahead:
    """The one title that is opened before anybody asks: a dream takes seconds, most of them to load torch."""

    def __init__(self) -> None:
        self._opening: Opening | None = None

    def prepare(self, title: Title, device: str) -> None:
        """Begin to open a title, and drop the one before."""
        self.drop()
        self._opening = Opening(title, device)

    def opening(self, title: Title, device: str) -> Opening:
        """The opening of a title: what was prepared, or one that begins now."""
        if self._opening is not None and self._opening.title == title:
            prepared, self._opening = self._opening, None
            return prepared
        return Opening(title, device)

    def drop(self) -> None:
        if self._opening is not None:
            self._opening.abandon()
        self._opening = None
