"""The files of accounts: read, watched, changed."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from rocketpy.broker.acl.account_files import AccountFiles, open_accounts
from rocketpy.broker.acl.errors import AclError
from rocketpy.config.broker import BrokerConfig
from rocketpy.errors import ConfigError
from rocketpy.protocol.api.acl import PlainAccessConfig

MAIN = """globalWhiteRemoteAddresses: [10.0.0.1]
accounts:
- accessKey: first-key
  secretKey: 12345678
  admin: true
"""
MORE = """accounts:
- accessKey: first-key
  secretKey: other-secret
- accessKey: second-key
  secretKey: "12345678"
  topicPerms: [T=PUB]
"""


@pytest.fixture
def conf(tmp_path: Path) -> Path:
    (tmp_path / "conf" / "acl" / "deeper").mkdir(parents=True)
    return tmp_path / "conf"


@pytest.fixture
def files(conf: Path) -> AccountFiles:
    (conf / "plain_acl.yml").write_text(MAIN)
    return _opened(conf)


def _opened(conf: Path) -> AccountFiles:
    files = AccountFiles(str(conf.parent), "conf/plain_acl.yml", lambda: 1234)
    files.load()
    return files


def _config(access_key: str, secret_key: str = "12345678", **fields: object) -> PlainAccessConfig:
    return PlainAccessConfig(access_key=access_key, secret_key=secret_key, **fields)  # type: ignore[arg-type]


def test_accounts_and_trusted_addresses_are_found(files: AccountFiles) -> None:
    found = files.find("first-key")
    assert found is not None
    assert (found.secret, found.is_admin) == (b"12345678", True)
    assert files.find("nobody") is None
    assert (files.is_trusted("10.0.0.1"), files.is_trusted("10.0.0.2")) == (True, False)


def test_key_belongs_to_the_file_that_is_read_first(conf: Path, files: AccountFiles) -> None:
    (conf / "acl" / "deeper" / "more.yaml").write_text(MORE)
    (conf / "acl" / "notes.txt").write_text("none")
    files.watch()
    first, second = files.find("first-key"), files.find("second-key")
    assert first is not None
    assert second is not None
    assert first.secret == b"other-secret"
    assert set(files.versions) == {str(conf / "acl" / "deeper" / "more.yaml"), str(conf / "plain_acl.yml")}


def test_what_is_taken_out_of_a_file_is_out_at_once(conf: Path, files: AccountFiles) -> None:
    (conf / "plain_acl.yml").write_text("accounts: []\nglobalWhiteRemoteAddresses: []\n")
    files.watch()
    assert files.find("first-key") is None
    assert not files.is_trusted("10.0.0.1")


@pytest.mark.parametrize(
    "text", ["accounts: [", "- a", "accounts: [7]", "accounts: 7", "globalWhiteRemoteAddresses: [x]"]
)
def test_file_that_is_no_good_changes_nothing(conf: Path, files: AccountFiles, text: str) -> None:
    (conf / "plain_acl.yml").write_text(text)
    files.watch()
    assert files.find("first-key") is not None
    with pytest.raises(ConfigError, match=r"plain_acl\.yml"):
        _opened(conf)


def test_file_that_is_just_being_written_changes_nothing(conf: Path, files: AccountFiles) -> None:
    (conf / "plain_acl.yml").write_text("")
    files.watch()
    assert files.find("first-key") is not None


def test_changes_are_in_the_file_and_in_force(conf: Path, files: AccountFiles) -> None:
    os.chmod(conf / "plain_acl.yml", 0o600)
    files.update(_config("third-key", topic_perms=["T=SUB"]))
    files.update(_config("first-key", "another1", default_topic_perm="PUB"))
    assert files.version.to_json() == b'{"counter":2,"timestamp":1234}'
    assert files.trust(["10.0.0.2"], "")
    assert files.delete("third-key")
    assert not files.delete("third-key")
    assert (conf / "plain_acl.yml").read_text() == (
        "globalWhiteRemoteAddresses:\n- 10.0.0.2\naccounts:\n- accessKey: first-key\n  secretKey: another1\n"
        "  admin: false\n  defaultTopicPerm: PUB\ndataVersion:\n- counter: 4\n  timestamp: 1234\n"
    )
    assert (conf / "plain_acl.yml").stat().st_mode & 0o777 == 0o600
    again = _opened(conf)
    assert (again.find("third-key"), again.is_trusted("10.0.0.2")) == (None, True)


def test_only_files_of_the_home_are_changed(
    conf: Path, files: AccountFiles, tmp_path_factory: pytest.TempPathFactory
) -> None:
    outside = tmp_path_factory.mktemp("outside") / "acl.yml"
    outside.write_text("accounts: []\n")
    for path in (str(outside), str(conf / ".." / ".." / outside.parent.name / "acl.yml"), str(conf), "/nowhere.yml"):
        assert not files.trust(["10.0.0.2"], path)
    assert outside.read_text() == "accounts: []\n"


@pytest.mark.parametrize(
    ("config", "text"),
    [
        (_config("short"), "The accessKey=short and secretKey=12345678 cannot be null and length should longer than 6"),
        (_config("long-enough", topic_perms=["a"]), "Parse Resource format error for a."),
        (_config("long-enough", group_perms=["a=b"]), "Parse resource permission error for a=b."),
        (_config("long-enough", white_remote_address="x"), "Netaddress examine Exception netaddress is x"),
    ],
)
def test_account_that_makes_no_sense_is_refused(files: AccountFiles, config: PlainAccessConfig, text: str) -> None:
    with pytest.raises(AclError) as caught:
        files.update(config)
    assert str(caught.value).startswith(text)
    assert files.find("long-enough") is None


def test_file_is_made_where_there_is_none(conf: Path) -> None:
    files = _opened(conf)
    assert (conf / "plain_acl.yml").read_bytes() == b""
    assert files.versions == {}
    files.update(_config("new-key"))
    assert files.find("new-key") is not None


def test_home_without_a_conf_directory_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"cannot make .*plain_acl\.yml: No such file or directory"):
        open_accounts(BrokerConfig(acl_enable=True, rocketmq_home=str(tmp_path / "nowhere")), lambda: 0)


def test_there_are_no_accounts_unless_they_are_wanted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert open_accounts(BrokerConfig(rocketmq_home=str(tmp_path)), lambda: 0) is None
    homeless = open_accounts(BrokerConfig(acl_enable=True, rocketmq_home=None), lambda: 0)
    assert homeless is not None
    assert homeless.find("first-key") is None
    (tmp_path / "own.yml").write_text(MAIN)
    monkeypatch.setenv("JAVA_OPT", "-Drocketmq.acl.plain.file=own.yml")
    own = open_accounts(BrokerConfig(acl_enable=True, rocketmq_home=str(tmp_path)), lambda: 0)
    assert own is not None
    assert own.find("first-key") is not None
