"""Recordings: episodes on disk, the recorder that makes them, and the data set for training."""
