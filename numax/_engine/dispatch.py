"""The base of all traces: running operations on known arrays.

On the CPU an operation's `host` rule runs at once, on NumPy. Operations marked `on_device`, and programs (jit, scan,
...), are lowered, compiled once for each program, and run on XLA.
"""

import warnings
from collections.abc import Sequence
from typing import Any

import numpy as np

from numax._engine import runtime, stablehlo
from numax._engine.core import config, placement, source
from numax._engine.core.array import Array, wrap, wrap_any, wrap_handle
from numax._engine.core.avals import ShapedArray, etype
from numax._engine.core.ir import ClosedJaxpr, Eqn, Jaxpr, Literal, fresh, intern
from numax._engine.core.native import native
from numax._engine.core.primitive import Primitive, on_device
from numax._engine.core.trace import NO_RULES, current
from numax._engine.host.program import generate, is_tiny
from numax._engine.host.quiet import quiet

# Elementwise operations whose host rule is a ufunc: (operation, element types) -> the result's element type.
_ELEMENTWISE: dict[Any, Any] = {}
_ufunc = np.ufunc


def _elementwise(prim: Primitive, args: Sequence[Array]) -> Any:
    """Run a ufunc whose types have been seen; None where the general way must do it."""
    x = args[0]
    a = x._np
    if a is None:
        a = x.numpy_()
    if len(args) == 1:
        t = _ELEMENTWISE.get((prim, x._t))
        if t is None:
            return None
        result = quiet.run(prim.host, a)
    else:
        y = args[1]
        t = _ELEMENTWISE.get((prim, x._t, y._t))
        if t is None:
            return None
        b = y._np
        if b is None:
            b = y.numpy_()
        if a.ndim and b.ndim and a.shape != b.shape:
            return None
        result = quiet.run(prim.host, a, b)
    if type(result) is not np.ndarray:
        result = np.asarray(result)
    return wrap(result, t)


def evaluate(prim: Primitive, args: Sequence[Array], params: dict[str, Any]) -> Any:
    """Run one operation on Arrays."""
    host = prim.host
    quick = type(host) is _ufunc and not params and len(args) < 3
    if quick and current.get().rules is not NO_RULES:
        found = _elementwise(prim, args)
        if found is not None:
            return found
    if prim.impl is not None:
        return prim.impl(*args, **params)
    if host is on_device or (prim.compile_from is not None and runs_compiled(prim, args)):
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
    elif quick and prim.light:
        _ELEMENTWISE[(prim, *[a._t for a in args])] = t
    array = wrap(result, t)
    if current.get().rules is NO_RULES:
        check_numbers(prim.name, [array])
    return array


if native is not None:  # keeps the types of results, and then asks the host rule alone
    native.set_dispatcher({}, wrap_any)


def runs_compiled(prim: Primitive, args: Sequence[Array]) -> bool:
    """Whether an eager call takes the compiled program rather than NumPy: by the operation and the sizes alone, so that a
    given call always gives the same bits. Ufuncs, which are vectorised, never do."""
    least = prim.compile_from
    return least is not None and any(a.size >= least for a in args)


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

_new = object.__new__


class Placed:
    """A device buffer that does not lie on the default device alone: on another one, or on several."""

    __slots__ = ("devices", "handle", "partition")

    def __init__(
        self, handle: Any, devices: tuple[Any, ...], partition: tuple[int, ...] | None = None
    ):
        self.handle = handle
        self.devices = devices
        self.partition = partition


