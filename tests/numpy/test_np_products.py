"""Products of vectors, matrices and arrays, and einsum: against NumPy, eager and compiled; derivatives; vmap."""

import warnings

import checks
import numpy as np
import pytest

import numax
import numax.numpy as jnp
from numax.numpy import contractions
from numax.numpy.contractions import einsum, einsum_path
from numax.numpy.linalg_products import (
    cross,
    dot,
    inner,
    kron,
    matmul,
    matvec,
    multi_dot,
    outer,
    tensordot,
    trace,
    vdot,
    vecdot,
    vecmat,
)


def make(shape, dtype, seed=0):
    rng = np.random.default_rng([seed, *shape])
    kind = np.dtype(dtype).kind
    if kind == "b":
        return rng.random(shape) < 0.5
    if kind in "iu":
        return rng.integers(0 if kind == "u" else -9, 10, shape).astype(dtype)
    x = rng.standard_normal(shape)
    return (x + 1j * rng.standard_normal(shape)).astype(dtype) if kind == "c" else x.astype(dtype)


def close(got, want, dtype):
    got = np.asarray(got)
    assert got.shape == np.shape(want)
    assert got.dtype == dtype
    if np.dtype(dtype).kind in "biu":
        np.testing.assert_array_equal(got, want)
    else:
        tol = 5e-3 if np.dtype(dtype).itemsize == 2 else 3e-6
        np.testing.assert_allclose(got, want, rtol=tol, atol=5 * tol)


def agree(fun, reference, args):
    want = reference(*args)
    close(fun(*args), want, args[0].dtype)
    close(fun(*[numax.device_put(a) for a in args]), want, args[0].dtype)
    close(numax.jit(fun)(*args), want, args[0].dtype)


PRODUCTS = [
    (matmul, np.matmul, (2, 3), (3, 4)),
    (matmul, np.matmul, (3,), (3, 4)),
    (matmul, np.matmul, (2, 3), (3,)),
    (matmul, np.matmul, (3,), (3,)),
    (matmul, np.matmul, (5, 1, 2, 3), (4, 3, 6)),
    (matmul, np.matmul, (2, 3), (4, 3, 5)),
    (matmul, np.matmul, (3,), (4, 3, 5)),
    (matmul, np.matmul, (4, 5, 3), (3,)),
    (matmul, np.matmul, (4, 2, 3), (1, 3, 5)),
    (matmul, np.matmul, (1, 2, 3), (4, 3, 5)),
    (matmul, np.matmul, (0, 2, 3), (1, 3, 5)),
    (matmul, np.matmul, (2, 0), (0, 3)),
    (dot, np.dot, (2, 3), (3, 4)),
    (dot, np.dot, (), (3, 4)),
    (dot, np.dot, (2, 3), ()),
    (dot, np.dot, (3,), (2, 3, 4)),
    (dot, np.dot, (5, 3), (2, 3, 4)),
    (inner, np.inner, (2, 3), (4, 3)),
    (inner, np.inner, (), (4, 3)),
    (inner, np.inner, (2, 5, 3), (4, 3)),
    (vdot, np.vdot, (2, 3), (3, 2)),
    (outer, np.outer, (2, 2), (3,)),
    (outer, np.outer, (), (3,)),
    (vecdot, np.vecdot, (2, 3), (3,)),
    (vecdot, np.vecdot, (4, 1, 3), (2, 3)),
    (kron, np.kron, (2, 3), (3, 2)),
    (kron, np.kron, (2,), (2, 1, 3)),
    (kron, np.kron, (), (2, 3)),
    (cross, np.cross, (3,), (3,)),
    (cross, np.cross, (4, 3), (3,)),
    (cross, np.cross, (2, 1, 3), (4, 3)),
    (tensordot, np.tensordot, (3, 4, 5), (4, 5, 2)),
]


@pytest.mark.parametrize(
    "dtype", ["float32", "complex64", "int32", "int8", "uint8", "bool", "float16"]
)
@pytest.mark.parametrize(
    ("fun", "reference", "first", "second"),
    PRODUCTS,
    ids=lambda v: getattr(v, "__name__", str(v)).replace(" ", ""),
)
def test_product_is_numpys(fun, reference, first, second, dtype):
    if dtype == "bool" and fun is cross:
        pytest.skip("NumPy has no subtraction of booleans")
    args = make(first, dtype), make(second, dtype, 1)
    agree(fun, reference, args)


