"""jit: when it traces again, static arguments, closures, nesting, errors."""

import dataclasses
import functools

import numpy as np
import pytest
from checks import assert_close

import numax
import numax.numpy as jnp
from numax import lax

ROW = np.arange(3, dtype=np.float32)


def counted(fun, **options):
    """The jitted function, and the list that grows by one at each tracing."""
    traces = []

    @functools.wraps(fun)
    def body(*args, **kwargs):
        traces.append(1)
        return fun(*args, **kwargs)

    return numax.jit(body, **options), traces


def big(x):
    """Large enough a program to be compiled."""
    return jnp.sort(jnp.sin(x) * jnp.cos(x)) + 1


# ---- when it traces ----


@pytest.mark.parametrize("fun", [lambda x: x * 2, big], ids=["tiny", "compiled"])
def test_equal_types_are_traced_once(fun):
    f, traces = counted(fun)
    for x in (ROW, ROW + 1, jnp.asarray(ROW), jnp.ones(3), numax.device_put(ROW)):
        assert_close(f(x), fun(jnp.asarray(x)))
    assert len(traces) == 1


def test_new_shapes_dtypes_and_structures_are_traced():
    f, traces = counted(lambda x: numax.tree.map(lambda v: v + 1, x))
    calls = [
        ROW,
        ROW[:2],
        ROW.astype(np.int32),
        ROW.astype(np.float16),
        [ROW],
        (ROW,),
        {"a": ROW},
        1.0,
        1,
    ]
    for i, x in enumerate(calls):
        f(x)
        f(x)
        assert len(traces) == i + 1
    f({"a": ROW + 1}), f(2.0), f(-3)
    assert len(traces) == len(calls)


def test_weak_types_are_types():
    f, traces = counted(lambda x: x * np.ones(2, np.float16))
    assert f(2.0).dtype == np.float16
    assert f(np.float32(2.0)).dtype == np.float32
    assert f(jnp.float32(3.0)).dtype == np.float32
    assert f(3.0).dtype == np.float16
    assert len(traces) == 2
    assert f(2).dtype == np.float16
    assert f(True).dtype == np.float16
    assert len(traces) == 4


def test_options_are_part_of_the_key():
    f, traces = counted(lambda x: x + jnp.ones(2))
    f(1.0)
    with numax.enable_x64(True):
        assert f(1.0).dtype == np.float64
    f(1.0)
    assert len(traces) == 2
    with numax.numpy_rank_promotion("raise"):
        f(1.0)
    assert len(traces) == 3


def test_clear_cache_forgets():
    f, traces = counted(lambda x: x + 1)
    f(1.0)
    f.clear_cache()
    f(1.0)
    assert len(traces) == 2


def test_numbers_of_both_signs_and_zeros_are_values():
    f = numax.jit(lambda x: jnp.arctan2(x, -1.0))
    assert f(0.0) > 3 and f(-0.0) < -3
    g = numax.jit(lambda x: x)
    assert g(True).dtype == np.bool_ and g(1).dtype == np.int32 and g(1.0).dtype == np.float32
    assert np.isnan(g(float("nan"))) and g(2.0) == 2


# ---- arguments ----


def test_static_arguments_by_number_and_name():
    def power(x, n, *, flip=False):
        for _ in range(n):
            x = x * 2
        return -x if flip else x

    for options in (
        {"static_argnums": 1, "static_argnames": "flip"},
        {"static_argnums": (1,), "static_argnames": ("flip",)},
        {"static_argnames": ["n", "flip"]},
    ):
        f, traces = counted(power, **options)
        assert f(1.0, 3) == 8 and f(2.0, 3) == 16
        assert len(traces) == 1
        assert f(1.0, 2) == 4 and f(1.0, 2, flip=True) == -4
        assert len(traces) == 3
        if "static_argnums" not in options:  # with both given, only what is listed is static
            assert f(1.0, n=3) == 8
    assert numax.jit(lambda x, n: x * n, static_argnums=-1)(2.0, 3) == 6


def test_static_values_of_different_types_differ():
    f, traces = counted(lambda n: jnp.asarray(n), static_argnums=0)
    assert [f(v).dtype.kind for v in (1, 1.0, True)] == ["i", "f", "b"]
    assert len(traces) == 3

    @dataclasses.dataclass(frozen=True)
    class Setting:
        n: int

    g, traces = counted(lambda s, x: x * s.n, static_argnums=0)
    assert g(Setting(2), 1.0) == 2 and g(Setting(2), 3.0) == 6 and g(Setting(3), 1.0) == 3
    assert len(traces) == 2


def test_keywords_defaults_and_pytrees():
    @numax.jit
    def f(x, *rest, scale=2.0, **named):
        return {"y": x * scale + sum(rest), "n": named.get("z", 0.0)}

    assert f(1.0)["y"] == 2 and f(1.0, 1.0, 2.0, scale=3.0)["y"] == 6 and f(x=1.0, z=4.0)["n"] == 4
    assert numax.jit(lambda: 3)() == 3
    assert numax.jit(lambda x: None)(1.0) is None
    assert numax.jit(lambda x: (x, [None, {"a": x}]))(1.0)[1][0] is None


def test_methods_and_partials_and_decorator_forms():
    class Model:
        def __init__(self, w):
            self.w = w

        @functools.partial(numax.jit, static_argnums=0)
        def __call__(self, x):
            return self.w * x

    assert Model(3.0)(2.0) == 6 and Model(4.0)(2.0) == 8
    assert numax.jit(functools.partial(jnp.add, 1.0))(2.0) == 3

    @numax.jit(static_argnames="n")
    def f(x, n):
        """Documented."""
        return x + n

    assert f(1.0, n=2) == 3 and f.__name__ == "f" and f.__doc__ == "Documented."
    assert f.__wrapped__(1.0, 2) == 3.0


