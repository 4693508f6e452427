import numpy as np
import pytest

from numax._engine.stablehlo import hlo

F32, I32 = np.dtype(np.float32), np.dtype(np.int32)
X = np.arange(24, dtype=np.float32).reshape(2, 3, 4)


def _i(*values):
    return np.array(values, np.int32)


def test_iota_full_and_broadcast(run):
    def body(b, s, v):
        return (
            hlo.iota(b, (2, 3), I32, 1),
            hlo.full(b, 2.5, (2, 2), F32),
            hlo.full(b, True, (3,), np.dtype(bool)),
            hlo.full(b, 1.0, (0, 2), F32),
            hlo.broadcast_scalar(b, s, (2, 3)),
            hlo.broadcast_scalar(b, s, ()),
            hlo.broadcast_in_dim(b, v, (2, 3, 4), (1,)),
        )

    v = np.arange(3, dtype=np.float32)
    outs = run(body, np.float32(7), v)
    expected = [
        np.broadcast_to(np.arange(3), (2, 3)),
        np.full((2, 2), 2.5),
        np.ones(3, bool),
        np.ones((0, 2)),
        np.full((2, 3), 7),
        np.float32(7),
        np.broadcast_to(v[:, None], (2, 3, 4)),
    ]
    for out, value in zip(outs, expected, strict=True):
        np.testing.assert_array_equal(out, value)


def test_shapes_agree_with_numpy(run):
    def body(b, x, s):
        assert hlo.reshape(b, x, (2, 3, 4)) is x
        return (
            hlo.reshape(b, x, (4, 6)),
            hlo.reshape(b, s, (1, 1)),
            hlo.transpose(b, x, (2, 0, 1)),
            hlo.transpose(b, s, ()),
            hlo.reverse(b, x, (0, 2)),
            hlo.slice(b, x, (0, 1, 0), (2, 3, 4), (1, 1, 3)),
            hlo.slice(b, x, (1, 1, 2), (1, 3, 4)),
            hlo.slice(b, s, (), ()),
            hlo.concatenate(b, [x, x, hlo.slice(b, x, (0, 0, 0), (2, 1, 4))], 1),
        )

    s = np.float32(3)
    expected = [
        X.reshape(4, 6),
        s.reshape(1, 1),
        X.transpose(2, 0, 1),
        s,
        X[::-1, :, ::-1],
        X[:, 1:3, ::3],
        X[1:1, 1:3, 2:4],
        s,
        np.concatenate([X, X, X[:, :1]], 1),
    ]
    for out, value in zip(run(body, X, s), expected, strict=True):
        np.testing.assert_array_equal(out, value)


def test_pad_adds_between_and_cuts(run):
    x = np.arange(1, 5, dtype=np.float32)

    def body(b, x, v):
        return (
            hlo.pad(b, x, v, [1], [2], [1]),
            hlo.pad(b, x, v, [-1], [1]),
            hlo.pad(b, hlo.slice(b, x, (0,), (0,)), v, [1], [1], [3]),
        )

    one, two, three = run(body, x, np.float32(9))
    assert one.tolist() == [9, 1, 9, 2, 9, 3, 9, 4, 9, 9]
    assert two.tolist() == [2, 3, 4, 9]
    assert three.tolist() == [9, 9]


def test_optimization_barrier_passes_its_operands(run):
    def body(b, x, y):
        assert hlo.optimization_barrier(b) == []
        return [*hlo.optimization_barrier(b, x, y), *hlo.optimization_barrier(b, x)]

    one, two, three = run(body, X, _i(1, 2))
    np.testing.assert_array_equal(one, X)
    assert two.tolist() == [1, 2]
    np.testing.assert_array_equal(three, X)


def test_dynamic_slices_move_to_lie_within_bounds(run):
    update = -np.ones((1, 2, 2), np.float32)

    def body(b, x, u, i, j, k):
        taken = hlo.dynamic_slice(b, x, (i, j, k), (1, 2, 2))
        return taken, hlo.dynamic_update_slice(b, x, u, (i, j, k))

    taken, put = run(body, X, update, np.int32(1), np.int32(5), np.int32(-2))
    expected = X.copy()
    expected[1:2, 1:3, 0:2] = -1
    np.testing.assert_array_equal(taken, X[1:2, 1:3, 0:2])
    np.testing.assert_array_equal(put, expected)


