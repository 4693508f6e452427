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


A, V, IV = f(2, 3), f(5), i(6)

SHAPES = [
    Row(
        "roll_traced",
        lambda xp, a, s: xp.roll(a, s, axis=0),
        (V, np.int32(-7)),
        reference=lambda a, s: np.roll(a, int(s)),
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


ROWS = SHAPES + PADS


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
