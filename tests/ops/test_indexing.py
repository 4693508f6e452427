"""x[idx] and x.at[idx] against NumPy, on every path: NumPy itself, operations, compiled with traced indices."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from ops_rules import check_batching, check_derivatives, compiled, pulled, run

from numax._engine.core import config, dtypes
from numax._engine.core.array import from_numpy, wrap
from numax._engine.core.avals import etype
from numax._engine.core.config import enable_x64
from numax._engine.core.errors import NonConcreteBooleanIndexError
from numax._engine.ops import indexing
from numax._engine.ops.elementwise import sin
from numax._engine.ops.indexing import At, index, index_update


@st.composite
def problems(draw, masks=True, duplicates=True):
    """A shape and an index expression that NumPy takes."""
    shape = tuple(draw(st.lists(st.integers(1, 4), min_size=1, max_size=4)))
    batch = draw(st.sampled_from([(), (1,), (3,), (2, 3)]))
    parts, d, arrays = [], 0, 0
    while d < len(shape):
        n = shape[d]
        kinds = ["int", "slice", "full", "array", "new", "dots", "npint"] + ["mask", "flag"] * masks
        kind = draw(st.sampled_from(kinds))
        if kind == "dots" and (
            Ellipsis in [p for p in parts if not isinstance(p, np.ndarray)] or d + 1 >= len(shape)
        ):
            kind = "full"
        if kind in ("int", "npint"):
            i = draw(st.integers(-n, n - 1))
            parts.append(i if kind == "int" else np.int64(i))
        elif kind == "full":
            parts.append(slice(None))
        elif kind == "slice":
            ends = st.none() | st.integers(-n - 1, n + 1)
            step = draw(st.sampled_from([None, 1, 2, -1, -2, 3]))
            parts.append(slice(draw(ends), draw(ends), step))
        elif kind == "array":
            sizes = batch[draw(st.integers(0, len(batch))) :]
            rng = np.random.default_rng(draw(st.integers(0, 99)))
            parts.append(rng.integers(-n, n, sizes))
            arrays += 1
        elif kind == "mask" and (not arrays or batch == (3,)):
            rng = np.random.default_rng(draw(st.integers(0, 99)))
            mask = np.zeros(n, bool)
            mask[rng.permutation(n)[: min(n, 3)]] = True
            if batch != (3,) or mask.sum() in (1, 3):
                parts.append(mask)
                batch = (int(mask.sum()),) if batch != (3,) else batch
            else:
                parts.append(slice(None))
        elif kind == "flag":
            parts.append(True)
            continue
        elif kind == "new":
            parts.append(None)
            continue
        elif kind == "dots":
            parts.append(Ellipsis)
            d += draw(st.integers(0, len(shape) - d - 1)) - 1
        else:
            parts.append(slice(None))
        d += 1
        if draw(st.integers(0, 5)) == 0:
            break
    return shape, tuple(parts)


def numbered(shape, dtype=np.float32):
    return np.arange(1, 1 + np.prod(shape), dtype=dtype).reshape(shape)


def numpys(x, idx):
    """NumPy's answer, or None where it has none."""
    try:
        return x[idx]
    except (IndexError, ValueError):
        return None


@settings(max_examples=400, deadline=None)
@given(problems())
def test_reading_is_numpys(problem):
    shape, idx = problem
    x = numbered(shape)
    expected = numpys(x, idx)
    a = from_numpy(x)
    if expected is None:
        with pytest.raises((IndexError, ValueError)):
            index(a, idx)
        with pytest.raises((IndexError, ValueError)):
            indexing._read(a, idx)
        return
    for got in (index(a, idx), indexing._read(a, idx)):
        np.testing.assert_array_equal(got.numpy_(), expected)
        assert got.shape == expected.shape


def traced_parts(idx):
    """Which parts of an index can be traced: integers and integer arrays."""
    return [
        i
        for i, e in enumerate(idx)
        if (isinstance(e, np.ndarray) and e.dtype != bool)
        or (isinstance(e, int | np.integer) and e is not True)
    ]


