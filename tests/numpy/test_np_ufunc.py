"""ufunc objects and vectorize: methods against NumPy's, eager, compiled and differentiated."""

import copy
import operator
import pickle

import numpy as np
import pytest

import numax
import numax.numpy as jnp

rng = np.random.default_rng(2)
A = rng.standard_normal((3, 4)).astype(np.float32)
I = rng.integers(-5, 6, (3, 4)).astype(np.int32)
B = A > 0
IDENTITIES = {
    "add": 0,
    "multiply": 1,
    "subtract": None,
    "logical_and": True,
    "logical_or": False,
    "logical_xor": False,
    "bitwise_and": -1,
    "bitwise_or": 0,
    "bitwise_xor": 0,
    "maximum": None,
    "minimum": None,
    "logaddexp": -np.inf,
    "logaddexp2": -np.inf,
}
FLOATS = [
    "add",
    "multiply",
    "subtract",
    "maximum",
    "minimum",
    "logaddexp",
    "logaddexp2",
    "logical_and",
    "logical_xor",
]
INTS = [
    "add",
    "multiply",
    "subtract",
    "maximum",
    "bitwise_and",
    "bitwise_or",
    "bitwise_xor",
    "logical_or",
]
CASES = (
    [(n, A) for n in FLOATS]
    + [(n, I) for n in INTS]
    + [(n, B) for n in ("add", "maximum", "minimum", "logical_and")]
)


def ids(case):
    return f"{case[0]}-{case[1].dtype}"


def pair(name):
    return getattr(jnp, name), getattr(np, name)


def same(got, want, dtype=None):
    got = np.asarray(got)
    assert got.shape == np.shape(want)
    if dtype is not None:
        assert got.dtype == dtype
    np.testing.assert_allclose(
        got.astype(np.float64), np.asarray(want, np.float64), rtol=2e-6, atol=1e-6
    )


def test_what_a_ufunc_says_of_itself():
    for name, identity in IDENTITIES.items():
        f = getattr(jnp, name)
        assert isinstance(f, jnp.ufunc)
        assert (f.nin, f.nout, f.nargs, f.__name__) == (2, 1, 2, name)
        assert f.identity == identity
        assert repr(f) == f"<jnp.ufunc '{name}'>"
        assert f.__doc__
        assert pickle.loads(pickle.dumps(f)) is copy.deepcopy(f) is copy.copy(f) is f
    assert (jnp.negative.nin, jnp.negative.nout) == (1, 1)
    assert not isinstance(jnp.divide, jnp.ufunc)


@pytest.mark.parametrize("case", CASES, ids=ids)
@pytest.mark.parametrize("axis", [0, 1, None])
def test_reduce(case, axis):
    name, x = case
    if axis is None and name == "subtract":
        x = x[0]
    f, g = pair(name)
    want = g.reduce(x, axis=axis)
    same(f.reduce(x, axis=axis), want)
    same(numax.jit(lambda x: f.reduce(x, axis=axis))(x), want)
    same(f.reduce(x, axis=axis, keepdims=True), g.reduce(x, axis=axis, keepdims=True))


@pytest.mark.parametrize("case", CASES, ids=ids)
def test_reduce_with_initial_and_where(case):
    name, x = case
    f, g = pair(name)
    start = x.dtype.type(1)
    mask = np.array([True, False, True, True])
    same(f.reduce(x, axis=1, initial=start), g.reduce(x, axis=1, initial=start))
    same(
        f.reduce(x, axis=1, initial=start, where=mask),
        g.reduce(x, axis=1, initial=start, where=mask),
    )


@pytest.mark.parametrize("case", CASES, ids=ids)
@pytest.mark.parametrize("axis", [0, 1])
def test_accumulate(case, axis):
    name, x = case
    f, g = pair(name)
    want = g.accumulate(x, axis=axis)
    same(f.accumulate(x, axis=axis), want)
    same(numax.jit(lambda x: f.accumulate(x, axis=axis))(x), want)
    assert f.accumulate(x[:0], axis=0).shape == (0, 4)


@pytest.mark.parametrize("case", CASES, ids=ids)
def test_outer(case):
    name, x = case
    f, g = pair(name)
    want = g.outer(x, x[0])
    same(f.outer(x, x[0]), want)
    same(numax.jit(f.outer)(x, x[0]), want)


