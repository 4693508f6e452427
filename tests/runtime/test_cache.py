import os
import time
import warnings
from pathlib import Path

import pytest

from numax._engine import runtime as rt
from numax._engine.core.config import compilation_cache_dir, enable_compilation_cache
from numax._engine.runtime import cache

KEY = "a" * 64


def _folder():
    return Path(os.environ["NUMAX_CACHE_DIR"])


def test_entries_come_back():
    assert cache.read(KEY) is None
    assert cache.write(KEY, b"payload")
    assert cache.read(KEY) == b"payload"
    cache.remove(KEY)
    assert cache.read(KEY) is None


def test_the_folder_and_its_files_are_private():
    cache.write(KEY, b"payload")
    assert _folder().stat().st_mode & 0o777 == 0o700
    (file,) = _folder().iterdir()
    assert file.stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize(
    "damage",
    [
        lambda data: b"",
        lambda data: data[:20],
        lambda data: data[:-1],
        lambda data: data[:-1] + bytes([data[-1] ^ 1]),
        lambda data: b"x" + data[1:],
        lambda data: data + b"more",
    ],
)
def test_damaged_entries_are_dropped(damage):
    cache.write(KEY, b"payload")
    (file,) = _folder().iterdir()
    file.write_bytes(damage(file.read_bytes()))
    assert cache.read(KEY) is None
    assert not file.exists()


def test_files_that_others_may_write_are_dropped():
    cache.write(KEY, b"payload")
    (file,) = _folder().iterdir()
    file.chmod(0o666)
    assert cache.read(KEY) is None
    assert not file.exists()


def test_links_are_not_followed(tmp_path):
    cache.write(KEY, b"payload")
    (file,) = _folder().iterdir()
    elsewhere = tmp_path / "elsewhere"
    file.rename(elsewhere)
    file.symlink_to(elsewhere)
    assert cache.read(KEY) is None


@pytest.mark.parametrize("mode", [0o770, 0o707, 0o777])
def test_a_folder_that_others_may_write_is_refused_with_one_warning(mode):
    _folder().mkdir()
    _folder().chmod(mode)
    with pytest.warns(RuntimeWarning, match="writable by other users"):
        assert cache.folder() is None
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert not cache.write(KEY, b"payload")
        assert cache.read(KEY) is None
    assert list(_folder().iterdir()) == []


@pytest.mark.skipif(
    not hasattr(os, "getuid") or os.getuid() != 0, reason="only root can give files away"
)
def test_a_folder_of_another_user_is_refused():
    _folder().mkdir(mode=0o700)
    os.chown(_folder(), 12345, 12345)
    with pytest.warns(RuntimeWarning, match="owned by another user"):
        assert cache.folder() is None


def test_an_empty_name_or_the_option_turns_the_cache_off(monkeypatch):
    with enable_compilation_cache(False):
        assert cache.folder() is None
    assert cache.folder() == str(_folder())
    monkeypatch.setenv("NUMAX_CACHE_DIR", "")
    assert cache.folder() is None


def test_the_folder_follows_option_environment_and_xdg(monkeypatch, tmp_path):
    with compilation_cache_dir(str(tmp_path / "option")):
        assert cache.folder() == str(tmp_path / "option")
    monkeypatch.delenv("NUMAX_CACHE_DIR")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "xdg"))
    assert cache.folder() == str(tmp_path / "xdg" / "numax")
    monkeypatch.delenv("XDG_CACHE_HOME")
    monkeypatch.setenv("HOME", str(tmp_path))
    assert cache.folder() == str(tmp_path / ".cache" / "numax")


def test_a_folder_that_cannot_be_made_is_no_error(monkeypatch, tmp_path):
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("NUMAX_CACHE_DIR", str(tmp_path / "file" / "cache"))
    assert cache.folder() is None
    assert not cache.write(KEY, b"payload")


def test_a_failing_write_leaves_nothing_behind(monkeypatch):
    assert cache.folder() == str(_folder())

    def full(*args):
        raise OSError("disk full")

    monkeypatch.setattr(cache.os, "replace", full)
    assert not cache.write(KEY, b"payload")
    assert list(_folder().iterdir()) == []


def test_trim_removes_what_was_not_used_for_longest():
    now = time.time()
    for i in range(10):
        cache.write(f"{i:064x}", bytes(1000))
        os.utime(_folder() / f"{i:064x}.xla", (now - 1000 + i, now - 1000 + i))
    cache.read(f"{0:064x}")
    cache.trim(str(_folder()), max_bytes=6000)
    left = sorted(int(file.stem, 16) for file in _folder().iterdir())
    assert left == [0, 7, 8, 9]


def test_trim_removes_files_of_broken_off_writes():
    cache.write(KEY, b"payload")
    old, new = _folder() / ".1-ab.tmp", _folder() / ".2-cd.tmp"
    for file in (old, new):
        file.write_bytes(b"part")
    os.utime(old, (0, 0))
    cache.trim(str(_folder()))
    assert not old.exists() and new.exists()


ADD = """
module @m {
  func.func public @main(%a: tensor<5xf32>) -> tensor<5xf32> {
    %0 = stablehlo.add %a, %a : tensor<5xf32>
    return %0 : tensor<5xf32>
  }
}"""


def _counts():
    return rt.statistics.compiled, rt.statistics.from_disk, rt.statistics.from_memory


def _change(action):
    before = _counts()
    action()
    return tuple(now - then for now, then in zip(_counts(), before, strict=True))


def test_programs_are_taken_from_memory_then_from_disk():
    rt.clear_memory()
    assert _change(lambda: rt.compile(ADD)) == (1, 0, 0)
    assert _change(lambda: rt.compile(ADD)) == (0, 0, 1)
    rt.clear_memory()
    assert _change(lambda: rt.compile(ADD)) == (0, 1, 0)
    rt.clear_memory()
    assert _change(lambda: rt.compile(ADD, small=True)) == (1, 0, 0)
    assert _change(lambda: rt.compile(ADD, options={"xla_cpu_enable_fast_math": True})) == (1, 0, 0)
    rt.clear_memory()


def test_an_entry_that_is_no_program_is_compiled_anew():
    rt.clear_memory()
    rt.compile(ADD)
    (file,) = _folder().iterdir()
    good = file.read_bytes()
    cache.write(file.stem, b"well signed nonsense")
    rt.clear_memory()
    assert _change(lambda: rt.compile(ADD)) == (1, 0, 0)
    rt.clear_memory()
    assert file.exists() and len(file.read_bytes()) > len(good) // 2
    assert _change(lambda: rt.compile(ADD)) == (0, 1, 0)
    rt.clear_memory()


def test_nothing_is_kept_where_the_cache_is_off():
    rt.clear_memory()
    with enable_compilation_cache(False):
        assert _change(lambda: rt.compile(ADD)) == (1, 0, 0)
        rt.clear_memory()
        assert _change(lambda: rt.compile(ADD)) == (1, 0, 0)
    rt.clear_memory()
    assert not _folder().exists()
