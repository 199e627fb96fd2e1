"""Naming the genre of a track: the model that is shipped, and the page."""
