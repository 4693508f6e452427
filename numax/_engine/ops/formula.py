"""One formula, three evaluators: written once, it runs on NumPy, emits StableHLO, and carries a derivative along.

A formula is a function `f(m, *xs)` that uses Python's operators and the methods of `m`. All of it is in float64;
results are rounded once, at the end. Comparisons give masks, for `&`, `|`, `~` and `m.where`.
"""

import builtins
import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from numax._engine.core import dtypes
from numax._engine.stablehlo import hlo

Formula = Callable[..., Any]


class NumpyMath:
    """Formulas on NumPy arrays of float64."""

    abs = staticmethod(np.abs)
    exp = staticmethod(np.exp)
    expm1 = staticmethod(np.expm1)
    floor = staticmethod(np.floor)
    log = staticmethod(np.log)
    log1p = staticmethod(np.log1p)
    power = staticmethod(np.power)
    sqrt = staticmethod(np.sqrt)
    sin = staticmethod(np.sin)
    where = staticmethod(np.where)

    @staticmethod
    def loop(limit: int, cond: Formula, body: Formula, init: Sequence[Any]) -> Sequence[Any]:
        """While any element's `cond(*state)` holds, up to `limit` times: `state = body(i, *state)`, i from 1 on."""
        state = tuple(init)
        for i in range(1, limit + 1):
            if not np.any(cond(*state)):
                break
            state = body(float(i), *state)
        return state

    @staticmethod
    def function(f: Formula, slope: Formula, x: Any) -> Any:
        """f(m, x), whose derivative is slope(m, x)."""
        return f(numpy_math, x)

    @staticmethod
    def moving(change: Any, total: Any) -> Any:
        """Whether adding `change` still changes `total`."""
        return np.abs(change) > 1e-17 * np.abs(total)


numpy_math = NumpyMath()


class ScalarMath(NumpyMath):
    """Formulas on single NumPy float64 numbers: for few elements faster than on arrays."""

    abs = staticmethod(builtins.abs)

    @staticmethod
    def exp(x: Any) -> Any:
        return np.float64(math.exp(x)) if x < 709.0 else np.exp(x)

    @staticmethod
    def log(x: Any) -> Any:
        return np.float64(math.log(x)) if x > 0.0 else np.log(x)

    @staticmethod
    def sqrt(x: Any) -> Any:
        return np.float64(math.sqrt(x)) if x >= 0.0 else np.sqrt(x)

    @staticmethod
    def where(mask: Any, x: Any, y: Any) -> Any:
        return np.float64(x if mask else y)

    @staticmethod
    def loop(limit: int, cond: Formula, body: Formula, init: Sequence[Any]) -> Sequence[Any]:
        state = tuple(init)
        for i in range(1, limit + 1):
            if not cond(*state):
                break
            state = body(float(i), *state)
        return state

    @staticmethod
    def function(f: Formula, slope: Formula, x: Any) -> Any:
        return f(scalar_math, x)

    @staticmethod
    def moving(change: Any, total: Any) -> Any:
        return builtins.abs(change) > 1e-17 * builtins.abs(total)


scalar_math = ScalarMath()


