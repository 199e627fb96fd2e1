"""The ten genres of GTZAN, in the order of every label, and what else is the same."""

SAMPLE_RATE = 22_050  # Hz, of every file in the Kaggle edition
PRINTED = 0.9995  # a probability of at least so much is printed as 100.0 %

GENRES = (
    *("blues", "classical", "country", "disco", "hiphop"),
    *("jazz", "metal", "pop", "reggae", "rock"),
)
