"""The array API standard, 2024.12 and 2025.12: names, signatures, inspection, dtypes, devices, copies, scalars."""

import inspect
import math

import numpy as np
import pytest

import numax
import numax.numpy as jnp
from numax._engine.core import config

# ---- names and signatures ----

CREATION = """
arange(start, /, stop=None, step=1, *, dtype=None, device=None)
asarray(obj, /, *, dtype=None, device=None, copy=None)
empty(shape, *, dtype=None, device=None)
empty_like(x, /, *, dtype=None, device=None)
eye(n_rows, n_cols=None, /, *, k=0, dtype=None, device=None)
from_dlpack(x, /, *, device=None, copy=None)
full(shape, fill_value, *, dtype=None, device=None)
full_like(x, /, fill_value, *, dtype=None, device=None)
linspace(start, stop, /, num, *, dtype=None, device=None, endpoint=True)
meshgrid(*arrays, indexing='xy')
ones(shape, *, dtype=None, device=None)
ones_like(x, /, *, dtype=None, device=None)
tril(x, /, *, k=0)
triu(x, /, *, k=0)
zeros(shape, *, dtype=None, device=None)
zeros_like(x, /, *, dtype=None, device=None)
"""
TYPES = """
__array_namespace_info__()
astype(x, dtype, /, *, copy=True, device=None)
can_cast(from_, to, /)
finfo(type, /)
iinfo(type, /)
isdtype(dtype, kind)
result_type(*arrays_and_dtypes)
"""
UNARY = [
    "abs",
    "acos",
    "acosh",
    "asin",
    "asinh",
    "atan",
    "atanh",
    "bitwise_invert",
    "ceil",
    "conj",
    "cos",
    "cosh",
    "exp",
    "expm1",
    "floor",
    "imag",
    "isfinite",
    "isinf",
    "isnan",
    "log",
    "log1p",
    "log2",
    "log10",
    "logical_not",
    "negative",
    "positive",
    "real",
    "reciprocal",
    "round",
    "sign",
    "signbit",
    "sin",
    "sinh",
    "square",
    "sqrt",
    "tan",
    "tanh",
    "trunc",
]
BINARY = [
    "add",
    "atan2",
    "bitwise_and",
    "bitwise_left_shift",
    "bitwise_or",
    "bitwise_right_shift",
    "bitwise_xor",
    "copysign",
    "divide",
    "equal",
    "floor_divide",
    "greater",
    "greater_equal",
    "hypot",
    "less",
    "less_equal",
    "logaddexp",
    "logical_and",
    "logical_or",
    "logical_xor",
    "maximum",
    "minimum",
    "multiply",
    "nextafter",
    "not_equal",
    "pow",
    "remainder",
    "subtract",
]
ELEMENTWISE = "\n".join(
    ["clip(x, /, min=None, max=None)"]
    + [f"{name}(x, /)" for name in UNARY]
    + [f"{name}(x1, x2, /)" for name in BINARY]
)
MANIPULATION = """
broadcast_arrays(*arrays)
broadcast_shapes(*shapes)
broadcast_to(x, /, shape)
concat(arrays, /, *, axis=0)
expand_dims(x, /, axis)
flip(x, /, *, axis=None)
moveaxis(x, source, destination, /)
permute_dims(x, /, axes)
repeat(x, repeats, /, *, axis=None)
reshape(x, /, shape, *, copy=None)
roll(x, /, shift, *, axis=None)
squeeze(x, /, axis)
stack(arrays, /, *, axis=0)
tile(x, repetitions, /)
unstack(x, /, *, axis=0)
take(x, indices, /, *, axis)
take_along_axis(x, indices, /, *, axis=-1)
"""
SEARCHING = """
argmax(x, /, *, axis=None, keepdims=False)
argmin(x, /, *, axis=None, keepdims=False)
count_nonzero(x, /, *, axis=None, keepdims=False)
nonzero(x, /)
searchsorted(x1, x2, /, *, side='left', sorter=None)
where(condition, x1, x2, /)
isin(x1, x2, /, *, invert=False)
unique_all(x, /)
unique_counts(x, /)
unique_inverse(x, /)
unique_values(x, /)
argsort(x, /, *, axis=-1, descending=False, stable=True)
sort(x, /, *, axis=-1, descending=False, stable=True)
"""
STATISTICS = """
cumulative_prod(x, /, *, axis=None, dtype=None, include_initial=False)
cumulative_sum(x, /, *, axis=None, dtype=None, include_initial=False)
max(x, /, *, axis=None, keepdims=False)
mean(x, /, *, axis=None, keepdims=False)
min(x, /, *, axis=None, keepdims=False)
prod(x, /, *, axis=None, dtype=None, keepdims=False)
std(x, /, *, axis=None, correction=0.0, keepdims=False)
sum(x, /, *, axis=None, dtype=None, keepdims=False)
var(x, /, *, axis=None, correction=0.0, keepdims=False)
all(x, /, *, axis=None, keepdims=False)
any(x, /, *, axis=None, keepdims=False)
diff(x, /, *, axis=-1, n=1, prepend=None, append=None)
"""
LINALG = """
matmul(x1, x2, /)
matrix_transpose(x, /)
tensordot(x1, x2, /, *, axes=2)
vecdot(x1, x2, /, *, axis=-1)
linalg.cholesky(x, /, *, upper=False)
linalg.cross(x1, x2, /, *, axis=-1)
linalg.det(x, /)
linalg.diagonal(x, /, *, offset=0)
linalg.eig(x, /)
linalg.eigvals(x, /)
linalg.eigh(x, /)
linalg.eigvalsh(x, /)
linalg.inv(x, /)
linalg.matmul(x1, x2, /)
linalg.matrix_norm(x, /, *, keepdims=False, ord='fro')
linalg.matrix_power(x, n, /)
linalg.matrix_rank(x, /, *, rtol=None)
linalg.matrix_transpose(x, /)
linalg.outer(x1, x2, /)
linalg.pinv(x, /, *, rtol=None)
linalg.qr(x, /, *, mode='reduced')
linalg.slogdet(x, /)
linalg.solve(x1, x2, /)
linalg.svd(x, /, *, full_matrices=True)
linalg.svdvals(x, /)
linalg.tensordot(x1, x2, /, *, axes=2)
linalg.trace(x, /, *, offset=0, dtype=None)
linalg.vecdot(x1, x2, /, *, axis=-1)
linalg.vector_norm(x, /, *, axis=None, keepdims=False, ord=2)
"""
FFT = "\n".join(
    [f"fft.{n}(x, /, *, n=None, axis=-1, norm='backward')" for n in ["fft", "ifft", "rfft", "irfft", "hfft", "ihfft"]]
    + [f"fft.{n}(x, /, *, s=None, axes=None, norm='backward')" for n in ["fftn", "ifftn", "rfftn", "irfftn"]]
    + [f"fft.{n}(n, /, *, d=1.0, dtype=None, device=None)" for n in ("fftfreq", "rfftfreq")]
    + [f"fft.{n}(x, /, *, axes=None)" for n in ("fftshift", "ifftshift")]
)  # fmt: skip
FUNCTIONS = "\n".join(
    (CREATION, TYPES, ELEMENTWISE, MANIPULATION, SEARCHING, STATISTICS, LINALG, FFT)
).split("\n")
SIGNATURES = [line for line in FUNCTIONS if line]
CONSTANTS = {"e": math.e, "inf": math.inf, "nan": math.nan, "newaxis": None, "pi": math.pi}
DTYPES = [
    "bool",
    "int8",
    "int16",
    "int32",
    "int64",
    "uint8",
    "uint16",
    "uint32",
    "uint64",
    "float32",
    "float64",
    "complex64",
    "complex128",
]
METHODS = [
    "__abs__",
    "__add__",
    "__and__",
    "__array_namespace__",
    "__bool__",
    "__complex__",
    "__dlpack__",
    "__dlpack_device__",
    "__eq__",
    "__float__",
    "__floordiv__",
    "__ge__",
    "__getitem__",
    "__gt__",
    "__index__",
    "__int__",
    "__invert__",
    "__le__",
    "__lshift__",
    "__lt__",
    "__matmul__",
    "__mod__",
    "__mul__",
    "__ne__",
    "__neg__",
    "__or__",
    "__pos__",
    "__pow__",
    "__radd__",
    "__rand__",
    "__rfloordiv__",
    "__rlshift__",
    "__rmatmul__",
    "__rmod__",
    "__rmul__",
    "__ror__",
    "__rpow__",
    "__rrshift__",
    "__rshift__",
    "__rsub__",
    "__rtruediv__",
    "__rxor__",
    "__setitem__",
    "__sub__",
    "__truediv__",
    "__xor__",
    "to_device",
    "T",
    "device",
    "dtype",
    "mT",
    "ndim",
    "shape",
    "size",
]
# Defaults where JAX's functions have others, which mean the same.
SAME_DEFAULT = {
    ("arange", "step"): None,
    ("astype", "copy"): False,  # arrays never change: whether they share memory cannot be seen
    ("eigh", "norm"): None,
    ("std", "correction"): None,
    ("var", "correction"): None,
}


