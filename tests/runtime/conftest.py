"""The tests of the runtime keep their compiled programs in a folder of their own."""

import pytest

from numax._engine.runtime import cache


@pytest.fixture(autouse=True)
def _own_cache_folder(tmp_path, monkeypatch):
    monkeypatch.setenv("NUMAX_CACHE_DIR", str(tmp_path / "cache"))
    cache.forget()
    yield
    cache.forget()
