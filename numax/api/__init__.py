"""What users call on functions: jit, grad, vmap and their kin. Each turns pytrees into flat values, and back.

May import all of the engine; must not know numax.numpy.
"""
