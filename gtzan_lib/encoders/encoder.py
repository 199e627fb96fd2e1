"""What every encoder has: parameter ``encoder`` of notebook 03_train_cnn.

To add one, write a subclass in a module of its own and name it in the registry.
"""


class Encoder:
    """Turns tracks into what models are given of them, float32.

    ``shape`` is that of one track as models take it: (channels, height, width) of a
    picture, or (windows, values) of vectors. ``files``, in the data set's folder, are
    what it reads beside the pictures. A subclass has the methods

    - ``codes(dataset, train_index, seed, progress)``, which returns what it makes of
      all tracks, computed or learned the first time: float32, (N, H, W, C), 0 to 1, or
      (N, windows, values); and the file of the weights, or None. A learned encoder
      starts from ``seed`` and looks at the tracks at ``train_index``, int64, alone.
    - ``encode(pictures, weights)``, which returns the same of pictures, uint8
      (N, 288, 432, 3).

    Both raise ``DataError`` where a picture is no spectrogram, a table of features is
    missing, or audio is needed.
    """

    shape: tuple[int, ...]
    files: tuple[str, ...] = ()
