"""Runs from parameters to a folder and back, ensembles, and which runs there are."""
