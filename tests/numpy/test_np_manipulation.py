"""Shapes, joining, padding and taking against NumPy: eager, compiled, differentiated, vectorised."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from np_rows import Row, check_grad, check_jit, check_value, check_vmap, rows_of

import numax
import numax.numpy as jnp

rng = np.random.default_rng(0)


def f(*shape: int) -> np.ndarray:
    return rng.standard_normal(shape).astype(np.float32)


def i(*shape: int) -> np.ndarray:
    return rng.integers(-9, 9, shape).astype(np.int32)


A, B, V, C = f(2, 3), f(2, 3, 4), f(5), (f(3) + 1j * f(3)).astype(np.complex64)
IA, IV = i(2, 3), i(6)

SHAPES = [
    Row("reshape", lambda xp, a: xp.reshape(a, (3, -1)), (A,)),
    Row("reshape_F", lambda xp, a: xp.reshape(a, (4, 6), order="F"), (B,)),
    Row("reshape_int", lambda xp, a: xp.reshape(a, -1), (IA,)),
    Row("reshape_empty", lambda xp, a: xp.reshape(a, (-1, 3)), (f(0, 3),)),
    Row("ravel", lambda xp, a: xp.ravel(a), (B,)),
    Row("ravel_F", lambda xp, a: xp.ravel(a, order="F"), (B,)),
    Row("transpose", lambda xp, a: xp.transpose(a), (B,)),
    Row("transpose_axes", lambda xp, a: xp.transpose(a, (1, -1, 0)), (B,)),
    Row("permute_dims", lambda xp, a: xp.permute_dims(a, (2, 0, 1)), (B,)),
    Row("matrix_transpose", lambda xp, a: xp.matrix_transpose(a), (B,)),
    Row("swapaxes", lambda xp, a: xp.swapaxes(a, 0, -1), (B,)),
    Row("moveaxis", lambda xp, a: xp.moveaxis(a, (0, 1), (-1, 0)), (B,)),
    Row("moveaxis_one", lambda xp, a: xp.moveaxis(a, 0, 1), (B,)),
    Row("rollaxis", lambda xp, a: xp.rollaxis(a, 2), (B,)),
    Row("rollaxis_end", lambda xp, a: xp.rollaxis(a, 0, 3), (B,)),
    Row("expand_dims", lambda xp, a: xp.expand_dims(a, (0, -1)), (A,)),
    Row("squeeze", lambda xp, a: xp.squeeze(a), (f(1, 2, 1),)),
    Row("squeeze_axis", lambda xp, a: xp.squeeze(a, axis=(0, -1)), (f(1, 2, 1),)),
    Row("atleast_1d", lambda xp, a, b: xp.atleast_1d(a, b), (f(), V)),
    Row("atleast_2d", lambda xp, a, b: xp.atleast_2d(a, b), (f(), V)),
    Row("atleast_3d", lambda xp, a, b, c: xp.atleast_3d(a, b, c), (f(), V, A)),
    Row("broadcast_to", lambda xp, a: xp.broadcast_to(a, (4, 2, 3)), (A,)),
    Row("broadcast_arrays", lambda xp, a, b: xp.broadcast_arrays(a, b), (A, f(2, 1))),
    Row("flip", lambda xp, a: xp.flip(a), (B,)),
    Row("flip_axes", lambda xp, a: xp.flip(a, (0, -1)), (B,)),
    Row("fliplr", lambda xp, a: xp.fliplr(a), (A,)),
    Row("flipud", lambda xp, a: xp.flipud(a), (V,)),
    *[Row(f"rot90_{k}", lambda xp, a, k=k: xp.rot90(a, k), (A,)) for k in (-1, 0, 1, 2, 7)],
    Row("rot90_axes", lambda xp, a: xp.rot90(a, 1, axes=(2, 0)), (B,)),
    Row("roll", lambda xp, a: xp.roll(a, 4), (A,)),
    Row("roll_axis", lambda xp, a: xp.roll(a, -2, axis=1), (A,)),
    Row("roll_axes", lambda xp, a: xp.roll(a, (1, -2), axis=(0, 1)), (A,)),
    Row("roll_repeated", lambda xp, a: xp.roll(a, (1, 2), axis=1), (A,)),
    Row("roll_shifts", lambda xp, a: xp.roll(a, (1, 2)), (V,)),
    Row("roll_empty", lambda xp, a: xp.roll(a, 1), (f(0),)),
    Row(
        "roll_traced",
        lambda xp, a, s: xp.roll(a, s, axis=0),
        (V, np.int32(-7)),
        reference=lambda a, s: np.roll(a, int(s)),
    ),
]

JOINS = [
    Row("concatenate", lambda xp, a, b: xp.concatenate([a, b]), (A, f(4, 3))),
    Row("concatenate_axis", lambda xp, a, b: xp.concatenate([a, b], axis=-1), (A, f(2, 1))),
    Row("concatenate_flat", lambda xp, a, b: xp.concatenate([a, b], axis=None), (A, V)),
    Row("concatenate_dtype", lambda xp, a, b: xp.concatenate([a, b], dtype=float), (A, IA)),
    Row("concatenate_mixed", lambda xp, a, b: xp.concatenate([a, b]), (A, IA), dtype="float32"),
    Row("concatenate_complex", lambda xp, a, b: xp.concatenate([a, b]), (C, f(3))),
    Row("concat", lambda xp, a, b: xp.concat([a, b], axis=1), (A, A)),
    Row("stack", lambda xp, a, b: xp.stack([a, b]), (A, f(2, 3))),
    Row("stack_last", lambda xp, a, b: xp.stack([a, b], axis=-1), (A, f(2, 3))),
    Row("vstack", lambda xp, a, b: xp.vstack([a, b]), (f(3), A)),
    Row("hstack", lambda xp, a, b: xp.hstack([a, b]), (V, f(2))),
    Row("hstack_2d", lambda xp, a, b: xp.hstack([a, b]), (A, f(2, 1))),
    Row("dstack", lambda xp, a, b: xp.dstack([a, b]), (A, f(2, 3))),
    Row("column_stack", lambda xp, a, b: xp.column_stack([a, b]), (f(2), A)),
    Row("block", lambda xp, a, b: xp.block([[a, b], [b, a]]), (A, f(2, 2))),
    Row("block_1d", lambda xp, a: xp.block([a, a]), (V,)),
    Row("split", lambda xp, a: xp.split(a, 2, axis=-1), (B,)),
    Row("split_places", lambda xp, a: xp.split(a, [1, 3, 9]), (V,)),
    Row("split_negative", lambda xp, a: xp.split(a, [-2]), (V,)),
    Row("array_split", lambda xp, a: xp.array_split(a, 3), (V,)),
    Row("hsplit", lambda xp, a: xp.hsplit(a, 3), (A,)),
    Row("vsplit", lambda xp, a: xp.vsplit(a, 2), (A,)),
    Row("dsplit", lambda xp, a: xp.dsplit(a, [1]), (B,)),
    Row("unstack", lambda xp, a: xp.unstack(a, axis=1), (A,)),
    Row("tile", lambda xp, a: xp.tile(a, (2, 1, 3)), (A,)),
    Row("tile_short", lambda xp, a: xp.tile(a, 2), (A,)),
    Row("tile_zero", lambda xp, a: xp.tile(a, 0), (V,)),
    Row("repeat", lambda xp, a: xp.repeat(a, 2), (A,)),
    Row("repeat_axis", lambda xp, a: xp.repeat(a, 3, axis=1), (A,)),
    Row("repeat_each", lambda xp, a: xp.repeat(a, np.array([2, 0, 1]), axis=1), (A,)),
    Row("resize", lambda xp, a: xp.resize(a, (3, 5)), (A,)),
    Row("resize_smaller", lambda xp, a: xp.resize(a, (2, 2)), (A,)),
    Row("append", lambda xp, a, b: xp.append(a, b), (A, V)),
    Row("append_axis", lambda xp, a, b: xp.append(a, b, axis=1), (A, f(2, 1))),
    Row("insert", lambda xp, a, b: xp.insert(a, 1, b), (V, f())),
    Row("insert_end", lambda xp, a, b: xp.insert(a, 5, b), (V, f())),
    Row("insert_several", lambda xp, a, b: xp.insert(a, np.array([1, 1, 4]), b), (V, f(3))),
    Row("insert_column", lambda xp, a, b: xp.insert(a, 1, b, axis=1), (A, f(2))),
    Row("insert_columns", lambda xp, a, b: xp.insert(a, np.array([2, 0]), b, axis=1), (A, f(2, 2))),
    Row("insert_one_place", lambda xp, a, b: xp.insert(a, np.array([1]), b, axis=1), (A, f(2, 3))),
    Row("insert_slice", lambda xp, a, b: xp.insert(a, slice(0, 3), b), (V, f())),
    Row("delete", lambda xp, a: xp.delete(a, 1), (A,)),
    Row("delete_axis", lambda xp, a: xp.delete(a, np.array([0, -1]), axis=1), (A,)),
    Row("delete_slice", lambda xp, a: xp.delete(a, slice(None, None, 2)), (V,)),
    Row(
        "delete_mask", lambda xp, a: xp.delete(a, np.array([True, False, True, False, False])), (V,)
    ),
]

WIDTHS = [1, (2, 1), ((1, 0), (4, 7))]
PADS = [
    *[
        Row(f"pad_{m}_{w}", lambda xp, a, m=m, w=w: xp.pad(a, w, mode=m), (A,))
        for m in (
            "constant",
            "edge",
            "reflect",
            "symmetric",
            "wrap",
            "linear_ramp",
            "mean",
            "median",
            "maximum",
            "minimum",
        )
        for w in WIDTHS
    ],
    *[
        Row(f"pad_int_{m}", lambda xp, a, m=m: xp.pad(a, (2, 3), mode=m), (IV,))
        for m in (
            "constant",
            "edge",
            "reflect",
            "symmetric",
            "wrap",
            "mean",
            "median",
            "maximum",
            "minimum",
        )
    ],
    *[
        Row(f"pad_odd_{m}", lambda xp, a, m=m: xp.pad(a, (7, 9), mode=m, reflect_type="odd"), (V,))
        for m in ("reflect", "symmetric")
    ],
    *[
        Row(f"pad_stat_{m}", lambda xp, a, m=m: xp.pad(a, 2, mode=m, stat_length=(2, 3)), (V,))
        for m in ("mean", "median", "maximum", "minimum")
    ],
    Row("pad_values", lambda xp, a: xp.pad(a, 2, constant_values=((1, 2), (3, 4))), (A,)),
    Row(
        "pad_ramp_ends",
        lambda xp, a: xp.pad(a, (3, 2), mode="linear_ramp", end_values=(5, -4)),
        (V,),
    ),
    Row(
        "pad_ramp_int",
        lambda xp, a: xp.pad(a, 3, mode="linear_ramp"),
        (np.array([1, 5, 8], np.int32),),
    ),
    Row("pad_zero", lambda xp, a: xp.pad(a, 0, mode="edge"), (A,)),
    Row("pad_dict", lambda xp, a: xp.pad(a, {-1: (1, 2)}), (A,)),
    *[
        Row(
            f"pad_bool_{m}",
            lambda xp, a, m=m: xp.pad(a, 2, mode=m),
            (np.array([True, False, True]),),
        )
        for m in ("mean", "median", "linear_ramp", "maximum")
    ],
    Row("pad_bool", lambda xp, a: xp.pad(a, 1), (np.array([True, False]),)),
    Row("pad_reflect_one", lambda xp, a: xp.pad(a, 2, mode="reflect"), (f(1),)),
    Row("pad_0d", lambda xp, a: xp.pad(a, 1), (f(),), reference=lambda a: a),
    Row(
        "pad_function",
        lambda xp, a: xp.pad(a, (1, 2), mode=lambda v, p, axis, kw: v.at[: p[0]].set(v[-1 - p[1]])),
        (V,),
        reference=lambda a: np.concatenate([a[-1:], a, [0, 0]]),
    ),
]

P2 = np.array([[0, 2], [1, -1]], np.int32)
TAKES = [
    Row("take", lambda xp, a: xp.take(a, np.array([[0, -1], [3, 2]])), (A,)),
    Row("take_axis", lambda xp, a, p: xp.take(a, p, axis=1), (B, P2)),
    Row("take_scalar", lambda xp, a: xp.take(a, 2, axis=-1), (B,)),
    Row("take_clip", lambda xp, a: xp.take(a, np.array([-1, 9, 2]), mode="clip"), (V,)),
    Row("take_wrap", lambda xp, a: xp.take(a, np.array([-7, 9, 2]), mode="wrap"), (V,)),
    Row("take_bool", lambda xp, a: xp.take(a, np.array([1, 0])), (np.array([True, False]),)),
    Row("take_empty", lambda xp, a: xp.take(a, np.zeros((0, 2), int), axis=0), (A,)),
    Row("take_along_axis", lambda xp, a, p: xp.take_along_axis(a, p, axis=1), (A, P2)),
    Row("take_along_flat", lambda xp, a: xp.take_along_axis(a, np.array([1, -2]), axis=None), (A,)),
    Row(
        "take_along_broadcast",
        lambda xp, a, p: xp.take_along_axis(a, p, axis=0),
        (A, np.array([[1], [0], [-1]], np.int32)),
    ),
    Row(
        "select",
        lambda xp, a, b: xp.select([a > 1, a > 0], [a, b], 7.0),
        (f(6), f(6)),
        dtype="float32",
    ),
    Row(
        "select_broadcast",
        lambda xp, a, b: xp.select([a > 0], [b]),
        (f(2, 3), f(3)),
        dtype="float32",
    ),
    Row(
        "choose",
        lambda xp, p, a, b: xp.choose(p, [a, b], mode="clip"),
        (np.array([0, 1, 5], np.int32), f(3), f(3)),
    ),
    Row(
        "choose_wrap",
        lambda xp, p, a, b: xp.choose(p, [a, b], mode="wrap"),
        (np.array([0, -1, 5], np.int32), f(3), f(3)),
    ),
    Row(
        "piecewise",
        lambda xp, a: xp.piecewise(a, [a < 0, a > 1], [lambda x: -x, lambda x: x * x, 0.5]),
        (f(7),),
    ),
    Row("piecewise_number", lambda xp, a: xp.piecewise(a, [a < 0], [3, lambda x: x + 1]), (f(7),)),
    Row(
        "piecewise_overlap",
        lambda xp, a: xp.piecewise(a, [a < 1, a < 0], [1, 2]),
        (f(7),),
        grad=False,
    ),
    Row(
        "apply_along_axis",
        lambda xp, a: xp.apply_along_axis(lambda v: v[::2] * v.sum(), 1, a),
        (B,),
    ),
    Row(
        "apply_along_axis_0",
        lambda xp, a: xp.apply_along_axis(lambda v: xp.outer(v, v), 0, a),
        (A,),
    ),
    Row("apply_over_axes", lambda xp, a: xp.apply_over_axes(xp.sum, a, (0, -1)), (B,)),
    Row("packbits", lambda xp, a: xp.packbits(a), (rng.integers(0, 2, (3, 5)).astype(np.uint8),)),
    Row(
        "packbits_axis",
        lambda xp, a: xp.packbits(a, axis=0, bitorder="little"),
        (rng.integers(0, 2, (11, 3)).astype(np.uint8),),
    ),
    Row(
        "unpackbits",
        lambda xp, a: xp.unpackbits(a),
        (rng.integers(0, 256, (2, 3)).astype(np.uint8),),
    ),
    Row(
        "unpackbits_count",
        lambda xp, a: xp.unpackbits(a, axis=1, count=-3, bitorder="little"),
        (rng.integers(0, 256, (2, 3)).astype(np.uint8),),
    ),
    Row(
        "unpackbits_more",
        lambda xp, a: xp.unpackbits(a, count=20),
        (rng.integers(0, 256, 2).astype(np.uint8),),
    ),
]


def _inplace(name: str, *args):
    def run(a, *rest):
        a = a.copy()
        getattr(np, name)(a, *rest)
        return a

    return run


PUTS = [
    Row(
        "put",
        lambda xp, a, v: xp.put(a, np.array([0, -1, 3]), v, inplace=False),
        (A, f(2)),
        reference=lambda a, v: _inplace("put")(a, [0, 5, 3], v),
    ),
    Row(
        "put_wrap",
        lambda xp, a, v: xp.put(a, np.array([0, 7]), v, mode="wrap", inplace=False),
        (A, f(2)),
        reference=lambda a, v: _inplace("put")(a, [0, 1], v),
    ),
    Row(
        "put_clip",
        lambda xp, a, v: xp.put(a, np.array([-4, 17]), v, mode="clip", inplace=False),
        (A, f(2)),
        reference=lambda a, v: _inplace("put")(a, [0, 5], v),
    ),
    Row(
        "put_along_axis",
        lambda xp, a, p, v: xp.put_along_axis(a, p, v, 1, inplace=False),
        (A, np.array([[2], [-1]], np.int32), f(2, 1)),
        reference=lambda a, p, v: _inplace("put_along_axis")(a, p, v, 1),
    ),
    Row(
        "put_along_flat",
        lambda xp, a, v: xp.put_along_axis(a, np.array([1, 4]), v, None, inplace=False),
        (A, f(2)),
        reference=lambda a, v: _inplace("put_along_axis")(a, np.array([1, 4]), v, None),
    ),
    Row(
        "place",
        lambda xp, a, v: xp.place(a, np.array([[1, 0, 1], [1, 1, 0]]), v, inplace=False),
        (A, f(3)),
        reference=lambda a, v: _inplace("place")(a, np.array([[1, 0, 1], [1, 1, 0]], bool), v),
    ),
    Row(
        "fill_diagonal",
        lambda xp, a, v: xp.fill_diagonal(a, v, inplace=False),
        (f(4, 3), f(2)),
        reference=lambda a, v: _inplace("fill_diagonal")(a, v),
    ),
    Row(
        "fill_diagonal_wrap",
        lambda xp, a: xp.fill_diagonal(a, 3.0, True, inplace=False),
        (f(7, 3),),
        reference=lambda a: _inplace("fill_diagonal")(a, 3.0, True),
    ),
    Row(
        "fill_diagonal_3d",
        lambda xp, a: xp.fill_diagonal(a, 3.0, inplace=False),
        (f(2, 2, 2),),
        reference=lambda a: _inplace("fill_diagonal")(a, 3.0),
    ),
]

ROWS = SHAPES + JOINS + PADS + TAKES + PUTS


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


ERRORS = [
    (lambda a: jnp.reshape(a, (4, -1)), TypeError, "reshape"),
    (lambda a: jnp.reshape(a, (5,)), TypeError, "size 6"),
    (lambda a: jnp.reshape(a, (-1, -1)), TypeError, "only one size"),
    (lambda a: jnp.reshape([1, 2], (2, 1)), TypeError, "requires ndarray"),
    (lambda a: jnp.transpose(a, (0, 0)), TypeError, "each of the 2 axes once"),
    (lambda a: jnp.squeeze(a, 0), ValueError, "Only axes of size 1"),
    (lambda a: jnp.expand_dims(a, 7), ValueError, "out of bounds"),
    (lambda a: jnp.swapaxes(a, 0, 5), ValueError, "out of bounds"),
    (lambda a: jnp.moveaxis(a, (0, 1), (0,)), ValueError, "equal numbers"),
    (lambda a: jnp.broadcast_to(a, (2, 4)), ValueError, "cannot broadcast"),
    (lambda a: jnp.broadcast_arrays(a, jnp.ones(2)), ValueError, "Incompatible shapes"),
    (lambda a: jnp.concatenate([]), ValueError, "at least one"),
    (lambda a: jnp.concatenate([a, jnp.ones(3)]), TypeError, "shapes must agree"),
    (lambda a: jnp.concatenate([a, [1, 2]]), TypeError, "position 1"),
    (lambda a: jnp.stack([a, jnp.ones(3)]), ValueError, "one shape"),
    (lambda a: jnp.stack([a, a], out=a), NotImplementedError, "out"),
    (lambda a: jnp.block((1, 2)), ValueError, "tuples"),
    (lambda a: jnp.block([a, [a]]), ValueError, "depths"),
    (lambda a: jnp.split(a, 2, axis=1), ValueError, "equal division"),
    (lambda a: jnp.tile(a, -1), ValueError, "negative"),
    (lambda a: jnp.repeat(a, jnp.array([1, 2])), ValueError, "repeats must have"),
    (lambda a: jnp.repeat(a, 2.0), TypeError, "integers"),
    (lambda a: jnp.delete(a, 9), IndexError, "out of bounds"),
    (lambda a: jnp.pad(a, -1), ValueError, "negative"),
    (lambda a: jnp.pad(a, 1.0), TypeError, "integers"),
    (lambda a: jnp.pad(a, 1, mode="zz"), NotImplementedError, "unknown mode"),
    (lambda a: jnp.pad(a, 1, mode="edge", constant_values=1), ValueError, "unsupported keyword"),
    (lambda a: jnp.pad(jnp.zeros(0), 2, mode="edge"), ValueError, "empty"),
    (lambda a: jnp.take(a, 6), IndexError, "size 6"),
    (lambda a: jnp.take(a, 1.0), ValueError, "integers"),
    (lambda a: jnp.take(a, 0, out=a), NotImplementedError, "out"),
    (lambda a: jnp.take_along_axis(a, jnp.array([0]), 1), ValueError, "equal numbers of axes"),
    (lambda a: jnp.put(a, 0, 1), ValueError, "inplace=False"),
    (lambda a: jnp.fill_diagonal(a, 1), NotImplementedError, "inplace=False"),
    (lambda a: jnp.choose(jnp.array([0, 2]), [1, 2]), ValueError, "mode='wrap'"),
    (lambda a: jnp.select([], []), ValueError, "at least one"),
    (lambda a: jnp.packbits(jnp.ones(3)), TypeError, "integers or booleans"),
    (lambda a: jnp.unpackbits(jnp.arange(3)), TypeError, "uint8"),
]


@pytest.mark.parametrize("call, error, words", ERRORS)
def test_bad_arguments_raise(call, error, words):
    with pytest.raises(error, match=words):
        call(jnp.asarray(A))


def test_take_fills_outside_where_asked_or_traced():
    x = jnp.arange(3.0)
    assert np.isnan(np.asarray(jnp.take(x, 7, mode="fill")))
    assert np.asarray(jnp.take(x, 7, fill_value=-1)) == -1
    assert np.isnan(np.asarray(numax.jit(lambda i: jnp.take(x, i))(7)))
    assert np.asarray(jnp.take(jnp.arange(3), -9, mode="fill")) == np.iinfo(np.int32).min


def test_repeat_of_fixed_length_under_jit():
    run = numax.jit(lambda x, n: jnp.repeat(x, n, total_repeat_length=8))
    np.testing.assert_array_equal(
        run(jnp.arange(3), jnp.array([1, 2, 3])), [0, 1, 1, 2, 2, 2, 2, 2]
    )
    cut = jnp.repeat(jnp.arange(3), jnp.array([1, 2, 3]), total_repeat_length=4)
    np.testing.assert_array_equal(cut, [0, 1, 1, 2])


def test_delete_of_traced_places():
    run = numax.jit(lambda x, p: jnp.delete(x, p, assume_unique_indices=True))
    np.testing.assert_array_equal(run(jnp.arange(6), jnp.array([4, -6])), [1, 2, 3, 5])


def test_trim_zeros_needs_known_values():
    np.testing.assert_array_equal(jnp.trim_zeros(jnp.array([0, 0, 1, 0, 2, 0])), [1, 0, 2])
    np.testing.assert_array_equal(jnp.trim_zeros(jnp.array([0, 1, 0]), "b"), [0, 1])
    np.testing.assert_array_equal(jnp.trim_zeros(jnp.array([[0, 0], [0, 1]])), [[1]])
    with pytest.raises(numax.errors.TracerArrayConversionError):
        numax.jit(jnp.trim_zeros)(jnp.arange(3))


def test_weak_types_pass_through():
    weak = jnp.asarray(1.0)
    assert jnp.reshape(weak, (1,)).weak_type
    assert jnp.stack([weak, weak]).weak_type
    assert jnp.broadcast_to(weak, (3,)).weak_type
    assert not jnp.concatenate([jnp.ones(2), weak[None]]).weak_type


@pytest.mark.parametrize(
    "dtype", ["bfloat16", "float16", "float8_e4m3fn", "int4", "uint8", "bool", "complex64"]
)
def test_small_dtypes_keep_their_values(dtype):
    x = jnp.asarray(np.array([[0, 1, 1], [1, 0, 1]])).astype(dtype)
    for out in (
        jnp.reshape(x, (3, 2)),
        jnp.concatenate([x, x]),
        jnp.pad(x, 1),
        jnp.take(x, jnp.array([1, 0]), axis=1),
        jnp.repeat(x, 2, axis=0),
        jnp.roll(x, 1),
        jnp.stack([x, x]),
    ):
        assert out.dtype == x.dtype
    wide = np.asarray(jnp.roll(x, 1).real.astype("float32"))
    np.testing.assert_array_equal(wide, np.roll([[0, 1, 1], [1, 0, 1]], 1))


# ---- random shapes ----

SHAPE = hnp.array_shapes(min_dims=1, max_dims=4, min_side=0, max_side=4)
FEW = settings(max_examples=40, deadline=None)


def filled(shape) -> np.ndarray:
    return np.arange(np.prod(shape), dtype=np.float32).reshape(shape)


def same(got, want) -> None:
    assert got.shape == want.shape
    np.testing.assert_array_equal(np.asarray(got), want)


@FEW
@given(st.data(), SHAPE)
def test_axes_move_as_in_numpy(data, shape):
    x = filled(shape)
    axes = st.integers(-len(shape), len(shape) - 1)
    a, b = data.draw(axes), data.draw(axes)
    order = data.draw(st.permutations(range(len(shape))))
    for call in (
        lambda xp, v: xp.moveaxis(v, a, b),
        lambda xp, v: xp.swapaxes(v, a, b),
        lambda xp, v: xp.transpose(v, order),
        lambda xp, v: xp.expand_dims(v, (0, -1)),
        lambda xp, v: xp.flip(v, a),
        lambda xp, v: xp.squeeze(xp.expand_dims(v, 1), 1),
        lambda xp, v: xp.reshape(v, (-1,) if v.size else (0,), order="F"),
    ):
        same(call(jnp, jnp.asarray(x)), call(np, x))


@FEW
@given(st.data(), SHAPE)
def test_pieces_join_and_repeat_as_in_numpy(data, shape):
    x = filled(shape)
    axis = data.draw(st.integers(-len(shape), len(shape) - 1))
    n = shape[axis]
    repeats = np.array(data.draw(st.lists(st.integers(0, 3), min_size=n, max_size=n)), np.int64)
    places = data.draw(st.lists(st.integers(0, n), max_size=3))
    shift = data.draw(st.integers(-9, 9))
    for call in (
        lambda xp, v: xp.concatenate([v, v, v], axis=axis),
        lambda xp, v: xp.stack([v, v], axis=axis),
        lambda xp, v: xp.repeat(v, repeats, axis=axis),
        lambda xp, v: xp.roll(v, shift, axis=axis),
        lambda xp, v: xp.tile(v, (2, 1)),
        lambda xp, v: xp.concatenate(xp.array_split(v, 3, axis=axis), axis=axis),
        lambda xp, v: xp.insert(v, np.array(places, np.int64), 7.0, axis=axis),
    ):
        same(call(jnp, jnp.asarray(x)), call(np, x))


@FEW
@given(st.data(), hnp.array_shapes(min_dims=1, max_dims=3, min_side=1, max_side=4))
def test_elements_are_taken_deleted_and_padded_as_in_numpy(data, shape):
    x = filled(shape)
    axis = data.draw(st.integers(-len(shape), len(shape) - 1))
    n = shape[axis]
    index = np.array(data.draw(st.lists(st.integers(-n, n - 1), max_size=4)), np.int64)
    pair = st.tuples(st.integers(0, 5), st.integers(0, 5))
    widths = data.draw(st.lists(pair, min_size=len(shape), max_size=len(shape)))
    mode = data.draw(
        st.sampled_from(["constant", "edge", "wrap", "reflect", "symmetric", "maximum"])
    )
    for call in (
        lambda xp, v: xp.take(v, index, axis=axis),
        lambda xp, v: xp.delete(v, index, axis=axis),
        lambda xp, v: xp.pad(v, widths, mode=mode),
        lambda xp, v: xp.diff(v, axis=axis),
    ):
        same(call(jnp, jnp.asarray(x)), call(np, x))
