"""Products of vectors, matrices and arrays, as sums over shared axes: all are written with lax.dot_general."""

import itertools
import operator
from collections.abc import Sequence
from typing import Any, Never

import numpy as np

from numax import core, lax
from numax.core import Array, dtypes
from numax.numpy.promotion import broadcast, common_shape, no_out, promote_dtypes, to_shape
from numax.numpy.promotion import values as _values

_PLAIN = frozenset([dtypes.float32, dtypes.float64, dtypes.complex64, dtypes.complex128])
_host_of = core.eager.host_of
_wrap = core.eager.wrap_host
_quiet = core.eager.quiet


def _none(a: Any, b: Any) -> Any:
    """Where there is no native product."""
    return NotImplemented


_small_product = getattr(core.native, "matmul", _none)


def quick(host: Any, passes: tuple[str, ...] = (), small: Any = _none) -> Any:
    """A decorator: eager calls with two Arrays of one BLAS type run NumPy's function on the memory.

    host: computes what the general function does, or raises ValueError. passes: the options that it takes too.
    small: does it all for small matrices, or gives NotImplemented.
    """

    def decorate(general: Any) -> Any:
        def fast(a: Any, b: Any, *rest: Any, **options: Any) -> Any:
            if not rest and not options:
                out = small(a, b)
                if out is not NotImplemented:
                    return out
            if type(a) is Array and type(b) is Array and a._t is b._t and a._t.dtype in _PLAIN:
                x = _host_of(a)
                if x is not None and (not options or all(k in passes for k in options)):
                    try:
                        return _wrap(_quiet.run(host, x, b.numpy_(), *rest, **options), a._t)
                    except (
                        ValueError,
                        IndexError,
                        TypeError,
                    ):  # the general way says what is wrong
                        return general(a, b, *rest, **options)
            return general(a, b, *rest, **options)

        fast.__name__ = fast.__qualname__ = general.__name__
        fast.__doc__ = general.__doc__
        fast.__module__ = general.__module__
        fast.__wrapped__ = general  # type: ignore[attr-defined]
        return fast

    return decorate


def sizes_differ(op: str, a: Any, b: Any, kind: type[Exception] = TypeError) -> Exception:
    """TypeError as in JAX; NumPy raises ValueError."""
    return kind(
        f"{op}: contracted sizes differ; got {a.aval.str_short()} and {b.aval.str_short()}. "
        "Transpose one operand or change the axes."
    )


def _operands(op: str, *args: Any) -> list[Any]:
    return promote_dtypes(*_values(op, *args))


def contract(
    a: Any,
    b: Any,
    summed: tuple[Sequence[int], Sequence[int]],
    batch: tuple[Sequence[int], Sequence[int]] = ((), ()),
    precision: Any = None,
    preferred: Any = None,
) -> Any:
    """dot_general, with JAX's argument names for the rest."""
    return lax.dot_general(a, b, (summed, batch), precision, preferred)


# ---- matrices ----


@core.refuses(*core.UFUNC)
@quick(np.matmul, small=_small_product)
def matmul(
    a: Any,
    b: Any,
    *,
    precision: Any = None,
    preferred_element_type: Any = None,
    out_sharding: Any = None,
    **numpy_only: Never,
) -> Array:
    """The matrix product over the last two axes; leading axes broadcast; vectors are rows or columns.

    Shapes: (B..., M, K) and (B..., K, N) -> (B..., M, N); a vector's axis of size 1 is dropped.
    Dtypes: the promoted dtype, or `preferred_element_type`. Raises: ValueError without dimensions; TypeError if inner
    sizes differ. Grad: bilinear. Source: NumPy `matmul`.
    """
    if numpy_only:
        core.no_options("matmul", numpy_only)
    a, b = _operands("matmul", a, b)
    for i, x in enumerate((a, b)):
        if not x.aval.ndim:
            raise ValueError(
                f"matmul input operand {i} must have ndim at least 1, but it has ndim 0. Use * for scalars."
            )
    m, n = a.aval.ndim, b.aval.ndim
    summed = n - 2 if n > 1 else 0
    if a.shape[-1] != b.shape[summed]:
        raise sizes_differ("matmul", a, b)
    if n <= 2:
        return contract(a, b, ((m - 1,), (summed,)), ((), ()), precision, preferred_element_type)
    return _batched_matmul(a, b, precision, preferred_element_type)


