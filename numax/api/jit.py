"""jit: compile a function once for each combination of its arguments' types, and call that."""

import functools
import inspect
import operator
import weakref
from collections.abc import Callable, Iterable, Sequence
from typing import Any, ClassVar

import numpy as np

from numax._engine import dispatch, runtime
from numax._engine.control.call import bind_programs, jit_p
from numax._engine.core import axes, config, tree
from numax._engine.core.array import Array, from_literal
from numax._engine.core.avals import ShapedArray
from numax._engine.core.facade import LateModule, late
from numax._engine.core.ir import ClosedJaxpr, intern
from numax._engine.core.native import native
from numax._engine.core.stage import split_tracers, trace_to_jaxpr
from numax._engine.core.trace import Tracer, as_value, current, eager
from numax._engine.transforms.partial_eval import prune_program

key_reuse = LateModule("numax._engine.control.key_reuse")  # the check of an option


def trace_key() -> Any:
    """Options that change what a traced function means."""
    return config.traced_values(), axes.state()


class Entry:
    """A traced function for one combination of argument types."""

    __slots__ = (
        "closed",
        "donated",
        "name",
        "out_tree",
        "outer",
        "program",
        "rebuild",
        "run",
        "single",
    )

    def __init__(self, closed: ClosedJaxpr, outer: list[Tracer], out_tree: Any, name: str):
        self.closed = closed
        self.outer = [weakref.ref(t) for t in outer]
        self.out_tree = out_tree
        self.name = name
        self.program: Any = None
        self.run: Any = None  # the program's __call__
        self.rebuild: Any = None  # the results' pytree, from its leaves
        self.donated: tuple[int, ...] = ()
        self.single = out_tree.num_leaves == out_tree.num_nodes == 1

    @property
    def alive(self) -> bool:
        return all((t := r()) is not None and t._trace.alive for r in self.outer)


def pruned(closed: ClosedJaxpr) -> ClosedJaxpr:
    """The program without what its results do not need, in loops and branches too."""
    return prune_program(closed, (True,) * len(closed.jaxpr.outvars), True)[0]


def name_of(fun: Any) -> str:
    while isinstance(fun, functools.partial):
        fun = fun.func
    return getattr(fun, "__name__", None) or type(fun).__name__


def as_tuple(x: Any) -> tuple[Any, ...]:
    if x is None:
        return ()
    if isinstance(x, str) or not isinstance(x, Iterable):
        return (x,)
    return tuple(x)


class Statics:
    """Which arguments are static, by number or by name, of a function."""

    def __init__(self, op: str, fun: Callable[..., Any], argnums: Any, argnames: Any):
        self.op = op
        nums = tuple(operator.index(i) for i in as_tuple(argnums))
        names = as_tuple(argnames)
        if any(not isinstance(n, str) for n in names):
            raise TypeError(f"{op}: argument names must be strings; got {names!r}.")
        try:
            parameters = list(inspect.signature(fun).parameters.values())
        except (TypeError, ValueError):
            parameters = []
        places = {
            p.name: i
            for i, p in enumerate(parameters)
            if p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD)
        }
        variadic = any(p.kind is p.VAR_POSITIONAL for p in parameters)
        open_names = any(p.kind is p.VAR_KEYWORD for p in parameters)
        known = {p.name for p in parameters}
        if parameters:
            for i in nums:
                if not variadic and not -len(places) <= i < len(places):
                    raise ValueError(
                        f"{op}: argument number {i} is out of range; `{name_of(fun)}` takes {len(places)} by position."
                    )
            for n in names:
                if n not in known and not open_names:
                    raise ValueError(
                        f"{op}: `{name_of(fun)}` has no argument named {n!r}; it has {', '.join(known)}."
                    )
        if variadic or not parameters:
            self.nums = nums
        else:
            self.nums = tuple(i % len(places) if i < 0 else i for i in nums)
        order = [p.name for p in parameters if p.name in places]
        if argnums is not None and argnames is None:
            names = tuple(order[i] for i in self.nums if 0 <= i < len(order))
        elif argnames is not None and argnums is None:
            self.nums = tuple(places[n] for n in names if n in places)
        self.names = names

    def __bool__(self) -> bool:
        return bool(self.nums or self.names)

    def split(
        self, args: Sequence[Any], kwargs: dict[str, Any]
    ) -> tuple[list[Any], dict[str, Any], Any]:
        """Dynamic positional and keyword arguments, and the static ones as a hashable key."""
        count = len(args)
        chosen = {i % count if i < 0 else i for i in self.nums if -count <= i < count}
        dynamic = [a for i, a in enumerate(args) if i not in chosen]
        rest = {k: v for k, v in kwargs.items() if k not in self.names}
        static = (
            tuple((i, Static(args[i])) for i in sorted(chosen)),
            tuple((k, Static(v)) for k, v in sorted(kwargs.items()) if k in self.names),
        )
        try:
            hash(static)
        except TypeError:
            for where, value in (*static[0], *static[1]):
                try:
                    hash(value)
                except TypeError:
                    raise ValueError(
                        f"{self.op}: static argument {where!r} must be hashable; got {type(value.value).__name__}. Use a "
                        "tuple or a frozen dataclass, or make the argument dynamic."
                    ) from None
        return dynamic, rest, static


