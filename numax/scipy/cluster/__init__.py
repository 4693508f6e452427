"""scipy.cluster: vector quantisation, in `vq`."""

from numax.scipy.cluster import vq

__all__ = ["vq"]