@pytest.mark.parametrize("case", CASES, ids=ids)
def test_at_gives_a_changed_copy(case):
    name, x = case
    f, g = pair(name)
    if name.startswith("logical") and x.dtype != bool:
        x = x.astype(bool)
    places = np.array([0, 2, 0])
    y = x[[1, 1, 2]]
    want = x.copy()
    g.at(want, places, y)
    same(f.at(x, places, y, inplace=False), want, x.dtype)
    same(numax.jit(lambda x, y: f.at(x, places, y, inplace=False))(x, y), want, x.dtype)


@pytest.mark.parametrize("case", [c for c in CASES if c[1].dtype != bool], ids=ids)
@pytest.mark.parametrize("places", [[0, 3, 1], [2, 2, 0, 1], [3]])
def test_reduceat(case, places):
    name, x = case
    f, g = pair(name)
    want = g.reduceat(x, places, axis=1)
    same(f.reduceat(x, np.array(places), axis=1), want)
    same(numax.jit(lambda x: f.reduceat(x, np.array(places), axis=1))(x), want)


def test_negative_at_and_two_indices():
    want = A.copy()
    np.negative.at(want, ([0, 1], [2, 2]))
    same(jnp.negative.at(A, (np.array([0, 1]), np.array([2, 2])), inplace=False), want)


def test_methods_differentiate():
    x = jnp.array([1.0, 3.0, 2.0])
    assert numax.grad(lambda x: jnp.subtract.reduce(x))(x).tolist() == [1, -1, -1]
    assert numax.grad(lambda x: jnp.multiply.accumulate(x)[2])(x).tolist() == [6, 2, 3]
    assert numax.grad(lambda x: jnp.add.outer(x, x).sum())(x).tolist() == [6, 6, 6]
    assert numax.grad(lambda x: jnp.maximum.at(x, np.array([0]), 2.0, inplace=False).sum())(
        x
    ).tolist() == [0, 1, 1]
    assert numax.grad(lambda x: jnp.subtract.reduceat(x, np.array([0, 2]))[0])(x).tolist() == [
        1,
        -1,
        0,
    ]


def test_dtype_of_the_reduction():
    assert jnp.add.reduce(jnp.ones(3), dtype="int8").dtype == np.int8
    assert jnp.add.reduce(jnp.array([True, True])).dtype == np.int32
    assert jnp.add.accumulate(jnp.array([True, True])).dtype == np.int32
    assert jnp.maximum.reduce(jnp.ones(3, jnp.bfloat16)).dtype == jnp.bfloat16


BAD = [
    (lambda: jnp.negative.reduce(A), ValueError, "only supported for binary"),
    (lambda: jnp.negative.outer(A, A), ValueError, "only supported for binary"),
    (lambda: jnp.negative.accumulate(A), ValueError, "only supported for binary"),
    (lambda: jnp.subtract.reduce(A[:0]), ValueError, "no identity"),
    (lambda: jnp.subtract.reduce(A, axis=(0, 1)), NotImplementedError, "one axis"),
    (lambda: jnp.subtract.reduce(A, where=B), ValueError, "identity"),
    (lambda: jnp.add.reduce(A, out=A), NotImplementedError, "out"),
    (lambda: jnp.add.reduce(A, axis=3), ValueError, "out of bounds"),
    (lambda: jnp.add.accumulate(A, axis=None), ValueError, "multiple axes"),
    (lambda: jnp.add.at(A, 0, 1.0), NotImplementedError, "inplace=False"),
    (lambda: jnp.add.at(A, 0, inplace=False), ValueError, "second operand"),
    (lambda: jnp.negative.at(A, 0, 1.0, inplace=False), ValueError, "no second operand"),
    (lambda: jnp.subtract.reduceat(A, np.array([9])), IndexError, "out of bounds"),
    (lambda: jnp.subtract.reduceat(A, np.array([0.5])), ValueError, "integers"),
    (lambda: jnp.frompyfunc(3, 1, 1), TypeError, "callable"),
    (lambda: jnp.frompyfunc(operator.add, 2, 1)(1), TypeError, "2 arguments"),
    (lambda: jnp.frompyfunc(operator.add, 2, 1)(1, 2, out=A), NotImplementedError, "out"),
    (lambda: jnp.frompyfunc(operator.add, 2, 1)(1, 2, where=A), NotImplementedError, "where"),
]