@settings(max_examples=30, deadline=None)
@given(problems(), st.data())
def test_traced_indices_are_numpys(problem, data):
    shape, idx = problem
    x = numbered(shape)
    expected = numpys(x, idx)
    if expected is None:
        return
    places = [i for i in traced_parts(idx) if data.draw(st.booleans())]

    def call(a, *parts):
        whole = list(idx)
        for i, part in zip(places, parts, strict=True):
            whole[i] = part
        return index(a, tuple(whole))

    got = compiled(call, [x, *[np.asarray(idx[i]) for i in places]])[0]
    np.testing.assert_array_equal(got, expected)
    assert got.shape == expected.shape


UFUNCS = {
    "set": None,
    "add": np.add,
    "subtract": np.subtract,
    "multiply": np.multiply,
    "divide": np.divide,
    "power": np.power,
    "min": np.minimum,
    "max": np.maximum,
}


def updated(x, idx, y, kind):
    out = x.copy()
    if kind == "set":
        out[idx] = y
    else:
        UFUNCS[kind].at(out, idx, y)
    return out


def distinct(shape, idx):
    numbers = np.arange(np.prod(shape)).reshape(shape)[idx]
    return np.unique(numbers).size == numbers.size


@settings(max_examples=300, deadline=None)
@given(problems(), st.sampled_from(sorted(UFUNCS)), st.booleans(), st.data())
def test_writing_is_numpys(problem, kind, whole, data):
    shape, idx = problem
    x = numbered(shape)
    found = numpys(x, idx)
    if found is None or (kind == "set" and not distinct(shape, idx)):
        return
    rng = np.random.default_rng(0)
    y = (rng.integers(1, 3, found.shape) if whole else np.array(2)).astype(np.float32)
    expected = updated(x, idx, y, kind)
    a = from_numpy(x)
    got = index_update(a, idx, y, kind)
    np.testing.assert_allclose(got.numpy_(), expected, rtol=1e-5)
    plan = indexing.make(shape, idx, True)
    got = indexing._write(a, plan, from_numpy(y), kind, None, True, False, False)
    np.testing.assert_allclose(got.numpy_(), expected, rtol=1e-5)


@settings(max_examples=25, deadline=None)
@given(problems(), st.sampled_from(sorted(UFUNCS)), st.data())
def test_traced_writing_is_numpys(problem, kind, data):
    shape, idx = problem
    x = numbered(shape)
    found = numpys(x, idx)
    if found is None or (kind == "set" and not distinct(shape, idx)):
        return
    y = np.random.default_rng(0).integers(1, 3, found.shape).astype(np.float32)
    places = [i for i in traced_parts(idx) if data.draw(st.booleans())]

    def call(a, v, *parts):
        whole = list(idx)
        for i, part in zip(places, parts, strict=True):
            whole[i] = part
        return index_update(a, tuple(whole), v, kind)

    got = compiled(call, [x, y, *[np.asarray(idx[i]) for i in places]])[0]
    np.testing.assert_allclose(got, updated(x, idx, y, kind), rtol=1e-5)


@settings(max_examples=25, deadline=None)
@given(problems(), st.sampled_from(["set", "add", "multiply", "divide", "max"]))
def test_derivatives_and_batching(problem, kind):
    shape, idx = problem
    x = np.random.default_rng(0).uniform(0.5, 1.5, shape)
    found = numpys(x, idx)
    if found is None or (kind == "set" and not distinct(shape, idx)):
        return
    y = np.random.default_rng(1).uniform(1.6, 2.5, found.shape)
    check_derivatives(lambda a: index(a, idx), [x], order=1)
    check_derivatives(lambda a, v: index_update(a, idx, v, kind), [x, y], order=1)
    with enable_x64(True):
        check_batching(lambda a: index(a, idx), [x], 0, 0)
        check_batching(lambda a, v: index_update(a, idx, v, kind), [x, y], 1e-12, 1e-12)


