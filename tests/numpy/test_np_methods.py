"""Arrays as objects: operators with every kind of operand, conversions, sequences, text, NumPy, DLPack, pickles."""

import copy
import operator
import pickle

import numpy as np
import pytest

import numax
import numax.numpy as jnp

X = np.array([[1.5, -2.0, 3.0], [4.0, 0.5, -6.0]], np.float32)
I = np.array([3, -4, 5], np.int32)

ARITHMETIC = [
    *[operator.add, operator.sub, operator.mul, operator.truediv, operator.floordiv, operator.mod],
    *[operator.lt, operator.le, operator.gt, operator.ge, operator.eq, operator.ne],
]
BITS = [operator.and_, operator.or_, operator.xor, operator.lshift, operator.rshift]
OTHERS = {
    "array": lambda: jnp.array([2.0, 3.0, 0.5]),
    "ndarray": lambda: np.array([2.0, 3.0, 0.5], np.float32),
    "numpy scalar": lambda: np.float32(2),
    "wide numpy scalar": lambda: np.float64(2),
    "int": lambda: 2,
    "float": lambda: 0.5,
    "bool": lambda: True,
}


def same(got, want):
    assert isinstance(got, numax.Array)
    got = np.asarray(got)
    assert got.shape == want.shape
    np.testing.assert_allclose(got, want, rtol=1e-6)


@pytest.mark.parametrize("op", ARITHMETIC, ids=lambda f: f.__name__)
@pytest.mark.parametrize("other", OTHERS)
def test_operators_take_all_kinds_of_operands_on_both_sides(op, other):
    y = OTHERS[other]()
    for left, right in ((jnp.asarray(X), y), (y, jnp.asarray(X))):
        want = op(
            *[
                np.asarray(v, np.float32) if not np.isscalar(v) else np.float32(v)
                for v in (left, right)
            ]
        )
        for _ in range(2):
            same(op(left, right), want)
        if other != "numpy scalar" and "ndarray" not in other:
            same(numax.jit(lambda x, y: op(x, y))(left, right), want)


@pytest.mark.parametrize("op", BITS, ids=lambda f: f.__name__)
def test_bit_operators(op):
    x = jnp.asarray(I)
    for left, right in ((x, 2), (x, jnp.array([1, 2, 3])), (np.array([7, 6, 5], np.int32), abs(x))):
        want = op(*[np.asarray(v, np.int32) for v in (left, right)])
        same(op(left, right), want)
        same(numax.jit(lambda x, y: op(x, y))(left, right), want)


def test_unary_operators_divmod_and_pow():
    x = jnp.asarray(X)
    same(-x, -X)
    same(+x, X)
    same(abs(x), abs(X))
    same(~jnp.asarray(I), ~I)
    same(x**2, X**2)
    same(2.0**x, np.float32(2) ** X)
    for got, want in zip(divmod(x, 2), divmod(X, np.float32(2)), strict=True):
        same(got, want)
    same(divmod(7, jnp.asarray(I))[1], 7 % I)
    same(round(x), np.round(X).astype(np.int32))
    same(round(x, 1), np.round(X, 1))
    same(x @ x.T, X @ X.T)
    same(x @ np.ones(3, np.float32), X @ np.ones(3, np.float32))
    same(np.ones(2, np.float32) @ x, np.ones(2, np.float32) @ X)


def test_in_place_operators_rebind():
    x = y = jnp.ones(2)
    x += 1
    np.testing.assert_array_equal(x, [2, 2])
    np.testing.assert_array_equal(y, [1, 1])
    n = np.ones(2, np.float32)
    n += y
    np.testing.assert_array_equal(n, [2, 2])


class Foreign:
    def __add__(self, other):
        return "left"

    def __radd__(self, other):
        return "right"

    def __eq__(self, other):
        return "equal"

    __hash__ = None


class Wrapper:
    def __jax_array__(self):
        return jnp.array([1.0, 2.0])


