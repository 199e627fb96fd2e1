"""Data sets: GTZAN and its synthetic stand-in, pictures, audio, splits."""
