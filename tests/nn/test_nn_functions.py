"""Functions of neural networks: values against float64 formulas, limits, gradients at kinks, masks, errors."""

import math

import checks
import numpy as np
import pytest
import scipy.special

import numax
import numax.numpy as jnp
from numax import nn

X = np.array([-200.0, -30, -3.2, -1.1, -0.5, 0.25, 0.5, 1.2, 3.2, 30, 200])


def erf(x):
    return scipy.special.erf(x)


ACTIVATIONS = {
    "identity": (nn.identity, lambda x: x),
    "relu": (nn.relu, lambda x: np.maximum(x, 0)),
    "relu6": (nn.relu6, lambda x: np.clip(x, 0, 6)),
    "sigmoid": (nn.sigmoid, scipy.special.expit),
    "softplus": (nn.softplus, lambda x: np.logaddexp(x, 0)),
    "sparse_plus": (
        nn.sparse_plus,
        lambda x: np.where(x <= -1, 0, np.where(x >= 1, x, (x + 1) ** 2 / 4)),
    ),
    "sparse_sigmoid": (nn.sparse_sigmoid, lambda x: np.clip((x + 1) / 2, 0, 1)),
    "soft_sign": (nn.soft_sign, lambda x: x / (1 + np.abs(x))),
    "silu": (nn.silu, lambda x: x * scipy.special.expit(x)),
    "mish": (nn.mish, lambda x: x * np.tanh(np.logaddexp(x, 0))),
    "log_sigmoid": (nn.log_sigmoid, lambda x: -np.logaddexp(-x, 0)),
    "elu": (nn.elu, lambda x: np.where(x > 0, x, np.expm1(np.minimum(x, 0)))),
    "celu": (
        lambda x: nn.celu(x, 2.0),
        lambda x: np.where(x > 0, x, 2 * np.expm1(np.minimum(x, 0) / 2)),
    ),
    "selu": (
        nn.selu,
        lambda x: (
            1.0507009873554805 * np.where(x > 0, x, 1.6732632423543772 * np.expm1(np.minimum(x, 0)))
        ),
    ),
    "leaky_relu": (nn.leaky_relu, lambda x: np.where(x >= 0, x, 0.01 * x)),
    "hard_tanh": (nn.hard_tanh, lambda x: np.clip(x, -1, 1)),
    "hard_sigmoid": (nn.hard_sigmoid, lambda x: np.clip(x + 3, 0, 6) / 6),
    "hard_silu": (nn.hard_silu, lambda x: x * np.clip(x + 3, 0, 6) / 6),
    "gelu_exact": (
        lambda x: nn.gelu(x, approximate=False),
        lambda x: 0.5 * x * scipy.special.erfc(-x / math.sqrt(2)),
    ),
    "gelu": (
        nn.gelu,
        lambda x: 0.5 * x * (1 + np.tanh(math.sqrt(2 / math.pi) * (x + 0.044715 * x**3))),
    ),
    "squareplus": (nn.squareplus, lambda x: (x + np.sqrt(x * x + 4)) / 2),
    "tanh": (nn.tanh, np.tanh),
}


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_activation(name):
    fun, reference = ACTIVATIONS[name]
    want = reference(X)
    x = X.astype(np.float32)
    atol = 1e-5 if name in ("gelu", "squareplus") else 1e-7  # a difference of near numbers
    for got in (fun(x), fun(numax.device_put(x)), numax.jit(fun)(x)):
        assert got.dtype == np.float32
        np.testing.assert_allclose(np.asarray(got), want, rtol=3e-6, atol=atol)
    inside = X[(np.abs(X) < 10)]
    checks.check_derivatives(fun, [inside])
    checks.check_vmap(fun, [inside.astype(np.float32)])


def test_log1mexp():
    x = np.array([1e-30, 1e-5, 0.1, 0.69, 0.7, 2, 20, 80])
    want = np.where(x < 1, np.log(-np.expm1(-x)), np.log1p(-np.exp(-np.maximum(x, 0.1))))
    np.testing.assert_allclose(np.asarray(nn.log1mexp(x.astype(np.float32))), want, rtol=3e-6)
    assert np.asarray(nn.log1mexp(0.0)) == -np.inf
    checks.check_derivatives(nn.log1mexp, [np.array([0.1, 0.5, 0.8, 3.0])])
    gradient = numax.vmap(numax.grad(nn.log1mexp))(x.astype(np.float32))
    np.testing.assert_allclose(np.asarray(gradient), 1 / np.expm1(x), rtol=3e-6)


