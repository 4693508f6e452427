"""Higher-order operations: their parameters are programs, and their rules call transformations.

Read call, cond, scan, while_loop; then custom_jvp, custom_vjp, remat, pmap. May import core, stablehlo, ops, transforms.
"""
