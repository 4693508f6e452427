"""A step that satisfies the strong Wolfe conditions (Nocedal & Wright 2006, algorithms 3.5 and 3.6, as one loop)."""

from collections.abc import Callable
from typing import Any, NamedTuple

from numax import core, lax
from numax.core import dtypes
from numax.numpy.promotion import number

_DECREASE, _CURVATURE = 1e-4, 0.9


class Search(NamedTuple):
    """The state of the search. The best point so far is `low`; `high` bounds it once `bracketed`."""

    count: Any
    done: Any
    bracketed: Any
    step: Any
    low: Any
    low_value: Any
    low_slope: Any
    high: Any
    high_value: Any
    value: Any  # f and its gradient at the best point
    gradient: Any


def _pick(mask: Any, x: Any, y: Any) -> Any:
    """x where true, else y; a mask without dimensions."""
    return lax.select_n(mask, y, x)


def _between(state: Search) -> Any:
    """The minimum of the parabola through both ends, kept away from them; else the middle."""
    width = lax.sub(state.high, state.low)
    drop = lax.sub(state.high_value, lax.add(state.low_value, lax.mul(state.low_slope, width)))
    twice = lax.mul(number(drop, 2), drop)
    usable = lax.gt(twice, number(twice, 0))
    safe = _pick(usable, twice, number(twice, 1))
    part = lax.div(lax.neg(lax.mul(state.low_slope, width)), safe)
    part = _pick(usable, lax.clamp(number(part, 0.1), part, number(part, 0.9)), number(part, 0.5))
    part = _pick(lax.is_finite(part), part, number(part, 0.5))
    return lax.add(state.low, lax.mul(part, width))


def search(
    value_and_grad: Callable[[Any], tuple[Any, Any]],
    x: Any,
    direction: Any,
    value: Any,
    gradient: Any,
    first_step: Any,
    max_count: Any,
) -> Search:
    """A step along `direction` from x. `low` is 0 if none was found."""

    def dot(a: Any, b: Any) -> Any:
        return lax.reduce_sum(lax.mul(a, b), (0,))

    slope0 = dot(gradient, direction)
    zero = number(value, 0)

    def go_on(state: Search) -> Any:
        return lax.bitwise_and(lax.bitwise_not(state.done), lax.lt(state.count, max_count))

    def body(state: Search) -> Search:
        a = state.step
        scale = lax.broadcast_in_dim(a, x.shape, ())
        f, g = value_and_grad(lax.add(x, lax.mul(scale, direction)))
        slope = dot(g, direction)
        limit = lax.add(value, lax.mul(lax.mul(number(a, _DECREASE), a), slope0))
        later = lax.gt(state.count, number(state.count, 0))
        high = lax.bitwise_or(lax.gt(f, limit), lax.bitwise_and(lax.ge(f, state.low_value), later))
        high = lax.bitwise_or(high, lax.ne(f, f))
        flat = lax.le(lax.abs(slope), lax.mul(number(slope0, -_CURVATURE), slope0))
        done = lax.bitwise_and(lax.bitwise_not(high), flat)
        # The slope at the new low point leads out of the bracket: the old low point bounds it now.
        width = _pick(state.bracketed, lax.sub(state.high, state.low), number(a, 1))
        outward = lax.ge(lax.mul(slope, width), number(slope, 0))
        new_low = lax.bitwise_not(high)
        turn = lax.bitwise_and(new_low, outward)
        bracketed = lax.bitwise_or(state.bracketed, lax.bitwise_or(high, turn))
        moved = Search(
            count=lax.add(state.count, number(state.count, 1)),
            done=done,
            bracketed=bracketed,
            step=a,
            low=_pick(new_low, a, state.low),
            low_value=_pick(new_low, f, state.low_value),
            low_slope=_pick(new_low, slope, state.low_slope),
            high=_pick(high, a, _pick(turn, state.low, state.high)),
            high_value=_pick(high, f, _pick(turn, state.low_value, state.high_value)),
            value=_pick(new_low, f, state.value),
            gradient=lax.select_n(new_low, state.gradient, g),
        )
        step = _pick(bracketed, _between(moved), lax.mul(a, number(a, 2)))
        return moved._replace(step=step)

    false = core.full((), False, dtypes.bool_)
    start = Search(
        count=core.full((), 0, dtypes.int32),
        done=false,
        bracketed=false,
        step=first_step,
        low=zero,
        low_value=value,
        low_slope=slope0,
        high=zero,
        high_value=value,
        value=value,
        gradient=gradient,
    )
    return lax.while_loop(go_on, body, start)


__all__ = ["Search", "search"]
