"""Initial weights: functions that make a function (key, shape, dtype) -> weights."""

import math
from collections.abc import Sequence
from typing import Any, Protocol, runtime_checkable

import numpy as np

from numax import core, lax, random
from numax.core import dtypes
from numax.numpy.promotion import number, to_shape

_CUT_STD = 0.87962566103423978  # of a normal distribution cut at 2 deviations
_CUT_COMPLEX_STD = 0.95311164380491208  # of a complex one cut at radius 2


@runtime_checkable
class Initializer(Protocol):
    """What initializers are: functions of a key, a shape and a dtype."""

    def __call__(
        self, key: Any, shape: Any, dtype: Any = None, out_sharding: Any = None
    ) -> Any: ...


def _dtype(dtype: Any, default: Any) -> Any:
    dtype = default if dtype is None else dtype
    return dtypes.default_dtype(float) if dtype is None else dtypes.canonicalize_dtype(dtype)


def _scaled(x: Any, factor: Any) -> Any:
    if isinstance(factor, int | float | np.generic):
        return lax.mul(x, number(x, factor))
    return lax.mul(x, core.convert(core.as_value(factor), x.dtype))


# ---- of given values ----


def zeros(key: Any, shape: Any, dtype: Any = None, out_sharding: Any = None) -> Any:
    """Zeros; the key is not used.

    Dtypes: the one asked for, float32 by default.
    """
    return core.full(core.canonical_shape("zeros", shape), 0, _dtype(dtype, None))


def ones(key: Any, shape: Any, dtype: Any = None, out_sharding: Any = None) -> Any:
    """Ones; the key is not used.

    Dtypes: the one asked for, float32 by default.
    """
    return core.full(core.canonical_shape("ones", shape), 1, _dtype(dtype, None))


def constant(value: Any, dtype: Any = None) -> Initializer:
    """Weights that are all `value`, which broadcasts.

    Dtypes: the one asked for, float32 by default. Raises: TypeError if value does not broadcast to the shape.
    """

    def init(key: Any, shape: Any, dtype: Any = dtype, out_sharding: Any = None) -> Any:
        filled = core.convert(core.as_value(value, "constant"), _dtype(dtype, None))
        return to_shape(filled, core.canonical_shape("constant", shape))

    return init


# ---- independent random numbers ----


def uniform(scale: Any = 0.01, dtype: Any = None) -> Initializer:
    """Weights uniform in [0, scale).

    Dtypes: the one asked for, a float one; float32 by default.
    """

    def init(key: Any, shape: Any, dtype: Any = dtype, out_sharding: Any = None) -> Any:
        return _scaled(random.uniform(key, shape, _dtype(dtype, None)), scale)

    return init


def normal(stddev: Any = 0.01, dtype: Any = None) -> Initializer:
    """Normal weights of mean 0.

    Dtypes: the one asked for, a float or complex one; float32 by default.
    """

    def init(key: Any, shape: Any, dtype: Any = dtype, out_sharding: Any = None) -> Any:
        return _scaled(random.normal(key, shape, _dtype(dtype, None)), stddev)

    return init


def truncated_normal(
    stddev: Any = 0.01, dtype: Any = None, lower: Any = -2.0, upper: Any = 2.0
) -> Initializer:
    """Normal weights cut at `lower` and `upper` deviations, so that stddev is that of the uncut distribution.

    Dtypes: the one asked for, a float one; float32 by default.
    """

    def init(key: Any, shape: Any, dtype: Any = dtype, out_sharding: Any = None) -> Any:
        return _scaled(
            random.truncated_normal(key, lower, upper, shape, _dtype(dtype, None)), stddev
        )

    return init


# ---- scaled by the numbers of inputs and outputs ----


def _product(shape: Sequence[int], axes: Any) -> int:
    return math.prod([shape[i] for i in (axes if isinstance(axes, tuple | list) else (axes,))])


def _fans(
    shape: Sequence[int], in_axis: Any, out_axis: Any, batch_axis: Any
) -> tuple[float, float]:
    """How many inputs an output has, and the reverse; axes named by none multiply both (a convolution's window)."""
    if len(shape) <= 1:
        raise ValueError(
            f"variance_scaling: Can't compute input and output sizes of a {len(shape)}-dimensional weights tensor. "
            "Must be at least 2D."
        )
    ins, outs = _product(shape, in_axis), _product(shape, out_axis)
    batch = _product(shape, batch_axis)
    window = math.prod(shape) / ins / outs / batch
    return ins * window, outs * window


def _complex_uniform(key: Any, shape: Any, dtype: Any) -> Any:
    """Uniform in the unit disc."""
    key_r, key_theta = random.split(key)
    part = dtypes.finfo(dtype).dtype
    r = lax.sqrt(random.uniform(key_r, shape, part))
    return _polar(r, random.uniform(key_theta, shape, part), dtype)


