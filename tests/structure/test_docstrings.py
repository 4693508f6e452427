"""Each public function says what it does in one line, what it takes and raises, and where it comes from."""

import importlib
import inspect
import re
import types
from pathlib import Path
from typing import NewType

import numpy as np
import pytest

import numax.numpy as jnp
from numax._engine.core import array_types

TABLE = Path(__file__).parents[1] / "data" / "jax-0.12.tsv"
FIELD = re.compile(r"\b(Shapes|Dtypes|Raises|Grad|Source|Units|Args|Returns):")
NUMPY = ("numpy", "numpy.linalg", "numpy.fft")
# namespaces of functions of arrays; those below `scipy` too
NUMERIC = (*NUMPY, "lax", "lax.linalg", "random", "nn", "nn.initializers")
# NumPy's spellings of a parameter that has another name here, as in JAX
RENAMED = {
    "arange": {"start_or_stop"},
    "clip": {"a", "a_max", "a_min"},
    "einsum_path": {"einsum_call"},
    "fromfunction": {"like"},  # goes to the function
    "fromfile": {"count", "dtype", "file", "like", "offset", "sep"},
    "fromiter": {"count", "dtype", "iter", "like"},
    "load": {"allow_pickle", "encoding", "fix_imports", "max_header_size", "mmap_mode"},
    "matrix_rank": {"A"},
    "promote_types": {"type1", "type2"},
    "result_type": {"arrays_and_dtypes"},
    "set_printoptions": set(inspect.signature(np.set_printoptions).parameters),
}
UFUNC = {"out", "where", "casting", "order", "dtype", "subok", "signature"}
# parameters that are there only to be refused
REFUSED = {"out", "overwrite_input", "subok", "kind", "like"}


def public():
    """(namespace, name, value) of each public function that there is."""
    for line in TABLE.read_text().splitlines():
        namespace, name = [*line.split("\t"), ""][:2]
        if line.startswith("#") or namespace.startswith("Array"):
            continue
        home = "numax" if namespace == "." else f"numax.{namespace}"
        try:
            value = getattr(importlib.import_module(home), name, None)
        except ModuleNotFoundError:
            continue
        known = (getattr(value, "__module__", None) or "").startswith("numax")
        if known and callable(value) and not isinstance(value, type | NewType):
            yield namespace, name, value


FUNCTIONS = list(public())


def first_line(value):
    return inspect.cleandoc(value.__doc__ or "").split("\n")[0]


def takes_arguments(value):
    code = getattr(inspect.unwrap(value), "__code__", None)
    return code is None or code.co_argcount + code.co_kwonlyargcount + code.co_flags & 4 > 0


def test_the_table_is_read():
    assert len(FUNCTIONS) > 900


def test_first_lines_are_sentences():
    bad = {
        f"{namespace}.{name}": first_line(value)
        for namespace, name, value in FUNCTIONS
        if not re.search(r"\w.*[.:]$", first_line(value))
    }
    assert bad == {}


def test_fields_say_what_goes_in_and_out():
    bad = [
        f"{namespace}.{name}"
        for namespace, name, value in FUNCTIONS
        if (namespace in NUMERIC or namespace.startswith("scipy"))
        and takes_arguments(value)
        and not FIELD.search(value.__doc__ or "")
    ]
    assert bad == []


def test_numpy_functions_name_their_source():
    bad = [
        f"{namespace}.{name}"
        for namespace, name, value in FUNCTIONS
        if namespace in NUMPY and not re.search(r"Source:|NumPy has no such", value.__doc__ or "")
    ]
    assert bad == []


def refused_parameters(namespace, name, value):
    """NumPy's parameters that the function does not take, or takes only to refuse them."""
    twin = getattr(importlib.import_module(namespace), name, None)
    if isinstance(twin, np.ufunc):
        theirs = set(UFUNC)
    else:
        try:
            theirs = set(inspect.signature(twin).parameters)
        except (TypeError, ValueError):
            return set()
    own = inspect.signature(value).parameters
    positional = {"args", "kwargs", "self"}
    return (theirs - set(own) - RENAMED.get(name, set()) - positional) | (REFUSED & set(own))


def test_docstrings_name_what_is_refused():
    bad = {}
    for namespace, name, value in FUNCTIONS:
        if namespace in NUMPY:
            missing = {
                parameter
                for parameter in refused_parameters(namespace, name, value)
                if not re.search(rf"\b{parameter}\b", value.__doc__ or "")
            }
            if missing:
                bad[f"{namespace}.{name}"] = sorted(missing)
    assert bad == {}


@pytest.mark.parametrize("kind", ["method", "property"])
def test_methods_of_arrays_have_docstrings(kind):
    members = {
        name: inspect.getattr_static(jnp.ndarray, name)
        for name in dir(jnp.ndarray)
        if not name.startswith("_")
    }
    if kind == "property":
        members = {n: getattr(jnp.ndarray, n) for n in members}
        members = {n: m.fget for n, m in members.items() if isinstance(m, property)}
    else:
        members = {n: getattr(jnp.ndarray, n) for n in members}
        members = {n: m for n, m in members.items() if isinstance(m, types.FunctionType)}
    assert len(members) > 10
    assert [n for n, m in members.items() if not re.search(r"\w.*[.:]$", first_line(m))] == []


def test_type_checkers_see_the_members_of_arrays():
    def members(kind):
        hidden = re.compile(
            r"_(?!_)|__(hex|oct|setitem|reduce|release_buffer|cuda|numpy|array_p|array_m)"
        )
        return {n for n in dir(kind) if n not in dir(object) and not hidden.match(n)}

    own = {
        "__annotations__",
        "__array__",
        "__weakref__",
        "__slots__",
        "aval",
        "dtype",
        "numpy_",
        "shape",
        "weak_type",
    }
    declared = members(array_types.Declared) | set(array_types.Declared.__annotations__)
    assert members(jnp.ndarray) - own == declared - own
    for name in declared & members(jnp.ndarray):
        ours, said = getattr(jnp.ndarray, name), getattr(array_types.Declared, name, None)
        if isinstance(ours, types.FunctionType) and name[0] != "_":
            names = [list(inspect.signature(f).parameters)[1:] for f in (ours, said)]
            assert names[0] == names[1], name
