# Written by tools/write_stubs.py from the tables beside it.

from numax.scipy import cluster as cluster
from numax.scipy import fft as fft
from numax.scipy import integrate as integrate
from numax.scipy import interpolate as interpolate
from numax.scipy import linalg as linalg
from numax.scipy import ndimage as ndimage
from numax.scipy import optimize as optimize
from numax.scipy import signal as signal
from numax.scipy import sparse as sparse
from numax.scipy import special as special
from numax.scipy import stats as stats
