"""Special functions: error functions, gamma and beta functions, Bessel functions, zeta.

On the host they are own implementations in float64, rounded once (special_formulas.py); compiled, they are CHLO's
where it has them, and the same formulas elsewhere.
"""

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from numax._engine.core.avals import ShapedArray
from numax._engine.core.primitive import Primitive, Zero, not_differentiable, not_linear
from numax._engine.core.trace import as_value
from numax._engine.ops import cpu_powers, cpu_special, tables
from numax._engine.ops import special_formulas as formulas
from numax._engine.ops.accuracy import check_accuracy
from numax._engine.ops.arithmetic import abs, integer_pow, repeated, sign, square
from numax._engine.ops.basis import (
    add,
    batch_elementwise,
    constant_like,
    infer_pair,
    is_value,
    mul,
    neg,
    pair,
    select_n,
    sub,
)
from numax._engine.ops.compare import gt
from numax._engine.ops.cpu_math import on_cpu
from numax._engine.ops.elementwise import exp, log, log1p
from numax._engine.ops.families import FLOATS, binary, check_dtype, spread, unary
from numax._engine.ops.formula import host_rule, lower_rule
from numax._engine.stablehlo import hlo


def _chlo(name: str) -> Callable[..., Any]:
    return lambda ctx, *xs: hlo.chlo(ctx, name, *xs)


_MANY = 1 << 14  # from here on NumPy's passes over memory take longer than compiling a formula once

# ---- error functions ----

_FEW = 64  # up to so many elements a loop over math.erf is faster than array operations


def _libm(one: Callable[[float], float], many: Callable[..., Any]) -> Callable[..., Any]:
    def host(x: np.ndarray) -> Any:
        wide = x.astype(np.float64)
        if wide.size <= _FEW:
            return (
                np.array([one(v) for v in wide.ravel().tolist()])
                .reshape(wide.shape)
                .astype(x.dtype)
            )
        return np.asarray(many(wide)).astype(x.dtype)

    return host


def erf(x: Any) -> Any:
    """The error function 2 / sqrt(pi) times the integral of exp(-t**2) from 0 to x, elementwise.

    Dtypes: real floats. Grad: elementwise. Source: CHLO `erf`; DLMF 7.2.
    """
    return erf_p.bind(as_value(x, "erf"))


def _bell(x: Any, scale: float) -> Any:
    return mul(constant_like(x, scale), exp(neg(square(x))))


erf_p = unary(
    "erf",
    accepts=FLOATS,
    host=_libm(math.erf, formulas.erf),
    lower=_chlo("erf"),
    jvp=lambda t, y, x: mul(t, _bell(x, 2 / math.sqrt(math.pi))),
)


def erfc(x: Any, *, accuracy: Any = None) -> Any:
    """1 - erf(x), elementwise, accurate where it is small.

    Dtypes: real floats. Grad: elementwise. Source: CHLO `erfc`; DLMF 7.2.
    """
    check_accuracy("erfc", accuracy)
    return erfc_p.bind(as_value(x, "erfc"))


erfc_p = unary(
    "erfc",
    accepts=FLOATS,
    host=_libm(math.erfc, formulas.erfc),
    lower=_chlo("erfc"),
    jvp=lambda t, y, x: mul(t, _bell(x, -2 / math.sqrt(math.pi))),
)


def erf_inv(x: Any) -> Any:
    """The inverse of erf, elementwise; infinite at -1 and 1, NaN beyond.

    Dtypes: real floats. Grad: elementwise.
    Source: CHLO `erf_inv`; M. Giles, "Approximating the erfinv function", 2010.
    """
    return erf_inv_p.bind(as_value(x, "erf_inv"))


def _arrays(table: tuple[tuple[float, ...], ...], dtype: Any) -> list[list[np.ndarray]]:
    return [[np.array(c, dtype) for c in row] for row in table]


_GILES_32 = _arrays(tables.ERF_INV_32, np.float32)
_GILES_64 = _arrays(tables.ERF_INV_64, np.float64)


def _horner(coefficients: list[np.ndarray], w: np.ndarray) -> np.ndarray:
    """Highest power first, in the dtype of w. Arrays without dimensions are the quickest constants."""
    multiply, plus = np.multiply, np.add
    out = multiply(coefficients[0], w)
    plus(out, coefficients[1], out)
    for c in coefficients[2:]:
        multiply(out, w, out)
        plus(out, c, out)
    return out


