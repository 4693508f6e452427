"""Rows of the methods and operators of arrays, and of indexed updates."""

import operator

import numpy as np
from np_table import Data, Row, a, call, method, places, special

ALL, REAL, INT, NUMBER = "biufc", "biuf", "biu", "iufc"


def row(name: str, *calls, **options) -> Row:
    return Row(f"Array.{name}", list(calls), **{"run": method(name), **options})


def operation(name: str, kinds: str = ALL, low: float = 0.5, **options) -> list[Row]:
    """An operator, and its reflection where it has one."""
    pairs = [call(a(2, 3, low=low), a(3, low=low)), call(a(3, low=low), 2), call(a(low=low), a(2, low=low))]  # fmt: skip
    rows = [row(f"__{name}__", *pairs, kinds=kinds, **options)]
    if name not in ("lt", "le", "eq", "ne", "gt", "ge"):
        scalar = [call(a(2, low=low), 3)]
        rows.append(row(f"__r{name}__", *pairs[:1], *scalar, kinds=kinds, **options))
    return rows


def attribute(name: str, *calls, **options) -> Row:
    return Row(f"Array.{name}", list(calls), run=lambda xp, x: getattr(x, name), **options)


OPERATORS = [
    *operation("add"), *operation("sub"), *operation("mul"), *operation("truediv"), *operation("pow", NUMBER),
    *operation("floordiv", REAL, grad=0), *operation("mod", REAL), *operation("divmod", REAL),
    *operation("and", INT), *operation("or", INT), *operation("xor", INT),
    *operation("lshift", INT, low=0), *operation("rshift", INT, low=0),
    *[r for name in ("lt", "le", "eq", "ne", "gt", "ge") for r in operation(name)],
    row("__matmul__", call(a(2, 3), a(3, 2)), call(a(3), a(3)), call(a(2, 2, 3), a(3)), call(a(2), a(3)), kinds=NUMBER, tol=2),
    row("__rmatmul__", call(a(3, 2), a(2, 3)), call(a(3), a(3)), kinds=NUMBER, tol=2, ref=lambda x, y: y @ x),
    row("__neg__", call(a(2, 3)), call(special()), signs=True),
    row("__pos__", call(a(2, 3)), signs=True),
    row("__abs__", call(a(2, 3)), call(special(0.5, 2))),
    row("__invert__", call(a(2, 3)), kinds=INT),
    row("__round__", call(a(2, 3), 1), kinds="iufc", grad=0, ref=lambda x, n: np.round(x, n)),
    row("__getitem__", *[call(a(3, 4), key) for key in (0, -1, (1, 2), slice(None, None, -1), (slice(1), 2), (None, 1), (..., 0), np.array([2, 0]), (np.array([[0], [2]]), np.array([1, 3])),
        np.array([True, False, True]), (slice(None), np.array([0, 0])), (slice(0, 0),), 5, (0, 0, 0), (0, None, slice(1, 9)))],
        call(a(3, 4), places(3, 2)), call(a(3, 4), (places(3, 2), slice(None)))),
    row("__len__", call(a(3, 2)), call(a()), jit=False, vmap=False, grad=0),
    row("__iter__", call(a(3, 2)), call(a(0)), run=lambda xp, x: list(iter(x)), grad=0),
    row("__reversed__", call(a(3, 2)), call(a()), run=lambda xp, x: list(reversed(x)), grad=0),
    row("__contains__", call(a(3), 99), call(np.array([1, 2]), 2), run=lambda xp, x, y: y in xp.asarray(x), jit=False, vmap=False, grad=0, kinds="iuf"),
    *[row(f"__{f.__name__}__", call(a(low=1)), call(a(2)), run=lambda xp, x, f=f: f(x), jit=False, vmap=False, grad=0, wide=False, kinds="iu" if f in (hex, oct) else "biuf")
      for f in (bool, int, float, complex, hex, oct)],
    row("__index__", call(a()), call(a(2)), run=lambda xp, x: operator.index(x), jit=False, vmap=False, grad=0, kinds="iu"),
]  # fmt: skip


def reducing(name: str, *calls, kinds=ALL, **options) -> Row:
    return row(
        name,
        call(a(2, 3)),
        call(a(2, 3), axis=-1),
        call(a(2, 3), 0, keepdims=True),
        *calls,
        kinds=kinds,
        **options,
    )


