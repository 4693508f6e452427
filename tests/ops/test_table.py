"""Each row of the table of operations (cases_*.py), through every check."""

import importlib
import pathlib
import pkgutil
import re
import zlib

import hypothesis
import ml_dtypes
import numpy as np
import pytest
from hypothesis import strategies as st

import numax
from numax import tree_util
from numax._engine import control, dispatch, ops
from numax._engine.core import ir_check, tree
from numax._engine.core.ir import ClosedJaxpr
from numax._engine.core.primitive import Primitive
from numax._engine.core.stage import trace_to_jaxpr
from numax._engine.core.trace import as_value

FILES = sorted(p.stem for p in pathlib.Path(__file__).parent.glob("cases_*.py"))
CASES = [case for name in FILES for case in importlib.import_module(name).CASES]
EPS = {
    "float16": 2.0**-10,
    "bfloat16": 2.0**-7,
    "float32": 2.0**-23,
    "complex64": 2.0**-23,
    "float64": 2.0**-52,
    "complex128": 2.0**-52,
}
X64 = {"float64", "complex128", "int64", "uint64"}
GRAD_DTYPES = ("float32", "float64", "complex64", "complex128")


def rng_of(case):
    return np.random.default_rng(zlib.crc32(case.name.encode()))


def dtype_of(name):
    return np.dtype(getattr(ml_dtypes, name)) if hasattr(ml_dtypes, name) else np.dtype(name)


def arguments(case, dtype):
    rng = rng_of(case)
    return [make(rng, dtype_of(dtype)) for make in case.args]


def tolerance(case, dtype, factor=1.0):
    if case.tol and dtype in case.tol:
        return case.tol[dtype] * factor
    return EPS.get(dtype, 0.0) * 16 * factor


def wide(x):
    x = np.asarray(x)
    if x.dtype.kind in "V" or x.dtype.name in ("bfloat16", "float16") or "float8" in x.dtype.name:
        return x.astype(np.float64)
    return x


def close(got, want, tol, exact_dtype=True):
    one, two = tree_util.tree_leaves(got), tree_util.tree_leaves(want)
    assert len(one) == len(two)
    for a, b in zip(one, two, strict=True):
        a, b = np.asarray(a), np.asarray(b)
        assert a.shape == b.shape
        if exact_dtype:
            assert a.dtype == b.dtype
        a, b = wide(a), wide(b)
        if tol == 0:
            np.testing.assert_array_equal(a, b)
        else:
            finite = np.abs(b[np.isfinite(b)]) if b.size else b
            scale = float(finite.max()) if finite.size else 0.0
            np.testing.assert_allclose(a, b, rtol=tol, atol=tol * max(scale, 1e-3))


def rows(dtypes=None, grad=False):
    for case in CASES:
        for dtype in case.dtypes:
            if dtypes is None or dtype in dtypes:
                if grad and (not case.grad or dtype not in GRAD_DTYPES):
                    continue
                yield pytest.param(case, dtype, id=f"{case.name}-{dtype}")
                if grad:
                    break


def recorded(case, args):
    """The operation as a program."""

    def flat(*values):
        return [as_value(v) for v in tree.flatten(case.fun(*values))[0]]

    jaxpr, consts = trace_to_jaxpr(flat, [as_value(a).aval for a in args])
    closed = ClosedJaxpr(jaxpr, consts)
    ir_check.check(closed)
    return closed


def compiled(case, args):
    """The operation's results from XLA, however small it is."""
    closed = recorded(case, args)
    return dispatch.compile_program(closed, "test")([as_value(a) for a in args])


@pytest.fixture(autouse=True)
def wide_types(request):
    dtype = request.node.callspec.params.get("dtype") if hasattr(request.node, "callspec") else None
    with numax.enable_x64(dtype in X64 if dtype else False):
        yield


@pytest.mark.parametrize(("case", "dtype"), list(rows()))
def test_value_eager_and_compiled(case, dtype):
    args = arguments(case, dtype)
    got = case.fun(*[as_value(a) for a in args])
    with np.errstate(all="ignore"):
        want = case.reference(*args)
    close(got, want, tolerance(case, dtype), exact_dtype=False)
    leaves = tree_util.tree_leaves(got)
    close(compiled(case, args), leaves, tolerance(case, dtype))