def _batched_matmul(a: Any, b: Any, precision: Any, preferred: Any) -> Any:
    """matmul with broadcast leading axes: an axis of size 1 is dropped, and the other side's kept free."""
    lead_a, lead_b = a.shape[:-2], b.shape[:-2]
    count = max(len(lead_a), len(lead_b))
    common_shape("matmul", (lead_a, lead_b))
    places_a, places_b = [], []  # of each leading axis of the result, or None
    for i in range(count):
        i_a, i_b = i - count + len(lead_a), i - count + len(lead_b)
        size_a = lead_a[i_a] if i_a >= 0 else None
        size_b = lead_b[i_b] if i_b >= 0 else None
        both = size_a is not None and size_b is not None
        places_a.append(
            i_a if size_a is not None and not (both and size_a == 1 != size_b) else None
        )
        places_b.append(
            i_b if size_b is not None and not (both and size_b == 1 != size_a) else None
        )
    a, places_a = _without(a, places_a, len(lead_a))
    b, places_b = _without(b, places_b, len(lead_b))
    batch = [
        (p, q) for p, q in zip(places_a, places_b, strict=True) if p is not None and q is not None
    ]
    batch_a, batch_b = [p for p, _ in batch], [q for _, q in batch]
    m, n = a.aval.ndim, b.aval.ndim
    out = contract(a, b, ((m - 1,), (n - 2,)), (batch_a, batch_b), precision, preferred)
    # The result has the batching axes, the free ones of a (its row last), and those of b (its column last).
    free_a = [d for d in range(m - 1) if d not in batch_a]
    free_b = [d for d in range(n) if d not in batch_b and d != n - 2]
    order = []
    for p, q in zip(places_a, places_b, strict=True):
        if p is not None and q is not None:
            order.append(batch_a.index(p))
        elif p is not None:
            order.append(len(batch) + free_a.index(p))
        else:
            order.append(len(batch) + len(free_a) + free_b.index(q))
    if m > 1:
        order.append(len(batch) + len(free_a) - 1)
    order.append(len(batch) + len(free_a) + len(free_b) - 1)
    return lax.transpose(out, order) if order != sorted(order) else out


def _without(x: Any, places: list[Any], count: int) -> tuple[Any, list[Any]]:
    """x with the leading axes that no place names dropped, and the places after that."""
    kept = [p for p in places if p is not None]
    dropped = [d for d in range(count) if d not in kept]
    if not dropped:
        return x, places
    return lax.squeeze(x, dropped), [None if p is None else kept.index(p) for p in places]


def _host_dot(x: np.ndarray, y: np.ndarray) -> Any:
    if not x.ndim or not y.ndim:
        raise ValueError
    return np.dot(x, y)


@core.refuses("out")
@quick(_host_dot, small=_small_product)
def dot(
    a: Any,
    b: Any,
    *,
    precision: Any = None,
    preferred_element_type: Any = None,
    out_sharding: Any = None,
    **numpy_only: Never,
) -> Array:
    """The sum of products over the last axis of `a` and the last but one of `b`; numbers multiply.

    Shapes: (A..., K) and (B..., K, N) -> (A..., B..., N). Dtypes: the promoted dtype, or `preferred_element_type`.
    Raises: TypeError if the summed sizes differ. Grad: bilinear. Source: NumPy `dot`.
    """
    if numpy_only:
        core.no_options("dot", numpy_only)
    a, b = _operands("dot", a, b)
    m, n = a.aval.ndim, b.aval.ndim
    if not m or not n:
        summed: Any = ((), ())
    else:
        summed = ((m - 1,), (max(n - 2, 0),))
        if a.shape[-1] != b.shape[summed[1][0]]:
            raise sizes_differ("dot", a, b)
    return contract(a, b, summed, ((), ()), precision, preferred_element_type)


def _host_inner(x: np.ndarray, y: np.ndarray) -> Any:
    if not x.ndim or not y.ndim:
        raise ValueError
    return np.inner(x, y)


