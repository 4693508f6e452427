import os
import subprocess
import sys
import textwrap
from pathlib import Path

import numax._engine.runtime as rt

ROOT = Path(rt.__file__).resolve().parents[3]


def _run(code, **environment):
    env = {**os.environ, "PYTHONPATH": str(ROOT), **environment}
    return subprocess.run(
        [sys.executable, "-W", "error::RuntimeWarning", "-c", textwrap.dedent(code)],
        env=env,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def test_importing_the_package_does_not_import_jaxlib():
    done = _run(
        """
        import sys
        import numax._engine.runtime
        assert not [name for name in sys.modules if name.split(".")[0] in ("jaxlib", "jax")]
        """
    )
    assert done.returncode == 0, done.stderr


PROGRAM = """
    import sys, numpy as np, ml_dtypes
    from numax._engine import runtime as rt
    text = '''module @m attributes {mhlo.num_partitions = 2 : i32, mhlo.num_replicas = 1 : i32} {
      func.func public @main(%a: tensor<4xTYPE> {mhlo.sharding = "{devices=[2]<=[2]}"})
          -> (tensor<4xTYPE> {mhlo.sharding = "{devices=[2]<=[2]}"}) {
        %0 = stablehlo.add %a, %a : tensor<4xTYPE>
        return %0 : tensor<4xTYPE>
      }
    }'''
    one = (
        "module @m { func.func public @main(%a: tensor<4xTYPE>) -> tensor<4xTYPE> "
        "{ return %a : tensor<4xTYPE> } }"
    )
    devices = rt.devices()
    for name, dtype in (("f32", np.float32), ("bf16", ml_dtypes.bfloat16), ("i4", ml_dtypes.int4)):
        x = np.array([1, 2, 3, -1], dtype)
        single = rt.compile(one.replace("TYPE", name))
        assert (rt.to_numpy(single.call_numpy([x])[0]) == x).all()
        program = rt.compile(
            text.replace("TYPE", name),
            devices=devices,
            num_partitions=2,
            outputs=[((4,), dtype, (2,))],
        )
        handle = rt.put_sharded(rt.split(x, devices, (2,)), devices, (2,))
        (out,) = program([handle])
        assert (rt.to_numpy(out) == x + x).all()
        assert len(rt.fetch_shards(out)) == 2
        moved = rt.move(rt.to_device(x), devices[1])
        assert (rt.to_numpy(moved) == x).all()
    print("imported", sorted(n for n in sys.modules if n.split(".")[0] == "jax"))
"""


def test_running_programs_never_imports_jax(tmp_path):
    package = tmp_path / "jax" / "_src"
    package.mkdir(parents=True)
    loud = "import sys\nsys.stderr.write('jax was imported')\nraise SystemExit(3)\n"
    for file in (tmp_path / "jax" / "__init__.py", package / "__init__.py"):
        file.write_text(loud)
    done = _run(
        PROGRAM,
        PYTHONPATH=f"{ROOT}{os.pathsep}{tmp_path}",
        XLA_FLAGS="--xla_force_host_platform_device_count=2",
        NUMAX_CACHE_DIR="",
    )
    assert done.returncode == 0, done.stderr
    assert "jax was imported" not in done.stderr
    assert done.stdout.strip() == "imported []"


def test_a_missing_jaxlib_is_named_in_the_error(tmp_path):
    (tmp_path / "jaxlib.py").write_text("raise ImportError('broken on purpose')\n")
    done = _run(
        """
        import pytest
        from numax._engine import runtime as rt
        with pytest.raises(ImportError, match="need jaxlib"):
            rt.backend()
        """,
        PYTHONPATH=f"{tmp_path}{os.pathsep}{ROOT}",
    )
    assert done.returncode == 0, done.stderr
