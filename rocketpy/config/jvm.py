"""What is left of the JVM: options that users have for it and that mean something here, too."""

from __future__ import annotations

import shlex
from collections.abc import Mapping


def system_properties(environ: Mapping[str, str]) -> dict[str, str]:
    """The `-Dname=value` options that Java's start scripts would give the JVM; what is no such option is ignored."""
    found = {}
    for variable in ("JAVA_OPT", "JAVA_OPT_EXT"):
        try:
            words = shlex.split(environ.get(variable, ""))
        except ValueError:  # an open quote
            words = environ[variable].split()
        for word in words:
            if word.startswith("-D"):
                name, _, value = word[2:].partition("=")
                found[name] = value
    return found
