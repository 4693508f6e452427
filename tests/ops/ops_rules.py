"""Checks of an operation's rules, on flat functions of arrays: eager = compiled, derivatives, batching."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from numax._engine import dispatch, runtime
from numax._engine.core.array import Device, Hooks, from_numpy
from numax._engine.core.config import enable_x64
from numax._engine.core.ir import ClosedJaxpr
from numax._engine.core.primitive import Evaluator, Zero
from numax._engine.core.stage import trace_to_jaxpr
from numax._engine.ops.basis import zeros_of
from numax._engine.transforms.jvp import jvp
from numax._engine.transforms.linearize import linearize
from numax._engine.transforms.transpose import backward
from numax._engine.transforms.vmap import Axis, vmap


class _Fetch(Device):
    fetch = staticmethod(runtime.to_numpy)


if not hasattr(Evaluator, "run"):
    Evaluator.run = staticmethod(dispatch.evaluate)
if type(Hooks.device) is Device:
    Hooks.device = _Fetch()


def arrays(values: Sequence[Any]) -> list[Any]:
    return [from_numpy(np.asarray(v)) for v in values]


def listed(fun: Callable[..., Any]) -> Callable[..., list[Any]]:
    """fun with its results as a list."""

    def flat(*args: Any) -> list[Any]:
        out = fun(*args)
        return list(out) if isinstance(out, tuple | list) else [out]

    return flat


def values(results: Sequence[Any]) -> list[np.ndarray]:
    return [np.asarray((zeros_of(r.aval) if type(r) is Zero else r).numpy_()) for r in results]


def run(fun: Callable[..., Any], args: Sequence[Any]) -> list[np.ndarray]:
    return values(listed(fun)(*arrays(args)))


def compiled(fun: Callable[..., Any], args: Sequence[Any]) -> list[np.ndarray]:
    """The results of the whole function as one compiled program."""
    ins = arrays(args)
    jaxpr, consts = trace_to_jaxpr(listed(fun), [x.aval for x in ins])
    return values(dispatch.compile_program(ClosedJaxpr(jaxpr, consts), "test")(ins))


def direction(rng: np.random.Generator, x: np.ndarray) -> np.ndarray:
    t = rng.standard_normal(x.shape)
    if x.dtype.kind == "c":
        t = t + 1j * rng.standard_normal(x.shape)
    return t.astype(x.dtype)


def pushed(
    fun: Callable[..., Any], args: Sequence[Any], tangents: Sequence[Any]
) -> list[np.ndarray]:
    return values(jvp(listed(fun), arrays(args), arrays(tangents))[1])


def pulled(fun: Callable[..., Any], args: Sequence[Any], cts: Sequence[Any]) -> list[np.ndarray]:
    _, tape = linearize(listed(fun), arrays(args))
    return values(backward(tape, arrays(cts)))


def check_derivatives(
    fun: Callable[..., Any],
    args: Sequence[np.ndarray],
    order: int = 2,
    eps: float = 1e-5,
    tol: float = 1e-5,
    seed: int = 0,
) -> None:
    """jvp against central differences, vjp against jvp, in double precision, to second order."""
    rng = np.random.default_rng(seed)
    with enable_x64(True):
        ts = [direction(rng, x) for x in args]
        outs = run(fun, args)
        got = pushed(fun, args, ts)
        plus = run(fun, [x + eps * t for x, t in zip(args, ts, strict=True)])
        minus = run(fun, [x - eps * t for x, t in zip(args, ts, strict=True)])
        for g, p, m in zip(got, plus, minus, strict=True):
            if g.dtype.kind in "fc":
                expected = (p - m) / (2 * eps)
                scale = 1 + np.abs(expected).max(initial=0)
                np.testing.assert_allclose(g, expected, rtol=tol, atol=tol * scale)
        active = [o.dtype.kind in "fc" for o in outs]
        cts = [direction(rng, o) for o, a in zip(outs, active, strict=True) if a]

        def smooth(*xs: Any) -> list[Any]:
            return [o for o, a in zip(listed(fun)(*xs), active, strict=True) if a]

        back = pulled(smooth, args, cts)
        left = sum(np.sum(c * g) for c, g in zip(cts, pushed(smooth, args, ts), strict=True))
        right = sum(np.sum(b * t) for b, t in zip(back, ts, strict=True))
        np.testing.assert_allclose(np.real(left), np.real(right), rtol=1e-8, atol=1e-8)
        if order == 2:

            def gradient(*xs: Any) -> list[Any]:
                _, tape = linearize(smooth, xs)
                found = backward(tape, arrays(cts))
                return [zeros_of(g.aval) if type(g) is Zero else g for g in found]

            check_derivatives(gradient, args, 1, eps, tol * 10, seed)

            def forward(*xs: Any) -> list[Any]:
                found = jvp(smooth, xs, arrays(ts))[1]
                return [zeros_of(g.aval) if type(g) is Zero else g for g in found]

            check_derivatives(forward, args, 1, eps, tol * 10, seed)


def check_batching(
    fun: Callable[..., Any],
    args: Sequence[np.ndarray],
    rtol: float = 1e-5,
    atol: float = 1e-5,
    size: int = 3,
    seed: int = 0,
    equal: Callable[..., None] | None = None,
) -> None:
    """vmap against a loop: every argument alone and all together, at the first and the last axis."""
    rng = np.random.default_rng(seed)
    count = len(args)
    patterns = [tuple(j == i for j in range(count)) for i in range(count)]
    if count > 1:
        patterns.append((True,) * count)
    for pattern in patterns:
        for last in (False, True):
            ins, dims = [], []
            for x, batched in zip(args, pattern, strict=True):
                if not batched:
                    ins.append(x)
                    dims.append(None)
                    continue
                scales = 1 + 0.1 * rng.standard_normal(size)
                dim = x.ndim if last else 0
                ins.append(np.stack([(x * s).astype(x.dtype) for s in scales], dim))
                dims.append(dim)
            outs, out_dims = vmap(listed(fun), Axis(size), arrays(ins), dims)
            for i in range(size):
                one = [x if d is None else np.take(x, i, d) for x, d in zip(ins, dims, strict=True)]
                for out, d, expected in zip(outs, out_dims, run(fun, one), strict=True):
                    got = out.numpy_() if d is None else np.take(out.numpy_(), i, d)
                    assert got.shape == expected.shape and got.dtype == expected.dtype
                    (equal or np.testing.assert_allclose)(got, expected, rtol=rtol, atol=atol)


__all__ = [
    "arrays",
    "check_batching",
    "check_derivatives",
    "compiled",
    "direction",
    "listed",
    "pulled",
    "pushed",
    "run",
    "values",
]
