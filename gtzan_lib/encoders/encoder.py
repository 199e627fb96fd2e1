"""What every encoder has: parameter ``encoder`` of notebook 03_train_cnn."""


class Encoder:
    """Turns tracks into what models are given of them, of ``shape`` each.

    That is (channels, height, width) of a picture, or (windows, values) of vectors.
    ``files``, in the data set's folder, are what it reads beside the pictures.

    A subclass has ``codes(dataset, train_index, seed, progress)``, computed or learned
    the first time: what it makes of all tracks, float32, (N, H, W, C), 0 to 1, or (N,
    windows, values); and the file of its weights, or None. A learned one starts from
    ``seed`` and looks at the tracks at ``train_index``, int64, alone. ``DataError``
    where a picture is no spectrogram, or a table of features is missing.
    """

    shape: tuple[int, ...]
    files: tuple[str, ...] = ()
