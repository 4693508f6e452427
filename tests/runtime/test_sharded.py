import os
import subprocess
import sys
from pathlib import Path


def test_the_cases_of_several_devices_pass_in_a_process_with_four():
    cases = Path(__file__).with_name("sharded_cases.py")
    env = {**os.environ, "XLA_FLAGS": "--xla_force_host_platform_device_count=4"}
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", str(cases)],
        env=env,
        cwd=cases.parents[2],
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-8000:] + done.stderr[-2000:]
