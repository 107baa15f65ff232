"""The programs in README.md, which are run as they stand there."""

import re
from pathlib import Path

TEXT = (Path(__file__).parents[1] / "README.md").read_text()


def program(language: str, section: str = "") -> str:
    """The first block of that language, below the heading `section` if there is one."""
    text = TEXT[TEXT.index(f"\n## {section}\n") :] if section else TEXT
    found = re.search(rf"^```{language}\n(.*?)^```", text, re.MULTILINE | re.DOTALL)
    assert found is not None
    return found[1]
