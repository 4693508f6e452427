"""Rules of the repository that no linter holds: sizes, imports, paths, docstrings."""

import inspect
import re
import subprocess
import sys
from pathlib import Path

import pytest

import numax.lax
import numax.numpy

ROOT = Path(__file__).parents[2]
FOLDERS = ("numax", "tests", "examples", "benchmarks", "docs", ".ci")
FILES = sorted(
    [
        path
        for folder in FOLDERS
        for path in (ROOT / folder).rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    ]
    + [path for path in ROOT.iterdir() if path.is_file()]
)
TEXT = (".py", ".md", ".toml", ".yml", ".yaml", ".tsv", ".json", ".txt", ".mlir")
SOURCES = [path for path in FILES if path.suffix == ".py"]


def name(path):
    return str(path.relative_to(ROOT))


def texts(paths):
    for path in paths:
        if path.suffix in TEXT or path.name in ("Makefile", "LICENSE", "run", ".gitignore"):
            yield path, path.read_text()


def test_files_are_short():
    long = {
        name(path): text.count("\n") for path, text in texts(SOURCES) if text.count("\n") > 1200
    }
    assert long == {}


def test_no_file_names_a_path_of_one_machine():
    words = ["/" + "work/", "../" + "shared", "/" + "root/", "/" + "tmp/", "/home" + "/"]
    found = [(name(path), word) for path, text in texts(FILES) for word in words if word in text]
    assert found == []


@pytest.mark.parametrize("modules", ["numax", "numax, numax.numpy, numax.lax, numax.tree_util"])
def test_import_loads_nothing_heavy(modules):
    code = f"import {modules}, sys; print(*{{name.split('.')[0] for name in sys.modules}})"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert set(done.stdout.split()) & {"jax", "jaxlib", "scipy", "torch", "opt_einsum"} == set()
    assert done.stderr == ""


def test_imports_by_name_are_few():
    """import_module hides an import from the linter: jaxlib's door, the native extension, opt_einsum, and what facades load late."""
    allowed = re.compile(
        r"numax/(_engine/runtime/|_engine/core/(facade|native).py|numpy/contractions.py)"
    )
    found = [
        name(path)
        for path, text in texts(SOURCES)
        if re.search(r"import_module\(|__import__\(", text) and name(path).startswith("numax/")
    ]
    assert [path for path in found if not allowed.match(path)] == []


def test_no_module_is_a_grab_bag():
    bad = {"utils", "util", "common", "helpers", "misc"}
    assert [name(path) for path in SOURCES if path.stem.strip("_") in bad] == []


def test_test_files_have_names_of_their_own():
    stems = [path.stem for path in SOURCES if path.stem.startswith("test_")]
    assert sorted(stems) == sorted(set(stems))


@pytest.mark.parametrize("module", [numax.numpy, numax.lax], ids=lambda module: module.__name__)
def test_public_functions_have_docstrings(module):
    missing = [
        key
        for key, value in vars(module).items()
        if not key.startswith("_") and inspect.isfunction(value) and not inspect.getdoc(value)
    ]
    assert missing == []
