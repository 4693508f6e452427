"""One constructor per family of operations, so that most operations are one line."""

from collections.abc import Callable
from typing import Any

import numpy as np

from numax._engine.core import dtypes
from numax._engine.core.avals import ShapedArray
from numax._engine.core.primitive import (
    Primitive,
    Zero,
    not_differentiable,
    not_linear,
    zero_tangent,
)
from numax._engine.ops.basis import (
    add_tangents,
    batch_elementwise,
    batch_reduce,
    broadcast_in_dim,
    infer_pair,
    infer_reduce,
    lower_pair,
)

ANY = frozenset(dtypes.ALL)
NUMBERS = ANY - {dtypes.bool_}
FLOATS = frozenset(dtypes.FLOATS)
INEXACT = FLOATS | frozenset(dtypes.COMPLEX)
INTEGERS = frozenset(dtypes.SIGNED) | frozenset(dtypes.UNSIGNED)
INTEGERS_AND_BOOL = INTEGERS | {dtypes.bool_}
REALS = NUMBERS - frozenset(dtypes.COMPLEX)
REALS_AND_BOOL = REALS | {dtypes.bool_}
COMPLEX = frozenset(dtypes.COMPLEX)

_KIND_NAMES = {
    ANY: "numbers and booleans",
    NUMBERS: "numbers",
    FLOATS: "real floats",
    INEXACT: "floats and complex numbers",
    INTEGERS: "integers",
    INTEGERS_AND_BOOL: "integers and booleans",
    REALS: "real numbers",
    REALS_AND_BOOL: "real numbers and booleans",
    COMPLEX: "complex numbers",
}


def check_dtype(op: str, x: ShapedArray, accepts: frozenset[Any]) -> None:
    if x.dtype not in accepts:
        raise TypeError(
            f"{op}: accepts {_KIND_NAMES.get(accepts, 'other dtypes')}; got {x.str_short()}. "
            "Convert it with x.astype(dtype)."
        )


def _result(dtype_of: Any, x: ShapedArray) -> ShapedArray:
    if dtype_of is None:
        return x
    dtype = (
        dtype_of(x.dtype) if callable(dtype_of) and not isinstance(dtype_of, np.dtype) else dtype_of
    )
    return ShapedArray(x.shape, dtype, x.weak_type and dtype != dtypes.bool_)


def unary(
    name: str,
    *,
    accepts: frozenset[Any],
    host: Callable[..., Any],
    lower: Callable[..., Any],
    jvp: Any,
    out: Any = None,
    transpose: Any = not_linear,
    light: bool = False,
    compile_from: int | None = None,
) -> Primitive:
    """An elementwise operation of one operand (and parameters).

    jvp: (t, y, x) -> tangent, a formula; or zero_tangent; or not_differentiable(reason).
    out: the result's dtype, or a function of the operand's.
    """

    def infer(x: ShapedArray, **params: Any) -> ShapedArray:
        if x.dtype not in accepts:
            check_dtype(name, x, accepts)
        return x if out is None else _result(out, x)

    if jvp is zero_tangent or isinstance(jvp, not_differentiable):
        derivative = jvp
    else:

        def derivative(primals: Any, tangents: Any, **params: Any) -> Any:
            (x,), (t,) = primals, tangents
            y = prim.bind(x, **params)
            return y, jvp(t, y, x, **params)

    prim = Primitive(
        name=name,
        infer=infer,
        host=host,
        lower=lower,
        jvp=derivative,
        transpose=transpose,
        batch=lambda axis, args, dims, **params: (prim.bind(*args, **params), dims[0]),
        light=light or isinstance(host, np.ufunc),
        compile_from=compile_from,
    )
    return prim


