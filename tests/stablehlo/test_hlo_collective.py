"""Collectives between two partitions, each of which sees the row of its number."""

import numpy as np
import pytest

from numax._engine.stablehlo import hlo
from numax._engine.stablehlo.builder import Builder

F32, U32 = np.dtype(np.float32), np.dtype(np.uint32)
GROUP = [[0, 1]]
X = np.arange(8, dtype=np.float32).reshape(2, 4)


@pytest.fixture(scope="module")
def spread(machine):
    """`spread(body)`: the results, device by device, of body(b, row) run on both rows of X."""

    def spread(body):
        b = Builder()
        (x,) = b.main([((2, 4), F32)])
        sharding = {"mhlo.sharding": "{devices=[2,1]<=[2]}"}
        manual = {"mhlo.sharding": "{manual}"}
        whole = b.custom_call("Sharding", [x], [((2, 4), F32)], api_version=1, attributes=sharding)
        (row,) = b.custom_call(
            "SPMDFullToShardShape", whole, [((1, 4), F32)], api_version=1, attributes=manual
        )
        outs, tiles = [], []
        for part in body(b, row):
            wide = hlo.reshape(b, part, (1, *part.shape))
            (wide,) = b.custom_call(
                "Sharding", [wide], [(wide.shape, wide.dtype)], api_version=1, attributes=manual
            )
            rank = f"{{devices=[2{',1' * len(part.shape)}]<=[2]}}"
            tiles.append({"mhlo.sharding": rank})
            outs += b.custom_call(
                "SPMDShardToFullShape",
                [wide],
                [((2, *part.shape), part.dtype)],
                api_version=1,
                attributes=tiles[-1],
            )
        attributes = {"mhlo.num_partitions": np.int32(2), "mhlo.num_replicas": np.int32(1)}
        text = b.module("spmd", outs, [sharding], tiles, attributes)
        return machine.run_on_two(text, X)

    return spread


def test_numbers_of_partition_and_replica(spread):
    partition, replica = spread(lambda b, row: [hlo.partition_id(b), hlo.replica_id(b)])
    assert [int(p[0]) for p in partition] == [0, 1]
    assert [int(r[0]) for r in replica] == [0, 0]


def test_all_gather(spread):
    def body(b, row):
        return [
            hlo.all_gather(b, row, 0, GROUP, 1, True),
            hlo.all_gather(b, row, 1, GROUP, 2, True),
        ]

    one, two = spread(body)
    for device in range(2):
        np.testing.assert_array_equal(one[device][0], X)
        np.testing.assert_array_equal(two[device][0], X.reshape(1, 8))


def test_all_reduce(spread):
    def body(b, row):
        return [
            hlo.all_reduce(b, row, hlo.add, GROUP, 1, True),
            hlo.all_reduce(b, row, hlo.maximum, [[0], [1]], 2, True),
        ]

    total, alone = spread(body)
    for device in range(2):
        np.testing.assert_array_equal(total[device][0], X.sum(0, keepdims=True))
        np.testing.assert_array_equal(alone[device][0], X[device : device + 1])


def test_reduce_scatter(spread):
    (out,) = spread(lambda b, row: [hlo.reduce_scatter(b, row, hlo.add, 1, GROUP, 1, True)])
    for device in range(2):
        np.testing.assert_array_equal(out[device][0, 0], X.sum(0)[2 * device : 2 * device + 2])


def test_all_to_all(spread):
    (out,) = spread(lambda b, row: [hlo.all_to_all(b, row, 1, 0, GROUP, 1)])
    for device in range(2):
        np.testing.assert_array_equal(out[device][0], X[:, 2 * device : 2 * device + 2])


def test_collective_permute(spread):
    def body(b, row):
        return [
            hlo.collective_permute(b, row, [(0, 1), (1, 0)], 1),
            hlo.collective_permute(b, row, [(0, 1)], 2),
        ]

    both, one = spread(body)
    for device in range(2):
        np.testing.assert_array_equal(both[device][0, 0], X[1 - device])
    np.testing.assert_array_equal(one[0][0, 0], np.zeros(4))
    np.testing.assert_array_equal(one[1][0, 0], X[0])


def test_collective_broadcast_is_known_but_not_built_for_cpus(machine):
    b = Builder()
    (x,) = b.main([((3,), F32)])
    out = hlo.collective_broadcast(b, x, [[0]], 3)
    assert out.shape == (3,)
    with pytest.raises(RuntimeError, match="collective-broadcast` is not supported by XLA:CPU"):
        machine.run(b.module("m", [out]), [X[0, :3]])
