"""Rows of the functions that make, move, join, split and index arrays."""

import numpy as np
from np_table import Data, Name, Row, a, call, mask, places


def row(name: str, *calls, **options) -> Row:
    return Row(f"numpy.{name}", list(calls), **options)


SHAPES = [
    row("reshape", call(a(2, 3), (3, -1)), call(a(2, 3, 2), (4, 3), order="F"), call(a(2, 3), -1),
        call(a(0, 3), (-1, 3)).but(grad=False), call(a(), (1, 1)), call(a(2, 3), (4, 2)), call(a(2, 3), (-1, -1)),
        call(a(2, 3), (6,), copy=True)),
    row("ravel", call(a(2, 3)), call(a(2, 3, 2), order="F"), call(a()), call(a(0, 2)).but(grad=False)),
    row("transpose", call(a(2, 3, 4)), call(a(2, 3, 4), (1, -1, 0)), call(a(3)), call(a(2, 3), (0, 0)), call(a(2, 3), (1,))),
    row("permute_dims", call(a(2, 3, 4), (2, 0, 1))),
    row("matrix_transpose", call(a(2, 3, 4)), call(a(3)), call(a(2, 0)).but(grad=False)),
    row("swapaxes", call(a(2, 3, 4), 0, -1), call(a(2, 3), 0, 2)),
    row("moveaxis", call(a(2, 3, 4), (0, 1), (-1, 0)), call(a(2, 3, 4), 0, 1), call(a(2, 3), (0, 0), (1, 0)),
        call(a(2, 3), 0, (0, 1))),
    row("rollaxis", call(a(2, 3, 4), 2), call(a(2, 3, 4), 0, 3), call(a(2, 3, 4), -1, 1), call(a(2, 3), 2)),
    row("expand_dims", call(a(2, 3), 0), call(a(2, 3), (0, -1)), call(a(), 0), call(a(2), 3), call(a(2), (0, 0))),
    row("squeeze", call(a(1, 2, 1)), call(a(1, 2, 1), axis=(0, -1)), call(a(1, 2, 1), axis=0), call(a(2, 1), axis=0), call(a())),
    row("atleast_1d", call(a(), a(2)), call(a(2, 3)), call(2), call()),
    row("atleast_2d", call(a(), a(2)), call(a(2, 3, 1))),
    row("atleast_3d", call(a(), a(2), a(2, 3)), call(a(2, 3, 1))),
    row("broadcast_to", call(a(2, 3), (4, 2, 3)), call(a(), (2, 2)), call(a(1, 3), (0, 3)).but(grad=False), call(a(2, 3), (3, 3)), call(a(3), 3)),
    row("broadcast_arrays", call(a(2, 3), a(2, 1)), call(a(), a(3), a(2, 1)), call(a(2), a(3)), call()),
    row("broadcast_shapes", call((2, 1), (3,)), call((2,), 1, ()), call((2,), (3,)), call(), jit=False, vmap=False, grad=0),
    row("flip", call(a(2, 3, 4)), call(a(2, 3), (0, -1)), call(a(2, 3), 1), call(a()), call(a(2, 3), 2)),
    row("fliplr", call(a(2, 3)), call(a(3))),
    row("flipud", call(a(3)), call(a(2, 3)), call(a())),
    row("rot90", *[call(a(2, 3), k) for k in (-1, 0, 1, 2, 7)], call(a(2, 3, 4), 1, axes=(2, 0)), call(a(3)), call(a(2, 3), 1, (0, 0))),
    row("roll", call(a(2, 3), 4), call(a(2, 3), -2, axis=1), call(a(2, 3), (1, -2), axis=(0, 1)), call(a(2, 3), (1, 2), axis=1),
        call(a(5), (1, 2)), call(a(0), 1).but(grad=False), call(a(), 1), call(a(3), 1, axis=1)),
    row("shape", call(a(2, 3)), call(a()), call(2), jit=False, vmap=False, grad=0),
    row("size", call(a(2, 3)), call(a(2, 3), 1), call(a()), call(a(2, 3), (0, 1)), call(a(2), 1), jit=False, vmap=False, grad=0),
    row("ndim", call(a(2, 3)), call(a()), call(2), jit=False, vmap=False, grad=0),
    row("astype", call(a(2, 3), "float32").but(kinds="biuf"), call(a(2, 3), "int32").but(kinds="biu"), call(a(3), "bool"),
        call(a(3), "complex64"), call(a(3), "float16").but(kinds="bi"), grad=0),
    row("copy", call(a(2, 3)), call(a())),
    row("resize", call(a(2, 3), (3, 5)), call(a(2, 3), (2, 2)), call(a(3), 7), call(a(0), (2,)).but(grad=False, vmap=False), call(a(2), (0, 2)).but(grad=False)),
    row("iterable", call(a(3)), call(a()), call(3), call([1]), jit=False, vmap=False, grad=0),
    row("isscalar", call(a()), call(a(1)), call(3), call(2.5), call("a"), jit=False, vmap=False, grad=0,
        ref=lambda x: not isinstance(x, np.ndarray) or x.ndim == 0),
    row("iscomplexobj", call(a(2)), call(3), call(2j), jit=False, vmap=False, grad=0),
    row("isrealobj", call(a(2)), call(3), call(2j), jit=False, vmap=False, grad=0),
]  # fmt: skip