class Static:
    """A static argument: equal when the type and the value are."""

    __slots__ = ("value",)

    def __init__(self, value: Any):
        self.value = value

    def __hash__(self) -> int:
        return hash(self.value)

    def __eq__(self, other: object) -> bool:
        return (
            isinstance(other, Static)
            and type(self.value) is type(other.value)
            and bool(self.value == other.value)
        )


def merge(args: Sequence[Any], static: Any) -> tuple[list[Any], dict[str, Any]]:
    """Positional arguments with the static ones in place, and the static keywords."""
    by_number, by_name = static
    fixed = dict(by_number)
    rest = iter(args)
    whole = []
    total = len(args) + len(fixed)
    for i in range(total):
        whole.append(fixed[i].value if i in fixed else next(rest))
    return whole, {k: v.value for k, v in by_name}


_quick_call: Any = None
if native is not None:
    _quick_call = native.call
_SCALARS: dict[Any, Array] = {}
_PYTHON = frozenset((int, float, bool, complex))
_ndarray = np.ndarray


def as_argument(x: Any) -> Any:
    """An argument of a compiled function as a value; equal Python numbers share one Array."""
    kind = type(x)
    if kind is Array or isinstance(x, Tracer):
        return x
    if kind in _PYTHON:
        key = (kind, x if x else repr(x), config.enable_x64.value)
        found = _SCALARS.get(key)
        if found is None:
            if len(_SCALARS) > 1024:
                _SCALARS.clear()
            found = _SCALARS[key] = from_literal(x)
        return found
    return as_value(x)


class Quick:
    """How calls that have been seen are flattened: as all pytrees, until jaxlib is loaded and does it faster."""

    flatten: ClassVar[Any] = staticmethod(tree.flatten)

    @classmethod
    def rebuilder(cls, entry: Entry) -> Any:
        """How the results of a program become the function's pytree."""
        if type(entry.program) is not dispatch.Program:
            return functools.partial(tree.unflatten, entry.out_tree)
        cls.flatten = staticmethod(runtime.flattener())
        return runtime.rebuilder(entry.out_tree)


def _results(entry: Entry) -> Any:
    """What the native extension makes of a program's results: None (the only one), list or tuple, or a function of their list."""
    if entry.single:
        return None
    marks = [object() for _ in range(entry.out_tree.num_leaves)]
    whole = entry.rebuild(list(marks))
    if type(whole) in (list, tuple) and len(whole) == len(marks):
        if all(map(operator.is_, whole, marks)):
            return type(whole)
    return entry.rebuild


