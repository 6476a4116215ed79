"""What a player has: games, recordings, models, runs, and running trainings."""
