"""Several devices. Run by test_sharded.py in a process of its own that has four CPU devices."""

import numpy as np
import pytest

from numax._engine import runtime as rt
from numax._engine.core.errors import JaxRuntimeError

SPMD = """
module @m attributes {mhlo.num_partitions = 4 : i32, mhlo.num_replicas = 1 : i32} {
  func.func public @main(%a: tensor<8x3xf32> {mhlo.sharding = "{devices=[4,1]<=[4]}"})
      -> (tensor<8x3xf32> {mhlo.sharding = "{devices=[4,1]<=[4]}"},
          tensor<f32> {mhlo.sharding = "{replicated}"}) {
    %c = stablehlo.constant dense<0.0> : tensor<f32>
    %0 = stablehlo.add %a, %a : tensor<8x3xf32>
    %1 = stablehlo.reduce(%a init: %c) applies stablehlo.add across dimensions = [0,1]
      : (tensor<8x3xf32>, tensor<f32>) -> tensor<f32>
    return %0, %1 : tensor<8x3xf32>, tensor<f32>
  }
}"""
SHARDY = """
module @m attributes {mhlo.num_partitions = 4 : i32, mhlo.num_replicas = 1 : i32} {
  sdy.mesh @mesh = <["x"=4]>
  func.func public @main(%a: tensor<8x3xf32> {sdy.sharding = #sdy.sharding<@mesh, [{"x"}, {}]>})
      -> (tensor<8x3xf32> {sdy.sharding = #sdy.sharding<@mesh, [{"x"}, {}]>},
          tensor<f32> {sdy.sharding = #sdy.sharding<@mesh, []>}) {
    %c = stablehlo.constant dense<0.0> : tensor<f32>
    %0 = stablehlo.add %a, %a : tensor<8x3xf32>
    %1 = stablehlo.reduce(%a init: %c) applies stablehlo.add across dimensions = [0,1]
      : (tensor<8x3xf32>, tensor<f32>) -> tensor<f32>
    return %0, %1 : tensor<8x3xf32>, tensor<f32>
  }
}"""
OUTPUTS = [((8, 3), np.float32, (4, 1)), ((), np.float32)]
REPLICAS = """
module @m attributes {mhlo.num_replicas = 4 : i32, mhlo.num_partitions = 1 : i32} {
  func.func public @main(%a: tensor<2xf32>) -> tensor<2xf32> {
    %0 = "stablehlo.all_reduce"(%a) <{replica_groups = dense<[[0, 1, 2, 3]]> : tensor<1x4xi64>}> ({
      ^bb0(%x: tensor<f32>, %y: tensor<f32>):
        %s = stablehlo.add %x, %y : tensor<f32>
        stablehlo.return %s : tensor<f32>
    }) : (tensor<2xf32>) -> tensor<2xf32>
    return %0 : tensor<2xf32>
  }
}"""
ADD = """
module @m {
  func.func public @main(%a: tensor<3xf32>) -> tensor<3xf32> {
    %0 = stablehlo.add %a, %a : tensor<3xf32>
    return %0 : tensor<3xf32>
  }
}"""


def test_there_are_four_devices():
    assert rt.device_count() == 4
    assert [d.id for d in rt.local_devices()] == [0, 1, 2, 3]
    with pytest.raises(RuntimeError, match="made already"):
        rt.set_num_cpu_devices(2)
    rt.set_num_cpu_devices(4)


@pytest.mark.parametrize("text", [SPMD, SHARDY], ids=["gspmd", "shardy"])
@pytest.mark.parametrize("from_disk", [False, True])
def test_sharded_arrays_go_through_a_partitioned_program(text, from_disk):
    devices = rt.devices()
    x = np.arange(24, dtype=np.float32).reshape(8, 3)
    rt.clear_memory()
    program = rt.compile(text, num_partitions=4, outputs=OUTPUTS)
    if from_disk:
        rt.clear_memory()
        before = rt.statistics.from_disk
        program = rt.compile(text, num_partitions=4, outputs=OUTPUTS)
        assert rt.statistics.from_disk == before + 1
    handle = rt.put_sharded(rt.split(x, devices, (4, 1)), devices, (4, 1))
    doubled, total = program([handle])
    assert rt.partition_of(doubled) == (4, 1) and rt.partition_of(total) is None
    assert rt.devices_of(doubled) == tuple(devices)
    np.testing.assert_array_equal(rt.to_numpy(doubled), 2 * x)
    assert rt.to_numpy(total) == x.sum()
    for i, shard in enumerate(rt.fetch_shards(doubled)):
        np.testing.assert_array_equal(shard, 2 * x[2 * i : 2 * i + 2])
    (again, _) = program([doubled])
    np.testing.assert_array_equal(rt.to_numpy(again), 4 * x)


