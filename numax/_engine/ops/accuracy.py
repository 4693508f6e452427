"""The `accuracy` argument of elementary functions.

numax computes these functions to a few units in the last place always: the argument is checked, and changes nothing.
"""

import dataclasses
import enum
from typing import Any


class AccuracyMode(enum.Enum):
    """How accurate an elementary function shall be, where the hardware has several ways."""

    HIGHEST = 1
    DEFAULT = 2


@dataclasses.dataclass(frozen=True)
class Tolerance:
    """The error that an elementary function may have: absolute, relative, and in units in the last place.

    Raises: ValueError if one is negative.
    """

    atol: float = 0.0
    rtol: float = 0.0
    ulps: int = 0

    def __post_init__(self) -> None:
        if self.atol < 0 or self.rtol < 0 or self.ulps < 0:
            raise ValueError(f"Tolerance: tolerances are not negative; got {self}.")


def check_accuracy(op: str, accuracy: Any) -> None:
    """TypeError for what is neither None nor an accuracy."""
    if accuracy is not None and not isinstance(accuracy, AccuracyMode | Tolerance):
        raise TypeError(
            f"{op}: accuracy must be a lax.AccuracyMode or lax.Tolerance; got {accuracy!r}. "
            "Leave it out for the default."
        )


__all__ = ["AccuracyMode", "Tolerance"]
