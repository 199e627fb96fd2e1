"""Recipes, the loop over epochs, and checkpoints to go on from."""