def found(path):
    value = jnp
    for name in path.split("."):
        value = getattr(value, name)
    return value


@pytest.mark.parametrize("line", SIGNATURES, ids=lambda line: line.partition("(")[0])
def test_function_takes_the_arguments_of_the_standard(line):
    path, _, inner = line.partition("(")
    scope = {}
    exec(f"def f({inner}: pass", scope)
    wanted = inspect.signature(scope["f"]).parameters.values()
    own = inspect.signature(found(path))
    kinds = inspect.Parameter
    given = [0 for p in wanted if p.kind in (kinds.POSITIONAL_ONLY, kinds.VAR_POSITIONAL)]
    either = [p.name for p in wanted if p.kind is kinds.POSITIONAL_OR_KEYWORD]
    keywords = {p.name: 0 for p in wanted if p.kind is kinds.KEYWORD_ONLY}
    own.bind(*given, *[0] * len(either), **keywords)
    if path not in ("squeeze", "isdtype", "full_like"):
        own.bind(*given, **dict.fromkeys(either, 0), **keywords)
    for p in wanted:
        if p.default is not kinds.empty and p.name in own.parameters:
            default = own.parameters[p.name].default
            name = path.rpartition(".")[2]
            if p.name in ("norm", "where", "keepdims") or (name, p.name) in SAME_DEFAULT:
                assert not default
            else:
                assert default == p.default, p.name