@pytest.mark.parametrize(
    "idx",
    [1, (slice(None), 1), (1, slice(0, 2)), (0, 1), ([0, 1, 0],), (slice(None, None, 2), [1, 1])],
)
def test_functions_apply(idx):
    x = np.random.default_rng(0).standard_normal((3, 4))
    expected = x.copy()
    np.sin.at(expected, tuple(idx) if isinstance(idx, tuple) else idx)

    def call(a):
        return At(a)[idx].apply(sin)

    with enable_x64(True):
        np.testing.assert_allclose(run(call, [x])[0], expected, rtol=1e-14)
        np.testing.assert_allclose(compiled(call, [x])[0], expected, rtol=1e-14)
    check_derivatives(call, [x], order=2)


def test_batched_indices():
    x = numbered((3, 4), np.float64)
    with enable_x64(True):
        check_batching(lambda a, i: index(a, i), [x, np.int32(2)], 0, 0)
        check_batching(lambda a, i: index(a, (slice(None), i)), [x, np.array([1, 3, 0])], 0, 0)
        check_batching(
            lambda a, i, y: index_update(a, i, y, "add"),
            [x, np.array([1, 1, 0]), np.ones((3, 4))],
            1e-12,
            1e-12,
        )


# ---- out of bounds ----

V = from_numpy(np.arange(3, dtype=np.float32))
X = from_numpy(numbered((3, 4)))


@pytest.mark.parametrize(
    ("idx", "message"),
    [
        (5, "index 5 is out of bounds for axis 0 with size 3"),
        (-4, "index -4 is out of bounds for axis 0 with size 3"),
        (np.array([0, 7]), "index 7 is out of bounds for axis 0"),
        (np.array([0, -9]), "index -9 is out of bounds"),
        (np.uint8(200), "index 200 is out of bounds"),
        (2**40, f"index {2**40} is out of bounds"),
    ],
)
def test_known_indices_out_of_bounds_raise(idx, message):
    for call in (
        lambda: index(V, idx),
        lambda: indexing._read(V, idx),
        lambda: index_update(V, idx, 1.0),
        lambda: compiled(lambda v: index(v, idx), [np.arange(3.0)]),
    ):
        with pytest.raises(IndexError, match=message):
            call()
    with pytest.raises(IndexError, match="index 9 is out of bounds for axis 1 with size 4"):
        index(X, (0, 9))


def test_the_option_follows_jax():
    with config.index_bounds("jax"):
        assert index(V, 5).numpy_() == 2
        assert index(V, -7).numpy_() == 0
        assert index(V, np.array([5, -1, -9])).numpy_().tolist() == [2, 2, 0]
        assert index_update(V, 5, 9.0).numpy_().tolist() == [0, 1, 2]
        assert index_update(V, np.array([5, 1]), 9.0, "add").numpy_().tolist() == [0, 10, 2]


@pytest.mark.parametrize("how", [run, compiled])
def test_traced_indices_out_of_bounds(how):
    args = [np.arange(3, dtype=np.float32), np.array([5, -9, -1])]

    def same(call, expected):
        np.testing.assert_array_equal(how(call, args)[0], np.array(expected, np.float32))

    if how is compiled:
        same(lambda v, i: index(v, i), [2, 0, 2])
        same(lambda v, i: index(v, index(i, 0)), 2)
        same(lambda v, i: At(v)[i].set(9.0), [0, 1, 9])
        same(lambda v, i: At(v)[index(i, 0)].set(9.0), [0, 1, 2])
    same(lambda v, i: At(v)[i].get(mode="fill"), [np.nan, np.nan, 2])
    same(lambda v, i: At(v)[i].get(mode="fill", fill_value=7), [7, 7, 2])
    same(lambda v, i: At(v)[index(i, 1)].get(mode="fill"), np.nan)
    same(lambda v, i: At(v)[i].get(mode="clip"), [2, 0, 2])
    same(lambda v, i: At(v)[i].get(mode="fill", wrap_negative_indices=False), [np.nan] * 3)
    same(lambda v, i: At(v)[i].set(9.0, mode="drop"), [0, 1, 9])
    same(lambda v, i: At(v)[i].add(1.0, mode="clip"), [1, 1, 4])
    same(lambda v, i: At(v)[-1].set(3.0, wrap_negative_indices=False), [0, 1, 2])
    same(lambda v, i: At(v)[5].get(mode="clip"), 2)
    same(lambda v, i: At(v)[5].set(1.0, mode="drop"), [0, 1, 2])
    same(lambda v, i: At(v)[5].multiply(4.0, mode="clip"), [0, 1, 8])


