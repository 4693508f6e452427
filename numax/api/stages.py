"""The steps of compilation as objects: Traced, Lowered, Compiled; make_jaxpr and eval_shape."""

import functools
from collections.abc import Callable, Sequence
from typing import Any

from numax._engine import dispatch, runtime, stablehlo
from numax._engine.core import config, tree
from numax._engine.core.avals import ShapedArray
from numax._engine.core.dtypes import as_dtype
from numax._engine.core.facade import LateModule
from numax._engine.core.ir import ClosedJaxpr
from numax.api import jit as jit_module
from numax.api.jit import (
    Entry,
    Jitted,
    abstract,
    as_argument,
    merge,
    name_of,
    pruned,
    trace_function,
)

key_reuse = LateModule("numax._engine.control.key_reuse")  # the check of an option


class ShapeDtypeStruct:
    """A shape and a dtype, in place of an array, where no numbers are needed."""

    __slots__ = ("dtype", "shape", "sharding", "weak_type")

    def __init__(
        self,
        shape: Any,
        dtype: Any,
        *,
        sharding: Any = None,
        weak_type: bool = False,
        vma: Any = None,
    ):
        self.shape = tuple(shape)
        if dtype is None:
            raise ValueError("ShapeDtypeStruct: dtype must not be None.")
        self.dtype = as_dtype(dtype)
        self.sharding = sharding
        self.weak_type = weak_type

    @property
    def ndim(self) -> int:
        return len(self.shape)

    @property
    def size(self) -> int:
        size = 1
        for n in self.shape:
            size *= n
        return size

    def update(self, **changes: Any) -> "ShapeDtypeStruct":
        fields = {name: getattr(self, name) for name in self.__slots__} | changes
        return ShapeDtypeStruct(
            fields["shape"],
            fields["dtype"],
            sharding=fields["sharding"],
            weak_type=fields["weak_type"],
        )

    def __len__(self) -> int:
        if not self.shape:
            raise TypeError("len: a ShapeDtypeStruct of no dimensions has no length.")
        return self.shape[0]

    def __eq__(self, other: object) -> bool:
        return (
            isinstance(other, ShapeDtypeStruct)
            and self.shape == other.shape
            and self.dtype == other.dtype
            and self.weak_type == other.weak_type
            and self.sharding == other.sharding
        )

    def __hash__(self) -> int:
        return hash((self.shape, self.dtype, self.weak_type))

    def __repr__(self) -> str:
        weak = ", weak_type=True" if self.weak_type else ""
        return f"ShapeDtypeStruct(shape={self.shape}, dtype={self.dtype.name}{weak})"


class ArgInfo(ShapeDtypeStruct):
    """An argument of a lowered function: its type, and whether it is donated."""

    __slots__ = ("donated",)

    def __init__(self, aval: ShapedArray, donated: bool):
        super().__init__(aval.shape, aval.dtype, weak_type=aval.weak_type)
        self.donated = donated


def structs(avals: Sequence[ShapedArray]) -> list[ShapeDtypeStruct]:
    return [ShapeDtypeStruct(a.shape, a.dtype, weak_type=a.weak_type) for a in avals]


class Traced:
    """A function traced for given argument types."""

    def __init__(
        self, fun_name: str, entry: Entry, in_tree: Any, donated: tuple[int, ...], options: Any
    ):
        self.fun_name = fun_name
        self._entry = entry
        self.in_tree = in_tree
        self._donated = donated
        self._options = options

    @property
    def jaxpr(self) -> ClosedJaxpr:
        return self._entry.closed

    @property
    def out_tree(self) -> Any:
        return self._entry.out_tree

    @property
    def out_info(self) -> Any:
        return tree.unflatten(self.out_tree, structs(self._entry.closed.out_avals))

    @property
    def in_avals(self) -> Any:
        return tree.unflatten(self.in_tree, self._entry.closed.in_avals)

    @property
    def args_info(self) -> Any:
        avals = self._entry.closed.in_avals
        infos = [ArgInfo(a, i in self._donated) for i, a in enumerate(avals)]
        return tree.unflatten(self.in_tree, infos)

    def lower(self, *, lowering_platforms: Sequence[str] | None = None) -> "Lowered":
        """To StableHLO."""
        if self._entry.outer:
            raise ValueError(
                f"lower: `{self.fun_name}` closes over values of an enclosing transformation. Pass them as arguments."
            )
        return Lowered(self)


