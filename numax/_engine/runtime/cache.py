"""Compiled programs on disk. Loading one runs machine code, so nothing is read that others could
have written.

Folder: option jax_compilation_cache_dir, else NUMAX_CACHE_DIR (empty: no disk cache), else
$XDG_CACHE_HOME/numax or ~/.cache/numax. It must belong to this user and be writable by no one
else. An entry is a header, the SHA-256 of the rest, and the rest; what does not check is removed.
Failure to write is never an error."""

import contextlib
import hashlib
import os
import stat
import time
import warnings

from numax._engine.core.config import compilation_cache_dir, enable_compilation_cache

MAX_BYTES = 1 << 30
_MAGIC = b"numax-xla-1\n"
_HEADER = len(_MAGIC) + 32
_SUFFIX = ".xla"
_STALE_SECONDS = 3600.0
_TRIM_EVERY = 256

_checked: dict[str, bool] = {}
_writes = 0


def folder() -> str | None:
    """The folder in use, made and checked; None where the disk cache is off or the folder cannot
    be trusted."""
    if not enable_compilation_cache.value:
        return None
    path = _wanted()
    if path is None:
        return None
    usable = _checked.get(path)
    if usable is None:
        usable = _prepare(path)
        _checked[path] = usable
    return path if usable else None


def _wanted() -> str | None:
    named = compilation_cache_dir.value
    if named is None:
        named = os.environ.get("NUMAX_CACHE_DIR")
    if named is not None:
        return os.path.abspath(os.path.expanduser(named)) if named else None
    base = os.environ.get("XDG_CACHE_HOME", "")
    if base and os.path.isabs(base):
        return os.path.join(base, "numax")
    home = os.path.expanduser("~")
    return None if home == "~" else os.path.join(home, ".cache", "numax")


def _prepare(path: str) -> bool:
    try:
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with contextlib.suppress(FileExistsError):
            os.mkdir(path, 0o700)
        info = os.stat(path)
    except OSError:
        return False
    if not stat.S_ISDIR(info.st_mode):
        return False
    problem = _distrust(info)
    if problem:
        warnings.warn(
            f"numax: the cache folder {path} is {problem}, so no compiled program is kept there. "
            "Remove it, or make it yours alone (chmod 700), or name another in NUMAX_CACHE_DIR.",
            RuntimeWarning,
            stacklevel=2,
        )
        return False
    return True


def _distrust(info: os.stat_result) -> str:
    """Why a file or folder with these attributes may have been written by someone else; empty if
    it may not."""
    if not hasattr(os, "getuid"):
        return ""
    if info.st_uid != os.getuid():
        return "owned by another user"
    if info.st_mode & (stat.S_IWGRP | stat.S_IWOTH):
        return "writable by other users"
    return ""


def _file(path: str, key: str) -> str:
    return os.path.join(path, key + _SUFFIX)


def read(key: str) -> bytes | None:
    """The entry of `key`, or None. An entry that does not check is removed."""
    path = folder()
    if path is None:
        return None
    file = _file(path, key)
    try:
        descriptor = os.open(
            file, os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_CLOEXEC", 0)
        )
    except OSError:
        return None
    try:
        with open(descriptor, "rb") as stream:
            info = os.fstat(stream.fileno())
            trusted = stat.S_ISREG(info.st_mode) and not _distrust(info)
            data = stream.read() if trusted else b""
    except OSError:
        return None
    payload = _payload(data)
    if payload is None:
        remove(key)
        return None
    with contextlib.suppress(OSError):
        os.utime(file)
    return payload


def _payload(data: bytes) -> bytes | None:
    if len(data) <= _HEADER or not data.startswith(_MAGIC):
        return None
    payload = data[_HEADER:]
    if hashlib.sha256(payload).digest() != data[len(_MAGIC) : _HEADER]:
        return None
    return payload


def write(key: str, payload: bytes) -> bool:
    """Keep an entry. False where it could not be kept."""
    global _writes
    path = folder()
    if path is None or len(payload) > MAX_BYTES // 4:
        return False
    temporary = os.path.join(path, f".{os.getpid()}-{os.urandom(8).hex()}.tmp")
    try:
        descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with open(descriptor, "wb") as stream:
            stream.write(_MAGIC)
            stream.write(hashlib.sha256(payload).digest())
            stream.write(payload)
        os.replace(temporary, _file(path, key))
    except OSError:
        with contextlib.suppress(OSError):
            os.unlink(temporary)
        return False
    _writes += 1
    if _writes % _TRIM_EVERY == 1:
        trim(path)
    return True


def remove(key: str) -> None:
    """Drop an entry."""
    path = folder()
    if path is not None:
        with contextlib.suppress(OSError):
            os.unlink(_file(path, key))


def trim(path: str, max_bytes: int | None = None) -> None:
    """Remove the entries that were not used for longest until the rest fits, and files of
    broken-off writes."""
    limit = MAX_BYTES if max_bytes is None else max_bytes
    now = time.time()
    found: list[tuple[float, int, str]] = []
    try:
        with os.scandir(path) as entries:
            for entry in entries:
                with contextlib.suppress(OSError):
                    info = entry.stat(follow_symlinks=False)
                    if entry.name.endswith(".tmp") and now - info.st_mtime > _STALE_SECONDS:
                        os.unlink(entry.path)
                    elif entry.name.endswith(_SUFFIX):
                        found.append((info.st_mtime, info.st_size, entry.path))
    except OSError:
        return
    total = sum(size for _, size, _ in found)
    if total <= limit:
        return
    for _, size, name in sorted(found):
        with contextlib.suppress(OSError):
            os.unlink(name)
        total -= size
        if total <= limit * 0.8:
            return


def forget() -> None:
    """Look at the environment and the folder again at the next use."""
    _checked.clear()