@pytest.mark.parametrize(
    ("axes", "first", "second"),
    [
        (0, (2, 3), (4,)),
        (1, (2, 3), (3, 4)),
        (1, (2, 3), (3,)),
        (([0], [1]), (3, 2), (4, 3)),
        (([0, -1], [1, 0]), (3, 5, 2), (2, 3)),
        ((1, 0), (2, 3), (3, 4)),
    ],
)
def test_tensordot_axes(axes, first, second):
    args = make(first, "float32"), make(second, "float32", 1)
    agree(lambda a, b: tensordot(a, b, axes), lambda a, b: np.tensordot(a, b, axes), args)


def test_vectors_and_matrices():
    m, v = make((4, 1, 2, 3), "complex64"), make((5, 3), "complex64", 1)
    want = np.einsum("...ij,...j->...i", m, v)
    close(matvec(m, v), want, "complex64")
    close(numax.jit(matvec)(m, v), want, "complex64")
    u = make((5, 2), "complex64", 2)
    want = np.einsum("...i,...ij->...j", u.conj(), m)
    close(vecmat(u, m), want, "complex64")
    a = make((2, 3, 4), "float32")
    b = make((2, 3, 4), "float32", 1)
    close(vecdot(a, b, axis=1), np.sum(a * b, 1), "float32")


def test_cross_of_two_components():
    a, b = make((4, 2), "float32"), make((4, 2), "float32", 1)
    close(cross(a, b), a[:, 0] * b[:, 1] - a[:, 1] * b[:, 0], "float32")
    c = make((4, 3), "float32", 2)
    flat = np.concatenate([a, np.zeros((4, 1), np.float32)], 1)
    close(cross(a, c), np.cross(flat, c), "float32")
    close(cross(c, a), np.cross(c, flat), "float32")
    d = make((3, 5), "float32", 3)
    close(
        cross(c, d, axisa=1, axisb=0, axisc=0) if d.shape[1] == 4 else cross(d, d[::-1], axis=0),
        np.cross(d, d[::-1], axis=0),
        "float32",
    )


@pytest.mark.parametrize("offset", [-4, -1, 0, 1, 2, 7])
def test_trace(offset):
    x = make((3, 4, 2), "float32")
    close(trace(x, offset), np.trace(x, offset), "float32")
    close(trace(x, offset, 2, 0), np.trace(x, offset, 2, 0), "float32")
    close(numax.jit(lambda x: trace(x, offset))(x), np.trace(x, offset), "float32")


def test_trace_dtypes():
    close(trace(make((3, 3), "int8")), np.trace(make((3, 3), "int8")), "int32")
    close(trace(make((3, 3), "uint8")), np.trace(make((3, 3), "uint8")), "uint32")
    close(trace(make((3, 3), "bool")), np.trace(make((3, 3), "bool")), "int32")
    assert trace(make((3, 3), "int8"), dtype="float32").dtype == np.float32


def test_multi_dot():
    shapes = [(10, 100), (100, 5), (5, 50), (50, 1)]
    chain = [make(s, "float32", i) for i, s in enumerate(shapes)]
    want = np.linalg.multi_dot([c.astype(np.float64) for c in chain])
    np.testing.assert_allclose(np.asarray(multi_dot(chain)), want, rtol=2e-4, atol=2e-3)
    ends = [chain[0][0], *chain[1:3], chain[3][:, 0]]
    assert multi_dot(ends).shape == ()
    np.testing.assert_allclose(np.asarray(multi_dot(ends)), want[0, 0], rtol=2e-4, atol=2e-3)
    count = str(numax.make_jaxpr(lambda *a: multi_dot(a))(*chain))
    assert "f32[100,50]" not in count  # the cheap order: (a (b c)) d would make it


