"""Running operations along an axis."""

import numpy as np
import pytest
from ops_rules import check_batching, check_derivatives, compiled, pulled, run

from numax._engine import runtime
from numax._engine.core.config import enable_x64
from numax._engine.ops import cumulative
from numax._engine.ops.basis import reduce_sum
from numax._engine.stablehlo.builder import Builder

RUNNING = {
    "cumsum": np.add,
    "cumprod": np.multiply,
    "cummax": np.maximum,
    "cummin": np.minimum,
    "cumlogsumexp": np.logaddexp,
}
SHAPES = [((5,), 0), ((3, 4), 1), ((2, 7, 3), 1), ((1,), 0), ((0,), 0), ((3, 0), 0), ((40, 2), 0)]


def operand(shape, dtype="float32", seed=0):
    rng = np.random.default_rng(seed)
    x = rng.standard_normal(shape)
    if np.dtype(dtype).kind == "c":
        x = x + 1j * rng.standard_normal(shape)
    return (x * 3 if np.dtype(dtype).kind in "iu" else x).astype(dtype)


@pytest.mark.parametrize("name", RUNNING)
@pytest.mark.parametrize(("shape", "axis"), SHAPES)
@pytest.mark.parametrize("reverse", [False, True])
def test_values_and_rules(name, shape, axis, reverse):
    x = operand(shape)

    def fun(v):
        return getattr(cumulative, name)(v, axis, reverse)

    flipped = np.flip(x.astype(np.float64), axis) if reverse else x.astype(np.float64)
    expected = RUNNING[name].accumulate(flipped, axis)
    expected = np.flip(expected, axis) if reverse else expected
    got = run(fun, [x])[0]
    np.testing.assert_allclose(got, expected, rtol=2e-4, atol=1e-5)
    np.testing.assert_allclose(compiled(fun, [x])[0], got, rtol=1e-5, atol=1e-5)
    if x.size < 50:
        check_derivatives(fun, [operand(shape, "float64")])
    with enable_x64(True):
        check_batching(fun, [operand(shape, "float64")], 1e-12, 1e-12)


NOT_FLOAT32 = [
    (name, dtype)
    for name in RUNNING
    for dtype in ["complex64", "int32", "uint8", "float16", "bfloat16"]
    if name != "cumlogsumexp" or dtype not in ("int32", "uint8")
]


@pytest.mark.parametrize(("name", "dtype"), NOT_FLOAT32)
def test_other_dtypes(name, dtype):
    x = operand((6,), "float32").astype(dtype) if dtype != "complex64" else operand((6,), dtype)
    fun = getattr(cumulative, name)
    got = run(fun, [x])[0]
    assert got.dtype == x.dtype
    again = compiled(fun, [x])[0]
    wide = np.complex64 if dtype == "complex64" else np.float32
    np.testing.assert_allclose(
        again.astype(wide), got.astype(wide), rtol=1e-2 if got.itemsize < 4 else 1e-5
    )
    if dtype == "complex64" and name != "cumlogsumexp":
        np.testing.assert_allclose(got, RUNNING[name].accumulate(x), rtol=1e-5)
    if dtype == "complex64" and name == "cumlogsumexp":
        np.testing.assert_allclose(np.exp(got), np.cumsum(np.exp(x)), rtol=1e-5)


def test_narrow_floats_are_summed_in_float32():
    x = np.full(3000, 1, np.float16)
    np.testing.assert_array_equal(run(cumulative.cumsum, [x])[0][-1], np.float16(3000))
    np.testing.assert_array_equal(compiled(cumulative.cumsum, [x])[0][-1], np.float16(3000))


def test_product_has_a_gradient_at_zeros():
    x = np.array([1.0, 0.0, 2.0, 0.0], np.float32)
    grad = pulled(cumulative.cumprod, [x], [np.ones(4, np.float32)])[0]
    np.testing.assert_array_equal(grad, [1, 3, 0, 0])


def test_equal_maxima_share_the_gradient():
    x = np.array([3.0, 1.0, 3.0, 2.0], np.float32)
    grad = pulled(cumulative.cummax, [x], [np.ones(4, np.float32)])[0]
    np.testing.assert_array_equal(grad, [3, 0, 1, 0])