class Lowered:
    """A function as StableHLO."""

    def __init__(self, traced: Traced):
        self._traced = traced
        platform = runtime.backend().platform
        self._module = stablehlo.walk.lower(
            pruned(traced.jaxpr),
            f"jit_{traced.fun_name}",
            platform,
            donated=traced._donated,
            kernels=runtime.kernels(platform),
        )

    @property
    def args_info(self) -> Any:
        return self._traced.args_info

    @property
    def in_tree(self) -> Any:
        return self._traced.in_tree

    @property
    def out_tree(self) -> Any:
        return self._traced.out_tree

    @property
    def out_info(self) -> Any:
        return self._traced.out_info

    def as_text(self, dialect: str | None = None, *, debug_info: bool = False) -> str:
        """The module's text. dialect: 'stablehlo' (the default), or 'hlo' for what XLA makes of it."""
        if dialect in (None, "stablehlo"):
            return self._module.text
        if dialect == "hlo":
            return self.compile().as_text()
        raise ValueError(f"as_text: unknown dialect {dialect!r}. Use 'stablehlo' or 'hlo'.")

    def cost_analysis(self) -> Any:
        return self.compile().cost_analysis()

    def compile(self, compiler_options: dict[str, Any] | None = None) -> "Compiled":
        """With XLA, as a call of the jitted function does. Options add to those that jit was given."""
        traced = self._traced
        options = tuple(sorted((dict(traced._options) | (compiler_options or {})).items()))
        program = dispatch.compile_program(
            pruned(traced.jaxpr), f"jit_{traced.fun_name}", traced._donated, options
        )
        return Compiled(traced, program)


class Compiled:
    """A compiled function, for the argument types it was traced for."""

    def __init__(self, traced: Traced, program: Any):
        self._traced = traced
        self._program = program

    @property
    def in_tree(self) -> Any:
        return self._traced.in_tree

    @property
    def out_tree(self) -> Any:
        return self._traced.out_tree

    @property
    def args_info(self) -> Any:
        return self._traced.args_info

    @property
    def out_info(self) -> Any:
        return self._traced.out_info

    @property
    def out_avals(self) -> list[ShapedArray]:
        return self._traced.jaxpr.out_avals

    def as_text(self) -> str:
        """The optimised HLO."""
        return self._program.executable.as_text()

    def cost_analysis(self) -> dict[str, float]:
        return self._program.executable.cost_analysis()

    def memory_analysis(self) -> Any:
        return self._program.executable.memory_analysis()

    def runtime_executable(self) -> Any:
        return self._program.executable

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        leaves, in_tree = tree.flatten((args, kwargs))
        if in_tree != self.in_tree:
            raise TypeError(
                f"compiled function: the arguments must have the structure it was compiled for; got {in_tree}, compiled "
                f"for {self.in_tree}."
            )
        values = [as_argument(x) for x in leaves]
        for v, a in zip(values, self._traced.jaxpr.in_avals, strict=True):
            if not v.aval.same_type(a):
                raise TypeError(
                    f"compiled function: an argument must have the type it was compiled for; got {v.aval.str_short()}, "
                    f"compiled for {a.str_short()}. Call the jitted function, which compiles again."
                )
        outs = self._program(values)
        return tree.unflatten(self.out_tree, outs)


def trace(jitted: Jitted, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Traced:
    if jitted.statics:
        dynamic, rest, static = jitted.statics.split(args, kwargs)
    else:
        dynamic, rest, static = list(args), kwargs, ((), ())
    leaves, in_tree = tree.flatten((tuple(dynamic), rest))
    stand_ins = [_StandIn(abstract("lower", x)) for x in leaves]
    entry, _ = jitted._trace(stand_ins, in_tree, static, dynamic, rest)
    donated = jitted._donated(args, kwargs, dynamic, rest) if jitted.donates else ()
    donated = dispatch.usable(entry.closed, jitted.name, donated) if donated else ()
    return Traced(jitted.name, entry, in_tree, donated, jitted.options)


class _StandIn:
    __slots__ = ("aval",)

    def __init__(self, aval: ShapedArray):
        self.aval = aval


def make_jaxpr(
    fun: Callable[..., Any],
    static_argnums: int | Sequence[int] = (),
    axis_env: Any = None,
    return_shape: bool = False,
    abstracted_axes: Any = None,
) -> Callable[..., Any]:
    """A function that gives fun's program for its arguments, as a ClosedJaxpr, without running it.

    Args: return_shape (give the result's ShapeDtypeStructs too).
    """
    statics = jit_module.Statics("make_jaxpr", fun, jit_module.as_tuple(static_argnums), None)

    @functools.wraps(fun)
    def make(*args: Any, **kwargs: Any) -> Any:
        dynamic, rest, static = statics.split(args, kwargs)

        @functools.wraps(fun)
        def whole(*positional: Any, **named: Any) -> Any:
            every, fixed = merge(positional, static)
            return fun(*every, **named, **fixed)

        jaxpr, consts, out_tree, _ = trace_function("make_jaxpr", whole, dynamic, rest)
        closed = ClosedJaxpr(jaxpr, consts)
        if config.debug_key_reuse.value:
            key_reuse.check_program(closed)
        if return_shape:
            return closed, tree.unflatten(out_tree, structs(closed.out_avals))
        return closed

    make.__name__ = f"make_jaxpr({name_of(fun)})"
    return make


def eval_shape(fun: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
    """The shapes and dtypes of fun(*args, **kwargs), as ShapeDtypeStructs, without computing anything.

    Arguments may be arrays, or anything with shape and dtype.
    Raises: what fun raises while it is traced.
    """
    jaxpr, _, out_tree, _ = trace_function("eval_shape", fun, args, kwargs)
    return tree.unflatten(out_tree, structs([v.aval for v in jaxpr.outvars]))


__all__ = [
    "ArgInfo",
    "Compiled",
    "Lowered",
    "ShapeDtypeStruct",
    "Traced",
    "eval_shape",
    "make_jaxpr",
]
