"""Writing a StableHLO module: values, operations, regions, functions, constants.

A `Builder` is what a lowering rule gets as `ctx`. Operations are lines of text in a list; nothing
is parsed or checked here, since the compiler does both.
"""

import re
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import numpy as np

from numax._engine.stablehlo import types
from numax._engine.stablehlo.types import tensor_type

Type = tuple[tuple[int, ...], Any]  # shape and dtype

_PACK_LIMIT = 64  # longer boolean constants are written as bytes and converted
_BOOL, _UINT8 = np.dtype(np.bool_), np.dtype(np.uint8)
_PYTHON_SCALARS = {bool, int, float}


class Value:
    """An SSA value: the name it has in the text, and the type of the array."""

    __slots__ = ("dtype", "name", "scalar", "shape", "type")

    def __init__(self, name: str, shape: tuple[int, ...], dtype: Any, text: str):
        self.name = name
        self.scalar: Value | None = None  # what all elements are, where that is known
        self.shape = shape
        self.dtype = dtype
        self.type = text

    def __repr__(self) -> str:
        return f"{self.name}: {self.type}"


class Function:
    """A function of the module that `Builder.call` can call."""

    __slots__ = ("name", "results")

    def __init__(self, name: str, results: list[Type]):
        self.name = name
        self.results = results


class Region:
    """A nested block, the operand of control flow and reductions. See `Builder.region`."""

    __slots__ = ("_builder", "_outer", "args", "text")

    def __init__(self, builder: "Builder", types: Iterable[Type]):
        self._builder = builder
        self.args = [builder.value(shape, dtype) for shape, dtype in types]
        self.text = ""

    def __enter__(self) -> "Region":
        b = self._builder
        self._outer = b.lines, b.constants
        b.lines, b.constants = [], {}
        return self

    def __exit__(self, kind: Any, error: Any, traceback: Any) -> None:
        b = self._builder
        body = "\n".join(b.lines).replace("\n", "\n  ")
        b.lines, b.constants = self._outer
        head = ", ".join([f"{v.name}: {v.type}" for v in self.args])
        label = f"\n    ^bb0({head}):" if head else ""
        self.text = f"{{{label}\n  {body}\n    }}"

    def ret(self, values: Sequence[Value]) -> None:
        """End the block with its results."""
        names = ", ".join([v.name for v in values])
        of = ", ".join([v.type for v in values])
        end = f" {names} : {of}" if names else ""
        self._builder.lines.append(f"    stablehlo.return{end}")


