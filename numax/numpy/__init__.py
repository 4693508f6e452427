"""NumPy's API on immutable, differentiable arrays: jax.numpy's names and semantics.

Read promotion, then any section. May import numax.core, numax.lax, numax.api.
"""

from numax._engine.core.facade import facade

_HOMES = {
    "numax.core": "ndarray=Array",
    "numax.numpy.arithmetic": (
        "add arctan2 atan2 clip divide divmod float_power floor_divide fmax fmin fmod gcd "
        "heaviside hypot lcm logaddexp logaddexp2 maximum minimum mod multiply negative pow "
        "power remainder subtract true_divide"
    ),
    "numax.numpy.averages": "average mean nanmean nanstd nanvar std var",
    "numax.numpy.contractions": "einsum einsum_path",
    "numax.numpy.creation": (
        "arange array asarray copy empty empty_like from_dlpack frombuffer fromfile fromiter "
        "fromstring full full_like geomspace linspace logspace ones ones_like zeros zeros_like"
    ),
    "numax.numpy.differences": "diff ediff1d gradient trapezoid",
    "numax.numpy.elementwise": (
        "abs absolute acos acosh angle arccos arccosh arcsin arcsinh arctan arctanh around asin "
        "asinh atan atanh cbrt ceil conj conjugate cos cosh deg2rad degrees exp exp2 expm1 fabs "
        "floor i0 imag log log10 log1p log2 positive rad2deg radians real reciprocal rint round "
        "sign sin sinc sinh sqrt square tan tanh trunc"
    ),
    "numax.numpy.files": (
        "array_repr array_str get_printoptions load printoptions save savez set_printoptions"
    ),
    "numax.numpy.floats": "copysign frexp ldexp modf nextafter signbit spacing",
    "numax.numpy.grids": (
        "c_ diag diag_indices diag_indices_from diagflat diagonal eye fromfunction identity "
        "index_exp indices ix_ mask_indices meshgrid mgrid ogrid r_ ravel_multi_index s_ tri "
        "tril tril_indices tril_indices_from triu triu_indices triu_indices_from unravel_index "
        "vander"
    ),
    "numax.numpy.histograms": "bincount histogram histogram2d histogram_bin_edges histogramdd",
    "numax.numpy.joining": (
        "append array_split block column_stack concat concatenate delete dsplit dstack hsplit "
        "hstack insert repeat resize split stack tile trim_zeros unstack vsplit vstack"
    ),
    "numax.numpy.linalg_products": (
        "cross dot inner kron matmul matvec outer tensordot trace vdot vecdot vecmat"
    ),
    "numax.numpy.logic": (
        "allclose array_equal array_equiv bitwise_and bitwise_count bitwise_invert "
        "bitwise_left_shift bitwise_not bitwise_or bitwise_right_shift bitwise_xor equal "
        "greater greater_equal invert isclose iscomplex isfinite isinf isnan isneginf isposinf "
        "isreal left_shift less less_equal logical_and logical_not logical_or logical_xor "
        "nan_to_num not_equal right_shift"
    ),
    "numax.numpy.manipulation": (
        "atleast_1d atleast_2d atleast_3d broadcast_arrays broadcast_shapes broadcast_to "
        "expand_dims flip fliplr flipud matrix_transpose moveaxis ndim permute_dims ravel "
        "reshape roll rollaxis rot90 shape size squeeze swapaxes transpose"
    ),
    "numax.numpy.padding": "pad",
    "numax.numpy.polynomial": (
        "poly polyadd polyder polydiv polyfit polyint polymul polysub polyval roots"
    ),
    "numax.numpy.quantiles": "median nanmedian nanpercentile nanquantile percentile quantile",
    "numax.numpy.reductions": (
        "all amax amin any argmax argmin count_nonzero cumprod cumsum cumulative_prod "
        "cumulative_sum max min minmax nanargmax nanargmin nancumprod nancumsum nanmax nanmin "
        "nanprod nansum prod ptp sum"
    ),
    "numax.numpy.searching": (
        "argpartition argsort argwhere compress digitize extract flatnonzero lexsort nonzero "
        "partition searchsorted sort sort_complex top_k where"
    ),
    "numax.numpy.sets": (
        "intersect1d isin setdiff1d setxor1d union1d unique unique_all unique_counts "
        "unique_inverse unique_values"
    ),
    "numax.numpy.signals": (
        "bartlett blackman convolve corrcoef correlate cov hamming hanning interp kaiser unwrap"
    ),
    "numax.numpy.taking": (
        "apply_along_axis apply_over_axes choose fill_diagonal packbits piecewise place put "
        "put_along_axis select take take_along_axis unpackbits"
    ),
    "numax.numpy.types": (
        "ComplexWarning __array_namespace_info__ astype bfloat16 bool=bool_ bool_ can_cast "
        "cdouble character complex128 complex64 complex_ complexfloating csingle double dtype e "
        "euler_gamma finfo flexible float16 float32 float4_e2m1fn float64 float6_e2m3fn "
        "float6_e3m2fn float8_e3m4 float8_e4m3 float8_e4m3b11fnuz float8_e4m3fn float8_e4m3fnuz "
        "float8_e5m2 float8_e5m2fnuz float8_e8m0fnu float_ floating generic iinfo inexact inf "
        "int1 int16 int2 int32 int4 int64 int8 int_ integer iscomplexobj isdtype isrealobj "
        "isscalar issubdtype iterable nan newaxis number object_ pi promote_types result_type "
        "signedinteger single uint uint1 uint16 uint2 uint32 uint4 uint64 uint8 unsignedinteger"
    ),
    "numax.numpy.ufuncs": "frompyfunc ufunc",
    "numax.numpy.vectorizing": "vectorize",
}

__all__, __getattr__, __dir__ = facade(__name__, _HOMES, "fft linalg")
__array_api_version__ = "2025.12"
