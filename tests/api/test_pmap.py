"""pmap on four devices, which must be made before the first use: the checks run in another process."""

import os
import pathlib
import subprocess
import sys

import numpy as np
import pmap_devices
import pytest

import numax

RUN = """
import sys, traceback
import numax
numax.config.update("jax_num_cpu_devices", 4)
import pmap_devices
for check in pmap_devices.CHECKS:
    try:
        check()
        print("passed", check.__name__)
    except Exception:
        print("failed", check.__name__)
        traceback.print_exc()
"""


@pytest.fixture(scope="module")
def done():
    folder = str(pathlib.Path(__file__).parent)
    paths = os.pathsep.join([folder, *filter(None, [os.environ.get("PYTHONPATH")])])
    environment = os.environ | {"PYTHONPATH": paths, "PYTHONWARNINGS": "error"}
    run = [sys.executable, "-c", RUN]
    return subprocess.run(run, capture_output=True, text=True, env=environment, timeout=600)


@pytest.mark.parametrize("name", [check.__name__ for check in pmap_devices.CHECKS])
def test_on_four_devices(done, name):
    assert f"passed {name}\n" in done.stdout, done.stderr[-3000:]


def test_on_one_device():
    np.testing.assert_array_equal(numax.pmap(lambda x: x * 2)(np.ones((1, 2))), 2 * np.ones((1, 2)))
    np.testing.assert_array_equal(
        numax.pmap(lambda x: numax.lax.psum(x, "i"), axis_name="i")(np.ones((1, 2))),
        np.ones((1, 2)),
    )