# ---- closures and nesting ----


def test_closed_over_arrays_are_constants():
    w = jnp.ones(3)
    f = numax.jit(lambda x: x + w)
    assert_close(f(ROW), ROW + 1)
    data = np.ones(3, np.float32)
    g = numax.jit(lambda x: x + data)
    g(ROW)
    data[:] = 5
    assert_close(g(ROW), ROW + 1)


def test_closed_over_tracers_are_differentiated_and_batched():
    def f(w):
        return numax.jit(lambda x: w * x + w)(2.0)

    assert numax.grad(f)(3.0) == 3
    assert_close(numax.vmap(f)(ROW), 3 * ROW)
    assert numax.jit(numax.grad(f))(3.0) == 3


def test_one_jitted_function_closing_over_a_new_tracer_each_time():
    def outer(w):
        inner = numax.jit(lambda x: w * x)
        return inner(1.0) + inner(2.0)

    assert numax.grad(outer)(1.0) == 3 and numax.grad(outer)(2.0) == 3
    holder = {}
    shared = numax.jit(lambda x: holder["w"] * x)

    def use(w):
        holder["w"] = w
        return shared(2.0)

    assert numax.grad(use)(1.0) == 2
    assert numax.grad(use)(5.0) == 2
    assert_close(numax.vmap(use)(ROW), 2 * ROW)


def test_nesting():
    f, traces = counted(lambda x: jnp.sin(x) * 2)
    g = numax.jit(lambda x: f(f(x)) + f(x))
    want = lambda x: 2 * np.sin(2 * np.sin(x)) + 2 * np.sin(x)
    assert_close(g(ROW), want(ROW))
    assert len(traces) == 1
    assert_close(numax.jit(numax.jit(numax.jit(f)))(ROW), 2 * np.sin(ROW))
    assert_close(numax.vmap(g)(ROW), want(ROW))


def test_fresh_closures_of_the_same_program_are_not_compiled_again():
    before = numax.jit(big).trace(ROW)
    programs = [numax.jit(lambda x: big(x)).trace(ROW).jaxpr for _ in range(2)]
    assert programs[0] is programs[1]
    assert before.jaxpr.out_avals == programs[0].out_avals


def test_identity_constants_and_repeated_results():
    x = jnp.ones(3)
    assert_close(numax.jit(lambda x: x)(x), x)
    a, b, c = numax.jit(lambda x: (x, x, jnp.zeros(2)))(x)
    assert_close((a, b, c), (x, x, jnp.zeros(2)))
    assert_close(numax.jit(lambda x, unused: big(x))(ROW, np.ones(5)), big(jnp.asarray(ROW)))
    assert numax.jit(lambda x: 7)(x) == 7


def test_empty_arrays():
    f = numax.jit(lambda x: (jnp.sort(x * 2), jnp.sum(x)))
    y, s = f(np.zeros((0,), np.float32))
    assert y.shape == (0,) and s == 0


def test_control_flow_inside():
    @numax.jit
    def collatz(n):
        def step(state):
            n, count = state
            return lax.cond(n % 2 == 0, lambda n: n // 2, lambda n: 3 * n + 1, n), count + 1

        return lax.while_loop(lambda s: s[0] != 1, step, (n, 0))[1]

    assert collatz(27) == 111


# ---- errors ----

REFUSED = [
    (
        lambda: numax.jit(lambda x: x)("a"),
        TypeError,
        r"^jit: argument x of `<lambda>` must be an array.*'a'",
    ),
    (
        lambda: numax.jit(lambda p: p)({"k": [1.0, "a"]}),
        TypeError,
        r"^jit: argument p\['k'\]\[1\] of",
    ),
    (
        lambda: numax.jit(lambda x: "a")(1.0),
        TypeError,
        r"^jit: the result of `<lambda>`.*'a' of type str",
    ),
    (lambda: numax.jit(lambda x: {"r": object()})(1.0), TypeError, r"^jit: the result\['r'\]"),
    (lambda: numax.jit(3), TypeError, r"^jit: the argument must be callable"),
    (
        lambda: numax.jit(lambda x: x, static_argnums=0)([1]),
        ValueError,
        r"^jit: static argument 0 must be hash",
    ),
    (
        lambda: numax.jit(lambda x: x, static_argnames="y"),
        ValueError,
        r"no argument named 'y'; it has x",
    ),
    (
        lambda: numax.jit(lambda x: x, static_argnums=2),
        ValueError,
        r"argument number 2 is out of range",
    ),
    (lambda: numax.jit(lambda x: (yield x)), TypeError, r"^jit: generator functions"),
    (lambda: numax.jit(lambda x: x)(1.0, 2.0), TypeError, r"positional argument"),
    (lambda: numax.jit(lambda x: x)(2**40), OverflowError, r"does not fit int32"),
]


@pytest.mark.parametrize(("call", "error", "pattern"), REFUSED)
def test_refused(call, error, pattern):
    with pytest.raises(error, match=pattern):
        call()


def test_an_error_inside_leaves_no_entry_behind():
    f, traces = counted(lambda x: x + np.ones(4, np.float32))
    for _ in range(2):
        with pytest.raises((TypeError, ValueError), match=r"shapes"):
            f(ROW)
    assert len(traces) == 2
    assert f(1.0).shape == (4,)


def test_compiler_options_that_do_not_exist_are_an_error():
    f = numax.jit(lambda x: x * 2 + 1, compiler_options={"xla_no_such_option": 1})
    with pytest.raises(numax.errors.JaxRuntimeError, match="xla_no_such_option"):
        f(jnp.ones(5000))
