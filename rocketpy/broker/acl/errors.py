"""What is wrong with an account."""

from __future__ import annotations

from rocketpy.errors import RocketpyError


class AclError(RocketpyError):
    """Java's AclException; the text is its message."""
