"""How exactly products are computed: precisions and algorithms, as users name them and as the compiler reads them."""

import enum
from collections.abc import Sequence
from typing import Any, NamedTuple

from numax._engine.core import config, dtypes
from numax._engine.stablehlo.types import element_type


class Precision(enum.Enum):
    """How exactly a product is computed where the hardware has cheaper, coarser ways.

    DEFAULT is the fastest, HIGHEST the most exact. On CPUs all three are the same.
    """

    DEFAULT = 0
    HIGH = 1
    HIGHEST = 2

    @classmethod
    def _missing_(cls, value: object) -> Any:
        return _NAMED.get(value) if value is None or isinstance(value, str) else None

    def __str__(self) -> str:
        return self.name


_NAMED: dict[Any, Precision] = {
    None: Precision.DEFAULT,
    "highest": Precision.HIGHEST,
    "float32": Precision.HIGHEST,
    "high": Precision.HIGH,
    "bfloat16_3x": Precision.HIGH,
    "tensorfloat32": Precision.HIGH,
    "default": Precision.DEFAULT,
    "bfloat16": Precision.DEFAULT,
    "fastest": Precision.DEFAULT,
}


class DotAlgorithm(NamedTuple):
    """A way to compute products: what operands are rounded to, and what sums are kept in.

    Source: StableHLO `dot_general`, attribute `algorithm`.
    """

    lhs_precision_type: Any
    rhs_precision_type: Any
    accumulation_type: Any
    lhs_component_count: int = 1
    rhs_component_count: int = 1
    num_primitive_operations: int = 1
    allow_imprecise_accumulation: bool = False


class DotAlgorithmPreset(enum.Enum):
    """Well-known algorithms: type of the lhs, of the rhs, of the sums, and passes (X3: three)."""

    DEFAULT = 1
    ANY_F8_ANY_F8_F32 = 2
    ANY_F8_ANY_F8_F32_FAST_ACCUM = 3
    ANY_F8_ANY_F8_ANY = 4
    ANY_F8_ANY_F8_ANY_FAST_ACCUM = 5
    F16_F16_F16 = 6
    F16_F16_F32 = 7
    BF16_BF16_BF16 = 8
    BF16_BF16_F32 = 9
    BF16_BF16_F32_X3 = 10
    BF16_BF16_F32_X6 = 11
    BF16_BF16_F32_X9 = 12
    TF32_TF32_F32 = 13
    TF32_TF32_F32_X3 = 14
    F32_F32_F32 = 15
    F64_F64_F64 = 16

    def __str__(self) -> str:
        return self.name


PrecisionLike = (
    None
    | str
    | Precision
    | tuple[str, str]
    | tuple[Precision, Precision]
    | DotAlgorithm
    | DotAlgorithmPreset
)

_TYPES = {
    "F16": dtypes.float16,
    "BF16": dtypes.bfloat16,
    "TF32": dtypes.float32,
    "F32": dtypes.float32,
    "F64": dtypes.float64,
}


def canonical_precision(op: str, precision: Any) -> Any:
    """None, a pair of Precision, a DotAlgorithm or a DotAlgorithmPreset, of what a user gave.

    Raises: ValueError if it names none.
    """
    if precision is None:
        precision = config.default_matmul_precision.value
        if precision is None:
            return None
    if isinstance(precision, DotAlgorithm | DotAlgorithmPreset):
        return None if precision is DotAlgorithmPreset.DEFAULT else precision
    if isinstance(precision, str) and precision in DotAlgorithmPreset.__members__:
        return canonical_precision(op, DotAlgorithmPreset[precision])
    pair = precision if isinstance(precision, tuple | list) else (precision, precision)
    try:
        found = tuple([Precision(p) for p in pair])
    except ValueError:
        found = ()
    if len(found) != 2:
        names = ", ".join(repr(n) for n in _NAMED if n)
        raise ValueError(
            f"{op}: unknown precision; got {precision!r}. Use one of {names}, a Precision, a pair of these, "
            "a DotAlgorithm, or a DotAlgorithmPreset or its name."
        )
    return found


def canonical_pair(op: str, precision: Any) -> Any:
    """canonical_precision, for operations that know no algorithms (convolutions)."""
    found = canonical_precision(op, precision)
    if is_algorithm(found):
        raise ValueError(f"{op}: takes a Precision or a pair of them; got the algorithm {found}.")
    return found


def is_algorithm(precision: Any) -> bool:
    return isinstance(precision, DotAlgorithm | DotAlgorithmPreset)


def storage_dtypes(precision: Any, lhs: Any, rhs: Any) -> tuple[Any, Any]:
    """The dtypes that an algorithm wants its operands in."""
    if isinstance(precision, DotAlgorithm):
        return dtypes.as_dtype(precision.lhs_precision_type), dtypes.as_dtype(
            precision.rhs_precision_type
        )
    left = precision.name.split("_")[0]
    if left == "ANY":
        return lhs, rhs
    allowed = (dtypes.bfloat16, dtypes.float32) if left == "BF16" else (_TYPES[left],)
    return (lhs if lhs in allowed else allowed[0]), (rhs if rhs in allowed else allowed[0])


def accumulation_dtype(precision: Any, default: Any) -> Any:
    """The dtype that an algorithm's result comes in."""
    if isinstance(precision, DotAlgorithm):
        return dtypes.as_dtype(precision.accumulation_type)
    if precision.name.startswith("ANY"):
        return dtypes.float32 if "_F32" in precision.name else default
    return _TYPES[precision.name.split("_")[2]]


def algorithm_text(precision: Any, lhs: Any, rhs: Any, out: Any) -> Sequence[Any]:
    """The fields of StableHLO's algorithm attribute; operands and result of the given dtypes."""
    if isinstance(precision, DotAlgorithm):
        names = [element_type(dtypes.as_dtype(t)) for t in precision[:3]]
        return (*names, *precision[3:])
    parts = precision.name.split("_")
    if parts[0] == "ANY":
        fast = precision.name.endswith("FAST_ACCUM")
        return (element_type(lhs), element_type(rhs), element_type(out), 1, 1, 1, fast)
    passes = int(parts[3][1:]) if len(parts) > 3 else 1
    return (parts[0].lower(), parts[1].lower(), parts[2].lower(), 1, 1, passes, False)


def pair_text(precision: Any) -> tuple[str, str] | None:
    """The two names that StableHLO's precision attribute takes."""
    return (
        None
        if not isinstance(precision, tuple) or is_algorithm(precision)
        else (str(precision[0]), str(precision[1]))
    )


__all__ = [
    "DotAlgorithm",
    "DotAlgorithmPreset",
    "Precision",
    "PrecisionLike",
    "accumulation_dtype",
    "algorithm_text",
    "canonical_pair",
    "canonical_precision",
    "is_algorithm",
    "pair_text",
    "storage_dtypes",
]