@quick(_host_inner)
def inner(a: Any, b: Any, *, precision: Any = None, preferred_element_type: Any = None) -> Array:
    """The sum of products over the last axes; numbers multiply. Complex numbers are not conjugated.

    Shapes: (A..., K) and (B..., K) -> (A..., B...). Raises: TypeError if the last sizes differ. Grad: bilinear.
    Source: NumPy `inner`.
    """
    a, b = _operands("inner", a, b)
    m, n = a.aval.ndim, b.aval.ndim
    if not m or not n:
        summed: Any = ((), ())
    else:
        summed = ((m - 1,), (n - 1,))
        if a.shape[-1] != b.shape[-1]:
            raise sizes_differ("inner", a, b)
    return contract(a, b, summed, ((), ()), precision, preferred_element_type)


@quick(np.vdot)
def vdot(a: Any, b: Any, *, precision: Any = None, preferred_element_type: Any = None) -> Array:
    """The sum of conj(a) * b over all elements, both flattened.

    Raises: TypeError if the numbers of elements differ. Grad: bilinear (antilinear in a). Source: NumPy `vdot`.
    """
    a, b = _operands("vdot", a, b)
    if a.aval.size != b.aval.size:
        raise sizes_differ("vdot", a, b)
    flat_a, flat_b = _ravel(_conj(a)), _ravel(b)
    return contract(flat_a, flat_b, ((0,), (0,)), ((), ()), precision, preferred_element_type)


def _ravel(x: Any) -> Any:
    return x if x.aval.ndim == 1 else lax.reshape(x, (x.aval.size,))


def _conj(x: Any) -> Any:
    return lax.conj(x) if dtypes.is_complex(x.dtype) else x


@quick(np.outer)
def outer(a: Any, b: Any, out: None = None) -> Array:
    """The products of all elements of `a` with all of `b`, both flattened.

    Shapes: (M,) and (N,) -> (M, N). Raises: NotImplementedError for `out`. Grad: bilinear. Source: NumPy `outer`.
    """
    no_out("outer", out)
    a, b = _operands("outer", a, b)
    a, b = _ravel(a), _ravel(b)
    shape = (a.shape[0], b.shape[0])
    return lax.mul(
        lax.broadcast_in_dim(a, shape, (0,)),
        lax.broadcast_in_dim(b, shape, (1,)),
    )


# ---- vectors ----


@core.refuses(*core.UFUNC)
@quick(np.vecdot, ("axis",))
def vecdot(
    x1: Any,
    x2: Any,
    /,
    *,
    axis: int = -1,
    precision: Any = None,
    preferred_element_type: Any = None,
    **numpy_only: Never,
) -> Array:
    """The sums of conj(x1) * x2 over one axis; the other axes broadcast.

    Raises: ValueError if the sizes of the axis differ. Grad: bilinear (antilinear in x1). Source: NumPy `vecdot`.
    """
    if numpy_only:
        core.no_options("vecdot", numpy_only)
    a, b = _operands("vecdot", x1, x2)
    for x in (a, b):
        if not x.aval.ndim:
            raise IndexError("vecdot: operands need at least one dimension; got a scalar. Use *.")
    axis_a = core.canonical_axis("vecdot", axis, a.aval.ndim)
    axis_b = core.canonical_axis("vecdot", axis, b.aval.ndim)
    if a.shape[axis_a] != b.shape[axis_b]:
        raise ValueError(
            f"vecdot: axes must match; got shapes {a.shape} and {b.shape} with axis={axis}. Reshape one operand."
        )
    a = core.moveaxis(_conj(a), axis_a, a.aval.ndim - 1)
    b = core.moveaxis(b, axis_b, b.aval.ndim - 1)
    rows = lax.expand_dims(a, (a.aval.ndim - 1,))
    columns = lax.expand_dims(b, (b.aval.ndim,))
    out = _times(rows, columns, precision, preferred_element_type)
    return lax.squeeze(out, (out.aval.ndim - 2, out.aval.ndim - 1))


def _times(a: Any, b: Any, precision: Any = None, preferred: Any = None) -> Any:
    """matmul of values of at least two dimensions."""
    if b.aval.ndim == 2:
        return contract(a, b, ((a.aval.ndim - 1,), (0,)), ((), ()), precision, preferred)
    return _batched_matmul(a, b, precision, preferred)


def _need(op: str, x: Any, ndim: int) -> None:
    if x.aval.ndim < ndim:
        raise ValueError(
            f"{op}: an operand does not have enough dimensions; got {x.aval.str_short()}, {ndim} at least are needed."
        )


