"""A game that draws with pygame shares it with the window: it may not put it out when it is closed."""

from typing import Any

import gymnasium as gym
import pygame


class Housed(gym.Wrapper[Any, Any, Any, Any]):
    """Any game, in the window; Gymnasium's own call ``pygame.quit()`` when they are closed."""

    @property
    def spec(self) -> Any:
        """The game's: recordings say nothing of the window."""
        return self.env.spec

    def close(self) -> None:
        """Let go of the game, and keep the window."""
        quits = pygame.quit, pygame.display.quit
        pygame.quit = pygame.display.quit = lambda: None
        try:
            super().close()
        finally:
            pygame.quit, pygame.display.quit = quits
