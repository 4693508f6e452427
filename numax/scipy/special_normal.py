"""The error function and its kin, and the normal distribution functions."""

import math
from typing import Any

from numax import core, lax
from numax.core import Array, dtypes
from numax.custom_derivatives import custom_jvp
from numax.numpy.promotion import number, promote_float

# (1 + 2 x) erfcx(x) for x >= 0 as a polynomial in (x - 3) / (x + 3): a Chebyshev fit, as Shepherd & Laframboise 1981.
_ERFCX = (
    1.2530080582697296,
    -0.13562110612458117,
    -0.0475622943534492,
    0.1296451587027594,
    -0.11927366341538638,
    0.0683080273440099,
    -0.02377051491717134,
    0.0025293918156939696,
    0.0018886903449991718,
    -0.0007798322696543306,
    -0.00010515971958448065,
    0.0001250993424583729,
    4.949196649968345e-06,
    -2.0100542268525612e-05,
    -7.308281468783614e-07,
    3.472370944977168e-06,
    3.5576086684080595e-07,
    -6.166011460398726e-07,
    -1.4047654315428462e-07,
    1.0183620603842736e-07,
    4.1064013667940355e-08,
    -1.3312919661038687e-08,
    -8.217595058711455e-09,
    9.862533510345587e-10,
    8.393734858690877e-10,
)


def real(op: str, *args: Any) -> list[Any]:
    """The arguments as floats of one dtype and shape."""
    values = promote_float(op, *args)
    if dtypes.is_complex(values[0].dtype):
        raise TypeError(
            f"{op}: accepts real numbers; got {values[0].aval.str_short()}. Use x.real."
        )
    return same_shape(values)


def same_shape(values: list[Any]) -> list[Any]:
    """Values without dimensions at the shape of the others."""
    shape = max((v.aval.shape for v in values), key=len)
    return [v if v.aval.shape == shape else lax.broadcast_in_dim(v, shape, ()) for v in values]


def widened(fun: Any) -> Any:
    """A function of float32 and float64, for half precision too."""

    def wrapped(x: Any, *rest: Any) -> Any:
        if x.dtype.itemsize >= 4:
            return fun(x, *rest)
        out = fun(*[core.convert(v, dtypes.float32) for v in (x, *rest)])
        return core.convert(out, x.dtype)

    return wrapped


def where(mask: Any, x: Any, y: Any) -> Any:
    """x where the mask is true, else y; numbers take the other's dtype."""
    x = number(y, x) if isinstance(x, int | float) else x
    y = number(x, y) if isinstance(y, int | float) else y
    shape = mask.aval.shape
    x, y = [v if v.aval.shape == shape else lax.broadcast_in_dim(v, shape, ()) for v in (x, y)]
    return lax.select_n(mask, y, x)


def below(x: Any, bound: float) -> Any:
    return lax.lt(x, number(x, bound))


def above(x: Any, bound: float) -> Any:
    return lax.gt(x, number(x, bound))


def plus(x: Any, a: float) -> Any:
    return lax.add(x, number(x, a))


def times(x: Any, a: float) -> Any:
    return lax.mul(x, number(x, a))


# ---- error functions ----


def erf(x: Any) -> Array:
    """2 / sqrt(pi) times the integral of exp(-t**2) from 0 to x, elementwise.

    Grad: elementwise. Source: SciPy `special.erf`.
    """
    return lax.erf(*real("erf", x))


def erfc(x: Any) -> Array:
    """1 - erf(x), elementwise, accurate for large x.

    Grad: elementwise. Source: SciPy `special.erfc`.
    """
    return lax.erfc(*real("erfc", x))


def erfinv(x: Any) -> Array:
    """The inverse of erf, elementwise; nan outside [-1, 1].

    Grad: elementwise. Source: SciPy `special.erfinv`.
    """
    return lax.erf_inv(*real("erfinv", x))


def erfcinv(y: Any) -> Array:
    """The inverse of erfc, elementwise, accurate for small y; nan outside [0, 2].

    Grad: elementwise. Source: SciPy `special.erfcinv`.
    """
    (y,) = real("erfcinv", y)
    return times(_ndtri(times(y, 0.5)), -math.sqrt(0.5))


def _erfcx_value(x: Any) -> Any:
    size = lax.abs(x)
    finite = where(lax.is_finite(size), size, 1.0)
    t = lax.div(plus(finite, -3.0), plus(finite, 3.0))
    right = lax.div(lax.polynomial(t, _ERFCX), plus(times(finite, 2.0), 1.0))
    right = where(lax.is_finite(size), right, where(lax.ne(x, x), x, 0.0))
    left = lax.sub(times(lax.exp(lax.square(x)), 2.0), right)
    return where(below(x, 0), left, right)


_erfcx = custom_jvp(widened(_erfcx_value))


@_erfcx.defjvp
def _erfcx_jvp(primals: Any, tangents: Any) -> Any:
    (x,), (t,) = primals, tangents
    y = _erfcx(x)
    return y, lax.mul(t, plus(times(lax.mul(x, y), 2.0), -2 / math.sqrt(math.pi)))


def erfcx(x: Any) -> Array:
    """exp(x**2) erfc(x), elementwise: no underflow for large x.

    Grad: elementwise. Source: SciPy `special.erfcx`.
    """
    return _erfcx(*real("erfcx", x))


# ---- the normal distribution ----


def ndtr(x: Any) -> Array:
    """The standard normal distribution function, elementwise.

    Grad: elementwise. Source: SciPy `special.ndtr`.
    """
    (x,) = real("ndtr", x)
    return times(lax.erfc(times(x, -math.sqrt(0.5))), 0.5)