class Jitted:
    """A compiled function; the result of `jit`."""

    living: ClassVar["weakref.WeakSet[Jitted]"] = weakref.WeakSet()

    def __init__(
        self,
        fun: Callable[..., Any],
        *,
        static_argnums: Any = None,
        static_argnames: Any = None,
        donate_argnums: Any = None,
        donate_argnames: Any = None,
        compiler_options: dict[str, Any] | None = None,
        inline: bool = False,
    ):
        functools.update_wrapper(self, fun)
        self.fun = fun
        self.name = name_of(fun)
        self.statics = Statics("jit", fun, static_argnums, static_argnames)
        self.donates = Statics("jit", fun, donate_argnums, donate_argnames)
        self.options = tuple(sorted((compiler_options or {}).items()))
        self.inline = inline
        self._entries: dict[Any, Entry] = {}
        self._fast: dict[Any, Entry] = {}
        self._known: dict[Any, Any] = {}  # what the native extension calls, by the same keys
        self._epoch = eager.epoch
        self._plain = not self.statics and not self.donates
        Jitted.living.add(self)

    def __get__(self, instance: Any, owner: Any = None) -> Any:
        return self if instance is None else functools.partial(self, instance)

    def __repr__(self) -> str:
        return f"<jitted function {self.name}>"

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        if current.get() is not eager or not self._plain:
            return self._call(args, kwargs, None)
        if self._epoch != eager.epoch:
            self._fast.clear()
            self._known.clear()
            self._epoch = eager.epoch
        if self._known:
            found = _quick_call(self._known, Quick.flatten, args, kwargs)
            if found is not NotImplemented:
                return found
        # the key: for arguments that are all arrays their types; else the structure and each leaf's type
        leaves: Any = args
        key: list[Any] = []
        if kwargs:
            try:
                leaves, structure = Quick.flatten((args, kwargs))
            except ValueError:  # keys that cannot be sorted
                return self._call(args, kwargs, None)
            key.append(structure)
        else:
            for a in args:
                if type(a) is not Array:
                    try:
                        leaves, structure = Quick.flatten(args)
                    except ValueError:
                        return self._call(args, kwargs, None)
                    key.append(structure)
                    break
        plain = True
        for a in leaves:
            kind = type(a)
            if kind is Array:
                value = a._np
                key.append(a._t)
                key.append(a._shape if value is None else value.shape)
            elif kind is _ndarray:
                plain = False
                key.append(a.dtype)
                key.append(a.shape)
            elif kind in _PYTHON:
                plain = False
                key.append(kind)
            else:
                return self._call(args, kwargs, None)
        fast = tuple(key)
        entry = self._fast.get(fast)
        if entry is None:
            whole = (args, kwargs) if kwargs else args
            known = leaves is args or tree.are_leaves(leaves, whole)
            return self._call(args, kwargs, fast if known else None)
        if not plain:
            leaves = [a if type(a) is Array else as_argument(a) for a in leaves]
        outs = entry.run(leaves)
        return outs[0] if entry.single else entry.rebuild(outs)

    # ---- the general way ----

    def _call(self, args: tuple[Any, ...], kwargs: dict[str, Any], fast: Any) -> Any:
        if config.disable_jit.value:
            return self.fun(*args, **kwargs)
        entry, outer, values, donated = self._entry(args, kwargs)
        mode = current.get()
        if not outer and mode.stage is None and all(type(v) is Array for v in values):
            program = entry.program
            if program is None or donated != entry.donated:
                program = entry.program = dispatch.program_for(
                    pruned(entry.closed), self.name, donated, self.options
                )
                entry.run = program.__call__
                entry.donated = donated
            if mode.level < 0:
                outs = program(values)
            else:
                numbers = key_reuse.called(entry.closed, values)
                outs = program(values)
                key_reuse.made(outs, numbers)
            if config.debug_nans.value or config.debug_infs.value:
                self._check(outs, args, kwargs)
            elif fast is not None and mode.level < 0:
                entry.rebuild = entry.rebuild or Quick.rebuilder(entry)
                self._fast[fast] = entry
                if _quick_call is not None and type(entry.program) is dispatch.Program:
                    known = entry.program.known()
                    if known is not None:
                        self._known[fast] = (*known, _results(entry))
        else:
            params = {"jaxpr": entry.closed, "name": self.name}
            outs = bind_programs(jit_p, [entry.closed], [*outer, *values], params)
        return outs[0] if entry.single else tree.unflatten(entry.out_tree, outs)

    def _check(self, outs: Sequence[Array], args: Any, kwargs: Any) -> None:
        try:
            dispatch.check_numbers(f"jit of `{self.name}`", outs)
        except FloatingPointError:
            self.fun(*args, **kwargs)  # the operation that makes it raises, at the user's line
            raise

    def _entry(
        self, args: Sequence[Any], kwargs: dict[str, Any]
    ) -> tuple[Entry, list[Any], list[Any], tuple[int, ...]]:
        if self.statics:
            dynamic, rest, static = self.statics.split(args, kwargs)
        else:
            dynamic, rest, static = list(args), kwargs, ((), ())
        leaves, in_tree = tree.flatten((tuple(dynamic), rest))
        try:
            values = [as_argument(x) for x in leaves]
        except TypeError:
            raise self._bad_argument(leaves, dynamic, rest) from None
        types = tuple(
            [(v._t, v.shape) if type(v) is Array else (v.aval.etype, v.aval.shape) for v in values]
        )
        key = (in_tree, types, static, trace_key())
        entry = self._entries.get(key)
        outer = [] if entry is None else [r() for r in entry.outer]
        if entry is None or not entry.alive:
            if config.explain_cache_misses.value and self._entries:
                print(
                    f"jit: `{self.name}` is traced again, for {[f'{t}{list(s)}' for t, s in types]}"
                )
            entry, outer = self._trace(values, in_tree, static, dynamic, rest)
            self._entries[key] = entry
        donated = self._donated(args, kwargs, dynamic, rest) if self.donates else ()
        for i in donated:  # an Array of its own, not the one that equal numbers share
            if type(leaves[i]) in _PYTHON:
                values[i] = as_value(leaves[i])
        return entry, outer, values, donated

    def _bad_argument(self, leaves: Any, dynamic: Any, rest: Any) -> TypeError:
        paths = tree.flatten_with_path((tuple(dynamic), rest))[0]
        for path, leaf in paths:
            try:
                as_argument(leaf)
            except TypeError:
                where = _argument_name(self.fun, path)
                return TypeError(
                    f"jit: argument {where} of `{self.name}` must be an array, a number or a pytree of these; got "
                    f"{leaf!r} of type {type(leaf).__name__}. Mark it as static (static_argnums or static_argnames), or "
                    "register its class as a pytree."
                )
        return TypeError(f"jit: an argument of `{self.name}` is no array.")

    def _trace(
        self, values: Sequence[Any], in_tree: Any, static: Any, dynamic: Any, rest: Any
    ) -> tuple[Entry, list[Tracer]]:
        out_tree: list[Any] = []

        def flat(*leaves: Any) -> list[Any]:
            positional, named = tree.unflatten(in_tree, leaves)
            whole, fixed = merge(positional, static)
            result = self.fun(*whole, **named, **fixed)
            outs, structure = tree.flatten(result)
            out_tree.append(structure)
            return [self._result(x, result) for x in outs]

        notes = argument_notes(self.fun, self.name, dynamic, rest, static)
        jaxpr, consts = trace_to_jaxpr(
            flat, [v.aval for v in values], f"jit of `{self.name}`", notes
        )
        closed, outer = split_tracers(jaxpr, consts)
        if config.debug_key_reuse.value:
            key_reuse.check_program(closed)
        return Entry(intern(closed), outer, out_tree[0], self.name), outer

    def _result(self, x: Any, result: Any) -> Any:
        try:
            return as_value(x)
        except TypeError:
            for path, leaf in tree.flatten_with_path(result)[0]:
                if leaf is x:
                    raise TypeError(
                        f"jit: the result{tree.keystr(path)} of `{self.name}` must be an array or a number; got "
                        f"{x!r} of type {type(x).__name__}. Return arrays, numbers and pytrees of these."
                    ) from None
            raise

    def _donated(self, args: Any, kwargs: Any, dynamic: Any, rest: Any) -> tuple[int, ...]:
        count = len(args)
        chosen = {i % count if i < 0 else i for i in self.donates.nums if -count <= i < count}
        statics = {i % count if i < 0 else i for i in self.statics.nums if -count <= i < count}
        flags: list[bool] = []
        for i, a in enumerate(args):
            if i not in statics:
                flags += [i in chosen] * len(tree.flatten(a)[0])
        for k in sorted(rest):
            flags += [k in self.donates.names] * len(tree.flatten(rest[k])[0])
        return tuple(i for i, f in enumerate(flags) if f)

    # ---- ahead of time ----

    def trace(self, *args: Any, **kwargs: Any) -> Any:
        """The function as a program for these arguments (arrays or ShapeDtypeStructs): a Traced."""
        return Stages.trace(self, args, kwargs)

    def lower(self, *args: Any, **kwargs: Any) -> Any:
        """The function's StableHLO for these arguments: a Lowered."""
        return self.trace(*args, **kwargs).lower()

    def eval_shape(self, *args: Any, **kwargs: Any) -> Any:
        """The shapes and dtypes of the result, without running."""
        return self.trace(*args, **kwargs).out_info

    def clear_cache(self) -> None:
        self._entries.clear()
        self._fast.clear()
        self._known.clear()

    def _cache_size(self) -> int:
        return len(self._entries)


