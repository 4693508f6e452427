"""Where in the user's program an operation was called. Cheap to take, resolved only when it is shown."""

import os
import sys
from types import CodeType

PACKAGE = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__)))) + os.sep
_ours: dict[CodeType, bool] = {}

# A place is a code object and an instruction offset within it.
Place = tuple[CodeType, int] | None


def _is_ours(code: CodeType) -> bool:
    found = _ours.get(code)
    if found is None:
        found = _ours[code] = code.co_filename.startswith(PACKAGE)
    return found


def here(depth: int = 2) -> Place:
    """The innermost frame that is not numax's own."""
    frame = sys._getframe(depth)
    ours = _ours
    while frame is not None:
        code = frame.f_code
        known = ours.get(code)
        if known is None:
            known = _is_ours(code)
        if not known:
            return code, frame.f_lasti
        frame = frame.f_back
    return None


def warning_level() -> int:
    """The `stacklevel` with which the caller's warning shows the user's line."""
    level = 1
    frame = sys._getframe(1)
    while frame is not None and _is_ours(frame.f_code):
        frame = frame.f_back
        level += 1
    return level


def line(place: Place) -> int:
    if place is None:
        return 0
    code, offset = place
    for start, end, number in code.co_lines():
        if start <= offset < end and number is not None:
            return number
    return code.co_firstlineno


def show(place: Place) -> str:
    """'file.py:12 (function)'."""
    if place is None:
        return "<unknown>"
    code = place[0]
    return f"{code.co_filename}:{line(place)} ({code.co_name})"