@core.refuses(*core.UFUNC)
def matvec(x1: Any, x2: Any, /, **numpy_only: Never) -> Array:
    """Matrices times vectors; leading axes broadcast.

    Shapes: (B..., M, N) and (B..., N) -> (B..., M). Raises: ValueError if there are too few axes or sizes
    differ. Grad: bilinear. Source: NumPy `matvec`.
    """
    if numpy_only:
        core.no_options("matvec", numpy_only)
    a, b = _operands("matvec", x1, x2)
    _need("matvec", a, 2)
    _need("matvec", b, 1)
    if a.shape[-1] != b.shape[-1]:
        raise sizes_differ("matvec", a, b, ValueError)
    out = _times(a, lax.expand_dims(b, (b.aval.ndim,)))
    return lax.squeeze(out, (out.aval.ndim - 1,))


@core.refuses(*core.UFUNC)
def vecmat(x1: Any, x2: Any, /, **numpy_only: Never) -> Array:
    """Conjugated vectors times matrices; leading axes broadcast.

    Shapes: (B..., N) and (B..., N, M) -> (B..., M). Raises: ValueError if there are too few axes or sizes
    differ. Grad: bilinear (antilinear in x1). Source: NumPy `vecmat`.
    """
    if numpy_only:
        core.no_options("vecmat", numpy_only)
    a, b = _operands("vecmat", x1, x2)
    _need("vecmat", a, 1)
    _need("vecmat", b, 2)
    if a.shape[-1] != b.shape[-2]:
        raise sizes_differ("vecmat", a, b, ValueError)
    out = _times(lax.expand_dims(_conj(a), (a.aval.ndim - 1,)), b)
    return lax.squeeze(out, (out.aval.ndim - 2,))


def _host_cross(x: np.ndarray, y: np.ndarray) -> Any:
    if x.shape[-1] != 3 or y.shape[-1] != 3:
        raise ValueError
    after, before = [1, 2, 0], [2, 0, 1]
    return x[..., after] * y[..., before] - x[..., before] * y[..., after]


@quick(_host_cross)
def cross(
    a: Any, b: Any, axisa: int = -1, axisb: int = -1, axisc: int = -1, axis: int | None = None
) -> Array:
    """The cross product of vectors of 3 (or 2) components; the other axes broadcast.

    Two vectors of 2 components give the third component alone. Raises: ValueError for other sizes. Grad: bilinear.
    Source: NumPy `cross`.
    """
    if axis is not None:
        axisa = axisb = axisc = axis
    a, b = _operands("cross", a, b)
    parts = []
    for x, where in ((a, axisa), (b, axisb)):
        place = core.canonical_axis("cross", where, x.aval.ndim)
        if x.shape[place] not in (2, 3):
            raise ValueError(
                f"cross: Dimension must be either 2 or 3 for cross product; got {x.aval.str_short()}, axis {where}."
            )
        parts.append([lax.index_in_dim(x, i, place, False) for i in range(x.shape[place])])
    (a0, a1, *a2), (b0, b1, *b2) = parts

    def minus(p: Any, q: Any, r: Any, s: Any) -> Any:
        """p q - r s, where a missing third component is 0."""
        left = _product(p, q)
        right = _product(r, s)
        if left is None:
            return lax.neg(right)
        return left if right is None else lax.sub(*broadcast("cross", [left, right]))

    last = minus(a0, b1, a1, b0)
    if not a2 and not b2:
        return last
    third_a, third_b = (a2 or [None])[0], (b2 or [None])[0]
    first = minus(a1, third_b, third_a, b1)
    second = minus(third_a, b0, a0, third_b)
    shape = last.shape
    place = core.canonical_axis("cross", axisc, len(shape) + 1)
    columns = [lax.expand_dims(to_shape(x, shape), (place,)) for x in (first, second, last)]
    return lax.concatenate(columns, place)


def _product(x: Any, y: Any) -> Any:
    return None if x is None or y is None else lax.mul(*broadcast("cross", [x, y]))


# ---- arrays ----


