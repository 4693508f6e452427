"""Density estimates by sums of normal kernels."""

import math
from collections.abc import Callable
from typing import Any

import numax.numpy as jnp
from numax import core, random
from numax.core import Array, dtypes
from numax.numpy.promotion import promote_inexact, value
from numax.scipy import special
from numax.scipy.linalg_systems import cho_solve
from numax.tree_util import register_pytree_node_class


@register_pytree_node_class
class gaussian_kde:  # noqa: N801  (SciPy's name)
    """A density estimated from samples: a normal kernel at each.

    Args: dataset (D, N) or (N,); bw_method "scott", "silverman", a number, or a function of the estimate; weights (N,).
    Raises: ValueError for shapes that do not fit; NotImplementedError for complex samples. Grad: yes.
    Source: SciPy `stats.gaussian_kde`.
    """

    __slots__ = ("covariance", "dataset", "inv_cov", "neff", "weights")

    def __init__(
        self,
        dataset: Any,
        bw_method: str | float | Callable[[Any], Any] | None = None,
        weights: Any = None,
    ):
        (data,) = promote_inexact(value("gaussian_kde", dataset))
        if dtypes.is_complex(data.dtype):
            raise NotImplementedError(
                "gaussian_kde: complex samples are not supported. Use real ones."
            )
        data = jnp.atleast_2d(data)
        if data.ndim != 2 or data.size < 2:
            raise ValueError(
                f"gaussian_kde: two samples at least are needed, as (D, N); got {data.shape}."
            )
        self.dataset = data
        n = data.shape[1]
        if weights is None:
            self.weights = jnp.full((n,), 1 / n, data.dtype)
        else:
            given = value("gaussian_kde", weights).astype(data.dtype)
            if given.shape != (n,):
                raise ValueError(
                    f"gaussian_kde: weights must have shape ({n},); got {given.shape}."
                )
            self.weights = given / jnp.sum(given)
        self.neff = 1 / jnp.sum(self.weights**2)
        self._spread(bw_method)

    def _spread(self, bw_method: Any) -> None:
        d = self.dataset.shape[0]
        if bw_method is None or bw_method == "scott":
            factor = jnp.power(self.neff, -1 / (d + 4))
        elif bw_method == "silverman":
            factor = jnp.power(self.neff * (d + 2) / 4, -1 / (d + 4))
        elif callable(bw_method):
            factor = bw_method(self)
        elif isinstance(bw_method, str):
            raise ValueError(
                "gaussian_kde: bw_method must be 'scott', 'silverman', a number, or a function."
            )
        else:
            factor = bw_method
        mean = jnp.sum(self.dataset * self.weights, axis=1, keepdims=True)
        gap = self.dataset - mean
        plain = (gap * self.weights) @ gap.T / (1 - jnp.sum(self.weights**2))
        self.covariance = plain * factor**2
        self.inv_cov = jnp.linalg.inv(plain) / factor**2

    def tree_flatten(self) -> tuple[Any, None]:
        return tuple(getattr(self, name) for name in self.__slots__), None

    @classmethod
    def tree_unflatten(cls, aux_data: None, children: Any) -> "gaussian_kde":
        out = cls.__new__(cls)
        for name, child in zip(cls.__slots__, children, strict=True):
            setattr(out, name, child)
        return out

    @property
    def d(self) -> int:
        """The number of dimensions."""
        return self.dataset.shape[0]

    @property
    def n(self) -> int:
        """The number of samples."""
        return self.dataset.shape[1]

    def set_bandwidth(self, bw_method: Any = None) -> None:
        """Not possible: estimates do not change. Make a new one."""
        raise NotImplementedError(
            "set_bandwidth: estimates do not change. Make gaussian_kde(dataset, bw_method=...)."
        )

    def _points(self, op: str, points: Any) -> Any:
        points = jnp.atleast_2d(value(op, points).astype(self.dataset.dtype))
        if points.ndim != 2:
            raise ValueError(f"{op}: points must be (D, M) or (M,); got {points.shape}.")
        if points.shape[0] != self.d:
            if points.shape[0] == 1 and points.shape[1] == self.d:
                return points.reshape(self.d, 1)
            raise ValueError(
                f"{op}: points have {points.shape[0]} dimensions, and the dataset {self.d}."
            )
        return points

    def _factor(self) -> Any:
        return jnp.linalg.cholesky(self.covariance)

    def logpdf(self, x: Any) -> Array:
        """The logarithm of the density at points (D, M) or (M,)."""
        points = self._points("logpdf", x)
        gap = points[:, :, None] - self.dataset[:, None, :]
        size = jnp.einsum("imn,ij,jmn->mn", gap, self.inv_cov, gap)
        scale = jnp.sum(jnp.log(jnp.diagonal(self._factor()))) + self.d / 2 * math.log(2 * math.pi)
        return special.logsumexp(-0.5 * size, axis=1, b=self.weights) - scale

    def evaluate(self, points: Any) -> Array:
        """The density at points (D, M) or (M,)."""
        return jnp.exp(self.logpdf(points))

    def __call__(self, points: Any) -> Array:
        return self.evaluate(points)

    def pdf(self, x: Any) -> Array:
        """The density at points (D, M) or (M,)."""
        return self.evaluate(x)

    def _overlap(self, gap: Any, covariance: Any, weights: Any) -> Any:
        """The sum of weighted normal densities of that covariance, at differences (D, N)."""
        factor = jnp.linalg.cholesky(covariance)
        size = jnp.sum(gap * cho_solve((factor, True), gap), axis=0)
        scale = jnp.exp(-jnp.sum(jnp.log(jnp.diagonal(factor)))) / (2 * math.pi) ** (self.d / 2)
        return jnp.sum(jnp.exp(-0.5 * size) * weights) * scale

    def integrate_gaussian(self, mean: Any, cov: Any) -> Array:
        """The integral of the density times a normal one."""
        mean = jnp.atleast_1d(value("integrate_gaussian", mean).astype(self.dataset.dtype))
        cov = jnp.atleast_2d(value("integrate_gaussian", cov).astype(self.dataset.dtype))
        if mean.shape != (self.d,) or cov.shape != (self.d, self.d):
            raise ValueError(
                f"integrate_gaussian: mean and cov must be of dimension {self.d}; got {mean.shape} and {cov.shape}."
            )
        return self._overlap(self.dataset - mean[:, None], self.covariance + cov, self.weights)

    def integrate_box_1d(self, low: Any, high: Any) -> Array:
        """The integral of a density of one dimension between two numbers."""
        if self.d != 1:
            raise ValueError(
                f"integrate_box_1d: the dataset must have one dimension; it has {self.d}."
            )
        deviation = jnp.sqrt(self.covariance[0, 0])
        upper = special.ndtr((high - self.dataset[0]) / deviation)
        return jnp.sum(self.weights * (upper - special.ndtr((low - self.dataset[0]) / deviation)))

    def integrate_kde(self, other: "gaussian_kde") -> Array:
        """The integral of the product of two densities."""
        if other.d != self.d:
            raise ValueError(
                f"integrate_kde: both estimates must have one dimension number; got {self.d} and {other.d}."
            )
        gap = self.dataset[:, :, None] - other.dataset[:, None, :]
        weights = self.weights[:, None] * other.weights[None, :]
        total = self.covariance + other.covariance
        return self._overlap(gap.reshape(self.d, -1), total, weights.reshape(-1))

    def integrate_box(self, low_bounds: Any, high_bounds: Any, maxpts: Any = None) -> Array:
        """Not available in more than one dimension. Use integrate_box_1d."""
        raise NotImplementedError("integrate_box: only integrate_box_1d is available.")

    def resample(self, key: Any, shape: Any = ()) -> Array:
        """Random samples of the density, (D, *shape)."""
        shape = core.canonical_shape("resample", shape)
        which, noise = random.split(key)
        places = random.choice(which, self.n, shape=shape, p=self.weights)
        normal = random.normal(noise, (*shape, self.d), self.dataset.dtype)
        return self.dataset[:, places] + jnp.moveaxis(normal @ self._factor().T, -1, 0)


__all__ = ["gaussian_kde"]