def test_constants_and_dtypes():
    for name, value in CONSTANTS.items():
        own = getattr(jnp, name)
        assert own is None if value is None else own == value or math.isnan(value)
    for name in DTYPES:
        assert jnp.dtype(getattr(jnp, name)).name == name
    assert jnp.__array_api_version__ == "2025.12"


def test_array_has_the_methods_of_the_standard():
    x = jnp.ones((2, 2), jnp.int32)
    assert [name for name in METHODS if not hasattr(x, name)] == []
    for version in (None, "2021.12", "2022.12", "2023.12", "2024.12", "2025.12"):
        assert x.__array_namespace__(api_version=version) is jnp
    with pytest.raises(ValueError, match=r"2031\.12"):
        x.__array_namespace__(api_version="2031.12")
    assert numax.jit(lambda v: v.__array_namespace__().sum(v))(x) == 4


# ---- inspection ----


def test_inspection():
    info = jnp.__array_namespace_info__()
    assert info.capabilities() == {
        "boolean indexing": True,
        "data-dependent shapes": True,
        "max dimensions": 64,
    }
    assert jnp.zeros((1,) * 64).ndim == 64
    assert type(info.devices()) is tuple
    for device in (info.default_device(), *info.devices()):
        x = jnp.ones(2, device=device)
        assert device is None or x.device == device
        assert info.default_dtypes(device=device) == info.default_dtypes()
        assert info.dtypes(device=device) == info.dtypes()


KINDS = {
    "bool": ["bool"],
    "signed integer": ["int8", "int16", "int32", "int64"],
    "unsigned integer": ["uint8", "uint16", "uint32", "uint64"],
    "real floating": ["float32", "float64"],
    "complex floating": ["complex64", "complex128"],
}
KINDS["integral"] = KINDS["signed integer"] + KINDS["unsigned integer"]
KINDS["numeric"] = KINDS["integral"] + KINDS["real floating"] + KINDS["complex floating"]
WIDE = {"int64", "uint64", "float64", "complex128"}


