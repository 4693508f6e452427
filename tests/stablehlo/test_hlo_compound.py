import itertools

import ml_dtypes
import numpy as np
import pytest
from scipy import linalg, signal

from numax._engine.stablehlo import hlo
from numax._engine.stablehlo.compound import window_shape

F32, I32 = np.dtype(np.float32), np.dtype(np.int32)
X = np.random.default_rng(0).standard_normal((3, 4, 5)).astype(np.float32)

MONOIDS = [
    (hlo.add, np.sum, X),
    (hlo.multiply, np.prod, X),
    (hlo.maximum, np.max, X),
    (hlo.minimum, np.min, X),
    (hlo.maximum, np.max, (X * 10).astype(np.int32)),
    (hlo.and_, np.all, X > -2),
    (hlo.or_, np.any, X > 2),
    (hlo.xor, np.bitwise_xor.reduce, (X * 100).astype(np.int32)),
    (hlo.and_, np.bitwise_and.reduce, (X * 100).astype(np.uint32)),
    (hlo.minimum, np.min, (X * 10).astype(np.uint32)),
]


def test_reductions_by_monoids_agree_with_numpy(run):
    def body(b, *xs):
        outs = []
        for (op, _, _), x in zip(MONOIDS, xs, strict=True):
            init = b.constant(hlo.identity(op, x.dtype), x.dtype)
            outs.append(hlo.reduce_with(b, x, init, (1,), op))
        assert all("applies" in line for line in b.lines if " stablehlo.reduce" in line)
        return outs

    outs = run(body, *[x for _, _, x in MONOIDS])
    for (op, reference, x), out in zip(MONOIDS, outs, strict=True):
        np.testing.assert_allclose(out, reference(x, axis=1), 1e-5, 1e-6, err_msg=op.__name__)


@pytest.mark.parametrize(
    "dtype",
    [
        *[np.bool_, np.int8, np.int64, np.uint8, np.uint64, np.float32, np.float64],
        *[ml_dtypes.bfloat16, ml_dtypes.float8_e4m3fn, ml_dtypes.int4],
    ],
)
def test_identities_leave_every_bound_unchanged(dtype):
    dtype = np.dtype(dtype)
    low, high = hlo.identity(hlo.maximum, dtype), hlo.identity(hlo.minimum, dtype)
    low, high = (np.asarray(v).astype(dtype) for v in (low, high))
    for value in [0, 1, low, high]:
        value = np.asarray(value).astype(dtype)
        assert max(low, value) == value
        assert min(high, value) == value


def test_reduce_with_any_body_and_several_operands(run):
    """arg max: the greater value, then the lower index."""

    def argmax(b, x, i, y, j):
        first = hlo.compare(b, x, y, "GT")
        equal = hlo.and_(b, hlo.compare(b, x, y, "EQ"), hlo.compare(b, i, j, "LT"))
        left = hlo.or_(b, first, equal)
        return hlo.select(b, left, x, y), hlo.select(b, left, i, j)

    def body(b, x):
        index = hlo.iota(b, x.shape, I32, 2)
        inits = [b.constant(-np.inf, F32), b.constant(2**31 - 1, I32)]
        both = hlo.reduce(b, [x, index], inits, (2,), argmax)
        zero = b.constant(0.0, F32)
        norm = hlo.reduce_with(
            b, x, zero, (0, 1, 2), lambda b, x, y: hlo.maximum(b, x, hlo.abs(b, y))
        )
        return [*both, norm, *hlo.reduce(b, [x], [zero], (0,), hlo.add)]

    values, places, norm, total = run(body, X)
    np.testing.assert_array_equal(values, X.max(2))
    np.testing.assert_array_equal(places, X.argmax(2))
    assert norm == np.abs(X).max()
    np.testing.assert_allclose(total, X.sum(0), rtol=1e-5)


def _windows(x, window, strides, padding, base, dilation, init, combine):
    shape = window_shape(x.shape, window, strides, padding, base, dilation)
    whole = np.full([(n - 1) * b + 1 for n, b in zip(x.shape, base, strict=True)], init)
    whole[tuple(slice(None, None, b) for b in base)] = x
    whole = np.pad(whole, padding, constant_values=init)
    out = np.empty(shape, x.dtype)
    for place in itertools.product(*map(range, shape)):
        at = [
            slice(p * s, p * s + (w - 1) * d + 1, d)
            for p, s, w, d in zip(place, strides, window, dilation, strict=True)
        ]
        out[place] = combine(whole[tuple(at)])
    return out


