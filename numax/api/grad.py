"""Derivatives of functions on pytrees: grad, vjp, jvp, linearize, jacobians, hessian."""

import functools
import operator
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from numax._engine.control.record import name_of, values_of
from numax._engine.core import dtypes, tree
from numax._engine.core.array import wrap
from numax._engine.core.avals import ShapedArray, etype
from numax._engine.core.dtypes import float0
from numax._engine.core.primitive import Zero
from numax._engine.core.trace import as_value
from numax._engine.ops.basis import convert, instantiate, moveaxis, reshape, to_front
from numax._engine.ops.slicing import slice as slice_
from numax._engine.transforms.jvp import jvp as jvp_flat
from numax._engine.transforms.linearize import linearize as linearize_flat
from numax._engine.transforms.transpose import backward
from numax._engine.transforms.vmap import Axis
from numax._engine.transforms.vmap import vmap as vmap_flat


def _argnums(op: str, argnums: Any, count: int) -> tuple[int, ...]:
    nums = (argnums,) if isinstance(argnums, int) else tuple(argnums)
    for i in nums:
        if not isinstance(i, int | np.integer):
            raise TypeError(f"{op}: argnums must be an int or a tuple of ints; got {argnums!r}.")
        if not -count <= i < count:
            raise TypeError(
                f"{op}: argnums names positional argument {i}, and the call has {count}. Give that argument by position."
            )
    return tuple(operator.index(i) % count for i in nums)


def _check_argnums(op: str, argnums: Any) -> None:
    if isinstance(argnums, bool) or not isinstance(argnums, int | tuple | list | np.integer):
        raise TypeError(f"{op}: argnums must be an int or a tuple of ints; got {argnums!r}.")


def _check_input(op: str, x: Any, holomorphic: bool, allow_int: bool) -> None:
    dtype = x.aval.dtype
    if holomorphic:
        if not dtypes.is_complex(dtype):
            raise TypeError(
                f"{op}: with holomorphic=True inputs must be complex; got {x.aval.str_short()}. Convert with "
                "x.astype(complex)."
            )
        return
    if dtypes.is_inexact(dtype) or (allow_int and not dtypes.is_key(dtype)):
        return
    if dtypes.is_key(dtype):
        raise TypeError(
            f"{op}: PRNG keys have no derivatives; got {x.aval.str_short()}. Name other arguments in argnums."
        )
    raise TypeError(
        f"{op}: inputs must be floats or complex numbers; got {x.aval.str_short()}. Use a float (1.0, or "
        "x.astype(float)), another argnums, or allow_int=True for zero derivatives."
    )


def _check_output(op: str, fun: Any, outs: Sequence[Any], out_tree: Any, holomorphic: bool) -> Any:
    if len(outs) != 1 or not out_tree.num_nodes == 1:
        raise TypeError(
            f"{op}: `{name_of(fun)}` must return a scalar; got a pytree {out_tree}. Return one number, or set "
            "has_aux=True for (number, other results)."
        )
    out = outs[0]
    aval = out.aval
    if aval.shape:
        raise TypeError(
            f"{op}: `{name_of(fun)}` must return a scalar; got {aval.str_short()}. Sum it, or use numax.jacrev, or "
            "numax.vmap(numax.grad(f)) for one gradient per element."
        )
    if holomorphic:
        if not dtypes.is_complex(aval.dtype):
            raise TypeError(
                f"{op}: with holomorphic=True the output must be complex; got {aval.str_short()}."
            )
    elif not dtypes.is_float(aval.dtype):
        hint = (
            "Set holomorphic=True for a holomorphic function, or take its real part"
            if dtypes.is_complex(aval.dtype)
            else "Convert it with x.astype(float)"
        )
        raise TypeError(f"{op}: the output must be a real float; got {aval.str_short()}. {hint}.")
    return out


def ones_of(aval: ShapedArray) -> Any:
    return wrap(np.array(1, dtypes.physical(aval.dtype)), etype(aval.dtype, aval.weak_type))


