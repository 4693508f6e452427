"""Traces and tracers.

A trace gives operations a meaning: run them, record them, differentiate them, batch them. Traces have levels; an
operation goes to the highest trace among its operands and the program being recorded, if any. Values of lower
traces are constants to it. `current` is a contextvar that holds the *mode*: either eager (a `Mode` with the table of
ready-made eager rules) or the `StageTrace` whose program is being recorded.
"""

import contextlib
import contextvars
from collections.abc import Iterator
from typing import Any

from numax._engine.core import config, source
from numax._engine.core.array import Array, from_literal
from numax._engine.core.avals import ShapedArray
from numax._engine.core.errors import (
    ConcretizationTypeError,
    TracerArrayConversionError,
    TracerBoolConversionError,
    TracerIntegerConversionError,
    UnexpectedTracerError,
)
from numax._engine.core.facade import late

# ---- eager rules ----
# (operation, element type, element type or Python type) -> a rule that can run at once. Filled by the eager layer.
RULES32: dict[Any, Any] = {}
RULES64: dict[Any, Any] = {}
NO_RULES: dict[Any, Any] = {}


class Mode:
    """Eager running. `rules` is the table that the fast path looks into; a recording trace has an empty one.
    `epoch` counts the changes of options for the whole process. `level` is below all traces: -1, or 0 where `watch`
    shall see each operation."""

    __slots__ = ("epoch", "level", "rules")
    stage = None
    watch = staticmethod(late("numax._engine.control.key_reuse", "watch"))

    def __init__(self, rules: dict[Any, Any], level: int = -1):
        self.rules = rules
        self.level = level
        self.epoch = 0

    def process(self, prim: Any, args: tuple[Any, ...], params: dict[str, Any]) -> Any:
        return Mode.watch(prim, args, params)


eager = Mode(RULES32)
current: contextvars.ContextVar[Any] = contextvars.ContextVar("numax_mode", default=eager)
depth: contextvars.ContextVar[int] = contextvars.ContextVar("numax_depth", default=0)


def _choose_rules() -> dict[Any, Any]:
    if config.debug_nans.value or config.debug_infs.value or config.debug_key_reuse.value:
        return NO_RULES
    if (
        config.numpy_dtype_promotion.value != "standard"
        or config.numpy_rank_promotion.value != "allow"
    ):
        return NO_RULES
    return RULES64 if config.enable_x64.value else RULES32


def _choose_level() -> int:
    return 0 if config.debug_key_reuse.value else -1


def refresh_mode() -> None:
    """After an option changed for the whole process."""
    eager.rules = _choose_rules()
    eager.level = _choose_level()
    eager.epoch += 1


@contextlib.contextmanager
def eager_mode() -> Iterator[None]:
    """Run operations at once inside the block, also while a program is being recorded."""
    token = current.set(Mode(_choose_rules(), _choose_level()))
    try:
        yield
    finally:
        current.reset(token)


@contextlib.contextmanager
def _option_block() -> Iterator[None]:
    """The `with` block of an option: eager operations inside it go by the options as they are there."""
    if current.get().stage is not None:
        yield
        return
    with eager_mode():
        yield


config.Option.around = config.Around(_option_block, refresh_mode)
refresh_mode()


class Trace:
    """Base of traces. A subclass says what `process` does with an operation."""

    __slots__ = ("alive", "level")
    stage = None
    what = "a transformed function"

    def __init__(self, level: int):
        self.level = level
        self.alive = True

    def process(self, prim: Any, args: tuple[Any, ...], params: dict[str, Any]) -> Any:
        raise TypeError(f"{type(self).__name__} gives operations no meaning.")

    def leaked(self, tracer: Any) -> UnexpectedTracerError:
        where = source.show(tracer._place) if tracer._place else ""
        made = f" It was made at {where}." if where else ""
        return UnexpectedTracerError(
            f"leaked tracer: a value of type {tracer.aval.str_short()} from {self.what} was used after that function "
            f"had returned.{made} Return the value from the function instead of storing it (in a list, a global, an "
            "object's attribute or a closure)."
        )


