"""associative_scan: all prefix combinations in a logarithmic number of steps.

Source: Blelloch, "Prefix sums and their applications" (1990).
"""

from collections.abc import Callable, Sequence
from typing import Any

from numax._engine.control.record import values_of
from numax._engine.core import tree
from numax._engine.ops.basis import canonical_axis, expand_dims, reshape
from numax._engine.ops.shape import concatenate, rev
from numax._engine.ops.slicing import slice as slice_

__all__ = ["associative_scan"]


def associative_scan(
    fn: Callable[..., Any], elems: Any, reverse: bool = False, axis: int = 0
) -> Any:
    """All partial results of an associative operation along an axis, in O(log n) steps.

    fn(a, b) combines two pytrees like elems, elementwise over `axis`; it must be associative.
    Shapes: leaves (..., n, ...) -> the same. Raises: ValueError if leaves differ in size along the axis; TypeError if fn
    is not callable. Grad: as fn's.
    """
    if not callable(fn):
        raise TypeError(f"associative_scan: fn must be callable; got {type(fn).__name__}.")
    values, structure = values_of("associative_scan", "elems", elems)
    if not values:
        return elems
    places = [canonical_axis("associative_scan", axis, v.aval.ndim) for v in values]
    sizes = {v.aval.shape[p] for v, p in zip(values, places, strict=True)}
    if len(sizes) > 1:
        raise ValueError(
            f"associative_scan: leaves must have equal sizes along axis {axis}; got {sorted(sizes)}."
        )
    if reverse:
        values = [rev(v, (p,)) for v, p in zip(values, places, strict=True)]

    def combine(a: Sequence[Any], b: Sequence[Any]) -> list[Any]:
        result = fn(tree.unflatten(structure, a), tree.unflatten(structure, b))
        outs, own = values_of("associative_scan", "the result of fn", result)
        if own != structure:
            raise TypeError(
                f"associative_scan: fn must return the structure of elems; got {own}, elems is {structure}."
            )
        return outs

    outs = _scan(combine, values, places)
    if reverse:
        outs = [rev(v, (p,)) for v, p in zip(outs, places, strict=True)]
    return tree.unflatten(structure, outs)


def _every(x: Any, axis: int, start: int, stop: int, step: int = 1) -> Any:
    shape = x.aval.shape
    starts, limits, strides = [0] * len(shape), list(shape), [1] * len(shape)
    starts[axis], limits[axis], strides[axis] = start, stop, step
    return slice_(x, starts, limits, strides)


def _interleave(a: Any, b: Any, axis: int) -> Any:
    """a0 b0 a1 b1 ...; a has as many elements as b, or one more."""
    n, m = a.aval.shape[axis], b.aval.shape[axis]
    shape = a.aval.shape
    whole = (*shape[:axis], 2 * m, *shape[axis + 1 :])
    first = expand_dims(_every(a, axis, 0, m), (axis + 1,))
    mixed = reshape(concatenate([first, expand_dims(b, (axis + 1,))], axis + 1), whole)
    return mixed if n == m else concatenate([mixed, _every(a, axis, m, n)], axis)


def _scan(combine: Any, elems: list[Any], places: list[int]) -> list[Any]:
    n = elems[0].aval.shape[places[0]]
    if n < 2:
        return elems
    pairs = list(zip(elems, places, strict=True))
    # combine neighbours, scan those, and fill in the elements between
    reduced = combine(
        [_every(e, p, 0, n - 1, 2) for e, p in pairs], [_every(e, p, 1, n, 2) for e, p in pairs]
    )
    odd = _scan(combine, reduced, places)
    count = n // 2
    if n % 2 == 0:
        before = [_every(o, p, 0, count - 1) for o, p in zip(odd, places, strict=True)]
    else:
        before = odd
    rest = [_every(e, p, 2, n, 2) for e, p in pairs]
    even = combine(before, rest) if rest[0].aval.shape[places[0]] else rest
    even = [concatenate([_every(e, p, 0, 1), x], p) for (e, p), x in zip(pairs, even, strict=True)]
    return [_interleave(a, b, p) for a, b, p in zip(even, odd, places, strict=True)]