JOINS = [
    row("concatenate", call([a(2, 3), a(4, 3)]), call([a(2, 3), a(2, 1)], axis=-1), call([a(2, 3), a(5)], axis=None),
        call([a(2), Data((2,), dtype="float32")]).but(kinds="biuf"), call([a(2, 3), a(0, 3)]), call([a(2), a(3)], dtype="float32").but(kinds="biuf", grad=False),
        call([a(2, 3), a(3)]), call([a(), a()]), call([]), call(a(2, 3)), call([a(2, 3), a(2, 2)])),
    row("concat", call([a(2, 3), a(2, 1)], axis=1), call([a(2), a(3)]), call([a(2, 3), a(1)], axis=None)),
    row("stack", call([a(2, 3), a(2, 3)]), call([a(2, 3), a(2, 3)], axis=-1), call([a(), a()]), call([a(2), a(3)]), call([]), call(a(2, 3), 1),
        call([a(2), a(2)], dtype="float32").but(kinds="biuf", grad=False)),
    row("vstack", call([a(3), a(2, 3)]), call([a(), a()]), call([a(2), a(3)])),
    row("hstack", call([a(3), a(2)]), call([a(2, 3), a(2, 1)]), call([a(), a(2)])),
    row("dstack", call([a(2, 3), a(2, 3)]), call([a(3), a(3)]), call([a(), a()])),
    row("column_stack", call([a(2), a(2, 3)]), call([a(3), a(3)])),
    row("block", call([[a(2, 3), a(2, 2)], [a(1, 3), a(1, 2)]]), call([a(3), a(2)]), call(a(2)), call([[a(), a()], [a(), a()]])),
    row("append", call(a(2, 3), a(5)), call(a(2, 3), a(2, 1), axis=1), call(a(2), 1), call(a(2, 3), a(3), axis=0)),
    row("split", call(a(2, 3, 4), 2, axis=-1), call(a(5), [1, 3, 9]), call(a(5), [-2]), call(a(5), 2), call(a(0), 1).but(grad=False)),
    row("array_split", call(a(5), 3), call(a(2, 5), 2, axis=1), call(a(2), 4)),
    row("hsplit", call(a(2, 4), 2), call(a(4), 2), call(a(), 1)),
    row("vsplit", call(a(4, 2), 2), call(a(4), 2)),
    row("dsplit", call(a(2, 2, 4), [1]), call(a(2, 2), 2)),
    row("unstack", call(a(2, 3), axis=1), call(a(2, 3)), call(a(2, 3, 2), axis=-1), call(a()), jit=True),
    row("tile", call(a(2, 3), (2, 1, 3)), call(a(2, 3), 2), call(a(3), 0).but(grad=False), call(a(), 3), call(a(2), ())),
    row("repeat", call(a(2, 3), 2), call(a(2, 3), 3, axis=1), call(a(2, 3), np.array([2, 0, 1]), axis=1), call(a(), 2), call(a(3), 0).but(grad=False),
        call(a(2), np.array([1, 2, 3]))),
    row("delete", call(a(2, 3), 1), call(a(2, 3), np.array([0, -1]), axis=1), call(a(5), slice(None, None, 2)),
        call(a(5), np.array([True, False, True, False, False])), call(a(3), 5), call(a(3), np.array([], int))),
    row("insert", call(a(5), 1, a()), call(a(5), 5, 2), call(a(5), np.array([1, 1, 4]), a(3)), call(a(2, 3), 1, a(2), axis=1),
        call(a(2, 3), np.array([2, 0]), a(2, 2), axis=1), call(a(2, 3), np.array([1]), a(2, 3), axis=1), call(a(5), slice(0, 3), a()), call(a(3), 7, 1),
        call(a(2, 3), 1, a(4))),
    row("pad", *[call(a(2, 3), w, mode=m) for m in ("constant", "edge", "reflect", "symmetric", "wrap", "maximum", "minimum") for w in (2, ((1, 0), (4, 7)))],
        *[call(a(2, 3), (2, 1), mode=m).but(kinds="f") for m in ("linear_ramp", "mean", "median")],
        *[call(a(5), (7, 9), mode=m, reflect_type="odd").but(kinds="iuf") for m in ("reflect", "symmetric")],
        *[call(a(5), 2, mode=m, stat_length=(2, 3)).but(kinds="f") for m in ("mean", "median", "maximum", "minimum")],
        call(a(2, 3), 2, constant_values=((1, 2), (3, 4))), call(a(5), (3, 2), mode="linear_ramp", end_values=(5, -4)).but(kinds="f"),
        call(a(2), 0, mode="edge"), call(a(2, 3), {-1: (1, 2)}), call(a(0), 2).but(grad=False), call(a(0), 2, mode="edge"), call(a(3), -1), tol=2),
    row("trim_zeros", call(np.array([0, 0, 1, 2, 0])), call(np.array([0, 3, 0]), "f"), call(np.array([0.0, 0.0]), "b"), jit=False, vmap=False, grad=0),
]  # fmt: skip


