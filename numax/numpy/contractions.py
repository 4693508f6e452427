"""einsum: sums of products named by letters, as pairwise contractions in a good order.

A call's subscripts and shapes give a plan: sums and diagonals of single operands, then dot_general for pairs. Plans are
cached; small eager calls run in NumPy's own loop.
"""

import functools
import importlib
import math
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from numax import core, lax
from numax.core import Array, dtypes
from numax.numpy.linalg_products import diagonal_last
from numax.numpy.promotion import no_out, promote_dtypes
from numax.numpy.promotion import values as _values

_LOOP_SIZE = 4096  # products of fewer terms are summed by numpy.einsum's loop, without BLAS
_LETTERS = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
_BLAS = frozenset([dtypes.float32, dtypes.float64, dtypes.complex64, dtypes.complex128])
_NATIVE = _BLAS | {dtypes.int32, dtypes.int64, dtypes.uint32, dtypes.uint64}
_host_of = core.eager.host_of
_wrap = core.eager.wrap_host
_quiet = core.eager.quiet


def _paths() -> Any:
    """opt_einsum, loaded when an order must be found: it takes 20 ms to import."""
    return importlib.import_module("opt_einsum")


# ---- subscripts ----


def _from_lists(args: Sequence[Any]) -> tuple[str, list[Any]]:
    """The form einsum(a, [0, 1], b, [1, 2], [0, 2]) as letters."""
    operands, lists = list(args[:-1:2]), list(args[1::2])
    output = args[-1] if len(args) % 2 else None
    labels: dict[Any, str] = {}

    def letter(label: Any) -> str:
        if label is Ellipsis:
            return "..."
        if label not in labels:
            labels[label] = ""
        return labels[label]

    named = [label for sub in lists for label in sub if label is not Ellipsis]
    try:
        ordered = sorted(set(named))
    except TypeError:
        raise TypeError(
            "einsum: labels of axes must be integers, or hashable and comparable."
        ) from None
    if len(ordered) > len(_LETTERS):
        raise ValueError(f"einsum: at most {len(_LETTERS)} different labels; got {len(ordered)}.")
    labels.update(zip(ordered, _LETTERS, strict=False))
    text = ",".join("".join(letter(x) for x in sub) for sub in lists)
    if output is not None:
        text += "->" + "".join(letter(x) for x in output)
    return text, operands


def _arguments(subscripts: Any, operands: Sequence[Any]) -> tuple[str, Sequence[Any]]:
    if isinstance(subscripts, str):
        return subscripts, operands
    if not operands:
        raise TypeError(
            f"einsum: subscripts must be a string, or operands and lists in turn; got {type(subscripts).__name__}."
        )
    return _from_lists((subscripts, *operands))


@functools.lru_cache(maxsize=2048)
def _parse(subscripts: str, ranks: tuple[int, ...]) -> tuple[tuple[str, ...], str]:
    """Letters of each operand and of the result, with the ellipsis written out and the result's order decided."""
    text = subscripts.replace(" ", "")
    bad = set(text) - set(_LETTERS) - set(".,->")
    if bad:
        raise ValueError(
            f"einsum: character {min(bad)!r} in {subscripts!r} is no letter. Axes are named by letters."
        )
    left, arrow, output = text.partition("->")
    terms = left.split(",")
    if len(terms) != len(ranks):
        raise ValueError(
            f"einsum: number of einsum subscripts, {len(terms)}, must be equal to the number of operands, {len(ranks)}."
        )
    unused = [c for c in reversed(_LETTERS) if c not in text]
    widths = []
    for i, (term, rank) in enumerate(zip(terms, ranks, strict=True)):
        named = len(term.replace("...", "", 1))
        dots = "..." in term
        if "." in term.replace("...", "", 1):
            raise ValueError(f"einsum: {term!r} has dots that are no single ellipsis '...'.")
        if named > rank or (named < rank and not dots):
            raise ValueError(
                f"einsum: subscript {term!r} does not contain the correct number of indices for operand {i}, "
                f"which has {rank} dimensions."
            )
        widths.append(rank - named if dots else 0)
    width = max(widths, default=0)
    if width > len(unused):
        raise ValueError("einsum: too many dimensions for the letters of the alphabet.")
    rest = "".join(reversed(unused[:width]))
    inputs = tuple(
        term.replace("...", rest[width - w :]) for term, w in zip(terms, widths, strict=True)
    )
    joined = "".join(inputs)
    if not arrow:
        once = sorted(c for c in set(joined) if joined.count(c) == 1 and c not in rest)
        return inputs, rest + "".join(once)
    output = output.replace("...", rest, 1)
    if any(c not in _LETTERS for c in output):
        raise ValueError(f"einsum: the output of {subscripts!r} is not a list of letters.")
    for c in output:
        if output.count(c) > 1:
            raise ValueError(
                f"einsum: output character {c!r} appeared more than once in the output."
            )
        if c not in joined:
            raise ValueError(f"einsum: output character {c!r} did not appear in the input.")
    return inputs, output


