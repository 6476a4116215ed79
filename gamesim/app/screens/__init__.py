"""Screens: what fills the window, one file each."""