def changed(name: str):
    """A function that writes to its first argument, on a copy."""

    def run(x, *rest, inplace=None, **options):
        x = x.copy()
        getattr(np, name)(x, *rest, **options)
        return x

    return run


INDICES = np.array([[0, -1], [3, 2]], np.int32)
TAKES = [
    row("take", call(a(2, 3), INDICES), call(a(2, 3, 2), places(3, 2, 2), axis=1), call(a(2, 3), 2, axis=-1), call(a(2, 3), np.zeros((0, 2), int), axis=0),
        call(a(5), np.array([-1, 9, 2]), mode="clip"), call(a(5), np.array([-7, 9, 2]), mode="wrap"), call(a(3), 5), call(a(3), 0, axis=1)),
    row("take_along_axis", call(a(2, 3), places(3, 2, 2), axis=1), call(a(2, 3), np.array([1, -2]), axis=None), call(a(2, 3), np.array([[1], [0], [-1]]).T, axis=0),
        call(a(2, 3), places(3, 2), axis=1)),
    row("choose", call(places(2, 3), [a(3), a(3)]), call(np.array([0, 1, 5]), [a(3), a(3)], mode="clip"), call(np.array([0, -1, 5]), [a(3), a(3)], mode="wrap"),
        call(np.array([0, 5]), [a(2), a(2)]).but(jit=False), call(places(2, 2, 1), [a(3), 7]), jit=False, vmap=False),
    row("piecewise", call(a(7), [mask(7), mask(7)], [1, 2]), call(a(7), [mask(7)], [3, lambda x: x * x]), call(a(2, 3), [mask(2, 3)], [lambda x: x, lambda x: -x]).but(kinds="fc"),
        call(a(3), [mask(3)], [1, 2, 3]), kinds="ifc"),
    row("apply_along_axis", call(lambda v: v[::2], 1, a(2, 3, 4)), call(lambda v: v.sum(), 0, a(3, 2)).but(kinds="f"), call(lambda v: v, 2, a(3, 2))),
    row("apply_over_axes", call(Name("sum"), a(2, 3, 4), (0, -1)), call(Name("sum"), a(2, 3), 1), kinds="fc", tol=2),
    row("put", call(a(2, 3), np.array([0, -1, 3]), a(3), inplace=False), call(a(2, 3), np.array([0, 7]), a(2), mode="wrap", inplace=False),
        call(a(2, 3), np.array([-4, 17]), 1, mode="clip", inplace=False), ref=changed("put")),
    row("put_along_axis", call(a(2, 3), np.array([[2], [-1]]), a(2, 1), 1, inplace=False), call(a(2, 3), np.array([1, 4]), a(2), None, inplace=False),
        ref=changed("put_along_axis")),
    row("place", call(a(2, 3), np.array([[1, 0, 1], [1, 1, 0]], bool), a(3), inplace=False), call(a(4), np.array([1, 1, 0, 1], bool), a(2), inplace=False), ref=changed("place")),
    row("fill_diagonal", call(a(4, 3), 2, inplace=False), call(a(3, 3), a(3), inplace=False), call(a(7, 3), 3, True, inplace=False), call(a(2, 2, 2), 1, inplace=False),
        call(a(2, 3, 2), 1, inplace=False), ref=changed("fill_diagonal")),
    row("diagonal", call(a(3, 4)), call(a(3, 4), 1), call(a(3, 4), -2), call(a(2, 3, 4), axis1=1, axis2=-1), call(a(3, 4), 9).but(grad=False), call(a(3)), call(a(2, 2), 0, 1, 1)),
    row("diag", call(a(3)), call(a(2, 3)), call(a(2), 1), call(a(3, 3), -1), call(a(2), -2), call(a(2, 2, 2)), call(a())),
    row("diagflat", call(a(2, 2)), call(a(3), 1), call(a())),
    row("tril", call(a(3, 4)), call(a(2, 3, 3), -1), call(a(3, 3), 1), call(a(3, 3), -7)),
    row("triu", call(a(3, 4)), call(a(2, 3, 3), -1), call(a(3, 3), 1), call(a(3, 3), 7)),
    row("trace", call(a(3, 4)), call(a(3, 4), 1), call(a(2, 3, 4), 0, 1, 2), call(a(3, 3), dtype="float32").but(kinds="biuf", grad=False), call(a(3)), tol=2,
        ref=lambda x, *args, dtype=None, **k: np.trace(x, *args, dtype=dtype, **k)),
]  # fmt: skip


