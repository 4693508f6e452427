"""The end of a process, and forks. XLA's threads do not survive a fork, and must not meet a dying
interpreter."""

import atexit
import ctypes
import logging
import os
import sys
import threading
import time
from typing import Any

from numax._engine.core.errors import JaxRuntimeError
from numax._engine.core.native import native
from numax._engine.runtime import buffers, client, distributed, execute, installed

_PACKAGE = os.path.abspath(os.path.join(os.path.dirname(__file__), "..", "..")) + os.sep
_PATIENCE_SECONDS = 5.0
_CALM = 10  # looks, a millisecond apart, at which no other thread may be in numax
_log = logging.getLogger("numax")


def _run_in_child(handles: list[Any]) -> list[Any]:
    """Stands in for the `run` of executables in a forked child, where XLA would hang."""
    client.check_process()
    raise RuntimeError("execute: XLA cannot run in this process.")


def _after_fork() -> None:
    if client.available():
        return
    buffers.forget_places()
    for executable in execute.alive():
        client.keep_forever(executable.loaded)
        executable.run = _run_in_child


def _inside() -> bool:
    """Whether another thread is in numax's code, so perhaps in jaxlib."""
    mine = threading.get_ident()
    return any(
        ident != mine and frame.f_code.co_filename.startswith(_PACKAGE)
        for ident, frame in sys._current_frames().items()
    )


def _wait_for_calm() -> None:
    """Until the other threads have left numax, or wait where they may stay for ever."""
    end = time.monotonic() + _PATIENCE_SECONDS
    calm = 0
    while calm < _CALM and time.monotonic() < end:
        time.sleep(0.001)
        calm = 0 if _inside() else calm + 1


def _set_terminate() -> int:
    """The address of std::set_terminate in the C++ library that jaxlib has loaded; 0 where there is none such."""
    try:
        library = ctypes.CDLL("libstdc++.so.6")
        function = library._ZSt13set_terminatePFvvE
    except (OSError, AttributeError):  # not Linux, or another C++ library
        return 0
    return ctypes.cast(function, ctypes.c_void_p).value or 0


def _park(go_on: Any) -> Any:
    """`go_on` for this thread; for any other a function that never returns."""
    mine = threading.get_ident()

    def parked(*args: Any) -> Any:
        if threading.get_ident() == mine:
            return go_on(*args)
        return threading.Event().wait()

    return parked


def _at_exit() -> None:
    """Wait for callbacks, then keep daemon threads out of jaxlib: a thread that the interpreter
    ends there aborts. What they free outside our code still leads there; such a thread is let rest."""
    if not installed.is_made() or not client.available():
        return
    for last in (execute.effects_barrier, distributed.shutdown):
        try:
            last()
        except JaxRuntimeError as error:
            _log.error("At the end of the process: %s", error)
    if threading.active_count() == 1:
        return
    if native is not None:
        native.end(_set_terminate())
    for executable in execute.alive():
        executable.run = _park(executable.run)
    buffers.redirect(_park)
    _wait_for_calm()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)
atexit.register(_at_exit)
