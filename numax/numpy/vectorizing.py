"""vectorize: functions of scalars (or of arrays of named dimensions) applied along the other axes, by vmap."""

import re
from collections.abc import Callable, Collection
from typing import Any, Never

from numax import api, core
from numax.numpy.promotion import value

_NAME = r"\w+"
_DIMS = rf"\((?:{_NAME}(?:,{_NAME})*)?,?\)"
_ARGUMENTS = rf"(?:{_DIMS}(?:,{_DIMS})*)?"
_SIGNATURE = re.compile(rf"^{_ARGUMENTS}->{_ARGUMENTS}$")

Dims = tuple[str, ...]


def parse_signature(signature: str) -> tuple[list[Dims], list[Dims]]:
    """The names of the core dimensions of each argument and result of "(n,m),(m)->(n)"."""
    text = re.sub(r"\s+", "", signature)
    if not _SIGNATURE.match(text):
        raise ValueError(
            f"vectorize: not a valid gufunc signature: {signature!r}. Write it as '(n,m),(m)->(n)'."
        )
    sides = [
        [tuple(re.findall(_NAME, dims)) for dims in re.findall(_DIMS, side)]
        for side in text.split("->")
    ]
    return sides[0], sides[1]


def _bind_dims(sizes: dict[str, int], shape: tuple[int, ...], dims: Dims, what: str) -> None:
    """Note the sizes of the core dimensions `dims`, the last ones of `shape`; ValueError where they contradict."""
    if len(shape) < len(dims):
        raise ValueError(
            f"vectorize: {what} needs the core dimensions ({','.join(dims)}); got shape {shape}. Add axes with x[None]."
        )
    for name, size in zip(dims, shape[len(shape) - len(dims) :], strict=True):
        if sizes.setdefault(name, size) != size:
            raise ValueError(
                f"vectorize: core dimension {name!r} is {sizes[name]} and, in {what}, {size}; got shape {shape}."
            )


@core.refuses("otypes", "doc", "cache")
def vectorize(
    pyfunc: Callable[..., Any],
    *,
    excluded: Collection[int | str] = frozenset(),
    signature: str | None = None,
    **numpy_only: Never,
) -> Callable[..., Any]:
    """A function of scalars, or of the core dimensions in `signature`, made to take arrays, with broadcasting.

    excluded: positions or names of arguments that are passed on as they are. Unlike NumPy's, the function must be
    traceable; result dtypes come from it.
    Raises: ValueError for a bad signature or sizes that contradict it. Grad: through pyfunc. Source: NumPy `vectorize`.
    """
    if numpy_only:
        core.no_options("vectorize", numpy_only)
    if any(not isinstance(e, int | str) for e in excluded):
        raise TypeError(f"vectorize: excluded holds positions and names; got {set(excluded)!r}.")
    if any(isinstance(e, int) and e < 0 for e in excluded):
        raise ValueError(f"vectorize: excluded has negative positions; got {set(excluded)!r}.")
    if signature is not None:
        parse_signature(signature)

    def vectorized(*args: Any, **kwargs: Any) -> Any:
        named = {k: v for k, v in kwargs.items() if k in excluded or v is None}
        mapped_names = [k for k in kwargs if k not in named]
        positions = [i for i, x in enumerate(args) if i not in excluded and x is not None]
        operands = [args[i] for i in positions] + [kwargs[k] for k in mapped_names]

        def call(*values: Any) -> Any:
            full = list(args)
            for i, v in zip(positions, values, strict=False):
                full[i] = v
            more = dict(zip(mapped_names, values[len(positions) :], strict=True))
            return pyfunc(*full, **named, **more)

        return _apply(call, operands, signature)

    vectorized.__name__ = getattr(pyfunc, "__name__", "vectorized")
    vectorized.__doc__ = pyfunc.__doc__
    vectorized.__wrapped__ = pyfunc  # type: ignore[attr-defined]
    return vectorized


def _apply(call: Callable[..., Any], operands: list[Any], signature: str | None) -> Any:
    values = [value("vectorize", x, i) for i, x in enumerate(operands)]
    if signature is None:
        ins: list[Dims] = [()] * len(values)
        outs = None
    else:
        ins, outs = parse_signature(signature)
        if len(ins) != len(values):
            raise TypeError(
                f"vectorize: the signature {signature!r} takes {len(ins)} arguments; got {len(values)}. "
                "Exclude the others with `excluded`."
            )
    sizes: dict[str, int] = {}
    for i, (x, dims) in enumerate(zip(values, ins, strict=True)):
        _bind_dims(sizes, x.shape, dims, f"argument {i}")
    outer = [x.shape[: len(x.shape) - len(dims)] for x, dims in zip(values, ins, strict=True)]
    ndim = max([len(s) for s in outer], default=0)
    shape = core.lax.broadcast_shapes(*outer) if outer else ()

    def checked(*inner: Any) -> Any:
        return _check_results(call(*inner), outs, dict(sizes), signature)

    mapped = checked
    # From the innermost outer axis to the outermost: an operand is mapped where it has the axis at its full size.
    for k in range(ndim - 1, -1, -1):
        in_axes = []
        for s in outer:
            at = k - (ndim - len(s))
            in_axes.append(0 if at >= 0 and (s[at] != 1 or shape[k] == 1) else None)
        mapped = api.vmap.vmap(mapped, in_axes=tuple(in_axes), axis_size=shape[k])
    squeezed = []
    for x, s in zip(values, outer, strict=True):
        drop = tuple(i for i, n in enumerate(s) if n == 1 and shape[i + ndim - len(s)] != 1)
        squeezed.append(core.lax.squeeze(x, drop) if drop else x)
    return mapped(*squeezed)


def _check_results(
    results: Any, outs: list[Dims] | None, sizes: dict[str, int], signature: str | None
) -> Any:
    """Results as arrays, of the core dimensions that the signature promises."""
    if outs is None:
        return results
    many = isinstance(results, tuple | list)
    found = [value("vectorize", r, i) for i, r in enumerate(results if many else (results,))]
    if len(outs) != len(found):
        raise TypeError(
            f"vectorize: the signature {signature!r} promises {len(outs)} results; the function gave {len(found)}."
        )
    for i, (r, dims) in enumerate(zip(found, outs, strict=True)):
        if len(r.shape) != len(dims):
            raise ValueError(
                f"vectorize: result {i} must have the core dimensions ({','.join(dims)}); got shape {r.shape}."
            )
        _bind_dims(sizes, r.shape, dims, f"result {i}")
    return tuple(found) if many else found[0]


__all__ = ["vectorize"]
