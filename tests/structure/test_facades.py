"""Packages that gather names load them late, and their tables are true."""

import importlib
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

import numax
from numax._engine.core.facade import Facade
from numax._engine.core.trace import Tracer
from numax.numpy import attributes

ROOT = Path(numax.__file__).parent.parent
FACADES = (
    "numax",
    "numax._engine.runtime",
    "numax._engine.stablehlo",
    "numax._engine.stablehlo.hlo",
    "numax._engine.transforms",
    "numax.api",
    "numax.core",
    "numax.lax",
    "numax.lax.linalg",
    "numax.numpy",
    "numax.scipy",
)
sys.path.insert(0, str(ROOT / "tools"))
stubs = importlib.import_module("write_stubs")


def test_the_stubs_are_what_the_tables_say():
    assert stubs.stale() == [], "run python tools/write_stubs.py"


@pytest.mark.parametrize("package", FACADES)
def test_every_name_is_what_its_home_calls_so(package):
    module = importlib.import_module(package)
    facade = Facade.known[package]
    for public, (home, own) in facade.where.items():
        assert getattr(module, public) is getattr(importlib.import_module(home), own), public
    assert set(facade.names()) <= set(dir(module))
    for name in facade.modules:
        assert getattr(module, name) is importlib.import_module(f"{package}.{name}")


@pytest.mark.parametrize("package", FACADES)
def test_no_file_of_a_package_hides_a_name(package):
    """Importing a file sets the package's attribute of its name, and the facade would not be asked."""
    module = importlib.import_module(package)
    if not hasattr(module, "__path__"):
        return
    files = {p.stem for p in Path(module.__path__[0]).glob("*.py")}
    assert files & set(Facade.known[package].where) == set()


def test_an_unknown_name_says_so_and_what_is_near():
    with pytest.raises(AttributeError, match=r"^module 'numax.numpy' has no attribute 'sinn'"):
        _ = numax.numpy.sinn
    code = "import numax.numpy as jnp; jnp.argsrot"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert "Did you mean: 'argsort'?" in done.stderr


LOADED = """
import json, sys
import numax.numpy
print(json.dumps(sorted(sys.modules)))
"""


def test_the_import_loads_no_operations_no_transformations_no_runtime():
    done = subprocess.run(
        [sys.executable, "-c", LOADED], capture_output=True, text=True, check=True
    )
    ours = {m for m in json.loads(done.stdout) if m.startswith("numax")}
    heavy = ("ops.", "runtime.", "stablehlo.", "transforms.", "control.", "dispatch")
    assert {m for m in ours if m.startswith(tuple(f"numax._engine.{h}" for h in heavy))} == set()
    assert len(ours) < 60


def test_from_import_star_gives_every_name():
    scope: dict = {}
    exec("from numax.numpy import *", scope)
    assert set(Facade.known["numax.numpy"].names()) <= set(scope)


@pytest.mark.parametrize("kind", [numax.Array, Tracer])
def test_every_method_and_property_can_be_loaded(kind):
    tables = [attributes._METHODS, attributes._PROPERTIES]
    if kind is numax.Array:
        tables += [attributes._ARRAY_METHODS, attributes._ARRAY_PROPERTIES]
    else:
        tables += [attributes._TRACER_METHODS]
    for table in tables:
        for home, names in table.items():
            for name in names.split():
                public, _, own = name.partition("=")
                value = getattr(kind, public)
                wanted = getattr(importlib.import_module(home), own or public)
                assert value is wanted or value.fget is wanted, public
                assert value.__doc__ or public.startswith("__")


FIRST_USE = """
import numpy as np
import numax.numpy as jnp
x = jnp.array([[1.0, -2.0], [3.0, 4.0]])
print({expression})
"""


@pytest.mark.parametrize(
    "expression",
    [
        "x[0]",
        "bool(x[0, 0])",
        "[float(v) for v in x[0]]",
        "len(x), x.T.shape, x.ndim, x.size",
        "x @ x",
        "np.asarray(x)",
        "np.add(x, 1)",
        "x.at[0, 0].set(5.0)",
        "x.sum(), x.mean(axis=0), x.std()",
        "x == x, x > 0, -x, abs(x), x ** 2, 2 - x, x // 3, divmod(x, 3)",
        "repr(x), str(x), f'{{x[0, 0]:.2f}}', hash",
        "x.devices(), x.sharding, x.block_until_ready()",
        "jnp.linalg.inv(x), jnp.fft.fft(x[0])",
        "__import__('pickle').loads(__import__('pickle').dumps(x))",
        "2.0 in x, reversed(x), x.item",
    ],
)
def test_the_first_use_in_a_process(expression):
    code = FIRST_USE.replace("{expression}", expression.replace("{{", "{").replace("}}", "}"))
    subprocess.run([sys.executable, "-W", "error", "-c", code], check=True)


@pytest.mark.parametrize(
    "code",
    [
        "numax.jit(lambda a: a).lower(x).compile()(x)",
        "numax.jit(lambda a: a @ a.T).trace(x)",
        "repr(numax.jit(lambda a: a).trace(x).jaxpr)",
        "[numax.random.bits(k) for k in numax.random.split(numax.random.key(0))]",
        "numax.grad(lambda a: a.sum())(x)",
        "numax.vmap(jnp.linalg.det)(x[None])",
        "numax.tree.map(jnp.shape, {'a': x})",
        "numax.devices(), numax.device_count()",
        "numax.debug.print('{}', x)",
        "numax.nn.relu(x), numax.scipy.special.erf(x)",
        "numax.lax.scan(lambda c, v: (c + v, c), x[0], x)",
        "numax.eval_shape(lambda a: a @ a, x)",
    ],
)
@pytest.mark.parametrize(
    "option", ["", "JAX_DEBUG_KEY_REUSE", "JAX_ENABLE_CHECKS", "JAX_DISABLE_JIT"]
)
def test_the_first_use_of_a_transformation_in_a_process(code, option):
    whole = f"import numax\nimport numax.numpy as jnp\nx = jnp.ones((2, 2))\n{code}"
    environment = {**os.environ, option: "1"} if option else None
    subprocess.run([sys.executable, "-W", "error", "-c", whole], check=True, env=environment)
