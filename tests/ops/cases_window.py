"""Rows for windowed reductions."""

import numpy as np
from ops_case import Case, normal

from numax._engine.ops import window as W
from numax._engine.ops.arithmetic import max as max_
from numax._engine.ops.arithmetic import min as min_
from numax._engine.ops.basis import add, mul

FULL = np.ones((2, 3), np.float32)
_LOOSE = {"float32": 1e-5, "complex64": 1e-5, "bfloat16": 2e-2, "float16": 2e-3}

GEOMETRIES = [
    ((5,), ((2,), (1,), "VALID", None, None)),
    ((4, 5), ((2, 3), (2, 1), "SAME", None, None)),
    ((5, 4), ((2, 2), (1, 2), ((1, 0), (-1, 1)), (1, 2), (2, 1))),
    ((7,), ((6,), (1,), ((5, 0),), None, None)),
]


def loop(x, start, combine, dims, strides, padding, base, apart):
    """The definition, place by place."""
    rank = x.ndim
    base, apart = base or (1,) * rank, apart or (1,) * rank
    places = W.reduce_window_shape_tuple(x.shape, dims, strides, padding, base, apart)
    if isinstance(padding, str):
        padding = W._geometry(x.shape, dims, strides, padding, base, apart)["padding"]
    out = np.full(places, start, x.dtype)
    for place in np.ndindex(*places):
        for offset in np.ndindex(*dims):
            at = [
                p * s + o * a - low
                for p, s, o, a, (low, _) in zip(place, strides, offset, apart, padding, strict=True)
            ]
            if all(
                i % b == 0 and 0 <= i // b < n for i, b, n in zip(at, base, x.shape, strict=True)
            ):
                out[place] = combine(
                    out[place], x[tuple([i // b for i, b in zip(at, base, strict=True)])]
                )
    return out


def _start(kind, dtype):
    if kind in ("sum", "any"):
        return np.zeros((), dtype)
    from_numpy = np.finfo if dtype.kind == "f" else np.iinfo
    if dtype.kind == "f":
        return np.array(-np.inf if kind == "max" else np.inf, dtype)
    return np.array(from_numpy(dtype).min if kind == "max" else from_numpy(dtype).max, dtype)


def smooth(x, y):
    return add(add(x, y), mul(x, y))


PROGRAMS = {
    "sum": (add, np.add),
    "max": (max_, np.maximum),
    "min": (min_, np.minimum),
    "any": (smooth, None),
}


def pooled(kind, geometry):
    return lambda x: W.reduce_window(
        x, _start(kind, np.dtype(x.dtype)), PROGRAMS[kind][0], *geometry
    )


def expected(kind, geometry):
    combine = PROGRAMS[kind][1] or (lambda a, b: a + b + a * b)
    return lambda x: loop(x, _start(kind, x.dtype), combine, *geometry)


CASES = [
    Case(
        name=f"reduce_window_{kind}_{i}",
        fun=pooled(kind, geometry),
        args=[normal(*shape)],
        reference=expected(kind, geometry),
        primitive="reduce_window" if kind == "any" else f"reduce_window_{kind}",
        dtypes=("float32", "float16", "int32") if kind != "any" else ("float32",),
        tol=_LOOSE if kind in ("sum", "any") else None,
        bad=[
            (
                lambda k=kind: pooled(k, ((2,), (1,), "VALID"))(FULL),
                TypeError,
                "reduce_window: window_dimensions must have a number for each of 2 axes",
            ),
            (
                lambda k=kind: pooled(k, ((2, 0), (1, 1), "VALID"))(FULL),
                TypeError,
                "reduce_window: window_dimensions must be positive",
            ),
        ],
    )
    for kind in PROGRAMS
    for i, (shape, geometry) in enumerate(GEOMETRIES)
] + [
    Case(
        name=name,
        fun=fun,
        args=args,
        reference=reference,
        primitive=name,
        diff=(0,),
        tol={"float32": 1e-6},
    )
    for name, fun, args, reference in [
        (
            "select_and_gather_add",
            lambda t, x: W.select_and_gather_add_p.bind(
                t, x, **_POOL, base_dilation=(1, 1), window_dilation=(1, 1)
            ),
            [normal(4, 4), normal(4, 4)],
            lambda t, x: _pool_pick(t, x),
        ),
        (
            "select_and_scatter_add",
            lambda s, x: W.select_and_scatter_add_p.bind(s, x, **_POOL),
            [normal(2, 2), normal(4, 4)],
            lambda s, x: _pool_put(s, x),
        ),
    ]
]

_POOL = {
    "select_prim": W.ge_p,
    "window_dimensions": (2, 2),
    "window_strides": (2, 2),
    "padding": ((0, 0), (0, 0)),
}


def _blocks(x):
    return x.reshape(2, 2, 2, 2).transpose(0, 2, 1, 3).reshape(2, 2, 4)


def _pool_pick(t, x):
    return np.take_along_axis(_blocks(t), _blocks(x).argmax(-1)[..., None], -1)[..., 0]


def _pool_put(s, x):
    out = np.zeros((2, 2, 4), s.dtype)
    np.put_along_axis(out, _blocks(x).argmax(-1)[..., None], s[..., None], -1)
    return out.reshape(2, 2, 2, 2).transpose(0, 2, 1, 3).reshape(4, 4)
