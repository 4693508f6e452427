"""A row of the table of operations: what the generic test needs to know about one of them."""

import dataclasses
from collections.abc import Callable
from typing import Any

import numpy as np


@dataclasses.dataclass
class Case:
    """One operation with arguments.

    fun takes numax values; reference takes NumPy arrays; args make the arguments from a random generator and a dtype.
    """

    name: str
    fun: Callable[..., Any]
    args: list[Callable[..., Any]]
    reference: Callable[..., Any]
    primitive: str
    dtypes: tuple[str, ...] = ("float32",)
    tol: dict[str, float] | None = None  # dtype -> relative tolerance; the default is a few ulp
    grad: bool = True  # differentiable in its inexact arguments
    batch: bool = True
    diff: tuple[int, ...] | None = None  # the arguments to differentiate; None: all inexact ones
    bad: list[tuple[Callable[[], Any], type[Exception], str]] = dataclasses.field(
        default_factory=list
    )


def normal(*shape: int, scale: float = 1.0, shift: float = 0.0) -> Callable[..., Any]:
    """A maker of normal numbers (of the dtype's kind)."""

    def make(rng: Any, dtype: Any) -> Any:
        dtype = np.dtype(dtype)
        x = rng.standard_normal(shape) * scale + shift
        if dtype.kind == "c":
            x = x + 1j * rng.standard_normal(shape) * scale
        if dtype.kind == "b":
            return np.asarray(x > 0)
        if dtype.kind == "u":
            x = abs(x)
        if dtype.kind in "iu":
            x = np.rint(x * 3)
        return np.asarray(x).astype(dtype)

    return make


def uniform(*shape: int, low: float = 0.0, high: float = 1.0) -> Callable[..., Any]:
    """A maker of numbers between low and high (both parts of complex ones)."""

    def make(rng: Any, dtype: Any) -> Any:
        dtype = np.dtype(dtype)
        x = rng.uniform(low, high, shape)
        if dtype.kind == "c":
            x = x + 1j * rng.uniform(low, high, shape)
        return np.asarray(x).astype(dtype)

    return make


def integers(
    *shape: int, low: int = 0, high: int = 10, dtype: str | None = None
) -> Callable[..., Any]:
    """A maker of integers in [low, high); of a fixed dtype where one is given."""
    fixed = dtype

    def make(rng: Any, dtype: Any) -> Any:
        return np.asarray(rng.integers(low, high, shape)).astype(fixed or dtype)

    return make


def fixed(value: Any) -> Callable[..., Any]:
    """A maker of one given array, in the row's dtype."""

    def make(rng: Any, dtype: Any) -> Any:
        return np.asarray(value).astype(dtype)

    return make