def _sizes(inputs: Sequence[str], shapes: Sequence[tuple[int, ...]]) -> dict[str, int]:
    sizes: dict[str, int] = {}
    for i, (term, shape) in enumerate(zip(inputs, shapes, strict=True)):
        for c, n in zip(term, shape, strict=True):
            known = sizes.get(c, 1)
            if known not in (1, n) and n != 1:
                raise ValueError(
                    f"einsum: size of label {c!r} for operand {i} ({n}) does not match previous terms ({known})."
                )
            if c not in sizes or n != 1:
                sizes[c] = n
    return sizes


# ---- plans ----


class _Single(NamedTuple):
    """Work on one operand: axes of size 1 dropped, diagonals taken, axes summed."""

    place: int
    squeezed: tuple[int, ...]
    diagonals: tuple[
        tuple[int, int], ...
    ]  # pairs of axes, one after another; the diagonal goes last
    summed: tuple[int, ...]


class _Pair(NamedTuple):
    """Two operands removed from the list; their contraction is appended."""

    left: int
    right: int
    numbers: Any


class _Plan(NamedTuple):
    text: str
    small: bool  # few terms: numpy.einsum's loop is quickest
    matrices: bool  # numpy.dot of the two operands
    steps: tuple[Any, ...]
    order: tuple[int, ...] | None  # of the result's axes
    shape: tuple[int, ...]


def _single(place: int, term: str, shape: Any, sizes: Any, kept: Any) -> tuple[_Single | None, str]:
    """What an operand needs before it is multiplied; `kept` are the letters used elsewhere."""
    squeezed = tuple(
        i for i, c in enumerate(term) if shape[i] == 1 and (sizes[c] != 1 or term.index(c) != i)
    )
    letters = [c for i, c in enumerate(term) if i not in squeezed]
    pairs = []
    for c in dict.fromkeys(letters):
        while letters.count(c) > 1:
            i = letters.index(c)
            j = letters.index(c, i + 1)
            pairs.append((i, j))
            letters = [x for k, x in enumerate(letters) if k not in (i, j)] + [c]
    summed = tuple(i for i, c in enumerate(letters) if c not in kept)
    out = "".join(c for i, c in enumerate(letters) if i not in summed)
    if not (squeezed or pairs or summed):
        return None, term
    return _Single(place, squeezed, tuple(pairs), summed), out


def _pair_numbers(left: str, right: str, kept: Any) -> tuple[Any, str]:
    shared = [c for c in left if c in right]
    batch = [c for c in shared if c in kept]
    summed = [c for c in shared if c not in kept]
    numbers = (
        (tuple(left.index(c) for c in summed), tuple(right.index(c) for c in summed)),
        (tuple(left.index(c) for c in batch), tuple(right.index(c) for c in batch)),
    )
    out = "".join(batch)
    out += "".join(c for c in left if c not in shared)
    out += "".join(c for c in right if c not in shared)
    return numbers, out


