"""The names that are no functions of arrays (dtypes, constants, classes, files, text, places of arrays), and the proof that
the table and this file together cover every name of numpy, numpy.linalg, numpy.fft, Array and Array.at[]."""

import copy
import inspect
import io
import pickle
from pathlib import Path

import ml_dtypes
import numpy as np
import pytest
from np_table_all import ALIASES, ROWS

import numax
import numax.numpy as jnp

NAMES = Path(__file__).parents[1] / "data" / "jax-0.12.tsv"
SPACES = ("numpy", "numpy.linalg", "numpy.fft", "Array", "Array.at[]")
X = np.array([[1.5, -2.0, 3.0], [4.0, 0.5, -6.0]], np.float32)


def x():
    return jnp.asarray(X)


def stored(save, load):
    """What is read back from a file in memory."""
    file = io.BytesIO()
    save(file)
    file.seek(0)
    return load(file)


def printed(**options):
    with jnp.printoptions(**options):
        return str(jnp.asarray([0.123456])), jnp.get_printoptions()["precision"]


def print_set():
    before = jnp.get_printoptions()
    jnp.set_printoptions(precision=3)
    try:
        return str(jnp.asarray([0.123456]))
    finally:
        jnp.set_printoptions(**before)


def fields(info, names):
    return [float(getattr(info, n)) for n in names]


def from_file(tmp):
    X.tofile(tmp)
    return jnp.fromfile(tmp, dtype="float32")


LIMITS = ("max", "min", "eps", "tiny", "bits")
# JAX's name of a dtype -> the dtype; each name is a scalar type that makes arrays
DTYPES = {
    **{n: n for n in ("int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64")},
    **{n: n for n in ("float16", "float32", "float64", "complex64", "complex128", "bool")},
    **{n: n for n in ("bfloat16", "int2", "int4", "uint2", "uint4", "int1", "uint1", "float4_e2m1fn")},
    **{n: n for n in ("float6_e2m3fn", "float6_e3m2fn", "float8_e3m4", "float8_e4m3")},
    **{n: n for n in ("float8_e4m3b11fnuz", "float8_e4m3fn", "float8_e4m3fnuz", "float8_e5m2")},
    **{n: n for n in ("float8_e5m2fnuz", "float8_e8m0fnu")},
    "bool_": "bool", "int_": "int64", "uint": "uint64", "single": "float32", "double": "float64",
    "float_": "float64", "csingle": "complex64", "cdouble": "complex128", "complex_": "complex128",
}  # fmt: skip
ABSTRACT = (
    *("character", "complexfloating", "flexible", "floating", "generic", "inexact", "integer"),
    *("number", "object_", "signedinteger", "unsignedinteger"),
)
CONSTANTS = ("e", "euler_gamma", "inf", "nan", "newaxis", "pi")
KINDS = ("bool", "int8", "uint8", "int32", "float16", "float32", "complex64")

