"""What a model is given of a track: pooled pictures, learned codes, vectors."""