def _erf_inv_host(x: np.ndarray) -> Any:
    shape, dtype = x.shape, x.dtype
    x = x.reshape(-1)
    if not x.size:
        return x.reshape(shape)
    if dtype == np.float64:
        w = -np.log1p(-x * x)
        near, middle, far = _GILES_64
        out = _horner(near, w - 3.125)
        if not w.max() < 6.25:
            root = np.sqrt(w)
            tail = np.where(w < 16.0, _horner(middle, root - 3.25), _horner(far, root - 5.0))
            out = np.where(w < 6.25, out, tail)
    else:
        x = x.astype(np.float32, copy=False)
        w = -np.log1p(-x * x)
        near, far = _GILES_32
        out = _horner(near, w - 2.5)
        if not w.max() < 5.0:
            out = np.where(w < 5.0, out, _horner(far, np.sqrt(w) - 3.0))
    out = out * x
    if not w.max() < np.inf:
        out = np.where(np.abs(x) == 1.0, np.copysign(np.inf, x), out)
    return out.astype(dtype, copy=False).reshape(shape)


def _erf_inv_lower(ctx: Any, x: Any) -> Any:
    """On CPUs apart from what x is made of: with the rounds of threefry in one loop, both run out of registers (3.2 against 2.8 ms
    for a million normal numbers)."""
    emit = _chlo("erf_inv")
    if ctx.platform != "cpu" or math.prod(x.shape) < _APART:
        return emit(ctx, x)
    kind = x.shape, x.dtype
    function = ctx.function(("erf_inv", kind), "erf_inv", [kind], lambda b, v: [emit(b, v[0])])
    return ctx.call(function, [x], apart=True)[0]


_APART = 1 << 16  # elements
erf_inv_p = unary(
    "erf_inv",
    accepts=FLOATS,
    host=_erf_inv_host,
    lower=_erf_inv_lower,
    jvp=lambda t, y, x: mul(t, mul(constant_like(y, math.sqrt(math.pi) / 2), exp(square(y)))),
)

# ---- gamma functions ----


def lgamma(x: Any) -> Any:
    """log |Gamma(x)|, elementwise; infinite at 0, -1, -2, ...

    Dtypes: real floats. Grad: elementwise. Source: CHLO `lgamma`; DLMF 5.11.
    """
    return lgamma_p.bind(as_value(x, "lgamma"))


def _own_on_cpu(formula: Callable[..., Any], name: str) -> Callable[..., Any]:
    """CHLO's function loses all digits near zeros in float32; on CPUs, where float64 is cheap, the formula has them."""
    own = lower_rule(formula)
    return lambda ctx, x: own(ctx, x) if ctx.platform == "cpu" else hlo.chlo(ctx, name, x)


lgamma_p = unary(
    "lgamma",
    accepts=FLOATS,
    host=host_rule(formulas.lgamma),
    compile_from=_MANY,
    lower=on_cpu(cpu_powers.lgamma, _own_on_cpu(formulas.lgamma, "lgamma"), least=0),
    jvp=lambda t, y, x: mul(t, digamma(x)),
)


def digamma(x: Any) -> Any:
    """The derivative of lgamma, elementwise; -inf at 0, NaN at -1, -2, ...

    Dtypes: real floats. Grad: elementwise. Source: CHLO `digamma`; DLMF 5.11.
    """
    return digamma_p.bind(as_value(x, "digamma"))


digamma_p = unary(
    "digamma",
    accepts=FLOATS,
    host=host_rule(formulas.digamma),
    compile_from=_MANY,
    lower=on_cpu(cpu_special.digamma, _own_on_cpu(formulas.digamma, "digamma"), least=0),
    jvp=lambda t, y, x: mul(t, polygamma(repeated(1, x), x)),
)


def polygamma(m: Any, x: Any) -> Any:
    """The m-th derivative of digamma, elementwise, for whole numbers m >= 0 (given as floats).

    Dtypes: equal real floats. Raises: TypeError if dtypes or shapes differ. Grad: elementwise in x, none in m.
    Source: DLMF 5.15.
    """
    return polygamma_p.bind(*pair("polygamma", m, x))


def _no_derivative(what: str) -> Callable[..., Any]:
    def rule(t: Any, *args: Any, **params: Any) -> Any:
        raise ValueError(
            f"{what} is not supported. Keep numax.lax.stop_gradient around that argument, "
            "or do not differentiate with respect to it."
        )

    return rule


polygamma_p = binary(
    "polygamma",
    accepts=FLOATS,
    host=host_rule(formulas.polygamma),
    compile_from=_MANY,
    lower=on_cpu(cpu_special.polygamma, lower_rule(formulas.polygamma), least=0),
    jvp=(
        _no_derivative("polygamma: the gradient with respect to m"),
        lambda t, z, m, x: mul(t, polygamma(add(m, constant_like(m, 1)), x)),
    ),
)