def test_other_objects_get_their_turn():
    x = jnp.ones(2)
    assert x + Foreign() == "right"
    assert Foreign() + x == "left"
    assert (x == Foreign()) == "equal"
    assert (x == "a") is False
    assert (x != None) is True  # noqa: E711  (the point)
    np.testing.assert_array_equal(x + Wrapper(), [2, 3])
    np.testing.assert_array_equal(jnp.sin(Wrapper()), np.sin(np.array([1, 2], np.float32)))
    for call in (
        lambda: operator.add(x, [1, 2]),
        lambda: operator.add([1, 2], x),
        lambda: x == [1, 2],
        lambda: x < None,
        lambda: x @ "a",
    ):
        with pytest.raises(TypeError):
            call()


def test_numbers_of_python():
    assert bool(jnp.array([0])) is False
    assert int(jnp.array(2.7)) == 2
    assert float(jnp.array(3)) == 3.0
    assert complex(jnp.array(1 + 2j)) == 1 + 2j
    assert complex(jnp.array(1, jnp.bfloat16)) == 1
    assert float(jnp.array(1.5, jnp.bfloat16)) == 1.5
    assert [10, 20][jnp.array(1)] == 20
    assert list(range(jnp.array(3))) == [0, 1, 2]
    assert hex(jnp.array(10)) == "0xa"
    assert oct(jnp.array(10)) == "0o12"
    assert jnp.array([1, 2]).item(1) == 2
    assert jnp.array([[1.5]], jnp.bfloat16).item() == 1.5
    assert jnp.asarray(X).tolist() == X.tolist()
    assert jnp.asarray(X).tobytes() == X.tobytes()
    assert jnp.array([1.5], jnp.bfloat16).tolist() == [1.5]


REFUSED = [
    (lambda: bool(jnp.ones(2)), ValueError, "ambiguous"),
    (lambda: bool(jnp.ones(0)), ValueError, "empty"),
    (lambda: float(jnp.ones(1)), TypeError, "Only scalar arrays"),
    (lambda: float(jnp.array(1j)), TypeError, "complex"),
    (lambda: operator.index(jnp.array(1.0)), TypeError, "Only integer scalar"),
    (lambda: operator.index(jnp.array([1])), TypeError, "Only integer scalar"),
    (lambda: len(jnp.array(1)), TypeError, "unsized"),
    (lambda: iter(jnp.array(1)), TypeError, "0-d"),
    (lambda: hash(jnp.ones(1)), TypeError, "unhashable"),
    (lambda: operator.setitem(jnp.ones(1), 0, 1), TypeError, r"immutable.*\.at\[idx\]\.set"),
    (lambda: jnp.ones(2).item(), ValueError, "size 1"),
    (lambda: f"{jnp.ones(2):.2f}", TypeError, "unsupported format"),
    (lambda: jnp.array(1).view("int8"), ValueError, "0d"),
    (lambda: jnp.ones(3).view("complex64"), ValueError, "divisor"),
    (lambda: jnp.ones(3).mT, ValueError, "two axes"),
    (lambda: numax.Array(), TypeError, "numax.numpy.array"),
    (lambda: np.asarray(jnp.ones(2)).__setitem__(0, 5), ValueError, "read-only"),
    (lambda: np.array(jnp.ones(2), dtype="int32", copy=False), ValueError, "copy"),
    (lambda: jnp.ones(2).__array_namespace__(api_version="2019.12"), ValueError, "version"),
    (lambda: np.asarray(numax.random.key(0)), TypeError, "key_data"),
]


@pytest.mark.parametrize("case", range(len(REFUSED)))
def test_what_cannot_be_done_raises(case):
    call, error, message = REFUSED[case]
    with pytest.raises(error, match=message):
        call()