@pytest.mark.parametrize("case", range(len(BAD)))
def test_bad_calls_raise(case):
    call, error, message = BAD[case]
    with pytest.raises(error, match=message):
        call()


# ---- frompyfunc, vectorize ----


def test_frompyfunc_makes_ufuncs_of_traceable_functions():
    f = jnp.frompyfunc(lambda x, y: x * y + 1, 2, 1, identity=0)
    assert (f.nin, f.nout, f.identity) == (2, 1, 0)
    same(f(A, A[0]), A * A[0] + 1)
    total = 0
    for v in A[0]:
        total = total * v + 1
    same(f.reduce(A[0], initial=0.0), total)
    assert f.reduce(A, axis=(0, 1)).shape == ()
    two = jnp.frompyfunc(lambda x, y: (x + y, x - y), 2, 2)
    a, b = two(A, 1.0)
    same(a, A + 1)
    same(b, A - 1)
    assert float(numax.grad(lambda x: f(x, 3.0))(2.0)) == 3.0


def test_vectorize_broadcasts():
    f = jnp.vectorize(lambda a, b: numax.lax.cond(a > b, lambda: a, lambda: 2 * b))
    x, y = A[:, None], A[1]
    same(f(x, y), np.where(x > y, x, 2 * y))
    same(numax.jit(f)(x, y), np.where(x > y, x, 2 * y))
    assert f(np.ones((0, 1), np.float32), np.ones(3, np.float32)).shape == (0, 3)
    assert f(1.0, 2.0).shape == ()


def test_vectorize_with_signature():
    f = jnp.vectorize(lambda m, v: m @ v, signature="(n,m),(m)->(n)")
    m = rng.standard_normal((5, 1, 2, 3)).astype(np.float32)
    v = rng.standard_normal((4, 3)).astype(np.float32)
    same(f(m, v), np.einsum("abij,bj->abi", np.broadcast_to(m, (5, 4, 2, 3)), v))
    g = jnp.vectorize(lambda x: (x.sum(), x * 2), signature="(n)->(),(n)")
    total, double = g(v)
    same(total, v.sum(-1))
    same(double, 2 * v)


def test_vectorize_leaves_excluded_arguments_alone():
    f = jnp.vectorize(lambda a, n, k=1: a * n * k, excluded={1, "k"})
    same(f(A, 3, k=2), 6 * A)
    g = jnp.vectorize(lambda a, b=None: a if b is None else a + b)
    same(g(A, None), A)
    same(g(A, b=A[0]), A + A[0])
    h = jnp.vectorize(lambda a: {"twice": 2 * a})
    same(h(A)["twice"], 2 * A)


VECTORIZE_BAD = [
    (lambda: jnp.vectorize(abs, signature="(n,(n)->()"), ValueError, "signature"),
    (lambda: jnp.vectorize(abs, excluded={-1}), ValueError, "negative"),
    (lambda: jnp.vectorize(abs, excluded={1.5}), TypeError, "positions"),
    (
        lambda: jnp.vectorize(jnp.dot, signature="(n),(n)->()")(A, A[:, :3]),
        ValueError,
        "core dimension 'n' is 4",
    ),
    (
        lambda: jnp.vectorize(jnp.dot, signature="(n),(n)->(k)")(A, A),
        ValueError,
        r"result 0.*\(k\)",
    ),
    (lambda: jnp.vectorize(jnp.dot, signature="(n),(n)->()")(A, 1.0), ValueError, "argument 1"),
    (lambda: jnp.vectorize(abs, signature="(n)->(n)")(A, A), TypeError, "takes 1 arguments; got 2"),
    (lambda: jnp.vectorize(lambda x: (x, x), signature="()->()")(A), TypeError, "promises 1"),
    (lambda: jnp.vectorize(abs)([1, 2]), TypeError, "ndarray or scalar"),
]


@pytest.mark.parametrize("case", range(len(VECTORIZE_BAD)))
def test_vectorize_says_what_is_wrong(case):
    call, error, message = VECTORIZE_BAD[case]
    with pytest.raises(error, match=message):
        call()
