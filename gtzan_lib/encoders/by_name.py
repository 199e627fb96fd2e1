"""Encoders by name, until the registry has them."""

from gtzan_lib.encoders.bands import Bands
from gtzan_lib.encoders.encoder import Encoder
from gtzan_lib.encoders.features import Features
from gtzan_lib.encoders.learned import AUTOENCODERS, Learned
from gtzan_lib.encoders.pooling import Pooling
from gtzan_lib.encoders.texture import Texture

PLAIN = {"pool": Pooling, "bands": Bands, "texture": Texture, "features": Features}
NAMES = (*PLAIN, *AUTOENCODERS)


def make(name: str) -> Encoder:
    """Return the encoder that a run's parameter names."""
    return PLAIN[name]() if name in PLAIN else Learned(name)
