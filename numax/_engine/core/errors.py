"""Exception classes that users meet. Names and bases are JAX's, so that `except` clauses carry over."""

__all__ = [
    "ConcretizationTypeError",
    "InconclusiveDimensionOperation",
    "JAXIndexError",
    "JAXTypeError",
    "JaxRuntimeError",
    "JaxprTypeError",
    "KeyReuseError",
    "NonConcreteBooleanIndexError",
    "TracerArrayConversionError",
    "TracerBoolConversionError",
    "TracerIntegerConversionError",
    "TypePromotionError",
    "UnexpectedTracerError",
]


class JAXTypeError(TypeError):
    """A value of the wrong kind reached a traced function."""


class JAXIndexError(IndexError):
    """An index that a traced function cannot use."""


class ConcretizationTypeError(JAXTypeError):
    """A traced value was used where its numbers must be known."""


class TracerBoolConversionError(ConcretizationTypeError):
    """A traced value was used as a Python truth value."""


class TracerArrayConversionError(JAXTypeError):
    """A traced value was handed to NumPy."""


class TracerIntegerConversionError(JAXTypeError):
    """A traced value was used as a Python integer, for example as a list index or a shape."""


class NonConcreteBooleanIndexError(JAXIndexError):
    """A traced boolean mask was used where the result's shape would depend on its values."""


class UnexpectedTracerError(JAXTypeError):
    """A traced value outlived the transformation that made it."""


class KeyReuseError(JAXTypeError):
    """A random key was used twice."""


class JaxRuntimeError(RuntimeError):
    """The compiler or the device refused a program."""


class JaxprTypeError(TypeError):
    """A program is malformed; raised by the checker."""


class InconclusiveDimensionOperation(Exception):
    """A comparison of symbolic dimensions has no definite answer."""


class TypePromotionError(ValueError):
    """Two dtypes have no implicit promotion."""
