"""Executables: loaded programs and how to call them."""

import itertools
import weakref
from collections import deque
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np

from numax._engine.core.errors import JaxRuntimeError
from numax._engine.runtime import buffers, client, signature
from numax._engine.runtime.door import Aval, user_error, xla

Run = Callable[[list[Any]], list[Any]]
_MAX_TOKENS = 64
COLLECT = 1024  # runs: each leaves an object that jaxlib's threads may not free
next_number = itertools.count(1).__next__
_tokens: deque[Any] = deque()
_alive: weakref.WeakSet["Executable"] = weakref.WeakSet()


class Output(NamedTuple):
    """What one result of a program is: its whole shape, its dtype, and its pieces along each axis
    (None: replicated)."""

    shape: tuple[int, ...]
    dtype: np.dtype
    partition: tuple[int, ...] | None = None


class Executable:
    """A loaded program. Call it with a list of handles; it returns a list of handles.

    `run` is the same call without the method look-up. Both return before the numbers are there.
    `plain` is what a run on one device without effects or donation calls, (execute, handlers, collect), or empty."""

    __slots__ = (
        "__weakref__",
        "callbacks",
        "devices",
        "donated",
        "loaded",
        "options",
        "outputs",
        "plain",
        "run",
    )

    def __init__(
        self,
        loaded: Any,
        devices: tuple[Any, ...],
        outputs: Sequence[Output],
        donated: tuple[int, ...] = (),
        callbacks: Sequence[Callable[..., Any]] = (),
    ):
        self.loaded = loaded
        self.devices = devices
        self.outputs = tuple(outputs)
        self.donated = tuple(donated)
        self.callbacks = tuple(callbacks)
        self.plain: tuple[Any, ...] = ()
        self.run: Run = self._make_run()
        _alive.add(self)

    def _make_run(self) -> Run:
        door = xla()
        execute = self.loaded.execute_sharded
        if len(self.devices) == 1:
            single = door.SingleSharding(self.devices[0])
            shardings = [single] * len(self.outputs)
        else:
            shardings = [
                buffers.tiled_sharding(self.devices, out.partition) for out in self.outputs
            ]
        handlers = [
            door.result_handler(Aval(out.shape, out.dtype), sharding)
            for out, sharding in zip(self.outputs, shardings, strict=True)
        ]
        error_class = door.Error
        collect = door.collect
        number = next_number

        def run(handles: list[Any]) -> list[Any]:
            if not number() % COLLECT:
                collect()
            try:
                return execute(handles).consume_with_handlers(handlers)
            except error_class as error:
                raise _call_error(error, handles) from None

        def run_with_effects(handles: list[Any]) -> list[Any]:
            try:
                results = execute(handles, True)
                _remember(results.consume_token())
                return results.consume_with_handlers(handlers)
            except error_class as error:
                raise _call_error(error, handles) from None

        if len(self.devices) == 1 and not self.callbacks and not self.donated:
            self.plain = execute, handlers, collect
        chosen: Run = run_with_effects if self.callbacks else run
        if len(self.devices) > 1:
            chosen = self._checked(chosen)
        return self._sparing(chosen) if self.donated else chosen

    def _sparing(self, run: Run) -> Run:
        """Donate copies of the handles that NumPy looks at."""
        donated = self.donated

        def run_donating(handles: list[Any]) -> list[Any]:
            handles = list(handles)
            for i in donated:
                if buffers.is_viewed(handles[i]):
                    handles[i] = buffers.copy(handles[i])
            return run(handles)

        return run_donating

    def _checked(self, run: Run) -> Run:
        """Refuse handles that lie on other devices or in other pieces: the runtime would crash on
        them."""
        expected = signature.parameter_shapes(self.as_text())
        devices = self.devices

        def run_checked(handles: list[Any]) -> list[Any]:
            shapes = [()] * len(handles) if expected is None else expected
            if len(shapes) != len(handles):
                raise JaxRuntimeError(
                    f"execute: the program takes {len(shapes)} arguments; got {len(handles)}."
                )
            for i, (handle, shape) in enumerate(zip(handles, shapes, strict=True)):
                sharding = handle._sharding
                local = tuple(sharding.shard_shape(handle.aval.shape))
                if sharding.devices != devices or (expected is not None and local != shape):
                    raise JaxRuntimeError(
                        f"execute: argument {i} does not lie as the program wants it: pieces of "
                        f"shape {shape} on {len(devices)} devices; got pieces of shape {local} "
                        f"on {len(sharding.devices)}. Put it with the program's sharding."
                    )
            return run(handles)

        return run_checked

    def __call__(self, handles: list[Any]) -> list[Any]:
        """Run on handles.

        Raises: JaxRuntimeError if the runtime refuses them or the program fails."""
        return self.run(handles)

    def call_numpy(self, args: Sequence[Any]) -> list[Any]:
        """Run on a mix of NumPy arrays (copied to the first device) and handles."""
        device = self.devices[0]
        put = buffers.to_device
        if len(self.devices) > 1:
            return self.run([self._replicate(x) if isinstance(x, np.ndarray) else x for x in args])
        return self.run([put(x, device) if isinstance(x, np.ndarray) else x for x in args])

    def _replicate(self, x: np.ndarray) -> Any:
        local = [d for d in self.devices if d.process_index == client.process_index()]
        return buffers.put_sharded([x] * len(local), self.devices, None)

    def as_text(self) -> str:
        """The optimised HLO."""
        return "\n\n".join(module.to_string() for module in self.loaded.hlo_modules())

    def cost_analysis(self) -> dict[str, float]:
        """The compiler's estimates: "flops", "bytes accessed", ...; empty where the platform
        gives none."""
        try:
            return dict(self.loaded.cost_analysis())
        except xla().Error:
            return {}

    def memory_analysis(self) -> Any:
        """Sizes in bytes of arguments, outputs, temporaries and code, as attributes; None where
        there are none."""
        try:
            return self.loaded.get_compiled_memory_stats()
        except xla().Error:
            return None

    def serialize(self) -> bytes:
        """The compiled program as bytes, for `compile.load` on the same kind of machine.

        Raises: JaxRuntimeError if the program has host callbacks or the platform cannot."""
        if self.callbacks:
            raise JaxRuntimeError("serialize: programs with host callbacks cannot be serialised.")
        try:
            return self.loaded.serialize()
        except xla().Error as error:
            raise user_error(error) from None


def _call_error(error: Exception, handles: Sequence[Any]) -> Exception:
    for i, handle in enumerate(handles):
        if buffers.is_handle(handle) and handle.is_deleted():
            return RuntimeError(
                f"execute: argument {i} was deleted or donated. Keep a copy to use it again."
            )
    return user_error(error)


def _remember(token: Any) -> None:
    """Keep what tells when a program with callbacks has ended; waits where very many are under
    way."""
    _tokens.append(token)
    if len(_tokens) > _MAX_TOKENS:
        _tokens.popleft().block_until_ready()


def effects_barrier() -> None:
    """Wait for all programs with host callbacks.

    Raises: JaxRuntimeError if a callback failed."""
    first: Exception | None = None
    while _tokens:
        try:
            _tokens.popleft().block_until_ready()
        except xla().Error as error:
            first = first or user_error(error)
        except IndexError:
            break
    if first is not None:
        raise first


def alive() -> list[Executable]:
    """All executables that exist."""
    return list(_alive)
