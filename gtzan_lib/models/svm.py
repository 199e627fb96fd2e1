"""Model ``svm``: a support vector machine whose state is arrays, stored safely."""

import numpy as np
import torch
from torch import nn

from gtzan_lib.data.genres import GENRES

COMPONENTS = 400  # principal components, where the vectors have more values
RIDGE = 0.1  # weight of the penalty on large coefficients


class SVM(nn.Module):
    """A least-squares support vector machine, one genre against the rest.

    Suykens and Vandewalle, "Least Squares Support Vector Machine Classifiers" (1999):
    kernel ridge regression to 1 for a vector's own genre and -1 for each other, of
    standardised principal components; the Gaussian kernel's width is their mean squared
    distance from their mean. A track's logits are the mean of its windows'.
    """

    def __init__(self, windows: int, values: int):
        super().__init__()
        components = min(COMPONENTS, values)
        self.register_buffer("mean", torch.zeros(values))
        self.register_buffer("scale", torch.ones(values))
        self.register_buffer("projection", torch.zeros(values, components).half())
        self.register_buffer("gamma", torch.ones(()))
        self.register_buffer("vectors", torch.zeros(0, components).half())
        self.register_buffer("coefficients", torch.zeros(0, len(GENRES)))

    def solve(self, x: torch.Tensor, labels: torch.Tensor) -> None:
        """Fit to vectors (N, windows, values) of the genres ``labels`` (N,)."""
        from sklearn.decomposition import PCA
        from sklearn.kernel_ridge import KernelRidge

        flat = x.cpu().flatten(0, 1).double().numpy()
        mean, scale = flat.mean(axis=0), np.maximum(flat.std(axis=0), 1e-9)
        n = min(self.projection.shape[1], *flat.shape)
        # Quickest by the smaller side of the table of vectors.
        solver = "full" if len(flat) < flat.shape[1] else "covariance_eigh"
        pca = PCA(n, svd_solver=solver).fit((flat - mean) / scale)
        self.mean, self.scale = (torch.from_numpy(a).float() for a in (mean, scale))
        self.projection = torch.from_numpy(pca.components_.T.copy()).half()
        self.vectors = self.project(x.cpu()).flatten(0, 1).half()
        vectors = self.vectors.float()
        self.gamma = 1 / vectors.square().sum(dim=1).mean()
        targets = 2 * np.eye(len(GENRES))[labels.cpu()] - 1
        ridge = KernelRidge(alpha=RIDGE, kernel="rbf", gamma=float(self.gamma))
        ridge.fit(vectors.numpy(), targets.repeat(x.shape[1], axis=0))
        self.coefficients = torch.from_numpy(ridge.dual_coef_).float()
        self.to(x.device)

    def project(self, x: torch.Tensor) -> torch.Tensor:
        """Return the principal components (..., n) of vectors (..., values)."""
        return ((x - self.mean) / self.scale) @ self.projection.to(x.dtype)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return the logits (B, 10) of vectors (B, windows, values)."""
        vectors = self.vectors.to(x.dtype)
        distances = torch.cdist(self.project(x).flatten(0, 1), vectors)
        kernel = torch.exp(-self.gamma * distances.square())
        return (kernel @ self.coefficients).unflatten(0, x.shape[:2]).mean(dim=1)

    def load_state_dict(self, state: dict, *args, **kwargs):
        """Take over the sizes of a fitted machine with its values."""
        for name, value in list(self.named_buffers()):
            self.register_buffer(name, torch.empty_like(state.get(name, value)))
        return super().load_state_dict(state, *args, **kwargs)