def inexact(args):
    return [i for i, a in enumerate(args) if np.asarray(a).dtype.kind in "fc"]


def chosen(case, args):
    return list(case.diff) if case.diff is not None else inexact(args)


def to_double(args):
    wider = {"f": np.float64, "c": np.complex128}
    return [a.astype(wider[a.dtype.kind]) if a.dtype.kind in wider else a for a in args]


def partial(fun, args, places):
    """The function of the arguments at `places`; its inexact results, as a list."""

    def f(*xs):
        whole = list(args)
        for i, x in zip(places, xs, strict=True):
            whole[i] = x
        outs = tree_util.tree_leaves(fun(*[as_value(a) for a in whole]))
        return [o for o in outs if np.dtype(o.dtype).kind in "fc"]

    return f


def tangents_for(rng, xs):
    out = []
    for x in xs:
        t = rng.standard_normal(x.shape)
        if x.dtype.kind == "c":
            t = t + 1j * rng.standard_normal(x.shape)
        out.append(np.asarray(t, x.dtype))
    return out


def numerical(f, xs, ts, eps):
    plus = f(*[x + eps * t for x, t in zip(xs, ts, strict=True)])
    minus = f(*[x - eps * t for x, t in zip(xs, ts, strict=True)])
    return [(np.asarray(p) - np.asarray(m)) / (2 * eps) for p, m in zip(plus, minus, strict=True)]


def check_forward(f, xs, ts, tol):
    outs, got = numax.jvp(f, tuple(xs), tuple(ts))
    for g, w in zip(got, numerical(f, xs, ts, 1e-6), strict=True):
        scale = max(1.0, float(np.abs(w).max()) if np.size(w) else 1.0)
        np.testing.assert_allclose(np.asarray(g) / scale, w / scale, rtol=tol, atol=tol)
    return outs, got


@pytest.mark.parametrize(("case", "dtype"), list(rows(grad=True)))
def test_derivatives_to_second_order(case, dtype):
    with numax.enable_x64(True):
        args = to_double(arguments(case, dtype))
        places = chosen(case, args)
        f = partial(case.fun, args, places)
        xs = [args[i] for i in places]
        rng = np.random.default_rng(1)
        ts = tangents_for(rng, xs)
        outs, tangents = check_forward(f, xs, ts, 2e-5)
        # transpose: <ct, J t> = <J' ct, t> (no conjugation)
        _, pull = numax.vjp(f, *xs)
        cts = tangents_for(rng, [np.asarray(o) for o in outs])
        grads = pull(cts)
        left = sum(
            np.sum(np.asarray(c) * np.asarray(t)) for c, t in zip(cts, tangents, strict=True)
        )
        right = sum(np.sum(np.asarray(g) * t) for g, t in zip(grads, ts, strict=True))
        np.testing.assert_allclose(np.real(left), np.real(right), rtol=1e-7, atol=1e-7)
        # second order: the derivative of both
        check_forward(lambda *x: numax.jvp(f, x, tuple(ts))[1], xs, tangents_for(rng, xs), 2e-4)
        check_forward(lambda *x: numax.vjp(f, *x)[1](cts), xs, tangents_for(rng, xs), 2e-4)

        # both as programs: well formed, and compiled they give the same
        def both(*x):
            return numax.jvp(f, x, tuple(ts))[1], numax.vjp(f, *x)[1](cts)

        closed = numax.make_jaxpr(both)(*xs)
        ir_check.check(closed)
        got = dispatch.compile_program(closed, "test")([as_value(x) for x in xs])
        close(got, [*tangents, *grads], 1e-8, exact_dtype=False)


def stacked(args, which, axis, size=2):
    out = []
    for i, a in enumerate(args):
        if i in which:
            extra = [a] + [np.roll(a, k, -1) if a.ndim else a for k in range(1, size)]
            out.append(np.stack(extra, axis if axis >= 0 else a.ndim))
        else:
            out.append(a)
    return out


