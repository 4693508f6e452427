"""For all tests: a private disk cache, one hypothesis profile, and the 64-bit fixture.

Warnings are errors (see pyproject.toml).
"""

import os
import shutil
import tempfile

import hypothesis
import pytest

from numax._engine.core import config

hypothesis.settings.register_profile("numax", deadline=None, derandomize=True, max_examples=60)
hypothesis.settings.load_profile("numax")

if "PYTEST_XDIST_WORKER" not in os.environ:  # the workers share the folder that their parent made
    os.environ["NUMAX_CACHE_DIR"] = tempfile.mkdtemp(prefix="numax-tests-")


def pytest_unconfigure():
    if "PYTEST_XDIST_WORKER" not in os.environ:
        shutil.rmtree(os.environ["NUMAX_CACHE_DIR"], ignore_errors=True)


@pytest.fixture
def x64():
    """64-bit types for one test."""
    with config.enable_x64(True):
        yield
