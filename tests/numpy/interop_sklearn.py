"""scikit-learn on our arrays: as NumPy's, and by its array API dispatch. Runs by itself; see test_np_interop.py."""

import os

os.environ["SCIPY_ARRAY_API"] = "1"

import numpy as np
import sklearn
from sklearn.cluster import KMeans
from sklearn.decomposition import PCA
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LinearRegression, LogisticRegression, Ridge
from sklearn.metrics import accuracy_score, mean_absolute_error, mean_squared_error
from sklearn.metrics.pairwise import linear_kernel
from sklearn.model_selection import cross_val_score, train_test_split
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import LabelEncoder, MinMaxScaler, StandardScaler

import numax
import numax.numpy as jnp

numax.config.update("jax_enable_x64", True)
RNG = np.random.default_rng(0)
A = RNG.normal(size=(40, 4))
LABELS = (A[:, 0] > 0).astype(np.int64)
TARGETS = A @ np.ones(4)

PLAIN = {
    "LogisticRegression": lambda x, y, z: LogisticRegression().fit(x, y).predict_proba(x),
    "forest": lambda x, y, z: RandomForestClassifier(5, random_state=0).fit(x, y).predict(x),
    "KMeans": lambda x, y, z: KMeans(2, n_init=1, random_state=0).fit(x).labels_,
    "Ridge": lambda x, y, z: Ridge().fit(x, z).coef_,
    "LDA": lambda x, y, z: LinearDiscriminantAnalysis().fit(x, y).predict(x),
    "scalers": lambda x, y, z: make_pipeline(StandardScaler(), MinMaxScaler()).fit_transform(x),
    "cross_val_score": lambda x, y, z: cross_val_score(Ridge(), x, z, cv=3),
}
DISPATCHED = {
    "PCA": lambda x, y, z: PCA(2, svd_solver="full").fit(x).transform(x),
    "LinearRegression": lambda x, y, z: LinearRegression().fit(x, z).coef_,
    "LabelEncoder": lambda x, y, z: LabelEncoder().fit_transform(y),
    "linear_kernel": lambda x, y, z: linear_kernel(x),
    "train_test_split": lambda x, y, z: train_test_split(x, random_state=0)[0],
}
NUMBERS = {
    "accuracy": lambda x, y, z: accuracy_score(y, y),
    "mse": lambda x, y, z: mean_squared_error(z, z + 1),
    "mae": lambda x, y, z: mean_absolute_error(z, z + 1),
}


def main():
    theirs = (A, LABELS, TARGETS)
    ours = [jnp.asarray(v) for v in theirs]
    for name, fun in (PLAIN | DISPATCHED | NUMBERS).items():
        np.testing.assert_allclose(fun(*ours), fun(*theirs), rtol=1e-7, err_msg=name)
    with sklearn.config_context(array_api_dispatch=True):
        for name, fun in (DISPATCHED | NUMBERS).items():
            got = fun(*ours)
            assert name in NUMBERS or isinstance(got, numax.Array), (name, type(got))
            np.testing.assert_allclose(np.abs(got), np.abs(fun(*theirs)), rtol=1e-7, err_msg=name)
    print("done")


if __name__ == "__main__":
    main()
