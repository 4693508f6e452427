"""All rows of the comparison with NumPy."""

import np_table_array
import np_table_elementwise
import np_table_linalg
import np_table_reductions
import np_table_search
import np_table_shapes

ALIASES = np_table_elementwise.ALIASES
ROWS = [
    *np_table_elementwise.ROWS,
    *np_table_reductions.ROWS,
    *np_table_shapes.ROWS,
    *np_table_search.ROWS,
    *np_table_linalg.ROWS,
    *np_table_array.ROWS,
]