def made(name: str, *calls, **options) -> Row:
    """A row of a function that takes no array."""
    return row(name, *calls, kinds="f", grad=0, vmap=False, **options)


CREATION = [
    made("arange", call(5), call(2, 9, 3), call(0.5, 3), call(5, 0, -2), call(3, dtype="float16"), call(0, 1, 0.1), call(3.0), call(5, 2), call(0, 3, 0)),
    made("linspace", call(0, 1, 5), call(2, 7, 4, endpoint=False), call(0, 1, 1), call(0, 1, 0), call(0, 5, 6, dtype="int32"), call(0, 1, 5, retstep=True),
         call(a(3), a(3), 4), call(a(3), 2, 4, axis=-1), call(1, 2, -1), call(0j, 1 + 1j, 3)),
    made("logspace", call(0, 2, 5), call(0, 2, 4, endpoint=False, base=2.0), call(a(2, low=0, high=1), 2, 3, axis=1), call(0, 3, 4, dtype="int32"), tol=4),
    made("geomspace", call(1, 100, 5), call(1, 64, 4, endpoint=False), call(-1, -8, 4), call(a(2, low=1, high=2), 8, 3), call(1j, 16j, 5), call(0, 3), tol=6),
    made("zeros", call(3), call((2, 0)), call((2, 3), "int8"), call(()), call((-1,))),
    made("ones", call(3), call((2, 0)), call((2, 3), "bool"), call((2,), "complex64")),
    made("empty", call((2, 3)), call((2,), "int32"), call(()), canonical=lambda out: [x * 0 for x in out]),
    made("full", call((2, 3), 7), call((2,), 1.5), call((2, 3), a(3)), call((2,), 3, "float16"), call((), True), call((2,), a(3))),
    row("zeros_like", call(a(2, 3)), call(a(2, 3), "int8"), call(a(2), shape=(3, 1)), call(3), grad=0),
    row("ones_like", call(a(2, 3)), call(a(2, 3), "int8"), call(a(2), shape=(3, 1)), grad=0),
    row("empty_like", call(a(2, 3)), call(a(2), shape=(3,)), grad=0, canonical=lambda out: [x * 0 for x in out]),
    row("full_like", call(a(2, 3), 2), call(a(2, 3), 1, "float32"), call(a(2), 1, shape=(3,)), call(a(2, 3), a(3))),
    made("eye", call(3), call(2, 4), call(3, k=-1), call(3, 3, 1, "int32"), call(0), call(3, k=9)),
    made("identity", call(3), call(2, "int32")),
    made("tri", call(3), call(2, 4, 1), call(3, k=-2), call(3, dtype="int32")),
    made("indices", call((2, 3)), call((2, 3), dtype="float32"), call((2, 3), sparse=True), call(())),
    made("meshgrid", call(a(2), a(3)), call(a(2), a(3), indexing="ij"), call(a(2), a(3), sparse=True), call(a(2)), call(a(2), a(3), a(1)), call(a(2), a(2), indexing="x"), call()),
    made("vander", call(a(3)), call(a(3), 2), call(a(3), increasing=True), call(a(2), 0), call(a(2, 2)), tol=2),
    made("array", call([1, 2]), call([[1.5, 2], [3, 4]]), call(a(2, 3)), call([a(), a()]), call([1, 2], "float16"), call([], ndmin=2), call(3, ndmin=2), call([1, 2.5, True]),
         call([1, 2j]), call([[1, 2], [3]])),
    made("asarray", call([1, 2]), call(a(2, 3)), call([a(2), a(2)]), call(3), call(2.5, "int32"), call([True]), call([[]])),
    made("fromfunction", call(lambda i, j: i + 2 * j, (2, 3)), call(lambda i: i * 2, (3,), dtype="int32")),
    made("tril_indices", call(3), call(3, 1), call(2, -1, 4)),
    made("triu_indices", call(3), call(3, 1), call(2, -1, 4)),
    row("tril_indices_from", call(a(3, 3)), call(a(2, 3), 1), call(a(3)), grad=0, vmap=False),
    row("triu_indices_from", call(a(3, 3)), call(a(2, 3), 1), grad=0, vmap=False),
    made("diag_indices", call(3), call(2, 3)),
    row("diag_indices_from", call(a(3, 3)), call(a(2, 2, 2)), call(a(2, 3)), grad=0, vmap=False),
    made("mask_indices", call(3, Name("triu")), call(3, Name("tril"), -1), jit=False),
    made("ix_", call(np.array([0, 2]), np.array([1, 3, 4])), call(np.array([True, False, True]), np.array([1])), call(np.zeros((2, 2)))),
    made("unravel_index", call(np.array([22, 41, 37]), (7, 6)), call(5, (2, 3)), call(np.array([1, 2]), 4)),
    made("ravel_multi_index", call((np.array([3, 6]), np.array([4, 5])), (7, 6)), call((3, 1), (6, 7), order="F"), call((np.array([9]), np.array([-2])), (4, 4), mode="wrap"),
         call((np.array([9]), np.array([-2])), (4, 4), mode="clip"), call((np.array([9]), np.array([0])), (4, 4)).but(jit=False)),
    made("r_", call((slice(0, 5, 2), 7)), call((slice(0, 1, 3j), np.array([4.0]))), call(np.array([1, 2])), run=lambda xp, key: xp.r_[key]),
    made("c_", call((np.array([1, 2]), np.array([3, 4]))), call((slice(0, 3), np.array([5, 6, 7]))), run=lambda xp, key: xp.c_[key]),
    made("mgrid", call((slice(0, 2), slice(1, 4))), call(slice(0, 1, 3j)), run=lambda xp, key: xp.mgrid[key]),
    made("ogrid", call((slice(0, 2), slice(1, 4))), call(slice(0, 1, 3j)), run=lambda xp, key: xp.ogrid[key]),
]  # fmt: skip

ROWS = [*SHAPES, *JOINS, *TAKES, *CREATION]
