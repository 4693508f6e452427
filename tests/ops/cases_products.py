"""Rows of the table of operations: dot.py, conv.py, fft.py."""

import numpy as np
from ops_case import Case, normal

from numax import lax

_TOL = {"float32": 1e-5, "complex64": 1e-5, "bfloat16": 2e-2, "float16": 4e-3}
A, B = np.ones((2, 3), np.float32), np.ones((4, 5), np.float32)
IMAGE = np.ones((1, 2, 5), np.float32)


def _einsum(text):
    """The contraction in double precision, rounded."""

    def reference(x, y):
        kind = (
            np.complex128
            if x.dtype.kind == "c"
            else np.float64
            if x.dtype.kind in "fV"
            else np.int64
        )
        return np.einsum(text, x.astype(kind), y.astype(kind)).astype(x.dtype)

    return reference


def _dot(name, left, right, numbers, text):
    return Case(
        name=f"dot_general_{name}",
        fun=lambda x, y: lax.dot_general(x, y, numbers),
        args=[normal(*left), normal(*right)],
        reference=_einsum(text),
        primitive="dot_general",
        dtypes=("float32", "float64", "complex64", "int32", "bfloat16", "float16"),
        tol=_TOL,
        bad=[
            (
                lambda: lax.dot_general(A, B, (((1,), (0,)), ((), ()))),
                TypeError,
                "^dot_general: .*lhs axis 1 is 3, rhs axis 0 is 4",
            ),
            (lambda: lax.dot_general(A, B, (((5,), (0,)), ((), ()))), TypeError, "^dot_general: "),
            (lambda: lax.dot_general(A, B, (((1,), ()), ((), ()))), TypeError, "^dot_general: "),
        ],
    )


def _convolve(x, w, stride, low, high, left=1, right=1, groups=1):
    """One spatial dimension: (N, C, W), (O, C / groups, K), by the definition."""
    n, c, width = x.shape
    o, _, k = w.shape
    spread = np.zeros((n, c, low + (width - 1) * left + 1 + high), np.float64)
    spread[:, :, low : low + (width - 1) * left + 1 : left] = x
    span = (k - 1) * right + 1
    places = range(0, spread.shape[2] - span + 1, stride)
    out = np.zeros((n, o, len(places)))
    for j in range(o):
        g = j // (o // groups)
        rows = slice(g * (c // groups), (g + 1) * (c // groups))
        for i, p in enumerate(places):
            out[:, j, i] = np.sum(spread[:, rows, p : p + span : right] * w[j], axis=(1, 2))
    return out.astype(x.dtype)


def _conv(name, image, kernel, stride, padding, left=1, right=1, groups=1):
    return Case(
        name=f"conv_general_dilated_{name}",
        fun=lambda x, w: lax.conv_general_dilated(
            x,
            w,
            (stride,),
            [padding],
            lhs_dilation=(left,),
            rhs_dilation=(right,),
            feature_group_count=groups,
        ),
        args=[normal(*image), normal(*kernel)],
        reference=lambda x, w: _convolve(x, w, stride, *padding, left, right, groups),
        primitive="conv_general_dilated",
        dtypes=("float32", "float64"),
        tol=_TOL,
        bad=[
            (
                lambda: lax.conv_general_dilated(
                    IMAGE, np.ones((1, 3, 2), np.float32), (1,), "VALID"
                ),
                ValueError,
                "^conv_general_dilated: ",
            ),
        ],
    )


def _fft(kind, shape, lengths, reference, dtypes):
    return Case(
        name=f"fft_{kind}_{len(lengths)}",
        fun=lambda x: lax.fft(x, kind, lengths),
        args=[normal(*shape)],
        reference=reference,
        primitive="fft",
        dtypes=dtypes,
        tol={"float32": 1e-5, "complex64": 1e-5, "float64": 1e-13, "complex128": 1e-13},
        bad=[
            (lambda: lax.fft(A, "fftx", (3,)), ValueError, "^fft: "),
            (lambda: lax.fft(A.astype(np.complex64), "fft", (4,)), ValueError, "^fft: "),
        ],
    )


COMPLEX, REAL = ("complex64", "complex128"), ("float32", "float64")
CASES = [
    _dot("matrices", (2, 3), (3, 4), (((1,), (0,)), ((), ())), "ij,jk->ik"),
    _dot("vectors", (3,), (3,), (((0,), (0,)), ((), ())), "i,i->"),
    _dot("outer", (2,), (3,), (((), ()), ((), ())), "i,j->ij"),
    _dot("batched", (2, 3, 4), (2, 4, 2), (((2,), (1,)), ((0,), (0,))), "bij,bjk->bik"),
    _dot("moved_batch", (3, 2, 4), (4, 5, 3), (((2,), (0,)), ((0,), (2,))), "bij,jkb->bik"),
    _dot("two_sums", (2, 3, 4), (4, 3), (((1, 2), (1, 0)), ((), ())), "ijk,kj->i"),
    _dot("empty_sum", (2, 0), (0, 3), (((1,), (0,)), ((), ())), "ij,jk->ik"),
    _conv("plain", (2, 3, 6), (4, 3, 3), 1, (0, 0)),
    _conv("strided_padded", (1, 2, 7), (2, 2, 3), 2, (1, 2)),
    _conv("dilated", (1, 2, 5), (2, 2, 2), 1, (1, 1), left=2, right=2),
    _conv("grouped", (2, 4, 5), (4, 2, 2), 1, (0, 1), groups=2),
    _conv("depthwise", (1, 3, 5), (3, 1, 2), 1, (0, 0), groups=3),
    _fft("fft", (2, 5), (5,), lambda x: np.fft.fft(x), COMPLEX),
    _fft("ifft", (2, 4), (4,), lambda x: np.fft.ifft(x), COMPLEX),
    _fft("rfft", (2, 6), (6,), lambda x: np.fft.rfft(x), REAL),
    _fft("rfft", (3, 5), (3, 5), lambda x: np.fft.rfft2(x), REAL),
    _fft("fft", (2, 3, 2), (3, 2), lambda x: np.fft.fft2(x), COMPLEX),
    _fft("irfft", (2, 4), (6,), lambda x: np.fft.irfft(x, 6), COMPLEX),
]
