"""Traced values where numbers are needed: the class is JAX's, the message names the place and the way out."""

import math
import re

import numpy as np
import pytest

import numax
import numax.numpy as jnp
from numax import errors, lax

ROW = np.ones(3, np.float32)


USES = {
    "if": (lambda y: 1 if y else 2, errors.TracerBoolConversionError, r"^bool: .*numax\.lax\.cond"),
    "and": (lambda y: y and 1, errors.TracerBoolConversionError, "^bool: .*& | ~"),
    "int": (int, errors.ConcretizationTypeError, r"^int: .*x\.astype"),
    "float": (float, errors.ConcretizationTypeError, r"^float: .*x\.astype"),
    "complex": (complex, errors.ConcretizationTypeError, r"^complex: .*x\.astype"),
    "asarray": (np.asarray, errors.TracerArrayConversionError, r"^numpy: .*numax\.numpy"),
    "ufunc": (lambda y: np.add(ROW, y), errors.TracerArrayConversionError, r"^numpy: "),
    "index": (lambda y: [1, 2][y], errors.TracerIntegerConversionError, "^int: .*index of a list"),
    "range": (
        lambda y: list(range(y)),
        errors.TracerIntegerConversionError,
        "^int: .*static_argnums",
    ),
    "shape": (lambda y: jnp.zeros((y, 2)), TypeError, "^zeros: a shape.*static_argnums"),
    "reshape": (lambda y: jnp.reshape(ROW, (y,)), TypeError, "^reshape: a shape.*static_argnums"),
    "mask": (
        lambda y: jnp.ones(3)[jnp.ones(3) > y],
        errors.NonConcreteBooleanIndexError,
        r"numax\.numpy\.where",
    ),
    "item": (
        lambda y: y.item(),
        errors.ConcretizationTypeError,
        "^numbers: .*not known while tracing",
    ),
}


@pytest.mark.parametrize("use", USES)
@pytest.mark.parametrize(
    "way", ["jit", "make_jaxpr", "vmap", "scan", "cond", "grad of jit", "checkpoint"]
)
def test_a_tracer_is_refused(use, way):
    fun, error, pattern = USES[use]
    last = []

    def f(y):
        last.append(fun(y))
        return y

    ways = {
        "jit": lambda: numax.jit(f)(2),
        "make_jaxpr": lambda: numax.make_jaxpr(f)(2),
        "vmap": lambda: numax.vmap(f)(np.arange(2)),
        "scan": lambda: lax.scan(lambda c, y: (f(c), None), 1, None, length=2),
        "cond": lambda: lax.cond(True, f, lambda y: y, 1),
        "grad of jit": lambda: numax.grad(lambda x: x * numax.jit(f)(2))(1.0),
        "checkpoint": lambda: numax.checkpoint(f)(2),
    }
    with pytest.raises(error, match=pattern) as info:
        ways[way]()
    assert last == []
    assert type(info.value) is error


def test_the_argument_is_named():
    def energy(position, *, charge):
        return float(charge["q"][1]) * position

    with pytest.raises(
        errors.ConcretizationTypeError, match=r"argument charge\['q'\]\[1\] of `energy`"
    ):
        numax.jit(energy)(1.0, charge={"q": (1.0, 2.0)})

    def second(a, b):
        return int(b)

    with pytest.raises(errors.ConcretizationTypeError, match=r"argument b of `second`"):
        numax.jit(second, static_argnums=0)("static", 1)


def test_the_users_line_is_named():
    def f(x):
        y = jnp.sin(x) > 0  # the line that the message must name
        return 1 if y else 2

    line = f.__code__.co_firstlineno + 1
    with pytest.raises(errors.TracerBoolConversionError, match=re.escape(f"{__file__}:{line} (f)")):
        numax.jit(f)(1.0)


def test_the_transformation_is_named():
    with pytest.raises(errors.TracerBoolConversionError, match=r"jit of `f`"):

        @numax.jit
        def f(x):
            return x if x else 0.0

        f(1.0)
    with pytest.raises(errors.TracerBoolConversionError, match=r"vmap"):
        numax.vmap(lambda x: x if x > 0 else -x)(ROW)