def _order(inputs: Sequence[str], output: str, shapes: Any, optimize: Any) -> list[tuple[int, ...]]:
    """Which operands to contract, one step after another; results go to the end of the list."""
    if len(inputs) <= 2:
        return [tuple(range(len(inputs)))]
    if optimize is False:
        return [(0, 1)] + [(0, len(inputs) - 1 - i) for i in range(1, len(inputs) - 1)]
    how = "optimal" if optimize is True else optimize
    if isinstance(how, tuple):
        how = list(how[1:] if how and isinstance(how[0], str) else how)
    text = ",".join(inputs) + "->" + output
    path, _ = _paths().contract_path(text, *shapes, shapes=True, optimize=how)
    return [tuple(step) for step in path]


@functools.lru_cache(maxsize=2048)
def _plan(subscripts: str, shapes: tuple[tuple[int, ...], ...], optimize: Any) -> _Plan:
    inputs, output = _parse(subscripts, tuple(map(len, shapes)))
    sizes = _sizes(inputs, shapes)
    terms = list(inputs)
    dims = list(shapes)
    steps: list[Any] = []
    for i, term in enumerate(terms):
        elsewhere = set(output).union(*(t for j, t in enumerate(terms) if j != i))
        step, terms[i] = _single(i, term, shapes[i], sizes, elsewhere)
        if step is not None:
            steps.append(step)
        dims[i] = tuple(sizes[c] for c in terms[i])
    for group in _order(terms, output, tuple(dims), optimize):
        for j, place in enumerate(sorted(group, reverse=True)):
            if j == 0:
                current = place
                continue
            rest = [t for k, t in enumerate(terms) if k not in (current, place)]
            kept = set(output).union(*rest)
            left, right = terms[place], terms[current]
            numbers, out = _pair_numbers(left, right, kept)
            steps.append(_Pair(place, current, numbers))
            terms = [*rest, out]
            current = len(terms) - 1
    (last,) = terms
    order = tuple(last.index(c) for c in output)
    terms_count = math.prod(sizes.values())
    return _Plan(
        ",".join(inputs) + "->" + output,
        terms_count <= _LOOP_SIZE,
        _is_dot(steps, order, dims),
        tuple(steps),
        None if order == tuple(range(len(order))) else order,
        tuple(sizes[c] for c in output),
    )


def _is_dot(steps: Sequence[Any], order: tuple[int, ...], dims: Sequence[Any]) -> bool:
    if len(steps) != 1 or type(steps[0]) is not _Pair or order != tuple(range(len(order))):
        return False
    ranks = len(dims[0]), len(dims[1])
    return 1 <= min(ranks) <= max(ranks) <= 2 and steps[0].numbers == (
        ((ranks[0] - 1,), (0,)),
        ((), ()),
    )


# ---- running a plan ----


def _sum(x: Any, axes: tuple[int, ...]) -> Any:
    return (lax.reduce_or if x.dtype == dtypes.bool_ else lax.reduce_sum)(x, axes)


def _run_single(x: Any, step: _Single) -> Any:
    if step.squeezed:
        x = lax.squeeze(x, step.squeezed)
    for i, j in step.diagonals:
        rest = [d for d in range(x.aval.ndim) if d not in (i, j)]
        order = [*rest, i, j]
        x = diagonal_last(lax.transpose(x, order) if order != sorted(order) else x, 0)
    return _sum(x, step.summed) if step.summed else x


def _run(plan: _Plan, operands: list[Any], precision: Any, dtype: Any, product: Any) -> Any:
    for step in plan.steps:
        if type(step) is _Single:
            operands[step.place] = _run_single(operands[step.place], step)
        else:
            right, left = operands.pop(step.right), operands.pop(step.left)
            operands.append(
                product(left, right, step.numbers, precision, preferred_element_type=dtype)
            )
    (x,) = operands
    if plan.order is not None:
        x = lax.transpose(x, plan.order)
    if x.aval.shape != plan.shape:  # axes of size 1 everywhere but in the output
        x = lax.reshape(x, plan.shape)
    return x


