"""Reductions."""

import ml_dtypes
import numpy as np
import pytest
from ops_rules import arrays, check_batching, check_derivatives, compiled, pulled, run, values

import numax
from numax._engine.core.config import enable_x64
from numax._engine.core.stage import trace_to_jaxpr
from numax._engine.ops import reduce as R
from numax._engine.ops.basis import add, mul, select_n, sub
from numax._engine.ops.compare import gt
from numax._engine.transforms.vmap import Axis, vmap

NARROW = [
    np.dtype(t) for t in (ml_dtypes.bfloat16, np.float16, ml_dtypes.float8_e4m3fn, ml_dtypes.int4)
]
AXES = [((5,), (0,)), ((3, 4), (1,)), ((2, 3, 4), (0, 2)), ((2, 3), ()), ((0, 3), (1,)), ((), ())]
UFUNCS = {"reduce_max": np.maximum, "reduce_min": np.minimum, "reduce_prod": np.multiply}


def operand(shape, dtype="float32", seed=0):
    rng = np.random.default_rng(seed)
    x = rng.standard_normal(shape) * 2
    if np.dtype(dtype).kind == "c":
        x = x + 1j * rng.standard_normal(shape)
    return np.asarray(x).astype(dtype)


@pytest.mark.parametrize("name", UFUNCS)
@pytest.mark.parametrize(("shape", "axes"), AXES)
def test_values_and_rules(name, shape, axes):
    x = operand(shape)

    def fun(v):
        return getattr(R, name)(v, axes)

    got = run(fun, [x])[0]
    np.testing.assert_allclose(got, UFUNCS[name].reduce(x, axis=axes), rtol=1e-6)
    np.testing.assert_allclose(compiled(fun, [x])[0], got, rtol=1e-6)
    check_derivatives(fun, [operand(shape, "float64")])
    with enable_x64(True):
        check_batching(fun, [operand(shape, "float64")], 1e-12, 1e-12)


@pytest.mark.parametrize("fun", [run, compiled])
def test_nothing_reduces_to_the_identity(fun):
    x = np.zeros((0, 2), np.float32)
    np.testing.assert_array_equal(fun(lambda v: R.reduce_max(v, (0,)), [x])[0], [-np.inf] * 2)
    np.testing.assert_array_equal(fun(lambda v: R.reduce_min(v, (0,)), [x])[0], [np.inf] * 2)
    np.testing.assert_array_equal(fun(lambda v: R.reduce_prod(v, (0,)), [x])[0], [1, 1])
    whole = x.astype(np.int8)
    np.testing.assert_array_equal(fun(lambda v: R.reduce_max(v, (0,)), [whole])[0], [-128] * 2)
    np.testing.assert_array_equal(fun(lambda v: R.reduce_and(v, (0,)), [whole])[0], [-1] * 2)
    np.testing.assert_array_equal(
        fun(lambda v: R.reduce_min(v, (0,)), [x.astype(bool)])[0], [True] * 2
    )
    assert fun(lambda v: R.reduce_max(v, (0,)), [x.astype(np.complex64)])[0][0] == complex(
        -np.inf, 0
    )


@pytest.mark.parametrize("fun", [run, compiled])
def test_nan_wins(fun):
    x = np.array([[1, np.nan, 3], [2, 5, 4]], np.float32)
    np.testing.assert_array_equal(fun(lambda v: R.reduce_max(v, (1,)), [x])[0], [np.nan, 5])
    np.testing.assert_array_equal(fun(lambda v: R.reduce_min(v, (1,)), [x])[0], [np.nan, 2])
    np.testing.assert_array_equal(fun(lambda v: R.argmax(v, 1, np.int32), [x])[0], [1, 1])
    np.testing.assert_array_equal(fun(lambda v: R.argmin(v, 1, np.int32), [x])[0], [1, 0])
    z = np.array([1 + 2j, complex(0, np.nan), 3], np.complex64)
    assert np.isnan(fun(lambda v: R.reduce_max(v, (0,)), [z])[0])


@pytest.mark.parametrize("dtype", NARROW, ids=str)
@pytest.mark.parametrize("name", ["reduce_max", "reduce_min", "reduce_prod", "argmax", "argmin"])
def test_narrow_dtypes(name, dtype):
    x = np.array([[1, 3, -2], [1, 2, 1]]).astype(dtype)
    wide = x.astype(np.int32)
    if name.startswith("arg"):

        def fun(v):
            return getattr(R, name)(v, 1, np.int32)

        expected = getattr(np, name)(wide, 1)
    else:

        def fun(v):
            return getattr(R, name)(v, (1,))

        expected = UFUNCS[name].reduce(wide, 1)
    for how in (run, compiled):
        got = how(fun, [x])[0]
        np.testing.assert_array_equal(got.astype(np.int32), expected)
        assert got.dtype == (np.int32 if name.startswith("arg") else dtype)


@pytest.mark.parametrize(
    ("name", "ufunc"), [("and", np.bitwise_and), ("or", np.bitwise_or), ("xor", np.bitwise_xor)]
)
@pytest.mark.parametrize("dtype", [np.bool_, np.int32, np.uint8, ml_dtypes.int4])
def test_bits(name, ufunc, dtype):
    x = np.random.default_rng(0).integers(0, 2 if dtype is np.bool_ else 8, (3, 4)).astype(dtype)

    def fun(v):
        return getattr(R, f"reduce_{name}")(v, (0,))

    wide = x if dtype is np.bool_ else x.astype(np.int32)
    for how in (run, compiled):
        np.testing.assert_array_equal(how(fun, [x])[0].astype(wide.dtype), ufunc.reduce(wide, 0))
    with pytest.raises(TypeError, match=f"reduce_{name}: accepts integers and booleans"):
        run(fun, [x.astype(np.float32)])


