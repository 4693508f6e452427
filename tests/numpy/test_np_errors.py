"""What goes wrong is said: the function, what it got, what to do; eager, compiled and differentiated alike."""

import inspect
import re
import types

import numpy as np
import pytest

import numax
import numax.numpy as jnp

A = np.arange(6.0, dtype=np.float32).reshape(2, 3)
V = np.arange(3.0, dtype=np.float32)
I = np.arange(3, dtype=np.int32)
B = I > 1
C = V + 1j * V
S = np.eye(3, dtype=np.float32)
U = I.astype(np.uint8)
AxisError, LinAlgError = np.exceptions.AxisError, np.linalg.LinAlgError


def functions():
    """Each function of numax.numpy, linalg and fft that NumPy has too, by its name."""
    for prefix, module, theirs in (
        ("", jnp, np),
        ("linalg.", jnp.linalg, np.linalg),
        ("fft.", jnp.fft, np.fft),
    ):
        for name in dir(module):
            value = getattr(module, name)
            ours = callable(value) and (getattr(value, "__module__", "") or "").startswith("numax")
            if ours and not isinstance(value, type) and name[0] != "_" and hasattr(theirs, name):
                yield prefix + name, value


FUNCTIONS = dict(functions())


def parameters(name):
    return set(inspect.signature(FUNCTIONS[name]).parameters)


def of_numpy(name):
    found = np
    for part in name.split("."):
        found = getattr(found, part)
    return found


def raised(call):
    try:
        call()
    except Exception as error:
        return error
    return None


def outcomes(function, arguments, options):
    """The errors of an eager call, of one whose arrays are traced by jit, and of one that is differentiated."""
    places = [i for i, x in enumerate(arguments) if isinstance(x, np.ndarray)]

    def call(*arrays):
        full = list(arguments)
        for i, x in zip(places, arrays, strict=True):
            full[i] = x
        return function(*full, **options)

    arrays = [jnp.asarray(arguments[i]) for i in places]
    yield "eager", raised(lambda: call(*arrays))
    if arrays:
        yield "jit", raised(lambda: numax.eval_shape(call, *arrays))
        yield "jvp", raised(lambda: numax.linearize(call, *arrays))


def check(function, arguments, options, kind, text):
    for how, error in outcomes(function, arguments, options):
        assert error is not None, f"{how}: no error"
        assert isinstance(error, kind), f"{how}: {type(error).__name__}: {error}"
        assert not isinstance(error, AssertionError | KeyError | AttributeError), how
        assert re.search(text, str(error), re.DOTALL), f"{how}: {error}"


# ---- axes ----

# what to call functions with besides one array; the rest take A
ARGUMENTS = {
    "append": (A, A),
    "argpartition": (A, 1),
    "array_split": (A, 2),
    "compress": (np.array([True, False]), A),
    "concat": ([A, A],),
    "concatenate": ([A, A],),
    "cross": (A, A),
    "delete": (A, 0),
    "expand_dims": (A,),
    "geomspace": (1.0, 2.0, 3),
    "insert": (A, 0, 1.0),
    "lexsort": ([V, V],),
    "linalg.cross": (A, A),
    "linalg.vecdot": (A, A),
    "linspace": (1.0, 2.0, 3),
    "logspace": (1.0, 2.0, 3),
    "nanpercentile": (A, 50.0),
    "nanquantile": (A, 0.5),
    "packbits": (I,),
    "partition": (A, 1),
    "percentile": (A, 50.0),
    "quantile": (A, 0.5),
    "repeat": (A, 2),
    "roll": (A, 1),
    "rollaxis": (A,),
    "split": (A, 3),
    "stack": ([A, A],),
    "take": (A, I),
    "unpackbits": (U,),
    "vecdot": (A, A),
}
AXIS_ELSEWHERE = {  # axis is not a keyword's business, or the function is refused anyway: rows below
    "apply_along_axis",
    "put_along_axis",
    "take_along_axis",
}
WITH_AXIS = sorted(n for n in FUNCTIONS if "axis" in parameters(n) and n not in AXIS_ELSEWHERE)
NAMED = {"amax": "max", "amin": "min"}  # the same functions