def as_gradient(ct: Any, aval: ShapedArray) -> Any:
    """A cotangent as users get it: zeros are arrays, integers' are float0."""
    if type(ct) is Zero:
        if ct.aval.dtype == float0:
            return np.zeros(aval.shape, float0)
        return instantiate(Zero(ShapedArray(aval.shape, aval.dtype, aval.weak_type)))
    return ct


def value_and_grad(
    fun: Callable[..., Any],
    argnums: int | Sequence[int] = 0,
    has_aux: bool = False,
    holomorphic: bool = False,
    allow_int: bool = False,
    reduce_axes: Sequence[Any] = (),
) -> Callable[..., Any]:
    """A function that gives fun's value and its gradient with respect to the arguments named by `argnums`.

    fun returns a real scalar, or with has_aux=True a pair (scalar, other results). The gradient has the structure of
    the argument (a tuple of them, for several argnums).
    Raises: TypeError if an input or the output is no float, or the output is no scalar.
    """
    _check_argnums("grad", argnums)

    @functools.wraps(fun)
    def wrapped(*args: Any, **kwargs: Any) -> Any:
        nums = _argnums("grad", argnums, len(args))
        chosen = args[nums[0]] if isinstance(argnums, int) else tuple(args[i] for i in nums)
        values, in_tree = values_of("grad", "arguments", chosen)
        for v in values:
            _check_input("grad", v, holomorphic, allow_int)
        seen: list[Any] = []

        def flat(*leaves: Any) -> list[Any]:
            new = tree.unflatten(in_tree, leaves)
            whole = list(args)
            if isinstance(argnums, int):
                whole[nums[0]] = new
            else:
                for i, n in zip(nums, new, strict=True):
                    whole[i] = n
            result = fun(*whole, **kwargs)
            others: list[Any] = []
            if has_aux:
                result, aux = _pair("grad", fun, result)
                others, put_back = _take_apart(aux)
                seen.append(put_back)
            outs, out_tree = values_of("grad", "the output", result)
            return [_check_output("grad", fun, outs, out_tree, holomorphic), *others]

        active = [dtypes.is_inexact(v.aval.dtype) for v in values]
        results, tape = linearize_flat(flat, values, active)
        tape.outs = tape.outs[:1]
        out = results[0]
        cts = backward(tape, [ones_of(out.aval)])
        grads = [
            as_gradient(Zero(v.aval.tangent()) if ct is None else ct, v.aval)
            for ct, v in zip(cts, values, strict=True)
        ]
        gradient = tree.unflatten(in_tree, grads)
        if not has_aux:
            return out, gradient
        return (out, seen[0](results[1:])), gradient

    return wrapped


_VALUE = object()


def _take_apart(aux: Any) -> tuple[list[Any], Callable[[Sequence[Any]], Any]]:
    """The values among the leaves of a function's other results, and how to put their results back in place."""
    leaves, structure = tree.flatten(aux)
    values = [x for x in leaves if hasattr(x, "_trace")]
    kept = [_VALUE if hasattr(x, "_trace") else x for x in leaves]

    def put_back(results: Sequence[Any]) -> Any:
        rest = iter(results)
        return tree.unflatten(structure, [next(rest) if x is _VALUE else x for x in kept])

    return values, put_back


def grad(
    fun: Callable[..., Any],
    argnums: int | Sequence[int] = 0,
    has_aux: bool = False,
    holomorphic: bool = False,
    allow_int: bool = False,
    reduce_axes: Sequence[Any] = (),
) -> Callable[..., Any]:
    """A function that gives fun's gradient with respect to the arguments named by `argnums`.

    With has_aux=True it gives (gradient, other results). See value_and_grad.
    Raises: as value_and_grad: TypeError unless fun gives one number, and for arguments that are not floats.
    """
    both = value_and_grad(fun, argnums, has_aux, holomorphic, allow_int, reduce_axes)

    @functools.wraps(fun)
    def wrapped(*args: Any, **kwargs: Any) -> Any:
        value, gradient = both(*args, **kwargs)
        return (gradient, value[1]) if has_aux else gradient

    return wrapped


