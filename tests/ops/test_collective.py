"""Operations between the elements of a mapped axis, under vmap."""

import itertools

import numpy as np
import pytest
from ops_rules import arrays, check_derivatives, direction, listed, pushed

from numax._engine.core import axes
from numax._engine.core.config import enable_x64
from numax._engine.core.ir import ClosedJaxpr, eval_jaxpr, named_axes
from numax._engine.core.stage import trace_to_jaxpr
from numax._engine.ops import collective as C
from numax._engine.ops.basis import add, mul
from numax._engine.transforms.jvp import jvp
from numax._engine.transforms.linearize import linearize
from numax._engine.transforms.transpose import backward
from numax._engine.transforms.vmap import Axis, vmap

SIZE = 4
GROUPS = [[0, 2], [3, 1]]


def mapped(fun, name="i", size=SIZE, dim=0):
    """fun over the axes `dim` of its arguments; results at axis 0."""

    def run(*args):
        outs, dims = vmap(listed(fun), Axis(size, name), args, [dim] * len(args))
        return [
            np.broadcast_to(o.numpy_(), (size, *o.shape))
            if d is None
            else np.moveaxis(o.numpy_(), d, 0)
            for o, d in zip(outs, dims, strict=True)
        ]

    return run


def over(fun, *args, **options):
    return mapped(fun, **options)(*arrays(args))[0]


def operand(*shape, seed=0):
    return np.random.default_rng(seed).standard_normal(shape).astype(np.float32)


X = operand(SIZE, 3)


def everywhere(x):
    return np.broadcast_to(x, (SIZE, *np.shape(x)))


def in_groups(x, combine):
    out = np.empty_like(x)
    for g in GROUPS:
        out[g] = combine(x[g])
    return out


@pytest.mark.parametrize(
    ("fun", "combine"),
    [
        (C.psum, lambda x: x.sum(0)),
        (C.pmax, lambda x: x.max(0)),
        (C.pmin, lambda x: x.min(0)),
        (C.pmean, lambda x: x.mean(0)),
    ],
)
class TestReductions:
    def test_over_the_axis(self, fun, combine):
        np.testing.assert_allclose(
            over(lambda x: fun(x, "i"), X), everywhere(combine(X)), rtol=1e-6
        )
        np.testing.assert_allclose(
            over(lambda x: fun(x, ("i",)), X.T, dim=1), everywhere(combine(X)), rtol=1e-6
        )

    def test_in_groups(self, fun, combine):
        got = over(lambda x: fun(x, "i", axis_index_groups=GROUPS), X)
        np.testing.assert_allclose(got, in_groups(X, combine), rtol=1e-6)

    def test_of_an_operand_that_all_share(self, fun, combine):
        y = operand(2)
        got = over(lambda _: fun(arrays([y])[0], "i"), X)
        np.testing.assert_allclose(got, everywhere(combine(everywhere(y))), rtol=1e-6)

    def test_over_two_axes(self, fun, combine):
        z = operand(2, SIZE, 3)

        def inner(x):
            outs, dims = vmap(lambda y: [fun(y, ("i", "j"))], Axis(SIZE, "j"), [x], [0])
            assert dims == [None]
            return outs

        outs, dims = vmap(inner, Axis(2, "i"), arrays([z]), [0])
        assert dims == [None]
        np.testing.assert_allclose(outs[0].numpy_(), combine(z.reshape(-1, 3)), rtol=1e-5)

    def test_over_an_axis_of_the_operand_too(self, fun, combine):
        got = over(lambda x: fun(x, ("i", 0)), X)
        np.testing.assert_allclose(got, everywhere(combine(X.reshape(-1))), rtol=1e-5)
        np.testing.assert_allclose(over(lambda x: fun(x, -1), X), combine(X.T), rtol=1e-5)

    def test_leaves_other_axes_alone(self, fun, combine):
        z = operand(2, SIZE, 3)
        for dims in itertools.product(range(3), range(2)):
            moved = np.moveaxis(np.moveaxis(z, 1, dims[1] + 1), 0, dims[0])
            outs, out_dims = vmap(
                lambda x, d=dims[1]: vmap(lambda y: [fun(y, "i")], Axis(SIZE, "j"), [x], [d])[0],
                Axis(2, "i"),
                arrays([moved]),
                [dims[0]],
            )
            got = (
                outs[0].numpy_()
                if out_dims[0] is None
                else np.take(outs[0].numpy_(), 0, out_dims[0])
            )
            assert sorted(got.shape) == [3, SIZE]
            got = got if got.shape == (SIZE, 3) else got.T
            np.testing.assert_allclose(got, combine(z), rtol=1e-5)

    def test_trees(self, fun, combine):
        got = mapped(lambda x: fun({"a": x, "b": [x]}, "i")["b"])(*arrays([X]))[0]
        np.testing.assert_allclose(got, everywhere(combine(X)), rtol=1e-6)


