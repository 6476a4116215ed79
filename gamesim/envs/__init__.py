"""The real games: numpy and gymnasium only."""
