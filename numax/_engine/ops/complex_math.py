"""Lowerings of complex functions by their parts, right at signed zeros, infinities and nan.

XLA's own lose signs of zeros and give nan at many infinities; which, depends on whether a program asks for one part or
both. The rules are those of C99's Annex G, which the array API standard repeats; NumPy follows them too. Each function
takes the parts (a, b) of a + bi and gives the parts of the result.
"""

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from numax._engine.core import dtypes
from numax._engine.ops import cpu_math
from numax._engine.ops.cpu_math import on_cpu
from numax._engine.ops.formula import EmitMath, Emitted
from numax._engine.stablehlo import hlo

_COMPLEX = frozenset(dtypes.COMPLEX)
Part = Emitted
Pair = tuple[Emitted, Emitted]
Rule = Callable[["Parts", Part, Part], Pair]
_SIN, _COS = on_cpu(cpu_math.sin, hlo.sine), on_cpu(cpu_math.cos, hlo.cosine)
_TAN, _ATAN2 = on_cpu(cpu_math.tan, hlo.tan), on_cpu(cpu_math.atan2, cpu_math.atan2_lower)
_LARGE = 20.0  # sinh and cosh are exp / 2 from here on, in float64 too


class Parts(EmitMath):
    """Real functions for the formulas below."""

    __slots__ = ()

    def of(self, rule: Callable[..., Any], *xs: Part) -> Part:
        return Emitted(self.ctx, rule(self.ctx, *[x.value for x in xs]))

    def sin(self, x: Part) -> Part:
        return self.of(_SIN, x)

    def cos(self, x: Part) -> Part:
        return self.of(_COS, x)

    def finite(self, x: Part) -> Part:
        return self.abs(x) < np.inf

    def chlo(self, name: str, x: Part) -> Part:
        return Emitted(self.ctx, hlo.chlo(self.ctx, name, x.value))

    def negative(self, x: Part) -> Part:
        """Whether the sign bit is set."""
        wide = dtypes.int64 if x.value.dtype == dtypes.float64 else dtypes.int32
        return Emitted(self.ctx, hlo.bitcast_convert(self.ctx, x.value, x.value.shape, wide)) < 0

    def signed(self, x: Part, like: Part) -> Part:
        """x >= 0 with the sign of `like`."""
        return self.where(self.negative(like), -x, x)

    def whole(self, function: str, a: Part, b: Part) -> Pair:
        """A function of a + bi as CHLO computes it."""
        out = hlo.chlo(self.ctx, function, hlo.complex(self.ctx, a.value, b.value))
        return Emitted(self.ctx, hlo.real(self.ctx, out)), Emitted(
            self.ctx, hlo.imag(self.ctx, out)
        )


def by_parts(rule: Rule, general: Callable[..., Any]) -> Callable[..., Any]:
    """A lower rule: complex numbers by their parts, others by `general`."""

    def lower(ctx: Any, x: Any) -> Any:
        if x.dtype not in _COMPLEX:
            return general(ctx, x)
        parts = [Emitted(ctx, part(ctx, x)) for part in (hlo.real, hlo.imag)]
        return hlo.complex(ctx, *[part.value for part in rule(Parts(ctx), *parts)])

    return lower


# ---- exponentials ----


def exp(m: Parts, a: Part, b: Part) -> Pair:
    size, half = m.exp(a), m.exp(0.5 * a)
    out = []
    for turn in (m.cos(b), m.sin(b)):
        part = m.where(size == np.inf, (half * turn) * half, size * turn)
        out.append(m.where((a == -np.inf) & ~m.finite(b), 0.0, part))
    re = m.where((a == np.inf) & ~m.finite(b), a, out[0])
    return re, m.where(b == 0.0, b, out[1])


def exp2(m: Parts, a: Part, b: Part) -> Pair:
    return exp(m, a * math.log(2), b * math.log(2))


def expm1(m: Parts, a: Part, b: Part) -> Pair:
    re, im = exp(m, a, b)
    sine = m.sin(0.5 * b)
    near = m.expm1(a) * m.cos(b) - 2.0 * (sine * sine)
    return m.where((m.abs(a) < 2 * _LARGE) & m.finite(b), near, re - 1.0), im


