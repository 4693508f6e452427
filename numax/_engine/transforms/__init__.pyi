# Written by tools/write_stubs.py from the tables beside it.

from numax._engine.transforms import jvp as jvp
from numax._engine.transforms import linearize as linearize
from numax._engine.transforms import partial_eval as partial_eval
from numax._engine.transforms import transpose as transpose
from numax._engine.transforms import vmap as vmap
