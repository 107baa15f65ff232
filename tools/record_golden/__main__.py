"""`python -m tools.record_golden frames|stores [NAME ...]`."""

from __future__ import annotations

import tempfile
from pathlib import Path

import click

from interop.artifacts import MissingToolError
from tools.record_golden import frames, stores


@click.command()
@click.argument("what", type=click.Choice(["frames", "stores"]))
@click.argument("names", nargs=-1)
def record(what: str, names: tuple[str, ...]) -> None:
    """Record WHAT from the official servers: all of it, or the stores of those NAMES."""
    try:
        with tempfile.TemporaryDirectory(prefix="golden-") as directory:
            count = stores.record(Path(directory), names) if what == "stores" else frames.record(Path(directory))
            click.echo(f"{count} {what}")
    except MissingToolError as error:
        raise click.ClickException(str(error)) from error


if __name__ == "__main__":
    record()
