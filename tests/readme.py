"""The programs in README.md, which are run as they stand there."""

import re
from pathlib import Path

TEXT = (Path(__file__).parents[1] / "README.md").read_text()


def program(language: str) -> str:
    """The first block of that language."""
    found = re.search(rf"^```{language}\n(.*?)^```", TEXT, re.MULTILINE | re.DOTALL)
    assert found is not None
    return found[1]
