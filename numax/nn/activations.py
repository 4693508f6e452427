"""Activation functions: elementwise, differentiable everywhere, right at infinities."""

import math
from typing import Any

import numpy as np

from numax import core, lax
from numax.core import Array, dtypes
from numax.numpy.arithmetic import clip, logaddexp
from numax.numpy.elementwise import expm1, sqrt, square
from numax.numpy.elementwise import tanh as _tanh
from numax.numpy.promotion import broadcast, number, promote_dtypes, promote_inexact, value


def floats(op: str, x: Any) -> Any:
    """The argument as floats (or complex numbers)."""
    x = value(op, x)
    return x if dtypes.is_inexact(x.dtype) else promote_inexact(x)[0]


def choose(where: Any, x: Any, y: Any) -> Any:
    """x where true, else y; numbers take x's or y's dtype."""
    if not hasattr(x, "aval"):
        x = number(y, x)
    if not hasattr(y, "aval"):
        y = number(x, y)
    shape = where.aval.shape
    x, y = [
        lax.broadcast_in_dim(v, shape, ()) if v.aval.shape != shape else v
        for v in promote_dtypes(x, y)
    ]
    return lax.select_n(where, y, x)


def below(x: Any, bound: float) -> Any:
    return lax.lt(x, number(x, bound))


def above(x: Any, bound: float) -> Any:
    return lax.gt(x, number(x, bound))


def _with_parameter(op: str, x: Any, parameter: Any) -> tuple[Any, Any]:
    """x, and a number or array beside it, in one float dtype."""
    if isinstance(parameter, int | float):
        x = floats(op, x)
        return x, number(x, parameter)
    x, parameter = broadcast(op, promote_inexact(value(op, x), value(op, parameter, 1)))
    return x, parameter


def identity(x: Any) -> Array:
    """x.

    Grad: linear.
    """
    return value("identity", x)


def _host_relu(x: np.ndarray) -> Any:
    return np.maximum(x, 0)


def _relu(x: Any) -> Array:
    """max(x, 0), elementwise.

    Grad: elementwise, 0 at 0.
    """
    x = value("relu", x)
    if dtypes.is_complex(x.dtype):
        return lax.max(x, number(x, 0))
    return choose(lax.le(x, number(x, 0)), 0, x)


relu = core.eager.unary("relu", _host_relu, _relu, refused=())


def relu6(x: Any) -> Array:
    """min(max(x, 0), 6), elementwise.

    Grad: elementwise, 0 at 0 and 6. Source: Krizhevsky, "Convolutional deep belief networks on CIFAR-10", 2010.
    """
    x = floats("relu6", x)
    return choose(lax.ge(x, number(x, 6)), 6, choose(lax.le(x, number(x, 0)), 0, x))


def sigmoid(x: Any) -> Array:
    """1 / (1 + exp(-x)), elementwise.

    Raises: TypeError for integers. Grad: elementwise.
    """
    return lax.logistic(value("sigmoid", x))


def softplus(x: Any) -> Array:
    """log(1 + exp(x)), elementwise, without overflow.

    Grad: elementwise: sigmoid(x).
    """
    x = floats("softplus", x)
    return logaddexp(x, number(x, 0))


def sparse_plus(x: Any) -> Array:
    """0 below -1, x above 1, (x + 1)**2 / 4 between, elementwise: a softplus that reaches its limits.

    Grad: elementwise: sparse_sigmoid(x).
    """
    x = floats("sparse_plus", x)
    high, low = lax.ge(x, number(x, 1)), lax.le(x, number(x, -1))
    middle = choose(lax.bitwise_or(high, low), 0, x)
    curve = lax.mul(square(lax.add(middle, number(x, 1))), number(x, 0.25))
    return choose(low, 0, choose(high, x, curve))


def sparse_sigmoid(x: Any) -> Array:
    """(x + 1) / 2 cut to [0, 1], elementwise.

    Grad: elementwise.
    """
    x = floats("sparse_sigmoid", x)
    return lax.mul(number(x, 0.5), clip(lax.add(x, number(x, 1)), 0, 2))


def soft_sign(x: Any) -> Array:
    """x / (|x| + 1), elementwise.

    Grad: elementwise.
    """
    x = floats("soft_sign", x)
    return lax.div(x, lax.add(lax.abs(x), number(x, 1)))


def silu(x: Any) -> Array:
    """x sigmoid(x), elementwise; also called swish.

    Raises: TypeError for integers. Grad: elementwise. Source: Hendrycks & Gimpel 2016, arXiv:1606.08415.
    """
    x = value("silu", x)
    return lax.mul(x, lax.logistic(x))


swish = silu


def mish(x: Any) -> Array:
    """x tanh(softplus(x)), elementwise.

    Grad: elementwise. Source: Misra 2019, arXiv:1908.08681.
    """
    x = floats("mish", x)
    return lax.mul(x, _tanh(softplus(x)))


