"""Programs and values: what every other part of numax stands on. Imports the standard library, NumPy and ml_dtypes.

Read: dtypes, avals, array, trace, primitive, ir, stage; then tree, config, source, ir_check, ir_print.
"""