def binary(
    name: str,
    *,
    accepts: frozenset[Any],
    host: Callable[..., Any],
    lower: Callable[..., Any],
    jvp: Any,
    out: Any = None,
    transpose: Any = not_linear,
    light: bool = False,
    compile_from: int | None = None,
) -> Primitive:
    """An elementwise operation of two operands of equal dtype; one of them may have no dimensions.

    jvp: a pair of formulas (t, z, x, y) -> tangent, for the left and for the right operand (None: zero);
    or zero_tangent; or not_differentiable(reason). Formulas may leave a tangent without dimensions: it is broadcast.
    lower: takes operands of equal shapes.
    """

    def infer(x: ShapedArray, y: ShapedArray, **params: Any) -> ShapedArray:
        shape, dtype, weak = infer_pair(name, x, y)
        if dtype not in accepts:
            check_dtype(name, x, accepts)
        return _result(out, ShapedArray(shape, dtype, weak))

    if jvp is zero_tangent or isinstance(jvp, not_differentiable):
        derivative = jvp
    else:
        left_rule, right_rule = jvp

        def derivative(primals: Any, tangents: Any, **params: Any) -> Any:
            x, y = primals
            tx, ty = tangents
            z = prim.bind(x, y, **params)
            left: Any = Zero(z.aval.tangent())
            right: Any = left
            if type(tx) is not Zero and left_rule is not None:
                left = spread(left_rule(tx, z, x, y, **params), z)
            if type(ty) is not Zero and right_rule is not None:
                right = spread(right_rule(ty, z, x, y, **params), z)
            return z, add_tangents(left, right)

    prim = Primitive(
        name=name,
        infer=infer,
        host=host,
        lower=lower_pair(lower),
        jvp=derivative,
        transpose=transpose,
        batch=lambda axis, args, dims, **params: batch(axis, args, dims, **params),
        light=light or isinstance(host, np.ufunc),
        compile_from=compile_from,
    )
    batch = batch_elementwise(prim)
    return prim


def spread(t: Any, z: Any) -> Any:
    """A tangent at the result's shape."""
    if type(t) is Zero or t.aval.shape == z.aval.shape:
        return t
    return broadcast_in_dim(t, z.aval.shape, ())


def compare(
    name: str, *, host: Callable[..., Any], lower: Callable[..., Any], accepts=ANY
) -> Primitive:
    """An elementwise comparison: two operands of equal dtype, a boolean result, no derivative."""
    return binary(name, accepts=accepts, host=host, lower=lower, jvp=zero_tangent, out=dtypes.bool_)


def reducer(
    name: str,
    *,
    accepts: frozenset[Any],
    host: Callable[..., Any],
    lower: Callable[..., Any],
    jvp: Any,
    out: Any = None,
    transpose: Any = not_linear,
) -> Primitive:
    """A reduction of one operand over `axes`. jvp: (t, y, x, axes=...) -> tangent."""

    def infer(x: ShapedArray, *, axes: Any, **params: Any) -> ShapedArray:
        check_dtype(name, x, accepts)
        return _result(out, infer_reduce(name, x, axes))

    if jvp is zero_tangent or isinstance(jvp, not_differentiable):
        derivative = jvp
    else:

        def derivative(primals: Any, tangents: Any, **params: Any) -> Any:
            (x,), (t,) = primals, tangents
            y = prim.bind(x, **params)
            return y, jvp(t, y, x, **params)

    prim = Primitive(
        name=name,
        infer=infer,
        host=host,
        lower=lower,
        jvp=derivative,
        transpose=transpose,
        batch=lambda axis, args, dims, **params: batch(axis, args, dims, **params),
    )
    batch = batch_reduce(prim)
    return prim


def linear(
    name: str,
    *,
    infer: Callable[..., Any],
    host: Callable[..., Any],
    lower: Callable[..., Any],
    transpose: Callable[..., Any],
    batch: Callable[..., Any],
) -> Primitive:
    """An operation of one operand, linear in it: its derivative is itself."""
    prim = Primitive(
        name=name,
        infer=infer,
        host=host,
        lower=lower,
        jvp=lambda primals, tangents, **params: (
            prim.bind(*primals, **params),
            prim.bind(*tangents, **params),
        ),
        transpose=transpose,
        batch=batch,
    )
    return prim
