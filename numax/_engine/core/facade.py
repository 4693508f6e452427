"""Facades: packages that only gather names, and load the module behind a name when it is first asked for.

That keeps `import numax.numpy` as cheap as NumPy's own. The tables below each facade are read by `tools/write_stubs.py`
too, which writes the `.pyi` beside it, for type checkers and editors.
"""

import importlib
import sys
from collections.abc import Callable
from typing import Any, ClassVar


def _finished(value: Any) -> Any:
    """A function marked by `refusal.refuses` without its stars: inspect is slow, and most functions are never used."""
    if hasattr(value, "refused") and not hasattr(value, "__signature__"):
        inspect = importlib.import_module("inspect")
        own = inspect.signature(value)
        kept = [p for p in own.parameters.values() if p.kind is not inspect.Parameter.VAR_KEYWORD]
        value.__signature__ = own.replace(parameters=kept)
    return value


def settle(scope: dict[str, Any]) -> None:
    """The same for all functions of a public module that is no facade."""
    for value in list(scope.values()):
        _finished(value)


class Facade:
    """The table of one package: `homes` maps a module to the names that it gives, `modules` are submodules.

    A name may be given as `public=name`, if it is called otherwise at home.
    """

    __slots__ = ("homes", "modules", "package", "where")
    known: ClassVar["dict[str, Facade]"] = {}

    def __init__(self, package: str, homes: dict[str, str], modules: str = ""):
        self.package = package
        self.homes = {home: names.split() for home, names in homes.items()}
        self.modules = modules.split()
        self.where: dict[str, tuple[str, str]] = {}
        for home, names in self.homes.items():
            for name in names:
                public, _, own = name.partition("=")
                self.where[public] = (home, own or public)
        Facade.known[package] = self

    def get(self, name: str) -> Any:
        """The value of a name, kept in the package from now on."""
        found = self.where.get(name)
        if found is not None:
            value = _finished(getattr(importlib.import_module(found[0]), found[1]))
        elif name in self.modules:
            value = importlib.import_module(f"{self.package}.{name}")
        else:
            raise AttributeError(
                f"module {self.package!r} has no attribute {name!r}",
                name=name,
                obj=sys.modules[self.package],
            )
        setattr(sys.modules[self.package], name, value)
        return value

    def names(self) -> list[str]:
        return sorted({*self.where, *self.modules})

    def listed(self) -> list[str]:
        """What `dir` shows: the names of the table and those defined in the package itself."""
        own = vars(sys.modules[self.package])
        return sorted({*self.where, *self.modules, *(n for n in own if n.startswith("__"))})


def facade(
    package: str, homes: dict[str, str], modules: str = ""
) -> tuple[list[str], Callable[[str], Any], Callable[[], list[str]]]:
    """`__all__`, `__getattr__` and `__dir__` of a package that gathers names."""
    made = Facade(package, homes, modules)
    return made.names(), made.get, made.listed


def load(module: str) -> Any:
    return importlib.import_module(module)


def late(module: str, name: str) -> Callable[..., Any]:
    """A function of a module that stands above this one's user, loaded at its first call."""

    def call(*args: Any, **options: Any) -> Any:
        return getattr(importlib.import_module(module), name)(*args, **options)

    return call


class LateModule:
    """Stands for a module, and loads it when one of its names is asked for."""

    __slots__ = ("_module",)

    def __init__(self, module: str):
        self._module = module

    def __getattr__(self, name: str) -> Any:
        return getattr(importlib.import_module(self._module), name)


class Late:
    """A method or property of a class whose function is loaded at its first use, and then takes this one's place."""

    __slots__ = ("home", "kind", "name", "own", "wrap")

    def __init__(self, kind: type, name: str, home: str, own: str, wrap: Callable[..., Any] | None):
        self.kind = kind
        self.name = name
        self.home = home
        self.own = own
        self.wrap = wrap

    def __get__(self, instance: Any, owner: type) -> Any:
        value = _finished(getattr(importlib.import_module(self.home), self.own))
        setattr(self.kind, self.name, value if self.wrap is None else self.wrap(value))
        return getattr(owner if instance is None else instance, self.name)
