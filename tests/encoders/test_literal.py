import numpy as np

from gtzan_lib.encoders import literal


def test_the_literal_proposal_loses_what_least_squares_leaves():
    rng = np.random.default_rng(0)
    images = rng.integers(0, 256, (30, 8, 12, 3), np.uint8)
    images[7] = images[3]  # as some of GTZAN's are
    parts = np.split(rng.permutation(30), [10, 24])
    folds = [{"train": parts[i], "test": parts[i - 1]} for i in range(3)]
    flat = images.reshape(30, -1) / 255
    for fold, errors in zip(folds, literal.errors(images, folds), strict=True):
        train, test = flat[fold["train"]], fold["test"]
        mean = train.mean(axis=0)
        shares = np.linalg.lstsq((train - mean).T, (flat[test] - mean).T)[0]
        rest = flat[test] - mean - shares.T @ (train - mean)
        np.testing.assert_allclose(errors, (rest**2).mean(axis=1), rtol=1e-4)