def _complex_truncated(key: Any, radius: float, shape: Any, dtype: Any) -> Any:
    """Complex normal of variance 1, cut at a radius."""
    key_r, key_theta = random.split(key)
    part = dtypes.finfo(dtype).dtype
    u = random.uniform(key_r, shape, part)
    t = lax.mul(number(u, 1 - math.exp(-(radius**2))), u)
    r = lax.sqrt(lax.neg(lax.log(lax.sub(number(t, 1), t))))
    return _polar(r, random.uniform(key_theta, shape, part), dtype)


def _polar(r: Any, turn: Any, dtype: Any) -> Any:
    angle = lax.mul(number(turn, 2 * math.pi), turn)
    return core.convert(lax.complex(lax.mul(r, lax.cos(angle)), lax.mul(r, lax.sin(angle))), dtype)


def variance_scaling(
    scale: float,
    mode: str,
    distribution: str,
    in_axis: Any = -2,
    out_axis: Any = -1,
    batch_axis: Any = (),
    dtype: Any = None,
) -> Initializer:
    """Random weights of variance scale / n, where n counts inputs, outputs, or their mean.

    Args: mode "fan_in", "fan_out", "fan_avg" or "fan_geo_avg"; distribution "truncated_normal", "normal", "uniform".
    Raises: ValueError for other modes and distributions, or weights of less than two axes.
    """

    def init(key: Any, shape: Any, dtype: Any = dtype, out_sharding: Any = None) -> Any:
        shape = core.canonical_shape("variance_scaling", shape)
        found = _dtype(dtype, None)
        fan_in, fan_out = _fans(shape, in_axis, out_axis, batch_axis)
        sizes = {
            "fan_in": fan_in,
            "fan_out": fan_out,
            "fan_avg": (fan_in + fan_out) / 2,
            "fan_geo_avg": (fan_in * fan_out) ** 0.5,
        }
        if mode not in sizes:
            raise ValueError(
                f"variance_scaling: invalid mode for variance scaling initializer: {mode}. "
                f"Use one of {', '.join(sizes)}."
            )
        if distribution not in _DISTRIBUTIONS:
            raise ValueError(
                f"variance_scaling: invalid distribution for variance scaling initializer: {distribution}. "
                f"Use one of {', '.join(_DISTRIBUTIONS)}."
            )
        plain, disc = _DISTRIBUTIONS[distribution]
        part = dtypes.finfo(found).dtype if dtypes.is_complex(found) else found
        variance = np.array(scale / sizes[mode], part)[()]
        return (
            disc(key, shape, found, variance)
            if part != found
            else plain(key, shape, found, variance)
        )

    return init


def _scaled_normal(key: Any, shape: Any, dtype: Any, variance: Any) -> Any:
    return _scaled(random.normal(key, shape, dtype), np.sqrt(variance))


def _scaled_uniform(key: Any, shape: Any, dtype: Any, variance: Any) -> Any:
    return _scaled(random.uniform(key, shape, dtype, -1), np.sqrt(_of(variance, 3) * variance))


def _scaled_truncated(key: Any, shape: Any, dtype: Any, variance: Any) -> Any:
    deviation = np.sqrt(variance) / _of(variance, _CUT_STD)
    return _scaled(random.truncated_normal(key, -2, 2, shape, dtype), deviation)


def _scaled_disc(key: Any, shape: Any, dtype: Any, variance: Any) -> Any:
    return _scaled(_complex_uniform(key, shape, dtype), np.sqrt(_of(variance, 2) * variance))


def _scaled_complex_truncated(key: Any, shape: Any, dtype: Any, variance: Any) -> Any:
    deviation = np.sqrt(variance) / _of(variance, _CUT_COMPLEX_STD)
    return _scaled(_complex_truncated(key, 2, shape, dtype), deviation)


def _of(like: Any, x: float) -> Any:
    return like.dtype.type(x)


_DISTRIBUTIONS = {
    "truncated_normal": (_scaled_truncated, _scaled_complex_truncated),
    "normal": (_scaled_normal, _scaled_normal),
    "uniform": (_scaled_uniform, _scaled_disc),
}


def glorot_uniform(
    in_axis: Any = -2, out_axis: Any = -1, batch_axis: Any = (), dtype: Any = None
) -> Initializer:
    """Uniform weights of variance 1 / mean(inputs, outputs).

    Source: Glorot & Bengio 2010.
    """
    return variance_scaling(1.0, "fan_avg", "uniform", in_axis, out_axis, batch_axis, dtype)


def glorot_normal(
    in_axis: Any = -2, out_axis: Any = -1, batch_axis: Any = (), dtype: Any = None
) -> Initializer:
    """Normal weights, cut at 2 deviations, of variance 1 / mean(inputs, outputs).

    Source: Glorot & Bengio 2010.
    """
    return variance_scaling(
        1.0, "fan_avg", "truncated_normal", in_axis, out_axis, batch_axis, dtype
    )


def lecun_uniform(
    in_axis: Any = -2, out_axis: Any = -1, batch_axis: Any = (), dtype: Any = None
) -> Initializer:
    """Uniform weights of variance 1 / inputs.

    Source: LeCun et al. 1998.
    """
    return variance_scaling(1.0, "fan_in", "uniform", in_axis, out_axis, batch_axis, dtype)


