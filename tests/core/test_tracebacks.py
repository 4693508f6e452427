import os
import subprocess
import sys


def run(code, **env):
    return subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, env=env or None
    )


CODE = """
import numax, numax.numpy as jnp

@numax.jit
def f(x):
    return x + jnp.ones(3)

f(jnp.ones(2))
"""


def test_uncaught_errors_end_at_the_users_line():
    shown = run(CODE).stderr
    assert "_engine" not in shown
    assert "in f" in shown and "shapes" in shown
    assert "own frames are hidden" in shown


def test_own_frames_can_be_shown():
    shown = run(CODE, **os.environ, NUMAX_TRACEBACK_FILTERING="off").stderr
    assert "_engine" in shown