def test_known_values_inside_grad_and_jvp_may_be_used():
    def f(x):
        return x * float(lax.stop_gradient(x)) if x > 0 else -x * int(x)

    assert numax.grad(f)(3.0) == 3.0
    assert numax.grad(f)(-2.0) == 2.0
    assert numax.jvp(f, (3.0,), (1.0,))[1] == 3.0
    assert numax.grad(lambda x: x * np.asarray(lax.stop_gradient(x)))(3.0) == 3.0


@pytest.mark.parametrize(
    ("use", "error"),
    [
        (float, errors.ConcretizationTypeError),
        (complex, errors.ConcretizationTypeError),
        (lambda x: x.tolist(), errors.ConcretizationTypeError),
        (math.sin, errors.ConcretizationTypeError),
        (np.asarray, errors.TracerArrayConversionError),
        (np.sin, errors.TracerArrayConversionError),
        (lambda x: np.array([x, x])[0], errors.TracerArrayConversionError),
        (lambda x: jnp.take(ROW, jnp.array([7]), fill_value=x)[0], TypeError),
        (lambda x: jnp.ones(3).at[jnp.array([7])].get(mode="fill", fill_value=x)[0], TypeError),
    ],
)
def test_what_would_lose_a_derivative_is_refused(use, error):
    for run in (numax.grad, lambda f: lambda x: numax.jvp(f, (x,), (1.0,))):
        with pytest.raises(error, match=r"differentiated"):
            run(lambda x: x * use(x))(3.0)


def test_errors_are_type_errors_as_in_jax():
    assert issubclass(errors.TracerBoolConversionError, errors.ConcretizationTypeError)
    for name in (
        "ConcretizationTypeError",
        "TracerArrayConversionError",
        "TracerIntegerConversionError",
        "UnexpectedTracerError",
    ):
        assert issubclass(getattr(errors, name), TypeError)
    assert issubclass(errors.NonConcreteBooleanIndexError, IndexError)


# ---- values that outlive their transformation ----


def leak(way):
    kept = []

    def keep(x):
        kept.append(jnp.sin(x))
        return x

    ways = {
        "jit": lambda: numax.jit(keep)(1.0),
        "make_jaxpr": lambda: numax.make_jaxpr(keep)(1.0),
        "grad": lambda: numax.grad(keep)(1.0),
        "jvp": lambda: numax.jvp(keep, (1.0,), (1.0,)),
        "linearize": lambda: numax.linearize(keep, 1.0),
        "vmap": lambda: numax.vmap(keep)(ROW),
        "scan": lambda: lax.scan(lambda c, x: (keep(c), x), 1.0, ROW),
        "cond": lambda: lax.cond(True, keep, lambda x: x, 1.0),
        "while": lambda: lax.while_loop(lambda x: x < 0, keep, 1.0),
        "checkpoint": lambda: numax.checkpoint(keep)(1.0),
    }
    ways[way]()
    return kept[0]


WAYS = [
    "jit",
    "make_jaxpr",
    "grad",
    "jvp",
    "linearize",
    "vmap",
    "scan",
    "cond",
    "while",
    "checkpoint",
]


@pytest.mark.parametrize("way", WAYS)
def test_a_leaked_tracer_is_refused_when_used(way):
    value = leak(way)
    for use in (
        lambda: value + 1,
        lambda: jnp.sin(value),
        lambda: numax.jit(lambda y: y + value)(1.0),
        lambda: numax.grad(lambda y: y * value)(1.0),
        lambda: numax.vmap(lambda y: y * value)(ROW),
        lambda: lax.scan(lambda c, y: (c, y * value), 0.0, ROW),
        lambda: numax.jit(lambda y: y)(value),
    ):
        with pytest.raises(
            errors.UnexpectedTracerError, match=r"^leaked tracer: .*Return the value"
        ):
            use()


def test_a_leak_names_the_function_and_the_line():
    kept = []

    def keeper(x):
        kept.append(jnp.sin(x))
        return x

    numax.jit(keeper)(1.0)
    line = keeper.__code__.co_firstlineno + 1
    with pytest.raises(errors.UnexpectedTracerError, match=r"jit of `keeper`") as info:
        kept[0] + 1
    assert f"{__file__}:{line} (keeper)" in str(info.value)


def test_nothing_is_broken_after_an_error():
    with pytest.raises(errors.TracerBoolConversionError):
        numax.jit(lambda x: numax.vmap(lambda y: y if y else x)(ROW))(1.0)
    assert numax.jit(lambda x: x + 1)(1.0) == 2.0
    assert float(jnp.sin(jnp.float32(0.0))) == 0.0
