"""Windowed reductions."""

import numpy as np
import pytest
from cases_window import GEOMETRIES, PROGRAMS, expected, loop, pooled, smooth
from ops_rules import (
    arrays,
    check_batching,
    check_derivatives,
    compiled,
    pulled,
    pushed,
    run,
    values,
)

from numax._engine import runtime
from numax._engine.core.config import enable_x64
from numax._engine.core.stage import trace_to_jaxpr
from numax._engine.ops import window as W
from numax._engine.ops.arithmetic import max as max_
from numax._engine.ops.basis import add, mul, select_n
from numax._engine.ops.compare import ge
from numax._engine.stablehlo.builder import Builder
from numax._engine.transforms.vmap import Axis, vmap

MORE = [
    ((2, 6, 6, 3), ((1, 2, 2, 1), (1, 2, 2, 1), "VALID", None, None)),
    ((6, 6), ((3, 3), (2, 2), "SAME", None, None)),
    ((6, 5), ((3, 2), (2, 2), "SAME_LOWER", None, None)),
    ((4,), ((8,), (1,), "VALID", None, None)),
    ((30,), ((13,), (1,), ((12, 0),), None, None)),
    ((30,), ((13,), (3,), ((2, 3),), (2,), (2,))),
    ((), ((), (), "VALID", None, None)),
    ((0, 3), ((1, 2), (1, 1), ((0, 0), (1, 1)), None, None)),
]


def operand(shape, dtype="float64", seed=0):
    return np.asarray(np.random.default_rng(seed).standard_normal(shape)).astype(dtype)


