"""The public names and signatures are JAX's, where a namespace is complete."""

import importlib
import inspect
import re
from pathlib import Path

import pytest

TABLE = Path(__file__).parents[1] / "data" / "jax-0.12.tsv"
# namespaces that offer every name, with what is below `scipy`; add one when it is complete
COMPLETE = (
    "lax.linalg",
    "nn",
    "nn.initializers",
    "numpy.fft",
    "numpy.linalg",
    "tree",
    "tree_util",
)


def rows():
    for line in TABLE.read_text().splitlines():
        if not line.startswith("#"):
            namespace, name, kind, signature = [*line.split("\t"), "", ""][:4]
            if namespace in COMPLETE or namespace.startswith("scipy."):
                yield pytest.param(namespace, name, kind, signature, id=f"{namespace}.{name}")


def parameters(signature):
    """Names of the parameters in a signature's text, with the stars and slashes between them."""
    inner = re.sub(r"<[^>]*>", "None", signature.strip()[1:-1])
    depth, parts, part = 0, [], ""
    for char in inner:
        depth += (char in "([{") - (char in ")]}")
        if char == "," and depth == 0:
            parts, part = [*parts, part], ""
        else:
            part += char
    names = [re.split(r"[=:]", part)[0].strip() for part in [*parts, part] if part.strip()]
    return [name for name in names if name != "/"]


@pytest.mark.parametrize(("namespace", "name", "kind", "signature"), list(rows()))
def test_name_and_signature(namespace, name, kind, signature):
    value = getattr(importlib.import_module(f"numax.{namespace}"), name)
    if kind == "class":
        assert inspect.isclass(value)
    elif kind == "function" and signature:
        own = inspect.signature(value).replace(return_annotation=inspect.Signature.empty)
        assert parameters(str(own)) == parameters(signature)
