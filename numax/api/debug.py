"""Looking at values inside compiled functions."""

import builtins
import pdb
from collections.abc import Callable
from typing import Any

import numpy as np

from numax._engine import runtime
from numax._engine.control.callback import debug_callback


def callback(
    callback: Callable[..., Any],
    *args: Any,
    ordered: bool = False,
    partitioned: bool = False,
    **kwargs: Any,
) -> None:
    """Call a Python function with the values of the arguments, each time the program runs."""
    debug_callback(callback, *args, ordered=ordered, **kwargs)


def print(
    fmt: str,
    *args: Any,
    ordered: bool = False,
    partitioned: bool = False,
    skip_format_check: bool = False,
    **kwargs: Any,
) -> None:
    """Print fmt.format(*args, **kwargs) with the values, each time the program runs; under vmap for each element.

    Raises: TypeError if fmt is an f-string of a traced value (it would print the tracer), or does not fit the arguments.
    """
    if not isinstance(fmt, str):
        raise TypeError(
            f"debug.print: the first argument must be a format string; got {type(fmt).__name__}."
        )
    if not skip_format_check:
        try:
            fmt.format(*[_Any() for _ in args], **{k: _Any() for k in kwargs})
        except (IndexError, KeyError) as error:
            raise ValueError(
                f"debug.print: the format {fmt!r} does not fit the arguments: {error!r}."
            ) from None
        if (args or kwargs) and "{" not in fmt:
            raise ValueError("debug.print: unused arguments. Put {} for each into the format.")

    def show(*values: Any, **named: Any) -> None:
        _write(fmt.format(*[_plain(v) for v in values], **{k: _plain(v) for k, v in named.items()}))

    debug_callback(show, *args, ordered=ordered, **kwargs)


def _write(text: str) -> None:
    builtins.print(text, flush=True)


def _plain(x: Any) -> Any:
    return np.asarray(x) if hasattr(x, "_trace") else x


class _Any:
    """Formats like anything."""

    def __format__(self, spec: str) -> str:
        return ""

    def __getattr__(self, name: str) -> "_Any":
        return _Any()

    def __getitem__(self, key: Any) -> "_Any":
        return _Any()


def breakpoint(
    *,
    backend: str | None = None,
    filter_frames: bool = True,
    num_frames: Any = None,
    ordered: bool = False,
    token: Any = None,
) -> None:
    """Stop in Python's debugger when the program gets here."""
    debug_callback(lambda: pdb.set_trace())


def effects_barrier() -> None:
    """Wait until all callbacks of running programs are done."""
    runtime.effects_barrier()