METHODS = [
    *[reducing(n, call(a(2, 3), axis=(0, 1)), tol=2) for n in ("sum", "mean", "var", "std", "max", "min", "prod")],
    reducing("any", grad=0), reducing("all", grad=0),
    row("ptp", call(a(2, 3)), call(a(2, 3), axis=-1), kinds=NUMBER, run=lambda xp, x, **k: xp.ptp(x, **k) if xp is np else x.ptp(**k)),
    reducing("argmax", kinds=REAL, grad=0), reducing("argmin", kinds=REAL, grad=0),
    *[row(n, call(a(2, 3)), call(a(2, 3), axis=1), call(a(2, 3), 0, dtype="float32").but(kinds="biuf", grad=False),
          ref=lambda x, axis=None, dtype=None, n=n: getattr(np, n)(x, axis, dtype or (x.dtype if x.dtype.kind in "iu" else None))) for n in ("cumsum", "cumprod")],
    row("reshape", call(a(2, 3), 3, 2), call(a(2, 3), (3, -1)), call(a(2, 3), (6,), order="F"), call(a(2, 3), 4)),
    row("ravel", call(a(2, 3)), call(a(2, 3), order="F")), row("flatten", call(a(2, 3))),
    row("transpose", call(a(2, 3, 4)), call(a(2, 3, 4), 1, 0, 2), call(a(2, 3), (1, 0)), call(a(2, 3), 0)),
    row("swapaxes", call(a(2, 3, 4), 0, 2)), row("squeeze", call(a(1, 2, 1)), call(a(1, 2, 1), 0), call(a(1, 2), 1)),
    row("repeat", call(a(2, 3), 2), call(a(2, 3), 2, 1)), row("diagonal", call(a(3, 3)), call(a(2, 3, 4), 1, 1, 2)), row("trace", call(a(3, 3)), call(a(3, 4), 1), tol=2),
    row("take", call(a(2, 3), places(3, 2), axis=1), call(a(2, 3), np.array([0, 5]))),
    row("compress", call(a(2, 3), np.array([True, False]), 0), run=lambda xp, x, c, axis: x.compress(c, axis)),
    row("choose", call(np.array([0, 1, 1]), [a(3), a(3)]), run=lambda xp, x, c: xp.asarray(x).choose(c), jit=False),
    row("clip", call(a(2, 3), -1, 2), call(a(2, 3), 0), kinds="if"), row("round", call(a(2, 3), 1), call(a(3)), kinds="fc", grad=0),
    row("conj", call(a(2, 3))), row("conjugate", call(a(2, 3))), row("dot", call(a(2, 3), a(3)), call(a(2), a(2)), tol=2),
    row("sort", call(a(2, 5)), call(a(4, 2), 0), run=lambda xp, x, *args: xp.sort(x, *args) if xp is np else x.sort(*args)),
    row("argsort", call(a(2, 5)), call(a(4, 2), 0), grad=0, ref=lambda x, *args: np.argsort(x, *args, stable=True)),
    row("argpartition", call(a(6), 2), kinds="iuf", grad=0, own="int64 float64 complex128", ref=lambda x, k: np.argsort(x, stable=True)),
    row("searchsorted", call(a(5, fill="sorted"), a(3)), call(a(5, fill="sorted"), a(3), side="right"), grad=0, vmap=False, own="int64 float64 complex128"),
    row("nonzero", call(a(2, 3)), jit=False, vmap=False, grad=0),
    row("astype", call(a(3), "complex64"), call(a(3), "bool"), grad=0), row("copy", call(a(3))), row("__copy__", call(a(3))), row("__deepcopy__", call(a(3)), run=lambda xp, x: x.__deepcopy__({}), jit=False, vmap=False, grad=0),
    row("clone", call(a(3)), run=lambda xp, x: x if xp is np else x.clone(), jit=False, vmap=False, grad=0),
    row("view", call(Data((2, 4), dtype="float32"), "int32"), call(Data((2, 4), dtype="float32"), "uint8"), call(Data((2, 4), dtype="int32"), "uint8"), call(Data((2, 3), dtype="uint8"), "int32"), kinds="f", grad=0, wide=False),
    row("byteswap", call(Data((3,), dtype="int32")), kinds="f", jit=False, vmap=False, grad=0, wide=False),
    row("item", call(a()), call(a(1)), call(a(3), 1), call(a(2, 3), 1, 2), call(a(3)), wide=False, jit=False, vmap=False, grad=0, kinds="biu"),
    row("tolist", call(a(2, 3)), call(a()), wide=False, jit=False, vmap=False, grad=0, kinds="biu", run=lambda xp, x: repr(x.tolist())),
    row("tobytes", call(a(2, 3)), call(a(2, 3), "F"), wide=False, jit=False, vmap=False, grad=0, kinds=ALL),
    row("__array__", call(a(2, 3)), wide=False, jit=False, vmap=False, grad=0, run=lambda xp, x: np.asarray(x).tobytes()),
    row("__buffer__", call(Data((2, 3), dtype="int32")), kinds="f", jit=False, vmap=False, grad=0, run=lambda xp, x: np.asarray(x).tobytes()),
    attribute("T", call(a(2, 3)), call(a(3))), attribute("mT", call(a(2, 3, 4)), call(a(3))), attribute("real", call(a(3))), attribute("imag", call(a(3))),
    *[attribute(n, call(a(2, 3)), call(a()), jit=False, vmap=False, grad=0, wide=False) for n in ("shape", "size", "ndim", "nbytes", "itemsize")],
    attribute("dtype", call(Data((2,), dtype="float32")), kinds="f", jit=False, vmap=False, grad=0, wide=False),
    row("flat", call(a(2, 3)), run=lambda xp, x: [x.flat[2], x.flat[-1]], jit=False, vmap=False, grad=0),
]  # fmt: skip

