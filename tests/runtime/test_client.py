import os
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from numax._engine import runtime as rt
from numax._engine.core.native import native
from numax._engine.runtime import client, installed

ROOT = Path(rt.__file__).resolve().parents[3]


def _run(code, **environment):
    env = {name: value for name, value in os.environ.items() if not name.endswith("_PLATFORMS")}
    env |= {"PYTHONPATH": str(ROOT), "NUMAX_CACHE_DIR": "", **environment}
    return subprocess.run(
        [sys.executable, "-c", textwrap.dedent(code)],
        env=env,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def _output(code, **environment):
    done = _run(code, **environment)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def test_devices_tell_id_platform_and_kind():
    device = rt.devices("cpu")[0]
    assert device.id == 0 and device.platform == "cpu" and device.device_kind
    assert rt.backend("cpu") is rt.backend("CPU")
    assert rt.backend_of(device) is rt.backend("cpu")
    assert rt.process_index() == 0
    assert rt.is_made() and rt.available()


def test_an_unknown_platform_is_an_error():
    with pytest.raises(RuntimeError, match="no PJRT plugin for platform 'abacus'"):
        rt.devices("abacus")


def test_options_of_clients_come_too_late_once_one_is_made():
    rt.backend()
    with pytest.raises(RuntimeError, match="a client is made already"):
        rt.set_client_options(node_id=0)


def test_the_number_of_cpu_devices_must_be_positive():
    with pytest.raises(ValueError, match="at least 1"):
        rt.set_num_cpu_devices(0)


@pytest.mark.parametrize(
    ("before", "environment", "count"),
    [
        ("", {}, 1),
        ("rt.set_num_cpu_devices(3)", {}, 3),
        ("", {"XLA_FLAGS": "--xla_force_host_platform_device_count=2"}, 2),
        ("", {"NUMAX_NUM_CPU_DEVICES": "5"}, 5),
        ("", {"JAX_NUM_CPU_DEVICES": "4"}, 4),
    ],
)
def test_the_number_of_cpu_devices_is_settable(before, environment, count):
    code = f"from numax._engine import runtime as rt\n{before}\nprint(rt.device_count('cpu'))"
    assert _output(code, **{"XLA_FLAGS": "", **environment}) == str(count)


@pytest.mark.parametrize("name", ["JAX_PLATFORMS", "NUMAX_PLATFORMS"])
def test_platforms_are_chosen_by_the_environment(name):
    code = """
    from numax._engine import runtime as rt
    try:
        print(rt.default_backend())
    except RuntimeError as error:
        print(error)
    """
    assert _output(code, **{name: "cpu"}) == "cpu"
    assert _output(code, **{name: "abacus,cpu"}) == "cpu"
    assert "none of the platforms" in _output(code, **{name: "abacus"})


def test_plugins_are_found_by_their_library(tmp_path, monkeypatch):
    assert installed.find("abacus") is None
    folder = tmp_path / "jax_plugins" / "xla_cuda13"
    folder.mkdir(parents=True)
    library = folder / "xla_cuda_plugin.so"
    library.write_bytes(b"")
    monkeypatch.setattr(sys, "path", [str(tmp_path)])
    assert installed.find("cuda") == str(library)
    assert installed.installed() == ["cuda"]
    monkeypatch.setenv("PJRT_NAMES_AND_LIBRARY_PATHS", "abacus:/somewhere/libabacus.so")
    assert installed.find("abacus") == "/somewhere/libabacus.so"
    assert installed.installed() == ["abacus", "cuda"]


def test_a_plugin_that_does_not_start_leaves_the_cpu(tmp_path):
    folder = tmp_path / "jax_plugins" / "xla_cuda12"
    folder.mkdir(parents=True)
    (folder / "xla_cuda_plugin.so").write_bytes(b"not a library")
    done = _run(
        "from numax._engine import runtime as rt\nprint(rt.default_backend())",
        PYTHONPATH=f"{ROOT}{os.pathsep}{tmp_path}",
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == "cpu"
    assert "cuda plugin could not be started" in done.stderr


PROGRAM = """
import os, sys, numpy as np
from numax._engine import runtime as rt
text = '''module @m { func.func public @main(%a: tensor<500000xf32>) -> tensor<500000xf32> {
  %0 = stablehlo.sine %a : tensor<500000xf32>
  return %0 : tensor<500000xf32> } }'''
program = rt.compile(text)
x = np.ones(500000, np.float32)
handle = program.call_numpy([x])[0]
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs os.fork, which Windows has not")
def test_a_forked_child_is_told_that_xla_cannot_run_and_can_read_what_is_there():
    code = (
        PROGRAM
        + """
rt.block(handle)
pid = os.fork()
if pid == 0:
    assert not rt.available()
    assert abs(rt.to_numpy(handle)[7] - np.sin(1.0)) < 1e-6
    told = 0
    for action in (
        lambda: program([handle]),
        lambda: program.call_numpy([x]),
        lambda: rt.to_device(x),
        lambda: rt.compile(text),
    ):
        try:
            action()
        except RuntimeError as error:
            told += "forked" in str(error)
    sys.exit(10 + told)
print(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
print(rt.to_numpy(program([handle])[0]).shape)
"""
    )
    assert _output(code) == "14\n(500000,)"


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs os.fork, which Windows has not")
def test_a_child_forked_before_the_first_program_may_run_its_own():
    code = """
import os, sys
from numax._engine import runtime as rt
from numax._engine.runtime.door import xla
xla()
pid = os.fork()
if pid == 0:
    assert rt.device_count() == 1
    sys.exit(21)
print(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
"""
    assert _output(code) == "21"


def test_exiting_with_work_under_way_neither_hangs_nor_crashes():
    assert (
        _output(PROGRAM + "for _ in range(20): handle = program([handle])[0]\nprint('end')")
        == "end"
    )


def test_exiting_with_a_running_thread_neither_hangs_nor_crashes():
    code = (
        PROGRAM
        + """
import threading, time
def work():
    while True:
        rt.to_numpy(program.call_numpy([x])[0])
threading.Thread(target=work, daemon=True).start()
time.sleep(0.2)
print('end')
"""
    )
    assert _output(code) == "end"


@pytest.mark.skipif(native is None, reason="needs the native extension (a C compiler)")
def test_exiting_while_a_thread_frees_handles_does_not_crash():
    code = (
        PROGRAM.replace("500000", "30000")
        + """
import threading
handles = [program([handle])[0] for _ in range(3000)]
rt.block_all(handles)
started = threading.Event()
def work():
    started.set()
    while handles:
        handles.pop()  # jaxlib lets the interpreter's lock go while it frees the memory
threading.Thread(target=work, daemon=True).start()
started.wait()
print('end')
"""
    )
    assert _output(code) == "end"


def test_exiting_while_a_thread_calls_a_jitted_function_neither_hangs_nor_crashes():
    code = """
    import threading, numax, numax.numpy as jnp
    x = jnp.ones((300, 300))
    f = numax.jit(lambda a: jnp.sin(a @ a))
    f(x)
    started = threading.Event()
    def work():
        while True:
            f(x)
            started.set()
    threading.Thread(target=work, daemon=True).start()
    started.wait()
    print('end')
    """
    assert _output(code) == "end"


def test_callbacks_under_way_at_the_exit_are_waited_for():
    code = """
import numpy as np, time
from numax._engine import runtime as rt
text = '''module @m { func.func public @main(%a: tensor<600x600xf32>) -> tensor<600x600xf32> {
  %0 = stablehlo.dot_general %a, %a, contracting_dims = [1] x [0]
    : (tensor<600x600xf32>, tensor<600x600xf32>) -> tensor<600x600xf32>
  %1 = stablehlo.custom_call @xla_ffi_python_cpu_callback(%0) {
    api_version = 4 : i32, has_side_effect = true, backend_config = {index = 0 : ui64}
  } : (tensor<600x600xf32>) -> tensor<600x600xf32>
  return %1 : tensor<600x600xf32> } }'''
def slow(x):
    time.sleep(0.3)
    print("called", flush=True)
    return (x + 0,)
rt.compile(text, callbacks=[slow]).call_numpy([np.ones((600, 600), np.float32)])
print("end of the script", flush=True)
"""
    assert sorted(_output(code).split("\n")) == ["called", "end of the script"]


def test_backends_are_named_in_their_repr():
    assert repr(client.backend("cpu")).startswith("<cpu backend, ")
