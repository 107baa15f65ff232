"""`python -m tools.inspect [DIR]`: what is in a store directory. It is `rocketpy inspect`."""

from __future__ import annotations

from rocketpy.cli import inspect

if __name__ == "__main__":
    inspect(prog_name="python -m tools.inspect")
