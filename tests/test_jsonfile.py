import json
import os

import pytest

from rocketpy import jsonfile
from rocketpy.errors import ConfigError

pytestmark = pytest.mark.usefixtures("real_disk")


@pytest.fixture
def path(tmp_path):
    return str(tmp_path / "config" / "topics.json")


def read(path):
    with open(path, "rb") as file:
        return file.read()


def test_saved_is_loaded(path):
    jsonfile.save(path, '{"名": 1}'.encode())
    assert jsonfile.load(path, json.loads) == {"名": 1}


def test_former_generation_becomes_bak(path):
    for generation in (b"1", b"2", b"3"):
        jsonfile.save(path, generation)
    assert (read(path), read(path + ".bak")) == (b"3", b"2")
    assert sorted(os.listdir(os.path.dirname(path))) == ["topics.json", "topics.json.bak"]


def test_first_save_leaves_no_bak(path):
    jsonfile.save(path, b"1")
    assert not os.path.exists(path + ".bak")


def test_nothing_there_is_none(path):
    assert jsonfile.load(path, json.loads) is None


@pytest.mark.parametrize("content", [None, b"", b'{"cut', b"\xff\xfe"])
def test_bak_is_taken_when_the_file_is_unusable(path, content):
    jsonfile.save(path, b"[1]")
    os.rename(path, path + ".bak")
    if content is not None:
        with open(path, "wb") as file:
            file.write(content)
    assert jsonfile.load(path, json.loads) == [1]


def test_empty_files_are_none(path):
    jsonfile.save(path, b"")
    jsonfile.save(path, b"")
    assert jsonfile.load(path, json.loads) is None


@pytest.mark.parametrize(("name_content", "bak_content"), [(b"{", None), (b"{", b""), (b"{", b"{"), (None, b"{")])
def test_corruption_without_a_good_bak_names_both_files(path, name_content, bak_content):
    os.makedirs(os.path.dirname(path))
    for name, content in ((path, name_content), (path + ".bak", bak_content)):
        if content is not None:
            with open(name, "wb") as file:
                file.write(content)
    with pytest.raises(ConfigError) as caught:
        jsonfile.load(path, json.loads)
    assert f"{path}: " in str(caught.value)
    assert f"{path}.bak: " in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("step", ["open", "fdatasync", "replace"])
def test_failed_save_leaves_the_file_as_it_was(path, monkeypatch, step):
    jsonfile.save(path, b"old")

    def fail(*_, **__):
        raise OSError(28, "No space left on device")

    if step == "open":
        os.mkdir(path + ".tmp")
    else:
        monkeypatch.setattr(os, step, fail)
    with pytest.raises(ConfigError, match=r"cannot write .*topics\.json: \w+"):
        jsonfile.save(path, b"new")
    assert read(path) == b"old"


def test_file_is_complete_at_every_moment(path, monkeypatch):
    jsonfile.save(path, b"1")
    seen = []
    for name in ("fdatasync", "replace", "fsync"):
        real = getattr(os, name)

        def watched(*args, real=real):
            seen.append(read(path))
            real(*args)
            seen.append(read(path))

        monkeypatch.setattr(os, name, watched)
    jsonfile.save(path, b"2")
    assert seen == [b"1", b"1", b"1", b"2", b"2", b"2"]


def test_name_that_cannot_be_synced_is_said(path, monkeypatch):
    def fail(fd):
        raise OSError(5, "Input/output error")

    jsonfile.save(path, b"old")
    monkeypatch.setattr(os, "fsync", fail)
    with pytest.raises(ConfigError, match=r"cannot write .*topics\.json: Input/output error"):
        jsonfile.save(path, b"new")
    assert read(path) == b"new"


def test_file_in_the_working_directory(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    jsonfile.save("kvConfig.json", b"{}")
    assert read("kvConfig.json") == b"{}"
