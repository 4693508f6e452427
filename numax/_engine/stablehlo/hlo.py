"""One function for each StableHLO operation: `hlo.exponential(b, x)`.

The functions stand in `elementwise`, `structure`, `compound` and `collective`; rules import them
from here. Each takes the builder, then values, then attributes, and returns a value (or a list
where an operation has a variable number of results).
"""

from numax._engine.core.facade import facade

_HOMES = {
    "numax._engine.stablehlo.collective": (
        "all_gather all_reduce all_to_all collective_broadcast collective_permute partition_id "
        "reduce_scatter replica_id"
    ),
    "numax._engine.stablehlo.compound": (
        "after_all case cholesky convolution custom_call dot_general fft identity if_ reduce "
        "reduce_window reduce_with rng_bit_generator select_and_scatter sort top_k "
        "triangular_solve while_ window_shape"
    ),
    "numax._engine.stablehlo.elementwise": (
        "abs add and_ atan2 bitcast_convert cbrt ceil chlo clamp compare complex convert cosine "
        "count_leading_zeros divide exponential exponential_minus_one floor imag is_finite log "
        "log_plus_one logistic maximum minimum multiply negate not_ or_ popcnt power real "
        "reduce_precision reinterpret remainder round_nearest_afz round_nearest_even rsqrt "
        "select shift_left shift_right_arithmetic shift_right_logical sign sine sqrt subtract "
        "tan tanh xor"
    ),
    "numax._engine.stablehlo.structure": (
        "broadcast_in_dim broadcast_scalar concatenate constant dynamic_slice "
        "dynamic_update_slice full gather iota optimization_barrier pad region reshape reverse "
        "scatter second slice transpose"
    ),
}

__all__, __getattr__, __dir__ = facade(__name__, _HOMES)
