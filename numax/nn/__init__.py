"""Functions of neural networks: activations, softmax and its kin, attention; `nn.initializers` makes weights.

Read activations, normalization, attention, initializers. May import everything but the engine.
"""

from numax.nn import initializers
from numax.nn.activations import (
    celu,
    elu,
    gelu,
    glu,
    hard_sigmoid,
    hard_silu,
    hard_swish,
    hard_tanh,
    identity,
    leaky_relu,
    log_sigmoid,
    mish,
    relu,
    relu6,
    selu,
    sigmoid,
    silu,
    soft_sign,
    softplus,
    sparse_plus,
    sparse_sigmoid,
    squareplus,
    swish,
)
from numax.nn.attention import dot_product_attention
from numax.nn.normalization import one_hot, standardize
from numax.nn.scaled import get_scaled_dot_general_config, scaled_dot_general, scaled_matmul
from numax.numpy.elementwise import tanh
from numax.scipy.exponential import log1mexp, log_softmax, logmeanexp, logsumexp, softmax

__all__ = [
    "celu",
    "dot_product_attention",
    "elu",
    "gelu",
    "get_scaled_dot_general_config",
    "glu",
    "hard_sigmoid",
    "hard_silu",
    "hard_swish",
    "hard_tanh",
    "identity",
    "initializers",
    "leaky_relu",
    "log1mexp",
    "log_sigmoid",
    "log_softmax",
    "logmeanexp",
    "logsumexp",
    "mish",
    "one_hot",
    "relu",
    "relu6",
    "scaled_dot_general",
    "scaled_matmul",
    "selu",
    "sigmoid",
    "silu",
    "soft_sign",
    "softmax",
    "softplus",
    "sparse_plus",
    "sparse_sigmoid",
    "squareplus",
    "standardize",
    "swish",
    "tanh",
]