def test_reduce_window_with_strides_padding_and_dilations(run):
    x = X[0]
    full = ((2, 3), (1, 2), [(1, 0), (2, 1)], (2, 1), (1, 2))

    def body(b, x):
        zero = b.constant(0.0, F32)
        low = b.constant(-np.inf, F32)
        (one,) = hlo.reduce_window(
            b,
            [x],
            [zero],
            hlo.add,
            window_dimensions=full[0],
            window_strides=full[1],
            padding=full[2],
            base_dilations=full[3],
            window_dilations=full[4],
        )
        (two,) = hlo.reduce_window(b, [x], [low], hlo.maximum, window_dimensions=(2, 2))
        return one, two

    one, two = run(body, x)
    np.testing.assert_allclose(one, _windows(x, *full, 0.0, np.sum), rtol=1e-5, atol=1e-6)
    plain = ((2, 2), (1, 1), [(0, 0)] * 2, (1, 1), (1, 1))
    np.testing.assert_array_equal(two, _windows(x, *plain, -np.inf, np.max))


def test_select_and_scatter_is_the_gradient_of_max_pooling(run):
    x = np.array([[4, 1, 3], [0, 5, 2], [1, 6, 7], [9, 0, 8]], np.float32)
    source = np.array([[10, 20], [30, 40]], np.float32)[:, :1]

    def body(b, x, source):
        return hlo.select_and_scatter(
            b,
            x,
            source,
            b.constant(0.0, F32),
            lambda b, x, y: hlo.compare(b, x, y, "GE"),
            hlo.add,
            window_dimensions=(2, 3),
            window_strides=(2, 3),
        )

    expected = np.zeros_like(x)
    expected[1, 1], expected[3, 0] = 10, 30
    np.testing.assert_array_equal(run(body, x, source), expected)


def test_sort_is_stable_and_carries_operands(run):
    keys = np.array([[3, 1, 2, 1], [0, 5, 0, -1]], np.int32)

    def body(b, keys):
        places = hlo.iota(b, keys.shape, I32, 1)
        both = hlo.sort(b, [keys, places], 1, lambda b, x, y, i, j: hlo.compare(b, x, y, "LT"))
        down = hlo.sort(b, [keys], 0, lambda b, x, y: hlo.compare(b, x, y, "GT"), stable=False)
        return [*both, *down]

    out, places, down = run(body, keys)
    np.testing.assert_array_equal(out, np.sort(keys, 1))
    np.testing.assert_array_equal(places, np.argsort(keys, 1, kind="stable"))
    np.testing.assert_array_equal(down, -np.sort(-keys, 0))


def test_top_k(run):
    values, places = run(lambda b, x: hlo.top_k(b, x, 2), X)
    order = np.argsort(-X, -1)[..., :2]
    np.testing.assert_array_equal(values, np.take_along_axis(X, order, -1))
    np.testing.assert_array_equal(places, order)