# name -> what the library gives, what it should give
FACTS = {
    "numpy.ComplexWarning": lambda: (issubclass(jnp.ComplexWarning, Warning), True),
    "numpy.dtype": lambda: (jnp.dtype, np.dtype),
    "numpy.ndarray": lambda: (jnp.ndarray, numax.Array),
    "numpy.ufunc": lambda: ([isinstance(jnp.add, jnp.ufunc), jnp.add.nin, jnp.add.identity], [True, 2, 0]),
    "numpy.finfo": lambda: (
        [fields(jnp.finfo(d), LIMITS) for d in ("float16", "float32", "bfloat16")],
        [fields(ml_dtypes.finfo(d), LIMITS) for d in ("float16", "float32", ml_dtypes.bfloat16)],
    ),
    "numpy.iinfo": lambda: (
        [fields(jnp.iinfo(d), ("max", "min", "bits")) for d in ("int8", "uint32")],
        [fields(np.iinfo(d), ("max", "min", "bits")) for d in ("int8", "uint32")],
    ),
    "numpy.can_cast": lambda: (
        [jnp.can_cast(p, q, c) for p in KINDS for q in KINDS for c in ("safe", "same_kind")],
        [np.can_cast(p, q, c) for p in KINDS for q in KINDS for c in ("safe", "same_kind")],
    ),
    "numpy.isdtype": lambda: (
        [jnp.isdtype(np.dtype(p), k) for p in KINDS for k in ("bool", "integral", "real floating", "numeric")],
        [np.isdtype(np.dtype(p), k) for p in KINDS for k in ("bool", "integral", "real floating", "numeric")],
    ),
    "numpy.issubdtype": lambda: (
        [jnp.issubdtype(p, getattr(jnp, k)) for p in KINDS for k in ABSTRACT],
        [np.issubdtype(p, getattr(np, k)) for p in KINDS for k in ABSTRACT],
    ),
    "numpy.promote_types": lambda: (
        [jnp.promote_types(p, q) for p, q in (("int8", "uint8"), ("int32", "float16"), ("bool", "int8"))],
        [np.dtype(d) for d in ("int16", "float16", "int8")],
    ),
    "numpy.result_type": lambda: (
        [jnp.result_type(*a) for a in ((x(), 2), (jnp.int8(1), 2.0), ("int8", "uint8"), (1, 2.0), (1,))],
        [np.dtype(d) for d in ("float32", "float32", "int16", "float32", "int32")],
    ),
    "numpy.index_exp": lambda: (jnp.index_exp[1:2, ...], np.index_exp[1:2, ...]),
    "numpy.s_": lambda: (jnp.s_[::2, None], np.s_[::2, None]),
    "numpy.array_repr": lambda: (jnp.array_repr(x()), "Array([[ 1.5, -2. ,  3. ],\n       [ 4. ,  0.5, -6. ]], dtype=float32)"),
    "numpy.array_str": lambda: (jnp.array_str(x()), np.array_str(X)),
    "numpy.get_printoptions": lambda: (jnp.get_printoptions(), np.get_printoptions()),
    "numpy.set_printoptions": lambda: (print_set(), "[0.123]"),
    "numpy.printoptions": lambda: (printed(precision=2), ("[0.12]", 2)),
    "numpy.save": lambda: (stored(lambda f: jnp.save(f, x()), np.load).tolist(), X.tolist()),
    "numpy.savez": lambda: (stored(lambda f: jnp.savez(f, a=x()), lambda f: np.load(f)["a"]).tolist(), X.tolist()),
    "numpy.load": lambda: (stored(lambda f: np.save(f, X), jnp.load).tolist(), X.tolist()),
    "numpy.from_dlpack": lambda: (jnp.from_dlpack(X).tolist(), X.tolist()),
    "numpy.frombuffer": lambda: (jnp.frombuffer(X.tobytes(), dtype="float32", count=2, offset=4).tolist(), [-2.0, 3.0]),
    "numpy.fromiter": lambda: (jnp.fromiter(range(3), dtype="int32").tolist(), [0, 1, 2]),
    "numpy.fromstring": lambda: (jnp.fromstring("1 2.5", sep=" ").tolist(), [1.0, 2.5]),
    "numpy.frompyfunc": lambda: (jnp.frompyfunc(lambda a, b: a + 2 * b, 2, 1)(x(), 1.0).tolist(), (X + 2).tolist()),
    "numpy.vectorize": lambda: (jnp.vectorize(lambda v: v.sum(), signature="(n)->()")(x()).tolist(), X.sum(1).tolist()),
    # ---- arrays ----
    "Array.at": lambda: (x().at[0].index, 0),
    "Array.at[].array": lambda: (x().at[0].array.tolist(), X.tolist()),
    "Array.at[].index": lambda: (x().at[1, 2].index, (1, 2)),
    "Array.__array_module__": lambda: (x().__array_module__((numax.Array,)), jnp),
    "Array.__array_namespace__": lambda: (x().__array_namespace__(), jnp),
    "Array.__array_priority__": lambda: (x().__array_priority__, 100),
    "Array.__dlpack__": lambda: (np.from_dlpack(x()).tolist(), X.tolist()),
    "Array.__dlpack_device__": lambda: (tuple(map(int, x().__dlpack_device__())), (1, 0)),
    "Array.__format__": lambda: (f"{jnp.float32(1.25):.1f} {x()}", f"{1.25:.1f} {X}"),
    "Array.__getstate__": lambda: (callable(x().__getstate__), True),
    "Array.__hash__": lambda: (error(lambda: hash(x())), TypeError),
    "Array.__numpy_dtype__": lambda: (jnp.float32(1).__numpy_dtype__, np.dtype("float32")),
    "Array.__reduce__": lambda: (pickle.loads(pickle.dumps(x())).tolist(), X.tolist()),
    "Array.__release_buffer__": lambda: (callable(x().__release_buffer__), True),
    "Array.__repr__": lambda: (repr(jnp.asarray([1, 2])), "Array([1, 2], dtype=int32)"),
    "Array.__setitem__": lambda: (error(lambda: x().__setitem__(0, 1)), TypeError),
    "Array.__str__": lambda: (str(x()), str(X)),
    "Array.addressable_data": lambda: (x().addressable_data(0).tolist(), X.tolist()),
    "Array.addressable_shards": lambda: ([s.data.tolist() for s in x().addressable_shards], [X.tolist()]),
    "Array.aval": lambda: ((x().aval.shape, x().aval.dtype), ((2, 3), np.float32)),
    "Array.block_until_ready": lambda: (x().block_until_ready().tolist(), X.tolist()),
    "Array.committed": lambda: (x().committed, False),
    "Array.copy_to_host_async": lambda: (x().copy_to_host_async(), None),
    "Array.delete": lambda: (deleted(), True),
    "Array.is_deleted": lambda: (x().is_deleted(), False),
    "Array.device": lambda: (x().device, numax.devices()[0]),
    "Array.device_buffer": lambda: (np.asarray(x().device_buffer).tolist(), X.tolist()),
    "Array.device_buffers": lambda: (len(x().device_buffers), 1),
    "Array.devices": lambda: (x().devices(), {numax.devices()[0]}),
    "Array.format": lambda: (x().format.layout.major_to_minor, (0, 1)),
    "Array.global_shards": lambda: ([s.data.tolist() for s in x().global_shards], [X.tolist()]),
    "Array.is_fully_addressable": lambda: (x().is_fully_addressable, True),
    "Array.is_fully_replicated": lambda: (x().is_fully_replicated, True),
    "Array.is_ready": lambda: (x().is_ready(), True),
    "Array.on_device_size_in_bytes": lambda: (x().on_device_size_in_bytes(), 24),
    "Array.platform": lambda: (x().platform(), numax.devices()[0].platform),
    "Array.sharding": lambda: (x().sharding.device_set, {numax.devices()[0]}),
    "Array.to_device": lambda: (x().to_device(numax.devices()[0]).tolist(), X.tolist()),
    "Array.traceback": lambda: (x().traceback, None),
    "Array.unsafe_buffer_pointer": lambda: (type(numax.device_put(x()).unsafe_buffer_pointer()), int),
    "Array.weak_type": lambda: ([x().weak_type, (jnp.sin(1.0)).weak_type], [False, True]),
}  # fmt: skip
# the interpreter's own marks of a class, an object of NVIDIA's devices only, and memory that jaxlib alone hands out
ABSENT = {"Array.__firstlineno__", "Array.__static_attributes__", "Array.__cuda_array_interface__"}
ABSENT |= {"Array.unsafe_raw_buffer"}