@pytest.mark.parametrize(
    ("case", "dtype"),
    [r for r in rows() if r.values[0].batch and r.values[1] == r.values[0].dtypes[0]],
)
def test_vmap_equals_a_loop(case, dtype):
    args = arguments(case, dtype)
    if not args:
        return
    tol = tolerance(case, dtype, 4)
    everything = set(range(len(args)))
    choices = [(everything, 0), (everything, -1)]
    if len(args) > 1:
        choices += [({i}, 0) for i in range(len(args))]
    for which, axis in choices:
        batch = stacked(args, which, axis)
        in_axes = tuple(
            (axis if axis >= 0 else args[i].ndim) if i in which else None for i in range(len(args))
        )
        loop = []
        for k in range(2):
            one = [np.take(b, k, in_axes[i]) if i in which else b for i, b in enumerate(batch)]
            loop.append(tree_util.tree_leaves(case.fun(*[as_value(a) for a in one])))
        want = [np.stack([np.asarray(v) for v in column]) for column in zip(*loop, strict=True)]
        mapped = numax.vmap(case.fun, in_axes)
        values = [as_value(b) for b in batch]
        close(mapped(*values), want, tol)
        if which == everything and axis == 0:
            closed = numax.make_jaxpr(mapped)(*values)
            ir_check.check(closed)
            close(dispatch.compile_program(closed, "test")(values), want, tol)


@pytest.mark.parametrize(
    "row",
    [pytest.param(b, id=f"{c.name}-{i}") for c in CASES for i, b in enumerate(c.bad)],
)
def test_bad_input_is_refused(row):
    call, error, pattern = row
    with pytest.raises(error, match=pattern) as info:
        call()
    assert re.match(r"[A-Za-z_][\w. ]*: .", str(info.value)), (
        "a message begins with the operation's name"
    )


# ---- shapes ----


def is_elementwise(prim):
    """Made by the families of operations that work on each element."""
    return prim.infer.__qualname__.split(".")[0] in ("unary", "binary", "infer_binary")


def primitives():
    found = {}
    for package in (ops, control):
        for info in pkgutil.iter_modules(package.__path__, package.__name__ + "."):
            for value in vars(importlib.import_module(info.name)).values():
                if isinstance(value, Primitive):
                    found[value.name] = value
    return found


def elementwise_cases():
    known, seen = primitives(), set()
    for case in CASES:
        prim = known.get(case.primitive)
        if prim is not None and is_elementwise(prim) and case.primitive not in seen and case.args:
            seen.add(case.primitive)
            yield pytest.param(case, case.dtypes[0], id=case.name)


SHAPES = st.lists(st.integers(0, 4), max_size=3).map(tuple)


@pytest.mark.parametrize(("case", "dtype"), list(elementwise_cases()))
@hypothesis.settings(max_examples=8)
@hypothesis.given(shape=SHAPES, scalar=st.integers(-1, 1))
def test_elementwise_operations_of_any_shape(case, dtype, shape, scalar):
    """Of any shape, and with one operand of two without dimensions."""
    args = [np.resize(a, shape).astype(a.dtype) for a in arguments(case, dtype)]
    if len(args) == 2 and scalar >= 0 and args[0].size:
        args[scalar] = args[scalar].ravel()[0].reshape(())
    got = case.fun(*[as_value(a) for a in args])
    with np.errstate(all="ignore"):
        want = case.reference(*np.broadcast_arrays(*args))
    close(got, want, tolerance(case, dtype), exact_dtype=False)
    closed = recorded(case, args)
    assert [a.shape for a in closed.out_avals] == [np.shape(v) for v in tree_util.tree_leaves(got)]


# ---- every operation has a row ----

ELSEWHERE = {
    # higher-order: the parameter is a program; tests/control and tests/api hold their tests
    *("jit", "cond", "scan", "while", "while_linear", "remat2", "pmap", "callback", "name"),
    *("platform_index", "rng_bit_generator", "rng_uniform"),  # control/test_platform.py
    *("custom_jvp_call", "custom_vjp_call", "custom_lin", "custom_linear_solve"),
}


def test_every_operation_has_a_row():
    rows_for, known = {case.primitive for case in CASES}, set(primitives())
    assert known - rows_for - ELSEWHERE == set()
    assert rows_for - known == set()
    assert ELSEWHERE & rows_for == set() and known >= ELSEWHERE


def test_names_of_rows_are_unique():
    names = [case.name for case in CASES]
    assert sorted(names) == sorted(set(names))
