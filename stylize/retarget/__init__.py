"""From any humanoid skeleton to the canonical one, and back onto the skeleton that came in."""

from stylize.retarget.retargeter import Placement, Retargeter

__all__ = ["Placement", "Retargeter"]