TRACED = [
    (lambda x: bool(x[0, 0] > 0), numax.errors.TracerBoolConversionError),
    (lambda x: float(x[0, 0]), numax.errors.ConcretizationTypeError),
    (lambda x: int(x[0, 0]), numax.errors.ConcretizationTypeError),
    (lambda x: np.asarray(x), numax.errors.TracerArrayConversionError),
    (lambda x: x.item(0), TypeError),
    (lambda x: x.tolist(), TypeError),
    (lambda x: hash(x), TypeError),
    (lambda x: f"{x:.2f}", TypeError),
    (lambda x: operator.setitem(x, 0, 1), TypeError),
]


@pytest.mark.parametrize("case", range(len(TRACED)))
def test_traced_values_refuse_what_needs_numbers(case):
    fun, error = TRACED[case]
    with pytest.raises(error):
        numax.jit(lambda x: fun(x) and x)(X)


def test_known_values_behind_tracers_are_numbers():
    def f(x):
        return x * (2.0 if x > 1 else 3.0)  # jvp and grad know the value of x

    assert float(numax.grad(f)(2.0)) == 2.0
    assert float(numax.jvp(f, (0.5,), (1.0,))[1]) == 3.0


def test_arrays_are_sequences():
    x = jnp.asarray(X)
    assert len(x) == 2
    for row, want in zip(x, X, strict=True):
        np.testing.assert_array_equal(row, want)
    assert [float(v) for v in x[0]] == X[0].tolist()
    assert [float(v) for v in reversed(x[0])] == X[0, ::-1].tolist()
    assert 3.0 in x
    assert 7.0 not in x
    _, b = numax.jit(lambda x: tuple(x))(x)
    np.testing.assert_array_equal(b, X[1])
    assert float(numax.grad(lambda x: sum(v * v for v in x))(x[0])[1]) == -4.0
    np.testing.assert_array_equal(numax.vmap(lambda x: x[0] + sum(x))(x), X[:, 0] + X.sum(1))


def test_text_is_jaxs():
    assert repr(jnp.array([1.0, 2.0])) == "Array([1., 2.], dtype=float32)"
    assert repr(jnp.asarray(1.0)) == "Array(1., dtype=float32, weak_type=True)"
    assert repr(jnp.zeros((0, 3))) == "Array([], shape=(0, 3), dtype=float32)"
    assert repr(jnp.array([[1, 2], [3, 4]])) == "Array([[1, 2],\n       [3, 4]], dtype=int32)"
    assert repr(jnp.arange(2000)) == "Array([   0,    1,    2, ..., 1997, 1998, 1999], dtype=int32)"
    wide = repr(jnp.nan_to_num(jnp.array([jnp.nan, jnp.inf, -jnp.inf, 1])))
    assert wide.endswith("1.0000000e+00],\n      dtype=float32)")
    assert repr(jnp.array([1.5], jnp.bfloat16)) == "Array([1.5], dtype=bfloat16)"
    assert repr(numax.random.key(0)) == "Array((), dtype=key<fry>) overlaying:\n[0 0]"
    assert str(jnp.array([1.0, 2.0])) == "[1. 2.]"
    assert f"{jnp.array(1.0):.2f}" == "1.00"
    assert f"{jnp.array([1.0, 2.0])}" == "[1. 2.]"
    seen = []
    x = jnp.ones(3)
    numax.jit(lambda x: seen.append(repr(x)))(x)
    numax.vmap(lambda x: seen.append(repr(x)) or x)(x)
    numax.grad(lambda x: seen.append(repr(x)) or x.sum())(x)
    numax.jvp(lambda x: seen.append(repr(x)) or x.sum(), (x,), (x,))
    assert seen == [
        "JitTracer(float32[3])",
        "VmapTracer(aval=float32[], batched=float32[3])",
        "GradTracer(primal=[1. 1. 1.], typeof(tangent)=f32[3])",
        "JVPTracer(primal=[1. 1. 1.], tangent=[1. 1. 1.])",
    ]