def test_sum_of_numbers():
    seen = []

    def fun(x):
        seen.extend(
            [
                C.psum(1, "i"),
                C.psum(2.5, "i"),
                C.psum(True, "i"),
                C.pmean(3.0, "i"),
                C.axis_size("i"),
            ]
        )
        seen.append(C.psum(1, "i", axis_index_groups=GROUPS))
        return x

    over(fun, X)
    assert seen == [4, 10.0, 4, 3.0, 4, 2]
    assert [type(v) for v in seen] == [int, float, int, float, int, int]


def test_sum_of_booleans_counts():
    got = over(lambda x: C.psum(x, "i"), X > 0)
    assert got.dtype == np.int32
    np.testing.assert_array_equal(got, everywhere((X > 0).sum(0)))


def test_mean_of_integers_is_a_float():
    x = np.arange(8, dtype=np.int32).reshape(4, 2)
    got = over(lambda v: C.pmean(v, "i"), x)
    np.testing.assert_array_equal(got, everywhere(np.float32([3, 4])))


@pytest.mark.parametrize("axis", [0, 1, -1])
def test_all_gather(axis):
    got = over(lambda x: C.all_gather(x, "i", axis=axis), X)
    np.testing.assert_array_equal(got, everywhere(np.moveaxis(X, 0, axis)))
    z = operand(SIZE, 2, 3)
    got = over(lambda x: C.all_gather(x, "i", axis=axis, tiled=True), np.moveaxis(z, 0, 1), dim=1)
    np.testing.assert_array_equal(got, everywhere(np.concatenate(list(z), axis)))
    got = over(lambda x: C.all_gather(x, "i", axis=axis, axis_index_groups=GROUPS), z)
    for g in GROUPS:
        np.testing.assert_array_equal(
            got[g], np.broadcast_to(np.stack(z[g], axis), (2, *got.shape[1:]))
        )
    assert over(lambda x: C.all_gather(1.0, "i"), X).tolist() == [[1.0] * SIZE] * SIZE


@pytest.mark.parametrize("names", [("i", "j"), ("j", "i")])
def test_all_gather_of_two_axes(names):
    z = operand(2, SIZE, 3)

    def inner(x):
        outs, dims = vmap(lambda y: [C.all_gather(y, names)], Axis(SIZE, "j"), [x], [0])
        assert dims == [None]
        return outs

    outs, dims = vmap(inner, Axis(2, "i"), arrays([z]), [0])
    assert dims == [None]
    ordered = z if names[0] == "i" else z.transpose(1, 0, 2)
    np.testing.assert_array_equal(outs[0].numpy_(), ordered.reshape(-1, 3))


@pytest.mark.parametrize("tiled", [False, True])
@pytest.mark.parametrize("axis", [0, 1])
@pytest.mark.parametrize("groups", [None, GROUPS])
def test_psum_scatter(tiled, axis, groups):
    count = SIZE if groups is None else 2
    n = 2 * count if tiled else count
    x = operand(SIZE, n, n)
    got = over(
        lambda v: C.psum_scatter(
            v, "i", scatter_dimension=axis, tiled=tiled, axis_index_groups=groups
        ),
        x,
    )
    for g in groups or [list(range(SIZE))]:
        total = x[g].sum(0)
        parts = np.split(total, count, axis)
        expected = np.stack(parts if tiled else [p.squeeze(axis) for p in parts])
        np.testing.assert_allclose(got[g], expected, rtol=1e-5)


def test_psum_scatter_over_two_axes():
    z = operand(2, SIZE, 8, 3)

    def inner(x):
        return vmap(lambda y: [C.psum_scatter(y, ("i", "j"))], Axis(SIZE, "j"), [x], [0])[0]

    outs, _ = vmap(inner, Axis(2, "i"), arrays([z]), [0])
    got = outs[0].numpy_()
    assert got.shape == (2, SIZE, 3)
    np.testing.assert_allclose(got.reshape(8, 3), z.sum((0, 1)), rtol=1e-5)


