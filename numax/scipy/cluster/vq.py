"""scipy.cluster.vq: the nearest of a few vectors."""

from typing import Any

import numax.numpy as jnp
from numax.core import Array
from numax.numpy.promotion import promote_dtypes, promote_inexact, value


def vq(obs: Any, code_book: Any, check_finite: bool = True) -> tuple[Array, Array]:
    """For each observation the place of the nearest code, and its distance.

    Shapes: obs (M, N), code_book (K, N) -> (M,), (M,); vectors count as one feature.
    Raises: ValueError if the numbers of features or the ranks differ. Grad: of the distance.
    Source: SciPy `cluster.vq.vq`.
    """
    obs, codes = promote_dtypes(*promote_inexact(value("vq", obs), value("vq", code_book, 1)))
    if obs.ndim != codes.ndim:
        raise ValueError("vq: Observation and code_book should have the same rank.")
    if obs.ndim == 1:
        obs, codes = obs[:, None], codes[:, None]
    if obs.ndim != 2:
        raise ValueError(f"vq: ndim different than 1 or 2 are not supported; got {obs.ndim}.")
    if obs.shape[1] != codes.shape[1]:
        raise ValueError(
            f"vq: observations have {obs.shape[1]} features, and codes {codes.shape[1]}. They must be as many."
        )
    gap = obs[:, None, :] - codes[None, :, :]
    squares = jnp.sum(jnp.square(jnp.abs(gap)), axis=-1)
    places = jnp.argmin(squares, axis=-1)
    return places, jnp.sqrt(jnp.min(squares, axis=-1))


__all__ = ["vq"]
