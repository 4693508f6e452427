"""Rows of products, linear algebra and Fourier transforms."""

import numpy as np
from np_table import Row, a, call

NUMBER = "iufc"


def row(name: str, *calls, **options) -> Row:
    return Row(f"numpy.{name}", list(calls), **options)


def definite(*shape: int):
    return a(*shape, low=-1, high=1, fill="definite")


def both(name: str, *calls, **options) -> list[Row]:
    return [row(name, *calls, **options), row(f"linalg.{name}", *calls, **options)]


PRODUCTS = [
    row("dot", call(a(3), a(3)), call(a(2, 3), a(3)), call(a(2, 3), a(3, 4)), call(a(2, 2, 3), a(2, 3, 2)), call(a(2), 2), call(a(0), a(0)).but(grad=False), call(a(2), a(3)), tol=2),
    *both("matmul", call(a(3), a(3)), call(a(2, 3), a(3)), call(a(3), a(2, 3, 4)), call(a(2, 1, 2, 3), a(2, 3, 2)), call(a(0, 3), a(3, 2)).but(grad=False), call(a(2, 0), a(0, 2)).but(grad=False),
          call(a(2), a()), call(a(2, 3), a(2, 3)), tol=2),
    row("vdot", call(a(3), a(3)), call(a(2, 3), a(2, 3)), call(a(2, 3), a(6)), call(a(2), a(3)), tol=2),
    *both("vecdot", call(a(2, 3), a(3)), call(a(3, 2), a(3, 1), axis=0), call(a(2), a(3)), tol=2),
    row("matvec", call(a(2, 3), a(3)), call(a(4, 2, 3), a(4, 3)), call(a(2), a(2)), kinds=NUMBER, tol=2),
    row("vecmat", call(a(3), a(3, 2)), call(a(4, 3), a(4, 3, 2)), kinds=NUMBER, tol=2),
    row("inner", call(a(3), a(3)), call(a(2, 3), a(4, 3)), call(a(2, 3), 2), call(a(2), a(3)), tol=2),
    row("outer", call(a(3), a(2)), call(a(2, 2), a(3)), call(a(), a(2))),
    row("linalg.outer", call(a(3), a(2)), call(a(2, 2), a(3))),
    *both("tensordot", call(a(2, 3, 4), a(3, 4, 2)), call(a(2, 3), a(4), axes=0), call(a(2, 3, 4), a(4, 2), axes=((0, 2), (1, 0))), call(a(2, 3), a(3, 2), axes=1), call(a(2, 3), a(2, 3), axes=1), tol=2),
    row("kron", call(a(2, 3), a(2, 2)), call(a(3), a(2)), call(a(2, 2), a(3))),
    row("cross", call(a(3), a(3)), call(a(2, 3), a(3)), call(a(3, 2), a(3, 2), axis=0), call(a(4), a(4)), kinds=NUMBER, tol=2),
    row("linalg.cross", call(a(3), a(3)), call(a(2, 3), a(3)), call(a(2), a(2)), kinds=NUMBER, tol=2),
    row("einsum", call("ij,jk->ik", a(2, 3), a(3, 2)), call("ij->ji", a(2, 3)), call("ii", a(3, 3)), call("...i,...i->...", a(2, 3), a(3)), call("ij,ij", a(2, 3), a(2, 3)), call("i,j,k->kji", a(2), a(3), a(2)),
        call("ij,jk", a(2, 3), a(2, 2)), call("ij->k", a(2, 2)), kinds=NUMBER, tol=2),
    row("einsum_path", call("ij,jk,kl->il", a(2, 3), a(3, 4), a(4, 2)), run=lambda xp, *args: tuple(xp.einsum_path(*args, optimize="greedy")[0][-2:]), kinds="f", jit=False, grad=0, vmap=False),
    row("linalg.trace", call(a(3, 4)), call(a(2, 3, 3), offset=1), call(a(3)), tol=2),
    row("linalg.diagonal", call(a(3, 4)), call(a(2, 3, 3), offset=-1)),
    row("linalg.matrix_transpose", call(a(2, 3, 4)), call(a(2))),
    row("linalg.matrix_power", *[call(a(3, 3, low=-2, high=2), n) for n in (0, 1, 2, 3, 5)], call(definite(3, 3), -2).but(kinds="fc"), call(a(2, 3), 2), kinds=NUMBER, tol=20),
    row("linalg.multi_dot", call([a(2, 3), a(3, 4), a(4, 2)]), call([a(3), a(3, 2), a(2)]), call([a(2, 3), a(3, 2)]), call([a(2, 2)]), kinds="fc", tol=10),
]  # fmt: skip