@pytest.mark.parametrize("fun", [run, compiled])
def test_infinities_and_nans(fun):
    inf, nan = np.inf, np.nan
    x = np.array([-inf, -inf, 2, inf, 3], np.float32)
    np.testing.assert_array_equal(fun(cumulative.cumlogsumexp, [x])[0], [-inf, -inf, 2, inf, inf])
    x = np.array([1, nan, 3], np.float32)
    for name in RUNNING:
        np.testing.assert_array_equal(fun(getattr(cumulative, name), [x])[0], [1, nan, nan])


def test_logsumexp_gradient_after_minus_infinity():
    x = np.array([-np.inf, -np.inf, 2.0, 0.0], np.float32)
    grad = pulled(lambda v: reduce_sum(cumulative.cumlogsumexp(v), (0,)), [x], [np.float32(1)])[0]
    expected = np.exp(0) / (np.exp(2) + np.exp(0))
    np.testing.assert_allclose(grad, [0, 0, 2 - expected, expected], rtol=1e-6)


def run_text(text, args, outs):
    device = runtime.backend().devices[0]
    outputs = [runtime.Output(v.shape, v.dtype) for v in outs]
    program = runtime.compile(text, devices=(device,), outputs=outputs)
    handles = [runtime.to_device(a, device, immutable=True) for a in args]
    return [runtime.to_numpy(h) for h in program.run(handles)]


@pytest.mark.parametrize("name", [*RUNNING, "linear_recurrence"])
@pytest.mark.parametrize("n", [1, 2, 7, 8])
@pytest.mark.parametrize("reverse", [False, True])
def test_the_tree_equals_the_loop(name, n, reverse):
    x = operand((n, 2))
    args = [x, operand((n, 2), seed=1)] if name == "linear_recurrence" else [x]
    prim = getattr(cumulative, f"{name}_p")
    results = []
    for platform in ("cpu", "cuda"):
        b = Builder(platform)
        values = b.main([(a.shape, a.dtype) for a in args])
        out = prim.lower(b, *values, axis=0, reverse=reverse)
        results.append(run_text(b.module("test", [out]), args, [out])[0])
    assert ("while" in b.module("test", [out])) is False
    np.testing.assert_allclose(results[0], results[1], rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(
        results[0], prim.host(*args, axis=0, reverse=reverse), rtol=1e-5, atol=1e-6
    )


def test_overflowing_factors_leave_zeros_alone():
    a = np.full(5000, 2, np.float32)
    b = np.zeros(5000, np.float32)
    b[4990] = 1
    for how in (run, compiled):
        h = how(cumulative.linear_recurrence, [a, b])[0]
        np.testing.assert_array_equal(h, [0.0] * 4990 + [2.0**k for k in range(10)])


@pytest.mark.parametrize("shape", [(300,), (40, 100), (33, 2, 3), (1000, 3)])
def test_linear_recurrence_on_the_host(shape):
    rng = np.random.default_rng(0)
    a, b = rng.uniform(0, 1, shape), rng.standard_normal(shape)
    got = cumulative.linear_recurrence_p.host(a, b, axis=0, reverse=False)
    expected = b.copy()
    for k in range(1, shape[0]):
        expected[k] += a[k] * expected[k - 1]
    np.testing.assert_allclose(got, expected, rtol=1e-12)
    back = cumulative.linear_recurrence_p.host(a[::-1], b[::-1], axis=0, reverse=True)
    np.testing.assert_allclose(back[::-1], expected, rtol=1e-12)
    check_derivatives(lambda x, y: cumulative.linear_recurrence(x, y, 0), [a[:5], b[:5]])


@pytest.mark.parametrize("name", RUNNING)
def test_errors(name):
    fun = getattr(cumulative, name)
    x = np.ones(3, np.float32)
    for axis in (-1, 1):
        with pytest.raises(ValueError, match=rf"{name}: axis must lie in 0\.\.0; got {axis}"):
            run(lambda v, a=axis: fun(v, a), [x])
    with pytest.raises(TypeError, match=f"{name}: accepts"):
        run(fun, [np.ones(3, bool)])
    with pytest.raises(TypeError, match=name):
        fun([1.0, 2.0])