class Builder:
    """The text of one module under construction.

    `avals_in` and `avals_out` are those of the equation being lowered; `platform` is 'cpu',
    'cuda', 'rocm' or 'tpu'; `kernels` says that the program may call those of numax/_kernels.c.
    `lines` is the block under construction, `callbacks` the host functions of the program.
    """

    __slots__ = (
        "_functions",
        "_names",
        "_texts",
        "avals_in",
        "avals_out",
        "callbacks",
        "constants",
        "count",
        "formulas",
        "kernels",
        "lines",
        "parameters",
        "platform",
        "scope",
    )

    def __init__(self, platform: str = "cpu", kernels: bool = False):
        self.platform = platform
        self.kernels = kernels
        self.avals_in: Sequence[Any] = ()
        self.avals_out: Sequence[Any] = ()
        self.callbacks: list[Callable[..., Any]] = []
        self.lines: list[str] = []
        self.constants: dict[Any, Value] = {}
        self.count = 0
        self.parameters: list[Value] = []
        self.scope: Any = None  # free for the walk
        self.formulas = False  # set by rules that emit long chains of arithmetic on each element
        self._functions: dict[Any, Function] = {}
        self._names: dict[str, int] = {"main": 0}
        self._texts: list[str] = []

    # ---- operations ----

    def value(self, shape: tuple[int, ...], dtype: Any) -> Value:
        """Return a new name, which the caller defines."""
        self.count = count = self.count + 1
        return Value(f"%{count}", shape, dtype, tensor_type(shape, dtype))

    def emit(self, text: str, shape: tuple[int, ...], dtype: Any) -> Value:
        """Emit '%n = <text><result type>': an operation's short form, up to its result type."""
        self.count = count = self.count + 1
        name = f"%{count}"
        of = tensor_type(shape, dtype)
        self.lines.append(f"    {name} = {text}{of}")
        return Value(name, shape, dtype, of)

    def op(
        self,
        name: str,
        operands: Sequence[Value],
        shape: tuple[int, ...],
        dtype: Any,
        attrs: str = "",
        regions: Sequence[str] = (),
    ) -> Value:
        """Emit an operation of one result in MLIR's generic form.
        Args: name is of the dialect 'stablehlo' unless it holds a dot; attrs is the inside of its
            properties; regions are the texts of `region`."""
        names = ", ".join([v.name for v in operands])
        of = ", ".join([v.type for v in operands])
        return self.emit(f"{_generic(name, names, attrs, regions)} : ({of}) -> ", shape, dtype)

    def ops(
        self,
        name: str,
        operands: Sequence[Value],
        results: Sequence[Type],
        attrs: str = "",
        regions: Sequence[str] = (),
    ) -> list[Value]:
        """Emit an operation of any number of results in MLIR's generic form. See `op`."""
        names = ", ".join([v.name for v in operands])
        of = ", ".join([v.type for v in operands])
        return self.emits(f"{_generic(name, names, attrs, regions)} : ({of}) -> ", results)

    def emits(self, text: str, results: Sequence[Type]) -> list[Value]:
        """Emit '%n:2 = <text>(<result types>)': `emit` for any number of results."""
        if len(results) == 1:
            return [self.emit(text, *results[0])]
        texts = [tensor_type(shape, dtype) for shape, dtype in results]
        of = ", ".join(texts)
        if not results:
            self.lines.append(f"    {text}({of})")
            return []
        self.count = count = self.count + 1
        self.lines.append(f"    %{count}:{len(texts)} = {text}({of})")
        return [
            Value(f"%{count}#{i}", shape, dtype, texts[i])
            for i, (shape, dtype) in enumerate(results)
        ]

    def constant(self, value: Any, dtype: Any = None, shape: tuple[int, ...] = ()) -> Value:
        """Return a constant; a number is repeated to `shape`.
        Equal constants of a block are emitted once.
        Raises: ValueError if an array is given a shape."""
        if value.__class__ not in _PYTHON_SCALARS:
            array = np.asarray(value)
            dtype = array.dtype if dtype is None else dtype
            item = array.item() if array.shape == () else None
            if item.__class__ not in _PYTHON_SCALARS or item != item:
                return self._array(array, dtype, shape)
            value = item
        elif dtype is None:
            dtype = np.asarray(value).dtype
        key = (value or repr(value), value.__class__, dtype, shape)
        found = self.constants.get(key)
        if found is None:
            found = self.constants[key] = self._dense(types.number(value, dtype), shape, dtype)
        return found

    def known_number(self, value: Value) -> Any:
        """The number that a constant of this block repeats; None of other values."""
        for key, constant in self.constants.items():
            if constant is value and key[0].__class__ is key[1]:
                return key[0]
        return None

    def _array(self, array: np.ndarray, dtype: Any, shape: tuple[int, ...]) -> Value:
        if array.shape and shape and shape != array.shape:
            raise ValueError(
                f"constant: only a number is repeated; got shape {array.shape} for {shape}. "
                "Broadcast the array first."
            )
        shape = array.shape or shape
        if dtype == _BOOL and array.size > _PACK_LIMIT and array.any() and not array.all():
            # A hex string of i1 is bits in one release of MLIR and bytes in another.
            data = self.constant(np.not_equal(array, 0).view(_UINT8))
            text = f"stablehlo.convert {data.name} : ({data.type}) -> "
            return self.emit(text, data.shape, _BOOL)
        return self._dense(types.constant(array, dtype), shape, dtype)

    def _dense(self, text: str, shape: tuple[int, ...], dtype: Any) -> Value:
        key = (text, shape, dtype)
        found = self.constants.get(key)
        if found is None:
            found = self.emit(f"stablehlo.constant {text} : ", shape, dtype)
            self.constants[key] = found
        return found

    def custom_call(
        self,
        target: str,
        operands: Sequence[Value],
        results: Sequence[Type],
        *,
        backend_config: str | dict[str, Any] = "",
        api_version: int = 4,
        operand_layouts: Sequence[Sequence[int]] | None = None,
        result_layouts: Sequence[Sequence[int]] | None = None,
        output_operand_aliases: dict[int, int] | None = None,
        has_side_effect: bool = False,
        called_computations: Sequence[Function] = (),
        attributes: dict[str, Any] | None = None,
    ) -> list[Value]:
        """Emit a call of a function that the compiler or the runtime knows by name.
        Args: backend_config of an FFI target (api_version 4) is a dict, where np.uint8(1) and the
            like choose an attribute's type; layouts go from the minor dimension to the major one;
            output_operand_aliases maps a result's index to the operand it may overwrite;
            attributes are any others."""
        attrs: dict[str, Any] = {"api_version": np.int32(api_version)}
        if has_side_effect:
            attrs["has_side_effect"] = True
        if backend_config or isinstance(backend_config, dict):
            attrs["backend_config"] = backend_config
        if called_computations:
            attrs["called_computations"] = [types.Text(f"@{f.name}") for f in called_computations]
        if operand_layouts is not None or result_layouts is not None:
            if operand_layouts is None:
                operand_layouts = [_row_major(v.shape) for v in operands]
            if result_layouts is None:
                result_layouts = [_row_major(shape) for shape, _ in results]
            attrs["operand_layouts"] = [_layout(x) for x in operand_layouts]
            attrs["result_layouts"] = [_layout(x) for x in result_layouts]
        if output_operand_aliases:
            attrs["output_operand_aliases"] = [
                _alias(out, operand, len(results))
                for out, operand in output_operand_aliases.items()
            ]
        if attributes:
            attrs |= attributes
        names = ", ".join([v.name for v in operands])
        of = ", ".join([v.type for v in operands])
        text = (
            f"stablehlo.custom_call @{target}({names}) {{{types.attributes(attrs)}}} : ({of}) -> "
        )
        return self.emits(text, results)

    def add_callback(self, function: Callable[..., Any]) -> int:
        """Add a host function to the program; return the index by which the runtime calls it."""
        self.callbacks.append(function)
        return len(self.callbacks) - 1

    # ---- blocks and functions ----

    def region(self, arguments: Iterable[Type]) -> Region:
        """Return a context in which lines go to a nested block of the given argument types.
        `with b.region(types) as r: ...; r.ret(values)`; then `r.text` is the block, for `op`."""
        return Region(self, arguments)

    def function(
        self,
        key: Any,
        name: str,
        arguments: Sequence[Type],
        body: Callable[["Builder", list[Value]], Sequence[Value]],
    ) -> Function:
        """Return the private function of that key; on first use its body is emitted.
        Args: key is hashable, or None for a function that is never reused."""
        found = None if key is None else self._functions.get(key)
        if found is not None:
            return found
        outer = self.lines, self.constants, self.count
        self.lines, self.constants, self.count = [], {}, -1
        try:
            args = self._arguments(arguments)
            results = list(body(self, args))
            lines = self.lines
        finally:
            self.lines, self.constants, self.count = outer
        unique = self._unique(name)
        function = Function(unique, [(v.shape, v.dtype) for v in results])
        self._texts.append(_function_text(f"private @{unique}", args, results, lines, (), ()))
        if key is not None:
            self._functions[key] = function
        return function

    def call(self, function: Function, values: Sequence[Value], apart: bool = False) -> list[Value]:
        """Emit a call of a function of this module.
        Args: apart keeps XLA from inlining it: its operands are computed before, and nothing fuses
            across the call. (XLA removes optimization_barrier before it fuses.)"""
        names = ", ".join([v.name for v in values])
        of = ", ".join([v.type for v in values])
        mark = ' {mhlo.frontend_attributes = {inlineable = "false"}}' if apart else ""
        text = f"func.call @{function.name}({names}){mark} : ({of}) -> "
        return self.emits(text, function.results)

    def main(self, arguments: Sequence[Type]) -> list[Value]:
        """Begin the module's main function: return its parameters. `module` ends it."""
        self.lines, self.constants, self.count = [], {}, -1
        self.parameters = self._arguments(arguments)
        return self.parameters

    def module(
        self,
        name: str,
        results: Sequence[Value],
        parameter_attributes: Sequence[dict[str, Any] | None] = (),
        result_attributes: Sequence[dict[str, Any] | None] = (),
        attributes: dict[str, Any] | None = None,
    ) -> str:
        """Return the module's text, main function first.
        Args: parameter_attributes and result_attributes hold a dict or None each, such as
            {'mhlo.sharding': '{replicated}'}, {'tf.aliasing_output': np.int32(0)},
            {'jax.buffer_donor': True}; attributes are the module's, such as
            {'mhlo.num_partitions': np.int32(4)}."""
        main = _function_text(
            "public @main",
            self.parameters,
            results,
            self.lines,
            parameter_attributes,
            result_attributes,
        )
        head = f" attributes {{{types.attributes(attributes)}}}" if attributes else ""
        meshes = [t for t in self._texts if t.startswith("  sdy.mesh")]
        functions = [t for t in self._texts if not t.startswith("  sdy.mesh")]
        body = "\n".join([*meshes, main, *functions])
        return f"module @{_symbol(name)}{head} {{\n{body}\n}}\n"

    def mesh(self, name: str, axis: str, size: int) -> None:
        """Declare a mesh of devices with one named axis, once, for shardings to refer to."""
        text = f'  sdy.mesh @{_symbol(name)} = <["{axis}"={size}]>'
        if text not in self._texts:
            self._texts.insert(0, text)

    @staticmethod
    def _arguments(arguments: Sequence[Type]) -> list[Value]:
        return [
            Value(f"%arg{i}", shape, dtype, tensor_type(shape, dtype))
            for i, (shape, dtype) in enumerate(arguments)
        ]

    def _unique(self, name: str) -> str:
        symbol = _symbol(name)
        while symbol in self._names:
            count = self._names[symbol]
            self._names[symbol] = count + 1
            symbol = f"{symbol}_{count}"
        self._names[symbol] = 0
        return symbol


