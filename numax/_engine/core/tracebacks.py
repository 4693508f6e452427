"""Tracebacks that end at the user's line: uncaught errors are shown without numax's own frames."""

import sys
from types import CodeType, TracebackType

from numax._engine.core import config
from numax._engine.core.source import PACKAGE

NOTE = "(numax's own frames are hidden; NUMAX_TRACEBACK_FILTERING=off shows them.)"


def is_ours(code: CodeType) -> bool:
    return code.co_filename.startswith((PACKAGE, "<numax "))


def without_ours(traceback: TracebackType | None) -> TracebackType | None:
    """The traceback without numax's frames; unchanged where nothing else would be left."""
    kept: list[TracebackType] = []
    while traceback is not None:
        if not is_ours(traceback.tb_frame.f_code):
            kept.append(traceback)
        traceback = traceback.tb_next
    result: TracebackType | None = None
    for one in reversed(kept):
        result = TracebackType(result, one.tb_frame, one.tb_lasti, one.tb_lineno)
    return result


def shorten(error: BaseException) -> bool:
    """Hide our frames of an error and of its causes; whether there were any."""
    found = False
    seen: set[int] = set()
    current: BaseException | None = error
    while current is not None and id(current) not in seen:
        seen.add(id(current))
        short = without_ours(current.__traceback__)
        if short is not None and _length(short) != _length(current.__traceback__):
            current.__traceback__ = short
            found = True
        current = current.__cause__ or current.__context__
    return found


def _length(traceback: TracebackType | None) -> int:
    count = 0
    while traceback is not None:
        count += 1
        traceback = traceback.tb_next
    return count


def install() -> None:
    """Shorten the tracebacks that the interpreter prints for uncaught errors."""
    previous = sys.excepthook

    def hook(
        kind: type[BaseException], error: BaseException, traceback: TracebackType | None
    ) -> None:
        if config.traceback_filtering.value != "off" and shorten(error):
            error.add_note(NOTE)
            traceback = error.__traceback__
        previous(kind, error, traceback)

    sys.excepthook = hook
