"""Collectives between devices."""

import os
import subprocess
import sys
from pathlib import Path


def test_pmap_agrees_with_vmap():
    script = Path(__file__).with_name("collective_devices.py")
    root = Path(__file__).parents[2]
    environment = {**os.environ, "PYTHONPATH": str(root)}
    done = subprocess.run(
        [sys.executable, str(script)],
        capture_output=True,
        text=True,
        timeout=300,
        cwd=root,
        env=environment,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    assert "agree" in done.stdout
