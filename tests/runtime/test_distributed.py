import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from numax._engine import runtime as rt

ROOT = Path(rt.__file__).resolve().parents[3]

PROGRAM = """
import sys, numpy as np
from numax._engine import runtime as rt
rank, address = int(sys.argv[1]), sys.argv[2]
rt.distributed.initialize(address, 2, rank, initialization_timeout=60)
assert rt.distributed.is_initialized()
assert rt.process_index() == rank and rt.device_count() == 2 and len(rt.local_devices()) == 1
text = '''
module @m attributes {mhlo.num_partitions = 2 : i32, mhlo.num_replicas = 1 : i32} {
  sdy.mesh @mesh = <["x"=2]>
  func.func public @main(%a: tensor<8x3xf32> {sdy.sharding = #sdy.sharding<@mesh, [{"x"}, {}]>})
      -> (tensor<8x3xf32> {sdy.sharding = #sdy.sharding<@mesh, [{"x"}, {}]>},
          tensor<f32> {sdy.sharding = #sdy.sharding<@mesh, []>}) {
    %c = stablehlo.constant dense<0.0> : tensor<f32>
    %0 = stablehlo.add %a, %a : tensor<8x3xf32>
    %1 = stablehlo.reduce(%a init: %c) applies stablehlo.add across dimensions = [0,1]
      : (tensor<8x3xf32>, tensor<f32>) -> tensor<f32>
    return %0, %1 : tensor<8x3xf32>, tensor<f32>
  }
}'''
devices = rt.devices()
x = np.arange(24, dtype=np.float32).reshape(8, 3)
mine = x[4 * rank : 4 * rank + 4]
handle = rt.put_sharded([mine], devices, (2, 1))
outputs = [((8, 3), np.float32, (2, 1)), ((), np.float32)]
program = rt.compile(text, num_partitions=2, outputs=outputs)
doubled, total = program([handle])
(shard,) = rt.fetch_shards(doubled)
assert (shard == 2 * mine).all()
try:
    rt.to_numpy(doubled)
except RuntimeError as error:
    assert "other processes" in str(error)
print(float(rt.to_numpy(total)))
"""


def test_two_processes_compute_together():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{probe.getsockname()[1]}"
    env = {**os.environ, "PYTHONPATH": str(ROOT), "XLA_FLAGS": "", "NUMAX_CACHE_DIR": ""}
    ranks = [
        subprocess.Popen(
            [sys.executable, "-c", PROGRAM, str(rank), address],
            env=env,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for rank in range(2)
    ]
    done = [process.communicate(timeout=120) for process in ranks]
    for process, (out, err) in zip(ranks, done, strict=True):
        assert process.returncode == 0, err
        assert out.splitlines()[-1] == "276.0"


def test_a_rank_outside_the_range_is_refused():
    with pytest.raises(ValueError, match="from 0 to 1; got 2"):
        rt.distributed.initialize("127.0.0.1:1", 2, 2)


def test_joining_after_the_first_computation_is_refused():
    rt.backend()
    with pytest.raises(RuntimeError, match="before the first computation"):
        rt.distributed.initialize("127.0.0.1:1", 1, 0)
    assert not rt.distributed.is_initialized()
