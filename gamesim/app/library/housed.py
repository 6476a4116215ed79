"""A game that draws with pygame shares it with the window, so it must not quit pygame when it closes."""

from typing import Any

import gymnasium as gym
import pygame


class Housed(gym.Wrapper[Any, Any, Any, Any]):
    """Any game in the window. Gymnasium's own games call ``pygame.quit()`` when they close."""

    @property
    def spec(self) -> Any:
        """The game's own spec, so that recordings do not name this wrapper."""
        return self.env.spec

    def close(self) -> None:
        """Close the game, and keep the window."""
        quits = pygame.quit, pygame.display.quit
        pygame.quit = pygame.display.quit = lambda: None
        try:
            super().close()
        finally:
            pygame.quit, pygame.display.quit = quits