def test_gradients_at_kinks():
    def at(fun, x):
        return float(np.asarray(numax.grad(fun)(x)))

    assert at(nn.relu, 0.0) == 0
    assert at(nn.relu6, 0.0) == 0
    assert at(nn.relu6, 6.0) == 0
    assert at(nn.leaky_relu, 0.0) == 1
    assert at(nn.elu, 0.0) == 1
    assert at(nn.celu, 0.0) == 1
    assert at(nn.softplus, 0.0) == 0.5
    for fun in (nn.softplus, nn.log_sigmoid, nn.elu, nn.celu, nn.sigmoid):
        for x in (-1e4, 1e4):
            assert np.isfinite(at(fun, x))


def test_activations_keep_nan():
    for name, (fun, _) in ACTIVATIONS.items():
        assert np.isnan(np.asarray(fun(np.float32(np.nan)))), name


def test_activation_dtypes():
    assert nn.relu(np.arange(3)).dtype == np.int32
    assert nn.gelu(np.arange(3)).dtype == np.float32
    assert nn.silu(np.ones(3, np.float16)).dtype == np.float16
    with pytest.raises(TypeError, match="logistic"):
        nn.sigmoid(np.arange(3))
    with pytest.raises(TypeError, match="relu requires ndarray or scalar"):
        nn.relu([1.0])


def test_glu():
    x = np.linspace(-2, 2, 12).reshape(2, 6).astype(np.float32)
    want = x[:, :3] * scipy.special.expit(x[:, 3:])
    np.testing.assert_allclose(np.asarray(nn.glu(x)), want, rtol=1e-6)
    want = x[:1] * scipy.special.expit(x[1:])
    np.testing.assert_allclose(np.asarray(nn.glu(x, axis=0)), want, rtol=1e-6)
    with pytest.raises(ValueError, match="even size"):
        nn.glu(x[:, :3])


# ---- softmax and kin ----


@pytest.mark.parametrize("mask", [None, [True, False, True]])
def test_softmax_has_one_derivative_by_either_rule(mask):
    where = None if mask is None else jnp.array(mask)

    def f(x):
        return nn.softmax(x, where=where)

    x = jnp.array([0.3, -2.0, 1.1])
    found = {}
    for on in (True, False):
        with numax.softmax_custom_jvp(on):
            text = str(numax.make_jaxpr(f)(x))
            assert ("custom_jvp_call" in text) is on
            found[on] = numax.jacrev(f)(x), numax.hessian(f)(x)
    for one, other in zip(found[True], found[False], strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-5, atol=1e-6)


def test_softmax_is_constant_along_a_shift_exactly():
    ones = jnp.ones(3)
    far = jnp.array([1.0, -jnp.inf, 2.0])
    np.testing.assert_array_equal(numax.jvp(nn.softmax, (far,), (ones,))[1], np.zeros(3))


@pytest.mark.parametrize("axis", [-1, 0, (0, 2), None])
def test_softmax_and_kin(axis):
    x = np.random.default_rng(0).normal(0, 40, (3, 4, 5)).astype(np.float32)
    for own, theirs in (
        (nn.softmax, scipy.special.softmax),
        (nn.log_softmax, scipy.special.log_softmax),
        (nn.logsumexp, scipy.special.logsumexp),
    ):
        want = theirs(x.astype(np.float64), axis=axis)
        for got in (
            own(x, axis=axis),
            own(numax.device_put(x), axis=axis),
            numax.jit(lambda x, own=own: own(x, axis=axis))(x),
        ):
            np.testing.assert_allclose(np.asarray(got), want, rtol=2e-6, atol=1e-6)
        checks.check_derivatives(lambda x, own=own: own(x, axis=axis), [x[:, :2, :2] / 20])


def test_exponentials_without_overflow():
    far = np.array([1e4, 1e4 - 1], np.float32)
    assert np.isfinite(np.asarray(nn.logsumexp(far)))
    np.testing.assert_allclose(np.asarray(nn.softmax(far)).sum(), 1, rtol=1e-6)
    low = np.array([-np.inf, 0], np.float32)
    np.testing.assert_array_equal(np.asarray(nn.softmax(low)), [0, 1])
    np.testing.assert_array_equal(np.asarray(nn.log_softmax(low)), [-np.inf, 0])
    none = np.full(2, -np.inf, np.float32)
    assert np.asarray(nn.logsumexp(none)) == -np.inf
    assert np.asarray(nn.logsumexp(-none)) == np.inf
    assert np.asarray(nn.logsumexp(np.zeros(0, np.float32))) == -np.inf
    np.testing.assert_array_equal(np.asarray(numax.grad(nn.logsumexp)(low)), [0, 1])


