"""The optional native extension (numax/_native.c): `native` is the module, or None where it was not built.

NUMAX_NATIVE=0 in the environment leaves it out. Random numbers are the same bits with and without; a reduction of a small
array may differ in its last bit.
"""

import importlib
import os
from typing import Any


def load() -> Any:
    """The module, or None if it is not there or not wanted."""
    if os.environ.get("NUMAX_NATIVE", "1") == "0":
        return None
    try:
        return importlib.import_module("numax._native")
    except ModuleNotFoundError:
        return None


native: Any = load()