def _log_ndtr_value(x: Any) -> Any:
    low = below(x, -1.0)
    left = where(low, x, -1.0)
    scaled = _erfcx(times(left, -math.sqrt(0.5)))
    left = lax.sub(lax.log(times(scaled, 0.5)), times(lax.square(left), 0.5))
    left = where(lax.eq(x, number(x, -math.inf)), -math.inf, left)
    right = where(low, 0.0, x)
    upper = lax.log1p(times(lax.erfc(times(right, math.sqrt(0.5))), -0.5))
    return where(low, left, upper)


_log_ndtr = custom_jvp(widened(_log_ndtr_value))


@_log_ndtr.defjvp
def _log_ndtr_jvp(primals: Any, tangents: Any) -> Any:
    """phi / Phi = sqrt(2 / pi) / erfcx(-x / sqrt(2))."""
    (x,), (t,) = primals, tangents
    slope = lax.div(number(x, math.sqrt(2 / math.pi)), _erfcx(times(x, -math.sqrt(0.5))))
    return _log_ndtr(x), lax.mul(t, slope)


def log_ndtr(x: Any, series_order: int = 3) -> Array:
    """log(ndtr(x)), elementwise, accurate in both tails. `series_order` is accepted; no series is needed.

    Grad: elementwise. Source: SciPy `special.log_ndtr`.
    """
    return _log_ndtr(*real("log_ndtr", x))


_TAIL = 0.02

# Chebyshev fits for float32, lowest first. For q < 0.1: -ndtri(q) / s in _FAR_SCALE / s - _FAR_SHIFT, s = sqrt(-2 log q).
_FAR = 0.1
_FAR_SCALE, _FAR_SHIFT = 5.045258986397639, 1.3510432712308793
_NDTRI_FAR = (
    0.8326650789356682,
    -0.20023982448376915,
    -0.04086577200690501,
    0.006929378976609797,
    -0.001674566358965309,
    0.0005145541548214894,
    -0.0002096368761611937,
    9.28583274841799e-05,
    -1.0578878010036876e-05,
    2.5668948921975192e-06,
    -3.0505384235842332e-05,
    1.7435071716439172e-05,
)
# For the others: ndtri(0.5 + t) / t in 12.5 t**2 - 1.
_NDTRI_NEAR = (
    2.7641859425961557,
    0.3192540583321089,
    0.08060637387010634,
    0.02542345250937543,
    0.008909401549777225,
    0.003322979969921628,
    0.0013122463365557262,
    0.0005251951722916222,
    0.00017295786612928993,
    7.103583804261386e-05,
    6.666456901408917e-05,
    2.859454222440642e-05,
)
_LOG_SQRT_2PI = 0.5 * math.log(2 * math.pi)


def _narrow_ndtri(p: Any) -> Any:
    """ndtri of float32: a polynomial in the middle, one in the tails."""
    upper = above(p, 0.5)
    q = where(upper, lax.sub(number(p, 1), p), p)
    far = below(q, _FAR)
    s = lax.sqrt(times(lax.log(where(far, q, _FAR)), -2.0))
    u = plus(lax.div(number(s, _FAR_SCALE), s), -_FAR_SHIFT)
    x = lax.mul(s, lax.polynomial(u, _NDTRI_FAR))
    t = plus(p, -0.5)
    middle = lax.mul(t, lax.polynomial(plus(times(lax.square(t), 12.5), -1.0), _NDTRI_NEAR))
    return where(far, where(upper, x, lax.neg(x)), middle)


def _long_tail(log_q: Any) -> Any:
    """Four steps from the leading asymptotic term."""
    square = times(log_q, -2.0)
    x = lax.neg(lax.sqrt(lax.sub(square, lax.log(times(square, 2 * math.pi)))))
    for _ in range(4):
        scaled = _erfcx_value(times(x, -math.sqrt(0.5)))
        slope = lax.div(number(x, math.sqrt(2 / math.pi)), scaled)
        log_x = lax.sub(lax.log(times(scaled, 0.5)), times(lax.square(x), 0.5))
        x = lax.sub(x, lax.div(lax.sub(log_x, log_q), slope))
    return x


def _ndtri_value(p: Any) -> Any:
    """For float64 erf_inv in the middle, Newton steps on log(ndtr(x)) = log(p) in the tails."""
    if p.dtype == dtypes.float32:
        return _narrow_ndtri(p)
    upper = above(p, 0.5)
    q = where(upper, lax.sub(number(p, 1), p), p)
    tail = lax.bitwise_and(below(q, _TAIL), above(q, 0))
    x = _long_tail(lax.log(where(tail, q, _TAIL)))
    middle = times(lax.erf_inv(plus(times(p, 2.0), -1.0)), math.sqrt(2))
    return where(tail, where(upper, lax.neg(x), x), middle)


_ndtri = custom_jvp(widened(_ndtri_value))


@_ndtri.defjvp
def _ndtri_jvp(primals: Any, tangents: Any) -> Any:
    (p,), (t,) = primals, tangents
    x = _ndtri(p)
    slope = lax.exp(plus(times(lax.square(x), 0.5), _LOG_SQRT_2PI))
    return x, lax.mul(t, slope)


def ndtri(p: Any) -> Array:
    """The inverse of ndtr, elementwise, accurate for small p; nan outside [0, 1].

    Grad: elementwise. Source: SciPy `special.ndtri`.
    """
    return _ndtri(*real("ndtri", p))


__all__ = ["erf", "erfc", "erfcinv", "erfcx", "erfinv", "log_ndtr", "ndtr", "ndtri"]