# ---- jvp, linearize, vjp ----


def _tangents_of(op: str, primals: Sequence[Any], tangents: Any, in_tree: Any) -> list[Any]:
    leaves, structure = tree.flatten(tangents)
    if structure != in_tree:
        raise TypeError(
            f"{op}: primals and tangents must have the same structure; got {in_tree} and {structure}."
        )
    out: list[Any] = []
    for p, t in zip(primals, leaves, strict=True):
        wanted = p.aval.tangent()
        if isinstance(t, np.ndarray) and t.dtype == float0:
            if wanted.dtype != float0:
                raise TypeError(
                    f"{op}: a float0 tangent needs an integer primal; got {p.aval.str_short()}."
                )
            out.append(Zero(wanted))
            continue
        value = as_value(t, f"{op}: a tangent")
        if wanted.dtype == float0:
            raise TypeError(
                f"{op}: the tangent of an integer input must be of dtype float0; got {value.aval.str_short()} for "
                f"{p.aval.str_short()}. Use numpy.zeros(shape, numax.float0), or a float input."
            )
        if value.aval.shape != wanted.shape:
            raise ValueError(
                f"{op}: a tangent must have its primal's shape; got {value.aval.str_short()} for {p.aval.str_short()}."
            )
        if value.aval.dtype != wanted.dtype:
            raise (TypeError if op == "jvp" else ValueError)(
                f"{op}: a tangent must have its primal's dtype; got {value.aval.str_short()} for "
                f"{p.aval.str_short()}. Convert it, or write a float (1.0)."
            )
        out.append(value)
    return out


def _as_tuple(op: str, what: str, x: Any) -> tuple[Any, ...]:
    if not isinstance(x, tuple | list):
        raise TypeError(
            f"{op}: {what} must be a tuple, one entry for each argument; got {type(x).__name__}. Write ({what[:-1]},)."
        )
    return tuple(x)


def as_tangent_result(t: Any, primal: Any) -> Any:
    if type(t) is Zero:
        return as_gradient(t, primal.aval)
    return t


def jvp(fun: Callable[..., Any], primals: Any, tangents: Any, has_aux: bool = False) -> Any:
    """fun(*primals) and its directional derivative along `tangents`: a pair (three results with has_aux).

    Raises: TypeError if the structures or dtypes of primals and tangents differ, ValueError if shapes do.
    """
    primals, tangents = _as_tuple("jvp", "primals", primals), _as_tuple("jvp", "tangents", tangents)
    values, in_tree = values_of("jvp", "primals", primals)
    ts = _tangents_of("jvp", values, tangents, in_tree)
    seen: list[Any] = []

    flat = _flat_function("jvp", fun, in_tree, has_aux, seen)
    results, out_ts = jvp_flat(flat, values, ts)
    out_tree, count, put_back = seen[0]
    out = tree.unflatten(out_tree, results[:count])
    tangent = tree.unflatten(
        out_tree,
        [as_tangent_result(t, p) for t, p in zip(out_ts[:count], results[:count], strict=True)],
    )
    if not has_aux:
        return out, tangent
    return out, tangent, put_back(results[count:])


def _pair(op: str, fun: Any, result: Any) -> Any:
    if not isinstance(result, tuple | list) or len(result) != 2:
        raise TypeError(
            f"{op}: with has_aux=True `{name_of(fun)}` must return a pair (output, aux); got {type(result).__name__}."
        )
    return result


class LinearFunction:
    """The derivative of a function at a point: tangents in, tangents out. Made by `linearize`."""

    def __init__(
        self,
        op: str,
        in_tree: Any,
        avals: Sequence[ShapedArray],
        out_tree: Any,
        outs: Any,
        tape: Any,
    ):
        self._op = op
        self._in_tree = in_tree
        self._avals = avals
        self._out_tree = out_tree
        self._outs = outs
        self._tape = tape

    def __call__(self, *tangents: Any) -> Any:
        stand_ins = [_Typed(a) for a in self._avals]
        ts = _tangents_of(self._op, stand_ins, tangents, self._in_tree)
        results = self._tape.forward([instantiate(t) if type(t) is Zero else t for t in ts])
        return tree.unflatten(
            self._out_tree,
            [as_tangent_result(t, o) for t, o in zip(results, self._outs, strict=True)],
        )


