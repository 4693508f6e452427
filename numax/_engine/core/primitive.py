"""Primitive: the record of everything that numax knows about one operation."""

from collections.abc import Callable
from typing import Any

from numax._engine.core.avals import ShapedArray
from numax._engine.core.native import native
from numax._engine.core.trace import NO_RULES, Mode, Trace, Tracer, current

Rule = Callable[..., Any]


class Evaluator:
    """How the base runs an operation on known arrays. `numax/__init__` installs the dispatcher."""

    run: Callable[..., Any]


class Zero:
    """A derivative known to be zero, of the given abstract value."""

    __slots__ = ("aval",)

    def __init__(self, aval: ShapedArray):
        self.aval = aval

    def __repr__(self) -> str:
        return f"Zero({self.aval.short()})"


class Linear:
    """In transpose rules: stands for an input that the operation is linear in, and whose value is not known."""

    __slots__ = ("aval",)

    def __init__(self, aval: ShapedArray):
        self.aval = aval

    def __repr__(self) -> str:
        return f"Linear({self.aval.short()})"


class Primitive:
    """One operation: all its rules, given by name. Immutable. See docs/design.md.

    multiple_results: it gives a list. split, prune: of higher-order operations; None says that the parameters hold no program.
    impl: runs it on known arrays in place of the host rule. light: one result, and a host rule that takes NumPy about as long as a
    ufunc on small arrays. compile_from: eager calls on so many elements or more run compiled, because the host rule is slow; None: never.
    """

    __slots__ = (
        "batch",
        "compile_from",
        "host",
        "impl",
        "infer",
        "jvp",
        "light",
        "lower",
        "multiple_results",
        "name",
        "prune",
        "split",
        "transpose",
    )
    name: str
    infer: Rule
    host: Rule
    lower: Rule
    jvp: Rule
    transpose: Rule
    batch: Rule
    multiple_results: bool
    split: Rule | None
    prune: Rule | None
    impl: Rule | None
    light: bool
    compile_from: int | None

    def __init__(
        self,
        *,
        name: str,
        infer: Rule,
        host: Rule,
        lower: Rule,
        jvp: Rule,
        transpose: Rule,
        batch: Rule,
        multiple_results: bool = False,
        split: Rule | None = None,
        prune: Rule | None = None,
        impl: Rule | None = None,
        light: bool = False,
        compile_from: int | None = None,
    ):
        fill = object.__setattr__
        fill(self, "name", name)
        fill(self, "infer", infer)
        fill(self, "host", host)
        fill(self, "lower", lower)
        fill(self, "jvp", jvp)
        fill(self, "transpose", transpose)
        fill(self, "batch", batch)
        fill(self, "multiple_results", multiple_results)
        fill(self, "split", split)
        fill(self, "prune", prune)
        fill(self, "impl", impl)
        fill(self, "light", light)
        fill(self, "compile_from", compile_from)

    def __setattr__(self, name: str, value: Any) -> None:
        raise AttributeError(f"Primitive: operations are immutable; got a new {name!r}.")

    def bind(self, *args: Any, **params: Any) -> Any:
        """Apply to Arrays and Tracers, in the highest trace among them."""
        top = current.get()
        level = top.level
        for a in args:
            trace = a._trace
            if trace is not None and trace.level > level:
                top = trace
                level = trace.level
        if level < 0:
            return Evaluator.run(self, args, params)
        return top.process(self, args, params)

    def __repr__(self) -> str:
        return self.name


PRIMITIVES: dict[str, Primitive] = {}


def is_linear(x: Any) -> bool:
    return type(x) is Linear


# ---- rules that say "there is none" aloud ----


def zero_tangent(primals: Any, tangents: Any, **params: Any) -> Any:
    """jvp of an operation whose derivative is zero wherever it exists. The caller fills in the Zero."""
    raise AssertionError("zero_tangent is recognised by identity and never called")


def not_linear(ct: Any, *args: Any, **params: Any) -> Any:
    """transpose of an operation that is linear in none of its arguments."""
    raise TypeError("transpose: the operation is not linear in the argument asked for.")


class not_differentiable:  # noqa: N801  (reads as a rule)
    """jvp of an operation that has no derivative; using it raises, with the reason."""

    __slots__ = ("reason",)

    def __init__(self, reason: str):
        self.reason = reason

    def __call__(self, primals: Any, tangents: Any, **params: Any) -> Any:
        raise TypeError(f"not differentiable: {self.reason}")


def on_device(*args: Any, **params: Any) -> Any:
    """host rule of an operation that runs on XLA only. The dispatcher recognises it by identity."""
    raise AssertionError("on_device is recognised by identity and never called")


def host_only(ctx: Any, *args: Any, **params: Any) -> Any:
    """lower rule of an operation that has no compiled form."""
    raise TypeError("lower: the operation runs eagerly only.")


if native is not None:  # bind, in C
    native.set_engine(Primitive, Tracer, Trace, Mode, Evaluator, current, NO_RULES, on_device)
