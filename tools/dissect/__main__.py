"""`python -m tools.dissect FILE|HEX|- [--as KIND] [--limit N]`."""

from __future__ import annotations

import itertools
import mmap
import sys
from pathlib import Path

import click

from rocketpy.errors import ProtocolError
from tools.dissect import KINDS, kind_of, without_hex
from tools.dissect.layouts import Data, LayoutError
from tools.dissect.show import show

MAPPED = 1 << 24
"""Longer files are mapped, not read."""


@click.command()
@click.argument("source")
@click.option("--as", "kind", type=click.Choice(list(KINDS)), help="What the bytes are.")
@click.option("--limit", type=int, default=None, help="Stop after so many elements.")
def dissect(source: str, kind: str | None, limit: int | None) -> None:
    """Explain SOURCE: a file, hexadecimal text, or - for standard input."""
    try:
        path, data = _read(source)
        elements = KINDS[kind or kind_of(data, path)](data)
        for number, fields in enumerate(itertools.islice(elements, limit)):
            click.echo(f"#{number}")
            for line in show(fields, "  "):
                click.echo(line)
    except (LayoutError, ProtocolError, OSError) as error:
        raise click.ClickException(str(error)) from error


def _read(source: str) -> tuple[str, Data]:
    if source == "-":
        return "", without_hex(sys.stdin.buffer.read())
    path = Path(source)
    if path.is_file():
        if path.stat().st_size <= MAPPED:
            return str(path.resolve()), without_hex(path.read_bytes())
        with path.open("rb") as file:
            return str(path.resolve()), mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
    data = without_hex(source.encode())
    if data == source.encode():
        raise LayoutError(f"{source} is neither a file nor hexadecimal text")
    return "", data


if __name__ == "__main__":
    dissect()
