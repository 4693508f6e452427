"""Named axes: what `axis_name` of vmap and pmap binds, for the collectives inside to refer to."""

import contextlib
import contextvars
from collections.abc import Iterable, Iterator, Mapping
from types import MappingProxyType
from typing import Any


class AxisFrame:
    """One mapped axis in scope.

    `trace` is the batching trace that maps it; None where the axis is one of devices and the program is recorded.
    """

    __slots__ = ("level", "name", "size", "trace")
    spmd = None

    def __init__(self, name: Any, size: int, trace: Any = None):
        self.name = name
        self.size = size
        self.trace = trace
        self.level = -1 if trace is None else trace.level

    def key(self) -> Any:
        """What distinguishes it, for caches of batched programs."""
        return self.size, self.name

    def __repr__(self) -> str:
        return f"AxisFrame(name={self.name!r}, size={self.size})"


_EMPTY: Mapping[Any, AxisFrame] = MappingProxyType({})
_frames: contextvars.ContextVar[Mapping[Any, AxisFrame]] = contextvars.ContextVar(
    "numax_axes", default=_EMPTY
)


@contextlib.contextmanager
def extend(name: Any, size: int, trace: Any = None) -> Iterator[AxisFrame]:
    """Bind an axis name for a block; an inner binding of the same name hides the outer one. None binds nothing."""
    frame = AxisFrame(name, size, trace)
    if name is None:
        yield frame
        return
    token = _frames.set({**_frames.get(), name: frame})
    try:
        yield frame
    finally:
        _frames.reset(token)


@contextlib.contextmanager
def extend_all(sizes: Iterable[tuple[Any, int]]) -> Iterator[None]:
    """Bind several axis names for a block, none of them mapped by a trace."""
    token = _frames.set({**_frames.get(), **{name: AxisFrame(name, size) for name, size in sizes}})
    try:
        yield
    finally:
        _frames.reset(token)


def find(name: Any) -> AxisFrame:
    """The innermost axis of that name. NameError if there is none."""
    try:
        frame = _frames.get().get(name)
    except TypeError:
        raise TypeError(f"axis name: must be hashable; got {name!r}.") from None
    if frame is None:
        known = ", ".join([repr(n) for n in _frames.get()])
        raise NameError(
            f"unbound axis name: {name}. Bind it around the call with numax.vmap(..., axis_name={name!r}) or numax.pmap"
            f"{f'; bound here: {known}' if known else ''}."
        )
    return frame


def size(name: Any) -> int:
    """The number of elements along an axis in scope."""
    return find(name).size


def names() -> tuple[Any, ...]:
    """All axis names in scope, outermost first."""
    return tuple(_frames.get())


def state() -> tuple[tuple[Any, int], ...]:
    """Names and sizes in scope: part of the key of whatever is cached about a recorded program."""
    frames = _frames.get()
    return tuple([(f.name, f.size) for f in frames.values()]) if frames else ()
