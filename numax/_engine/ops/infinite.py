"""Complex infinities as C99 Annex G has them: a number with an infinite part is infinite, whatever its other part.

By the textbook formulas such numbers become nan: (inf + inf j) / (1 + 1j) is infinite, 1 / (inf + inf j) is 0.
"""

from typing import Any

import numpy as np

from numax._engine.core import dtypes
from numax._engine.ops import cpu_math
from numax._engine.ops.formula import EmitMath, Emitted, numpy_math
from numax._engine.stablehlo import hlo

COMPLEX = frozenset(dtypes.COMPLEX)


def _unit(m: Any, part: Any) -> Any:
    """The part of an infinite number: 1 or -1 where it is infinite, else a zero, with its sign."""
    zero = m.where(m.abs(part) < np.inf, 0 * part, 0.0)
    return m.where(m.abs(part) == np.inf, m.where(part > 0, zero + 1.0, zero - 1.0), zero)


def product(m: Any, a: Any, b: Any, c: Any, d: Any) -> tuple[Any, Any]:
    """The parts of (a + bi)(c + di)."""
    ac, bd, ad, bc = a * c, b * d, a * d, b * c
    re, im = ac - bd, ad + bc
    left = (m.abs(a) == np.inf) | (m.abs(b) == np.inf)
    right = (m.abs(c) == np.inf) | (m.abs(d) == np.inf)
    lost = (re != re) & (im != im) & (left | right)
    p = [m.where(left, _unit(m, v), m.where(v == v, v, 0.0)) for v in (a, b)]
    q = [m.where(right, _unit(m, v), m.where(v == v, v, 0.0)) for v in (c, d)]
    inf_re, inf_im = np.inf * (p[0] * q[0] - p[1] * q[1]), np.inf * (p[0] * q[1] + p[1] * q[0])
    return m.where(lost, inf_re, re), m.where(lost, inf_im, im)


def quotient_host(x: np.ndarray, y: np.ndarray) -> Any:
    """x / y of complex numbers."""
    out = np.asarray(np.true_divide(x, y))
    lost = np.isnan(out.real) & np.isnan(out.imag)
    if not lost.any():
        return out
    x, y = [np.broadcast_to(v, out.shape) for v in (x, y)]
    grows = lost & np.isinf(x) & np.isfinite(y)
    ends = lost & np.isfinite(x) & np.isinf(y)
    for mask, scale in ((grows, np.inf), (ends, 0.0)):
        a, b, c, d = [part[mask] for v in (x, y) for part in (v.real, v.imag)]
        if scale:
            a, b = _unit(numpy_math, a), _unit(numpy_math, b)
        else:
            c, d = _unit(numpy_math, c), _unit(numpy_math, d)
        out.real[mask] = scale * (a * c + b * d)
        out.imag[mask] = scale * (b * c - a * d)
    return out


def power_host(x: np.ndarray, y: np.ndarray) -> Any:
    """x**y of complex numbers: exp(y log x) where one is infinite; 1 where x is 1, as of real numbers."""
    out = np.asarray(np.power(x, y))
    odd = (np.isinf(x) | np.isinf(y)) & (y != 0)
    if odd.any():
        base, y = np.log(np.broadcast_to(x, out.shape)[odd]), np.broadcast_to(y, out.shape)[odd]
        exponent = np.empty_like(base)
        exponent.real, exponent.imag = product(numpy_math, base.real, base.imag, y.real, y.imag)
        out[odd] = np.exp(exponent)
    return np.where(x == 1, out.dtype.type(1), out)


def _exp(ctx: Any, re: Any, im: Any) -> list[Any]:
    """The parts of e**(re + im j). XLA's own are nan at infinities."""
    m = EmitMath(ctx)
    size = m.exp(re)
    turns = [Emitted(ctx, turn(ctx, im.value)) for turn in (hlo.cosine, hlo.sine)]
    safe = [m.where(m.abs(im) < np.inf, turn, 0.0) for turn in turns]
    parts = [m.where(re == -np.inf, 0 * s, size * t) for s, t in zip(safe, turns, strict=True)]
    unknown = (re == np.inf) & ((m.abs(im) == np.inf) | (im != im))
    return [m.where(unknown, re, parts[0]), m.where(im == 0.0, im, parts[1])]


def power_lower(ctx: Any, x: Any, y: Any, out: Any) -> Any:
    """`out` is x**y by the textbook; the same where both are finite, else exp(y log x)."""
    m = EmitMath(ctx)
    a, b, c, d = [Emitted(ctx, part(ctx, v)) for v in (x, y) for part in (hlo.real, hlo.imag)]
    large = (m.abs(a) == np.inf) | (m.abs(b) == np.inf)
    odd = (large | (m.abs(c) == np.inf) | (m.abs(d) == np.inf)) & ((c != 0.0) | (d != 0.0))
    size = m.where(large, np.inf, m.log(Emitted(ctx, hlo.abs(ctx, x))))
    angle = Emitted(ctx, cpu_math.atan2_lower(ctx, b.value, a.value))
    parts = _exp(ctx, *product(m, size, angle, c, d))
    is_one = (a == 1.0) & (b == 0.0)
    careful = hlo.complex(
        ctx, *[m.where(is_one, one, v).value for v, one in zip(parts, (1.0, 0.0))]
    )
    return hlo.select(ctx, (odd | is_one).value, careful, out)


__all__ = ["COMPLEX", "power_host", "power_lower", "product", "quotient_host"]