def log(m: Parts, a: Part, b: Part) -> Pair:
    p, q = m.of(hlo.maximum, m.abs(a), m.abs(b)), m.of(hlo.minimum, m.abs(a), m.abs(b))
    ratio = m.where(p == 0.0, 0.0, q / p)
    far = m.log(p) + 0.5 * m.log1p(ratio * ratio)
    above = (p - 1.0) * (p + 1.0) + q * q  # |z|**2 - 1, without loss at z = 1
    re = m.where(m.abs(above) < 0.2, 0.5 * m.log1p(above), far)
    large = (m.abs(a) == np.inf) | (m.abs(b) == np.inf)
    return m.where(large, np.inf, re), m.of(_ATAN2, b, a)


def log1p(m: Parts, a: Part, b: Part) -> Pair:
    re, im = log(m, 1.0 + a, b)
    above = a * (2.0 + a) + b * b
    return m.where(m.abs(above) < 0.2, 0.5 * m.log1p(above), re), im


def log1p_host(x: np.ndarray) -> Any:
    """log(1 + x); NumPy's loses all digits of small complex numbers."""
    if x.dtype not in _COMPLEX:
        return np.log1p(x)
    a, b = x.real, x.imag
    above = a * (2 + a) + b * b
    near = np.abs(above) < 0.2
    out = np.empty_like(x)
    out.real = np.where(near, 0.5 * np.log1p(np.where(near, above, 0)), np.log(np.hypot(1 + a, b)))
    out.imag = np.arctan2(b, 1 + a)
    return out


# ---- hyperbolic functions; sin, cos and tan turn them ----


def _sinh_cosh(m: Parts, a: Part, turn: Part) -> Pair:
    """sinh(a) and cosh(a), each times `turn`."""
    half = m.exp(0.5 * m.abs(a))
    far = (half * turn) * (0.5 * half)
    large = m.abs(a) > _LARGE
    sinh, cosh = m.chlo("sinh", a) * turn, m.chlo("cosh", a) * turn
    return m.where(large, m.where(a < 0.0, -far, far), sinh), m.where(large, far, cosh)


def sinh(m: Parts, a: Part, b: Part) -> Pair:
    odd = ~m.finite(b) & ((a == 0.0) | (m.abs(a) == np.inf))
    re = m.where(odd | ((b == 0.0) & ~m.finite(a)), a, _sinh_cosh(m, a, m.cos(b))[0])
    return re, m.where(b == 0.0, b, _sinh_cosh(m, a, m.sin(b))[1])


def cosh(m: Parts, a: Part, b: Part) -> Pair:
    infinite = ~m.finite(b) & (m.abs(a) == np.inf)
    re = m.where(infinite, m.abs(a), _sinh_cosh(m, a, m.cos(b))[1])
    im = _sinh_cosh(m, a, m.sin(b))[0]
    im = m.where(~m.finite(b) & (a == 0.0), a, im)
    return re, m.where(b == 0.0, m.where(m.negative(a), -b, b), im)


def tanh(m: Parts, a: Part, b: Part) -> Pair:
    """Kahan's formula, "Branch cuts for complex elementary functions" (1987)."""
    t, s = m.of(_TAN, b), m.chlo("sinh", a)
    beta = 1.0 + t * t
    below = 1.0 + beta * s * s
    size = m.abs(a)
    far_im = 4.0 * m.sin(b) * m.cos(b) * m.exp(-2.0 * size)
    far_im = m.where((size == np.inf) & ~m.finite(b), 0.0, far_im)
    large = size > _LARGE
    re = m.where(
        large,
        m.where(a < 0.0, -1.0 + 0.0 * t, 1.0 + 0.0 * t),
        beta * m.sqrt(1.0 + s * s) * s / below,
    )
    re = m.where(size == np.inf, m.where(a < 0.0, far_im * 0.0 - 1.0, far_im * 0.0 + 1.0), re)
    re = m.where((a == 0.0) & ~m.finite(b), a, re)
    return re, m.where(b == 0.0, b, m.where(large, far_im, t / below))


def _turned(rule: Rule) -> Rule:
    """-i f(iz) of an odd f: f of the swapped parts, swapped."""

    def turned(m: Parts, a: Part, b: Part) -> Pair:
        re, im = rule(m, b, a)
        return im, re

    return turned