def zeta(x: Any, q: Any) -> Any:
    """The Hurwitz zeta function, the sum of (q + k)**-x over k = 0, 1, 2, ..., elementwise, for x > 1.

    Dtypes: equal real floats. Raises: TypeError if dtypes or shapes differ. Grad: elementwise in q, none in x.
    Source: DLMF 25.11.
    """
    return zeta_p.bind(*pair("zeta", x, q))


zeta_p = binary(
    "zeta",
    accepts=FLOATS,
    host=host_rule(formulas.zeta),
    compile_from=_MANY,
    lower=on_cpu(cpu_special.zeta, lower_rule(formulas.zeta), least=0),
    jvp=(
        _no_derivative("zeta: the gradient with respect to x"),
        lambda t, z, x, q: mul(t, mul(neg(x), zeta(add(x, constant_like(x, 1)), q))),
    ),
)


def igamma(a: Any, x: Any) -> Any:
    """The regularised lower incomplete gamma function P(a, x), elementwise.

    Dtypes: equal real floats. Raises: TypeError if dtypes or shapes differ. Grad: elementwise.
    Source: DLMF 8.2, 8.12.
    """
    return igamma_p.bind(*pair("igamma", a, x))


def igammac(a: Any, x: Any) -> Any:
    """The regularised upper incomplete gamma function Q(a, x) = 1 - P(a, x), elementwise.

    Dtypes: equal real floats. Raises: TypeError if dtypes or shapes differ. Grad: elementwise.
    Source: DLMF 8.2, 8.12.
    """
    return igammac_p.bind(*pair("igammac", a, x))


def igamma_grad_a(a: Any, x: Any) -> Any:
    """The derivative of igamma(a, x) with respect to a, elementwise.

    Dtypes: equal real floats. Raises: TypeError if dtypes or shapes differ. Grad: elementwise in x, none in a.
    """
    return igamma_grad_a_p.bind(*pair("igamma_grad_a", a, x))


def random_gamma_grad(a: Any, x: Any) -> Any:
    """The derivative with respect to a of a sample x of the gamma distribution of concentration a, elementwise.

    Dtypes: equal real floats. Raises: TypeError if dtypes or shapes differ. Grad: none (second derivatives).
    Source: M. Figurnov and others, "Implicit reparameterization gradients", 2018.
    """
    return random_gamma_grad_p.bind(*pair("random_gamma_grad", a, x))


def _gamma_density(a: Any, x: Any) -> Any:
    """x**(a - 1) exp(-x) / Gamma(a)."""
    power = mul(sub(a, constant_like(a, 1)), log(x))
    return exp(sub(sub(power, x), lgamma(a)))


igamma_p = binary(
    "igamma",
    accepts=FLOATS,
    host=host_rule(formulas.igamma),
    compile_from=_MANY,
    lower=lower_rule(formulas.igamma),
    jvp=(
        lambda t, z, a, x: mul(t, igamma_grad_a(a, x)),
        lambda t, z, a, x: mul(t, _gamma_density(a, x)),
    ),
)
igammac_p = binary(
    "igammac",
    accepts=FLOATS,
    host=host_rule(formulas.igammac),
    compile_from=_MANY,
    lower=lower_rule(formulas.igammac),
    jvp=(
        lambda t, z, a, x: mul(t, neg(igamma_grad_a(a, x))),
        lambda t, z, a, x: mul(t, neg(_gamma_density(a, x))),
    ),
)
igamma_grad_a_p = binary(
    "igamma_grad_a",
    accepts=FLOATS,
    host=host_rule(formulas.igamma_grad_a),
    compile_from=_MANY,
    lower=lower_rule(formulas.igamma_grad_a),
    jvp=(
        _no_derivative("igamma: the second derivative with respect to a"),
        lambda t, z, a, x: mul(t, mul(_gamma_density(a, x), sub(log(x), digamma(a)))),
    ),
)
random_gamma_grad_p = binary(
    "random_gamma_grad",
    accepts=FLOATS,
    host=host_rule(formulas.random_gamma_grad),
    compile_from=_MANY,
    lower=lower_rule(formulas.random_gamma_grad),
    jvp=not_differentiable("random_gamma_grad: derivatives of gamma samples stop at the first."),
)

# ---- Bessel functions ----


def bessel_i0e(x: Any) -> Any:
    """exp(-|x|) I0(x), the scaled modified Bessel function of order 0, elementwise.

    Dtypes: real floats. Grad: elementwise. Source: DLMF 10.25.
    """
    return bessel_i0e_p.bind(as_value(x, "bessel_i0e"))


def bessel_i1e(x: Any) -> Any:
    """exp(-|x|) I1(x), the scaled modified Bessel function of order 1, elementwise.

    Dtypes: real floats. Grad: elementwise. Source: DLMF 10.25.
    """
    return bessel_i1e_p.bind(as_value(x, "bessel_i1e"))