EINSUMS = [
    ("ij,jk->ik", (2, 3), (3, 4)),
    ("ij,jk", (2, 3), (3, 4)),
    ("ii", (3, 3)),
    ("ii->i", (3, 3)),
    ("iij->ji", (3, 3, 2)),
    ("iii->i", (3, 3, 3)),
    ("iii", (3, 3, 3)),
    ("ijij->ij", (2, 3, 2, 3)),
    ("ij->", (2, 3)),
    ("ba", (2, 3)),
    ("...ij,...jk", (5, 2, 3), (1, 3, 4)),
    ("...ij,...jk->...ik", (5, 2, 3), (3, 4)),
    ("...i->...", (2, 3)),
    ("...i->i...", (2, 4, 3)),
    ("ij,ij->ij", (1, 3), (2, 3)),
    ("ij,ij", (1, 3), (2, 3)),
    ("i,j->ij", (2,), (3,)),
    ("i,j,k->kji", (2,), (3,), (4,)),
    ("ij,jk,kl->il", (2, 3), (3, 4), (4, 5)),
    ("ij,jk,kl,lm->im", (2, 3), (3, 4), (4, 5), (5, 2)),
    ("bij,bjk->bik", (2, 3, 4), (2, 4, 5)),
    ("bij,bj->bi", (2, 3, 4), (2, 4)),
    ("i,i,i->", (3,), (3,), (3,)),
    ("i,i,i->i", (3,), (3,), (3,)),
    ("ab,bc,cd,de->", (2, 3), (3, 2), (2, 4), (4, 2)),
    ("", ()),
    (",", (), ()),
    ("i,->i", (3,), ()),
    ("ij,k->", (2, 3), (4,)),
    ("ea,fb,abcd,gc,hd->efgh", (3, 3), (3, 3), (3, 3, 3, 3), (3, 3), (3, 3)),
    ("ii,ij->j", (3, 3), (3, 2)),
    ("a...a->...", (3, 2, 3)),
    (" i j , j k -> i k ", (2, 3), (3, 4)),
    ("ij,j->i", (4, 0), (0,)),
    ("i...,i...", (3, 2), (3, 2)),
]
EINSUM_IDS = [row[0].replace(" ", "_") or "empty" for row in EINSUMS]


@pytest.fixture(params=["loop", "contractions"])
def way(request, monkeypatch):
    """Both ways of small eager calls: NumPy's loop, and the plan's contractions."""
    monkeypatch.setattr(contractions, "_LOOP_SIZE", 4096 if request.param == "loop" else -1)
    contractions._plan.cache_clear()
    yield
    contractions._plan.cache_clear()


@pytest.mark.usefixtures("way")
@pytest.mark.parametrize("row", EINSUMS, ids=EINSUM_IDS)
def test_einsum_is_numpys(row):
    subscripts, *shapes = row
    for dtype in ("float32", "int32", "complex64", "bool"):
        args = [make(s, dtype, i) for i, s in enumerate(shapes)]
        plain = subscripts.replace(" ", "")
        if dtype == "bool":
            want = np.einsum(plain, *[a.astype(int) for a in args]) > 0
        else:
            want = np.einsum(plain, *args)
        own = [numax.device_put(a) for a in args]
        close(einsum(subscripts, *own), want, dtype)
        for optimize in (False, True, "greedy"):
            close(einsum(subscripts, *own, optimize=optimize), want, dtype)
    close(numax.jit(lambda *a: einsum(subscripts, *a))(*args), want, dtype)


@pytest.mark.parametrize("row", [EINSUMS[i] for i in (0, 3, 4, 10, 14, 17, 22, 30)])
def test_einsum_derivatives(row):
    subscripts, *shapes = row
    args = [make(s, "float32", i) for i, s in enumerate(shapes)]
    checks.check_derivatives(lambda *a: einsum(subscripts, *a), args)
    checks.check_vmap(lambda *a: einsum(subscripts, *a), args)


@pytest.mark.parametrize(
    ("fun", "first", "second"),
    [
        (matmul, (4, 2, 3), (1, 3, 5)),
        (dot, (2, 3), (3, 4)),
        (inner, (2, 3), (4, 3)),
        (vdot, (3,), (3,)),
        (outer, (2,), (3,)),
        (vecdot, (2, 3), (3,)),
        (kron, (2, 2), (1, 3)),
        (cross, (2, 3), (3,)),
        (tensordot, (2, 3, 2), (3, 2)),
    ],
    ids=lambda v: getattr(v, "__name__", str(v)).replace(" ", ""),
)
def test_derivatives(fun, first, second):
    args = [make(first, "float32"), make(second, "float32", 1)]
    checks.check_derivatives(fun, args)
    checks.check_vmap(fun, args)


def test_einsum_lists():
    a, b = make((2, 3), "float32"), make((2, 4), "float32", 1)
    for args in ((a, [0, 1], b, [0, 2], [1, 2]), (a, [0, 1], b, [0, 2]), (a, [7, ...], [..., 7])):
        close(einsum(*args), np.einsum(*args), "float32")


def test_einsum_path_given():
    args = [make(s, "float32", i) for i, s in enumerate([(2, 3), (3, 4), (4, 5)])]
    want = np.einsum("ij,jk,kl->il", *args)
    close(einsum("ij,jk,kl->il", *args, optimize=[(1, 2), (0, 1)]), want, "float32")
    close(einsum("ij,jk,kl->il", *args, optimize=["einsum_path", (0, 1), (0, 1)]), want, "float32")
    path, info = einsum_path("ij,jk,kl->il", *args)
    assert path == [(0, 1), (0, 1)]
    assert "Optimized FLOP count" in str(info)


