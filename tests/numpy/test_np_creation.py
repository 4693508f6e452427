"""Making arrays, grids and triangles, and the questions about dtypes."""

import io

import ml_dtypes
import numpy as np
import pytest
from np_rows import Row, check_grad, check_jit, check_value, check_vmap, rows_of

import numax
import numax.numpy as jnp

rng = np.random.default_rng(4)


def f(*shape: int) -> np.ndarray:
    return rng.standard_normal(shape).astype(np.float32)


def kind(x) -> str:
    return f"{x.dtype.name}{list(x.shape)}{'*' if x.weak_type else ''}"


# ---- dtype and weakness, as JAX gives them ----

KINDS = [
    (lambda: jnp.array(1.0), "float32[]*"),
    (lambda: jnp.array(1), "int32[]*"),
    (lambda: jnp.array(True), "bool[]"),
    (lambda: jnp.array(1j), "complex64[]*"),
    (lambda: jnp.array([1, 2]), "int32[2]"),
    (lambda: jnp.array([1.0, 2]), "float32[2]"),
    (lambda: jnp.array([1, True]), "int32[2]"),
    (lambda: jnp.array([1, 2.5, 3j]), "complex64[3]"),
    (lambda: jnp.array([]), "float32[0]"),
    (lambda: jnp.array([[]]), "float32[1, 0]"),
    (lambda: jnp.array([jnp.int8(1), 2]), "int8[2]"),
    (lambda: jnp.array([np.int8(1), 2.0]), "float32[2]"),
    (lambda: jnp.array([np.float16(1), 2.0]), "float16[2]"),
    (lambda: jnp.array([np.float64(1), 2.0]), "float32[2]"),
    (lambda: jnp.array([jnp.array([1, 2], dtype="int8"), [3, 4]]), "int8[2, 2]"),
    (lambda: jnp.array([jnp.asarray(1.0), 1]), "float32[2]"),
    (lambda: jnp.array(np.arange(3)), "int32[3]"),
    (lambda: jnp.array(np.arange(3.0)), "float32[3]"),
    (lambda: jnp.array(np.float64(3)), "float32[]"),
    (lambda: jnp.array(jnp.asarray(1.0)), "float32[]*"),
    (lambda: jnp.array(1.0, dtype=jnp.float32), "float32[]"),
    (lambda: jnp.array([1, 2], dtype=float), "float32[2]"),
    (lambda: jnp.array([1, 2], ndmin=3), "int32[1, 1, 2]"),
    (lambda: jnp.array(range(3)), "int32[3]"),
    (lambda: jnp.array(bytearray(b"ab")), "uint8[2]"),
    (lambda: jnp.array(np.array([1, 2], dtype=">i4")), "int32[2]"),
    (lambda: jnp.zeros(3), "float32[3]"),
    (lambda: jnp.zeros((2, 3), int), "int32[2, 3]"),
    (lambda: jnp.zeros((jnp.int32(2), 3)), "float32[2, 3]"),
    (lambda: jnp.zeros(3, dtype="bfloat16"), "bfloat16[3]"),
    (lambda: jnp.ones([2, 3]), "float32[2, 3]"),
    (lambda: jnp.zeros_like(3.0), "float32[]*"),
    (lambda: jnp.ones_like(jnp.asarray(1.0), dtype=int), "int32[]"),
    (lambda: jnp.ones_like(jnp.arange(3), shape=(2, 2)), "int32[2, 2]"),
    (lambda: jnp.full(3, 1), "int32[3]*"),
    (lambda: jnp.full(3, 1.0), "float32[3]*"),
    (lambda: jnp.full(3, True), "bool[3]"),
    (lambda: jnp.full((2, 3), jnp.arange(3)), "int32[2, 3]"),
    (lambda: jnp.full(3, 1.5, dtype=int), "int32[3]"),
    (lambda: jnp.full_like(jnp.arange(3), 1.5), "int32[3]"),
    (lambda: jnp.full_like(jnp.asarray(1.0), 2), "float32[]*"),
    (lambda: jnp.arange(3), "int32[3]"),
    (lambda: jnp.arange(3.0), "float32[3]"),
    (lambda: jnp.arange(np.int8(5)), "int8[5]"),
    (lambda: jnp.arange(jnp.int8(5)), "int8[5]"),
    (lambda: jnp.arange(0, np.int8(5), 1), "int8[5]"),
    (lambda: jnp.arange(3, dtype="bfloat16"), "bfloat16[3]"),
    (lambda: jnp.arange(0, 5, 2, dtype=jnp.complex64), "complex64[3]"),
    (lambda: jnp.eye(3), "float32[3, 3]"),
    (lambda: jnp.eye(2, 3, 1, dtype=int), "int32[2, 3]"),
    (lambda: jnp.tri(2, 3, -1, int), "int32[2, 3]"),
    (lambda: jnp.linspace(0, 1, 5), "float32[5]"),
    (lambda: jnp.linspace(0, 10, 5, dtype=int), "int32[5]"),
    (lambda: jnp.linspace(0, 1j, 3), "complex64[3]"),
    (lambda: jnp.linspace(jnp.float16(0), 1, 3), "float16[3]"),
    (lambda: jnp.linspace(jnp.int8(0), jnp.int8(100), 3), "float32[3]"),
    (lambda: jnp.logspace(0, 2, 3, dtype=int), "int32[3]"),
    (lambda: jnp.r_[1.0, 2], "float32[2]*"),
    (lambda: jnp.r_[1:3, 5, [1, 2]], "int32[5]"),
    (lambda: jnp.float32(1.5), "float32[]"),
    (lambda: jnp.int32(1.7), "int32[]"),
    (lambda: jnp.float32([1, 2]), "float32[2]"),
    (lambda: jnp.bool_(3), "bool[]"),
    (lambda: jnp.fromfunction(lambda i, j: i + j, (2, 3)), "float32[2, 3]"),
    (lambda: jnp.fromfunction(lambda i, j: 1, (2, 3)), "int32[2, 3]*"),
    (lambda: jnp.frombuffer(np.arange(3.0).tobytes()), "float32[3]"),
    (lambda: jnp.fromstring("1 2 3", dtype=int, sep=" "), "int32[3]"),
    (lambda: jnp.fromiter(range(3), dtype=float), "float32[3]"),
    (lambda: jnp.from_dlpack(np.arange(3)), "int32[3]"),
    (lambda: jnp.astype(jnp.arange(3), None), "float32[3]"),
]


