"""stop_gradient: the identity, with no derivative."""

from typing import Any

from numax._engine.core import dtypes, tree
from numax._engine.core.primitive import Primitive, not_linear, zero_tangent
from numax._engine.ops.basis import as_value

__all__ = ["stop_gradient", "stop_gradient_p"]


def stop_gradient(x: Any) -> Any:
    """`x` (a pytree of arrays), as a constant for differentiation.

    Grad: zero. Source: array API has none; Abadi et al., "TensorFlow" (2016), `stop_gradient`.
    """
    leaves, structure = tree.flatten(x)
    return tree.unflatten(structure, [_stop(v) for v in leaves])


def _stop(x: Any) -> Any:
    value = as_value(x, "stop_gradient")
    return stop_gradient_p.bind(value) if dtypes.is_inexact(value.dtype) else x


def _same(*args: Any) -> Any:
    return args[-1]


stop_gradient_p = Primitive(
    name="stop_gradient",
    infer=_same,
    host=_same,
    lower=_same,
    jvp=zero_tangent,
    transpose=not_linear,
    batch=lambda axis, args, dims: (stop_gradient_p.bind(*args), dims[0]),
)