class Emitted:
    """An emitted value with Python's operators; Python numbers become constants of its dtype."""

    __slots__ = ("ctx", "value")

    def __init__(self, ctx: Any, value: Any):
        self.ctx = ctx
        self.value = value

    def _other(self, x: Any) -> Any:
        return (
            x.value
            if isinstance(x, Emitted)
            else hlo.full(self.ctx, x, self.value.shape, self.value.dtype)
        )

    def _new(self, value: Any) -> "Emitted":
        return Emitted(self.ctx, value)

    def _with(self, emit: Callable[..., Any], x: Any, swapped: bool = False) -> Any:
        if isinstance(x, Dual):
            return NotImplemented
        pair = (self._other(x), self.value) if swapped else (self.value, self._other(x))
        return self._new(emit(self.ctx, *pair))

    def __add__(self, x: Any) -> "Emitted":
        return self._with(hlo.add, x)

    def __sub__(self, x: Any) -> "Emitted":
        return self._with(hlo.subtract, x)

    def __mul__(self, x: Any) -> "Emitted":
        return self._with(hlo.multiply, x)

    def __truediv__(self, x: Any) -> "Emitted":
        return self._with(hlo.divide, x)

    def __radd__(self, x: Any) -> "Emitted":
        return self._with(hlo.add, x, True)

    def __rsub__(self, x: Any) -> "Emitted":
        return self._with(hlo.subtract, x, True)

    def __rmul__(self, x: Any) -> "Emitted":
        return self._with(hlo.multiply, x, True)

    def __rtruediv__(self, x: Any) -> "Emitted":
        return self._with(hlo.divide, x, True)

    def __neg__(self) -> "Emitted":
        return self._new(hlo.negate(self.ctx, self.value))

    def _compare(self, x: Any, direction: str) -> "Emitted":
        return self._new(hlo.compare(self.ctx, self.value, self._other(x), direction))

    def __lt__(self, x: Any) -> "Emitted":
        return self._compare(x, "LT")

    def __le__(self, x: Any) -> "Emitted":
        return self._compare(x, "LE")

    def __gt__(self, x: Any) -> "Emitted":
        return self._compare(x, "GT")

    def __ge__(self, x: Any) -> "Emitted":
        return self._compare(x, "GE")

    def __eq__(self, x: Any) -> "Emitted":  # type: ignore[override]
        return self._compare(x, "EQ")

    def __ne__(self, x: Any) -> "Emitted":  # type: ignore[override]
        return self._compare(x, "NE")

    __hash__ = object.__hash__

    def __and__(self, x: Any) -> "Emitted":
        return self._new(hlo.and_(self.ctx, self.value, self._other(x)))

    def __or__(self, x: Any) -> "Emitted":
        return self._new(hlo.or_(self.ctx, self.value, self._other(x)))

    def __xor__(self, x: Any) -> "Emitted":
        return self._new(hlo.xor(self.ctx, self.value, self._other(x)))

    def __lshift__(self, x: int) -> "Emitted":
        return self._new(hlo.shift_left(self.ctx, self.value, self._other(x)))

    def __rshift__(self, x: int) -> "Emitted":
        return self._new(hlo.shift_right_arithmetic(self.ctx, self.value, self._other(x)))

    def __invert__(self) -> "Emitted":
        return self._new(hlo.not_(self.ctx, self.value))


def _emitter(emit: Callable[..., Any]) -> Formula:
    return lambda self, x: Emitted(self.ctx, emit(self.ctx, x.value))