def _checked_optimize(optimize: Any) -> Any:
    """Paths as hashable values."""
    if isinstance(optimize, list | tuple):
        return tuple(tuple(x) if isinstance(x, list | tuple) else x for x in optimize)
    return optimize


@core.refuses("out")
def einsum(
    subscripts: Any,
    /,
    *operands: Any,
    out: None = None,
    optimize: Any = "auto",
    precision: Any = None,
    preferred_element_type: Any = None,
    _dot_general: Any = lax.dot_general,
    out_sharding: Any = None,
) -> Array:
    """Sums of products of arrays whose axes are named by letters: `einsum("ij,jk->ik", a, b)`.

    Also with lists of integers after each operand. Axes of size 1 broadcast. `optimize`: a way to find the order of the
    contractions (opt_einsum's names), a path, or False for left to right.
    Dtypes: the promoted dtype, or `preferred_element_type`. Raises: ValueError if subscripts and shapes do not fit.
    Grad: multilinear. Source: NumPy `einsum`; opt_einsum (Smith & Gray 2018).
    """
    no_out("einsum", out)
    if type(subscripts) is not str:
        subscripts, operands = _arguments(subscripts, operands)
    if type(optimize) is not str:
        optimize = _checked_optimize(optimize)
    if preferred_element_type is None and precision is None and _dot_general is lax.dot_general:
        found = _eager(subscripts, operands, optimize)
        if found is not None:
            return found
    ready = promote_dtypes(*_values("einsum", *operands)) if operands else []
    if preferred_element_type is not None:
        preferred_element_type = dtypes.canonicalize_dtype(preferred_element_type)
    plan = _plan(subscripts, tuple([x.aval.shape for x in ready]), optimize)
    x = _run(plan, ready, precision, preferred_element_type, _dot_general)
    if preferred_element_type is not None:
        x = core.convert(x, preferred_element_type, False)
    return x


def _eager(subscripts: str, operands: Sequence[Any], optimize: Any) -> Any:
    """Small products, and products of two matrices, of Arrays of one native type on NumPy; None for all others."""
    t = None
    shapes = []
    for x in operands:
        if type(x) is not Array:
            return None
        if t is None:
            t = x._t
            if t.dtype not in _NATIVE:
                return None
        elif x._t is not t:
            return None
        shapes.append(x.shape)
    if t is None:
        return None
    plan = _plan(subscripts, tuple(shapes), optimize)
    if not plan.small and not plan.matrices:
        return None
    hosts = [_host_of(x) for x in operands]
    if hosts[0] is None:
        return None
    if plan.matrices and t.dtype in _BLAS:
        return _wrap(_quiet.run(np.dot, *hosts), t)
    if not plan.small:
        return None
    out = _quiet.run(np.einsum, plan.text, *hosts)
    if type(out) is np.ndarray and out.base is not None:
        out.setflags(write=False)
    return _wrap(out, t)


def einsum_path(
    subscripts: Any, /, *operands: Any, optimize: Any = "auto"
) -> tuple[list[Any], Any]:
    """The order in which einsum would contract operands, and a table of its costs.

    Differs from NumPy: the path has no first element "einsum_path". Source: opt_einsum `contract_path`.
    """
    subscripts, operands = _arguments(subscripts, operands)
    shapes = [x.aval.shape for x in _values("einsum_path", *operands)]
    inputs, output = _parse(subscripts, tuple(map(len, shapes)))
    _sizes(inputs, shapes)
    text = ",".join(inputs) + "->" + output
    how = "optimal" if optimize is True else optimize
    return _paths().contract_path(text, *shapes, shapes=True, optimize=how)


__all__ = ["einsum", "einsum_path"]
