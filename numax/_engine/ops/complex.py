"""Complex numbers and their parts. Transposes are for the pairing Re(u v): no conjugation, as in JAX."""

from typing import Any

import numpy as np

from numax._engine.core import dtypes
from numax._engine.core.avals import ShapedArray
from numax._engine.core.primitive import Primitive, Zero, is_linear
from numax._engine.core.trace import as_value
from numax._engine.ops.basis import (
    batch_elementwise,
    broadcast_in_dim,
    constant_like,
    infer_pair,
    instantiate,
    lower_pair,
    neg,
    pair,
    unbroadcast,
)
from numax._engine.ops.families import COMPLEX, check_dtype, linear
from numax._engine.stablehlo import hlo

_PART = {dtypes.complex64: dtypes.float32, dtypes.complex128: dtypes.float64}
_WHOLE = {part: whole for whole, part in _PART.items()}


def part_dtype(dtype: Any) -> Any:
    """The dtype of the parts of a complex dtype; other dtypes as they are."""
    return _PART.get(dtype, dtype)


def complex(x: Any, y: Any) -> Any:
    """x + iy, elementwise, of real parts.

    Dtypes: float32 or float64, equal. Raises: TypeError if dtypes or shapes differ. Grad: linear.
    Source: StableHLO `complex`.
    """
    return complex_p.bind(*pair("complex", x, y))


def _complex_infer(x: ShapedArray, y: ShapedArray) -> ShapedArray:
    shape, dtype, weak = infer_pair("complex", x, y)
    if dtype not in _WHOLE:
        raise TypeError(
            f"complex: accepts float32 and float64; got {x.str_short()}. Convert it with x.astype(dtype)."
        )
    return ShapedArray(shape, _WHOLE[dtype], weak)


def _complex_host(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    out = np.empty(np.broadcast_shapes(x.shape, y.shape), _WHOLE[x.dtype])
    out.real = x
    out.imag = y
    return out


def _complex_jvp(primals: Any, tangents: Any) -> Any:
    out = complex_p.bind(*primals)
    if all(type(t) is Zero for t in tangents):
        return out, Zero(out.aval.tangent())
    x, y = [instantiate(t) for t in tangents]
    t = complex_p.bind(x, y)
    if t.aval.shape != out.aval.shape:
        t = broadcast_in_dim(t, out.aval.shape, ())
    return out, t


def _complex_transpose(ct: Any, x: Any, y: Any) -> Any:
    return [
        unbroadcast(real(ct), x.aval) if is_linear(x) else None,
        unbroadcast(neg(imag(ct)), y.aval) if is_linear(y) else None,
    ]


complex_p = Primitive(
    name="complex",
    infer=_complex_infer,
    host=_complex_host,
    lower=lower_pair(hlo.complex),
    jvp=_complex_jvp,
    transpose=_complex_transpose,
    batch=lambda axis, args, dims: _batch_complex(axis, args, dims),
    light=True,
)
_batch_complex = batch_elementwise(complex_p)


def _infer_part(name: str) -> Any:
    def infer(x: ShapedArray) -> ShapedArray:
        check_dtype(name, x, COMPLEX)
        return ShapedArray(x.shape, _PART[x.dtype], x.weak_type)

    return infer


def real(x: Any) -> Any:
    """The real part, elementwise.

    Dtypes: complex; the result is float. Raises: TypeError for real x. Grad: linear. Source: StableHLO `real`.
    """
    return real_p.bind(as_value(x, "real"))


real_p = linear(
    "real",
    infer=_infer_part("real"),
    host=lambda x: x.real,
    lower=hlo.real,
    transpose=lambda ct, x: [complex(ct, constant_like(ct, 0))],
    batch=lambda axis, args, dims: (real_p.bind(*args), dims[0]),
)


def imag(x: Any) -> Any:
    """The imaginary part, elementwise.

    Dtypes: complex; the result is float. Raises: TypeError for real x. Grad: linear. Source: StableHLO `imag`.
    """
    return imag_p.bind(as_value(x, "imag"))


imag_p = linear(
    "imag",
    infer=_infer_part("imag"),
    host=lambda x: x.imag,
    lower=hlo.imag,
    transpose=lambda ct, x: [complex(constant_like(ct, 0), neg(ct))],
    batch=lambda axis, args, dims: (imag_p.bind(*args), dims[0]),
)


def conj(x: Any) -> Any:
    """The complex conjugate, elementwise; the result of a real x is complex.

    Dtypes: complex, float32, float64. Grad: linear. Source: StableHLO `complex`, `negate`.
    """
    x = as_value(x, "conj")
    return conj_p.bind(x, input_dtype=x.aval.dtype)


def _conj_infer(x: ShapedArray, *, input_dtype: Any) -> ShapedArray:
    dtype = _WHOLE.get(x.dtype, x.dtype)
    if dtype not in _PART:
        raise TypeError(f"conj: accepts complex, float32 and float64; got {x.str_short()}.")
    return ShapedArray(x.shape, dtype, x.weak_type)


def _conj_host(x: np.ndarray, *, input_dtype: Any) -> Any:
    return np.conjugate(x) if x.dtype in _PART else x.astype(_WHOLE[x.dtype])


def _conj_lower(ctx: Any, x: Any, *, input_dtype: Any) -> Any:
    if x.dtype in _PART:
        return hlo.complex(ctx, hlo.real(ctx, x), hlo.negate(ctx, hlo.imag(ctx, x)))
    return hlo.complex(ctx, x, hlo.full(ctx, 0, x.shape, x.dtype))


def _conj_transpose(ct: Any, x: Any, *, input_dtype: Any) -> Any:
    return [conj(ct) if input_dtype in _PART else real(ct)]


conj_p = linear(
    "conj",
    infer=_conj_infer,
    host=_conj_host,
    lower=_conj_lower,
    transpose=_conj_transpose,
    batch=lambda axis, args, dims, *, input_dtype: (
        conj_p.bind(*args, input_dtype=input_dtype),
        dims[0],
    ),
)

__all__ = [
    "complex",
    "complex_p",
    "conj",
    "conj_p",
    "imag",
    "imag_p",
    "real",
    "real_p",
]
