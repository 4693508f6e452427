"""Options: for the process, for a block, from the environment."""

import math
import subprocess
import sys
import threading

import numpy as np
import pytest

import numax
import numax.numpy as jnp
from numax._engine.core import config as core_config
from numax._engine.core import trace
from numax._engine.core.config import Config


def fresh():
    config = Config()
    return config, config.define("jax_thing", 1, "A number.", int)


def test_update_sets_an_option_for_the_process():
    config, option = fresh()
    assert option.value == config.jax_thing == config.thing == 1
    config.update("jax_thing", 2)
    assert option.value == config.read("thing") == 2
    assert config.values == {"jax_thing": 2}


def test_a_block_overrides_and_restores_also_after_an_error():
    config, option = fresh()
    with option(5), option(6):
        assert option.value == 6
    with pytest.raises(KeyError), option(7):
        config.update("thing", 3)
        assert option.value == 7
        raise KeyError
    assert option.value == 3


def test_a_block_is_seen_by_its_own_thread_only():
    _, option = fresh()
    seen = []
    with option(9):
        thread = threading.Thread(target=lambda: seen.append(option.value))
        thread.start()
        thread.join()
    assert seen == [1]


def test_booleans_are_read_from_text():
    config = Config()
    flag = config.define("jax_flag", False, "A switch.")
    for text, value in (("1", True), ("off", False), ("True", True), ("no", False)):
        config.update("flag", text)
        assert flag.value is value
    with pytest.raises(ValueError, match=r"^jax_flag: must be a boolean; got 'maybe'"):
        config.update("flag", "maybe")
    with pytest.raises(TypeError, match=r"^jax_flag: must be a bool"):
        config.update("flag", 1.5)


def test_choices_are_checked():
    config = Config()
    config.define("jax_mode", "a", "One of two.", str, ("a", "b"))
    with pytest.raises(ValueError, match=r"^jax_mode: got 'c'\. Use one of a, b"):
        config.update("mode", "c")


def test_unknown_names_are_refused_with_the_known_ones():
    with pytest.raises(
        AttributeError, match=r"^config: no option 'jax_nope'\. Options: .*jax_enable_x64"
    ):
        numax.config.update("jax_nope", 1)
    with pytest.raises(AttributeError, match=r"no option"):
        _ = numax.config.nope


@pytest.mark.parametrize("name", ["NUMAX_ENABLE_X64", "JAX_ENABLE_X64"])
def test_the_environment_sets_start_values(name, monkeypatch):
    monkeypatch.setenv(name, "1")
    code = "import numax.numpy as jnp; print(jnp.ones(2).dtype)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "float64"


def test_x64_changes_eager_and_jitted_results_at_once():
    f = numax.jit(lambda x: x + 1)
    assert f(1.0).dtype == jnp.ones(1).dtype == np.float32
    with numax.enable_x64(True):
        assert f(1.0).dtype == (jnp.ones(1) + 1).dtype == np.float64
        with numax.enable_x64(False):
            assert f(1.0).dtype == (jnp.ones(1) + 1).dtype == np.float32
    numax.config.update("jax_enable_x64", True)
    try:
        assert f(1.0).dtype == (jnp.ones(1) + 1).dtype == np.float64
    finally:
        numax.config.update("jax_enable_x64", False)
    assert f(1.0).dtype == (jnp.ones(1) + 1).dtype == np.float32


def test_debug_nans_raises_at_the_first_nan():
    x = jnp.zeros(3)
    assert np.isnan(x / x).all()
    with numax.debug_nans(True):
        with pytest.raises(FloatingPointError, match=r"invalid value \(nan\) encountered in div"):
            x / x
        with pytest.raises(FloatingPointError, match=r"invalid value \(nan\)"):
            numax.jit(lambda x: x / x + 1)(x)
        np.testing.assert_array_equal(x + 1, 1)
    with numax.debug_infs(True), pytest.raises(FloatingPointError, match=r"\(inf\)"):
        1 / x


def test_disable_jit_runs_python_every_time():
    calls = []

    @numax.jit
    def f(x):
        calls.append(x)
        return x * 2

    with numax.disable_jit():
        f(1.0), f(1.0)
    assert calls == [1.0, 1.0]
    f(1.0), f(1.0)
    assert len(calls) == 3


def test_rank_promotion_can_be_refused():
    x, y = jnp.ones((2, 3)), jnp.ones(3)
    with numax.numpy_rank_promotion("raise"), pytest.raises(ValueError, match=r"rank promotion"):
        x + y
    with numax.numpy_rank_promotion("warn"), pytest.warns(UserWarning, match=r"rank promotion"):
        x + y
    np.testing.assert_array_equal(x + y, 2)


@pytest.mark.parametrize(
    "block",
    [lambda: core_config.enable_x64(True), lambda: numax.enable_x64(True)],
    ids=["the option", "the public name"],
)
def test_x64_in_a_block_after_the_same_work_in_32_bits(block):
    f = lambda x: jnp.sin(x * 1.0)
    compiled, slope = numax.jit(f), numax.grad(f)
    for run in (f, compiled, slope):
        assert run(1.5).dtype == np.float32
        with block():
            inside = run(1.5)
            assert inside.dtype == np.float64
            np.testing.assert_allclose(
                float(inside), math.cos(1.5) if run is slope else math.sin(1.5), rtol=1e-15
            )
            assert (jnp.float32(1.0) + np.float64(2.0)).dtype == np.float64
        assert run(1.5).dtype == np.float32


@pytest.mark.parametrize("name", [o.name for o in core_config.config.options()])
def test_every_option_in_a_block_takes_the_general_way_of_jit(name):
    option = core_config.config._find(name)
    plain = trace.current.get()
    with option(option.value):
        assert trace.current.get() is not plain
        seen = option.value
    assert trace.current.get() is plain
    assert seen == option.value


@pytest.mark.parametrize(
    "name, other",
    [
        ("jax_enable_x64", True),
        ("jax_default_matmul_precision", "highest"),
        ("jax_numpy_dtype_promotion", "strict"),
        ("jax_numpy_rank_promotion", "raise"),
        ("jax_threefry_partitionable", False),
        ("jax_index_bounds", "jax"),
        ("jax_enable_custom_prng", True),
    ],
)
def test_a_jitted_function_is_traced_again_under_another_option(name, other):
    seen = []
    option = core_config.config._find(name)

    @numax.jit
    def f(x):
        seen.append(option.value)
        return x

    x = jnp.ones(3)
    f(x)
    with option(other):
        f(x)
        f(x)
    f(x)
    assert seen == [option.value, other]


def test_strict_promotion_in_a_block_after_a_mixed_sum():
    x, n = jnp.float32(1.0), jnp.int32(2)
    assert (x + n).dtype == np.float32
    with (
        core_config.numpy_dtype_promotion("strict"),
        pytest.raises(ValueError, match="implicit promotion"),
    ):
        x + n


def test_debug_nans_in_a_block_after_the_same_operation():
    f = numax.jit(lambda x: jnp.log(x))
    x = jnp.array([-1.0])
    assert np.isnan(f(x)[0])
    with core_config.debug_nans(True):
        with pytest.raises(FloatingPointError):
            jnp.log(x)
        with pytest.raises(FloatingPointError):
            f(x)
