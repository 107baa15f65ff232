from __future__ import annotations

import pytest

from rocketpy.inspection.finding import Findings
from rocketpy.inspection.index_files import IndexFiles
from tests.inspection.conftest import Unpack


@pytest.mark.parametrize("sizes", [None, (64, 20)])
def test_slots_are_found_or_given(found: Unpack, sizes: tuple[int, int] | None) -> None:
    store = found("rolled")
    findings = Findings()
    index = IndexFiles(str(store.directory), str(store.directory / "index"), findings, sizes)
    assert len(list(index)) == index.entries == 90
    assert findings.kept == []


def test_file_of_another_size_is_damage(found: Unpack) -> None:
    store = found("rolled")
    path = store.files("index/*")[1]
    path.write_bytes(path.read_bytes()[:300])
    findings = Findings()
    list(IndexFiles(str(store.directory), str(store.directory / "index"), findings))
    assert [finding.path for finding in findings.kept] == [f"index/{path.name}"]


def test_header_that_cannot_be_is_damage(found: Unpack) -> None:
    store = found("rolled")
    path = store.files("index/*")[0]
    store.overwrite(path, 36, (1 << 20).to_bytes(4, "big"))
    findings = Findings()
    list(IndexFiles(str(store.directory), str(store.directory / "index"), findings, (64, 20)))
    assert [(finding.rule, finding.position) for finding in findings.kept] == [("index-header", 0)]