class Stages:
    """Ahead-of-time stages: stages.py stands above this file."""

    trace = staticmethod(late("numax.api.stages", "trace"))


def _argument_name(fun: Any, path: Sequence[Any]) -> str:
    """The name of an argument from a key path in (args, kwargs)."""
    which, first, *rest = path
    if which.idx == 1:
        return f"{first.key}{tree.keystr(tuple(rest))}"
    try:
        names = list(inspect.signature(fun).parameters)
        return f"{names[first.idx]}{tree.keystr(tuple(rest))}"
    except (TypeError, ValueError, IndexError):
        return f"{first.idx}{tree.keystr(tuple(rest))}"


class Notes(Sequence[str]):
    """Descriptions of arguments, made only when an error shows one."""

    def __init__(self, fun: Any, name: str, dynamic: Any, rest: Any, static: Any):
        self.parts = fun, name, dynamic, rest, static

    def __len__(self) -> int:
        return len(tree.flatten((tuple(self.parts[2]), self.parts[3]))[0])

    def __getitem__(self, i: Any) -> Any:
        fun, name, dynamic, rest, static = self.parts
        path = tree.flatten_with_path((tuple(dynamic), rest))[0][i][0]
        if path[0].idx == 0:
            fixed = {n for n, _ in static[0]}
            places = [n for n in range(len(dynamic) + len(fixed)) if n not in fixed]
            path = (path[0], type(path[1])(places[path[1].idx]), *path[2:])
        return f"argument {_argument_name(fun, path)} of `{name}`"