class Program:
    """A compiled program: Arrays in, Arrays out. devices: of programs on several, or on another than the default one."""

    __slots__ = (
        "device",
        "devices",
        "donated",
        "executable",
        "hoisted",
        "in_partitions",
        "out_partitions",
        "outs",
        "passing",
        "text",
    )

    def __init__(
        self,
        executable: Any,
        hoisted: list[Any],
        outs: list[tuple[tuple[int, ...], Any]],
        device: Any,
        text: str,
        donated: tuple[int, ...] = (),
        passing: "Passing | None" = None,
        devices: tuple[Any, ...] = (),
        in_partitions: Any = None,
        out_partitions: Any = None,
    ):
        self.executable = executable
        self.hoisted = hoisted
        self.outs = outs
        self.device = device
        self.text = text
        self.donated = donated
        self.passing = passing
        self.devices = devices
        self.in_partitions = in_partitions
        self.out_partitions = out_partitions

    def __call__(self, args: Sequence[Array]) -> list[Array]:
        if self.devices:
            return self._run_placed(args)
        passing = self.passing
        if passing is not None:
            given = args
            args = [given[i] for i in passing.inputs]
        handles = []
        for a in args:
            handle = a._buf
            if handle is None or type(handle) is Placed:
                handle = to_device(a, self.device)
            handles.append(handle)
        if self.hoisted or self.donated:
            results = self._run_besides(args, self.hoisted + handles)
        else:
            try:
                results = self.executable.run(handles)
            except TypeError:
                _check_deleted(handles)
                raise
        outs = []
        for handle, (shape, t) in zip(results, self.outs):
            out = _new(Array)
            out._np = None
            out._buf = handle
            out._shape = shape
            out._t = t
            outs.append(out)
        return outs if passing is None else passing.results(given, outs)

    def known(self) -> tuple[Any, ...] | None:
        """How the native extension calls it: execute, what makes handles of its results, what collects garbage, the results' types, the
        class of handles, what makes a handle of an Array and the device it takes. None for programs that need more."""
        executable = self.executable
        if self.devices or self.hoisted or self.donated or self.passing or not executable.plain:
            return None
        outs = tuple(self.outs)
        return (*executable.plain, outs, runtime.handle_class(), to_device, self.device)

    def _run_besides(self, args: Sequence[Array], handles: list[Any]) -> list[Any]:
        """Run with hidden arguments or donated ones."""
        for i in self.donated:
            args[i]._shape = args[i].shape
            args[i]._np = None
        try:
            results = self.executable.run(handles)
        except TypeError:
            _check_deleted(handles)
            raise
        for i in self.donated:
            _mark_deleted(args[i])
        return results

    def _run_placed(self, args: Sequence[Array]) -> list[Array]:
        partitions = self.in_partitions or [None] * len(args)
        handles = [place(a, self.devices, p) for a, p in zip(args, partitions, strict=True)]
        results = self.executable.run(self.hoisted + handles)
        parts = self.out_partitions or [None] * len(results)
        return [
            wrap_handle(Placed(h, self.devices, p), s, t)
            for h, (s, t), p in zip(results, self.outs, parts, strict=True)
        ]


class Passing:
    """What does not go through a compiled program: arguments that it does not use, results that are arguments, results given
    twice. `inputs` are the arguments that it takes; `sources` tell what each result is: the program's i-th, or argument ~i."""

    __slots__ = ("inputs", "sources")

    def __init__(self, inputs: list[int], sources: list[int]):
        self.inputs = inputs
        self.sources = sources

    def results(self, args: Sequence[Array], outs: list[Array]) -> list[Array]:
        found, used = [], set()
        for i in self.sources:
            if i in used or i < 0:
                found.append(_twin(args[~i] if i < 0 else outs[i]))
            else:
                used.add(i)
                found.append(outs[i])
        return found


def _twin(x: Array) -> Array:
    """Another Array of the same memory, which from now on is copied before it is donated."""
    out = _new(Array)
    out._np = x._np
    out._buf = handle = x._buf
    out._shape = x.shape
    out._t = x._t
    if handle is DELETED:
        fetch(handle)
    if type(handle) is Placed:
        handle = handle.handle
    if handle is not None:
        handle.shared = True
    return out


def _pass_by(closed: ClosedJaxpr) -> tuple[ClosedJaxpr, Passing | None]:
    """The part of a program that must run, and what passes by; all of it where nothing does, or nothing would be left."""
    jaxpr = closed.jaxpr
    places: dict[Any, int] = {v: ~i for i, v in enumerate(jaxpr.invars)}
    kept: list[Any] = []
    sources = []
    for v in jaxpr.outvars:
        if type(v) is Literal or v not in places:
            if type(v) is not Literal:
                places[v] = len(kept)
            sources.append(len(kept))
            kept.append(v)
        else:
            sources.append(places[v])
    if not kept:
        return closed, None
    used = {v for e in jaxpr.eqns for v in e.invars if type(v) is not Literal}
    inputs = [i for i, v in enumerate(jaxpr.invars) if v in used]
    if len(inputs) == len(jaxpr.invars) and len(kept) == len(jaxpr.outvars):
        return closed, None
    invars = [jaxpr.invars[i] for i in inputs]
    less = Jaxpr(jaxpr.constvars, invars, kept, jaxpr.eqns, jaxpr.debug_name)
    return ClosedJaxpr(less, closed.consts), Passing(inputs, sources)


