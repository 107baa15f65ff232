"""`python -m tools.verify [DIR]`: whether a store directory holds together. It is `rocketpy verify`."""

from __future__ import annotations

from rocketpy.cli import verify

if __name__ == "__main__":
    verify(prog_name="python -m tools.verify")
