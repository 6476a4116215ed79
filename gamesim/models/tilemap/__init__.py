"""Tilemap, our own engine for games drawn cell by cell, and its relative for World Models (places.py)."""
