"""Rematerialisation, and names for its policies. A facade."""

from numax._engine.control.remat import name_p
from numax.api.checkpoint import checkpoint, checkpoint_name, checkpoint_policies, remat

__all__ = ["checkpoint", "checkpoint_name", "checkpoint_policies", "name_p", "remat"]