bessel_i0e_p = unary(
    "bessel_i0e",
    accepts=FLOATS,
    host=host_rule(formulas.bessel_i0e),
    compile_from=_MANY,
    lower=on_cpu(cpu_special.bessel_i0e, lower_rule(formulas.bessel_i0e), least=0),
    jvp=lambda t, y, x: mul(t, sub(bessel_i1e(x), mul(sign(x), y))),
)


def _i1e_jvp(t: Any, y: Any, x: Any) -> Any:
    # I1' = I0 - I1 / x, of which the limit at 0 is 1/2.
    size = abs(x)
    away = gt(size, constant_like(x, np.finfo(np.float32).eps))
    safe = select_n(away, repeated(1, x), x)
    slope = sub(bessel_i0e(safe), mul(y, add(sign(safe), integer_pow(safe, -1))))
    return mul(t, select_n(away, repeated(0.5, x), slope))


bessel_i1e_p = unary(
    "bessel_i1e",
    accepts=FLOATS,
    host=host_rule(formulas.bessel_i1e),
    compile_from=_MANY,
    lower=on_cpu(cpu_special.bessel_i1e, lower_rule(formulas.bessel_i1e), least=0),
    jvp=_i1e_jvp,
)

# ---- the incomplete beta function ----


def betainc(a: Any, b: Any, x: Any) -> Any:
    """The regularised incomplete beta function I_x(a, b), elementwise.

    Shapes: equal, or no dimensions. Dtypes: equal real floats. Raises: TypeError if dtypes or shapes differ.
    Grad: elementwise in x, none in a and b. Source: DLMF 8.17.
    """
    known = next((v for v in (a, b, x) if is_value(v)), None)
    if known is None:
        known = x = as_value(x, "betainc")
    a, b, x = [v if is_value(v) else pair("betainc", v, known)[0] for v in (a, b, x)]
    return regularized_incomplete_beta_p.bind(a, b, x)


def _betainc_infer(a: ShapedArray, b: ShapedArray, x: ShapedArray) -> ShapedArray:
    shape, dtype, weak = infer_pair("betainc", a, b)
    shape, dtype, weak = infer_pair("betainc", ShapedArray(shape, dtype, weak), x)
    out = ShapedArray(shape, dtype, weak)
    check_dtype("betainc", out, FLOATS)
    return out


_betainc_emit = lower_rule(formulas.betainc)


def _betainc_lower(ctx: Any, *xs: Any) -> Any:
    shape = ctx.avals_out[0].shape
    return _betainc_emit(
        ctx, *[x if x.shape == shape else hlo.broadcast_in_dim(ctx, x, shape, ()) for x in xs]
    )


def _betainc_jvp(primals: Any, tangents: Any) -> Any:
    a, b, x = primals
    out = regularized_incomplete_beta_p.bind(a, b, x)
    ta, tb, tx = tangents
    if type(ta) is not Zero or type(tb) is not Zero:
        _no_derivative("betainc: the gradient with respect to a and b")(ta)
    if type(tx) is Zero:
        return out, Zero(out.aval.tangent())
    one = constant_like(a, 1)
    log_beta = sub(add(lgamma(a), lgamma(b)), lgamma(add(a, b)))
    powers = add(mul(sub(a, one), log(x)), mul(sub(b, one), log1p(neg(x))))
    return out, spread(mul(tx, exp(sub(powers, log_beta))), out)


regularized_incomplete_beta_p = Primitive(
    name="regularized_incomplete_beta",
    infer=_betainc_infer,
    host=host_rule(formulas.betainc),
    compile_from=_MANY,
    lower=_betainc_lower,
    jvp=_betainc_jvp,
    transpose=not_linear,
    batch=lambda axis, args, dims: _batch_betainc(axis, args, dims),
)
_batch_betainc = batch_elementwise(regularized_incomplete_beta_p)

__all__ = [
    "bessel_i0e",
    "bessel_i0e_p",
    "bessel_i1e",
    "bessel_i1e_p",
    "betainc",
    "digamma",
    "digamma_p",
    "erf",
    "erf_inv",
    "erf_inv_p",
    "erf_p",
    "erfc",
    "erfc_p",
    "igamma",
    "igamma_grad_a",
    "igamma_grad_a_p",
    "igamma_p",
    "igammac",
    "igammac_p",
    "lgamma",
    "lgamma_p",
    "polygamma",
    "polygamma_p",
    "random_gamma_grad",
    "random_gamma_grad_p",
    "regularized_incomplete_beta_p",
    "zeta",
    "zeta_p",
]