@pytest.mark.parametrize("transform", [lambda g: g, numax.jit], ids=["eager", "jit"])
@pytest.mark.parametrize("call, want", KINDS)
def test_dtype_shape_and_weakness(call, want, transform):
    assert kind(transform(call)()) == want


def test_64_bits_where_enabled():
    with numax.enable_x64(True):
        assert kind(jnp.arange(3)) == "int64[3]"
        assert kind(jnp.zeros(3)) == "float64[3]"
        assert kind(jnp.linspace(0, 1, 3)) == "float64[3]"
        assert kind(jnp.array(np.arange(3.0))) == "float64[3]"
        assert kind(jnp.array([1, 2])) == "int64[2]"
        assert kind(jnp.array(2**40)) == "int64[]*"


# ---- values ----


def of_xp(name, *args, **kwargs):
    return Row(
        f"{name}{args}{kwargs}", lambda xp: getattr(xp, name)(*args, **kwargs), (), dtype=None
    )


A, V = f(3, 4), f(3)
RANGES = [
    of_xp("arange", 5),
    of_xp("arange", 5.0),
    of_xp("arange", 1, 7, 2),
    of_xp("arange", 0.0, 1.0, 0.25),
    of_xp("arange", 0, 1, 0.1),
    of_xp("arange", 5, 0, -1),
    of_xp("arange", 0, -5),
    of_xp("arange", 0.1, 1.0, 0.3),
    of_xp("arange", 1.5, 3, dtype=int),
    of_xp("arange", 0, 10, 1.5, dtype=int),
    of_xp("arange", 3, dtype=np.uint8),
    of_xp("linspace", 0, 1, 5),
    of_xp("linspace", 0, 1, 5, endpoint=False),
    of_xp("linspace", 3, -2, 7),
    of_xp("linspace", 0, 1, 0),
    of_xp("linspace", 0, 1, 1),
    of_xp("linspace", -3.5, 3, 5, dtype=int),
    of_xp("linspace", 0, 1, 5, retstep=True),
    of_xp("linspace", 0, 1, 1, endpoint=False, retstep=True),
    of_xp("logspace", 0, 2, 3),
    of_xp("logspace", 0, 2, 3, base=2),
    of_xp("logspace", 1, 3, 4, endpoint=False),
    of_xp("geomspace", 1, 1000, 4),
    of_xp("geomspace", -1, -1000, 4),
    of_xp("geomspace", 2, 8, 3, endpoint=False),
    of_xp("geomspace", 1, 256, 9, dtype=int),
    of_xp("geomspace", 8, 1, 4),
]
MATRICES = []
ROWS = (
    RANGES
    + MATRICES
    + [
        Row("linspace_arrays", lambda xp, a, b: xp.linspace(a, b, 4), (V, f(3)), tol=3e-6),
        Row(
            "linspace_broadcast",
            lambda xp, a, b: xp.linspace(a, b, 4, axis=-1),
            (V, f(2, 1)),
            tol=3e-6,
        ),
        Row(
            "linspace_open",
            lambda xp, a, b: xp.linspace(a, b, 4, endpoint=False, retstep=True),
            (V, f(3)),
            tol=3e-6,
        ),
        Row(
            "linspace_huge",
            lambda xp, a, b: xp.linspace(a, b, 3),
            (np.float32(-3e38), np.float32(3e38)),
            reference=lambda a, b: np.array([a, 0, b], np.float32),
            grad=False,
        ),
        Row("logspace_arrays", lambda xp, a, b: xp.logspace(a, b, 3), (V, f(3)), tol=3e-5),
        Row(
            "logspace_base",
            lambda xp, a: xp.logspace(0, 2, 3, base=a, axis=1),
            (np.abs(V) + 1,),
            tol=3e-6,
            dtype="float32",
        ),
        Row(
            "geomspace_arrays",
            lambda xp, a, b: xp.geomspace(a, b, 5, axis=1),
            (np.abs(V) + 1, np.abs(f(3)) + 4),
            tol=3e-6,
        ),
        Row("geomspace_complex", lambda xp: xp.geomspace(1j, 1000j, 4), (), tol=1e-4),
        Row("mgrid", lambda xp: xp.mgrid[0:3, 1:2:4j], ()),
        Row("mgrid_one", lambda xp: xp.mgrid[0:1:0.3], ()),
        Row(
            "ogrid",
            lambda xp: xp.ogrid[0:3, 0:1:4j],
            (),
            reference=lambda: [np.arange(3.0)[:, None], np.linspace(0, 1, 4)[None]],
        ),
        Row("r_", lambda xp, a: xp.r_[1.0:3.0, a, 0:1:3j], (V,), dtype="float32"),
        Row("r_axis", lambda xp, a: xp.r_["-1", a, a], (A,)),
        Row("r_columns", lambda xp, a: xp.r_["0,2,0", a, a], (V,)),
        Row("r_rows", lambda xp, a: xp.r_["0,2", a, a], (V,)),
        Row("r_row", lambda xp, a: xp.r_["r", a, a], (V,), reference=lambda a: np.r_[a, a][None]),
        Row(
            "r_column",
            lambda xp, a: xp.r_["c", a, a],
            (V,),
            reference=lambda a: np.r_[a, a][:, None],
        ),
        Row("c_", lambda xp, a: xp.c_[a, a], (V,)),
        Row("c_2d", lambda xp, a: xp.c_[a, a], (A,)),
    ]
)


