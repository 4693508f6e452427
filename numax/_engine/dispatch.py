"""The base of all traces: running operations on known arrays.

On the CPU an operation's `host` rule runs at once, on NumPy. Operations marked `on_device`, and programs (jit, scan,
...), are lowered, compiled once for each program, and run on XLA.
"""

import dataclasses
from collections.abc import Sequence
from typing import Any

import numpy as np

from numax._engine import runtime
from numax._engine.core import config
from numax._engine.core.array import Array, wrap, wrap_handle
from numax._engine.core.avals import ShapedArray, etype
from numax._engine.core.ir import ClosedJaxpr, Eqn, Jaxpr, fresh, intern
from numax._engine.core.primitive import Primitive, on_device
from numax._engine.core.trace import NO_RULES, current
from numax._engine.host.quiet import quiet
from numax._engine.stablehlo import walk


def evaluate(prim: Primitive, args: Sequence[Array], params: dict[str, Any]) -> Any:
    """Run one operation on Arrays."""
    if prim.impl is not None:
        return prim.impl(*args, **params)
    host = prim.host
    if host is on_device:
        outs = run_equation(prim, args, params)
        return outs if prim.multiple_results else outs[0]
    out = prim.infer(*[a.aval for a in args], **params)
    values = [a._np for a in args]
    for i, v in enumerate(values):
        if v is None:
            values[i] = args[i].numpy_()
    result = quiet.run(host, *values, **params)
    if prim.multiple_results:
        outs = [_wrap(v, a) for v, a in zip(result, out, strict=True)]
        if current.get().rules is NO_RULES:
            check_numbers(prim.name, outs)
        return outs
    if type(result) is not np.ndarray:
        result = np.asarray(result)
    t = etype(out.dtype, out.weak_type)
    if result.dtype != t.physical:
        result = result.astype(t.physical)
    array = wrap(result, t)
    if current.get().rules is NO_RULES:
        check_numbers(prim.name, [array])
    return array


def _wrap(value: Any, aval: ShapedArray) -> Array:
    value = np.asarray(value)
    t = etype(aval.dtype, aval.weak_type)
    if value.dtype != t.physical:
        value = value.astype(t.physical)
    return wrap(value, t)


def check_numbers(name: str, outs: Sequence[Array]) -> None:
    """FloatingPointError where jax_debug_nans or jax_debug_infs is on and a result has one."""
    nans, infs = config.debug_nans.value, config.debug_infs.value
    if not nans and not infs:
        return
    for x in outs:
        value = x.numpy_()
        if value.dtype.kind not in "fcV" or not value.size:
            continue
        wide = value if value.dtype.kind in "fc" else value.astype(np.float32)
        if nans and np.isnan(wide).any():
            raise FloatingPointError(f"invalid value (nan) encountered in {name}")
        if infs and np.isinf(wide).any():
            raise FloatingPointError(f"invalid value (inf) encountered in {name}")


# ---- compiled programs ----


@dataclasses.dataclass(eq=False, slots=True)
class Program:
    """A compiled program: Arrays in, Arrays out."""

    executable: Any
    hoisted: list[Any]
    outs: list[tuple[tuple[int, ...], Any]]
    device: Any
    text: str
    donated: tuple[int, ...] = ()

    def __call__(self, args: Sequence[Array]) -> list[Array]:
        handles = [
            a._buf if a._buf is not None else to_device(a, self.device) for a in args
        ]
        if self.hoisted:
            handles = self.hoisted + handles
        results = self.executable.run(handles)
        if self.donated:
            for i in self.donated:
                args[i]._np = None
        return [wrap_handle(h, s, t) for h, (s, t) in zip(results, self.outs, strict=True)]


def to_device(x: Array, device: Any) -> Any:
    """The device buffer of an Array; made once."""
    handle = x._buf
    if handle is None:
        handle = runtime.to_device(np.ascontiguousarray(x._np).reshape(x._np.shape), device, immutable=True)
        x._buf = handle
    return handle


def compile_program(
    closed: ClosedJaxpr, name: str, donated: tuple[int, ...] = (), options: Any = ()
) -> Program:
    """Lower and compile; the result is kept on the program."""
    backend = runtime.backend()
    device = config.default_device.value or backend.devices[0]
    key = ("compiled", device, donated, tuple(options))
    found = closed.cache.get(key)
    if found is not None:
        return found
    module = walk.lower(closed, name, backend.platform, donated=donated)
    outs = [(a.shape, etype(a.dtype, a.weak_type)) for a in closed.out_avals]
    count = len(module.hoisted)
    executable = runtime.compile(
        module.text,
        devices=(device,),
        outputs=[runtime.Output(s, t.physical) for s, t in outs],
        donate=tuple(count + i for i in donated),
        callbacks=module.callbacks,
        options=dict(options),
    )
    hoisted = [to_device(c, device) for c in module.hoisted]
    program = Program(executable, hoisted, outs, device, module.text, donated)
    closed.cache[key] = program
    return program


_EQUATIONS: dict[Any, ClosedJaxpr] = {}


def run_equation(prim: Primitive, args: Sequence[Array], params: dict[str, Any]) -> list[Array]:
    """Compile a program of the one equation, and run it."""
    avals = [a.aval for a in args]
    try:
        key = (prim, tuple(avals), tuple(params.items()))
        closed = _EQUATIONS.get(key)
    except TypeError:  # a parameter without a hash
        key = closed = None
    if closed is None:
        out = prim.infer(*avals, **params)
        invars = fresh(avals)
        outvars = fresh(out if prim.multiple_results else [out])
        eqn = Eqn(prim, invars, params, outvars)
        closed = intern(ClosedJaxpr(Jaxpr((), invars, outvars, [eqn], prim.name)))
        if key is not None:
            _EQUATIONS[key] = closed
    outs = compile_program(closed, prim.name)(args)
    if current.get().rules is NO_RULES:
        check_numbers(prim.name, outs)
    return outs


def clear_caches() -> None:
    _EQUATIONS.clear()