def test_arguments_in_other_pieces_are_refused():
    program = rt.compile(SPMD, num_partitions=4, outputs=OUTPUTS)
    x = np.arange(24, dtype=np.float32).reshape(8, 3)
    with pytest.raises(JaxRuntimeError, match="pieces of shape"):
        program.call_numpy([x])
    with pytest.raises(JaxRuntimeError, match="does not lie"):
        program([rt.to_device(x[:2])])
    with pytest.raises(JaxRuntimeError, match="takes 1 arguments; got 0"):
        program([])


def test_replicas_talk_to_each_other():
    devices = rt.devices()
    program = rt.compile(REPLICAS, num_replicas=4, outputs=[((8,), np.float32, (4,))])
    x = np.arange(8, dtype=np.float32)
    handle = rt.put_sharded(rt.split(x, devices, (4,)), devices, (4,))
    (out,) = program([handle])
    np.testing.assert_array_equal(rt.to_numpy(out), np.tile(x.reshape(4, 2).sum(0), 4))


def test_programs_run_on_the_device_they_were_compiled_for():
    device = rt.devices()[2]
    program = rt.compile(ADD, devices=[device])
    (out,) = program.call_numpy([np.ones(3, np.float32)])
    assert rt.device_of(out) is device
    np.testing.assert_array_equal(rt.to_numpy(out), [2, 2, 2])
    wrong = rt.to_device(np.ones(3, np.float32), rt.devices()[1])
    with pytest.raises(JaxRuntimeError):
        rt.block(program([wrong])[0])
    (right,) = program([rt.move(wrong, device)])
    np.testing.assert_array_equal(rt.to_numpy(right), [2, 2, 2])


def test_disk_entries_of_one_device_are_not_used_for_another():
    for device in rt.devices():
        rt.clear_memory()
        (out,) = rt.compile(ADD, devices=[device]).call_numpy([np.ones(3, np.float32)])
        assert rt.device_of(out) is device


@pytest.mark.parametrize("partition", [None, (4, 1), (2, 2), (1, 4), (2, 1), (1, 2)])
def test_every_partition_gathers_to_the_whole(partition):
    devices = rt.devices()
    x = np.arange(32, dtype=np.int32).reshape(4, 8)
    handle = rt.put_sharded(rt.split(x, devices, partition), devices, partition)
    np.testing.assert_array_equal(rt.to_numpy(handle), x)
    assert rt.shape_dtype(handle) == ((4, 8), np.int32)
    np.testing.assert_array_equal(rt.to_numpy(rt.copy(handle)), x)
    moved = rt.move(handle, devices[3])
    assert rt.devices_of(moved) == (devices[3],)
    np.testing.assert_array_equal(rt.to_numpy(moved), x)


def test_shards_may_be_handles_that_lie_elsewhere():
    devices = rt.devices()
    shards = [rt.to_device(np.full(2, i, np.float32), devices[0]) for i in range(4)]
    handle = rt.put_sharded(shards, devices, (4,))
    np.testing.assert_array_equal(rt.to_numpy(handle), np.repeat(np.arange(4), 2))


@pytest.mark.parametrize(
    ("shape", "partition", "message"),
    [((8,), (4, 1), "does not fit"), ((7,), (4,), "does not divide"), ((9,), (3,), "cannot hold")],
)
def test_bad_partitions_are_refused(shape, partition, message):
    with pytest.raises(ValueError, match=message):
        rt.split(np.zeros(shape), rt.devices(), partition)


def test_shards_must_be_equal_and_one_a_device():
    devices = rt.devices()
    with pytest.raises(ValueError, match="4 addressable devices but 2 shards"):
        rt.put_sharded([np.ones(2)] * 2, devices, (4,))
    with pytest.raises(ValueError, match="differ in shape"):
        rt.put_sharded([np.ones(2)] * 3 + [np.ones(3)], devices, (4,))


def test_donated_shards_are_spared_where_numpy_looks_at_them():
    text = SPMD.replace('[4,1]<=[4]}"})\n', '[4,1]<=[4]}", tf.aliasing_output = 0 : i32})\n')
    assert "aliasing" in text
    program = rt.compile(text, num_partitions=4, outputs=OUTPUTS, donate=[0])
    devices = rt.devices()
    x = np.arange(24, dtype=np.float32).reshape(8, 3)
    handle = rt.put_sharded(rt.split(x, devices, (4, 1)), devices, (4, 1))
    views = rt.fetch_shards(handle)
    np.testing.assert_array_equal(rt.to_numpy(program([handle])[0]), 2 * x)
    np.testing.assert_array_equal(np.concatenate(views), x)


def test_the_number_of_devices_must_fit():
    with pytest.raises(ValueError, match="needs 4 devices; got 2"):
        rt.compile(SPMD, num_partitions=4, devices=rt.devices()[:2])