@pytest.mark.parametrize("name", WITH_AXIS)
def test_axes_out_of_bounds(name):
    arguments = ARGUMENTS.get(name, (A,))
    own = NAMED.get(name, name.split(".")[-1])
    for axis in (7, -8):
        text = rf"^{own}: axis {axis} is out of bounds for array of dimension \d"
        check(FUNCTIONS[name], arguments, {"axis": axis}, AxisError, text)
        theirs = raised(lambda a=axis: of_numpy(name)(*arguments, axis=a))
        assert isinstance(raised(lambda a=axis: FUNCTIONS[name](*arguments, axis=a)), type(theirs))


@pytest.mark.parametrize("name", WITH_AXIS)
def test_axes_are_integers(name):
    own = NAMED.get(name, name.split(".")[-1])
    arguments = ARGUMENTS.get(name, (A,))
    check(FUNCTIONS[name], arguments, {"axis": 1.5}, TypeError, rf"^{own}: .*axis.*1\.5")


# ---- lists ----

TAKE_LISTS = {  # as NumPy's and JAX's, or they look only at the kind of an object
    "array", "array_equal", "array_equiv", "asarray", "iscomplexobj", "isrealobj", "isscalar", "iterable", "ndim",
    "shape", "size",
}  # fmt: skip
NO_ARRAY_FIRST = {  # take sequences of arrays, shapes, dtypes, numbers, files, functions
    "apply_along_axis", "apply_over_axes", "arange", "block", "broadcast_shapes", "can_cast", "column_stack", "concat",
    "concatenate", "diag_indices", "dstack", "einsum", "einsum_path", "empty", "eye", "fft.fftfreq", "fft.rfftfreq",
    "frombuffer", "fromfile", "fromfunction", "fromiter", "frompyfunc", "fromstring", "full", "geomspace",
    "get_printoptions", "hstack", "identity", "indices", "isdtype", "issubdtype", "lexsort", "linalg.multi_dot",
    "linspace", "load", "logspace", "mask_indices", "ones", "printoptions", "promote_types", "ravel_multi_index",
    "result_type", "save", "savez", "select", "set_printoptions", "stack", "tri", "tril_indices", "triu_indices",
    "vectorize", "vstack", "zeros", "bartlett", "blackman", "hamming", "hanning", "kaiser", "from_dlpack", "iinfo",
    "finfo", "histogramdd", "fill_diagonal", "put", "place", "put_along_axis",
}  # fmt: skip
SECOND = {  # what goes second, where one array is not enough
    "argpartition": 1, "array_split": 2, "astype": "int32", "broadcast_to": (2, 3), "choose": [V], "dsplit": 1,
    "expand_dims": 0, "full_like": 1, "hsplit": 1, "linalg.matrix_power": 2, "linalg.tensorinv": 1, "moveaxis": (0, 0),
    "nanpercentile": 50, "nanquantile": 0.5, "pad": 1, "partition": 1, "percentile": 50, "permute_dims": (0,),
    "quantile": 0.5, "repeat": 2, "reshape": (3,), "resize": (3,), "roll": 1, "rollaxis": 0, "split": 3, "swapaxes": 0,
    "tile": 2, "unravel_index": (3,), "vsplit": 1, "delete": 0, "insert": 0, "histogram2d": V, "interp": V,
    "polyfit": V, "where": V, "piecewise": [B], "clip": 0,
}  # fmt: skip
THIRD = {"moveaxis": 1, "swapaxes": 0, "insert": 1.0, "interp": V, "polyfit": 1, "where": V, "piecewise": [1.0],
         "take_along_axis": 0}  # fmt: skip


@pytest.mark.parametrize("name", sorted(set(FUNCTIONS) - TAKE_LISTS - NO_ARRAY_FIRST))
def test_lists_are_refused(name):
    needed = [
        p
        for p in inspect.signature(FUNCTIONS[name]).parameters.values()
        if p.default is p.empty and p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD)
    ]
    count = max(len(needed), 1 + (name in SECOND) + (name in THIRD))
    rest = [SECOND.get(name, I if name != "extract" else V), THIRD.get(name, V)][: count - 1]
    text = r"requires ndarray or scalar arguments, got <class 'list'> at position 0.*asarray"
    check(FUNCTIONS[name], ([0, 1, 2], *rest), {}, TypeError, text)


