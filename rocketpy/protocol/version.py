"""Versions as the wire knows them: ordinals of the enum MQVersion.Version (MQVersion.java:20-661).

The list is regular but for its beginning, so it is computed: a snapshot and a release for each number,
up to 5.9.9, which Java reserved ahead.
"""

from enum import IntEnum
from typing import Final


class Version(IntEnum):
    """The versions that some behaviour depends on."""

    V3_0_7_SNAPSHOT = 28        # clients from here on can be told to reset offsets
    V3_0_11 = 37                # brokers from here on register with a RegisterBrokerBody
    V3_1_8_SNAPSHOT = 62        # clients from here on tell their running info
    V3_4_9 = 121                # clients from here on send maxReconsumeTimes
    V4_1_0_SNAPSHOT = 232       # clients ask brokers from here on to filter by SQL92
    V4_9_4 = 401                # clients from here on read routes in standard JSON
    V4_9_8 = 409


CURRENT_VERSION: Final = int(Version.V4_9_8)


def _names() -> tuple[str, ...]:
    pre_releases = ["SNAPSHOT", "ALPHA1", *(f"BETA{n}" for n in range(1, 6))]
    pre_releases += [f"BETA{n}{stage}" for n in range(6, 10) for stage in ("_SNAPSHOT", "")]
    names = [f"V3_0_0_{name}" for name in (*pre_releases, "FINAL")]
    numbers = [(3, 0, patch) for patch in range(1, 16)]
    numbers += [(3, minor, patch) for minor in range(1, 10) for patch in range(0 if minor < 3 else 1, 10)]
    numbers += [(major, minor, patch) for major in (4, 5) for minor in range(10) for patch in range(10)]
    for major, minor, patch in numbers:
        release = f"V{major}_{minor}_{patch}"
        names += [f"{release}_SNAPSHOT", release]
    return (*names, "HIGHER_VERSION")


VERSION_NAMES: Final = _names()
_ORDINALS: Final = {name: ordinal for ordinal, name in enumerate(VERSION_NAMES)}


def version_name(ordinal: int) -> str:
    """The name of a version, e.g. V4_9_8; HIGHER_VERSION for anything newer (MQVersion.getVersionDesc:24).

    Raises IndexError for a negative ordinal, where Java raises ArrayIndexOutOfBoundsException.
    """
    if ordinal < 0:
        raise IndexError(f"no version has the ordinal {ordinal}")
    return VERSION_NAMES[min(ordinal, len(VERSION_NAMES) - 1)]


def version_ordinal(name: str) -> int:
    """The ordinal of a version's name; raises KeyError for a name that Java does not have."""
    return _ORDINALS[name]
