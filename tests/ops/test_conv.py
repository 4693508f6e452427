"""Convolutions: conv_general_dilated against a direct sum, its rules, and what is written with it."""

import itertools
import re

import ml_dtypes
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from ops_rules import arrays, check_batching, check_derivatives, compiled, pulled, run

import numax
import numax.numpy as jnp
from numax import lax
from numax._engine.core.config import enable_x64
from numax._engine.ops.conv import (
    ConvDimensionNumbers,
    conv_dimension_numbers,
    conv_general_dilated,
    padtype_to_pads,
)
from numax._engine.ops.convolutions import (
    conv,
    conv_general_dilated_local,
    conv_general_dilated_patches,
    conv_general_shape_tuple,
    conv_shape_tuple,
    conv_transpose,
    conv_transpose_shape_tuple,
    conv_with_general_padding,
)

NHWC = ("NHWC", "HWIO", "NHWC")


def direct(x, w, strides, padding, lhs_dilation, rhs_dilation, numbers, features=1, batches=1):
    """The definition, in loops."""
    x, w = x.transpose(numbers.lhs_spec), w.transpose(numbers.rhs_spec)
    spatial = x.shape[2:]
    whole = [
        (n - 1) * d + 1 + lo + hi
        for n, d, (lo, hi) in zip(spatial, lhs_dilation, padding, strict=True)
    ]
    big = np.zeros((*x.shape[:2], *whole), x.dtype)
    for at in itertools.product(*map(range, spatial)):
        to = [i * d + lo for i, d, (lo, _) in zip(at, lhs_dilation, padding, strict=True)]
        if all(0 <= t < n for t, n in zip(to, whole, strict=True)):
            big[(slice(None), slice(None), *to)] = x[(slice(None), slice(None), *at)]
    groups = max(features, batches)
    places = [
        max((n - (k - 1) * d - 1) // s + 1, 0)
        for n, k, d, s in zip(whole, w.shape[2:], rhs_dilation, strides, strict=True)
    ]
    out = np.zeros((x.shape[0] // batches, w.shape[0], *places), x.dtype)
    per = w.shape[0] // groups
    for o in range(w.shape[0]):
        g = o // per
        rows = np.split(big, batches, 0)[g] if batches > 1 else big
        rows = np.split(rows, features, 1)[g] if features > 1 else rows
        for place in itertools.product(*map(range, places)):
            for at in itertools.product(*map(range, w.shape[2:])):
                source = [
                    p * s + a * d
                    for p, s, a, d in zip(place, strides, at, rhs_dilation, strict=True)
                ]
                column = rows[(slice(None), slice(None), *source)]
                out[(slice(None), o, *place)] += column @ w[(o, slice(None), *at)]
    return out.transpose(np.argsort(numbers.out_spec))


@st.composite
def convolutions(draw, largest=2):
    small = st.integers(1, 2)
    count = draw(st.integers(0, largest))
    groups = draw(st.integers(1, 3))
    features, batches = (groups, 1) if draw(st.booleans()) else (1, groups)
    specs = [tuple(draw(st.permutations(range(count + 2)))) for _ in range(3)]
    numbers = ConvDimensionNumbers(*specs)
    inputs = draw(small)
    window = [draw(st.integers(1, 3)) for _ in range(count)]
    spatial = [draw(st.integers(3, 5)) for _ in range(count)]
    left = [draw(small) * batches, inputs * features, *spatial]
    right = [draw(small) * groups, inputs, *window]
    pads = tuple((draw(st.integers(-1, 2)), draw(st.integers(-1, 2))) for _ in range(count))
    strides, lhs_dilation, rhs_dilation = (
        tuple(draw(small) for _ in range(count)) for _ in range(3)
    )
    lhs_shape = [left[i] for i in np.argsort(specs[0])]
    rhs_shape = [right[i] for i in np.argsort(specs[1])]
    return (
        lhs_shape,
        rhs_shape,
        (strides, pads, lhs_dilation, rhs_dilation, numbers, features, batches),
    )


@settings(max_examples=50, deadline=None)
@given(convolutions())
def test_any_convolution_is_the_definition(case):
    lhs_shape, rhs_shape, params = case
    rng = np.random.default_rng(0)
    x, w = rng.integers(-4, 5, lhs_shape).astype("f"), rng.integers(-4, 5, rhs_shape).astype("f")
    got = run(lambda a, b: conv_general_dilated(a, b, *params), [x, w])[0]
    np.testing.assert_array_equal(got, direct(x, w, *params))


@settings(max_examples=12, deadline=None)
@given(convolutions())
def test_rules_of_any_convolution(case):
    lhs_shape, rhs_shape, params = case
    rng = np.random.default_rng(0)
    args = [rng.standard_normal(lhs_shape), rng.standard_normal(rhs_shape)]

    def fun(a, b):
        return conv_general_dilated(a, b, *params)

    check_derivatives(fun, args, order=1)
    with enable_x64(True):
        check_batching(fun, args, 1e-11, 1e-11)


@pytest.mark.parametrize(
    "dtype", ["float32", "float16", "bfloat16", "int8", "int32", "bool", "complex64"]
)
@pytest.mark.parametrize("preferred", [None, "float32", "int32"])
def test_eager_is_compiled_for_all_dtypes(dtype, preferred):
    kind = np.dtype(getattr(ml_dtypes, dtype, dtype))
    rng = np.random.default_rng(0)
    x, w = (np.rint(rng.standard_normal(s) * 2).astype(kind) for s in [(2, 6, 5, 4), (3, 2, 4, 6)])

    def fun(a, b):
        return conv_general_dilated(
            a, b, (2, 1), "SAME", None, (1, 2), NHWC, preferred_element_type=preferred
        )

    eager, jit = run(fun, [x, w])[0], compiled(fun, [x, w])[0]
    assert (
        eager.dtype
        == jit.dtype
        == np.dtype(getattr(ml_dtypes, preferred or dtype, preferred or dtype))
    )
    np.testing.assert_array_equal(eager, jit)


def test_compiled_groups_dilation_and_negative_padding():
    rng = np.random.default_rng(0)
    x, w = (
        rng.standard_normal((4, 6, 7, 8)).astype("f"),
        rng.standard_normal((6, 3, 2, 3)).astype("f"),
    )
    params = ((2, 1), ((-1, 2), (3, -2)), (2, 1), (1, 2), None)
    fun = lambda a, b: conv_general_dilated(a, b, *params, feature_group_count=2)
    np.testing.assert_allclose(run(fun, [x, w])[0], compiled(fun, [x, w])[0], rtol=1e-4, atol=1e-4)
    w = rng.standard_normal((6, 6, 2, 3)).astype("f")
    fun = lambda a, b: conv_general_dilated(a, b, *params, batch_group_count=2)
    np.testing.assert_allclose(run(fun, [x, w])[0], compiled(fun, [x, w])[0], rtol=1e-4, atol=1e-4)


def test_second_derivatives():
    rng = np.random.default_rng(0)
    args = [rng.standard_normal((2, 5, 4, 2)), rng.standard_normal((2, 3, 2, 3))]
    check_derivatives(
        lambda a, b: conv_general_dilated(a, b, (2, 1), "SAME", None, None, NHWC), args
    )


def test_empty_batches_and_results():
    x, w = np.ones((0, 2, 4, 4), "f"), np.ones((3, 2, 2, 2), "f")
    assert run(lambda a, b: conv(a, b, (1, 1), "VALID"), [x, w])[0].shape == (0, 3, 3, 3)
    x, w = np.ones((1, 2, 2, 2), "f"), np.ones((3, 2, 4, 4), "f")
    assert run(lambda a, b: conv(a, b, (1, 1), "VALID"), [x, w])[0].shape == (1, 3, 0, 0)


def test_same_padding():
    assert padtype_to_pads((4, 5), (2, 3), (1, 2), "SAME") == [(0, 1), (1, 1)]
    assert padtype_to_pads((4, 5), (2, 3), (1, 2), "SAME_LOWER") == [(1, 0), (1, 1)]
    assert padtype_to_pads((4, 5), (2, 3), (1, 2), "valid") == [(0, 0), (0, 0)]


def test_general_padding_is_conv_general_dilated():
    rng = np.random.default_rng(0)
    x, w = rng.standard_normal((1, 2, 6)).astype("f"), rng.standard_normal((3, 2, 2)).astype("f")
    got = run(lambda a, b: conv_with_general_padding(a, b, (2,), [(1, 0)], (2,), (2,)), [x, w])[0]
    numbers = conv_dimension_numbers(x.shape, w.shape, None)
    np.testing.assert_allclose(
        got, direct(x, w, (2,), [(1, 0)], (2,), (2,), numbers), rtol=1e-5, atol=1e-6
    )


@pytest.mark.parametrize("padding", ["SAME", "VALID"])
@pytest.mark.parametrize("stride", [1, 2, 3])
def test_conv_transpose_is_the_derivative(padding, stride):
    rng = np.random.default_rng(0)
    x, w = (
        rng.standard_normal((2, 6, 6, 3)).astype("f"),
        rng.standard_normal((3, 3, 3, 4)).astype("f"),
    )
    strides = (stride, stride)

    def forward(a):
        return conv_general_dilated(a, as_array(w), strides, padding, dimension_numbers=NHWC)

    ct = np.ones_like(run(forward, [x])[0])
    back = pulled(forward, [x], [ct])[0]
    got = run(lambda c, k: conv_transpose(c, k, strides, padding, transpose_kernel=True), [ct, w])[
        0
    ]
    if got.shape == back.shape:
        np.testing.assert_allclose(got, back, rtol=1e-4, atol=1e-4)
    assert got.shape == conv_transpose_shape_tuple(ct.shape, (3, 3, 4, 3), strides, padding, NHWC)
    assert got.shape == back.shape or stride > 1


def as_array(x):
    return arrays([x])[0]


def test_consistent_padding_of_conv_transpose():
    x, w = np.ones((1, 5, 1), "f"), np.ones((3, 1, 1), "f")
    shapes = [
        run(
            lambda a, b, c=c: conv_transpose(a, b, (2,), [(1, 1)], use_consistent_padding=c), [x, w]
        )[0].shape
        for c in (False, True)
    ]
    assert shapes == [(1, 9, 1), (1, 9, 1)]
    got = run(
        lambda a, b: conv_transpose(a, b, (2,), [(0, 0)], use_consistent_padding=True), [x, w]
    )[0]
    assert got.shape == (1, 11, 1)


def test_patches():
    x = np.random.default_rng(0).standard_normal((2, 3, 5, 6)).astype("f")
    got = run(lambda a: conv_general_dilated_patches(a, (2, 3), (1, 2), "VALID"), [x])[0]
    windows = np.lib.stride_tricks.sliding_window_view(x, (2, 3), (2, 3))[:, :, :, ::2]
    expected = windows.transpose(0, 1, 4, 5, 2, 3).reshape(2, 18, 4, 2)
    np.testing.assert_array_equal(got, expected)


def test_local_convolution_with_equal_kernels_is_a_convolution():
    rng = np.random.default_rng(0)
    x, w = (
        rng.standard_normal((2, 3, 5, 6)).astype("f"),
        rng.standard_normal((4, 3, 2, 3)).astype("f"),
    )
    expected = run(lambda a, b: conv(a, b, (1, 2), "VALID"), [x, w])[0]
    kernels = np.broadcast_to(w.reshape(4, 18, 1, 1), (4, 18, *expected.shape[2:]))
    got = run(lambda a, b: conv_general_dilated_local(a, b, (1, 2), "VALID", (2, 3)), [x, kernels])[
        0
    ]
    np.testing.assert_allclose(got, expected, rtol=1e-4, atol=1e-5)


def test_shapes():
    assert conv_shape_tuple((1, 2, 5, 5), (3, 2, 2, 2), (1, 2), "SAME") == (1, 3, 5, 3)
    names = ("NCHW", "OIHW", "NHWC")
    assert conv_general_shape_tuple((1, 2, 5, 5), (3, 2, 2, 2), (1, 2), "SAME", names) == (
        1,
        5,
        3,
        3,
    )


BAD = [
    (((1, 2, 4, 4), (3, 3, 2, 2)), {}, ValueError, "divided by feature_group_count"),
    (
        ((1, 4, 4, 4), (3, 2, 2, 2)),
        {"feature_group_count": 2},
        ValueError,
        "multiple of feature_group_count",
    ),
    (((1, 4, 4, 4), (3, 2, 2, 2)), {"feature_group_count": 0}, ValueError, "must be positive"),
    (((3, 2, 4, 4), (4, 2, 2, 2)), {"batch_group_count": 2}, ValueError, "must divide lhs's batch"),
    (((1, 2, 4, 4), (3, 2, 2)), {}, TypeError, "equal ranks"),
    (((1, 2, 4, 4), (3, 2, 2, 2)), {"padding": "FOO"}, RuntimeError, "'VALID', 'SAME'"),
    (((1, 2, 4, 4), (3, 2, 2, 2)), {"padding": [(1, 1)]}, TypeError, "a pair for each"),
    (((1, 2, 4, 4), (3, 2, 2, 2)), {"padding": [1, 1]}, ValueError, "pairs of integers"),
    (((1, 2, 4, 4), (3, 2, 2, 2)), {"window_strides": (1,)}, ValueError, "for each of 2"),
    (
        ((1, 2, 4, 4), (3, 2, 2, 2)),
        {"lhs_dilation": (2, 2)},
        ValueError,
        "not defined with lhs_dilation",
    ),
    (
        ((1, 2, 4, 4), (3, 2, 2, 2)),
        {"padding": [(-3, -3), (0, 0)]},
        ValueError,
        "cuts more than there is",
    ),
    (
        ((1, 2, 4, 4), (3, 2, 2, 2)),
        {"dimension_numbers": ("NHWC", "HWIO", "NHWX")},
        TypeError,
        "once each",
    ),
    (((1, 2, 4, 4), (3, 2, 2, 2)), {"dimension_numbers": 3}, TypeError, "tuple of three strings"),
    (((1, 2, 4, 4), (3, 2, 2, 2)), {"precision": "F32_F32_F32"}, ValueError, "algorithm"),
]


@pytest.mark.parametrize(("shapes", "options", "kind", "message"), BAD)
def test_errors(shapes, options, kind, message):
    x, w = arrays([np.ones(s, "f") for s in shapes])
    options = {"window_strides": (1, 1), "padding": "SAME", **options}
    with pytest.raises(kind, match=message):
        conv_general_dilated(x, w, **options)


def test_dtypes_must_agree():
    x, w = arrays([np.ones((1, 2, 4), "i1"), np.ones((3, 2, 2), "f")])
    with pytest.raises(TypeError, match="equal dtypes"):
        conv_general_dilated(x, w, (1,), "SAME")


@pytest.mark.parametrize("layout", ["NCHW OIHW NCHW", "NHWC HWIO NHWC", "HWNC OHWI HWNC"])
def test_in_loops_features_come_last(layout):
    """Elsewhere the compiler's own turning hides the slow way."""
    numbers = tuple(layout.split())
    rng = np.random.default_rng(0)
    sizes = {"N": 2, "C": 3, "H": 6, "W": 5}
    x = rng.standard_normal([sizes[c] for c in numbers[0]]).astype(np.float32)
    w = rng.standard_normal((3, 3, 3, 3)).astype(np.float32)

    def loss(w, x):
        return lax.conv_general_dilated(x, w, (1, 1), "SAME", dimension_numbers=numbers).sum() ** 2

    def looped(w, x):
        def step(w, x):
            return w - 1e-4 * numax.grad(loss)(w, x), numax.grad(loss, 1)(w, x)

        return lax.scan(step, w, jnp.stack([x, x]))

    ends, slopes = numax.jit(looped)(w, x)
    text = numax.jit(looped).lower(w, x).as_text()
    assert set(re.findall(r"#stablehlo.conv<(.*?)>[,} ]", text)) == {
        "[b, 0, 1, f]x[0, 1, i, o]->[b, 0, 1, f]"
    }
    once = w - 1e-4 * np.asarray(numax.grad(loss)(w, x))
    np.testing.assert_allclose(slopes[0], numax.grad(loss, 1)(w, x), rtol=1e-4, atol=1e-3)
    expected = once - 1e-4 * np.asarray(numax.grad(loss)(once, x))
    np.testing.assert_allclose(ends, expected, rtol=1e-4, atol=1e-4)
