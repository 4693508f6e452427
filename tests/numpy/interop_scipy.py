"""SciPy's array API dispatch on our arrays. Runs by itself, since SciPy reads its switch once; see test_np_interop.py.

With the argument `jax`, numax is registered under JAX's name: SciPy then avoids writing into arrays.
"""

import os
import sys

os.environ["SCIPY_ARRAY_API"] = "1"

import numpy as np
from scipy import cluster, fft, integrate, signal, special, stats

import numax
import numax.numpy as jnp

IMMUTABLE = "jax" in sys.argv
if IMMUTABLE:
    sys.modules["jax"] = numax
    sys.modules["jax.numpy"] = numax.numpy
numax.config.update("jax_enable_x64", True)

X = np.linspace(0.1, 3, 7)
Y = np.arange(7.0) + 1
EVERYWHERE = {
    **{f"special.{n}": (lambda x, y, n=n: getattr(special, n)(x)) for n in ("erf", "gammaln", "ndtr", "i0", "expit")},
    **{f"special.{n}": (lambda x, y, n=n: getattr(special, n)(x, y)) for n in ("xlogy", "betaln", "gammainc")},
    **{f"stats.{n}": (lambda x, y, n=n: getattr(stats, n)(x)) for n in ("skew", "kurtosis", "sem", "gmean", "moment")},
    "stats.ttest_ind": lambda x, y: stats.ttest_ind(x, y).pvalue,
    "stats.entropy": lambda x, y: stats.entropy(x),
    "stats.zmap": lambda x, y: stats.zmap(x, y),
    "special.softmax": lambda x, y: special.softmax(x),
    "signal.detrend": lambda x, y: signal.detrend(x),
    "signal.fftconvolve": lambda x, y: signal.fftconvolve(x, y),
    "signal.lfilter": lambda x, y: signal.lfilter(x[:2], y[:1], x),
    "signal.resample": lambda x, y: signal.resample(x, 5),
    **{f"fft.{n}": (lambda x, y, n=n: getattr(fft, n)(x)) for n in ("fft", "rfft", "irfft", "hfft", "fftshift", "dct")},
    "cluster.vq": lambda x, y: cluster.vq.vq(x[:, None], y[:2, None])[1],
    "integrate.trapezoid": lambda x, y: integrate.trapezoid(x),
    "integrate.cumulative_trapezoid": lambda x, y: integrate.cumulative_trapezoid(x),
}  # fmt: skip
WHERE_IMMUTABLE = {
    "special.logsumexp": lambda x, y: special.logsumexp(x),
    "special.rel_entr": lambda x, y: special.rel_entr(x, y),
    "stats.zscore": lambda x, y: stats.zscore(x),
    "stats.pearsonr": lambda x, y: stats.pearsonr(x, y).statistic,
    "stats.variation": lambda x, y: stats.variation(x),
    "stats.iqr": lambda x, y: stats.iqr(x),
    "stats.bartlett": lambda x, y: stats.bartlett(x, y).statistic,
    "stats.wilcoxon": lambda x, y: stats.wilcoxon(x, y).statistic,
    "stats.describe": lambda x, y: stats.describe(x).variance,
    "cluster.whiten": lambda x, y: cluster.vq.whiten(x[:, None] + y),
}


def main():
    for name, fun in (EVERYWHERE | (WHERE_IMMUTABLE if IMMUTABLE else {})).items():
        got = fun(jnp.asarray(X), jnp.asarray(Y))
        assert isinstance(got, numax.Array), (name, type(got))
        np.testing.assert_allclose(got, fun(X, Y), rtol=1e-9, atol=1e-12, err_msg=name)
    print("done")


if __name__ == "__main__":
    main()