class Deleted:
    """Stands for the buffer of an Array that was deleted or donated."""


DELETED = Deleted()


def _mark_deleted(x: Array) -> None:
    if x._buf is not None:
        x._shape = x.shape
        x._np = None
        x._buf = DELETED


def _check_deleted(handles: list[Any]) -> None:
    if any([h is DELETED for h in handles]):
        fetch(DELETED)


def delete(x: Array) -> None:
    """Free an Array's memory; using it afterwards raises RuntimeError."""
    x._shape = x.shape
    x._np = None
    x._buf = DELETED


def fetch(handle: Any) -> np.ndarray:
    """The numbers of a device buffer."""
    if type(handle) is Placed:
        return runtime.to_numpy(handle.handle)
    if handle is DELETED:
        raise RuntimeError(
            "Array: it was deleted or donated. Keep a copy (numax.numpy.copy) to use it again."
        )
    return runtime.to_numpy(handle)


def to_device(x: Array, device: Any) -> Any:
    """The buffer of an Array on the default device; made once."""
    handle = x._buf
    if handle is DELETED:
        fetch(handle)
    if handle is None:
        data = x._np
        if not data.flags.c_contiguous:
            data = np.ascontiguousarray(data).reshape(data.shape)
        handle = x._buf = runtime.to_device(data, device, immutable=True)
    elif type(handle) is Placed:
        return runtime.to_device(x.numpy_(), device, immutable=True)
    return handle


def place(x: Array, devices: tuple[Any, ...], partition: tuple[int, ...] | None) -> Any:
    """A buffer of an Array on given devices, cut as `partition` says (None: whole on each)."""
    held = x._buf
    if type(held) is Placed and held.devices == devices and held.partition == partition:
        return held.handle
    data = np.ascontiguousarray(x.numpy_()).reshape(x.shape)
    if len(devices) == 1:
        return runtime.to_device(data, devices[0], immutable=True)
    if partition is None:
        return runtime.put_sharded([data] * len(devices), devices, None)
    return runtime.put_sharded(runtime.split(data, devices, partition), devices, partition)


class HostProgram:
    """A tiny program on NumPy: Arrays in, Arrays out."""

    __slots__ = ("donated", "function", "outs")

    def __init__(self, function: Any, outs: list[Any], donated: tuple[int, ...] = ()):
        self.function = function
        self.outs = outs
        self.donated = donated

    def __call__(self, args: Sequence[Array]) -> list[Array]:
        values = [a._np for a in args]
        for i, v in enumerate(values):
            if v is None:
                values[i] = args[i].numpy_()
        results = quiet.run(self.function, *values)
        for i in self.donated:
            delete(args[i])
        return [
            wrap(v if type(v) is np.ndarray else np.asarray(v), t)
            for v, t in zip(results, self.outs, strict=True)
        ]


def program_for(
    closed: ClosedJaxpr, name: str, donated: tuple[int, ...] = (), options: Any = ()
) -> Any:
    """How jit runs a program: on NumPy if it is tiny, else compiled."""
    found = closed.cache.get("host")
    if found is None:
        found = closed.cache["host"] = (
            HostProgram(generate(closed), [a.etype for a in closed.out_avals])
            if is_tiny(closed) and runtime_is_cpu()
            else False
        )
    donated = usable(closed, name, donated) if donated else ()
    if found and donated:
        return HostProgram(found.function, found.outs, donated)
    return found or compile_program(closed, name, donated, options)


def usable(closed: ClosedJaxpr, name: str, donated: tuple[int, ...]) -> tuple[int, ...]:
    """The donated arguments that a result of the same type can take the memory of; a warning names the others."""
    free = [(a.shape, a.dtype) for a in closed.out_avals]
    kept, refused = [], []
    for i in donated:
        aval = closed.in_avals[i]
        if (aval.shape, aval.dtype) in free:
            free.remove((aval.shape, aval.dtype))
            kept.append(i)
        else:
            refused.append(aval.str_short())
    if refused:
        warnings.warn(
            f"jit of `{name}`: Some donated buffers were not usable: {', '.join(refused)}. No result has that "
            "shape and dtype; donate only arguments that one replaces.",
            stacklevel=source.warning_level(),
        )
    return tuple(kept)


def runtime_is_cpu() -> bool:
    """Whether arrays live in the host's memory, as far as is known without opening the runtime."""
    if config.default_device.value is not None:
        return False
    if runtime.is_made():
        return runtime.backend().platform == "cpu"
    return config.platforms.value in (None, "", "cpu") and not runtime.accelerator_installed()


