"""The mechanism behind the notebooks; start with ``data`` and ``runs``."""
