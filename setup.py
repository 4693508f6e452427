"""The native extension. It is optional: where there is no C compiler, numax is installed without it."""

import sys

import numpy
from setuptools import Extension, setup

# Without contraction to fused multiply-adds, so that random numbers are the same bits everywhere.
FLAGS = [] if sys.platform == "win32" else ["-O3", "-std=c11", "-ffp-contract=off"]

setup(
    ext_modules=[
        Extension(
            "numax._native",
            ["numax/_native.c"],
            include_dirs=[numpy.get_include()],
            extra_compile_args=FLAGS,
            optional=True,
        )
    ]
)