class _Typed:
    __slots__ = ("aval",)

    def __init__(self, aval: ShapedArray):
        self.aval = aval


def _flat_function(op: str, fun: Any, in_tree: Any, has_aux: bool, seen: list[Any]) -> Any:
    def flat(*leaves: Any) -> list[Any]:
        result = fun(*tree.unflatten(in_tree, leaves))
        others: list[Any] = []
        put_back: Any = None
        if has_aux:
            result, aux = _pair(op, fun, result)
            others, put_back = _take_apart(aux)
        outs, out_tree = values_of(op, "the output", result)
        seen.append((out_tree, len(outs), put_back))
        return [*outs, *others]

    return flat


def linearize(
    fun: Callable[..., Any], *primals: Any, has_aux: bool = False, in_nzs: Any = None
) -> Any:
    """fun(*primals), and its derivative there as a function of tangents. The known part of fun runs once.

    Raises: ValueError, by the derivative, for tangents of other shapes.
    """
    values, in_tree = values_of("linearize", "primals", primals)
    seen: list[Any] = []
    active = [dtypes.is_inexact(v.aval.dtype) for v in values]
    flat = _flat_function("linearize", fun, in_tree, has_aux, seen)
    results, tape = linearize_flat(flat, values, active)
    out_tree, count, put_back = seen[0]
    tape.outs = tape.outs[:count]
    out = tree.unflatten(out_tree, results[:count])
    avals = [v.aval for v in values]
    linear = LinearFunction("linearize", in_tree, avals, out_tree, results[:count], tape)
    if not has_aux:
        return out, linear
    return out, linear, put_back(results[count:])


class VJPFunction:
    """The transposed derivative of a function at a point: output cotangents in, input cotangents out."""

    def __init__(self, in_tree: Any, avals: Any, out_tree: Any, out_avals: Any, tape: Any):
        self._in_tree = in_tree
        self._avals = avals
        self._out_tree = out_tree
        self._out_avals = out_avals
        self._tape = tape

    def __call__(self, *cts: Any) -> Any:
        if len(cts) != 1:
            raise TypeError(
                f"vjp: the function takes one argument, a cotangent with the output's structure; got {len(cts)}. For several "
                "outputs give a tuple."
            )
        given, structure = tree.flatten(cts[0])
        if structure != self._out_tree:
            raise ValueError(
                f"vjp: the cotangent must have the output's structure; got {structure}, the output's is {self._out_tree}."
            )
        ready: list[Any] = []
        for ct, aval in zip(given, self._out_avals, strict=True):
            wanted = aval.tangent()
            if (isinstance(ct, np.ndarray) and ct.dtype == float0) or wanted.dtype == float0:
                ready.append(Zero(wanted))
                continue
            value = as_value(ct, "vjp: a cotangent")
            if value.aval.shape != wanted.shape:
                raise ValueError(
                    f"vjp: a cotangent must have its output's shape; got {value.aval.str_short()} for {aval.str_short()}."
                )
            if value.aval.dtype != wanted.dtype:
                if not value.aval.weak_type:
                    raise ValueError(
                        f"vjp: a cotangent must have its output's dtype; got {value.aval.str_short()} for "
                        f"{aval.str_short()}."
                    )
                value = convert(value, wanted.dtype)
            ready.append(value)
        results = backward(self._tape, ready)
        grads = [
            as_gradient(Zero(a.tangent()) if r is None else r, a)
            for r, a in zip(results, self._avals, strict=True)
        ]
        return tree.unflatten(self._in_tree, grads)