def test_preferred_element_type():
    a, b = make((2, 3), "float32"), make((3, 2), "float32", 1)
    for fun in (
        lambda **k: einsum("ij,jk->ik", a, b, **k),
        lambda **k: matmul(a, b, **k),
        lambda **k: dot(a, b, **k),
        lambda **k: tensordot(a, b, 1, **k),
        lambda **k: einsum("ij->ji", a, **k),
    ):
        assert fun(preferred_element_type=np.float16).dtype == np.float16
    wide = einsum(
        "i,i->", np.full(300, 100, np.int8), np.ones(300, np.int8), preferred_element_type=np.int32
    )
    assert wide.dtype == np.int32
    assert int(np.asarray(wide)) == 30000


def test_weak_types_and_promotion():
    assert dot(2.0, 3.0).weak_type
    assert matmul(make((2, 2), "int32"), make((2, 2), "float32")).dtype == np.float32
    assert einsum("i,i->", make((2,), "int8"), make((2,), "float16")).dtype == np.float16


BAD = [
    (
        lambda: matmul(np.ones((2, 3)), np.ones((2, 3))),
        TypeError,
        r"matmul: contracted sizes differ.*float32\[2,3\]",
    ),
    (lambda: matmul(2.0, np.ones((2, 3))), ValueError, "must have ndim at least 1"),
    (
        lambda: matmul([[1.0]], np.ones((1, 3))),
        TypeError,
        "matmul requires ndarray or scalar arguments",
    ),
    (
        lambda: matmul(np.ones((2, 2, 3)), np.ones((4, 3, 5))),
        ValueError,
        "matmul: Incompatible shapes",
    ),
    (lambda: dot(np.ones((2, 3)), np.ones((2, 3))), TypeError, "dot: contracted sizes differ"),
    (lambda: outer(np.ones(2), np.ones(2), out=np.ones((2, 2))), NotImplementedError, "out"),
    (lambda: tensordot(np.ones((2, 3)), np.ones((2, 3)), 3), TypeError, "exceeds input ranks"),
    (lambda: tensordot(np.ones((2, 3)), np.ones((2, 3)), ([0, 1], [0])), TypeError, "as long"),
    (lambda: cross(np.ones(4), np.ones(3)), ValueError, "Dimension must be either 2 or 3"),
    (lambda: vecdot(np.ones((2, 3)), np.ones((3, 2))), ValueError, "axes must match"),
    (lambda: trace(np.ones(3)), ValueError, "axis 1 is out of bounds"),
    (lambda: multi_dot([np.ones((2, 2))]), ValueError, "at least two arrays"),
    (
        lambda: einsum("ij,jk->ik", np.ones((2, 3)), np.ones((2, 3))),
        ValueError,
        "size of label 'j'",
    ),
    (lambda: einsum("ij,jk->ik", np.ones((2, 3))), ValueError, "number of einsum subscripts"),
    (lambda: einsum("ij->ikz", np.ones((2, 3))), ValueError, "did not appear in the input"),
    (lambda: einsum("ij->iij", np.ones((2, 3))), ValueError, "more than once in the output"),
    (lambda: einsum("ijk->i", np.ones((2, 3))), ValueError, "correct number of indices"),
    (lambda: einsum("i.j->i", np.ones((2, 3))), ValueError, "ellipsis"),
    (lambda: einsum("i1->i", np.ones((2, 3))), ValueError, "no letter"),
    (lambda: einsum("ij->ij", np.ones((2, 3)), out=1), NotImplementedError, "out"),
]


@pytest.mark.parametrize(("call", "kind", "message"), BAD, ids=[row[2] for row in BAD])
def test_errors(call, kind, message):
    with pytest.raises(kind, match=message), warnings.catch_warnings():
        warnings.simplefilter("error")
        call()


def test_cross_takes_vectors_of_two_elements_as_lying_in_a_plane():
    """NumPy 2.5 refuses them; JAX and older NumPy take their third element as 0."""
    x, y = jnp.array([1.0, 2.0]), jnp.array([3.0, -1.0, 4.0])
    np.testing.assert_allclose(jnp.cross(x, y), np.cross([1.0, 2.0, 0.0], [3.0, -1.0, 4.0]))
    np.testing.assert_allclose(jnp.cross(y, x), np.cross([3.0, -1.0, 4.0], [1.0, 2.0, 0.0]))
    np.testing.assert_allclose(jnp.cross(x, y[:2]), -7.0)
