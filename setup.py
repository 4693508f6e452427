"""The native extensions. They are optional: where there is no C compiler, numax is installed without them."""

import importlib.util
import sys
from pathlib import Path

import numpy
from setuptools import Extension, setup

# Without contraction to fused multiply-adds, so that random numbers are the same bits everywhere.
FLAGS = [] if sys.platform == "win32" else ["-O3", "-std=c11", "-ffp-contract=off"]

EXTENSIONS = [
    Extension(
        "numax._native",
        ["numax/_native.c", "numax/_native_engine.c"],
        depends=["numax/_native.h"],
        include_dirs=[numpy.get_include()],
        extra_compile_args=FLAGS,
        optional=True,
    )
]
JAXLIB = importlib.util.find_spec(
    "jaxlib"
)  # its folder has XLA's header of functions that compiled programs call
if JAXLIB is not None and JAXLIB.submodule_search_locations:
    EXTENSIONS.append(
        Extension(
            "numax._kernels",
            ["numax/_kernels.c"],
            include_dirs=[str(Path(JAXLIB.submodule_search_locations[0]) / "include")],
            extra_compile_args=FLAGS,
            optional=True,
        )
    )

setup(ext_modules=EXTENSIONS)