@pytest.mark.parametrize("row", ROWS, ids=str)
def test_agrees_with_numpy(row):
    check_value(row)


@pytest.mark.parametrize("row", rows_of(ROWS, "jit"), ids=str)
def test_compiled_agrees_with_eager(row):
    check_jit(row)


@pytest.mark.parametrize("row", rows_of(ROWS, "grad"), ids=str)
def test_derivatives_agree_with_differences(row):
    check_grad(row)


@pytest.mark.parametrize("row", rows_of(ROWS, "vmap"), ids=str)
def test_vectorised_agrees_with_a_loop(row):
    check_vmap(row)


def test_triangles_take_traced_diagonals():
    x = jnp.ones((3, 4))
    for k in (-1, 0, 2):
        np.testing.assert_array_equal(numax.jit(jnp.tril)(x, k), np.tril(np.ones((3, 4)), k))
        np.testing.assert_array_equal(numax.jit(jnp.triu)(x, k), np.triu(np.ones((3, 4)), k))


def test_array_of_traced_values():
    run = numax.jit(lambda a: jnp.array([[a, 1], [2, a * 2]]))
    np.testing.assert_array_equal(run(3.0), [[3, 1], [2, 6]])
    np.testing.assert_array_equal(numax.grad(lambda a: jnp.array([a, a * a])[1])(3.0), 6)


def test_numpy_memory_is_copied():
    memory = np.zeros(3, np.float32)
    x, y = jnp.array(memory), jnp.asarray(memory)
    memory[0] = 1
    assert x[0] == 0 and y[0] == 0


def test_unravel_moves_indices_inside():
    assert [int(i) for i in jnp.unravel_index(-1, (2, 3))] == [1, 2]
    assert [int(i) for i in jnp.unravel_index(-9, (2, 3))] == [0, 0]
    assert [int(i) for i in jnp.unravel_index(7, (2, 3))] == [1, 2]