# ---- shapes, dtypes, places: (function, arguments, options, class, what the message says) ----

ROWS = [
    # shapes that do not broadcast: both are shown
    *[
        (name, (V, A[:, :2]), {}, ValueError, rf"{name}: Incompatible shapes .*\(3,\), \(2, 2\)")
        for name in ["add", "subtract", "multiply", "maximum", "less", "equal", "logical_and", "hypot", "arctan2", "power"]
    ],
    ("where", (B, V, A[:, :2]), {}, ValueError, r"where: Incompatible shapes"),
    ("clip", (V, A[:, :2]), {}, ValueError, r"Incompatible shapes"),
    ("broadcast_to", (V, (2, 2)), {}, ValueError, r"broadcast_to: .*float32\[3\].*\(2, 2\)"),
    ("broadcast_arrays", (V, A[:, :2]), {}, ValueError, r"broadcast_arrays: Incompatible shapes"),
    ("reshape", (A, (4, 2)), {}, TypeError, r"reshape: .*\(4, 2\).*\(2, 3\)"),
    ("reshape", (A, (-1, -1)), {}, TypeError, r"reshape: .*-1"),
    ("concatenate", ([A, V],), {}, TypeError, r"concatenate: "),
    ("concatenate", ([],), {}, ValueError, r"concatenate: need at least one array"),
    ("stack", ([A, V],), {}, ValueError, r"stack: .*"),
    ("stack", ([],), {}, ValueError, r"stack: need at least one array"),
    ("split", (V, 2), {}, ValueError, r"split: "),
    ("hsplit", (A, 2), {}, ValueError, r"split: "),
    ("squeeze", (A, 0), {}, ValueError, r"squeeze: .*"),
    ("transpose", (A, (0, 0)), {}, TypeError, r"transpose: axes must name each of the 2 axes once"),
    ("transpose", (A, (0, 5)), {}, AxisError, r"transpose: axis 5 is out of bounds"),
    ("swapaxes", (A, 0, 5), {}, AxisError, r"swapaxes: axis 5 is out of bounds"),
    ("moveaxis", (A, 0, 5), {}, AxisError, r"moveaxis: axis 5 is out of bounds"),
    ("moveaxis", (A, (0, 1), (0,)), {}, ValueError, r"moveaxis: "),
    ("apply_along_axis", (np.sum, 5, A), {}, AxisError, r"apply_along_axis: axis 5 is out of bounds"),
    ("sum", (A, (0, 0)), {}, ValueError, r"sum: repeated axis"),
    ("matrix_transpose", (V,), {}, ValueError, r"matrix_transpose: "),
    ("average", (A,), {"weights": V}, ValueError, r"average: .*\(2, 3\) and \(3,\)"),
    ("bincount", (A.astype(int),), {}, ValueError, r"bincount: .*"),
    ("searchsorted", (A, 1.0), {}, ValueError, r"searchsorted: "),
    ("interp", (V, V, V[:2]), {}, ValueError, r"interp: "),
    ("convolve", (A, V), {}, ValueError, r"convolve: "),
    ("trapezoid", (A, A[:, :2]), {}, ValueError, r"trapezoid: .*float32\[2,2\].*float32\[2,3\]"),
    ("piecewise", (V, [np.array([True, False])], [1.0]), {}, ValueError, r"piecewise: .*\(2,\).*\(3,\)"),
    ("cross", (np.ones(4), np.ones(4)), {}, ValueError, r"cross: "),
    ("polyfit", (V, V[:2], 1), {}, TypeError, r"polyfit: "),
    ("histogram", (V,), {"weights": V[:2]}, ValueError, r"histogram: "),
    ("diag", (np.ones((2, 2, 2)),), {}, ValueError, r"diag: "),
    ("tril", (V,), {}, ValueError, r"tril: "),
    ("take_along_axis", (A, I), {"axis": 1}, ValueError, r"take_along_axis: "),
    ("ravel_multi_index", ((I, I), (3,)), {}, ValueError, r"ravel_multi_index: "),
    # products
    ("matmul", (A, A), {}, TypeError, r"matmul: contracted sizes differ; got float32\[2,3\] and float32\[2,3\]"),
    ("matmul", (np.float32(1), A), {}, ValueError, r"matmul input operand 0 must have ndim at least 1"),
    ("dot", (A, A), {}, TypeError, r"dot: contracted sizes differ"),
    ("inner", (A, S[:, :2]), {}, TypeError, r"inner: contracted sizes differ"),
    ("vdot", (V, V[:2]), {}, TypeError, r"vdot: contracted sizes differ"),
    ("matvec", (A, V[:2]), {}, ValueError, r"matvec: contracted sizes differ"),
    ("vecmat", (V, A), {}, ValueError, r"vecmat: contracted sizes differ"),
    ("vecdot", (V, V[:2]), {}, ValueError, r"vecdot: axes must match"),
    ("tensordot", (A, A, 1), {}, TypeError, r"tensordot: contracted sizes differ"),
    ("einsum", ("ij,jk", A, A), {}, ValueError, r"einsum: size of label 'j'"),
    ("einsum", ("ijk", A), {}, ValueError, r"einsum: "),
    ("linalg.multi_dot", ([A, A],), {}, TypeError, r"multi_dot: contracted sizes differ"),
    # square matrices
    *[
        (f"linalg.{name}", (A,), {}, LinAlgError, rf"{name}.*\(2, 3\)|{name}: .*float32\[2,3\]")
        for name in ["inv", "det", "slogdet", "cholesky", "eig", "eigh", "eigvals", "eigvalsh"]
    ],
    ("linalg.solve", (A, V), {}, LinAlgError, r"solve: "),
    ("linalg.matrix_power", (A, 2), {}, TypeError, r"matrix_power: "),
    *[
        (f"linalg.{name}", (V,), {}, LinAlgError, rf"{name}: ")
        for name in ["svd", "svdvals", "qr", "lstsq", "cond"]
        if name != "lstsq"
    ],
    ("linalg.lstsq", (V, V), {}, LinAlgError, r"lstsq: "),
    ("linalg.norm", (A,), {"ord": "foo"}, ValueError, r"norm: Invalid order 'foo'"),
    ("linalg.qr", (A,), {"mode": "foo"}, ValueError, r"qr: .*foo"),
    ("linalg.eigh", (S,), {"UPLO": "X"}, ValueError, r"eigh: .*X"),
    # dtypes
    *[
        (name, (C,), {}, TypeError, rf"'?{name}'?.*complex64")
        for name in ["floor", "ceil", "trunc", "cbrt", "signbit", "spacing", "frexp", "modf", "argmax", "argmin"]
    ],
    *[
        (name, (C, C), {}, TypeError, rf"{name}.*complex64")
        for name in ["floor_divide", "remainder", "fmod", "heaviside", "copysign", "nextafter"]
    ],
    *[
        (name, (V, V), {}, TypeError, rf"{name}: accepts integers.*float32")
        for name in ["bitwise_and", "bitwise_or", "bitwise_xor", "left_shift", "right_shift"]
    ],
    ("hypot", (C, C), {}, ValueError, r"hypot: .*complex64"),
    ("gcd", (V, V), {}, ValueError, r"gcd: "),
    ("lcm", (V, V), {}, ValueError, r"lcm: "),
    ("invert", (V,), {}, TypeError, r"invert: accepts integers.*float32"),
    ("bitwise_count", (V,), {}, TypeError, r"bitwise_count: "),
    ("subtract", (B, B), {}, TypeError, r"subtract: .*bool"),
    ("negative", (B,), {}, TypeError, r"negative: .*bool"),
    ("packbits", (V,), {}, TypeError, r"packbits: "),
    ("unpackbits", (V,), {}, TypeError, r"unpackbits: "),
    ("bincount", (V,), {}, TypeError, r"bincount: "),
    ("take", (V, V), {}, ValueError, r"take: "),
    ("ldexp", (V, V), {}, ValueError, r"ldexp"),
    ("fft.rfft", (C,), {}, ValueError, r"rfft only implements real inputs; got complex64"),
    ("fft.fft", (V,), {"norm": "foo"}, ValueError, r"fft: .*foo"),
    ("fft.fft", (V, 0), {}, ValueError, r"fft: .*0"),
    ("fft.fftn", (A,), {"axes": (0, 5)}, AxisError, r"fftn: axis 5"),
    ("fft.fftshift", (A,), {"axes": (0, 5)}, AxisError, r"fftshift: axis 5"),
    ("sum", (A,), {"dtype": "foo"}, TypeError, r"sum: data type 'foo' not understood. Use"),
    ("zeros", (3,), {"dtype": "foo"}, TypeError, r"zeros: data type 'foo' not understood. Use"),
    ("zeros", (3,), {"dtype": object}, TypeError, r"object"),
    ("zeros", (-1,), {}, ValueError, r"zeros: .*negative"),
    ("zeros", (2.5,), {}, TypeError, r"zeros: .*2\.5"),
    ("sum", (A,), {"where": V}, ValueError, r"sum: where must be .*boolean"),
    # values
    ("max", (V[:0],), {}, ValueError, r"zero-size array to reduction operation max"),
    ("min", (V[:0],), {}, ValueError, r"zero-size array to reduction operation min"),
    ("ptp", (V[:0],), {}, ValueError, r"zero-size array to reduction operation ptp"),
    ("argmax", (V[:0],), {}, ValueError, r"attempt to get argmax of an empty sequence"),
    ("max", (V,), {"where": B}, ValueError, r"max does not have an identity.*'initial'"),
    ("quantile", (V, 0.5), {"method": "foo"}, ValueError, r"quantile: .*foo"),
    ("pad", (V, 1, "foo"), {}, NotImplementedError, r"pad: .*foo"),
    ("pad", (V, -1), {}, ValueError, r"pad: "),
    ("take", (V, I), {"mode": "foo"}, ValueError, r"mode .*foo"),
    ("searchsorted", (V, 1.0, "foo"), {}, ValueError, r"searchsorted: .*foo"),
    ("meshgrid", (V, V), {"indexing": "foo"}, ValueError, r"meshgrid: .*foo"),
    ("partition", (V, 9), {}, ValueError, r"partition: .*9"),
    ("repeat", (V, -1), {}, ValueError, r"repeat: "),
    ("convolve", (V, V, "foo"), {}, ValueError, r"convolve: .*foo"),
    ("rot90", (A, 1, (0, 0)), {}, ValueError, r"rot90: "),
    ("sort", (V,), {"kind": "stable"}, TypeError, r"sort: kind is not supported.*stable="),
]  # fmt: skip


