"""Our arrays in other libraries: NumPy's functions, Python's protocols, SciPy, scikit-learn, pandas, Matplotlib, PyTorch."""

import copy
import importlib.util
import math
import pickle
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import numax
import numax.numpy as jnp

X = np.array([[1.5, -2.0, 3.0], [4.0, 0.5, -6.0]], np.float32)
N = np.ones((2, 3), np.float32)


def has(package):
    return importlib.util.find_spec(package) is not None


# ---- NumPy's functions ----

ONE = {
    **{name: getattr(np, name) for name in ["sin", "exp", "abs", "isnan", "sign", "negative", "square", "floor", "mean", "sum", "std", "var", "max", "min", "prod", "argmax", "argmin", "argsort", "sort", "cumsum", "ravel", "transpose", "squeeze", "round", "any", "all", "nonzero", "count_nonzero", "ptp", "median", "unique", "trace", "diagonal", "copy", "zeros_like", "ones_like", "atleast_3d", "flip", "fliplr", "diff", "gradient", "cov", "histogram", "percentile", "isfinite", "real", "imag", "conj", "angle", "tril"] if name not in ("percentile",)},
    "sum axis": lambda x: np.sum(x, axis=0, keepdims=True),
    "percentile": lambda x: np.percentile(x, 30),
    "reshape": lambda x: np.reshape(x, (3, 2)),
    "take": lambda x: np.take(x, [0, 1]),
    "clip": lambda x: np.clip(x, 0, 1),
    "repeat": lambda x: np.repeat(x, 2, axis=1),
    "swapaxes": lambda x: np.swapaxes(x, 0, 1),
    "pad": lambda x: np.pad(x, 1),
    "roll": lambda x: np.roll(x, 1, 1),
    "partition": lambda x: np.partition(x, 1),
    "einsum": lambda x: np.einsum("ij,kj->ik", x, x),
    "norm": lambda x: np.linalg.norm(x, axis=1),
    "svd": lambda x: np.linalg.svd(x, compute_uv=False),
    "fft": np.fft.rfft,
    "reduce": lambda x: np.add.reduce(x, axis=1),
    "outer": lambda x: np.multiply.outer(x, x),
    "array of arrays": lambda x: np.array([x, x]),
    "array2string": lambda x: np.array2string(x),
    "nditer": lambda x: [float(v) for v in np.nditer(x)],
}  # fmt: skip
TWO = {
    **{name: getattr(np, name) for name in ["add", "subtract", "multiply", "divide", "maximum", "power", "arctan2", "hypot", "copysign", "equal", "less", "logical_and", "array_equal", "allclose", "result_type", "can_cast"] if name != "can_cast"},
    "concatenate": lambda x, n: np.concatenate([x, n]),
    "stack": lambda x, n: np.stack([x, n], axis=-1),
    "vstack": lambda x, n: np.vstack([x, n]),
    "where": lambda x, n: np.where(x > 1, x, n),
    "matmul": lambda x, n: np.matmul(x, n.T),
    "dot": lambda x, n: np.dot(x, n.T),
    "interp": lambda x, n: np.interp(x, [0.0, 1.0], n[0, :2]),
    "searchsorted": lambda x, n: np.searchsorted(n[0], x),
    "isclose": lambda x, n: np.isclose(x, n, rtol=0.5),
    "lstsq": lambda x, n: np.linalg.lstsq(x.T, n[0], rcond=None)[0],
}  # fmt: skip


