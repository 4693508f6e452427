# Written by tools/write_stubs.py from the tables beside it.

from numax._engine.stablehlo import builder as builder
from numax._engine.stablehlo import collective as collective
from numax._engine.stablehlo import compound as compound
from numax._engine.stablehlo import elementwise as elementwise
from numax._engine.stablehlo import hlo as hlo
from numax._engine.stablehlo import structure as structure
from numax._engine.stablehlo import types as types
from numax._engine.stablehlo import walk as walk
