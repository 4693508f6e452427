"""Options: a global value each, an override for a `with` block, an environment variable.

`NUMAX_X` or `JAX_X` in the environment sets the start value of option `jax_x`.
"""

import contextlib
import contextvars
import os
from collections.abc import Callable, Iterator
from typing import Any, ClassVar

_UNSET: Any = object()


class Around:
    """What every option does besides: `block` is entered by each `with` block, `changed` called after each change for
    the process. `trace`, which stands above this file, sets both."""

    def __init__(
        self,
        block: Callable[[], contextlib.AbstractContextManager[Any]],
        changed: Callable[[], None],
    ):
        self.block = block
        self.changed = changed


class Option:
    """One option. Call it for a context manager; read it with `.value`.

    `hooks` run after the value for the process changed. `traced` marks an option that changes what a traced function means.
    """

    __slots__ = (
        "_context",
        "choices",
        "default",
        "doc",
        "hooks",
        "kind",
        "name",
        "shared",
        "traced",
    )
    around: "ClassVar[Around]"

    def __init__(
        self,
        name: str,
        default: Any,
        kind: Callable[[Any], Any],
        doc: str,
        choices: Any = None,
        traced: bool = False,
    ):
        self.name = name
        self.kind = kind
        self.doc = doc
        self.choices = choices
        self.traced = traced
        self.hooks: list[Callable[[Any], None]] = []
        self._context: contextvars.ContextVar[Any] = contextvars.ContextVar(name, default=_UNSET)
        raw = os.environ.get("NUMAX_" + name.removeprefix("jax_").upper())
        raw = os.environ.get(name.upper()) if raw is None else raw
        self.default = default if raw is None else self._check(raw)
        self.shared = self.default

    @property
    def value(self) -> Any:
        local = self._context.get()
        return self.shared if local is _UNSET else local

    def _check(self, value: Any) -> Any:
        if self.kind is bool and isinstance(value, str):
            lowered = value.strip().lower()
            if lowered not in ("0", "1", "true", "false", "on", "off", "yes", "no", ""):
                raise ValueError(f"{self.name}: must be a boolean; got {value!r}. Use 0 or 1.")
            return lowered in ("1", "true", "on", "yes")
        if self.kind is bool and not isinstance(value, bool | int):
            raise TypeError(f"{self.name}: must be a bool; got {type(value).__name__}.")
        if self.choices and value not in self.choices:
            raise ValueError(
                f"{self.name}: got {value!r}. Use one of {', '.join(map(str, self.choices))}."
            )
        return None if value is None else self.kind(value)

    def set(self, value: Any) -> None:
        self.shared = self._check(value)
        for hook in self.hooks:
            hook(self.shared)
        Option.around.changed()

    @contextlib.contextmanager
    def _block(self, value: Any) -> Iterator[None]:
        token = self._context.set(self._check(value))
        try:
            with Option.around.block():
                yield
        finally:
            self._context.reset(token)

    def __call__(self, new_val: Any = True) -> Any:
        """A context manager inside which the option has the value `new_val`."""
        return self._block(new_val)


Option.around = Around(contextlib.nullcontext, lambda: None)


class Config:
    """All options. `config.update("jax_enable_x64", True)`; short names without `jax_` work too."""

    def __init__(self) -> None:
        self._options: dict[str, Option] = {}

    def define(
        self,
        name: str,
        default: Any,
        doc: str,
        kind: Any = bool,
        choices: Any = None,
        traced: bool = False,
    ) -> Option:
        option = Option(name, default, kind, doc, choices, traced)
        self._options[name] = option
        return option

    def _find(self, name: str) -> Option:
        found = self._options.get(name) or self._options.get("jax_" + name)
        if found is None:
            raise AttributeError(
                f"config: no option {name!r}. Options: {', '.join(sorted(self._options))}."
            )
        return found

    def update(self, name: str, value: Any) -> None:
        """Set an option for the whole process."""
        self._find(name).set(value)

    def read(self, name: str) -> Any:
        return self._find(name).value

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_"):
            raise AttributeError(name)
        return self._find(name).value

    def options(self) -> list[Option]:
        return list(self._options.values())

    @property
    def values(self) -> dict[str, Any]:
        return {name: option.value for name, option in self._options.items()}