def agree(got, want):
    if isinstance(want, tuple | list):
        assert len(got) == len(want)
        for g, w in zip(got, want, strict=True):
            agree(g, w)
    elif isinstance(want, np.dtype | str):
        assert got == want
    else:
        np.testing.assert_allclose(np.asarray(got), np.asarray(want), rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("name", ONE)
def test_numpy_functions_of_one_array(name):
    x = jnp.asarray(X)
    agree(ONE[name](x), ONE[name](X))
    assert x.tolist() == X.tolist()


@pytest.mark.parametrize("name", TWO)
def test_numpy_functions_of_an_array_beside_numpys(name):
    x, n = jnp.asarray(X), jnp.asarray(N)
    for args in ((x, N), (X, n), (x, n)):
        agree(TWO[name](*args), TWO[name](X, N))


def test_numpy_arrays_take_our_arrays():
    x = jnp.asarray(X)
    for got, want in (
        (N + x, N + X),
        (N @ x.T, N @ X.T),
        (np.float32(2) * x, 2 * X),
        (x > N, N < X),
    ):
        assert isinstance(got, numax.Array)
        np.testing.assert_array_equal(got, want)
    target = np.zeros((2, 3), np.float32)
    target[0] = x[0]
    target[:, jnp.array([2])] = x[:, :1]
    np.add(target, x, out=target)
    assert target.tolist() == [[3, -4, 4.5], [4, 0.5, -2]]
    assert X[jnp.array([1, 0])].tolist() == X[[1, 0]].tolist()
    assert X[x > 1].tolist() == X[X > 1].tolist()
    assert np.full(2, jnp.array(2.0)).tolist() == [2, 2]
    assert math.sqrt(jnp.array(4.0)) == 2 and np.float64(jnp.array(1.5)) == 1.5
    target += x
    assert isinstance(target, numax.Array)  # as with JAX: rebinds


def test_numpy_testing():
    x = jnp.asarray(X)
    np.testing.assert_array_equal(x, X)
    np.testing.assert_allclose(X, x)
    np.testing.assert_array_less(x, x + 1)
    np.testing.assert_array_almost_equal(x, X)
    with pytest.raises(AssertionError, match="Mismatched elements: 6"):
        np.testing.assert_allclose(x, X + 1)


def test_asarray_with_dtype_and_copy():
    x = jnp.asarray(X)
    view = np.asarray(x)
    assert not view.flags.writeable and np.shares_memory(view, np.asarray(x))
    for kept in (np.array(x), np.asarray(x, copy=True), np.asarray(x, dtype=np.float64)):
        kept[0, 0] = 9
        assert float(x[0, 0]) == 1.5
    assert np.asarray(x, dtype="int8").dtype == np.int8
    assert np.asarray(x, copy=False) is not None
    with pytest.raises(ValueError, match="copy"):
        np.asarray(x, dtype=np.float64, copy=False)
    assert np.asarray(jnp.ones(2, jnp.bfloat16), np.float32).tolist() == [1, 1]
    with pytest.raises(TypeError, match="key_data"):
        np.asarray(numax.random.key(0))


def test_files(tmp_path):
    x = jnp.asarray(X)
    np.save(tmp_path / "a.npy", x)
    np.savez(tmp_path / "b.npz", x=x)
    np.savetxt(tmp_path / "c.txt", x)
    np.testing.assert_array_equal(np.load(tmp_path / "a.npy"), X)
    np.testing.assert_array_equal(np.load(tmp_path / "b.npz")["x"], X)
    np.testing.assert_array_equal(np.loadtxt(tmp_path / "c.txt"), X)


# ---- Python's protocols ----


def test_bytes_and_buffers():
    x = jnp.asarray(X)
    assert bytes(x) == X.tobytes() and bytes(jnp.array(3, jnp.int32)) == bytes(
        np.array(3, np.int32)
    )
    if sys.version_info >= (3, 12):  # the buffer protocol in Python is PEP 688
        memory = memoryview(x)
        assert memory.readonly and memory.shape == (2, 3) and memory.format == "f"
        assert memory.tolist() == X.tolist()
        memory.release()


def test_sequences_and_membership():
    x = jnp.asarray(X)
    assert 3.0 in x and 30.0 not in x
    a, b = x
    assert a.tolist() == X[0].tolist() and [float(v) for v in reversed(b)] == X[1, ::-1].tolist()
    assert dict(zip("ab", x, strict=True))["b"].tolist() == X[1].tolist()
    assert [float(v) for v in sorted(a)] == sorted(X[0].tolist())
    assert float(max(a)) == 3 and float(sum(a)) == 2.5
    assert list(enumerate(jnp.arange(2)))[1] == (1, 1)
    assert "abc"[jnp.array(1)] == "b" and "ab" * jnp.array(2) == "abab"
    with pytest.raises(TypeError, match="unhashable"):
        {x}  # noqa: B018
    with pytest.raises(TypeError, match="unhashable"):
        {x: 1}  # noqa: B018


def test_formats():
    assert (
        f"{jnp.array(1.25):.1f}|{jnp.array(3):>4d}|{jnp.array(1 + 2j):.1f}" == "1.2|   3|1.0+2.0j"
    )
    assert f"{jnp.asarray(X)}" == str(X) and f"{jnp.array(True)}" == "True"
    assert format(jnp.array(7), "+d") == "+7"
    with pytest.raises(TypeError, match="format"):
        f"{jnp.asarray(X):.1f}"


def test_pickles_keep_dtype_and_values():
    for dtype in ("float32", "bfloat16", "float8_e4m3fn", "int4", "bool", "complex64"):
        x = jnp.ones((2, 2), dtype)
        for protocol in range(2, pickle.HIGHEST_PROTOCOL + 1):
            y = pickle.loads(pickle.dumps(x, protocol))
            assert y.dtype == x.dtype and bool((y == x).all())
    nested = {"a": [jnp.asarray(X)]}
    assert copy.deepcopy(nested)["a"][0].tolist() == X.tolist()


# ---- notebooks ----


def test_large_arrays_show_as_a_table_in_notebooks():
    assert jnp.ones((10, 10))._repr_html_() is None  # small ones show as text
    x = jnp.arange(10_000.0).reshape(100, 100)
    page = x._repr_html_()
    for part in ("(100, 100)", "float32", "40,000 bytes", "cpu", "SingleDeviceSharding", "..."):
        assert part in page
    assert len(page) < 3000
    assert re.findall(r"<(?!/?(table|tr|th|td|pre)\b)", page) == []  # what is not markup is escaped
    assert page.count("<tr>") == page.count("</tr>") == 5
    weak = jnp.broadcast_to(jnp.asarray(1.0), (5000,))
    assert "float32, weak" in weak._repr_html_()
    assert "bfloat16" in jnp.ones(5000, jnp.bfloat16)._repr_html_()
    assert numax.random.split(numax.random.key(0), 2000)._repr_html_() is None


# ---- dtypes that XLA has no arrays of ----


@pytest.mark.parametrize("name", ["int1", "uint1", "float6_e2m3fn", "float6_e3m2fn"])
def test_dtypes_without_arrays_say_so(name):
    dtype = getattr(jnp, name)
    assert jnp.dtype(dtype).name == name
    for call in (
        lambda: jnp.ones(2, dtype),
        lambda: jnp.arange(2).astype(dtype),
        lambda: jnp.asarray([1], dtype),
    ):
        with pytest.raises(TypeError, match=f"{name}.*no arrays"):
            call()


# ---- SciPy ----


def run(*args):
    done = subprocess.run(
        [sys.executable, *map(str, args)], capture_output=True, text=True, timeout=300
    )
    assert done.returncode == 0 and done.stdout.split()[-1] == "done", done.stdout + done.stderr


HERE = Path(__file__).parent


@pytest.mark.parametrize("mode", ["numax", "jax"])
def test_scipy_dispatches_on_our_arrays(mode):
    pytest.importorskip("scipy", "1.16")
    run(HERE / "interop_scipy.py", mode)


def test_scipy_functions_that_take_numpys_arrays():
    linalg = pytest.importorskip("scipy.linalg")
    spatial = pytest.importorskip("scipy.spatial")
    x = jnp.asarray(X)
    np.testing.assert_allclose(linalg.svdvals(x), linalg.svdvals(X), rtol=1e-6)
    np.testing.assert_allclose(
        linalg.solve(x[:, :2], x[:, 2]), linalg.solve(X[:, :2], X[:, 2]), rtol=1e-5
    )
    np.testing.assert_allclose(spatial.distance.cdist(x, x), spatial.distance.cdist(X, X))
    sparse = pytest.importorskip("scipy.sparse")
    assert (sparse.csr_matrix(x) @ np.ones(3)).tolist() == X.sum(1).tolist()


@pytest.mark.parametrize("method", ["BFGS", "L-BFGS-B", "Newton-CG", "trust-exact"])
def test_scipy_minimises_with_our_derivatives(method):
    optimize = pytest.importorskip("scipy.optimize")

    def rosenbrock(p):
        return ((1 - p[:-1]) ** 2 + 100 * (p[1:] - p[:-1] ** 2) ** 2).sum()

    with numax.enable_x64(True):
        options = {"hess": numax.jit(numax.hessian(rosenbrock))} if method[0] in "Nt" else {}
        found = optimize.minimize(
            numax.jit(rosenbrock),
            jnp.zeros(3),
            jac=numax.jit(numax.grad(rosenbrock)),
            method=method,
            **options,
        )
    assert found.success
    np.testing.assert_allclose(found.x, 1, atol=1e-4)


def test_scipy_finds_roots_and_integrates_with_our_functions():
    optimize = pytest.importorskip("scipy.optimize")
    integrate = pytest.importorskip("scipy.integrate")
    with numax.enable_x64(True):
        root = optimize.root(lambda p: jnp.stack([p[0] ** 2 - 2, p[1] - p[0]]), np.ones(2))
        np.testing.assert_allclose(root.x, math.sqrt(2), rtol=1e-8)
        assert integrate.quad(jnp.sin, 0, math.pi)[0] == pytest.approx(2)
        way = integrate.solve_ivp(lambda t, y: -jnp.asarray(y), (0, 1), jnp.ones(2), rtol=1e-8)
        np.testing.assert_allclose(way.y[:, -1], math.exp(-1), rtol=1e-6)
        fit, _ = optimize.curve_fit(
            lambda t, a: jnp.exp(-a * jnp.asarray(t)), np.arange(4.0), np.exp(-2 * np.arange(4.0))
        )
        np.testing.assert_allclose(fit, 2, rtol=1e-6)


# ---- scikit-learn, pandas, Matplotlib ----


def test_scikit_learn():
    pytest.importorskip("sklearn", "1.6")
    run(HERE / "interop_sklearn.py")


def test_pandas_takes_and_gives_our_arrays():
    pd = pytest.importorskip("pandas")
    x = jnp.asarray(X)
    frame = pd.DataFrame({"a": jnp.arange(3), "b": x[0]})
    assert frame["a"].tolist() == [0, 1, 2] and frame["b"].dtype == np.float32
    np.testing.assert_array_equal(pd.DataFrame(x, columns=list("abc")).to_numpy(), X)
    assert pd.Series(x[0]).dtype == np.float32 and pd.Index(jnp.arange(3)).tolist() == [0, 1, 2]
    frame["c"] = x[1]
    assert frame.assign(d=jnp.arange(3))["d"].sum() == 3
    np.testing.assert_array_equal(jnp.asarray(frame[["b", "c"]]), X.T)
    np.testing.assert_array_equal(jnp.asarray(frame["c"]), X[1])
    np.testing.assert_array_equal(jnp.sin(frame["b"].to_numpy()), jnp.sin(x[0]))
    assert (frame["b"] * x[1]).tolist() == (X[0] * X[1]).tolist()
    assert frame["b"].iloc[jnp.array([2, 0])].tolist() == [3, 1.5]
    assert pd.concat([pd.Series(x[0]), pd.Series(x[1])]).shape == (6,)
    assert pd.cut(x[0], 3).codes.tolist() == pd.cut(X[0], 3).codes.tolist()
    writable = pd.DataFrame(x)
    writable.iloc[0, 0] = 7  # pandas copies what it may not write to
    assert float(x[0, 0]) == 1.5


def test_matplotlib_draws_our_arrays():
    matplotlib = pytest.importorskip("matplotlib")
    figures = pytest.importorskip("matplotlib.figure")
    t, image = jnp.arange(5.0), jnp.arange(16.0).reshape(4, 4)
    figure = figures.Figure()
    axes = figure.add_subplot()
    (line,) = axes.plot(t, t**2)
    np.testing.assert_array_equal(line.get_ydata(), np.arange(5.0) ** 2)
    assert len(axes.plot(image)) == 4
    counts, edges, _ = axes.hist(t, bins=jnp.linspace(0, 4, 3))
    assert counts.tolist() == [2, 3] and edges.tolist() == [0, 2, 4]
    np.testing.assert_array_equal(axes.imshow(image).get_array(), np.asarray(image))
    axes.imshow(jnp.ones((4, 4, 3)))
    axes.scatter(t, t, c=t, s=t + 1)
    axes.contourf(image, levels=jnp.linspace(0, 15, 4))
    axes.pcolormesh(t[:5], t[:5], image)
    axes.bar(t, t)
    axes.errorbar(t, t, yerr=jnp.ones(5))
    axes.fill_between(t, t, t + 1, where=t > 2)
    axes.boxplot(image)
    axes.quiver(*[image] * 4)
    axes.set_xlim(jnp.array(0.0), jnp.array(3.0))
    axes.axvline(jnp.array(1.0))
    axes.set_xticks(jnp.arange(3))
    figure.add_subplot(projection="3d").plot_surface(*jnp.meshgrid(t[:4], t[:4]), image)
    figure.canvas.draw_idle()
    assert matplotlib.colors.Normalize()(t).tolist() == [0, 0.25, 0.5, 0.75, 1]


# ---- PyTorch, by DLPack ----


class Producer:
    """Another library's array, as far as DLPack shows it."""

    def __init__(self, array):
        self.array = array

    def __dlpack__(self, **options):
        return self.array.__dlpack__(**options)

    def __dlpack_device__(self):
        return self.array.__dlpack_device__()


class Old(Producer):
    """One that knows no arguments, as before DLPack 1.0."""

    def __dlpack__(self, stream=None):
        return self.array.__dlpack__(stream=stream)


@pytest.mark.parametrize("kind", [Producer, Old])
@pytest.mark.parametrize(
    "dtype", ["float32", "int8", "bool", "complex64", "float16", "bfloat16", "float8_e4m3fn"]
)
def test_dlpack_from_another_library(kind, dtype):
    x = jnp.asarray([[1, 0, 1], [0, 1, 0]]).astype(dtype)
    for source in (x, x.T, x[:0]):
        got = jnp.from_dlpack(kind(source))
        assert got.dtype == x.dtype and got.shape == source.shape
        assert got.tolist() == source.tolist()


def test_dlpack_refusals():
    with pytest.raises(TypeError, match="__dlpack__"):
        jnp.from_dlpack([1, 2])
    with pytest.raises(ValueError, match="copy=False"):
        jnp.from_dlpack(np.arange(3, dtype=np.int64), copy=False)
    assert jnp.from_dlpack(np.arange(3, dtype=np.int64)).dtype == jnp.int32


@pytest.mark.skipif(not has("torch"), reason="needs PyTorch")
def test_torch_both_ways():
    import torch  # noqa: PLC0415 - seconds, and optional

    x = jnp.asarray(X)
    names = ("float32", "float16", "bfloat16", "int8", "uint8", "int32", "bool", "complex64")
    for name in names:
        source = jnp.ones((2, 3), name)
        there = torch.from_dlpack(source)
        assert there.dtype == getattr(torch, name) and there.shape == (2, 3)
        back = jnp.from_dlpack(there)
        assert back.dtype == source.dtype and bool((back == source).all())
        assert jnp.asarray(there.clone() if name != "bfloat16" else source).dtype == source.dtype
    assert torch.from_dlpack(x.T).tolist() == X.T.tolist()
    assert jnp.from_dlpack(torch.arange(6.0).reshape(2, 3).T).tolist() == [[0, 3], [1, 4], [2, 5]]
    tensor = torch.arange(3.0)
    kept = jnp.from_dlpack(tensor)
    tensor[0] = 9  # our arrays never change
    assert kept.tolist() == [0, 1, 2]
    assert torch.from_dlpack(x, copy=True).tolist() == X.tolist()
    assert torch.tensor(x).tolist() == X.tolist()
    assert torch.from_dlpack(jnp.zeros((0, 3))).shape == (0, 3)
    with pytest.raises(BufferError, match="detach"):
        jnp.from_dlpack(torch.ones(2, requires_grad=True))