def test_gradients_of_repeated_indices():
    i = from_numpy(np.array([1, 1]))
    got = pulled(lambda v: index(v, i), [np.arange(3.0)], [np.array([1.0, 2.0])])
    np.testing.assert_array_equal(got[0], [0, 3, 0])


# ---- kinds of indices, dtypes, errors ----


def test_slices_take_known_arrays():
    one = from_numpy(np.int32(1))
    assert index(V, slice(one, None)).numpy_().tolist() == [1, 2]
    assert indexing._read(V, slice(None, one)).numpy_().tolist() == [0]
    assert index(V, slice(np.int64(2), None)).numpy_().tolist() == [2]
    with pytest.raises(TypeError, match="ends of a slice must be integers; got float32"):
        index(V, slice(from_numpy(np.array(1, np.float32)), None))


def test_lists_inside_tuples_are_index_arrays():
    assert index(X, ([0, 1], 0)).numpy_().tolist() == [1, 5]
    assert index(X, ([True, False, True], 0)).numpy_().tolist() == [1, 9]
    assert index(X, ([], 0)).shape == (0,)
    got = compiled(lambda a, i: index(a, ([i, 0], 1)), [numbered((3, 4)), np.int32(2)])[0]
    assert got.tolist() == [10, 2]


def test_values_take_the_dtype_of_the_array():
    whole = from_numpy(np.arange(3, dtype=np.int32))
    with pytest.warns(FutureWarning, match="set: the value is of float32"):
        assert index_update(whole, 0, 1.5).numpy_().tolist() == [1, 1, 2]
    assert index_update(from_numpy(np.zeros(2, np.int8)), 0, 300).numpy_().tolist() == [44, 0]
    out = index_update(whole, 1, 2, "divide")
    assert out.dtype == np.float32
    assert out.numpy_().tolist() == [0, 0.5, 2]
    assert index_update(V, slice(0, 2), [7, 8]).numpy_().tolist() == [7, 8, 2]


@pytest.mark.parametrize("how", [run, compiled])
def test_powers_of_integers(how):
    args = [np.arange(4), np.array([2, 2]), np.int32(2)]
    assert how(lambda a, i, y: index_update(a, i, y, "power"), args)[0].tolist() == [0, 1, 16, 3]
    assert how(lambda a, i, y: index_update(a, 3, 3, "power"), args)[0].tolist() == [0, 1, 2, 27]
    small = [np.array([3, 5], np.uint8), np.uint8(200)]
    got = how(lambda a, y: index_update(a, slice(None), y, "power"), small)[0]
    assert got.tolist() == [pow(3, 200, 256), pow(5, 200, 256)]


@pytest.mark.parametrize(
    "dtype", ["bool", "int8", "uint16", "bfloat16", "float16", "complex64", "int4"]
)
def test_dtypes(dtype):
    x = np.arange(6).reshape(2, 3).astype(dtypes.as_dtype(dtype))
    for idx in (1, (slice(None), np.array([2, 0])), (slice(None, None, -1), 1)):
        for how in (run, compiled):
            got = how(lambda a, idx=idx: index(a, idx), [x])[0]
            assert got.dtype == x.dtype
            np.testing.assert_array_equal(got, x[idx])
            expected = x.copy()
            expected[idx] = x[0, 0]
            got = how(lambda a, idx=idx: index_update(a, idx, index(a, (0, 0))), [x])[0]
            np.testing.assert_array_equal(got, expected)


def test_keys():
    k = wrap(np.array([5, 6, 2**63], np.uint64), etype(dtypes.key_type("threefry2x32", "fry")))
    assert index(k, 2).numpy_() == 2**63
    assert index(k, np.array([2, 0])).dtype == k.dtype
    assert index_update(k, 0, index(k, 2)).numpy_().tolist() == [2**63, 6, 2**63]
    assert indexing._read(k, np.array([2, 0])).numpy_().tolist() == [2**63, 5]
    with pytest.raises(TypeError, match="keys and numbers do not mix"):
        index_update(k, 0, 1)


