"""How notebooks show arrays."""

import html

import numpy as np

from numax.core import Array, dtypes
from numax.numpy import conversions


def array_html(x: Array) -> str | None:
    """For notebooks: a table and a summary of large arrays; None for small ones, which show as text."""
    if x.aval.size <= np.get_printoptions()["threshold"] or dtypes.is_key(x.dtype):
        return None
    rows = {
        "shape": x.shape,
        "dtype": x.dtype.name + (", weak" if x.weak_type else ""),
        "size": f"{conversions.nbytes(x):,} bytes",
        "device": conversions.device(x),
        "sharding": conversions.sharding(x),
    }
    cells = "".join(f"<tr><th>{k}</th><td>{html.escape(str(v))}</td></tr>" for k, v in rows.items())
    return f"<table>{cells}</table><pre>{html.escape(conversions.array_str(x))}</pre>"