def test_notebooks_show_large_arrays_as_a_table():
    assert jnp.ones(3)._repr_html_() is None
    text = jnp.arange(5000)._repr_html_()
    for part in ("(5000,)", "int32", "20,000 bytes", "4999"):
        assert part in text


def test_numpy_takes_arrays():
    x = jnp.asarray(X)
    view = np.asarray(x)
    assert view.dtype == np.float32
    assert not view.flags.writeable
    with pytest.raises(ValueError, match="WRITEABLE"):
        view.flags.writeable = True
    fresh = np.array(x)
    fresh[0, 0] = 9
    assert float(x[0, 0]) == 1.5
    np.testing.assert_array_equal(np.sin(x), np.sin(X))
    np.testing.assert_array_equal(np.add(x, X), X + X)
    np.testing.assert_array_equal(np.concatenate([x, X]), np.concatenate([X, X]))
    np.testing.assert_array_equal(np.asarray(x, np.float64), X.astype(np.float64))
    owner = np.ones(3, np.float32)
    held = jnp.asarray(owner)
    owner[0] = 5
    assert float(held[0]) == 1.0


def test_dlpack_and_the_array_namespace():
    x = jnp.asarray(X)
    np.testing.assert_array_equal(np.from_dlpack(x), X)
    assert x.__dlpack_device__() == (1, 0)
    np.testing.assert_array_equal(jnp.from_dlpack(X), X)
    with pytest.raises(BufferError, match="device"):
        x.__dlpack__(dl_device=(2, 0))
    assert type(jnp.ones(2, jnp.bfloat16).__dlpack__()).__name__ == "PyCapsule"
    assert x.__array_namespace__() is jnp
    assert x.__array_namespace__(api_version="2024.12") is jnp


@pytest.mark.parametrize(
    "make",
    [
        lambda: jnp.asarray(X),
        lambda: jnp.asarray(1.0),
        lambda: numax.random.split(numax.random.key(1)),
    ],
)
def test_pickles_and_copies(make):
    x = make()
    for y in (pickle.loads(pickle.dumps(x)), copy.copy(x), copy.deepcopy(x), x.copy(), x.clone()):
        assert y is not x
        assert y.aval == x.aval
        assert repr(y) == repr(x)


def test_deleting_one_copy_keeps_the_other():
    x = jnp.ones(3)
    y = x.copy()
    assert not x.is_deleted()
    x.delete()
    assert x.is_deleted()
    assert x.shape == (3,)
    with pytest.raises(RuntimeError, match="deleted"):
        x + 1
    np.testing.assert_array_equal(y, [1, 1, 1])


def test_where_arrays_live():
    x = jnp.asarray(X)
    device = numax.devices()[0]
    assert x.device == device
    assert x.devices() == {device}
    assert x.sharding.device_set == {device}
    assert x.is_fully_addressable
    assert x.is_fully_replicated
    assert not x.committed
    (shard,) = x.addressable_shards
    np.testing.assert_array_equal(shard.data, X)
    assert x.on_device_size_in_bytes() == x.nbytes == 24
    assert x.itemsize == 4
    assert x.is_ready()
    assert x.block_until_ready() is x
    assert x.copy_to_host_async() is None
    assert x.platform() == device.platform
    assert x.to_device(device).device == device
    assert x.format.layout.major_to_minor == (0, 1)


