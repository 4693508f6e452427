"""Operations on arrays one level below numax.numpy: strict types, no implicit promotion, JAX's names. A facade."""

from numax._engine.core.facade import facade

_HOMES = {
    "numax._engine.control.associative_scan": "associative_scan",
    "numax._engine.control.cond": "cond cond_p switch",
    "numax._engine.control.linear_solve": "custom_linear_solve custom_root linear_solve_p",
    "numax._engine.control.platform": "platform_dependent",
    "numax._engine.control.scan": "map scan scan_p",
    "numax._engine.control.while_loop": "fori_loop while_loop while_p",
    "numax._engine.ops.accuracy": "AccuracyMode Tolerance",
    "numax._engine.ops.arithmetic": (
        "abs abs_p cbrt cbrt_p clamp clamp_p complex complex_p conj conj_p div div_p imag "
        "imag_p integer_pow integer_pow_p max max_p min min_p nextafter nextafter_p "
        "one_minus_square one_minus_square_p real real_p reciprocal rem rem_p rsqrt rsqrt_p "
        "sign sign_p sqrt sqrt_p square square_p"
    ),
    "numax._engine.ops.basis": (
        "add add_p broadcast_in_dim broadcast_in_dim_p convert_element_type "
        "convert_element_type_p expand_dims mul mul_p neg neg_p reduce_sum reduce_sum_p reshape "
        "reshape_p select select_n select_n_p squeeze squeeze_p sub sub_p transpose transpose_p"
    ),
    "numax._engine.ops.bits": (
        "and_p bitcast_convert_type bitcast_convert_type_p bitwise_and bitwise_not bitwise_or "
        "bitwise_xor clz clz_p mulhi mulhi_p not_p or_p population_count population_count_p "
        "reduce_precision reduce_precision_p shift_left shift_left_p shift_right_arithmetic "
        "shift_right_arithmetic_p shift_right_logical shift_right_logical_p xor_p"
    ),
    "numax._engine.ops.collective": (
        "all_gather all_gather_p all_to_all all_to_all_p axis_index axis_index_p axis_size "
        "pbroadcast pcast pmax pmax_p pmean pmin pmin_p ppermute ppermute_p pshuffle psum "
        "psum_p psum_scatter pswapaxes"
    ),
    "numax._engine.ops.compare": (
        "eq eq_p eq_to_p ge ge_p gt gt_p le le_p le_to_p lt lt_p lt_to_p ne ne_p"
    ),
    "numax._engine.ops.conv": (
        "ConvDimensionNumbers ConvGeneralDilatedDimensionNumbers conv_dimension_numbers "
        "conv_general_dilated conv_general_dilated_p conv_general_permutations padtype_to_pads"
    ),
    "numax._engine.ops.convolutions": (
        "conv conv_general_dilated_local conv_general_dilated_patches conv_general_shape_tuple "
        "conv_shape_tuple conv_transpose conv_transpose_shape_tuple conv_with_general_padding"
    ),
    "numax._engine.ops.cumulative": (
        "cumlogsumexp cumlogsumexp_p cummax cummax_p cummin cummin_p cumprod cumprod_p cumsum "
        "cumsum_p"
    ),
    "numax._engine.ops.device_rng": (
        "RandomAlgorithm rng_bit_generator rng_bit_generator_p rng_uniform rng_uniform_p"
    ),
    "numax._engine.ops.dot": "batch_matmul dot dot_general dot_general_p",
    "numax._engine.ops.elementwise": (
        "RoundingMethod acos acos_p acosh acosh_p asin asin_p asinh asinh_p atan atan2 atan2_p "
        "atan_p atanh atanh_p ceil ceil_p cos cos_p cosh cosh_p exp exp2 exp2_p exp_p expm1 "
        "expm1_p floor floor_p is_finite is_finite_p log log1p log1p_p log2 log2_p log_p "
        "logistic logistic_p pow pow_p round round_p sin sin_p sinh sinh_p tan tan_p tanh "
        "tanh_p"
    ),
    "numax._engine.ops.fft": "FftType fft fft_p",
    "numax._engine.ops.gather": (
        "GatherDimensionNumbers GatherScatterMode ScatterDimensionNumbers gather gather_p "
        "scatter_add scatter_add_p"
    ),
    "numax._engine.ops.polynomial": "polynomial polynomial_p",
    "numax._engine.ops.precision": "DotAlgorithm DotAlgorithmPreset Precision PrecisionLike",
    "numax._engine.ops.ragged": "RaggedDotDimensionNumbers ragged_dot ragged_dot_general scaled_dot",
    "numax._engine.ops.ragged_exchange": "ragged_all_to_all",
    "numax._engine.ops.reduce": (
        "argmax argmax_p argmin argmin_p reduce reduce_and reduce_and_p reduce_max reduce_max_p "
        "reduce_min reduce_min_p reduce_or reduce_or_p reduce_p reduce_prod reduce_prod_p "
        "reduce_xor reduce_xor_p"
    ),
    "numax._engine.ops.scatter": (
        "scatter scatter_apply scatter_max scatter_max_p scatter_min scatter_min_p scatter_mul "
        "scatter_mul_p scatter_p scatter_sub scatter_sub_p"
    ),
    "numax._engine.ops.shape": (
        "broadcast broadcast_like broadcast_shapes broadcast_to_rank broadcasted_iota collapse "
        "concatenate concatenate_p copy_p dtype empty full full_like iota iota_p "
        "optimization_barrier optimization_barrier_p pad pad_p rev rev_p shape_as_value split "
        "split_p stack stack_p tile tile_p unstack unstack_p"
    ),
    "numax._engine.ops.slicing": (
        "dynamic_index_in_dim dynamic_slice dynamic_slice_in_dim dynamic_slice_p "
        "dynamic_update_index_in_dim dynamic_update_slice dynamic_update_slice_in_dim "
        "dynamic_update_slice_p index_in_dim index_take slice slice_in_dim slice_p"
    ),
    "numax._engine.ops.sort": (
        "approx_max_k approx_min_k approx_top_k_p sort sort_key_val sort_p top_k top_k_p"
    ),
    "numax._engine.ops.special": (
        "bessel_i0e bessel_i0e_p bessel_i1e bessel_i1e_p betainc digamma digamma_p erf erf_inv "
        "erf_inv_p erf_p erfc erfc_p igamma igamma_grad_a igamma_grad_a_p igamma_p igammac "
        "igammac_p lgamma lgamma_p polygamma polygamma_p random_gamma_grad "
        "regularized_incomplete_beta_p zeta zeta_p"
    ),
    "numax._engine.ops.stop_gradient": "stop_gradient stop_gradient_p",
    "numax._engine.ops.window": (
        "reduce_window reduce_window_max_p reduce_window_min_p reduce_window_p "
        "reduce_window_shape_tuple reduce_window_sum_p select_and_gather_add_p "
        "select_and_scatter_add_p"
    ),
}

__all__, __getattr__, __dir__ = facade(__name__, _HOMES, "linalg")
