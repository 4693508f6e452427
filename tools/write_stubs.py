"""Writes the .pyi beside each facade of numax, for type checkers and editors: python tools/write_stubs.py [--check]."""

import importlib
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from numax._engine.core.facade import Facade

PACKAGES = {
    "numax": "from numax._engine.core.array import Array as Array\n\n__version__: str\n",
    "numax._engine.runtime": "",
    "numax._engine.stablehlo": "",
    "numax._engine.stablehlo.hlo": "",
    "numax._engine.transforms": "",
    "numax.api": "",
    "numax.lax": "",
    "numax.lax.linalg": "",
    "numax.scipy": "",
    "numax.numpy": "__array_api_version__: str\n",
}


def stub(package: str) -> str:
    """The stub's text: one import for each name, as type checkers want re-exports."""
    made = Facade.known[package]
    lines = ["# Written by tools/write_stubs.py from the tables beside it.\n"]
    for module in sorted(made.modules):
        lines.append(f"from {package} import {module} as {module}")
    for home in sorted(made.homes):
        lines.append(f"from {home} import (")
        for name in sorted(made.homes[home]):
            public, _, own = name.partition("=")
            lines.append(f"    {own or public} as {public},")
        lines.append(")")
    return "\n".join(lines) + "\n" + PACKAGES[package]


def path(package: str) -> Path:
    source = Path(importlib.import_module(package).__file__ or "")
    return source.with_suffix(".pyi")


def stale() -> list[Path]:
    """The stubs that are not what the tables say."""
    found = [(path(p), stub(p)) for p in PACKAGES if importlib.import_module(p)]
    return [p for p, text in found if not p.exists() or p.read_text() != text]


def main() -> None:
    old = stale()
    if "--check" in sys.argv:
        if old:
            raise SystemExit(f"stale: {', '.join(map(str, old))}. Run python tools/write_stubs.py.")
        return
    for package in PACKAGES:
        path(package).write_text(stub(package))


if __name__ == "__main__":
    main()