METHODS = [
    *[
        (n, ())
        for n in (
            "sum",
            "prod",
            "mean",
            "var",
            "std",
            "max",
            "min",
            "any",
            "all",
            "argmax",
            "argmin",
        )
    ],
    *[(n, (1,)) for n in ("sum", "mean", "std", "max", "argmin", "cumsum", "cumprod", "argsort")],
    *[
        ("reshape", (3, 2)),
        ("reshape", ((3, -1),)),
        ("transpose", ()),
        ("transpose", (1, 0)),
        ("transpose", ((0, 1),)),
    ],
    *[
        ("ravel", ()),
        ("flatten", ()),
        ("squeeze", ()),
        ("swapaxes", (0, 1)),
        ("take", (np.array([0, 5]),)),
    ],
    *[
        ("clip", (0, 2)),
        ("round", (1,)),
        ("conj", ()),
        ("conjugate", ()),
        ("repeat", (2, 1)),
        ("diagonal", ()),
    ],
    *[
        ("trace", ()),
        ("dot", (np.ones((3, 2), np.float32),)),
        ("astype", ("int32",)),
        ("astype", ("complex64",)),
    ],
    *[("nonzero", ()), ("compress", (np.array([True, False]), 0)), ("byteswap", ()), ("copy", ())],
    *[("view", ("int32",)), ("view", ("uint8",)), ("view", ("int16",))],
]


@pytest.mark.parametrize("case", range(len(METHODS)))
def test_methods_are_numpys(case):
    name, args = METHODS[case]
    want = getattr(X, name)(*args)
    got = getattr(jnp.asarray(X), name)(*args)
    if isinstance(want, tuple):
        for g, w in zip(got, want, strict=True):
            np.testing.assert_array_equal(g, w)
        return
    np.testing.assert_allclose(got, want, rtol=1e-6)
    if name not in ("compress",):
        np.testing.assert_allclose(numax.jit(lambda x: getattr(x, name)(*args))(X), want, rtol=1e-6)


def test_properties_are_numpys():
    x = jnp.asarray(X)
    for name in ("T", "mT", "real", "imag", "shape", "size", "ndim", "dtype", "nbytes", "itemsize"):
        want = X.T if name == "mT" else getattr(X, name)
        np.testing.assert_array_equal(np.asarray(getattr(x, name)), np.asarray(want))
    np.testing.assert_array_equal(x.flat[3], X.flat[3])
    np.testing.assert_array_equal(x.sort(axis=0), np.sort(X, 0))
    np.testing.assert_array_equal(
        x[0].argpartition(1)[:2].sort(), np.sort(np.argpartition(X[0], 1)[:2])
    )
    np.testing.assert_array_equal(jnp.array([1, 3, 5]).searchsorted(jnp.array([2, 5])), [1, 2])
    assert np.ptp(X) == x.ptp()
    np.testing.assert_array_equal(jnp.array([0, 1]).choose([x[0, :2], x[1, :2]]), [1.5, 0.5])


@pytest.mark.parametrize("new", ["float32", "int32", "uint8", "int8", "int16", "complex64", "bool"])
@pytest.mark.parametrize("old", ["float32", "int32", "uint8", "complex64", "bool"])
def test_view_reinterprets_bits(old, new):
    bits = np.zeros((2, 8), np.uint8)
    bits[:, ::3] = 1
    x = bits.astype(bool) if old == "bool" else bits.view(old)
    if new == "bool":
        x = np.zeros_like(x)
    got = jnp.asarray(x).view(new)
    assert got.dtype == new
    np.testing.assert_array_equal(got, x.view(new))


def test_astype_and_real_of_traced_values_differentiate():
    assert float(numax.grad(lambda x: x.astype("float16").sum())(jnp.ones(2))[0]) == 1.0
    np.testing.assert_array_equal(
        numax.grad(lambda x: (x * (1 + 2j)).imag.sum())(jnp.ones(2)), [2, 2]
    )
    np.testing.assert_array_equal(
        numax.grad(lambda x: x.at[1].multiply(3.0).sum())(jnp.ones(2)), [1, 3]
    )


def test_isinstance_knows_traced_values():
    assert isinstance(jnp.ones(1), numax.Array)
    assert numax.jit(lambda x: x if isinstance(x, numax.Array) else 1 / 0)(1.0) == 1.0
    assert not isinstance(np.ones(1), numax.Array)
