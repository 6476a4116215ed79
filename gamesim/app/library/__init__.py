"""What a player has: games, recordings, models, runs, and the trainings that go on."""
