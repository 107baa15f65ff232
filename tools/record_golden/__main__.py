"""`python -m tools.record_golden frames|stores`."""

from __future__ import annotations

import tempfile
from pathlib import Path

import click

from interop.artifacts import MissingToolError
from tools.record_golden import frames, stores


@click.command()
@click.argument("what", type=click.Choice(["frames", "stores"]))
def record(what: str) -> None:
    """Record WHAT from the official servers."""
    try:
        with tempfile.TemporaryDirectory(prefix="golden-") as directory:
            record_all = frames.record if what == "frames" else stores.record
            click.echo(f"{record_all(Path(directory))} {what}")
    except MissingToolError as error:
        raise click.ClickException(str(error)) from error


if __name__ == "__main__":
    record()