def _summed_axes(a: Any, b: Any, axes: Any) -> tuple[tuple[int, ...], tuple[int, ...]]:
    m, n = a.aval.ndim, b.aval.ndim
    if isinstance(axes, int | np.integer) or not hasattr(axes, "__len__"):
        count = max(operator.index(axes), 0)
        if count > min(m, n):
            raise TypeError(
                f"tensordot: Number of tensordot axes (axes {axes}) exceeds input ranks ({a.shape} and {b.shape})."
            )
        return tuple(range(m - count, m)), tuple(range(count))
    if len(axes) != 2:
        raise TypeError(
            f"tensordot: `axes` must be an int or a pair of axes or lists of axes; got {axes!r}."
        )
    first, second = [(x,) if isinstance(x, int | np.integer) else tuple(x) for x in axes]
    if len(first) != len(second):
        raise TypeError(
            f"tensordot: both lists of axes must be as long; got {list(first)} and {list(second)}."
        )
    return core.canonical_axes("tensordot", first, m), core.canonical_axes("tensordot", second, n)


def _host_tensordot(x: np.ndarray, y: np.ndarray, axes: Any = 2) -> Any:
    if isinstance(axes, int):
        if not 0 < axes <= min(x.ndim, y.ndim):
            raise ValueError
        if axes == 1 and y.ndim <= 2:
            return np.dot(x, y)
    return np.tensordot(x, y, axes)


@quick(_host_tensordot, ("axes",))
def tensordot(
    a: Any,
    b: Any,
    axes: Any = 2,
    *,
    precision: Any = None,
    preferred_element_type: Any = None,
    out_sharding: Any = None,
) -> Array:
    """The sum of products over chosen axes: the last `axes` of a and the first of b, or two lists of axes.

    Shapes: the free axes of a, then those of b. Raises: TypeError if axes or sizes do not fit. Grad: bilinear.
    Source: NumPy `tensordot`.
    """
    a, b = _operands("tensordot", a, b)
    summed = _summed_axes(a, b, axes)
    if any(a.shape[i] != b.shape[j] for i, j in zip(*summed, strict=True)):
        raise TypeError(
            f"tensordot: contracted sizes differ; got {a.aval.str_short()} axes {summed[0]} and "
            f"{b.aval.str_short()} axes {summed[1]}. Transpose one operand or change the axes."
        )
    return contract(a, b, summed, ((), ()), precision, preferred_element_type)


def _host_kron(x: np.ndarray, y: np.ndarray) -> Any:
    if x.ndim != 2 or y.ndim != 2:
        raise ValueError
    (m, n), (p, q) = x.shape, y.shape
    return (x[:, None, :, None] * y[None, :, None, :]).reshape(m * p, n * q)


@quick(_host_kron)
def kron(a: Any, b: Any) -> Array:
    """The Kronecker product: every element of `a` times all of `b`, as blocks.

    Grad: bilinear. Source: NumPy `kron`.
    """
    a, b = _operands("kron", a, b)
    ndim = max(a.aval.ndim, b.aval.ndim)
    own, other = [(1,) * (ndim - x.aval.ndim) + x.shape for x in (a, b)]
    even, odd = tuple(range(0, 2 * ndim, 2)), tuple(range(1, 2 * ndim, 2))
    shape = tuple([n for pair in zip(own, other, strict=True) for n in pair])
    left = lax.broadcast_in_dim(lax.reshape(a, own), shape, even)
    right = lax.broadcast_in_dim(lax.reshape(b, other), shape, odd)
    blocks = [m * n for m, n in zip(own, other, strict=True)]
    return lax.reshape(lax.mul(left, right), tuple(blocks))


def diagonal_last(x: Any, offset: int) -> Any:
    """The diagonals of the matrices in the last two axes, as the last axis: a strided slice of the flat matrices."""
    *lead, rows, columns = x.shape
    size = max(0, min(rows + min(offset, 0), columns - max(offset, 0)))
    top, left = max(-offset, 0), max(offset, 0)
    if not size:
        return core.full((*lead, 0), 0, x.dtype)
    start = (*[0] * len(lead), top, left)
    x = lax.slice(x, start, (*lead, top + size, left + size))
    flat = lax.reshape(x, (*lead, size * size))
    step = (*[1] * len(lead), size + 1)
    return lax.slice(flat, (0,) * len(step), flat.shape, step)


