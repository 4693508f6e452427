"""NumPy's parameters that functions take only to say what to use instead."""

from collections.abc import Callable, Mapping
from typing import Any, NoReturn, TypeVar

F = TypeVar("F", bound=Callable[..., Any])

INSTEAD = {
    "a": ". Give the array first, without a name.",
    "a_max": ". Its name is `max`.",
    "a_min": ". Its name is `min`.",
    "cache": ". Leave it out.",
    "casting": ": dtypes follow promotion. Convert with `astype` first.",
    "correction": ". Its name is `ddof`.",
    "doc": ". Set `__doc__` of the result.",
    "dtype": ". Convert the arguments or the result with `astype`.",
    "kind": ": one algorithm serves all arrays. Leave it out.",
    "like": ": there is one class of arrays. Leave it out.",
    "ndmax": ". Reshape the result.",
    "order": ": arrays have no memory order. Leave it out; for another library, use numpy.asarray(x, order=...).",
    "otypes": ": the function's results say the dtypes. Convert them with `astype`.",
    "out": ": arrays are immutable. Use the result.",
    "overwrite_input": ": arrays are immutable. Leave it out.",
    "signature": ". Convert the arguments with `astype`.",
    "subok": ": arrays have no subclasses. Leave it out.",
    "where": ". Use numax.numpy.where on the result.",
}
UFUNC = ("out", "where", "casting", "order", "dtype", "subok", "signature")


def refuse(op: str, name: str, kind: type[Exception] = TypeError) -> NoReturn:
    """Raise for one of NumPy's parameters."""
    raise kind(f"{op}: the '{name}' argument of NumPy is not supported{INSTEAD[name]}")


_NO_KINDS: dict[str, type[Exception]] = {}


def no_options(
    op: str, given: Mapping[str, Any], kinds: Mapping[str, type[Exception]] = _NO_KINDS
) -> None:
    """Raise for each keyword that `op` does not take. None is what NumPy means by leaving one out.

    kinds: the class for a parameter, where it is not TypeError.
    """
    for name, value in given.items():
        if name not in INSTEAD:
            raise TypeError(f"{op}() got an unexpected keyword argument '{name}'")
        if value is not None:
            refuse(op, name, kinds.get(name, TypeError))


def sentence(names: tuple[str, ...]) -> str:
    """What docstrings say of refused parameters."""
    shown = [f"`{name}`" for name in names]
    listed = " and ".join([", ".join(shown[:-1]), shown[-1]]) if len(shown) > 1 else shown[0]
    return f"NumPy's {listed} {'are' if len(shown) > 1 else 'is'} refused."


def documented(doc: str | None, names: tuple[str, ...]) -> str | None:
    """A docstring that ends with what is refused."""
    if not names:
        return doc
    doc = (doc or "").rstrip()
    return f"{doc}\n{'    ' if chr(10) in doc else ''}{sentence(names)}"


def refuses(*names: str) -> Callable[[F], F]:
    """A decorator for functions that give `**numpy_only` to `no_options`: it says so in the docstring. `facade` hides
    the stars from the signature, which is JAX's, when the function is first asked for."""

    def mark(function: F) -> F:
        function.refused = names  # type: ignore[attr-defined]
        function.__doc__ = documented(function.__doc__, names)
        return function

    return mark