def test_ppermute():
    got = over(lambda x: C.ppermute(x, "i", [(0, 1), (1, 2), (2, 3), (3, 0)]), X)
    np.testing.assert_array_equal(got, X[[3, 0, 1, 2]])
    got = over(lambda x: C.ppermute(x, "i", [(0, 1), (3, 2)]), X.T, dim=1)
    np.testing.assert_array_equal(got, np.stack([0 * X[0], X[0], X[3], 0 * X[0]]))
    np.testing.assert_array_equal(over(lambda x: C.ppermute(x, "i", []), X), 0 * X)
    np.testing.assert_array_equal(
        over(lambda x: C.pshuffle(x, "i", [1, 2, 3, 0]), X), X[[1, 2, 3, 0]]
    )


def test_ppermute_over_two_axes():
    z = operand(2, 2, 3)
    perm = [(0, 3), (3, 0), (1, 2)]

    def inner(x):
        outs, dims = vmap(lambda y: [C.ppermute(y, ("i", "j"), perm)], Axis(2, "j"), [x], [0])
        assert dims == [0]
        return outs

    outs, dims = vmap(inner, Axis(2, "i"), arrays([z]), [0])
    flat = z.reshape(4, 3)
    assert dims == [0]
    np.testing.assert_array_equal(
        outs[0].numpy_().reshape(4, 3), np.stack([flat[3], 0 * flat[0], flat[1], flat[0]])
    )


@pytest.mark.parametrize(("split", "concat"), [(0, 0), (0, 1), (1, 0), (1, 1)])
def test_all_to_all(split, concat):
    x = operand(SIZE, SIZE, SIZE)
    got = over(lambda v: C.all_to_all(v, "i", split, concat), x)
    expected = [np.stack([x[j].take(i, split) for j in range(SIZE)], concat) for i in range(SIZE)]
    np.testing.assert_array_equal(got, np.stack(expected))
    x = operand(SIZE, 8, 8)
    got = over(lambda v: C.all_to_all(v, "i", split, concat, tiled=True), x)
    pieces = [[np.split(x[j], SIZE, split)[i] for j in range(SIZE)] for i in range(SIZE)]
    np.testing.assert_array_equal(got, np.stack([np.concatenate(p, concat) for p in pieces]))
    got = over(
        lambda v: C.all_to_all(v, "i", split, concat, tiled=True, axis_index_groups=GROUPS), x
    )
    for g in GROUPS:
        pieces = [[np.split(x[j], 2, split)[i] for j in g] for i in range(2)]
        np.testing.assert_array_equal(got[g], np.stack([np.concatenate(p, concat) for p in pieces]))


def test_pswapaxes_and_pbroadcast():
    x = operand(SIZE, 2, SIZE)
    np.testing.assert_array_equal(over(lambda v: C.pswapaxes(v, "i", 1), x), x.transpose(2, 1, 0))
    np.testing.assert_array_equal(over(lambda v: C.pbroadcast(v, "i", 2), X), everywhere(X[2]))
    np.testing.assert_array_equal(over(lambda v: C.pcast(v, "i", to="varying"), X), X)


def test_axis_index():
    np.testing.assert_array_equal(over(lambda x: C.axis_index("i"), X), np.arange(SIZE))
    got = over(lambda x: vmap(lambda y: [C.axis_index(("i", "j"))], Axis(3, "j"), [x], [0])[0], X)
    np.testing.assert_array_equal(got, np.arange(12).reshape(4, 3))


@pytest.mark.parametrize(
    "fun",
    [
        lambda x: C.psum(mul(x, x), "i"),
        lambda x: C.pmean(mul(x, x), "i"),
        lambda x: C.pmax(x, "i"),
        lambda x: C.all_gather(mul(x, x), "i"),
        lambda x: C.psum_scatter(mul(x, x), "i"),
        lambda x: C.ppermute(mul(x, x), "i", [(0, 1), (2, 0)]),
        lambda x: C.all_to_all(mul(x, x), "i", 0, 0),
        lambda x: C.pbroadcast(mul(x, x), "i", 1),
    ],
)
def test_derivatives(fun):
    x = operand(SIZE, SIZE).astype(np.float64)

    def whole(v):
        return vmap(listed(fun), Axis(SIZE, "i"), [v], [0])[0]

    check_derivatives(whole, [x])
    rng = np.random.default_rng(1)
    with enable_x64(True):
        # The other way about: derivatives inside, each element's tangents and cotangents its own.
        t = direction(rng, x)
        inside = mapped(lambda v, d: listed_jvp(fun, v, d))(*arrays([x, t]))[0]
        outside = pushed(whole, [x], [t])[0]
        np.testing.assert_allclose(inside, np.broadcast_to(outside, inside.shape), rtol=1e-12)
        ct = direction(rng, inside)
        back = mapped(lambda v, c: listed_vjp(fun, v, c))(*arrays([x, ct]))[0]
        np.testing.assert_allclose(np.sum(back * t), np.sum(ct * inside), rtol=1e-10)