def _cut(aval: ShapedArray, mapped: bool, size: int) -> tuple[int, ...] | None:
    return (size, *(1,) * (aval.ndim - 1)) if mapped else None


def _annotation(aval: ShapedArray, mapped: bool) -> dict[str, Any]:
    parts = ", ".join('{"devices"}' if mapped and i == 0 else "{}" for i in range(aval.ndim))
    return {"sdy.sharding": stablehlo.types.Text(f"#sdy.sharding<@mesh, [{parts}]>")}


def compile_program(
    closed: ClosedJaxpr,
    name: str,
    donated: tuple[int, ...] = (),
    options: Any = (),
    device: Any = None,
) -> Program:
    """Lower and compile; the result is kept on the program."""
    backend = runtime.backend()
    default = backend.devices[0]
    device = device or config.default_device.value or default
    key = ("compiled", device, donated, tuple(options))
    found = closed.cache.get(key)
    if found is None:
        spot = placement.find(closed)
        if spot is not None:
            found = _compile_spmd(closed, name, spot, backend, options)
        else:
            found = _compile_single(closed, name, donated, options, device, device is not default)
        closed.cache[key] = found
    return found


def _compile_single(
    closed: ClosedJaxpr,
    name: str,
    donated: tuple[int, ...],
    options: Any,
    device: Any,
    placed: bool,
) -> Program:
    passing = None
    if not donated and not placed:
        closed, passing = _pass_by(closed)
    module = stablehlo.walk.lower(
        closed, name, device.platform, donated=donated, kernels=runtime.kernels(device.platform)
    )
    outs = [(a.shape, etype(a.dtype, a.weak_type)) for a in closed.out_avals]
    count = len(module.hoisted)
    executable = runtime.compile(
        module.text,
        devices=(device,),
        outputs=[runtime.Output(s, t.physical) for s, t in outs],
        donate=tuple(count + i for i in donated),
        callbacks=module.callbacks,
        options=options,
        strict=True,
        small=module.small,
        formulas=module.formulas,
    )
    if placed:
        hoisted = [place(c, (device,), None) for c in module.hoisted]
        return Program(executable, hoisted, outs, device, module.text, devices=(device,))
    hoisted = [to_device(c, device) for c in module.hoisted]
    return Program(executable, hoisted, outs, device, module.text, donated, passing)


def _compile_spmd(closed: ClosedJaxpr, name: str, spot: Any, backend: Any, options: Any) -> Program:
    devices = spot.devices or tuple(backend.devices[: spot.size])
    if len(devices) < spot.size:
        raise ValueError(
            f"pmap: the mapped axis has size {spot.size}, and there are {len(devices)} devices. Make more with "
            'numax.config.update("num_cpu_devices", n) before the first use, or use vmap.'
        )
    whole = placement.whole(closed)
    ins = whole.mapped_in if whole else (False,) * len(closed.in_avals)
    outs_mapped = whole.mapped_out if whole else (False,) * len(closed.out_avals)
    module = stablehlo.walk.lower(
        closed,
        name,
        backend.platform,
        in_attributes=[_annotation(a, m) for a, m in zip(closed.in_avals, ins, strict=True)],
        out_attributes=[
            _annotation(a, m) for a, m in zip(closed.out_avals, outs_mapped, strict=True)
        ],
        attributes={"mhlo.num_partitions": np.int32(spot.size), "mhlo.num_replicas": np.int32(1)},
        hoisted_attributes=lambda a: _annotation(a, False),
    )
    outs = [(a.shape, etype(a.dtype, a.weak_type)) for a in closed.out_avals]
    out_cuts = [_cut(a, m, spot.size) for a, m in zip(closed.out_avals, outs_mapped, strict=True)]
    executable = runtime.compile(
        module.text,
        devices=devices,
        num_partitions=spot.size,
        outputs=[
            runtime.Output(s, t.physical, c) for (s, t), c in zip(outs, out_cuts, strict=True)
        ],
        callbacks=module.callbacks,
        options=dict(options),
        strict=True,
    )
    hoisted = [place(c, devices, None) for c in module.hoisted]
    in_cuts = [_cut(a, m, spot.size) for a, m in zip(closed.in_avals, ins, strict=True)]
    return Program(
        executable,
        hoisted,
        outs,
        devices[0],
        module.text,
        devices=devices,
        in_partitions=in_cuts,
        out_partitions=out_cuts,
    )


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
