"""dot_general, dot, batch_matmul."""

import string

import ml_dtypes
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from ops_rules import arrays, check_batching, check_derivatives, compiled, pulled, run

from numax._engine.core.config import enable_x64
from numax._engine.ops.dot import batch_matmul, dot, dot_general
from numax._engine.ops.precision import DotAlgorithm, DotAlgorithmPreset, Precision

MATMUL = (((1,), (0,)), ((), ()))


def random(shape, seed=0, dtype="float64"):
    rng = np.random.default_rng(seed)
    x = rng.standard_normal(shape)
    if np.dtype(dtype).kind == "c":
        x = x + 1j * rng.standard_normal(shape)
    return x.astype(dtype)


@st.composite
def contractions(draw):
    """A random product: dimension numbers, operand shapes, and numpy.einsum's formula."""
    counts = [draw(st.integers(0, 2)) for _ in range(4)]
    letters = list(string.ascii_lowercase[: sum(counts)])
    size = {c: draw(st.integers(0, 3)) for c in letters}
    ends = np.cumsum(counts)
    batch, summed = letters[: ends[0]], letters[ends[0] : ends[1]]
    left, right = letters[ends[1] : ends[2]], letters[ends[2] :]
    x = draw(st.permutations(batch + summed + left))
    y = draw(st.permutations(batch + summed + right))
    out = batch + [c for c in x if c in left] + [c for c in y if c in right]
    numbers = (
        (tuple(x.index(c) for c in summed), tuple(y.index(c) for c in summed)),
        (tuple(x.index(c) for c in batch), tuple(y.index(c) for c in batch)),
    )
    formula = f"{''.join(x)},{''.join(y)}->{''.join(out)}"
    return numbers, tuple(size[c] for c in x), tuple(size[c] for c in y), formula


@settings(max_examples=60, deadline=None)
@given(contractions())
def test_any_contraction_is_einsum(case):
    numbers, x_shape, y_shape, formula = case
    x, y = random(x_shape, 1, "float32"), random(y_shape, 2, "float32")
    got = run(lambda a, b: dot_general(a, b, numbers), [x, y])[0]
    np.testing.assert_allclose(got, np.einsum(formula, x, y), rtol=1e-5, atol=1e-5)


@settings(max_examples=12, deadline=None)
@given(contractions())
def test_derivatives_of_any_contraction(case):
    numbers, x_shape, y_shape, _ = case
    args = [random(x_shape, 1), random(y_shape, 2)]
    check_derivatives(lambda a, b: dot_general(a, b, numbers), args, order=1)


@pytest.mark.parametrize("dtype", ["float64", "complex128"])
def test_second_derivatives_and_batching(dtype):
    numbers = (((2, 0), (1, 3)), ((1,), (0,)))
    args = [random((2, 3, 4, 2), 1, dtype), random((3, 4, 2, 2), 2, dtype)]

    def fun(a, b):
        return dot_general(a, b, numbers)

    check_derivatives(fun, args)
    with enable_x64(True):
        check_batching(fun, args, 1e-12, 1e-12)
        check_batching(
            lambda a, b: dot_general(a, b, MATMUL), [args[0][0, 0], args[1][0, :, :, 0].T], 1e-12
        )


DTYPES = [
    "bool",
    "int8",
    "uint8",
    "int32",
    "float16",
    "bfloat16",
    "float32",
    "complex64",
    "int4",
    "float8_e4m3fn",
]


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("preferred", [None, "int32", "float32", "bfloat16", "complex64"])
def test_eager_is_compiled_for_all_dtypes(dtype, preferred):
    kind = np.dtype(getattr(ml_dtypes, dtype, dtype))
    rng = np.random.default_rng(0)
    x, y = (np.rint(rng.standard_normal(s) * 2).astype(kind) for s in [(3, 5), (5, 4)])

    def fun(a, b):
        return dot_general(a, b, MATMUL, preferred_element_type=preferred)

    eager, jit = run(fun, [x, y])[0], compiled(fun, [x, y])[0]
    assert (
        eager.dtype
        == jit.dtype
        == np.dtype(getattr(ml_dtypes, preferred or dtype, preferred or dtype))
    )
    np.testing.assert_array_equal(eager, jit)


