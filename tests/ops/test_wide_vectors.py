"""Compiled code is right whatever the options that `runtime.compiler` chooses: vectors of 512 bits, two at a time, no tiles."""

import numpy as np
import pytest

import numax.numpy as jnp
from numax import jit, lax
from numax._engine.core import config
from numax._engine.runtime import compiler

UNARY = [
    "sin",
    "cos",
    "tan",
    "asin",
    "acos",
    "atan",
    "sinh",
    "cosh",
    "tanh",
    "asinh",
    "acosh",
    "atanh",
    "exp",
    "exp2",
    "expm1",
    "log",
    "log1p",
    "sqrt",
    "rsqrt",
    "cbrt",
    "logistic",
    "erf",
    "erfc",
    "erf_inv",
    "floor",
    "ceil",
    "round",
    "sign",
    "abs",
    "square",
]
REAL = {"exp2", "rsqrt", "cbrt", "logistic", "erf", "erfc", "erf_inv", "floor", "ceil", "round"}
COMPLEX = [name for name in UNARY if name not in REAL]
BINARY = ["atan2", "pow", "rem", "div", "max", "min", "nextafter"]
TOLERANCE = {"float64": 1e-12, "float32": 4e-6, "float16": 4e-3, "bfloat16": 3e-2}
TOLERANCE |= {"complex64": 1e-5, "complex128": 1e-11}


def _calls(dtype):
    """Functions of one list of arguments, on a small array and a large one."""
    rng = np.random.default_rng(0)
    x = np.concatenate([rng.standard_normal(2500) * 3, np.exp(rng.uniform(-9, 9, 2500))])
    y = np.abs(rng.standard_normal(5000)) + 0.5
    rng.shuffle(x)
    if "complex" in dtype:
        x = x * (1 + 0.3j)
    for n in (5000, 500):
        a, b = jnp.asarray(x[:n], dtype), jnp.asarray(y[:n], dtype)
        for name in COMPLEX if "complex" in dtype else UNARY:
            yield getattr(lax, name), (a,)
        if "complex" not in dtype:
            for name in BINARY:
                whole = jnp.abs(a) + 1.25 if name == "pow" else a
                yield getattr(lax, name), (whole, b)
            yield lambda v: jnp.arctan2(v, jnp.ones_like(v)), (a,)
            yield (
                lambda v: jnp.angle(lax.complex(jnp.ones_like(v), v)),
                (a.astype("float32") if dtype in ("float16", "bfloat16") else a,),
            )


def _options(text, width):
    return {"xla_backend_extra_options": text, "xla_cpu_prefer_vector_width": width}


@pytest.mark.parametrize("dtype", TOLERANCE)
def test_each_function_gives_the_same_in_vectors_of_any_width(dtype):
    ours = ",".join(f"{k}={v}" if v else k for k, v in compiler.FORMULAS.items())
    with config.enable_x64(True):
        functions, arguments = zip(*_calls(dtype), strict=True)

        def program(arguments):
            return [f(*a) for f, a in zip(functions, arguments, strict=True)]

        expected, *others = [
            jit(program, compiler_options=_options(*o))(arguments)
            for o in (("", 256), ("", 512), (ours, 512))
        ]
    limit = TOLERANCE[dtype]
    kind = np.complex128 if "complex" in dtype else np.float64
    for outs in others:
        for i, (found, exact) in enumerate(zip(outs, expected, strict=True)):
            a, b = np.asarray(found).astype(kind), np.asarray(exact).astype(kind)
            np.testing.assert_allclose(a, b, rtol=limit, atol=limit / 50, err_msg=str(functions[i]))