def error(call):
    try:
        call()
    except Exception as raised:
        return type(raised)
    return None


def deleted():
    y = copy.deepcopy(x())
    y.delete()
    return y.is_deleted()


@pytest.mark.parametrize("name", FACTS)
def test_name_gives_what_it_should(name):
    got, want = FACTS[name]()
    assert got == want


@pytest.mark.parametrize("name", DTYPES)
def test_dtype_has_its_name(name):
    assert jnp.dtype(getattr(jnp, name)).name == DTYPES[name]


@pytest.mark.parametrize("name", CONSTANTS)
def test_constant_is_numpys(name):
    np.testing.assert_equal(getattr(jnp, name), getattr(np, name))


@pytest.mark.parametrize("name", ABSTRACT)
def test_abstract_type_is_numpys(name):
    assert getattr(jnp, name) is getattr(np, name)


@pytest.mark.parametrize("name", ALIASES)
def test_alias_is_the_same_function(name):
    assert getattr(jnp, name) is getattr(jnp, ALIASES[name])


def test_fromfile_reads_numbers(tmp_path):
    assert from_file(tmp_path / "x").tolist() == X.reshape(-1).tolist()


def listed():
    for line in NAMES.read_text().splitlines():
        if not line.startswith("#"):
            space, name, kind, signature = [*line.split("\t"), "", ""][:4]
            if space in SPACES:
                yield f"{space}.{name}", kind, signature


def test_every_name_is_covered():
    covered = {row.name for row in ROWS} | set(FACTS) | ABSENT | {"numpy.fromfile"}
    covered |= {f"numpy.{name}" for name in [*ALIASES, *DTYPES, *ABSTRACT, *CONSTANTS]}
    assert [name for name, _, _ in listed() if name not in covered] == []


OUT = [
    name for name, kind, sig in listed() if kind == "function" and "out=" in sig.replace("out_", "")
]


@pytest.mark.parametrize("name", [n for n in OUT if n.startswith("numpy.")])
def test_out_is_refused(name):
    row = next(r for r in ROWS if r.name == name)
    args, kwargs = row.arrays(0, row.main())
    function = getattr(jnp, name.removeprefix("numpy."))
    assert "out" in inspect.signature(function).parameters or isinstance(function, jnp.ufunc)
    with pytest.raises((NotImplementedError, ValueError), match="out"):
        row.made(jnp, args, {**kwargs, "out": jnp.zeros(3)})