@pytest.mark.parametrize(
    ("name", "arguments", "options", "kind", "text"),
    ROWS,
    ids=[f"{i}-{row[0]}" for i, row in enumerate(ROWS)],
)
def test_bad_arguments(name, arguments, options, kind, text):
    check(FUNCTIONS[name], arguments, options, kind, text)


# known numbers only: traced indices follow their mode
OUT_OF_BOUNDS = [
    ("take", lambda x: jnp.take(x, 5), "take: index 5 is out of bounds for axis 0 with size 3"),
    (
        "take_along",
        lambda x: jnp.take_along_axis(x, jnp.array([5]), 0),
        "take_along_axis: index 5 ",
    ),
    ("index", lambda x: x[5], "index 5 is out of bounds for axis 0 with size 3"),
    ("negative", lambda x: x[-4], "index -4 is out of bounds for axis 0 with size 3"),
    ("array", lambda x: x[np.array([0, 5])], "index 5 is out of bounds for axis 0 with size 3"),
    ("at", lambda x: x.at[5].set(0), "index 5 is out of bounds for axis 0 with size 3"),
    ("axes", lambda x: x[0, 0], "(?i)too many indices"),
    ("delete", lambda x: jnp.delete(x, 5), "delete: .*5"),
]


@pytest.mark.parametrize(
    "call", [row[1] for row in OUT_OF_BOUNDS], ids=[r[0] for r in OUT_OF_BOUNDS]
)
def test_indices_out_of_bounds(call):
    text = next(row[2] for row in OUT_OF_BOUNDS if row[1] is call)
    check(call, (V,), {}, IndexError, text)