class EmitMath:
    """Formulas as StableHLO."""

    __slots__ = ("ctx", "least")

    def __init__(self, ctx: Any, least: float = 1e-17):
        self.ctx = ctx
        self.least = least  # relative changes below it end loops

    abs = _emitter(hlo.abs)
    exp = _emitter(hlo.exponential)
    expm1 = _emitter(hlo.exponential_minus_one)
    floor = _emitter(hlo.floor)
    log = _emitter(hlo.log)
    log1p = _emitter(hlo.log_plus_one)
    sqrt = _emitter(hlo.sqrt)
    rint = _emitter(hlo.round_nearest_even)
    sin = _emitter(hlo.sine)

    def astype(self, x: Emitted, dtype: Any) -> Emitted:
        return Emitted(self.ctx, hlo.convert(self.ctx, x.value, dtype))

    def bits(self, x: Emitted) -> Emitted:
        """The bits of a float32 as int32."""
        value = x.value
        return Emitted(self.ctx, hlo.bitcast_convert(self.ctx, value, value.shape, dtypes.int32))

    def from_bits(self, x: Emitted) -> Emitted:
        """The float32 of bits in int32."""
        value = x.value
        return Emitted(self.ctx, hlo.bitcast_convert(self.ctx, value, value.shape, dtypes.float32))

    def power(self, x: Any, y: Any) -> Emitted:
        return Emitted(self.ctx, hlo.power(self.ctx, x.value, y.value))

    def where(self, mask: Emitted, x: Any, y: Any) -> Emitted:
        dtype = next((v.value.dtype for v in (x, y) if isinstance(v, Emitted)), dtypes.float64)
        shape = mask.value.shape
        x, y = [
            v.value if isinstance(v, Emitted) else hlo.full(self.ctx, v, shape, dtype)
            for v in (x, y)
        ]
        return Emitted(self.ctx, hlo.select(self.ctx, mask.value, x, y))

    def function(self, f: Formula, slope: Formula, x: Any) -> Any:
        return f(self, x)

    def moving(self, change: Any, total: Any) -> Emitted:
        return self.abs(change) > self.abs(total) * self.least

    def loop(self, limit: int, cond: Formula, body: Formula, init: Sequence[Any]) -> Sequence[Any]:
        ctx = self.ctx
        shape = next(v.value.shape for v in init if isinstance(v, Emitted))
        start = [
            v.value if isinstance(v, Emitted) else hlo.full(ctx, float(v), shape, dtypes.float64)
            for v in init
        ]

        def proceed(ctx: Any, i: Any, *state: Any) -> Any:
            mask = cond(*[Emitted(ctx, v) for v in state]).value
            some = mask
            if shape:
                false = hlo.full(ctx, False, (), dtypes.bool_)
                some = hlo.reduce_with(ctx, mask, false, range(len(shape)), hlo.or_)
            within = hlo.compare(ctx, i, hlo.full(ctx, float(limit), (), dtypes.float64), "LE")
            return [hlo.and_(ctx, some, within)]

        def step(ctx: Any, i: Any, *state: Any) -> Any:
            count = Emitted(ctx, hlo.broadcast_scalar(ctx, i, shape))
            state = body(count, *[Emitted(ctx, v) for v in state])
            following = hlo.add(ctx, i, hlo.full(ctx, 1.0, (), dtypes.float64))
            return [following, *[v.value for v in state]]

        first = hlo.full(ctx, 1.0, (), dtypes.float64)
        return [Emitted(ctx, v) for v in hlo.while_(ctx, [first, *start], proceed, step)[1:]]


# ---- derivatives: a number and its tangent through the same formula ----


class Dual:
    """A value and its tangent; `m` evaluates both."""

    __slots__ = ("m", "t", "x")
    __array_ufunc__ = None  # NumPy's operators leave Duals to ours

    def __init__(self, m: Any, x: Any, t: Any):
        self.m = m
        self.x = x
        self.t = t

    def _parts(self, y: Any) -> tuple[Any, Any]:
        return (y.x, y.t) if isinstance(y, Dual) else (y, 0.0)

    def __add__(self, y: Any) -> "Dual":
        x, t = self._parts(y)
        return Dual(self.m, self.x + x, self.t + t)

    __radd__ = __add__

    def __sub__(self, y: Any) -> "Dual":
        x, t = self._parts(y)
        return Dual(self.m, self.x - x, self.t - t)

    def __rsub__(self, y: Any) -> "Dual":
        return Dual(self.m, y - self.x, -self.t)

    def __mul__(self, y: Any) -> "Dual":
        if not isinstance(y, Dual):
            return Dual(self.m, self.x * y, self.t * y)
        return Dual(self.m, self.x * y.x, self.t * y.x + self.x * y.t)

    __rmul__ = __mul__

    def __truediv__(self, y: Any) -> "Dual":
        if not isinstance(y, Dual):
            return Dual(self.m, self.x / y, self.t / y)
        z = self.x / y.x
        return Dual(self.m, z, (self.t - z * y.t) / y.x)

    def __rtruediv__(self, y: Any) -> "Dual":
        z = y / self.x
        return Dual(self.m, z, -z * self.t / self.x)

    def __neg__(self) -> "Dual":
        return Dual(self.m, -self.x, -self.t)

    def __lt__(self, y: Any) -> Any:
        return self.x < self._parts(y)[0]

    def __le__(self, y: Any) -> Any:
        return self.x <= self._parts(y)[0]

    def __gt__(self, y: Any) -> Any:
        return self.x > self._parts(y)[0]

    def __ge__(self, y: Any) -> Any:
        return self.x >= self._parts(y)[0]