def trace(
    a: Any, offset: int = 0, axis1: int = 0, axis2: int = 1, dtype: Any = None, out: None = None
) -> Array:
    """The sum along a diagonal of two axes.

    Dtypes: booleans and narrow integers become int32 (uint32), or `dtype`. Raises: NotImplementedError for `out`.
    Grad: linear. Source: NumPy `trace`.
    """
    no_out("trace", out)
    (x,) = _values("trace", a)
    first = core.canonical_axis("trace", axis1, x.aval.ndim)
    second = core.canonical_axis("trace", axis2, x.aval.ndim)
    if first == second:
        raise ValueError(f"trace: axis1 and axis2 cannot be the same; got {axis1} and {axis2}.")
    rest = [d for d in range(x.aval.ndim) if d not in (first, second)]
    order = [*rest, first, second]
    if order != sorted(order):
        x = lax.transpose(x, order)
    x = diagonal_last(x, operator.index(offset))
    x = core.convert(x, _sum_dtype(x.dtype) if dtype is None else dtypes.canonicalize_dtype(dtype))
    return lax.reduce_sum(x, (x.aval.ndim - 1,))


def _sum_dtype(dtype: Any) -> Any:
    """The dtype of sums: integers at least as wide as the default integer."""
    if dtype == dtypes.bool_:
        return dtypes.default_dtype(int)
    wide = dtypes.default_dtype(int)
    if dtypes.is_integer(dtype) and dtypes.itemsize_bits(dtype) < dtypes.itemsize_bits(wide):
        signed = dtypes.is_signed(dtype)
        return wide if signed else dtypes.canonicalize_dtype(f"uint{8 * wide.itemsize}")
    return dtype


# ---- chains ----


def _best_order(sizes: list[int]) -> list[list[int]]:
    """Where to split each stretch of a chain of matrices; matrix i is sizes[i] x sizes[i + 1] (Cormen et al., 15.2)."""
    n = len(sizes) - 1
    cost = [[0] * n for _ in range(n)]
    split = [[0] * n for _ in range(n)]
    for length in range(1, n):
        for i in range(n - length):
            j = i + length
            cost[i][j], split[i][j] = min(
                (cost[i][k] + cost[k + 1][j] + sizes[i] * sizes[k + 1] * sizes[j + 1], k)
                for k in range(i, j)
            )
    return split


@core.refuses("out")
def multi_dot(arrays: Sequence[Any], *, precision: Any = None, **numpy_only: Never) -> Array:
    """The product of a chain of matrices, in the order that costs least. The ends may be vectors.

    Raises: ValueError for fewer than two arrays, or for other ranks; TypeError if sizes differ. Grad: multilinear.
    Source: NumPy `linalg.multi_dot`.
    """
    if numpy_only:
        core.no_options("multi_dot", numpy_only)
    chain = _operands("multi_dot", *arrays)
    if len(chain) < 2:
        raise ValueError(f"multi_dot: at least two arrays are needed; got {len(chain)}.")
    ends = (0, len(chain) - 1)
    for i, x in enumerate(chain):
        if x.aval.ndim != 2 and not (x.aval.ndim == 1 and i in ends):
            raise ValueError(
                f"multi_dot: operands must be matrices, the first and last may be vectors; got {x.aval.str_short()} "
                f"at place {i}."
            )
    row, column = chain[0].aval.ndim == 1, chain[-1].aval.ndim == 1
    if row:
        chain[0] = lax.expand_dims(chain[0], (0,))
    if column:
        chain[-1] = lax.expand_dims(chain[-1], (1,))
    for x, y in itertools.pairwise(chain):
        if x.shape[1] != y.shape[0]:
            raise sizes_differ("multi_dot", x, y)
    split = _best_order([*[x.shape[0] for x in chain], chain[-1].shape[1]])

    def product(i: int, j: int) -> Any:
        if i == j:
            return chain[i]
        k = split[i][j]
        return contract(product(i, k), product(k + 1, j), ((1,), (0,)), ((), ()), precision)

    out = product(*ends)
    kept = [n for n, drop in zip(out.shape, (row, column), strict=True) if not drop]
    return lax.reshape(out, tuple(kept)) if row or column else out


__all__ = [
    "cross",
    "dot",
    "inner",
    "kron",
    "matmul",
    "matvec",
    "multi_dot",
    "outer",
    "tensordot",
    "trace",
    "vdot",
    "vecdot",
    "vecmat",
]