# ---- NumPy's parameters ----

INSTEAD = {
    "out": "arrays are immutable",
    "where": "numax.numpy.where",
    "casting": "astype",
    "order": "no memory order",
    "dtype": "astype",
    "subok": "no subclasses",
    "signature": "astype",
    "like": "one class of arrays",
    "kind": "one algorithm",
    "overwrite_input": "immutable",
    "correction": "ddof",
}


def of_ufuncs():
    return [name for name in FUNCTIONS if isinstance(of_numpy(name), np.ufunc)]


@pytest.mark.parametrize("name", of_ufuncs())
def test_parameters_of_ufuncs(name):
    count = {"matmul": 2, "matvec": 2, "vecmat": 2, "vecdot": 2}.get(name, of_numpy(name).nin)
    for parameter in ("out", "where", "casting", "order", "dtype", "subok", "signature"):
        if parameter in parameters(name):
            continue
        error = raised(lambda p=parameter: FUNCTIONS[name](*[S] * count, **{p: "x"}))
        assert type(error) in (TypeError, NotImplementedError), parameter
        assert name in NAMES_OF_OTHERS or str(error).startswith(f"{name}: the '{parameter}'")
        assert INSTEAD[parameter] in str(error)


NAMES_OF_OTHERS = {  # second names of functions, which errors call by the first
    "absolute", "acos", "acosh", "asin", "asinh", "atan", "atan2", "atanh", "bitwise_invert", "bitwise_left_shift",
    "bitwise_not", "bitwise_right_shift", "conjugate", "degrees", "mod", "pow", "radians", "true_divide",
}  # fmt: skip