def listed_jvp(fun, v, d):
    return jvp(listed(fun), [v], [d])[1]


def listed_vjp(fun, v, c):
    _, tape = linearize(listed(fun), [v])
    return backward(tape, [c])


def test_sum_transposes_to_a_sum():
    got = mapped(lambda v: listed_vjp(lambda x: C.psum(x, "i"), v, v))(*arrays([X]))[0]
    np.testing.assert_allclose(got, everywhere(X.sum(0)), rtol=1e-6)


def test_recorded_programs_name_their_axes_and_replay():
    with axes.extend("i", SIZE):
        jaxpr, consts = trace_to_jaxpr(
            lambda x: [add(C.psum(x, "i"), C.psum(arrays([X[0]])[0], "i"))],
            [arrays([X[0]])[0].aval],
        )
    assert named_axes(jaxpr) == {"i"}
    assert ClosedJaxpr(jaxpr, consts).axis_names == {"i"}
    got = over(lambda x: eval_jaxpr(jaxpr, consts, x), X)
    np.testing.assert_allclose(got, everywhere(X.sum(0) + SIZE * X[0]), rtol=1e-6)


def test_inner_names_hide_outer_ones():
    z = operand(2, SIZE, 3)

    def inner(x):
        return vmap(lambda y: [C.psum(y, "i")], Axis(SIZE, "i"), [x], [0])[0]

    outs, dims = vmap(inner, Axis(2, "i"), arrays([z]), [0])
    np.testing.assert_allclose(np.moveaxis(outs[0].numpy_(), dims[0], 0), z.sum(1), rtol=1e-6)
    assert axes.names() == () and axes.state() == ()
    with axes.extend_all([("a", 2), ("b", 3)]):
        assert (
            axes.names() == ("a", "b")
            and axes.size("b") == 3
            and axes.state() == (("a", 2), ("b", 3))
        )


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda x: C.psum(x, "k"), NameError, "unbound axis name: k.*bound here: 'i'"),
        (lambda x: C.psum(1, "k"), NameError, "unbound axis name: k"),
        (lambda x: C.axis_index("k"), NameError, "unbound axis name: k"),
        (lambda x: C.axis_size("k"), NameError, "unbound axis name: k"),
        (lambda x: C.psum(x, None), NameError, "unbound axis name: None"),
        (
            lambda x: C.psum(x, "i", axis_index_groups=[[0, 1], [2]]),
            ValueError,
            "axis_index_groups must hold each",
        ),
        (lambda x: C.all_gather(x, "i", axis=5), ValueError, "all_gather: axis 5 is out of bounds"),
        (
            lambda x: C.all_to_all(x, "i", 0, 0),
            ValueError,
            "all_to_all: axis 0 of x must have the mapped axis's",
        ),
        (lambda x: C.all_to_all(x, "i", 0, 0, tiled=True), ValueError, "must divide axis 0"),
        (lambda x: C.psum_scatter(x, "i"), ValueError, "psum_scatter: axis 0 of x must have"),
        (lambda x: C.psum_scatter(x, "i", tiled=True), ValueError, "must divide axis 0"),
        (lambda x: C.ppermute(x, "i", [(0, 1), (1, 1)]), ValueError, "must be different places"),
        (lambda x: C.ppermute(x, "i", [(0, 7)]), ValueError, r"places in 0\.\.3"),
        (lambda x: C.pshuffle(x, "i", [1, 2, 3]), ValueError, "must be a permutation"),
        (lambda x: C.pbroadcast(x, "i", 9), ValueError, r"source must lie in 0\.\.3"),
        (lambda x: C.pcast(x, "i", to="other"), ValueError, "to must be"),
    ],
)
def test_errors(call, error, message):
    with pytest.raises(error, match=message):
        over(call, X)
