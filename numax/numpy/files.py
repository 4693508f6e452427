"""Arrays in files and as text: save, load, print options."""

import contextlib
from collections.abc import Iterator
from typing import Any

import numpy as np

from numax import core
from numax.core import Array, Tracer, dtypes
from numax.numpy.creation import asarray
from numax.numpy.promotion import value

# Dtypes that NumPy's files do not know are stored as unsigned integers of their width; a field name says which.
_MARK = "numax:"


def _stored(x: Any) -> np.ndarray:
    """The numbers of x in a dtype that NumPy's files know."""
    data = core.to_ndarray(x) if isinstance(x, Array | Tracer) else np.asarray(x)
    if data.dtype.kind != "V" and np.dtype(data.dtype.str) == data.dtype:
        return data
    plain = np.dtype(f"u{data.dtype.itemsize}")
    return np.ascontiguousarray(data).view([(_MARK + data.dtype.name, plain)])


def _restored(data: Any) -> Any:
    """What `_stored` stored, as an array; other contents as they are."""
    if not isinstance(data, np.ndarray):
        return data
    names = data.dtype.names or ()
    if len(names) == 1 and names[0].startswith(_MARK):
        return core.from_numpy(data.view(dtypes.as_dtype(names[0][len(_MARK) :])))
    return asarray(data) if data.dtype.kind in "biufc" else data


def save(file: Any, arr: Any, allow_pickle: bool = True) -> None:
    """Write an array to a file in NumPy's .npy format.

    Differs from NumPy: bfloat16, float8 and int4 keep their dtype for `load`. Source: NumPy `save`.
    """
    np.save(file, _stored(arr), allow_pickle=allow_pickle)


def savez(file: Any, *args: Any, allow_pickle: bool = True, **kwds: Any) -> None:
    """Write several arrays to a file in NumPy's .npz format.

    Differs from NumPy: bfloat16, float8 and int4 keep their dtype for `load`. Source: NumPy `savez`.
    """
    named = {key: _stored(x) for key, x in kwds.items()}
    np.savez(file, *[_stored(x) for x in args], allow_pickle=allow_pickle, **named)


class Archive:
    """The arrays of an .npz file, read when asked for. A mapping, and a context manager that closes the file."""

    def __init__(self, file: Any):
        self._file = file

    @property
    def files(self) -> list[str]:
        """The names of the arrays."""
        return self._file.files

    def __getitem__(self, key: str) -> Any:
        return _restored(self._file[key])

    def __iter__(self) -> Iterator[str]:
        return iter(self._file)

    def __len__(self) -> int:
        return len(self._file)

    def __contains__(self, key: object) -> bool:
        return key in self._file

    def keys(self) -> Any:
        """The names of the arrays."""
        return self._file.keys()

    def values(self) -> list[Any]:
        """The arrays."""
        return [self[key] for key in self]

    def items(self) -> list[tuple[str, Any]]:
        """Names and arrays."""
        return [(key, self[key]) for key in self]

    def close(self) -> None:
        """Close the file."""
        self._file.close()

    def __enter__(self) -> "Archive":
        return self

    def __exit__(self, *reason: Any) -> None:
        self.close()


def load(file: Any, *args: Any, **kwargs: Any) -> Any:
    """The array of an .npy file, or the arrays of an .npz file by name, with numpy.load's arguments.

    Differs from NumPy: 64-bit data is narrowed unless x64 is on. Source: NumPy `load`.
    """
    found = np.load(file, *args, **kwargs)
    return Archive(found) if isinstance(found, np.lib.npyio.NpzFile) else _restored(found)


# ---- text ----


def set_printoptions(*args: Any, **kwargs: Any) -> None:
    """Set how arrays are printed, here and in NumPy, with numpy.set_printoptions' arguments.

    Source: NumPy `set_printoptions`.
    """
    np.set_printoptions(*args, **kwargs)


def get_printoptions() -> dict[str, Any]:
    """How arrays are printed.

    Source: NumPy `get_printoptions`.
    """
    return dict(np.get_printoptions())


@contextlib.contextmanager
def printoptions(*args: Any, **kwargs: Any) -> Iterator[dict[str, Any]]:
    """Set how arrays are printed, for a `with` block.

    Source: NumPy `printoptions`.
    """
    with np.printoptions(*args, **kwargs) as options:
        yield dict(options)


def _options(width: Any, precision: Any, suppress: Any) -> dict[str, Any]:
    given = {"linewidth": width, "precision": precision, "suppress": suppress}
    return {name: option for name, option in given.items() if option is not None}


def array_repr(
    arr: Any, max_line_width: Any = None, precision: Any = None, suppress_small: Any = None
) -> str:
    """The text that repr(arr) gives, with other options.

    Source: NumPy `array_repr`.
    """
    x = value("array_repr", arr)
    with np.printoptions(**_options(max_line_width, precision, suppress_small)):
        return repr(x)


def array_str(
    a: Any, max_line_width: Any = None, precision: Any = None, suppress_small: Any = None
) -> str:
    """The text that str(a) gives, with other options.

    Source: NumPy `array_str`.
    """
    x = value("array_str", a)
    with np.printoptions(**_options(max_line_width, precision, suppress_small)):
        return str(x)


__all__ = [
    "array_repr",
    "array_str",
    "get_printoptions",
    "load",
    "printoptions",
    "save",
    "savez",
    "set_printoptions",
]