@pytest.mark.parametrize("wide", [False, True])
def test_dtypes_of_each_kind(wide):
    with config.enable_x64(wide):
        info = jnp.__array_namespace_info__()
        for kind, names in KINDS.items():
            names = {n for n in names if wide or n not in WIDE}
            assert info.dtypes(kind=kind) == {n: np.dtype(n) for n in names}
            for name in DTYPES:
                assert jnp.isdtype(jnp.dtype(name), kind) == (name in KINDS[kind])
        both = info.dtypes(kind=("bool", "real floating"))
        assert set(both) == {"bool", "float32"} | ({"float64"} if wide else set())
        assert info.dtypes() == info.dtypes(kind=("bool", "numeric"))
        default = info.default_dtypes()
        assert jnp.zeros(1).dtype == default["real floating"] == np.dtype(f"float{32 << wide}")
        assert jnp.arange(3).dtype == default["integral"] == np.dtype(f"int{32 << wide}")
        assert jnp.asarray(1j).dtype == default["complex floating"]
        assert jnp.argmax(jnp.ones(3)).dtype == default["indexing"]
        assert jnp.isdtype(jnp.int8, (jnp.int8, "bool")) and not jnp.isdtype(jnp.int8, jnp.int16)
    with pytest.raises(ValueError):
        jnp.isdtype(jnp.int8, "integer-like")


def test_limits_of_dtypes_arrays_and_classes():
    for given in (
        np.float32,
        jnp.float32,
        np.dtype("float32"),
        "float32",
        jnp.ones(2),
        np.complex64,
    ):
        assert jnp.finfo(given).eps == 2.0**-23 and jnp.finfo(given).bits == 32
    for given in (np.int8, jnp.int8, np.dtype("int8"), "int8", jnp.ones(2, "int8"), np.int8(3)):
        assert (jnp.iinfo(given).min, jnp.iinfo(given).max, jnp.iinfo(given).bits) == (-128, 127, 8)
    for given in (np.int8, bool):
        with pytest.raises((ValueError, TypeError)):
            jnp.finfo(given)


def test_dtypes_of_results_in_64_bits(x64):
    i8, i32, f32, c64 = [jnp.ones(3, t) for t in ("int8", "int32", "float32", "complex64")]
    u8 = jnp.ones(3, "uint8")
    for name in ("sum", "prod", "cumulative_sum", "cumulative_prod"):
        f = getattr(jnp, name)
        assert [f(v).dtype.name for v in (i8, u8, f32, c64)] == [
            "int64",
            "uint64",
            "float32",
            "complex64",
        ]
        assert f(i8, dtype=jnp.int16).dtype == jnp.int16
    assert jnp.linalg.trace(jnp.ones((2, 2), jnp.int8)).dtype == jnp.int64
    assert jnp.linalg.trace(jnp.ones((2, 2), jnp.float32)).dtype == jnp.float32
    for out in (
        *[jnp.argmin(f32), jnp.argsort(f32), jnp.nonzero(f32)[0], jnp.count_nonzero(f32)],
        *[jnp.searchsorted(f32, 1.0), jnp.unique_all(f32).indices, jnp.unique_counts(f32).counts],
    ):
        assert out.dtype == jnp.int64
    assert jnp.unique_inverse(f32).inverse_indices.dtype == jnp.int64
    assert (i32 + jnp.ones(3, "int64")).dtype == jnp.int64
    assert (u8 + i8).dtype == jnp.int16
    assert (f32 + jnp.ones(3, "float64")).dtype == jnp.float64
    assert (f32 + 1j).dtype == jnp.complex64 and (
        jnp.ones(3, "float64") + 1j
    ).dtype == jnp.complex128
    assert jnp.abs(jnp.ones(2, "complex128")).dtype == jnp.float64
    assert jnp.fft.fftfreq(4).dtype == jnp.float64
    assert jnp.fft.fftfreq(4, dtype=jnp.float32).dtype == jnp.float32
    assert jnp.fft.rfft(f32).dtype == jnp.complex64 and jnp.fft.irfft(c64).dtype == jnp.float32
    assert jnp.linspace(0, 1, 3).dtype == jnp.float64 and jnp.arange(1.5).dtype == jnp.float64


# ---- devices and copies ----