def test_gather_rows_points_and_windows(run):
    x = X[0]

    def body(b, x, rows, points, batch, per_batch):
        return (
            hlo.gather(
                b,
                x,
                rows,
                offset_dims=(1,),
                collapsed_slice_dims=(0,),
                start_index_map=(0,),
                slice_sizes=(1, 4),
                indices_are_sorted=True,
            ),
            hlo.gather(
                b,
                x,
                points,
                offset_dims=(),
                collapsed_slice_dims=(0, 1),
                start_index_map=(0, 1),
                slice_sizes=(1, 1),
                index_vector_dim=0,
            ),
            hlo.gather(
                b,
                x,
                rows,
                offset_dims=(0, 2),
                collapsed_slice_dims=(),
                start_index_map=(1,),
                slice_sizes=(3, 2),
            ),
            hlo.gather(
                b,
                batch,
                per_batch,
                offset_dims=(1,),
                collapsed_slice_dims=(1,),
                start_index_map=(1,),
                slice_sizes=(1, 1, 4),
                operand_batching_dims=(0,),
                start_indices_batching_dims=(0,),
            ),
        )

    rows, points, per_batch = _i(0, 2)[:, None], _i(0, 1, 2, 2, 0, 3).reshape(2, 3), _i(2, 1)
    one, two, three, four = run(body, x, rows, points, X, per_batch[:, None])
    np.testing.assert_array_equal(one, x[[0, 2]])
    np.testing.assert_array_equal(two, x[points[0], points[1]])
    np.testing.assert_array_equal(three, np.stack([x[:, 0:2], x[:, 2:4]], 1))
    np.testing.assert_array_equal(four, X[[0, 1], per_batch])


def test_scatter_adds_replaces_and_drops_what_is_out_of_bounds(run):
    x = np.zeros((3, 2), np.float32)
    rows = _i(2, 0, 2, 7)[:, None]
    updates = np.arange(8, dtype=np.float32).reshape(4, 2)
    numbers = {
        "update_window_dims": (1,),
        "inserted_window_dims": (0,),
        "scatter_dims_to_operand_dims": (0,),
    }

    def body(b, x, rows, updates, unique):
        added = hlo.scatter(b, [x], rows, [updates], hlo.add, **numbers)
        replaced = hlo.scatter(
            b, [x], unique, [updates], hlo.second, unique_indices=True, **numbers
        )
        return [*added, *replaced]

    added, replaced = run(body, x, rows, updates, _i(1, 5, 2, 6)[:, None])
    expected = x.copy()
    np.add.at(expected, rows[:3, 0], updates[:3])
    np.testing.assert_array_equal(added, expected)
    np.testing.assert_array_equal(replaced, [[0, 0], [0, 1], [4, 5]])


def test_scatter_of_two_operands_in_batches(run):
    x, k = np.zeros((2, 3), np.float32), np.ones((2, 3), np.int32)
    rows = _i(1, 2)[:, None, None]
    updates, kupdates = np.array([[5.0], [6.0]], np.float32), _i(3, 4)[:, None]

    def combine(b, x, k, dx, dk):
        return hlo.add(b, x, dx), hlo.multiply(b, k, dk)

    def body(b, x, k, rows, updates, kupdates):
        return hlo.scatter(
            b,
            [x, k],
            rows,
            [updates, kupdates],
            combine,
            update_window_dims=(),
            inserted_window_dims=(1,),
            scatter_dims_to_operand_dims=(1,),
            input_batching_dims=(0,),
            scatter_indices_batching_dims=(0,),
        )

    one, two = run(body, x, k, rows, updates, kupdates)
    assert one.tolist() == [[0, 5, 0], [0, 0, 6]]
    assert two.tolist() == [[1, 3, 1], [1, 1, 4]]


def test_an_array_constant_is_not_repeated(run):
    with pytest.raises(ValueError, match="constant: only a number is repeated"):
        run(lambda b: hlo.constant(b, np.arange(3), I32, (2, 3)))