def test_equal_extremes_share_the_gradient():
    x = np.array([3.0, 1.0, 3.0], np.float32)
    grad = pulled(lambda v: R.reduce_max(v, (0,)), [x], [np.float32(1)])[0]
    np.testing.assert_array_equal(grad, [0.5, 0, 0.5])


def test_product_has_a_gradient_at_zeros():
    for x, expected in [([2.0, 0.0, 3.0], [0, 6, 0]), ([0.0, 0.0, 3.0], [0, 0, 0])]:
        grad = pulled(lambda v: R.reduce_prod(v, (0,)), [np.float32(x)], [np.float32(1)])[0]
        np.testing.assert_array_equal(grad, expected)


def test_first_of_equal_places():
    x = np.array([1, 5, 2, 5, 1], np.int32)
    for how in (run, compiled):
        assert how(lambda v: R.argmax(v, 0, np.int32), [x])[0] == 1
        assert how(lambda v: R.argmin(v, -1, np.uint8), [x])[0] == 0


# ---- reduce ----


def smooth(x, y):
    return add(add(x, y), mul(x, y))


def longest(left, right):
    """The pair of larger first component."""
    x, i = left
    y, j = right
    first = gt(x, y)
    return select_n(first, y, x), select_n(first, j, i)


@pytest.mark.parametrize(
    ("shape", "axes"),
    [((5,), (0,)), ((3, 4), (1,)), ((2, 3, 4), (2, 0)), ((0, 2), (0,)), ((2,), ())],
)
def test_any_program(shape, axes):
    x = operand(shape)

    def fun(v):
        return R.reduce(v, np.zeros((), v.dtype), smooth, axes)

    expected = np.prod(1 + x.astype(np.float64), axis=axes) - 1
    np.testing.assert_allclose(run(fun, [x])[0], expected, rtol=1e-5, atol=1e-5)
    np.testing.assert_allclose(compiled(fun, [x])[0], expected, rtol=1e-5, atol=1e-5)
    check_derivatives(fun, [operand(shape, "float64")])
    with enable_x64(True):
        check_batching(fun, [operand(shape, "float64")], 1e-12, 1e-12)


def test_several_operands():
    x = operand((4, 6))
    places = np.broadcast_to(np.arange(6, dtype=np.int32), x.shape).copy()

    def fun(v, i):
        return R.reduce((v, i), (np.float32(-np.inf), np.int32(-1)), longest, (1,))

    for how in (run, compiled):
        best, place = how(fun, [x, places])
        np.testing.assert_array_equal(best, x.max(1))
        np.testing.assert_array_equal(place, x.argmax(1))
    check_batching(fun, [x, places])


def test_a_compiled_function_combines():
    x = operand((3, 5))
    step = numax.jit(smooth)

    def fun(v):
        return R.reduce(v, np.float32(0), step, (1,))

    for how in (run, compiled):
        np.testing.assert_allclose(
            how(fun, [x])[0], np.prod(1 + x.astype(np.float64), 1) - 1, rtol=1e-4
        )
    check_batching(fun, [x])


def test_init_values_of_a_batch():
    x, start = operand((3, 4)), operand((3,), seed=1)
    (out,), (dim,) = vmap(
        lambda v, s: [R.reduce(v, s, smooth, (0,))], Axis(3), arrays([x, start]), [0, 0]
    )
    expected = [
        run(lambda v, s: R.reduce(v, s, smooth, (0,)), [a, b])[0]
        for a, b in zip(x, start, strict=True)
    ]
    assert dim == 0
    np.testing.assert_allclose(values([out])[0], expected, rtol=1e-5)


@pytest.mark.parametrize(
    ("computation", "init", "expected"),
    [
        (add, 0.0, "reduce_sum"),
        (mul, 1.0, "reduce_prod"),
        (lambda x, y: add(x, y), 0.0, "reduce_sum"),
        (add, 1.0, "reduce"),
        (sub, 0.0, "reduce"),
    ],
)
def test_known_monoids_become_their_operation(computation, init, expected):
    jaxpr, _ = trace_to_jaxpr(
        lambda v: [R.reduce(v, np.float32(init), computation, (0,))],
        [arrays([np.ones(3, np.float32)])[0].aval],
    )
    assert [e.primitive.name for e in jaxpr.eqns] == [expected]


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (
            lambda x: R.reduce(x, 0, add, (0,)),
            TypeError,
            "must have its operand's dtype; got int32",
        ),
        (
            lambda x: R.reduce(x, np.zeros(2, np.float32), add, (0,)),
            ValueError,
            "init values are scalars",
        ),
        (lambda x: R.reduce((x, x), (0.0,), add, (0,)), ValueError, "must have one structure"),
        (lambda x: R.reduce((), (), add, (0,)), ValueError, "at least one operand"),
        (lambda x: R.reduce(x, 0.0, lambda a, b: (a, b), (0,)), TypeError, "must return scalars"),
        (lambda x: R.reduce(x, 0.0, smooth, (2,)), ValueError, "reduce: axis 2 is out of bounds"),
        (
            lambda x: R.reduce(x, 0.0, lambda a, b: add(a, R.reduce_max(x, (0,))), (0,)),
            NotImplementedError,
            "outside",
        ),
        (lambda x: R.argmax(x, 1, np.int32), ValueError, "argmax: axis 1 is out of bounds"),
        (lambda x: R.argmax(x, 0, np.float32), TypeError, "index_dtype must be an integer"),
        (lambda x: R.reduce_max(x, (0, 0)), ValueError, "repeated axis"),
    ],
)
def test_errors(call, error, message):
    with pytest.raises(error, match=message):
        compiled(call, [np.ones(3, np.float32)])
