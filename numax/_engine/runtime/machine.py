"""What a compiled program depends on besides its text: the processor, jaxlib, the platform."""

import functools
import hashlib
import os
import platform

_CPU_FIELDS = ("model name", "flags", "Features", "CPU part", "CPU implementer", "CPU variant")


@functools.cache
def cpu_features() -> str:
    """The processor's model and instruction sets, as the operating system tells them."""
    parts = [platform.system(), platform.machine(), platform.processor()]
    try:
        with open("/proc/cpuinfo", encoding="utf-8", errors="replace") as stream:
            for line in stream:
                name, _, value = line.partition(":")
                if not name.strip() and len(parts) > 3:
                    break
                if name.strip() in _CPU_FIELDS:
                    parts.append(value.strip())
    except OSError:
        parts.append(platform.node())
    return "\n".join(parts)


@functools.cache
def fingerprint(jaxlib_version: str, platform_version: str, device_kind: str) -> bytes:
    """A digest of everything but the program."""
    parts = (
        jaxlib_version,
        platform_version,
        device_kind,
        cpu_features(),
        os.environ.get("XLA_FLAGS", ""),
    )
    return hashlib.sha256("\0".join(parts).encode()).digest()