def _generic(name: str, names: str, attrs: str, regions: Sequence[str]) -> str:
    if "." not in name:
        name = f"stablehlo.{name}"
    properties = f" <{{{attrs}}}>" if attrs else ""
    blocks = f" ({', '.join(regions)})" if regions else ""
    return f'"{name}"({names}){properties}{blocks}'


def _symbol(name: str) -> str:
    """Make a symbol of any text: letters, digits, and '_.$', not beginning with a digit."""
    symbol = re.sub(r"[^A-Za-z0-9_.$]", "_", name) or "_"
    return f"_{symbol}" if symbol[0].isdigit() else symbol


def _function_text(
    head: str,
    args: Sequence[Value],
    results: Sequence[Value],
    lines: list[str],
    arg_attributes: Sequence[dict[str, Any] | None],
    result_attributes: Sequence[dict[str, Any] | None],
) -> str:
    arg_texts = [f"{v.name}: {v.type}" for v in args]
    result_texts = [v.type for v in results]
    for texts, attributes in ((arg_texts, arg_attributes), (result_texts, result_attributes)):
        for i, values in enumerate(attributes):
            if values:
                texts[i] += f" {{{types.attributes(values)}}}"
    names = ", ".join([v.name for v in results])
    of = ", ".join([v.type for v in results])
    end = f"    return {names} : {of}" if results else "    return"
    signature = f"  func.func {head}({', '.join(arg_texts)}) -> ({', '.join(result_texts)}) {{"
    return "\n".join([signature, *lines, end, "  }"])


def _row_major(shape: tuple[int, ...]) -> range:
    return range(len(shape) - 1, -1, -1)


def _layout(order: Sequence[int]) -> types.Text:
    text = types.integer_list(order) if len(order) else ""
    return types.Text(f"dense<{text}> : tensor<{len(order)}xindex>")


def _alias(out: int, operand: int, count: int) -> types.Text:
    place = f"[{out}]" if count > 1 else "[]"
    return types.Text(
        f"#stablehlo.output_operand_alias<output_tuple_indices = {place}, "
        f"operand_index = {operand}, operand_tuple_indices = []>"
    )