def test_devices():
    device = numax.devices()[0]
    x = jnp.ones((2, 3))
    assert x.device == device
    assert x.to_device(device).device == device
    assert numax.jit(lambda v: v.to_device(device) * 2)(x).device == device
    y = jnp.ones(3)
    for made in (
        *[
            jnp.arange(3, device=device),
            jnp.asarray([1], device=device),
            jnp.empty(2, device=device),
        ],
        *[
            jnp.empty_like(x, device=device),
            jnp.eye(2, device=device),
            jnp.full(2, 1, device=device),
        ],
        *[jnp.full_like(x, 1, device=device), jnp.linspace(0, 1, 3, device=device)],
        *[jnp.ones(2, device=device), jnp.ones_like(x, device=device), jnp.zeros(2, device=device)],
        *[jnp.zeros_like(x, device=device), jnp.from_dlpack(y, device=device)],
        *[jnp.astype(x, jnp.int8, device=device), jnp.fft.fftfreq(4, device=device)],
        jnp.fft.rfftfreq(4, device=device),
    ):
        assert made.device == device
    with pytest.raises((ValueError, TypeError)):
        jnp.ones(2, device="abacus")


def test_copies():
    source = np.arange(3, dtype=np.float32)
    x = jnp.asarray(source)
    source[0] = 7
    assert x[0] == 0
    assert jnp.asarray(x, copy=False) is x or jnp.asarray(x, copy=False)[1] == 1
    for y in (
        jnp.asarray(x, copy=True),
        jnp.astype(x, x.dtype, copy=True),
        jnp.reshape(x, (3,), copy=True),
    ):
        assert y is not x and y.tolist() == [0, 1, 2]
    assert jnp.asarray(np.float32([1, 2]), copy=False).tolist() == [1, 2]
    for wide in (np.ones(2), x):
        with pytest.raises(ValueError, match="copy"):
            jnp.asarray(wide, dtype=jnp.int8, copy=False)
    with pytest.raises(ValueError, match="copy"):
        jnp.asarray(np.ones(2), copy=False)  # float64
    assert np.asarray(x, copy=True).flags.writeable and not np.asarray(x).flags.writeable
    with pytest.raises(ValueError, match="copy"):
        np.asarray(x, dtype=np.int8, copy=False)


def test_dlpack_arguments():
    x = jnp.arange(6, dtype=jnp.float32).reshape(2, 3)
    assert x.__dlpack_device__() == (1, 0)
    device = numax.devices()[0]
    for y in (
        *[jnp.from_dlpack(x), jnp.from_dlpack(np.asarray(x).copy()), jnp.from_dlpack(x, copy=True)],
        *[
            jnp.from_dlpack(x, device=device),
            jnp.from_dlpack(x, copy=None),
            jnp.from_dlpack(x, copy=False),
        ],
    ):
        np.testing.assert_array_equal(np.asarray(y), np.asarray(x))
    for arguments in (
        *[{}, {"max_version": (1, 0)}, {"max_version": (0, 8)}, {"max_version": None}],
        *[{"dl_device": (1, 0)}, {"copy": True}, {"copy": False}, {"stream": None}],
    ):
        assert "dltensor" in repr(x.__dlpack__(**arguments))
    assert "dltensor_versioned" in repr(x.__dlpack__(max_version=(1, 1)))
    with pytest.raises(BufferError):
        x.__dlpack__(dl_device=(2, 0))
    got = np.from_dlpack(x)
    np.testing.assert_array_equal(got, np.asarray(x))
    mine = np.from_dlpack(jnp.ones(3), copy=True)
    mine[0] = 5  # a copy is the consumer's own
    for dtype in (*DTYPES, "float16"):
        with config.enable_x64(True):
            source = np.ones(3, dtype)
            assert jnp.from_dlpack(source).dtype == source.dtype
            assert np.from_dlpack(jnp.asarray(source)).dtype == source.dtype
    assert jnp.from_dlpack(jnp.ones(3, jnp.bfloat16)).dtype == jnp.bfloat16


def test_in_place_operators_rebind():
    for name, other in {
        **dict.fromkeys(("+", "-", "*", "//", "%", "**", "&", "|", "^", "<<", ">>"), 2),
        "/": 2,
        "@": np.eye(3, dtype=np.int32),
    }.items():
        x = jnp.arange(1, 4)
        scope = {"x": x, "other": other}
        exec(f"x {name}= other", scope)
        exec(f"want = np.arange(1, 4) {name} other", {"np": np, "other": other}, scope)
        np.testing.assert_allclose(np.asarray(scope["x"]), scope["want"])
        assert scope["x"] is not x
        assert x.tolist() == [1, 2, 3]