def test_geomspace_without_sense_is_nan():
    assert np.isnan(np.asarray(jnp.geomspace(0, 1000, 4))).all()
    assert np.isnan(np.asarray(jnp.geomspace(1, -1000, 4))).all()


def test_narrowing_warns():
    with pytest.warns(UserWarning, match="narrowed to float32"):
        jnp.zeros(3, dtype=np.float64)
    with pytest.warns(UserWarning, match="narrowed to int32"):
        jnp.arange(3, dtype=jnp.int64)
    with pytest.warns(np.exceptions.ComplexWarning):
        jnp.astype(jnp.array([1j]), float)


ERRORS = [
    (lambda: jnp.array([[1, 2], [3]]), ValueError, "inhomogeneous"),
    (lambda: jnp.array("abc"), TypeError, "not a valid array"),
    (lambda: jnp.array(None), ValueError, "None"),
    (lambda: jnp.array([None]), ValueError, "None"),
    (lambda: jnp.array({1, 2}), TypeError, "not a valid array"),
    (lambda: jnp.array([300], dtype="uint8"), OverflowError, "300"),
    (lambda: jnp.array(2**40), OverflowError, "int32"),
    (lambda: jnp.array([2**40]), OverflowError, "int32"),
    (lambda: jnp.array([1j], dtype=float), TypeError, "complex"),
    (lambda: jnp.array([1], order="F"), NotImplementedError, "order"),
    (lambda: jnp.zeros(-1), ValueError, "negative"),
    (lambda: jnp.zeros(2.0), TypeError, "integers"),
    (lambda: jnp.zeros(2, "U3"), TypeError, "U3"),
    (lambda: jnp.zeros_like([1, 2]), TypeError, "position 0"),
    (lambda: jnp.full((2, 3), jnp.arange(2)), ValueError, "cannot broadcast"),
    (lambda: jnp.arange(0, 5, 0), ZeroDivisionError, "step"),
    (lambda: jnp.arange(True), TypeError, "bool"),
    (lambda: jnp.arange(2j), ValueError, "complex"),
    (lambda: jnp.arange(jnp.arange(3)), ValueError, "scalars"),
    (lambda: jnp.arange(2**33, 2**33 + 3), OverflowError, "int32"),
    (lambda: jnp.arange("a"), TypeError, "numbers"),
    (lambda: numax.jit(jnp.arange)(3), numax.errors.ConcretizationTypeError, "static"),
    (lambda: jnp.linspace(0, 1, -1), ValueError, "negative"),
    (lambda: jnp.linspace(0, 1, 3.0), TypeError, "integer"),
    (lambda: jnp.eye(-1), ValueError, "negative"),
    (lambda: jnp.eye(3, k=1.0), ValueError, "integer scalar"),
    (lambda: jnp.diag(jnp.ones((2, 2, 2))), ValueError, "one or two axes"),
    (lambda: jnp.diagonal(jnp.ones(3)), ValueError, "two axes"),
    (lambda: jnp.tril(jnp.ones(3)), ValueError, "two axes"),
    (lambda: jnp.diag_indices_from(jnp.ones((2, 3))), ValueError, "equal sizes"),
    (lambda: jnp.meshgrid(jnp.ones((2, 2))), ValueError, "vectors"),
    (lambda: jnp.meshgrid(jnp.ones(2), indexing="zz"), ValueError, "indexing"),
    (lambda: jnp.ix_(jnp.ones((2, 2))), ValueError, "vectors"),
    (lambda: jnp.ravel_multi_index((0, 3), (2, 3)), ValueError, "out of bounds"),
    (lambda: jnp.copy([1, 2]), TypeError, "position 0"),
    (lambda: jnp.from_dlpack([1]), TypeError, "__dlpack__"),
]


@pytest.mark.parametrize("call, error, words", ERRORS)
def test_bad_arguments_raise(call, error, words):
    with pytest.raises(error, match=words):
        call()


# ---- dtypes ----


def test_scalar_types_are_dtypes():
    assert jnp.float32 == np.float32 and np.float32 == jnp.float32
    assert jnp.float32 == np.dtype("float32") and np.dtype("float32") == jnp.float32
    assert jnp.float32 != np.float64 and jnp.float32 != "float32"
    assert hash(jnp.float32) == hash(np.float32)
    assert np.dtype(jnp.bfloat16) == ml_dtypes.bfloat16
    assert isinstance(np.float32(1), jnp.float32)
    assert isinstance(jnp.zeros(2), jnp.ndarray)
    assert repr(jnp.float32) == "<class 'numax.numpy.float32'>"
    assert jnp.float_ is jnp.float64 and jnp.int_ is jnp.int64