def test_exponentials_masked():
    x = np.array([[1.0, 2, 3], [4, 5, 6]], np.float32)
    mask = np.array([[True, False, True], [False, False, False]])
    two = scipy.special.softmax([1.0, 3])
    np.testing.assert_allclose(
        np.asarray(nn.softmax(x, where=mask)), [[two[0], 0, two[1]], [0, 0, 0]], rtol=1e-6
    )
    logs = np.asarray(nn.log_softmax(x, where=mask))
    np.testing.assert_allclose(logs[0, [0, 2]], np.log(two), rtol=1e-6)
    assert (logs[1] == -np.inf).all()
    assert logs[0, 1] == -np.inf
    sums = np.asarray(nn.logsumexp(x, axis=1, where=mask))
    np.testing.assert_allclose(sums, [np.logaddexp(1, 3), -np.inf], rtol=1e-6)
    means = np.asarray(nn.logmeanexp(x, axis=1, where=mask[0]))
    np.testing.assert_allclose(
        means, [np.logaddexp(1, 3) - np.log(2), np.logaddexp(4, 6) - np.log(2)], rtol=1e-6
    )
    gradient = numax.grad(lambda x: nn.softmax(x, where=mask)[0, 0])(x)
    assert np.isfinite(np.asarray(gradient)).all()
    assert (np.asarray(gradient)[1] == 0).all()


def test_logsumexp_weights_and_signs():
    x, b = np.array([1.0, 2, 3], np.float32), np.array([1.0, -1, -1], np.float32)
    value, sign = nn.logsumexp(x, b=b, return_sign=True)
    want = scipy.special.logsumexp(x, b=b, return_sign=True)
    np.testing.assert_allclose([np.asarray(value), np.asarray(sign)], want, rtol=1e-6)
    assert np.isnan(np.asarray(nn.logsumexp(x, b=b)))
    assert np.asarray(nn.logsumexp(x, b=0 * b)) == -np.inf
    z = np.array([1 + 2j, 3 - 1j], np.complex64)
    np.testing.assert_allclose(np.asarray(nn.logsumexp(z)), scipy.special.logsumexp(z), rtol=1e-5)
    assert nn.logsumexp(np.ones((2, 3)), axis=1, keepdims=True).shape == (2, 1)


def test_standardize():
    x = np.random.default_rng(1).normal(3, 2, (4, 5)).astype(np.float32)
    want = (x - x.mean(-1, keepdims=True)) / np.sqrt(x.var(-1, keepdims=True) + 1e-5)
    for algorithm in ("fast", "stable"):
        got = nn.standardize(x, algorithm=algorithm)
        np.testing.assert_allclose(np.asarray(got), want, rtol=1e-4, atol=1e-5)
    got = nn.standardize(x, axis=0, mean=np.float32(1), variance=np.float32(4), epsilon=0)
    np.testing.assert_allclose(np.asarray(got), (x - 1) / 2, rtol=1e-5)
    mask = np.arange(5) < 3
    got = np.asarray(nn.standardize(x, where=mask))
    np.testing.assert_allclose(
        got[:, :3], np.asarray(nn.standardize(x[:, :3])), rtol=1e-4, atol=1e-5
    )
    assert (got[:, 3:] == 0).all()
    checks.check_derivatives(nn.standardize, [x])
    with pytest.raises(ValueError, match="algorithm"):
        nn.standardize(x, algorithm="quick")


def test_one_hot():
    np.testing.assert_array_equal(
        np.asarray(nn.one_hot(np.array([0, 2, 5, -1]), 3)),
        [[1, 0, 0], [0, 0, 1], [0, 0, 0], [0, 0, 0]],
    )
    np.testing.assert_array_equal(
        np.asarray(nn.one_hot(np.array([0, 2]), 3, axis=0)), [[1, 0], [0, 0], [0, 1]]
    )
    assert nn.one_hot(1, 3).dtype == np.float32
    assert nn.one_hot(1, 3, dtype=np.int8).dtype == np.int8
    over = numax.vmap(
        lambda _: nn.one_hot(np.array([0, 2]), 3, axis="i"), axis_name="i", out_axes=-1
    )(np.arange(3))
    np.testing.assert_array_equal(np.asarray(over), [[1, 0, 0], [0, 0, 1]])
    with pytest.raises(ValueError, match="out of bounds"):
        nn.one_hot(np.array([1]), 3, axis=5)


