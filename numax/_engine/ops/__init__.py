"""First-order operations. Each is one record, `Primitive`, with all its rules beside its public function.

Read basis (the operations that the rules of others are written with), families, then any file.
May import core, stablehlo, host.
"""
