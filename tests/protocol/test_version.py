from __future__ import annotations

import pytest

from rocketpy.protocol.version import CURRENT_VERSION, VERSION_NAMES, Version, version_name, version_ordinal


def test_ordinals_that_matter_are_those_of_java() -> None:
    assert CURRENT_VERSION == 409
    assert [VERSION_NAMES[version] for version in Version] == [version.name for version in Version]


@pytest.mark.parametrize(
    ("ordinal", "name"),
    [(0, "V3_0_0_SNAPSHOT"), (15, "V3_0_0_FINAL"), (85, "V3_2_9"), (86, "V3_3_1_SNAPSHOT"), (612, "HIGHER_VERSION")],
)
def test_names_and_ordinals_go_both_ways(ordinal: int, name: str) -> None:
    assert version_name(ordinal) == name
    assert version_ordinal(name) == ordinal


def test_what_is_newer_than_all_is_higher() -> None:
    assert version_name(32767) == "HIGHER_VERSION"


def test_a_negative_ordinal_has_no_name() -> None:
    with pytest.raises(IndexError):
        version_name(-1)