class DualMath:
    """Formulas on Dual numbers over another evaluator."""

    __slots__ = ("base",)

    def __init__(self, base: Any):
        self.base = base

    def _of(self, x: Any) -> Dual:
        return x if isinstance(x, Dual) else Dual(self.base, x, x * 0.0)

    def abs(self, x: Any) -> Dual:
        x = self._of(x)
        return Dual(self.base, self.base.abs(x.x), self.base.where(x.x < 0.0, -x.t, x.t))

    def exp(self, x: Any) -> Dual:
        x = self._of(x)
        y = self.base.exp(x.x)
        return Dual(self.base, y, y * x.t)

    def log(self, x: Any) -> Dual:
        x = self._of(x)
        return Dual(self.base, self.base.log(x.x), x.t / x.x)

    def log1p(self, x: Any) -> Dual:
        x = self._of(x)
        return Dual(self.base, self.base.log1p(x.x), x.t / (1.0 + x.x))

    def sqrt(self, x: Any) -> Dual:
        x = self._of(x)
        y = self.base.sqrt(x.x)
        return Dual(self.base, y, x.t / (y * 2.0))

    def function(self, f: Formula, slope: Formula, x: Any) -> Dual:
        """f(m, x) and its derivative slope(m, x)."""
        x = self._of(x)
        return Dual(self.base, f(self.base, x.x), x.t * slope(self.base, x.x))

    def where(self, mask: Any, x: Any, y: Any) -> Any:
        (a, s), (b, t) = [(v.x, v.t) if isinstance(v, Dual) else (v, 0.0) for v in (x, y)]
        return Dual(self.base, self.base.where(mask, a, b), self.base.where(mask, s, t))

    def moving(self, change: Any, total: Any) -> Any:
        change, total = self._of(change), self._of(total)
        size = self.base.abs(total.x) + self.base.abs(total.t)
        return self.base.moving(self.base.abs(change.x) + self.base.abs(change.t), size)

    def loop(self, limit: int, cond: Formula, body: Formula, init: Sequence[Any]) -> Sequence[Any]:
        flat = [part for v in map(self._of, init) for part in (v.x, v.t)]

        def duals(parts: Sequence[Any]) -> list[Dual]:
            return [Dual(self.base, x, t) for x, t in zip(parts[::2], parts[1::2], strict=True)]

        def step(i: Any, *parts: Any) -> Any:
            return [part for v in map(self._of, body(i, *duals(parts))) for part in (v.x, v.t)]

        return duals(self.base.loop(limit, lambda *parts: cond(*duals(parts)), step, flat))


# ---- what formulas share ----


def polynomial(coefficients: Sequence[float], x: Any) -> Any:
    """The polynomial with these coefficients, lowest first, by Horner's rule."""
    out = x * coefficients[-1] + coefficients[-2]
    for c in coefficients[-3::-1]:
        out = out * x + c
    return out


_FEW = 8  # up to so many elements are computed one by one


def host_rule(formula: Formula) -> Callable[..., Any]:
    """The host rule of a formula of real operands."""

    def host(*xs: np.ndarray) -> Any:
        wide = [x.astype(np.float64) for x in xs]
        if len(wide) > 1:
            wide = np.broadcast_arrays(*wide)
        if wide[0].size <= _FEW:
            rows = zip(*[x.ravel() for x in wide], strict=True)
            out = np.array([formula(scalar_math, *row) for row in rows]).reshape(wide[0].shape)
        else:
            out = formula(numpy_math, *wide)
        return np.asarray(out).astype(xs[0].dtype)

    return host


def lower_rule(formula: Formula) -> Callable[..., Any]:
    """The lower rule of a formula of real operands of equal shapes."""

    def lower(ctx: Any, *xs: Any) -> Any:
        wide = [Emitted(ctx, hlo.convert(ctx, x, dtypes.float64)) for x in xs]
        least = 1e-17 if xs[0].dtype == dtypes.float64 else 1e-10
        return hlo.convert(ctx, formula(EmitMath(ctx, least), *wide).value, xs[0].dtype)

    return lower