class Note:
    """One description, made when it is shown."""

    __slots__ = ("index", "notes")

    def __init__(self, notes: Notes, index: int):
        self.notes = notes
        self.index = index

    def __str__(self) -> str:
        return self.notes[self.index]


def argument_notes(fun: Any, name: str, dynamic: Any, rest: Any, static: Any) -> list[Any]:
    notes = Notes(fun, name, dynamic, rest, static)
    return [Note(notes, i) for i in range(len(notes))]


def jit(
    fun: Any = None,
    /,
    *,
    in_shardings: Any = None,
    out_shardings: Any = None,
    static_argnums: int | Sequence[int] | None = None,
    static_argnames: str | Iterable[str] | None = None,
    donate_argnums: int | Sequence[int] | None = None,
    donate_argnames: str | Iterable[str] | None = None,
    keep_unused: bool = False,
    device: Any = None,
    backend: str | None = None,
    inline: bool = False,
    compiler_options: dict[str, Any] | None = None,
) -> Any:
    """Compile a function of arrays and pytrees of arrays with XLA, once for each combination of argument types.

    The function must be pure: Python code in it runs only while it is traced. Usable as a decorator, with or without
    arguments.
    Args: static_argnums, static_argnames (hashable arguments that are part of the program); donate_argnums,
        donate_argnames (arguments whose memory the result may take; they are deleted).
    Raises: TypeError if an argument is no array, ValueError if a static one has no hash.
    """
    options: dict[str, Any] = {
        "static_argnums": static_argnums,
        "static_argnames": static_argnames,
        "donate_argnums": donate_argnums,
        "donate_argnames": donate_argnames,
        "compiler_options": compiler_options,
        "inline": inline,
    }
    if fun is None:
        return lambda f: jit(f, **options)
    if not callable(fun):
        raise TypeError(f"jit: the argument must be callable; got {fun!r}.")
    if inspect.isgeneratorfunction(fun):
        raise TypeError(
            "jit: generator functions cannot be compiled. Use numax.lax.scan or a list."
        )
    return Jitted(fun, **options)


def trace_function(
    op: str, fun: Callable[..., Any], args: Sequence[Any], kwargs: dict[str, Any]
) -> tuple[Any, list[Any], Any, list[Any]]:
    """Record fun(*args, **kwargs): (program, constants, result structure, argument values' types)."""
    leaves, in_tree = tree.flatten((tuple(args), kwargs))
    avals = [abstract(op, x) for x in leaves]
    out_tree: list[Any] = []

    def flat(*values: Any) -> list[Any]:
        positional, named = tree.unflatten(in_tree, values)
        outs, structure = tree.flatten(fun(*positional, **named))
        out_tree.append(structure)
        return [as_value(x, f"{op}: the function's result") for x in outs]

    notes = argument_notes(fun, name_of(fun), list(args), kwargs, ((), ()))
    jaxpr, consts = trace_to_jaxpr(flat, avals, f"{op} of `{name_of(fun)}`", notes)
    return jaxpr, consts, out_tree[0], avals


def abstract(op: str, x: Any) -> ShapedArray:
    """The type of an argument: an array, a number, or anything with shape and dtype."""
    if type(x) is Array or isinstance(x, Tracer):
        return x.aval
    if isinstance(x, ShapedArray):
        return x
    if not isinstance(x, np.ndarray | np.generic) and hasattr(x, "shape") and hasattr(x, "dtype"):
        dtype = x.dtype
        return ShapedArray(tuple(x.shape), dtype, bool(getattr(x, "weak_type", False)))
    return as_value(x, f"{op}: an argument").aval