def _flatten_vjp(f: VJPFunction) -> Any:
    return tuple(f._tape.values()), _rebuild_vjp(f, f._tape.blanks())


def _rebuild_vjp(old: VJPFunction, values: Any) -> VJPFunction:
    tape = old._tape.with_values(values)
    return VJPFunction(old._in_tree, old._avals, old._out_tree, old._out_avals, tape)


def _flatten_linear(f: LinearFunction) -> Any:
    count = len(f._outs)
    values = (*f._tape.values(), *f._outs)
    return values, (_rebuild_linear((f, count), [*f._tape.blanks(), *[None] * count]), count)


def _rebuild_linear(aux: Any, values: Any) -> LinearFunction:
    old, count = aux
    values = list(values)
    split = len(values) - count
    tape = old._tape.with_values(values[:split])
    return LinearFunction(old._op, old._in_tree, old._avals, old._out_tree, values[split:], tape)


# Pytrees whose leaves are the values that they hold, so that they may cross the boundary of a jitted function.
tree.register_pytree_node(VJPFunction, _flatten_vjp, _rebuild_vjp)
tree.register_pytree_node(LinearFunction, _flatten_linear, _rebuild_linear)


def vjp(
    fun: Callable[..., Any],
    *primals: Any,
    has_aux: bool = False,
    reduce_axes: Any = (),
    saveable_args: bool = True,
    in_nzs: Any = None,
) -> Any:
    """fun(*primals), and a function from cotangents of the output to a tuple of cotangents of the primals.

    With has_aux=True, three results. Raises: TypeError and ValueError where a cotangent does not fit the output.
    """
    values, in_tree = values_of("vjp", "primals", primals)
    seen: list[Any] = []
    active = [dtypes.is_inexact(v.aval.dtype) for v in values]
    flat = _flat_function("vjp", fun, in_tree, has_aux, seen)
    results, tape = linearize_flat(flat, values, active)
    out_tree, count, put_back = seen[0]
    tape.outs = tape.outs[:count]
    outs = results[:count]
    function = VJPFunction(
        in_tree, [v.aval for v in values], out_tree, [o.aval for o in outs], tape
    )
    out = tree.unflatten(out_tree, outs)
    if not has_aux:
        return out, function
    return out, function, put_back(results[count:])


def linear_transpose(
    fun: Callable[..., Any], *primals: Any, reduce_axes: Any = ()
) -> Callable[..., Any]:
    """The transpose of a linear function, which is not run: primals may be ShapeDtypeStructs.

    Raises: TypeError if fun is not linear.
    """
    leaves, in_tree = tree.flatten(primals)
    avals = [_aval_of(x) for x in leaves]
    seen: list[Any] = []
    zeros = [instantiate(Zero(a)) for a in avals]
    flat = _flat_function("linear_transpose", fun, in_tree, False, seen)
    outs, tape = linearize_flat(flat, zeros)
    out_tree = seen[0][0]
    inner = VJPFunction(in_tree, avals, out_tree, [o.aval for o in outs], tape)
    return lambda *cts: inner(cts[0] if len(cts) == 1 else cts)


def _aval_of(x: Any) -> ShapedArray:
    if hasattr(x, "_trace"):
        return x.aval
    if hasattr(x, "shape") and hasattr(x, "dtype"):
        return ShapedArray(tuple(x.shape), dtypes.canonicalize_dtype(x.dtype))
    return as_value(x).aval


# ---- jacobians ----


def _basis(avals: Sequence[ShapedArray]) -> tuple[int, list[Any]]:
    """All unit vectors of a list of arrays, stacked: for each array (total, *shape)."""
    sizes = [a.size for a in avals]
    total = sum(sizes)
    out: list[Any] = []
    offset = 0
    for a, n in zip(avals, sizes, strict=True):
        data = np.zeros((total, n), dtypes.physical(a.dtype))
        data[np.arange(offset, offset + n), np.arange(n)] = 1
        out.append(wrap(data.reshape((total, *a.shape)), etype(a.dtype)))
        offset += n
    return total, out