config = Config()
_define = config.define

enable_x64 = _define(
    "jax_enable_x64", False, "64-bit integers, floats and complex numbers.", traced=True
)
disable_jit = _define("jax_disable_jit", False, "Run jitted functions as plain Python.")
debug_nans = _define("jax_debug_nans", False, "Raise FloatingPointError at the first NaN.")
debug_infs = _define("jax_debug_infs", False, "Raise FloatingPointError at the first infinity.")
check_tracer_leaks = _define(
    "jax_check_tracer_leaks",
    False,
    "Raise UnexpectedTracerError at the end of a trace that leaves traced values behind, and say what holds them.",
)
enable_checks = _define(
    "jax_enable_checks",
    False,
    "Check every program after each pass: JaxprTypeError if it is malformed.",
)
log_compiles = _define("jax_log_compiles", False, "Log each compilation.")
explain_cache_misses = _define(
    "jax_explain_cache_misses", False, "Log why a jitted function traced again."
)
num_cpu_devices = _define("jax_num_cpu_devices", -1, "CPU devices to make.", int)
threefry_partitionable = _define(
    "jax_threefry_partitionable", True, "Counters per element, as JAX.", traced=True
)
default_prng_impl = _define(
    "jax_default_prng_impl", "threefry2x32", "Implementation of new keys.", str, traced=True
)
enable_custom_prng = _define(
    "jax_enable_custom_prng", False, "PRNGKey makes typed keys.", traced=True
)
debug_key_reuse = _define(
    "jax_debug_key_reuse", False, "Raise KeyReuseError when a key is used twice."
)
legacy_prng_key = _define(
    "jax_legacy_prng_key",
    "allow",
    "What raw uint32 keys do.",
    str,
    ("allow", "warn", "error"),
    traced=True,
)
numpy_dtype_promotion = _define(
    "jax_numpy_dtype_promotion",
    "standard",
    "Implicit promotion.",
    str,
    ("standard", "strict"),
    traced=True,
)
numpy_rank_promotion = _define(
    "jax_numpy_rank_promotion",
    "allow",
    "Implicit rank promotion.",
    str,
    ("allow", "warn", "raise"),
    traced=True,
)
default_matmul_precision = _define(
    "jax_default_matmul_precision", None, "Precision of products.", str, traced=True
)
default_device = _define(
    "jax_default_device", None, "Where new arrays live.", lambda d: d, traced=True
)
platforms = _define("jax_platforms", None, "Comma-separated platforms to try, in order.", str)
compilation_cache_dir = _define("jax_compilation_cache_dir", None, "Folder of the disk cache.", str)
enable_compilation_cache = _define(
    "jax_enable_compilation_cache", True, "Keep executables on disk."
)
traceback_filtering = _define(
    "jax_traceback_filtering", "auto", "Hide our own frames.", str, ("auto", "off", "remove_frames")
)
softmax_custom_jvp = _define(
    "jax_softmax_custom_jvp",
    True,
    "Differentiate softmax by y (t - sum(y t)) rather than step by step, which rounds less.",
    traced=True,
)
allow_f16_reductions = _define(
    "jax_allow_f16_reductions",
    True,
    "Accepted for JAX's sake. Off, JAX refuses lax.reduce_sum of 16-bit floats, which it would sum in 16 bits; numax "
    "sums them in float32 and rounds once, so there is nothing to refuse.",
)
index_bounds = _define(
    "jax_index_bounds",
    "raise",
    "Concrete out-of-bounds indices: raise, or follow JAX.",
    str,
    ("raise", "jax"),
    traced=True,
)

_TRACED = [option for option in config.options() if option.traced]


def traced_values() -> tuple[Any, ...]:
    """The values of the options that change what a traced function means."""
    return tuple([option.value for option in _TRACED])