def lecun_normal(
    in_axis: Any = -2, out_axis: Any = -1, batch_axis: Any = (), dtype: Any = None
) -> Initializer:
    """Normal weights, cut at 2 deviations, of variance 1 / inputs.

    Source: LeCun et al. 1998.
    """
    return variance_scaling(1.0, "fan_in", "truncated_normal", in_axis, out_axis, batch_axis, dtype)


def he_uniform(
    in_axis: Any = -2, out_axis: Any = -1, batch_axis: Any = (), dtype: Any = None
) -> Initializer:
    """Uniform weights of variance 2 / inputs.

    Source: He et al. 2015, arXiv:1502.01852.
    """
    return variance_scaling(2.0, "fan_in", "uniform", in_axis, out_axis, batch_axis, dtype)


def he_normal(
    in_axis: Any = -2, out_axis: Any = -1, batch_axis: Any = (), dtype: Any = None
) -> Initializer:
    """Normal weights, cut at 2 deviations, of variance 2 / inputs.

    Source: He et al. 2015, arXiv:1502.01852.
    """
    return variance_scaling(2.0, "fan_in", "truncated_normal", in_axis, out_axis, batch_axis, dtype)


xavier_uniform, xavier_normal = glorot_uniform, glorot_normal
kaiming_uniform, kaiming_normal = he_uniform, he_normal


# ---- orthogonal ----


def orthogonal(scale: Any = 1.0, column_axis: int = -1, dtype: Any = None) -> Initializer:
    """Random matrices with orthonormal rows or columns, whichever are fewer, times `scale`.

    Args: column_axis holds the columns; all other axes together are the rows.
    Raises: ValueError for weights of less than two axes. Source: Saxe et al. 2013, arXiv:1312.6120.
    """

    def init(key: Any, shape: Any, dtype: Any = dtype, out_sharding: Any = None) -> Any:
        shape = core.canonical_shape("orthogonal", shape)
        if len(shape) < 2:
            raise ValueError(f"orthogonal: initializer requires at least a 2D shape; got {shape}.")
        place = core.canonical_axis("orthogonal", column_axis, len(shape))
        columns = shape[place]
        rows = math.prod(shape) // columns
        sizes = (columns, rows) if rows < columns else (rows, columns)
        a = random.normal(key, sizes, _dtype(dtype, None))
        q, r = lax.linalg.qr(a, full_matrices=False)
        signs = lax.sign(_diagonal(r))
        q = lax.mul(q, lax.broadcast_in_dim(signs, q.shape, (1,)))
        if rows < columns:
            q = lax.transpose(q, (1, 0))
        rest = tuple([n for i, n in enumerate(shape) if i != place])
        return _scaled(
            core.moveaxis(lax.reshape(q, (*rest, columns)), len(shape) - 1, place), scale
        )

    return init


def _diagonal(r: Any) -> Any:
    n = r.shape[0]
    return lax.slice(lax.reshape(r, (n * n,)), (0,), (n * n,), (n + 1,))


def delta_orthogonal(scale: Any = 1.0, column_axis: int = -1, dtype: Any = None) -> Initializer:
    """Convolution kernels that are an orthogonal matrix in the middle and zero elsewhere.

    Raises: ValueError unless the shape has 3 to 5 axes and its last is the largest of the last two.
    Source: Xiao et al. 2018, arXiv:1806.05393.
    """

    def init(key: Any, shape: Any, dtype: Any = dtype, out_sharding: Any = None) -> Any:
        shape = core.canonical_shape("delta_orthogonal", shape)
        if len(shape) not in (3, 4, 5):
            raise ValueError(
                f"delta_orthogonal: Delta orthogonal initializer requires a 3D, 4D or 5D shape; got {shape}."
            )
        if shape[-1] < shape[-2]:
            raise ValueError(
                f"delta_orthogonal: `fan_in` must be less or equal than `fan_out`; got {shape[-2]} and {shape[-1]}."
            )
        found = _dtype(dtype, None)
        square = orthogonal(scale, column_axis, found)(key, (shape[-1], shape[-1]))
        middle = lax.slice_in_dim(square, 0, shape[-2], axis=0)
        window = shape[:-2]
        before = [(n - 1) // 2 for n in window]
        places = [(b, n - 1 - b, 0) for b, n in zip(before, window, strict=True)]
        block = lax.reshape(middle, (*[1] * len(window), *shape[-2:]))
        return lax.pad(block, number(block, 0), [*places, (0, 0, 0), (0, 0, 0)])

    return init


__all__ = [
    "Initializer",
    "constant",
    "delta_orthogonal",
    "glorot_normal",
    "glorot_uniform",
    "he_normal",
    "he_uniform",
    "kaiming_normal",
    "kaiming_uniform",
    "lecun_normal",
    "lecun_uniform",
    "normal",
    "ones",
    "orthogonal",
    "truncated_normal",
    "uniform",
    "variance_scaling",
    "xavier_normal",
    "xavier_uniform",
    "zeros",
]