def refusing():
    """(function, parameter) for what docstrings say is refused."""
    for name, function in FUNCTIONS.items():
        said = re.search(r"NumPy's (`.*) (is|are) refused", function.__doc__ or "")
        if said and not isinstance(of_numpy(name), np.ufunc):
            for parameter in re.findall(r"`(\w+)`", said[1]):
                if parameter in INSTEAD:
                    yield name, parameter


@pytest.mark.parametrize(("name", "parameter"), sorted(refusing()))
def test_refused_parameters_say_what_to_use(name, parameter):
    arguments = {
        **ARGUMENTS,
        "arange": (3,), "broadcast_to": (V, (3,)), "clip": (V, 0), "dot": (V, V), "einsum": ("i", V), "empty": (3,),
        "eye": (3,), "frombuffer": (b"12345678",), "full": (3, 1), "full_like": (V, 1), "hstack": ([V, V],),
        "identity": (3,), "isin": (V, V), "linalg.multi_dot": ([S, S],), "ones": (3,), "tri": (3,),
        "unravel_index": (I, (3,)), "vectorize": (abs,), "vstack": ([V, V],), "zeros": (3,),
    }.get(name, (A,))  # fmt: skip
    needed = {"sep": " "} if name == "fromstring" else {}
    error = raised(lambda: FUNCTIONS[name](*arguments, **needed, **{parameter: "x"}))
    assert type(error) in (TypeError, NotImplementedError, ValueError)
    assert parameter in str(error)
    assert INSTEAD[parameter] in str(error)


def test_there_are_many_refusals():
    assert len(list(refusing())) > 60


def test_other_keywords_are_pythons_errors():
    for call in (jnp.sin, jnp.zeros, jnp.concatenate, jnp.fft.fft):
        with pytest.raises(TypeError, match=r"unexpected keyword argument 'bogus'"):
            call(V, bogus=1)
    assert isinstance(jnp.sin, types.FunctionType)


def test_none_is_numpys_way_of_leaving_out():
    assert jnp.sin(0.0, out=None) == 0
    assert jnp.zeros(2, like=None).shape == (2,)