def test_weak_types_stay():
    weak = wrap(np.ones(3, np.float32), etype(np.dtype("float32"), True))
    assert index(weak, 0).weak_type
    assert indexing._read(weak, 0).weak_type
    assert index_update(weak, 0, np.float32(2)).weak_type
    assert compiled(lambda a: index_update(a, slice(0, 2), 1.0), [np.zeros(3, np.float32)])[
        0
    ].tolist() == [1, 1, 0]


@pytest.mark.parametrize(
    ("idx", "error", "message"),
    [
        ([0, 1], TypeError, "using a non-tuple sequence"),
        (range(2), TypeError, "using a non-tuple sequence"),
        ("a", TypeError, "no fields"),
        (1.5, TypeError, "integers or booleans; got float"),
        (np.array([1.0]), TypeError, r"integers or booleans; got float64\[1\]"),
        (V, TypeError, r"integers or booleans; got float32\[3\]"),
        ((0, 0, 0), IndexError, "too many indices: the array is 2-dimensional"),
        ((Ellipsis, 0, Ellipsis), IndexError, "single ellipsis"),
        (
            np.array([True, False]),
            IndexError,
            r"mask of shape \(2,\) stands for axes 0 to 0 of sizes \(3,\)",
        ),
        (np.ones((3, 3), bool), IndexError, r"mask of shape \(3, 3\)"),
        (
            (np.array([0, 1]), np.array([0, 1, 2])),
            ValueError,
            "incompatible shapes for broadcasting",
        ),
        (slice(1.0, None), TypeError, "ends of a slice must be integers"),
        (slice(None, None, 0), ValueError, "step of a slice cannot be zero"),
        (object(), IndexError, "only integers, slices"),
        ({1}, IndexError, "only integers, slices"),
    ],
)
def test_bad_indices(idx, error, message):
    for call in (
        lambda: index(X, idx),
        lambda: indexing._read(X, idx),
        lambda: index_update(X, idx, 1.0),
    ):
        with pytest.raises(error, match=message):
            call()


def test_bad_traced_indices():
    x = np.arange(3, dtype=np.float32)
    with pytest.raises(NonConcreteBooleanIndexError, match=r"where\(mask, x, 0\)"):
        compiled(lambda a, m: index(a, m), [x, x > 0])
    with pytest.raises(NonConcreteBooleanIndexError, match="known while tracing"):
        compiled(lambda a, m: index_update(a, m, 1.0), [x, x > 0])
    with pytest.raises(TypeError, match="integers or booleans"):
        compiled(lambda a, i: index(a, i), [x, x])
    with pytest.raises(IndexError, match=r"int32\[\] at position 0. Use numax.lax.dynamic_slice"):
        compiled(lambda a, i: index(a, slice(i, None)), [x, np.int32(1)])
    with pytest.raises(TypeError, match="fill_value must be a number, neither traced"):
        compiled(lambda a, v, i: At(a)[i].get(mode="fill", fill_value=v), [x, x[0], np.int32(0)])


def test_bad_values():
    with pytest.raises(
        ValueError, match=r"set: the value must broadcast .* \(4,\); got float32\[3\]"
    ):
        index_update(X, 0, np.ones(3, np.float32))
    with pytest.raises(ValueError, match="must broadcast"):
        index_update(X, 0, np.ones((1, 1, 4), np.float32))
    with pytest.raises(ValueError, match="must broadcast"):
        index_update(V, np.array([0, 1]), np.ones((1, 2), np.float32))
    with pytest.raises(ValueError, match="unknown mode 'foo'"):
        At(V)[0].set(1.0, mode="foo")
    with pytest.raises(TypeError, match="apply: the function must work on each element"):
        At(X)[0].apply(lambda v: index(v, 0))


def test_representations():
    assert repr(At(3)) == "_IndexUpdateHelper(3)"
    assert repr(At(3)[0]) == "_IndexUpdateRef(3, 0)"