def test_dot_general_contracts_batches_and_orders(run):
    y = np.random.default_rng(1).standard_normal((5, 2, 3)).astype(np.float32)
    i8 = np.arange(6, dtype=np.int8).reshape(2, 3)

    def body(b, x, y, i8):
        return (
            hlo.dot_general(b, x, y, (((2,), (0,)), ((0,), (2,)))),
            hlo.dot_general(b, x, y, (((2, 0), (0, 2)), ((), ())), precision="HIGHEST"),
            hlo.dot_general(
                b, x, x, (((0, 1, 2), (0, 1, 2)), ((), ())), precision=("HIGH", "DEFAULT")
            ),
            hlo.dot_general(b, i8, i8, (((1,), (1,)), ((), ())), dtype=I32),
            hlo.dot_general(
                b,
                x,
                y,
                (((2,), (0,)), ((), ())),
                algorithm=("f32", "f32", "f32", 1, 1, 1, False),
            ),
        )

    one, two, three, four, five = run(body, X, y, i8)
    np.testing.assert_allclose(one, np.einsum("bmk,knb->bmn", X, y), rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(two, np.einsum("bmk,knb->mn", X, y), rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(three, (X * X).sum(), rtol=1e-5)
    np.testing.assert_array_equal(four, i8.astype(int) @ i8.T.astype(int))
    np.testing.assert_allclose(five, np.tensordot(X, y, 1), rtol=1e-5, atol=1e-6)


def test_convolution_in_one_dimension_agrees_with_scipy(run):
    x, k = X[0, 0], np.array([1.0, -2.0, 0.5], np.float32)

    def body(b, x, k):
        lhs, rhs = hlo.reshape(b, x, (1, 1, 5)), hlo.reshape(b, k, (1, 1, 3))
        numbers = ((0, 1, 2), (0, 1, 2), (0, 1, 2))
        return (
            hlo.convolution(b, lhs, rhs, numbers, padding=[(2, 2)]),
            hlo.convolution(b, lhs, rhs, numbers, padding=[(2, 2)], window_reversal=[True]),
            hlo.convolution(b, lhs, rhs, numbers, padding=[(1, 1)], window_strides=[2]),
        )

    one, two, three = run(body, x, k)
    np.testing.assert_allclose(one[0, 0], signal.correlate(x, k), rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(two[0, 0], signal.convolve(x, k), rtol=1e-5, atol=1e-6)
    same = signal.correlate(x, k, "same")
    np.testing.assert_allclose(three[0, 0], same[::2], rtol=1e-5, atol=1e-6)


def _conv(x, k, strides, padding, lhs_dilation, rhs_dilation):
    """Correlate NHWC with HWIO, by the definition."""
    n, *size, _ = x.shape
    base = np.zeros(
        (n, *[(s - 1) * d + 1 for s, d in zip(size, lhs_dilation, strict=True)], x.shape[-1])
    )
    base[:, :: lhs_dilation[0], :: lhs_dilation[1]] = x
    base = np.pad(base, [(0, 0), *padding, (0, 0)])
    window = k.shape[:2]
    shape = window_shape(base.shape[1:3], window, strides, [(0, 0)] * 2, (1, 1), rhs_dilation)
    out = np.zeros((n, *shape, k.shape[-1]))
    for i, j in itertools.product(*map(range, shape)):
        rows = slice(
            i * strides[0], i * strides[0] + (window[0] - 1) * rhs_dilation[0] + 1, rhs_dilation[0]
        )
        cols = slice(
            j * strides[1], j * strides[1] + (window[1] - 1) * rhs_dilation[1] + 1, rhs_dilation[1]
        )
        out[:, i, j] = np.einsum("nhwi,hwio->no", base[:, rows, cols], k)
    return out


def test_convolution_with_every_attribute(run):
    rng = np.random.default_rng(2)
    x = rng.standard_normal((2, 5, 6, 4)).astype(np.float32)
    k = rng.standard_normal((2, 3, 4, 6)).astype(np.float32)
    options = {
        "window_strides": (2, 1),
        "padding": [(1, 2), (0, 3)],
        "lhs_dilation": (1, 2),
        "rhs_dilation": (2, 1),
    }
    nhwc, hwio = (0, 3, 1, 2), (3, 2, 0, 1)

    def body(b, x, k):
        grouped = hlo.slice(b, k, (0, 0, 0, 0), (2, 3, 2, 6))
        return (
            hlo.convolution(b, x, k, (nhwc, hwio, nhwc), precision="HIGHEST", **options),
            hlo.convolution(b, x, k, (nhwc, hwio, (0, 1, 2, 3)), **options),
            hlo.convolution(b, x, grouped, (nhwc, hwio, nhwc), feature_group_count=2),
            hlo.convolution(b, x, k, (nhwc, hwio, nhwc), batch_group_count=2),
        )

    one, two, three, four = run(body, x, k)
    expected = _conv(x, k, *options.values())
    np.testing.assert_allclose(one, expected, rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(two, expected.transpose(0, 3, 1, 2), rtol=1e-4, atol=1e-5)
    plain = ((1, 1), [(0, 0)] * 2, (1, 1), (1, 1))
    halves = [
        _conv(x[..., 2 * i : 2 * i + 2], k[:, :, :2, 3 * i : 3 * i + 3], *plain) for i in (0, 1)
    ]
    np.testing.assert_allclose(three, np.concatenate(halves, -1), rtol=1e-4, atol=1e-5)
    halves = [_conv(x[i : i + 1], k[..., 3 * i : 3 * i + 3], *plain) for i in (0, 1)]
    np.testing.assert_allclose(four, np.concatenate(halves, -1), rtol=1e-4, atol=1e-5)


def test_convolution_without_spatial_dimensions_is_a_product(run):
    x, k = X[0], X[1, :3, :5]
    out = run(lambda b, x, k: hlo.convolution(b, x, k, ((0, 1), (0, 1), (0, 1))), x, k)
    np.testing.assert_allclose(out, x @ k.T, rtol=1e-5, atol=1e-6)


def test_cholesky_and_triangular_solve(run):
    m = X[:, :, :4]
    a = (m @ m.transpose(0, 2, 1) + 4 * np.eye(4)).astype(np.float32)
    rhs = X[:, :, :2]

    def body(b, a, rhs):
        factor = hlo.cholesky(b, a)
        left = hlo.triangular_solve(b, factor, rhs, left_side=True, lower=True)
        turned = hlo.transpose(b, rhs, (0, 2, 1))
        right = hlo.triangular_solve(
            b,
            factor,
            turned,
            left_side=False,
            lower=True,
            unit_diagonal=True,
            transpose_a="TRANSPOSE",
        )
        return factor, hlo.cholesky(b, a, lower=False), left, right

    factor, upper, left, right = run(body, a, rhs)
    expected = np.linalg.cholesky(a)
    np.testing.assert_allclose(np.tril(factor), expected, rtol=1e-4, atol=1e-5)
    turned = expected.transpose(0, 2, 1)
    np.testing.assert_allclose(np.triu(upper), turned, rtol=1e-4, atol=1e-5)
    for i in range(3):
        x = linalg.solve_triangular(expected[i], rhs[i], lower=True)
        np.testing.assert_allclose(left[i], x, rtol=1e-4, atol=1e-5)
        x = linalg.solve_triangular(expected[i], rhs[i], lower=True, unit_diagonal=True)
        np.testing.assert_allclose(right[i], x.T, rtol=1e-4, atol=1e-5)


def test_fft_of_each_kind(run):
    x = X[:, :, :4]
    z = (x + 1j * x[::-1]).astype(np.complex64)

    def body(b, x, z):
        half = hlo.fft(b, x, "RFFT", (4,))
        return (
            hlo.fft(b, z, "FFT", (4,)),
            hlo.fft(b, z, "IFFT", (4, 4)),
            half,
            hlo.fft(b, half, "IRFFT", (4,)),
        )

    one, two, three, four = run(body, x, z)
    np.testing.assert_allclose(one, np.fft.fft(z), rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(two, np.fft.ifft2(z), rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(three, np.fft.rfft(x), rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(four, x, rtol=1e-4, atol=1e-5)


def test_random_bits_depend_on_the_state(run):
    u32 = np.dtype(np.uint32)

    def body(b, state):
        state, one = hlo.rng_bit_generator(b, state, (1000,), u32, "THREE_FRY")
        return [*hlo.rng_bit_generator(b, state, (1000,), u32, "PHILOX"), one]

    seeds = [np.array([s, 1], np.uint64) for s in (0, 0, 1)]
    (state, two, one), again, other = (run(body, seed) for seed in seeds)
    assert state.tolist() != [0, 1]
    np.testing.assert_array_equal(one, again[2])
    assert (one != two).all()
    assert (one != other[2]).any()
    assert abs(one.astype(np.float64).mean() / 2**32 - 0.5) < 0.05


def test_while_carries_values_and_sees_those_outside(run):
    def body(b, x, limit):
        step = hlo.multiply(b, x, x)

        def advance(b, i, total):
            return hlo.add(b, i, b.constant(1, I32)), hlo.add(b, total, step)

        start = [b.constant(0, I32), x]
        return hlo.while_(b, start, lambda b, i, _: hlo.compare(b, i, limit, "LT"), advance)

    count, total = run(body, np.float32(3), np.int32(4))
    assert (count, total) == (4, 3 + 4 * 9)


def test_loops_nest_and_hold_reductions(run):
    def count_to(b, limit, start, step):
        def below(b, i, _):
            return hlo.compare(b, i, limit, "LT")

        def advance(b, i, x):
            return hlo.add(b, i, b.constant(1, I32)), step(b, x)

        return hlo.while_(b, [b.constant(0, I32), start], below, advance)[1]

    def add_mean(b, x):
        total = hlo.reduce_with(b, x, b.constant(0.0, F32), (0,), hlo.add)
        return hlo.add(b, x, hlo.broadcast_scalar(b, total, x.shape))

    def body(b, x):
        two, three = b.constant(2, I32), b.constant(3, I32)
        return count_to(b, two, x, lambda b, x: count_to(b, three, x, add_mean))

    x = np.array([1.0, 2.0], np.float32)
    expected = x
    for _ in range(6):
        expected = expected + expected.sum()
    assert run(body, x).tolist() == expected.tolist()


@pytest.mark.parametrize(
    ("index", "expected"), [(0, 2.0), (1, 4.0), (2, -2.0), (7, -2.0), (-1, -2.0)]
)
def test_case_takes_a_branch(run, index, expected):
    def body(b, index, x):
        branches = [
            lambda b: [x, b.constant(0, I32)],
            lambda b: [hlo.multiply(b, x, x), b.constant(1, I32)],
            lambda b: [hlo.negate(b, x), b.constant(2, I32)],
        ]
        return hlo.case(b, index, branches)

    value, branch = run(body, np.int32(index), np.float32(2))
    assert value == expected
    assert branch == (index if 0 <= index < 3 else 2)


@pytest.mark.parametrize("predicate", [True, False])
def test_if_takes_a_branch(run, predicate):
    def body(b, predicate, x):
        return hlo.if_(b, predicate, lambda b: [hlo.add(b, x, x)], lambda b: [x])

    assert run(body, np.array(predicate), np.float32(2))[0] == (4 if predicate else 2)


def test_tokens_order_side_effects(run):
    def body(b, x):
        token = hlo.after_all(b)
        assert token.type == "!stablehlo.token"
        token, _ = hlo.optimization_barrier(b, hlo.after_all(b, token, token), x)
        return hlo.add(b, x, x)

    assert run(body, np.float32(2)) == 4
