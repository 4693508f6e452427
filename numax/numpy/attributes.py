"""Which methods and properties Arrays and traced values have, and where each is written.

They are loaded at their first use. `numax/__init__` calls `install`.
"""

from numax._engine.core.facade import Late
from numax.numpy import operators

_METHODS = {
    "numax.core": "__getitem__=index",
    "numax.numpy.arithmetic": "clip",
    "numax.numpy.averages": "mean std var",
    "numax.numpy.conversions": (
        "__array__=to_numpy __array_module__=array_module __array_namespace__=namespace "
        "__bool__=to_bool __bytes__=to_bytes __buffer__=to_memory __complex__=to_complex __contains__=contains "
        "__copy__=copied __deepcopy__=deep_copied __dlpack__=dlpack "
        "__dlpack_device__=dlpack_device __float__=to_float __hex__=to_hex __index__=to_index "
        "__int__=to_int __iter__=iterate __len__=length __oct__=to_oct "
        "__release_buffer__=release_memory __reversed__=iterate_back __setitem__=no_assignment "
        "addressable_data block_until_ready clone=copied copy=copied copy_to_host_async devices "
        "is_deleted is_ready item on_device_size_in_bytes=device_bytes to_device tobytes tolist "
        "unsafe_buffer_pointer=pointer"
    ),
    "numax.numpy.elementwise": "conj conjugate=conj round",
    "numax.numpy.grids": "diagonal",
    "numax.numpy.joining": "repeat",
    "numax.numpy.linalg_products": "dot trace",
    "numax.numpy.manipulation": "ravel squeeze swapaxes",
    "numax.numpy.methods": (
        "__matmul__=matmul __rmatmul__=reversed_matmul argsort astype byteswap compress flatten "
        "reshape transpose view"
    ),
    "numax.numpy.reductions": "all any argmax argmin cumprod cumsum max min prod ptp sum",
    "numax.numpy.searching": "argpartition nonzero searchsorted sort",
    "numax.numpy.taking": "choose take",
}
_PROPERTIES = {
    "numax.core": "at=At",
    "numax.numpy.conversions": "addressable_shards=shards global_shards=shards nbytes sharding",
    "numax.numpy.elementwise": "imag real",
    "numax.numpy.manipulation": "T=transpose mT=matrix_transpose",
    "numax.numpy.methods": "__numpy_dtype__=numpy_dtype flat itemsize ndim size",
}
_ARRAY_METHODS = {
    "numax.numpy.conversions": (
        "__format__=array_format __reduce__=reduced __repr__=array_repr __str__=array_str "
        "delete platform"
    ),
    "numax.numpy.notebook": "_repr_html_=array_html",
}
_ARRAY_PROPERTIES = {
    "numax.numpy.conversions": (
        "__cuda_array_interface__=cuda_interface committed device format=layout is_fully_replicated"
    ),
    "numax.numpy.methods": "device_buffer device_buffers",
}
_TRACER_METHODS = {
    "numax.numpy.conversions": "__format__=tracer_format __repr__=tracer_repr",
}


def _put(kind: type, table: dict[str, str], wrap: type[property] | None) -> None:
    for home, names in table.items():
        for name in names.split():
            public, _, own = name.partition("=")
            setattr(kind, public, Late(kind, public, home, own or public, wrap))


def install(array_class: type, tracer_class: type) -> None:
    """Give both classes their operators, methods and properties."""
    operators.install(array_class, tracer_class)
    for kind in (array_class, tracer_class):
        _put(kind, _METHODS, None)
        _put(kind, _PROPERTIES, property)
    _put(array_class, _ARRAY_METHODS, None)
    _put(array_class, _ARRAY_PROPERTIES, property)
    _put(tracer_class, _TRACER_METHODS, None)
    array_class.is_fully_addressable = True  # type: ignore[attr-defined]
    array_class.traceback = None  # type: ignore[attr-defined]


__all__ = ["install"]