def _chosen(op: str, argnums: Any, args: Any) -> tuple[tuple[int, ...], Any]:
    nums = _argnums(op, argnums, len(args))
    return nums, args[nums[0]] if isinstance(argnums, int) else tuple(args[i] for i in nums)


def _partial(fun: Any, args: Any, kwargs: Any, argnums: Any, nums: tuple[int, ...]) -> Any:
    def partial(new: Any) -> Any:
        whole = list(args)
        if isinstance(argnums, int):
            whole[nums[0]] = new
        else:
            for i, n in zip(nums, new, strict=True):
                whole[i] = n
        return fun(*whole, **kwargs)

    return partial


def jacfwd(
    fun: Callable[..., Any],
    argnums: int | Sequence[int] = 0,
    has_aux: bool = False,
    holomorphic: bool = False,
) -> Callable[..., Any]:
    """A function that gives fun's Jacobian, by forward mode: fast for few inputs.

    Shapes: output (m...), input (n...) -> (m..., n...), in pytrees of the output's structure, then the input's.
    """
    _check_argnums("jacfwd", argnums)

    @functools.wraps(fun)
    def wrapped(*args: Any, **kwargs: Any) -> Any:
        nums, chosen = _chosen("jacfwd", argnums, args)
        values, in_tree = values_of("jacfwd", "arguments", chosen)
        for v in values:
            _check_forward("jacfwd", v, holomorphic)
        avals = [v.aval for v in values]
        total, basis = _basis(avals)
        seen: list[Any] = []
        flat = _flat_function(
            "jacfwd",
            _partial(fun, args, kwargs, argnums, nums),
            tree.flatten((chosen,))[1],
            has_aux,
            seen,
        )
        outs: list[Any] = []

        def push(*ts: Any) -> list[Any]:
            results, tangents = jvp_flat(flat, values, ts)
            count = seen[-1][1]
            outs.append(results)
            return [instantiate(t) for t in tangents[:count]]

        columns, dims = vmap_flat(push, Axis(total), basis, [0] * len(basis))
        out_tree, count, put_back = seen[-1]
        leaves = []
        for c, d, o in zip(columns, dims, outs[-1], strict=False):
            if holomorphic and not dtypes.is_complex(o.aval.dtype):
                raise TypeError(
                    f"jacfwd: with holomorphic=True the output must be complex; got {o.aval.str_short()}."
                )
            if d is None:
                c, d = to_front(c, None, total), 0
            last = moveaxis(c, d, c.aval.ndim - 1)
            leaves.append(tree.unflatten(in_tree, _pieces_last(last, avals)))
        jacobian = tree.unflatten(out_tree, leaves)
        if not has_aux:
            return jacobian
        return jacobian, put_back(outs[-1][count:])

    return wrapped


def _check_forward(op: str, x: Any, holomorphic: bool) -> None:
    dtype = x.aval.dtype
    if holomorphic and not dtypes.is_complex(dtype):
        raise TypeError(
            f"{op}: with holomorphic=True inputs must be complex; got {x.aval.str_short()}."
        )
    if not holomorphic and not dtypes.is_float(dtype):
        hint = (
            "Set holomorphic=True for a holomorphic function"
            if dtypes.is_complex(dtype)
            else "Use x.astype(float)"
        )
        raise TypeError(f"{op}: inputs must be real floats; got {x.aval.str_short()}. {hint}.")


def _pieces_last(x: Any, avals: Sequence[ShapedArray]) -> list[Any]:
    lead = x.aval.shape[:-1]
    out = []
    offset = 0
    for a in avals:
        piece = slice_axis(x, offset, offset + a.size, x.aval.ndim - 1)
        out.append(reshape(piece, (*lead, *a.shape)))
        offset += a.size
    return out


def slice_axis(x: Any, start: int, stop: int, axis: int) -> Any:
    shape = x.aval.shape
    if start == 0 and stop == shape[axis]:
        return x
    starts = [0] * len(shape)
    limits = list(shape)
    starts[axis], limits[axis] = start, stop
    return slice_(x, starts, limits)


