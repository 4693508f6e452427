"""Rows for collectives, over an axis of four that vmap maps."""

import numpy as np
from ops_case import Case, normal

from numax._engine.ops import collective as C
from numax.api.vmap import vmap

X = np.ones((4, 4), np.float32)


def over(fun):
    return vmap(fun, axis_name="i")


def everywhere(x):
    return np.broadcast_to(x, (4, *x.shape))


_ROWS = [
    ("psum", lambda x: C.psum(x, "i"), lambda x: everywhere(x.sum(0))),
    ("pmax", lambda x: C.pmax(x, "i"), lambda x: everywhere(x.max(0))),
    ("pmin", lambda x: C.pmin(x, "i"), lambda x: everywhere(x.min(0))),
    ("all_gather", lambda x: C.all_gather(x, "i", axis=1), lambda x: everywhere(x.T)),
    ("reduce_scatter", lambda x: C.psum_scatter(x, "i"), lambda x: x.sum(0)),
    (
        "ppermute",
        lambda x: C.ppermute(x, "i", [(0, 1), (1, 0), (2, 2)]),
        lambda x: np.stack([x[1], x[0], x[2], 0 * x[3]]),
    ),
    ("all_to_all", lambda x: C.all_to_all(x, "i", 0, 0), lambda x: x.T),
    ("pbroadcast", lambda x: C.pbroadcast(x, "i", 2), lambda x: everywhere(x[2])),
]

CASES = [
    Case(
        name=name,
        fun=over(fun),
        args=[normal(4, 4)],
        reference=reference,
        primitive=name,
        tol={"float32": 1e-5},
        bad=[(lambda f=fun: f(X), NameError, "unbound axis name: i")],
    )
    for name, fun, reference in _ROWS
] + [
    Case(
        name="axis_index",
        fun=over(lambda x: C.axis_index("i")),
        args=[normal(4)],
        reference=lambda x: np.arange(4, dtype=np.int32),
        primitive="axis_index",
        grad=False,
        bad=[(lambda: C.axis_index("k"), NameError, "unbound axis name: k")],
    )
]