ORDERS = [None, 1, -1, 2, -2, np.inf, -np.inf]


def magnitudes(out):
    """Factors up to the signs of their columns."""
    return [abs(x) for x in out]


def ordered(out):
    """Eigenvalues (and absolute vectors) in one order."""
    values = np.asarray(out[0])
    return [np.sort_complex(np.round(values.astype(np.complex128), 3))]


LINALG = [
    row("linalg.norm", *[call(a(5), o) for o in [*ORDERS, 0, 3]], *[call(a(3, 4), o) for o in (None, 1, -1, np.inf, -np.inf, "fro")], *[call(a(3, 4), o).but(kinds="sc") for o in (2, -2, "nuc")], call(a(2, 3, 4), axis=1), call(a(2, 3, 4), axis=(0, 2), keepdims=True), call(a(2, 3, 4)),
        call(a(2, 3), "fro", keepdims=True), call(a(2, 3), 7), call(a(2, 3), axis=2), kinds="biufc", tol=8, grad=0, vmap=True),
    row("linalg.vector_norm", *[call(a(5), ord=o) for o in (1, 2, 3, np.inf, 0)], call(a(2, 3), axis=0), call(a(2, 3), keepdims=True), call(a(2, 3, 2), axis=(0, 2)), kinds="fc", tol=8),
    row("linalg.matrix_norm", *[call(a(3, 4), ord=o) for o in ("fro", 1, np.inf)], *[call(a(3, 4), ord=o).but(kinds="sc") for o in (2, "nuc")], call(a(2, 3, 3), keepdims=True), call(a(3)), kinds="fc", tol=8, grad=0),
    row("linalg.det", *[call(a(n, n)) for n in (1, 2, 3, 4, 5)], call(a(2, 3, 3)), call(a(0, 0)).but(grad=False), call(a(2, 3)), kinds=NUMBER, tol=100),
    row("linalg.slogdet", call(definite(3, 3)), call(a(2, 4, 4)), call(a(1, 1)), call(a(2, 3)), kinds=NUMBER, tol=100),
    row("linalg.inv", call(definite(3, 3)), call(definite(2, 4, 4)), call(definite(5, 5)), call(a(2, 3)), kinds="fc", tol=20),
    row("linalg.solve", call(definite(3, 3), a(3)), call(definite(3, 3), a(3, 2)), call(definite(2, 4, 4), a(2, 4, 1)), call(definite(3, 3), a(2)), kinds="fc", tol=20),
    row("linalg.cholesky", call(definite(3, 3)), call(definite(2, 4, 4)), call(definite(3, 3), upper=True), call(a(2, 3)), kinds="fc", tol=10, grad=0),
    row("linalg.qr", call(a(4, 3)), call(a(3, 4)), call(a(2, 3, 3), mode="complete"), call(a(3, 3), mode="r"), kinds="sc", tol=200, canonical=magnitudes, grad=0),
    row("linalg.svd", call(a(3, 3)), call(a(4, 3), full_matrices=False), call(a(3, 4), compute_uv=False), call(a(2, 3, 3), compute_uv=False), call(definite(3, 3), hermitian=True, compute_uv=False),
        kinds="sc", tol=300, canonical=magnitudes, grad=0),
    row("linalg.svdvals", call(a(4, 3)), call(a(2, 3, 3)), kinds="sc", tol=20),
    row("linalg.eigh", call(definite(3, 3)), call(definite(2, 4, 4)), call(definite(3, 3), "U"), kinds="sc", tol=500, canonical=magnitudes, grad=0),
    row("linalg.eigvalsh", call(definite(3, 3)), call(definite(2, 4, 4)), call(definite(3, 3), "U"), call(a(2, 3)), kinds="sc", tol=50, grad=0),
    row("linalg.eig", call(a(3, 3)), call(definite(4, 4)), kinds="sc", tol=1e3, canonical=ordered, jit=False, grad=0, vmap=False),
    row("linalg.eigvals", call(a(3, 3)), call(definite(4, 4)), kinds="sc", tol=1e3, canonical=ordered, jit=False, grad=0, vmap=False),
    row("linalg.pinv", call(a(4, 3)), call(a(3, 4)), call(a(2, 3, 3)), call(definite(3, 3), hermitian=True), kinds="sc", tol=500, grad=0),
    row("linalg.matrix_rank", call(a(3, 4)), call(np.ones((3, 3), np.float32)), call(a(2, 3, 3)), call(np.zeros((2, 2), np.float32)), call(a(3)), kinds="s", grad=0, own="float64"),
    row("linalg.cond", call(definite(3, 3)), *[call(definite(3, 3), p) for p in (1, -1, 2, -2, np.inf, "fro")], kinds="sc", tol=300, grad=0),
    row("linalg.lstsq", call(a(5, 3), a(5)), call(a(5, 3), a(5, 2)), call(definite(3, 3), a(3)), kinds="s", tol=500, grad=0,
        run=lambda xp, x, y: xp.linalg.lstsq(x, y)[0], ref=lambda x, y: np.linalg.lstsq(x, y)[0]),
    row("linalg.tensorinv", call(definite(4, 4), ind=1), call(a(2, 2, 4)), kinds="s", tol=500, grad=0, vmap=False),
    row("linalg.tensorsolve", call(definite(4, 4), a(4)), call(a(2, 2, 4), a(2, 2)), kinds="f", tol=500, grad=0, vmap=False),
]  # fmt: skip

