"""Looking at values inside compiled functions. A facade."""

from numax.api.debug import breakpoint, callback, print

__all__ = ["breakpoint", "callback", "print"]