# ---- scalars beside arrays ----


@pytest.mark.parametrize("name", BINARY)
def test_binary_functions_take_python_scalars(name):
    f = getattr(jnp, name)
    dtype = "int32" if "bitwise" in name else "bool" if "logical" in name else "float32"
    x = jnp.ones(3, dtype)
    scalar = {"int32": 2, "bool": True, "float32": 2.5}[dtype]
    full = jnp.full(3, scalar, dtype)
    for got, want in ((f(x, scalar), f(x, full)), (f(scalar, x), f(full, x))):
        assert got.dtype == want.dtype
        np.testing.assert_array_equal(np.asarray(got), np.asarray(want))
    if dtype == "float32":
        assert f(x, 2).dtype == f(x, full).dtype


def test_other_functions_take_python_scalars():
    x = jnp.asarray([1.0, 5.0], jnp.float32)
    mask = x > 2
    assert jnp.where(mask, x, 0).tolist() == [0, 5] and jnp.where(mask, 0, x).dtype == x.dtype
    assert jnp.where(mask, jnp.ones(2, jnp.int8), 7).dtype == jnp.int8
    assert jnp.clip(x, 2, None).tolist() == [2, 5] and jnp.clip(x, None, 2.5).dtype == x.dtype
    assert jnp.clip(jnp.ones(2, jnp.int8), 0, 5).dtype == jnp.int8
    assert int(jnp.searchsorted(x, 3)) == 1 and int(jnp.searchsorted(x, 5.0, side="right")) == 2
    assert jnp.isin(x, 5).tolist() == [False, True] and bool(jnp.isin(5.0, x))
    assert jnp.result_type(x, 1) == x.dtype and jnp.result_type(jnp.int8, 1.0) == jnp.float32
    assert jnp.result_type(x, 1j) == jnp.complex64
    assert jnp.result_type(jnp.int8, jnp.uint8, True) == jnp.int16


# ---- functions new in 2023.12 to 2025.12 ----


def test_shapes():
    assert jnp.broadcast_shapes() == () and jnp.broadcast_shapes((2, 1), (3,), ()) == (2, 3)
    with pytest.raises(ValueError):
        jnp.broadcast_shapes((2,), (3,))
    x = jnp.zeros((2, 3))
    assert jnp.expand_dims(x, (0, -1)).shape == (1, 2, 3, 1)
    assert jnp.expand_dims(x, -2).shape == (2, 1, 3)
    for wrong in (3, -4, (0, 0), (0, 4)):
        with pytest.raises((IndexError, ValueError)):
            jnp.expand_dims(x, wrong)
    assert jnp.permute_dims(x, (-1, -2)).shape == (3, 2)
    assert jnp.moveaxis(x, -1, 0).shape == (3, 2)
    assert jnp.concat([x, x], axis=None).shape == (12,)
    assert [v.shape for v in jnp.unstack(x, axis=1)] == [(2,)] * 3
    assert type(jnp.unstack(x)) is tuple
    assert type(jnp.broadcast_arrays(x, 1.0)) is tuple
    assert type(jnp.meshgrid(jnp.ones(2), jnp.ones(3))) is tuple
    assert x.mT.shape == (3, 2) and jnp.matrix_transpose(jnp.zeros((4, 2, 3))).shape == (4, 3, 2)
    with pytest.raises(ValueError):
        jnp.ones(3).mT  # noqa: B018
    assert jnp.repeat(jnp.arange(2), jnp.asarray([1, 2])).tolist() == [0, 1, 1]
    assert jnp.tile(jnp.arange(2), (2, 1)).shape == (2, 2)