@pytest.mark.parametrize("kind", PROGRAMS)
@pytest.mark.parametrize(("shape", "geometry"), GEOMETRIES + MORE)
def test_values_and_rules(kind, shape, geometry):
    x = operand(shape, "float32")
    fun = pooled(kind, geometry)
    got = run(fun, [x])[0]
    np.testing.assert_allclose(got, expected(kind, geometry)(x), rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(compiled(fun, [x])[0], got, rtol=1e-4, atol=1e-5)
    if x.size < 40 and np.prod(geometry[0]) < 10:
        check_derivatives(fun, [operand(shape)])
    with enable_x64(True):
        check_batching(fun, [operand(shape)], 1e-12, 1e-12)


@pytest.mark.parametrize("dtype", ["int8", "uint16", "float16", "bfloat16", "bool"])
@pytest.mark.parametrize("name", ["sum", "max", "min"])
def test_other_dtypes(name, dtype):
    if dtype == "bool" and name == "sum":
        dtype = "int32"
    prim = getattr(W, f"reduce_window_{name}_p")
    x = (operand((4, 6)) * 3).astype(dtype)
    geometry = W._geometry(x.shape, (2, 3), (1, 2), "VALID", None, None)
    wide = x.astype(np.float32)
    start = {"sum": 0, "max": -np.inf, "min": np.inf}[name]
    reference = loop(
        wide,
        start,
        getattr(np, {"sum": "add", "max": "maximum", "min": "minimum"}[name]),
        *geometry.values(),
    )
    for how in (run, compiled):
        got = how(lambda v: prim.bind(v, **geometry), [x])[0]
        assert got.dtype == x.dtype
        np.testing.assert_allclose(
            got.astype(np.float32), reference.astype(dtype).astype(np.float32), rtol=1e-2
        )


def lowered(prim, args, params, platform):
    """The results of the operation as it is lowered for a platform, run on the CPU."""
    b = Builder(platform)
    b.avals_out = [prim.infer(*[x.aval for x in arrays(args)], **params)]
    out = prim.lower(b, *b.main([(x.shape, x.dtype) for x in args]), **params)
    device = runtime.backend().devices[0]
    text = b.module("test", [out])
    outputs = [runtime.Output(out.shape, out.dtype)]
    program = runtime.compile(text, devices=(device,), outputs=outputs)
    return runtime.to_numpy(program.run([runtime.to_device(x, device) for x in args])[0]), text


@pytest.mark.parametrize(
    "name",
    ["reduce_window_sum", "reduce_window_max", "select_and_gather_add", "select_and_scatter_add"],
)
def test_the_compiler_s_own_windows_agree_with_slices(name):
    prim = getattr(W, f"{name}_p")
    x = operand((6, 7), "float32")
    geometry = {"window_dimensions": (3, 2), "window_strides": (1, 2), "padding": ((1, 1), (-1, 2))}
    if name != "select_and_scatter_add":
        geometry |= {"base_dilation": (1, 1), "window_dilation": (1, 1)}
    args = [x]
    if name.startswith("select"):
        places = W.reduce_window_shape_tuple(x.shape, *list(geometry.values())[:3])
        args = [operand(places if "scatter" in name else x.shape, "float32", 1), x]
        geometry["select_prim"] = W.ge_p
    slices, text = lowered(prim, args, geometry, "cpu")
    own, other = lowered(prim, args, geometry, "cuda")
    assert "stablehlo.slice" in text
    assert "reduce_window" in other or "select_and_scatter" in other
    np.testing.assert_allclose(own, slices, rtol=1e-6, atol=1e-6)
    np.testing.assert_allclose(prim.host(*args, **geometry), slices, rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize("select", [W.ge_p, W.le_p])
@pytest.mark.parametrize(
    ("shape", "window", "strides", "padding"),
    [
        ((6, 6), (2, 2), (2, 2), ((0, 0), (0, 0))),
        ((6, 5), (3, 2), (2, 1), ((1, 1), (0, 2))),
        ((7,), (3,), (1,), ((-1, 2),)),
        ((2,), (3,), (1,), ((0, 0),)),
    ],
)
def test_chosen_elements(select, shape, window, strides, padding):
    geometry = {"window_dimensions": window, "window_strides": strides, "padding": padding}
    ones = {"base_dilation": (1,) * len(shape), "window_dilation": (1,) * len(shape)}
    places = W.reduce_window_shape_tuple(shape, window, strides, padding)
    t, x, source = operand(shape), operand(shape, seed=1), operand(places, seed=2)

    def gather(a, b):
        return W.select_and_gather_add_p.bind(a, b, select_prim=select, **geometry, **ones)

    def scatter(a, b):
        return W.select_and_scatter_add_p.bind(a, b, select_prim=select, **geometry)

    for fun, args in ((gather, [t, x]), (scatter, [source, x])):
        single = [a.astype(np.float32) for a in args]
        np.testing.assert_allclose(compiled(fun, single)[0], run(fun, single)[0], rtol=1e-6)
        check_derivatives(lambda a, f=fun, v=args[1]: f(a, arrays([v])[0]), args[:1])
        with enable_x64(True):
            check_batching(fun, args, 1e-12, 1e-12)
    with enable_x64(True):
        prim = W.reduce_window_max_p if select is W.ge_p else W.reduce_window_min_p
        best = run(lambda b: prim.bind(b, **geometry, **ones), [x])[0]
        inside = np.isfinite(best)
        np.testing.assert_array_equal(run(gather, [x, x])[0][inside], best[inside])
        left = np.sum(run(gather, [t, x])[0] * source)
        np.testing.assert_allclose(left, np.sum(run(scatter, [source, x])[0] * t), rtol=1e-12)


def test_first_of_equal_elements_gets_the_gradient():
    x = np.array([1.0, 1.0, 1.0, 0.0], np.float32)

    def fun(v):
        return W.reduce_window(v, np.float32(-np.inf), max_, (2,))

    np.testing.assert_array_equal(pulled(fun, [x], [np.ones(3, np.float32)])[0], [1, 1, 1, 0])
    np.testing.assert_array_equal(pushed(fun, [x], [np.arange(4, dtype=np.float32)])[0], [0, 1, 2])


def test_dilated_maximum_has_a_derivative():
    geometry = ((2, 2), (1, 1), ((1, 0), (0, 1)), (2, 1), (1, 2))
    check_derivatives(pooled("max", geometry), [operand((3, 4))])


def best_pair(left, right):
    first = ge(left[0], right[0])
    return select_n(first, right[0], left[0]), select_n(first, right[1], left[1])


def test_several_operands():
    x = operand((4, 6), "float32")
    places = np.broadcast_to(np.arange(6, dtype=np.int32), x.shape).copy()

    def fun(v, i):
        return W.reduce_window((v, i), (np.float32(-np.inf), np.int32(-1)), best_pair, (1, 6))

    for how in (run, compiled):
        best, place = how(fun, [x, places])
        np.testing.assert_array_equal(best[:, 0], x.max(1))
        np.testing.assert_array_equal(place[:, 0], x.argmax(1))


def test_init_values_of_a_batch():
    x, start = operand((3, 4), "float32"), operand((3,), "float32", 1)

    def fun(v, s):
        return W.reduce_window(v, s, smooth, (2,))

    (out,), (dim,) = vmap(lambda v, s: [fun(v, s)], Axis(3), arrays([x, start]), [0, 0])
    each = [run(fun, [a, b])[0] for a, b in zip(x, start, strict=True)]
    assert dim == 0
    np.testing.assert_allclose(values([out])[0], each, rtol=1e-6)


@pytest.mark.parametrize(
    ("computation", "init", "name"),
    [
        (add, 0.0, "reduce_window_sum"),
        (max_, -np.inf, "reduce_window_max"),
        (add, 1.0, "reduce_window"),
        (mul, 1.0, "reduce_window"),
    ],
)
def test_known_monoids_become_their_operation(computation, init, name):
    x = arrays([np.ones(4, np.float32)])[0]
    jaxpr, _ = trace_to_jaxpr(
        lambda v: [W.reduce_window(v, np.float32(init), computation, (2,))], [x.aval]
    )
    assert [e.primitive.name for e in jaxpr.eqns] == [name]


def test_shapes():
    assert W.reduce_window_shape_tuple((10,), (3,), (2,), "SAME") == (5,)
    assert W.reduce_window_shape_tuple((10,), (3,), (2,), "VALID") == (4,)
    assert W.reduce_window_shape_tuple((10,), (3,), (2,), ((1, 1),), (2,), (2,)) == (9,)


@pytest.mark.parametrize(
    ("stride", "size", "apart", "padding"),
    [(1, 2, 1, (0, 1)), (1, 3, 2, (2, 2)), (2, 2, 1, (0, 0)), (2, 3, 1, (0, 1)), (2, 3, 2, (1, 2))],
)
def test_same_padding_ignores_the_dilation_of_the_operand(stride, size, apart, padding):
    found = W._geometry((6,), (size,), (stride,), "SAME", (2,), (apart,))
    assert found["padding"] == (padding,)


X = np.ones((4,), np.float32)


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (
            lambda x: W.reduce_window(x, 0.0, add, (2, 1)),
            TypeError,
            "window_dimensions must have a number for each of 1",
        ),
        (
            lambda x: W.reduce_window(x, 0.0, add, (-2,)),
            TypeError,
            "window_dimensions must be positive",
        ),
        (
            lambda x: W.reduce_window(x, 0.0, add, (2,), (0,)),
            TypeError,
            "window_strides must be positive",
        ),
        (
            lambda x: W.reduce_window(x, 0.0, add, (2,), (1,), "FOO"),
            RuntimeError,
            "'VALID', 'SAME' or 'SAME_LOWER'",
        ),
        (
            lambda x: W.reduce_window(x, 0.0, add, (2,), (1,), ((0, 0), (0, 0))),
            ValueError,
            "padding must have a pair",
        ),
        (lambda x: W.reduce_window(x, (0.0, 0), add, (2,)), ValueError, "must have one structure"),
        (lambda x: W.reduce_window(x, 0, add, (2,)), TypeError, "must have its operand's dtype"),
    ],
)
def test_errors(call, error, message):
    with pytest.raises(error, match=message):
        run(call, [X])
