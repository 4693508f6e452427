# Written by tools/write_stubs.py from the tables beside it.

from numax.api import caches as caches
from numax.api import checkpoint as checkpoint
from numax.api import debug as debug
from numax.api import devices as devices
from numax.api import grad as grad
from numax.api import jit as jit
from numax.api import pmap as pmap
from numax.api import sharding as sharding
from numax.api import stages as stages
from numax.api import vmap as vmap