def test_cumulative_forms():
    x = jnp.asarray([[1, 2, 3], [4, 5, 6]])
    assert jnp.cumulative_sum(x, axis=1, include_initial=True).tolist() == [
        [0, 1, 3, 6],
        [0, 4, 9, 15],
    ]
    assert jnp.cumulative_prod(x, axis=0, include_initial=True).tolist() == [
        [1] * 3,
        [1, 2, 3],
        [4, 10, 18],
    ]
    assert jnp.cumulative_sum(jnp.ones(3, bool)).tolist() == [1, 2, 3]
    with pytest.raises(ValueError):
        jnp.cumulative_sum(x)
    empty = jnp.zeros((0,))
    assert jnp.cumulative_sum(empty, include_initial=True).tolist() == [0]
    assert jnp.diff(x, n=2).tolist() == [[0], [0]]
    assert jnp.diff(x, axis=0, prepend=jnp.zeros((1, 3), x.dtype)).tolist() == [
        [1, 2, 3],
        [3, 3, 3],
    ]
    assert jnp.count_nonzero(jnp.asarray([0j, 1j, -0.0]), keepdims=True).tolist() == [1]


def test_searching_forms():
    x = jnp.asarray([1.0, 2.0, 2.0, 4.0])
    v = jnp.asarray([[0.0, 2.0], [3.0, 9.0]])
    assert jnp.searchsorted(x, v).tolist() == [[0, 1], [3, 4]]
    assert jnp.searchsorted(x, v, side="right").tolist() == [[0, 3], [3, 4]]
    mixed = jnp.asarray([4.0, 1.0, 2.0])
    assert jnp.searchsorted(mixed, 2.0, sorter=jnp.argsort(mixed)) == 1
    y = jnp.asarray([[3, 1, 2], [6, 5, 4]])
    order = jnp.argsort(y, axis=1)
    assert jnp.take_along_axis(y, order, axis=1).tolist() == [[1, 2, 3], [4, 5, 6]]
    assert jnp.take_along_axis(y, jnp.asarray([[0, -1]]), axis=-1).tolist() == [[3, 2], [6, 4]]
    assert jnp.sort(y, axis=0, descending=True).tolist() == [[6, 5, 4], [3, 1, 2]]
    assert jnp.argsort(jnp.asarray([1, 0, 1, 0]), descending=True).tolist() == [0, 2, 1, 3]
    assert jnp.isin(y, jnp.asarray([1, 4]), invert=True).tolist() == [
        [True, False, True],
        [True, True, False],
    ]
    names = [jnp.unique_all(y)._fields, jnp.unique_counts(y)._fields, jnp.unique_inverse(y)._fields]
    assert names == [
        ("values", "indices", "inverse_indices", "counts"),
        ("values", "counts"),
        ("values", "inverse_indices"),
    ]
    assert jnp.unique_inverse(y).inverse_indices.shape == y.shape


def test_integer_array_indexing():
    x = jnp.arange(12).reshape(3, 4)
    n = np.asarray(x)
    i, j = jnp.asarray([0, -1]), jnp.asarray([1, 2])
    for index in ((i, j), (i, 2), (i[:, None], j), (i,), (0, j)):
        plain = tuple(np.asarray(k) if isinstance(k, numax.Array) else k for k in index)
        np.testing.assert_array_equal(np.asarray(x[index]), n[plain])
    assert x[x > 8].tolist() == [9, 10, 11]
    with pytest.raises(TypeError, match=r"\.at\["):
        x[0, 0] = 1


def test_linalg_results_have_names():
    a = jnp.asarray([[2.0, 1.0], [1.0, 3.0]])
    assert jnp.linalg.eigh(a)._fields == ("eigenvalues", "eigenvectors")
    assert jnp.linalg.eig(a)._fields == ("eigenvalues", "eigenvectors")
    assert jnp.linalg.qr(a)._fields == ("Q", "R")
    assert jnp.linalg.slogdet(a)._fields == ("sign", "logabsdet")
    assert jnp.linalg.svd(a)._fields == ("U", "S", "Vh")


def test_vector_norms_reduce_all_axes_by_default():
    a = jnp.asarray([[3.0, 0.0], [0.0, 4.0]])
    assert float(jnp.linalg.vector_norm(a)) == 5
    assert jnp.linalg.vector_norm(a, axis=(0, 1), keepdims=True).shape == (1, 1)
    assert float(jnp.linalg.vector_norm(a, ord=math.inf)) == 4
    assert float(jnp.linalg.matrix_norm(a, ord="nuc")) == pytest.approx(7)
    stack = jnp.stack([a, a])
    assert jnp.linalg.solve(stack, jnp.ones((2, 2, 1))).shape == (2, 2, 1)
    assert jnp.linalg.matrix_norm(stack).shape == (2,)