KEYS = [
    (a(3, 4), 1, a(4)),
    (a(3, 4), (slice(None), 2), 2),
    (a(3, 4), np.array([0, 2]), a(2, 4)),
    (a(3, 4), (np.array([0, -1]), np.array([1, 3])), a(2)),
    (a(3), np.array([True, False, True]), 1),
    (a(3, 4), (slice(None, None, 2), slice(1, 3)), a(2)),
    (a(5), np.array([], int), a(0)),
    (a(5), np.array([1, 1, 3]), a(3)),
]
UPDATES = {
    "add": np.add,
    "subtract": np.subtract,
    "mul": np.multiply,
    "multiply": np.multiply,
    "divide": np.divide,
    "power": np.power,
    "min": np.minimum,
    "max": np.maximum,
}


def updated(function):
    """NumPy's unbuffered update, on a copy."""

    def ref(x, key, y):
        x = x.copy()
        function.at(x, key, np.asarray(y).astype(x.dtype))
        return x

    return ref


def _assigned(x, key, y):
    x = x.copy()
    x[key] = y
    return x


def _of(key, kinds):
    """A call; Python integers are no booleans."""
    return call(*key).but(kinds=kinds.replace("b", "") if isinstance(key[2], int) else None)


def update(name: str, function) -> Row:
    kinds = {"divide": "fc", "power": "fc", "min": "iuf", "max": "iuf", "subtract": "iufc"}.get(
        name, ALL
    )
    keys = KEYS[:-1] if name in ("divide", "power") else KEYS
    if name == "power":  # whole powers of positive numbers
        keys = [(a(*x.shape, low=0.5, high=2), key, 2) for x, key, _ in keys]
    if name == "divide":
        keys = [(x, k, y if isinstance(y, int) else a(*y.shape, low=1)) for x, k, y in keys]
    calls = [_of(key, kinds) for key in keys]
    return Row(f"Array.at[].{name}", calls, kinds, run=lambda xp, x, key, y: getattr(x.at[key], name)(y),
               ref=updated(function), tol=2, grad=0 if name == "power" else 1, vmap=True)  # fmt: skip


AT = [
    *[update(name, function) for name, function in UPDATES.items()],
    Row("Array.at[].set", [_of(key, ALL) for key in KEYS[:-1]], run=lambda xp, x, key, y: x.at[key].set(y), ref=_assigned),
    Row("Array.at[].get", [call(a(3, 4), key) for _, key, _ in KEYS[:3]], run=lambda xp, x, key: x.at[key].get(), ref=lambda x, key: x[key]),
    Row("Array.at[].get", [call(a(4), np.array([1, 9])), call(a(4), np.array([-2, 3]))], run=lambda xp, x, key: x.at[key].get(mode="fill", fill_value=1),
        ref=lambda x, key: np.where(key < 4, x[np.minimum(key, 3)], np.ones((), x.dtype)), form=" filling"),
    Row("Array.at[].apply", [call(a(3, 4), key) for key in (1, (slice(None), 2), np.array([0, 2]))], "iufc", run=lambda xp, x, key: x.at[key].apply(lambda v: v * v),
        ref=lambda x, key: _assigned(x, key, x[key] * x[key])),
    Row("Array.at[].set", [call(a(4), np.array([1, 9]), a(2))], run=lambda xp, x, key, y: x.at[key].set(y, mode="drop"), ref=lambda x, key, y: _assigned(x, 1, y[0]), form=" dropping"),
    Row("Array.at[].set", [call(a(4), np.array([1, 9]), a(2))], run=lambda xp, x, key, y: x.at[key].set(y, mode="clip"), ref=lambda x, key, y: _assigned(x, np.array([1, 3]), y), form=" clipping"),
]  # fmt: skip
ROWS = [*OPERATORS, *METHODS, *AT]
