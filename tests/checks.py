"""Checks that any function of arrays must pass: eager = jit, derivatives against finite differences, vmap = loop."""

import numpy as np

import numax
from numax import tree_util


def leaves(x):
    return [np.asarray(v) for v in tree_util.tree_leaves(x)]


def assert_close(a, b, rtol=1e-5, atol=1e-6):
    one, two = leaves(a), leaves(b)
    assert len(one) == len(two)
    for x, y in zip(one, two, strict=True):
        assert x.shape == y.shape
        assert x.dtype == y.dtype
        np.testing.assert_allclose(x, y, rtol=rtol, atol=atol)


def _as_list(out):
    return [np.asarray(v, np.float64) for v in tree_util.tree_leaves(out)]


def directional(f, args, tangents, eps):
    plus = _as_list(f(*[a + eps * t for a, t in zip(args, tangents, strict=True)]))
    minus = _as_list(f(*[a - eps * t for a, t in zip(args, tangents, strict=True)]))
    return [(p - m) / (2 * eps) for p, m in zip(plus, minus, strict=True)]


def check_derivatives(f, args, order=2, eps=1e-4, tol=2e-4, reverse=True, seed=0):
    """jvp against finite differences and vjp against jvp, in float64, to the given order."""
    rng = np.random.default_rng(seed)
    with numax.enable_x64(True):
        args = [np.asarray(a, np.float64) for a in args]
        tangents = [np.asarray(rng.standard_normal(a.shape)) for a in args]
        out, tangent = numax.jvp(f, tuple(args), tuple(tangents))
        expected = directional(f, args, tangents, eps)
        for got, want in zip(_as_list(tangent), expected, strict=True):
            np.testing.assert_allclose(got, want, rtol=tol, atol=tol)
        if reverse:
            _, pull = numax.vjp(f, *args)
            cts = tree_util.tree_map(lambda o: np.asarray(rng.standard_normal(o.shape)), out)
            back = pull(cts)
            left = sum(
                float(np.sum(c * t)) for c, t in zip(_as_list(cts), _as_list(tangent), strict=True)
            )
            right = sum(float(np.sum(b * t)) for b, t in zip(_as_list(back), tangents, strict=True))
            np.testing.assert_allclose(left, right, rtol=1e-8, atol=1e-8)
        if order > 1:

            def once(*xs):
                return numax.jvp(f, xs, tuple(tangents))[1]

            check_derivatives(once, args, order - 1, eps, tol, reverse, seed + 1)
            if reverse:

                def gradient(*xs):
                    value, pull = numax.vjp(f, *xs)
                    return pull(tree_util.tree_map(lambda o: np.ones(o.shape), value))

                check_derivatives(gradient, args, 1, eps, tol, reverse, seed + 2)


def check_jit(f, args, rtol=1e-5, atol=1e-6):
    assert_close(numax.jit(f)(*args), f(*args), rtol, atol)


def check_vmap(f, args, rtol=1e-5, atol=1e-6, size=3, seed=0):
    """vmap over axis 0 of all arguments, and over each alone, against a loop."""
    rng = np.random.default_rng(seed)
    batches = [
        np.stack([a + 0.1 * rng.standard_normal(np.shape(a)) for _ in range(size)]).astype(
            np.asarray(a).dtype
        )
        for a in args
    ]
    masks = [[0] * len(args)] + [
        [0 if j == i else None for j in range(len(args))] for i in range(len(args))
    ]
    for in_axes in masks:
        ins = [b if m == 0 else b[0] for b, m in zip(batches, in_axes, strict=True)]
        got = numax.vmap(f, tuple(in_axes))(*ins)
        rows = [
            f(*[x[i] if m == 0 else x for x, m in zip(ins, in_axes, strict=True)])
            for i in range(size)
        ]
        want = tree_util.tree_map(lambda *r: np.stack([np.asarray(v) for v in r]), *rows)
        assert_close(got, want, rtol, atol)
        assert_close(numax.jit(numax.vmap(f, tuple(in_axes)))(*ins), want, rtol, atol)


def check(f, *args, order=2, reverse=True, tol=2e-4, batch=True):
    """All of the above."""
    args = [np.asarray(a, np.float32) for a in args]
    check_jit(f, args)
    check_derivatives(f, args, order, tol=tol, reverse=reverse)
    check_derivatives(numax.jit(f), args, 1, tol=tol, reverse=reverse)
    if batch:
        check_vmap(f, args)