@contextlib.contextmanager
def new_depth() -> Iterator[int]:
    """Levels: the number of the next trace, while its function runs."""
    level = depth.get() + 1
    token = depth.set(level)
    try:
        yield level
    finally:
        depth.reset(token)


class Tracer:
    """A value whose numbers are not known, or that carries more than its numbers."""

    __slots__ = ("__weakref__", "_place", "_trace")
    _is_traced_array = True
    _t = None
    _place: Any
    aval: ShapedArray
    __array_priority__ = 1000

    @property
    def shape(self) -> tuple[int, ...]:
        return self.aval.shape

    @property
    def dtype(self) -> Any:
        return self.aval.dtype

    @property
    def weak_type(self) -> bool:
        return self.aval.weak_type

    def concrete_(self) -> Any:
        """The known value behind this tracer, if there is one: an Array, else None."""
        return None

    def origin_(self) -> str:
        """One sentence about where the value comes from."""
        place = source.show(self._place) if self._place else None
        return f" The value was made at {place}." if place else ""

    def __repr__(self) -> str:
        return f"{type(self).__name__}<{self.aval.short()}>"


def concrete(x: Any, error: type[Exception], message: str) -> Array:
    """The Array behind `x`, or `error`."""
    if type(x) is Array:
        return x
    known = x.concrete_()
    if known is None:
        raise error(message + x.origin_())
    return known


def _described(x: Any) -> str:
    return f"{x.aval.str_short()} traced by {x._trace.what}"


def to_bool(x: Any) -> bool:
    value = concrete(
        x,
        TracerBoolConversionError,
        f"bool: the truth value of {_described(x)} is not known while tracing. Use numax.numpy.where or "
        "numax.lax.cond in place of `if`, numax.lax.while_loop in place of `while`, & | ~ in place of `and or not`, "
        "or mark the argument as static (static_argnums)."
        if isinstance(x, Tracer)
        else "",
    )
    return bool(value.numpy_())


def to_index(x: Any) -> int:
    value = concrete(
        x,
        TracerIntegerConversionError,
        f"int: {_described(x)} was used as a Python integer (an index of a list, a shape, a range), and its value is "
        "not known while tracing. Use numax.numpy indexing or numax.lax.fori_loop, or mark the argument as static "
        "(static_argnums)."
        if isinstance(x, Tracer)
        else "",
    )
    data = value.numpy_()
    if data.ndim or data.dtype.kind not in "iu":
        raise TypeError(
            f"index: only integer arrays of no dimensions can be an index; got {value.aval.str_short()}."
        )
    return int(data)


def to_number(x: Any, kind: type) -> Any:
    value = concrete(
        x,
        ConcretizationTypeError,
        f"{kind.__name__}: the value of {_described(x)} is not known while tracing. Use x.astype(...) to convert it, "
        "numax.debug.print to see it, or mark the argument as static (static_argnums)."
        if isinstance(x, Tracer)
        else "",
    )
    return kind(value.numpy_())


def to_ndarray(x: Any) -> Any:
    value = concrete(
        x,
        TracerArrayConversionError,
        f"numpy: {_described(x)} was handed to NumPy, and its numbers are not known while tracing. Use numax.numpy in "
        "place of numpy, or numax.pure_callback to call NumPy at run time."
        if isinstance(x, Tracer)
        else "",
    )
    return value.numpy_()


def as_value(x: Any, what: str = "argument") -> Any:
    """`x` as an Array or Tracer. TypeError for what is neither an array nor a number."""
    if type(x) is Array or isinstance(x, Tracer):
        return x
    convert = getattr(x, "__jax_array__", None)
    if convert is not None:
        return as_value(convert())
    try:
        return from_literal(x)
    except TypeError:
        raise TypeError(
            f"{what}: must be an array or a number; got {type(x).__name__}. "
            "Use numax.numpy.asarray for lists of numbers."
        ) from None


def typeof(x: Any) -> ShapedArray:
    """The abstract value (shape, dtype, weak type) of an array or number.

    Raises: TypeError for what is neither.
    """
    return as_value(x, "typeof").aval
