"""Rows of the comparison of numax.numpy with NumPy, and the checks that each row goes through."""

import dataclasses
from collections.abc import Callable
from typing import Any

import numpy as np

import numax
import numax.numpy as jnp


@dataclasses.dataclass(frozen=True)
class Row:
    """One call: `fun(xp, *arrays)` runs with numax.numpy and with numpy.

    fun takes the namespace first. reference replaces it for NumPy where the call differs there.
    dtype: the result's dtype where it is not NumPy's, narrowed to 32 bits.
    """

    name: str
    fun: Callable[..., Any]
    args: tuple[np.ndarray, ...]
    reference: Callable[..., Any] | None = None
    dtype: Any = None
    grad: bool = True
    jit: bool = True
    vmap: bool = True
    tol: float = 1e-6

    def expected(self, *args: Any) -> list[np.ndarray]:
        out = self.fun(np, *args) if self.reference is None else self.reference(*args)
        return leaves(out)

    def __str__(self) -> str:
        return self.name


def leaves(out: Any) -> list[Any]:
    if isinstance(out, tuple | list):
        return [leaf for item in out for leaf in leaves(item)]
    return [out]


def narrow(dtype: Any) -> Any:
    return {
        "float64": "float32",
        "int64": "int32",
        "uint64": "uint32",
        "complex128": "complex64",
    }.get(np.dtype(dtype).name, np.dtype(dtype).name)


def arrays(args: Any) -> list[Any]:
    return [jnp.asarray(a) for a in args]


def host(x: Any) -> np.ndarray:
    return x.numpy_() if isinstance(x, numax.Array) else np.asarray(x)


def compare(got: list[Any], want: list[np.ndarray], tol: float, what: str) -> None:
    assert len(got) == len(want), f"{what}: {len(got)} results, not {len(want)}"
    for g, w in zip(got, want, strict=True):
        data = host(g)
        w = host(w)
        assert data.shape == w.shape, f"{what}: shape {data.shape}, not {w.shape}"
        if data.dtype.kind in "biu":
            np.testing.assert_array_equal(data, w, err_msg=what)
        else:
            wide = np.complex128 if data.dtype.kind == "c" else np.float64
            np.testing.assert_allclose(data.astype(wide), w, rtol=tol, atol=tol, err_msg=what)


def check_value(row: Row) -> None:
    want = row.expected(*row.args)
    got = leaves(row.fun(jnp, *arrays(row.args)))
    compare(got, want, row.tol, "eager")
    for g, w in zip(got, want, strict=True):
        expected = narrow(np.asarray(w).dtype) if row.dtype is None else np.dtype(row.dtype).name
        assert g.dtype.name == expected, f"dtype {g.dtype}, not {expected}"


def check_jit(row: Row) -> None:
    args = arrays(row.args)
    eager = leaves(row.fun(jnp, *args))
    compiled = leaves(numax.jit(lambda *a: row.fun(jnp, *a))(*args))
    compare(compiled, [host(e) for e in eager], row.tol, "jit")
    for c, e in zip(compiled, eager, strict=True):
        assert (c.dtype, c.weak_type) == (e.dtype, e.weak_type)


def _is_float(a: np.ndarray) -> bool:
    return np.asarray(a).dtype.kind == "f"


def check_grad(row: Row) -> None:
    """jvp against finite differences of NumPy's own function, in float64; vjp by the dot-product test."""
    rng = np.random.default_rng(7)
    with numax.enable_x64(True):
        args = [np.asarray(a, np.float64) if _is_float(a) else np.asarray(a) for a in row.args]
        places = [i for i, a in enumerate(args) if _is_float(a)]
        tangents = [rng.standard_normal(args[i].shape) for i in places]

        def moved(step: float) -> list[np.ndarray]:
            new = list(args)
            for i, t in zip(places, tangents, strict=True):
                new[i] = new[i] + step * t
            return [np.asarray(w) for w in row.expected(*new)]

        def of_floats(*floats: Any) -> list[Any]:
            new = [jnp.asarray(a) for a in args]
            for i, x in zip(places, floats, strict=True):
                new[i] = x
            return [x for x in leaves(row.fun(jnp, *new)) if x.dtype.kind == "f"]

        floats = [jnp.asarray(args[i]) for i in places]
        step = 1e-5
        plus, minus = moved(step), moved(-step)
        want = [(p - m) / (2 * step) for p, m in zip(plus, minus, strict=True) if _is_float(p)]
        outs, got = numax.jvp(of_floats, floats, [jnp.asarray(t) for t in tangents])
        compare(got, want, 1e-5, "jvp")
        cts = [rng.standard_normal(o.shape) for o in outs]
        _, pull = numax.vjp(of_floats, *floats)
        back = pull([jnp.asarray(c) for c in cts])
        left = sum(np.vdot(c, host(g)) for c, g in zip(cts, got, strict=True))
        right = sum(np.vdot(t, host(b)) for t, b in zip(tangents, back, strict=True))
        np.testing.assert_allclose(left, right, rtol=1e-8, atol=1e-8, err_msg="vjp")


def check_vmap(row: Row) -> None:
    """vmap over the first argument, and over all of them, against a loop."""
    rng = np.random.default_rng(11)
    for batched in {(0,), tuple(range(len(row.args)))}:
        args, dims = [], []
        for i, a in enumerate(row.args):
            a = np.asarray(a)
            if i in batched:
                order = [rng.permutation(a.reshape(-1)).reshape(a.shape) for _ in range(2)]
                args.append(np.stack([a, *order], axis=-1))
                dims.append(-1)
            else:
                args.append(a)
                dims.append(None)
        whole = leaves(numax.vmap(lambda *a: row.fun(jnp, *a), in_axes=tuple(dims))(*arrays(args)))
        for j in range(3):
            single = [a[..., j] if d is not None else a for a, d in zip(args, dims, strict=True)]
            want = [host(x) for x in leaves(row.fun(jnp, *arrays(single)))]
            compare([host(w)[j] for w in whole], want, row.tol, f"vmap {batched} {j}")


def raised(call: Callable[[], Any]) -> BaseException | None:
    """The exception of a call, or None."""
    try:
        call()
    except Exception as error:
        return error
    return None


def rows_of(rows: list[Row], what: str) -> list[Row]:
    """The rows that a check applies to."""
    chosen = []
    for row in rows:
        if what == "grad" and not (row.grad and any(_is_float(a) for a in row.args)):
            continue
        if what in ("jit", "vmap") and not getattr(row, what):
            continue
        if what == "vmap" and not row.args:
            continue
        chosen.append(row)
    return chosen
