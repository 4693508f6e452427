"""Code by platform: which branch runs is settled when the program is lowered."""

from collections.abc import Callable
from typing import Any

import numpy as np

from numax._engine.control.cond import switch
from numax._engine.core.avals import ShapedArray
from numax._engine.core.primitive import Primitive, not_linear, on_device, zero_tangent
from numax._engine.stablehlo import hlo

_INT32 = np.dtype(np.int32)


def platform_dependent(
    *args: Any, default: Callable[..., Any] | None = None, **per_platform: Callable[..., Any]
) -> Any:
    """The function named for the platform that the program runs on, of the arguments; `default` on all others.

    Args: per_platform are functions by platform: cpu, cuda, rocm, tpu. All are traced, and give results of one type.
    Raises: NotImplementedError on a platform without a function, ValueError for 'gpu'. Grad: as the function's.
    """
    if "gpu" in per_platform:
        raise ValueError(
            "platform_dependent: got 'gpu'. Use 'cuda' or 'rocm' for lax.platform_dependent."
        )
    names = tuple(per_platform)
    branches = list(per_platform.values())
    if not branches and default is None:
        raise NotImplementedError(
            "platform_dependent: no function was given. Give one by platform, or a default."
        )
    # without a default the last branch stands in its place, never taken, so that the index is needed in any case
    branches.append(branches[-1] if default is None else default)
    index = platform_index_p.bind(platforms=names, has_default=default is not None)
    return switch(index, branches, *args)


def _lower(ctx: Any, *, platforms: tuple[str, ...], has_default: bool) -> Any:
    if ctx.platform in platforms:
        return hlo.full(ctx, platforms.index(ctx.platform), (), _INT32)
    if not has_default:
        raise NotImplementedError(
            f"platform_dependent: no function for the platform {ctx.platform!r}; there are {', '.join(platforms)}. "
            "Give one, or a default."
        )
    return hlo.full(ctx, len(platforms), (), _INT32)


platform_index_p = Primitive(
    name="platform_index",
    infer=lambda **params: ShapedArray((), _INT32),
    host=on_device,
    lower=_lower,
    jvp=zero_tangent,
    transpose=not_linear,
    batch=lambda axis, args, dims, **params: (platform_index_p.bind(**params), None),
)

__all__ = ["platform_dependent", "platform_index_p"]