def jacrev(
    fun: Callable[..., Any],
    argnums: int | Sequence[int] = 0,
    has_aux: bool = False,
    holomorphic: bool = False,
    allow_int: bool = False,
) -> Callable[..., Any]:
    """A function that gives fun's Jacobian, by reverse mode: fast for few outputs.

    Shapes: output (m...), input (n...) -> (m..., n...), in pytrees of the output's structure, then the input's.
    """
    _check_argnums("jacrev", argnums)

    @functools.wraps(fun)
    def wrapped(*args: Any, **kwargs: Any) -> Any:
        nums, chosen = _chosen("jacrev", argnums, args)
        values, in_tree = values_of("jacrev", "arguments", chosen)
        for v in values:
            _check_input("jacrev", v, holomorphic, allow_int)
        seen: list[Any] = []
        flat = _flat_function(
            "jacrev",
            _partial(fun, args, kwargs, argnums, nums),
            tree.flatten((chosen,))[1],
            has_aux,
            seen,
        )
        active = [dtypes.is_inexact(v.aval.dtype) for v in values]
        results, tape = linearize_flat(flat, values, active)
        out_tree, count, put_back = seen[0]
        tape.outs = tape.outs[:count]
        outs = results[:count]
        for o in outs:
            _check_jacrev_output(o, holomorphic)
        total, basis = _basis([o.aval for o in outs])

        def pull(*cts: Any) -> list[Any]:
            grads = backward(tape, cts)
            return [
                instantiate(Zero(v.aval))
                if g is None or (type(g) is Zero and g.aval.dtype == float0)
                else instantiate(g)
                for g, v in zip(grads, values, strict=True)
            ]

        rows, dims = vmap_flat(pull, Axis(total), basis, [0] * len(basis))
        by_out: list[list[Any]] = [[] for _ in outs]
        for r, d, v, is_active in zip(rows, dims, values, active, strict=True):
            r = to_front(r, d, total)
            offset = 0
            for k, o in enumerate(outs):
                n = o.aval.size
                shape = (*o.aval.shape, *v.aval.shape)
                if is_active:
                    by_out[k].append(reshape(slice_axis(r, offset, offset + n, 0), shape))
                else:
                    by_out[k].append(np.zeros(shape, float0))
                offset += n
        jacobian = tree.unflatten(out_tree, [tree.unflatten(in_tree, leaves) for leaves in by_out])
        if not has_aux:
            return jacobian
        return jacobian, put_back(results[count:])

    return wrapped


def _check_jacrev_output(o: Any, holomorphic: bool) -> None:
    dtype = o.aval.dtype
    if holomorphic and not dtypes.is_complex(dtype):
        raise TypeError(
            f"jacrev: with holomorphic=True the output must be complex; got {o.aval.str_short()}."
        )
    if not holomorphic and not dtypes.is_float(dtype):
        raise TypeError(
            f"jacrev: the output must be real floats; got {o.aval.str_short()}. For complex outputs set holomorphic=True, or "
            "use jacfwd."
        )


jacobian = jacrev


def hessian(
    fun: Callable[..., Any],
    argnums: int | Sequence[int] = 0,
    has_aux: bool = False,
    holomorphic: bool = False,
) -> Callable[..., Any]:
    """A function that gives fun's second derivatives: the forward-mode Jacobian of the reverse-mode one.

    Shapes: of fun's result, then twice that of the argument. Raises: as jacfwd and jacrev.
    """
    return jacfwd(
        jacrev(fun, argnums, has_aux=has_aux, holomorphic=holomorphic),
        argnums,
        has_aux=has_aux,
        holomorphic=holomorphic,
    )


__all__ = [
    "LinearFunction",
    "VJPFunction",
    "grad",
    "hessian",
    "jacfwd",
    "jacobian",
    "jacrev",
    "jvp",
    "linear_transpose",
    "linearize",
    "value_and_grad",
    "vjp",
]