def log_sigmoid(x: Any) -> Array:
    """log(sigmoid(x)) = -softplus(-x), elementwise.

    Grad: elementwise.
    """
    return lax.neg(softplus(lax.neg(floats("log_sigmoid", x))))


def elu(x: Any, alpha: Any = 1.0) -> Array:
    """x above 0, alpha (exp(x) - 1) else, elementwise.

    Grad: elementwise. Source: Clevert et al. 2015, arXiv:1511.07289.
    """
    x, alpha = _with_parameter("elu", x, alpha)
    positive = above(x, 0)
    return choose(positive, x, lax.mul(alpha, expm1(choose(positive, 0, x))))


def celu(x: Any, alpha: Any = 1.0) -> Array:
    """x above 0, alpha (exp(x / alpha) - 1) else, elementwise.

    Grad: elementwise. Source: Barron 2017, arXiv:1704.07483.
    """
    x, alpha = _with_parameter("celu", x, alpha)
    positive = above(x, 0)
    return choose(positive, x, lax.mul(alpha, expm1(lax.div(choose(positive, 0, x), alpha))))


_SELU_ALPHA = 1.6732632423543772848170429916717
_SELU_SCALE = 1.0507009873554804934193349852946


def selu(x: Any) -> Array:
    """elu with the slope and alpha that keep mean 0 and variance 1, elementwise.

    Grad: elementwise. Source: Klambauer et al. 2017, arXiv:1706.02515.
    """
    y = elu(x, _SELU_ALPHA)
    return lax.mul(number(y, _SELU_SCALE), y)


def leaky_relu(x: Any, negative_slope: Any = 0.01) -> Array:
    """x, or x times a slope where negative, elementwise.

    Grad: elementwise, 1 at 0.
    """
    x, slope = _with_parameter("leaky_relu", x, negative_slope)
    return choose(lax.ge(x, number(x, 0)), x, lax.mul(slope, x))


def hard_tanh(x: Any) -> Array:
    """x cut to [-1, 1], elementwise.

    Grad: elementwise, 1 at -1 and 1.
    """
    x = value("hard_tanh", x)
    return choose(above(x, 1), 1, choose(below(x, -1), -1, x))


def hard_sigmoid(x: Any) -> Array:
    """relu6(x + 3) / 6, elementwise.

    Grad: elementwise.
    """
    x = floats("hard_sigmoid", x)
    return lax.div(relu6(lax.add(x, number(x, 3))), number(x, 6))


def hard_silu(x: Any) -> Array:
    """x hard_sigmoid(x), elementwise; also called hard_swish.

    Grad: elementwise. Source: Howard et al. 2019, arXiv:1905.02244.
    """
    x = floats("hard_silu", x)
    return lax.mul(x, hard_sigmoid(x))


hard_swish = hard_silu


def gelu(x: Any, approximate: bool = True) -> Array:
    """x times the normal distribution function of x, elementwise; by tanh if `approximate`.

    Grad: elementwise. Source: Hendrycks & Gimpel 2016, arXiv:1606.08415.
    """
    x = floats("gelu", x)
    half = number(x, 0.5)
    if approximate:
        cubic = lax.add(x, lax.mul(number(x, 0.044715), lax.integer_pow(x, 3)))
        inner = lax.mul(number(x, math.sqrt(2 / math.pi)), cubic)
        return lax.mul(x, lax.mul(half, lax.add(number(x, 1), _tanh(inner))))
    return lax.mul(lax.mul(half, x), lax.erfc(lax.mul(x, number(x, -math.sqrt(0.5)))))


def squareplus(x: Any, b: Any = 4) -> Array:
    """(x + sqrt(x**2 + b)) / 2, elementwise.

    Grad: elementwise. Source: Barron 2021, arXiv:2112.11687.
    """
    x, b = _with_parameter("squareplus", x, b)
    return lax.mul(lax.add(x, sqrt(lax.add(square(x), b))), number(x, 0.5))


def glu(x: Any, axis: int = -1) -> Array:
    """The first half of an axis times the sigmoid of the second half.

    Raises: ValueError if the axis has an odd size. Grad: elementwise. Source: Dauphin et al. 2016, arXiv:1612.08083.
    """
    x = value("glu", x)
    place = core.canonical_axis("glu", axis, x.aval.ndim)
    size = x.shape[place]
    if size % 2:
        raise ValueError(f"glu: axis {axis} must have an even size; got {x.aval.str_short()}.")
    first = lax.slice_in_dim(x, 0, size // 2, axis=place)
    second = lax.slice_in_dim(x, size // 2, size, axis=place)
    return lax.mul(first, lax.logistic(second))


__all__ = [
    "celu",
    "elu",
    "gelu",
    "glu",
    "hard_sigmoid",
    "hard_silu",
    "hard_swish",
    "hard_tanh",
    "identity",
    "leaky_relu",
    "log_sigmoid",
    "mish",
    "relu",
    "relu6",
    "selu",
    "sigmoid",
    "silu",
    "soft_sign",
    "softplus",
    "sparse_plus",
    "sparse_sigmoid",
    "squareplus",
    "swish",
]