# ---- attention ----


def reference_attention(q, k, v, mask=None, bias=0):
    groups = q.shape[2] // k.shape[2]
    k, v = np.repeat(k, groups, 2), np.repeat(v, groups, 2)
    scores = np.einsum("btnh,bsnh->bnts", q, k) / math.sqrt(q.shape[-1]) + bias
    if mask is not None:
        scores = np.where(mask, scores, -1e30)
    weights = scipy.special.softmax(scores, -1)
    residual = scipy.special.logsumexp(scores, -1).transpose(0, 2, 1)
    return np.einsum("bnts,bsnh->btnh", weights, v), residual


def attention_inputs():
    rng = np.random.default_rng(2)
    shapes = (2, 5, 4, 8), (2, 6, 2, 8), (2, 6, 2, 8)
    return [rng.standard_normal(s).astype(np.float32) for s in shapes]


T, S = np.arange(5)[:, None], np.arange(6)[None, :]


@pytest.mark.parametrize(
    ("options", "mask"),
    [
        ({}, None),
        ({"is_causal": True}, T >= S),
        ({"local_window_size": 1}, abs(T - S) <= 1),
        ({"local_window_size": (2, 0)}, (S <= T) & (S >= T - 2)),
        ({"key_value_seq_lengths": np.array([3, 6])}, np.array([3, 6])[:, None, None, None] > S),
        ({"mask": (T + S) % 2 == 0, "is_causal": True}, (T >= S) & ((T + S) % 2 == 0)),
    ],
    ids=["plain", "causal", "window", "left window", "lengths", "mask"],
)
def test_attention(options, mask):
    q, k, v = attention_inputs()
    want, residual = reference_attention(q, k, v, mask)
    got = nn.dot_product_attention(q, k, v, **options)
    np.testing.assert_allclose(np.asarray(got), want, rtol=2e-5, atol=2e-6)
    got = numax.jit(lambda *a: nn.dot_product_attention(*a, return_residual=True, **options))(
        q, k, v
    )
    np.testing.assert_allclose(np.asarray(got[0]), want, rtol=2e-5, atol=2e-6)
    np.testing.assert_allclose(np.asarray(got[1]), residual, rtol=2e-5, atol=2e-6)


def test_attention_bias_lengths_and_single():
    q, k, v = attention_inputs()
    bias = np.random.default_rng(3).standard_normal((1, 4, 1, 6)).astype(np.float32)
    want, _ = reference_attention(q, k, v, bias=bias)
    got = nn.dot_product_attention(q, k, v, bias)
    np.testing.assert_allclose(np.asarray(got), want, rtol=2e-5, atol=2e-6)
    single = nn.dot_product_attention(q[0], k[0], v[0], bias)
    np.testing.assert_allclose(np.asarray(single), want[0], rtol=2e-5, atol=2e-6)
    short = np.asarray(nn.dot_product_attention(q, k, v, query_seq_lengths=np.array([2, 5])))
    assert (short[0, 2:] == 0).all()
    assert (short[1] != 0).any()
    half = nn.dot_product_attention(*[x.astype(np.float16) for x in (q, k, v)])
    assert half.dtype == np.float16
    checks.check_derivatives(nn.dot_product_attention, [q[:1, :2], k[:1, :3], v[:1, :3]], order=1)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"value": np.ones((2, 3, 2, 8), np.float32)}, "value shape should be"),
        ({"query": np.ones((2, 5, 3, 8), np.float32)}, "multiple of key/value heads"),
        ({"mask": np.ones((5, 6))}, "mask dtype should be bool"),
        ({"mask": np.ones((3, 3), bool)}, "mask must broadcast"),
        ({"bias": np.ones((3, 3), np.float32)}, "bias must broadcast"),
        ({"implementation": "fast"}, "Unsupported implementation"),
        ({"value": np.ones((2, 6, 2, 8), np.float16)}, "value dtype should be"),
        ({"query": np.ones((5, 8), np.float32)}, "query must have shape"),
    ],
)
def test_attention_errors(change, message):
    q, k, v = attention_inputs()
    with pytest.raises(ValueError, match=message):
        nn.dot_product_attention(**{"query": q, "key": k, "value": v, **change})