def test_dtype_questions():
    assert jnp.result_type(1, 2.0) == "float32"
    assert jnp.result_type(jnp.int8, 1) == "int8"
    assert jnp.result_type(jnp.arange(3), jnp.float16) == "float16"
    assert jnp.promote_types("int8", "uint8") == "int16"
    assert jnp.promote_types(int, "int8") == "int8"
    assert not jnp.can_cast("int32", "float32") and jnp.can_cast("int16", "float32")
    assert jnp.can_cast(jnp.bfloat16, jnp.float32) and not jnp.can_cast(jnp.float32, jnp.bfloat16)
    assert jnp.can_cast(jnp.float32, jnp.bfloat16, "same_kind") and jnp.can_cast(
        "float32", "int32", "unsafe"
    )
    assert (
        jnp.can_cast("int4", "int8")
        and not jnp.can_cast("int4", "uint8")
        and jnp.can_cast("int8", jnp.bfloat16)
    )
    assert jnp.issubdtype(jnp.bfloat16, jnp.floating) and jnp.issubdtype(jnp.int4, jnp.integer)
    assert not jnp.issubdtype(jnp.float32, float)
    assert jnp.isdtype(jnp.float32, "real floating") and jnp.isdtype("int8", ("bool", "integral"))
    assert (
        jnp.isscalar(1.0)
        and jnp.isscalar(jnp.float32(1))
        and not jnp.isscalar([1])
        and not jnp.isscalar(None)
    )
    assert (
        jnp.iscomplexobj(1j)
        and jnp.iscomplexobj([1j])
        and not jnp.iscomplexobj(None)
        and jnp.isrealobj(1)
    )
    assert jnp.iterable(jnp.ones(2)) and not jnp.iterable(jnp.ones(()))
    assert jnp.finfo(jnp.bfloat16).bits == 16 and jnp.iinfo(jnp.int8).max == 127
    assert jnp.finfo(jnp.zeros(2)).eps == np.finfo(np.float32).eps
    with pytest.raises(ValueError, match="not a float"):
        jnp.finfo(int)
    with pytest.raises(ValueError, match="unknown kind"):
        jnp.isdtype(jnp.float32, "foo")
    with pytest.raises(TypeError, match="value"):
        jnp.can_cast(1, "int8")
    with pytest.raises(TypeError, match="asarray"):
        jnp.result_type([1, 2])


def test_namespace_info():
    info = jnp.__array_namespace_info__()
    assert info.default_dtypes()["real floating"] == "float32"
    assert info.dtypes(kind="integral")["int8"] == "int8"
    assert "float64" not in info.dtypes()
    assert info.capabilities()["data-dependent shapes"] is True
    assert info.default_device() is None and None in info.devices()


# ---- files and text ----


@pytest.mark.parametrize(
    "dtype", ["float32", "int8", "bool", "complex64", "bfloat16", "float8_e4m3fn", "int4"]
)
def test_files_keep_values_and_dtypes(dtype):
    x = jnp.asarray(np.array([[1, 0, 1], [0, 1, 1]])).astype(dtype)
    file = io.BytesIO()
    jnp.save(file, x)
    file.seek(0)
    y = jnp.load(file)
    assert y.dtype == x.dtype
    np.testing.assert_array_equal(np.asarray(y), np.asarray(x))
    several = io.BytesIO()
    jnp.savez(several, x, named=jnp.arange(3))
    several.seek(0)
    with jnp.load(several) as found:
        assert sorted(found.files) == ["arr_0", "named"]
        assert found["arr_0"].dtype == x.dtype
        np.testing.assert_array_equal(found["named"], [0, 1, 2])


def test_fromfile(tmp_path):
    path = tmp_path / "numbers"
    np.arange(3, dtype=np.float32).tofile(path)
    np.testing.assert_array_equal(jnp.fromfile(path, dtype=np.float32), [0, 1, 2])


def test_print_options():
    x = jnp.array([1 / 3, 2 / 3])
    assert jnp.array_str(x, precision=2) == "[0.33 0.67]"
    assert "0.333" in jnp.array_repr(x, precision=3) and "float32" in jnp.array_repr(x)
    with jnp.printoptions(precision=1) as options:
        assert options["precision"] == 1 and jnp.get_printoptions()["precision"] == 1
        assert str(x) == "[0.3 0.7]"
