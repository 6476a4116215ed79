"""Drawing and input that every screen uses: it knows nothing of games, models or trainings."""
