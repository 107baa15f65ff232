"""`python -m tools.extract [DIRECTORY]`."""

import sys
from pathlib import Path

import compat
from interop.artifacts import MissingToolError
from tools.extract import extract

if __name__ == "__main__":
    try:
        counts = extract(Path(sys.argv[1]) if len(sys.argv) > 1 else compat.DIRECTORY)
    except MissingToolError as error:
        sys.exit(str(error))
    for name, rows in counts.items():
        print(f"{rows:5} {name}")