NORMS = [{}, {"norm": "ortho"}, {"norm": "forward"}, {"norm": "wrong"}]


def one(name: str, kinds: str, tol: float = 10) -> Row:
    calls = [call(a(6), **k) for k in NORMS]
    calls += [call(a(5), n) for n in (3, 8, 5)]
    calls += [call(a(4, 2), axis=0), call(a(3), n=0), call(a(2), axis=1)]
    return row(f"fft.{name}", *calls, kinds=kinds, tol=tol, grad=1 if kinds[-1] == "f" else 0)


def many(name: str, kinds: str) -> Row:
    calls = [call(a(4, 6), **k) for k in NORMS[:3]]
    calls += [call(a(2, 4, 5), axes=(0, 2)), call(a(4, 6), s=(3, 8), axes=(0, 1))]
    return row(f"fft.{name}", *calls, kinds=kinds, tol=20, grad=0)


FOURIER = [
    *[one(name, "iufc") for name in ("fft", "ifft", "irfft", "hfft")],
    *[one(name, "iuf") for name in ("rfft", "ihfft")],
    *[many(name, "ifc") for name in ("fft2", "ifft2", "fftn", "ifftn", "irfft2", "irfftn")],
    *[many(name, "if") for name in ("rfft2", "rfftn")],
    *[row(f"fft.{name}", call(5), call(4, 0.5), call(1), kinds="f", grad=0, vmap=False) for name in ("fftfreq", "rfftfreq")],
    *[row(f"fft.{name}", call(a(5)), call(a(2, 4)), call(a(2, 4), axes=1), call(a(2, 3, 4), axes=(0, -1))) for name in ("fftshift", "ifftshift")],
]  # fmt: skip
ROWS = [*PRODUCTS, *LINALG, *FOURIER]