def test_narrow_floats_are_summed_in_float32():
    x = random((64, 64), 0).astype(ml_dtypes.bfloat16)
    exact = x.astype(np.float32) @ x.astype(np.float32)
    np.testing.assert_array_equal(run(dot, [x, x])[0], exact.astype(ml_dtypes.bfloat16))


def test_integers_wrap_around():
    x = np.full((1, 3), 100, np.int8)
    assert run(dot, [x, x.T])[0].item() == np.int8(np.int64(30000).astype(np.int8))
    big = np.full((2, 40, 40), 2**30, np.int32)
    got = run(batch_matmul, [big, big])[0]
    np.testing.assert_array_equal(got, big @ big)


def test_large_integer_products_are_exact():
    rng = np.random.default_rng(0)
    x = rng.integers(-1000, 1000, (50, 60)).astype(np.int32)
    np.testing.assert_array_equal(run(dot, [x, x.T])[0], x @ x.T)


def test_mixed_dtypes_promote():
    x, y = random((2, 3), 0, "float32"), np.ones((3, 2), np.int8)
    assert run(dot, [x, y])[0].dtype == np.float32
    assert run(dot, [x.astype(ml_dtypes.bfloat16), x.T])[0].dtype == np.float32
    np.testing.assert_allclose(run(dot, [x, y])[0], compiled(dot, [x, y])[0], rtol=1e-6)


def test_gradient_dtypes_are_those_of_the_operands():
    x, y = random((2, 3)).astype(ml_dtypes.bfloat16), random((3, 2), 1).astype(ml_dtypes.bfloat16)

    def fun(a, b):
        return dot(a, b, preferred_element_type="float32")

    got = pulled(fun, [x, y], [np.ones((2, 2), np.float32)])
    assert [g.dtype for g in got] == [x.dtype, y.dtype]


def test_precision_names():
    assert Precision("float32") is Precision.HIGHEST
    assert str(Precision.HIGH) == "HIGH"
    x = random((2, 3), 0, "float32")
    names = [
        "highest",
        ("high", "default"),
        Precision.HIGH,
        "BF16_BF16_F32_X3",
        DotAlgorithmPreset.F32_F32_F32,
        DotAlgorithm(np.float32, np.float32, np.float32),
        "F16_F16_F32",
    ]
    for precision in names:
        for how in (run, compiled):
            got = how(lambda a, b, p=precision: dot(a, b, precision=p), [x, x.T])[0]
            np.testing.assert_allclose(got, x @ x.T, rtol=1e-2, atol=1e-2)


def test_errors():
    x, y = arrays([np.ones((2, 3), "f"), np.ones((4, 5), "f")])
    with pytest.raises(
        TypeError, match=r"contracted sizes differ: lhs axis 1 is 3, rhs axis 0 is 4"
    ):
        dot_general(x, y, MATMUL)
    with pytest.raises(TypeError, match="axes must lie in"):
        dot_general(x, y, (((5,), (0,)), ((), ())))
    with pytest.raises(TypeError, match="may be named once"):
        dot_general(x, x, (((0,), (0,)), ((0,), (0,))))
    with pytest.raises(TypeError, match="as many axes"):
        dot_general(x, y, (((1,), ()), ((0,), (0,))))
    with pytest.raises(TypeError, match="not be narrower"):
        dot_general(
            np.ones((2, 2), "i4"), np.ones((2, 2), "i4"), MATMUL, preferred_element_type="int8"
        )
    with pytest.raises(ValueError, match="equal inner size"):
        dot(x, y)
    with pytest.raises(ValueError, match="equal ranks"):
        batch_matmul(x, np.ones((1, 3, 2), "f"))
    with pytest.raises(ValueError, match="unknown precision; got 'bogus'"):
        dot(x, x.numpy_().T, precision="bogus")