def cos(m: Parts, a: Part, b: Part) -> Pair:
    return cosh(m, -b, a)


sin, tan = _turned(sinh), _turned(tanh)


# ---- their inverses: in the first quadrant, then by symmetry ----


def asinh(m: Parts, a: Part, b: Part) -> Pair:
    p, q = m.abs(a), m.abs(b)
    re, im = m.whole("asinh", p, q)
    large = (p == np.inf) | (q == np.inf)
    re, im = m.where(large, np.inf, re), m.where(large, m.of(_ATAN2, q, p), im)
    return m.signed(m.abs(re), a), m.signed(m.where(q == 0.0, q, m.abs(im)), b)


def acos(m: Parts, a: Part, b: Part) -> Pair:
    p, q = m.abs(a), m.abs(b)
    re, im = m.whole("acos", p, q)
    large = (p == np.inf) | (q == np.inf)
    re, im = m.where(large, m.of(_ATAN2, q, p), re), m.where(large, np.inf, im)
    re = m.where((p == 0.0) & (q != q), math.pi / 2, re)
    return m.where(m.negative(a), math.pi - re, re), m.signed(m.abs(im), -b)


def acosh(m: Parts, a: Part, b: Part) -> Pair:
    re, im = acos(m, a, b)
    return m.abs(im), m.signed(re, b)


def atanh(m: Parts, a: Part, b: Part) -> Pair:
    p, q = m.abs(a), m.abs(b)
    re, im = m.whole("atanh", p, q)
    large = (p == np.inf) | (q == np.inf)
    known = q == q
    re = m.where(large, 0.0, m.where((p == 0.0) & ~known, p, m.abs(re)))
    im = m.where(large, math.pi / 2, m.where(p == p, m.abs(im), p))
    return m.signed(re, a), m.signed(m.where(known, im, q), b)


asin, atan = _turned(asinh), _turned(atanh)


# ---- roots, sizes, directions ----


def sqrt(m: Parts, a: Part, b: Part) -> Pair:
    out = hlo.sqrt(m.ctx, hlo.complex(m.ctx, a.value, b.value))
    re, im = [Emitted(m.ctx, part(m.ctx, out)) for part in (hlo.real, hlo.imag)]
    im = m.signed(
        m.abs(im), b
    )  # on the branch cut the compiler forgets the sign of a zero imaginary part
    flat, tall = m.where(b == b, 0.0, b), m.abs(b) == np.inf
    for infinite, new_re, new_im in (
        (a == np.inf, a, m.signed(flat, b)),
        (a == -np.inf, flat, m.signed(m.abs(a), b)),
        (tall, m.abs(b), b),
    ):
        re, im = m.where(infinite, new_re, re), m.where(infinite, new_im, im)
    return re, im


def abs_lower(ctx: Any, x: Any) -> Any:
    """|x|; infinite where a part is."""
    if x.dtype not in _COMPLEX:
        return hlo.abs(ctx, x)
    m = EmitMath(ctx)
    parts = [m.abs(Emitted(ctx, part(ctx, x))) for part in (hlo.real, hlo.imag)]
    infinite = (parts[0] == np.inf) | (parts[1] == np.inf)
    return m.where(infinite, np.inf, Emitted(ctx, hlo.abs(ctx, x))).value


def sign(m: Parts, a: Part, b: Part) -> Pair:
    size = Emitted(m.ctx, abs_lower(m.ctx, hlo.complex(m.ctx, a.value, b.value)))
    large = [m.abs(part) == np.inf for part in (a, b)]
    out = []
    for part, infinite in zip((a, b), large, strict=True):
        unit = m.where(infinite, m.of(hlo.sign, part), 0.0)
        out.append(m.where(large[0] ^ large[1], unit, m.where(size == 0.0, 0.0, part / size)))
    return out[0], out[1]


__all__ = [
    "abs_lower",
    "acos",
    "acosh",
    "asin",
    "asinh",
    "atan",
    "atanh",
    "by_parts",
    "cos",
    "cosh",
    "exp",
    "exp2",
    "expm1",
    "log",
    "log1p",
    "log1p_host",
    "sign",
    "sin",
    "sinh",
    "sqrt",
    "tan",
    "tanh",
]
