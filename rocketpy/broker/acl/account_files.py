"""All accounts of a broker and the files they stand in: conf/plain_acl.yml and every .yml below conf/acl.

Administrators edit the files, which are looked at every 5 s, or have the broker do it. New accounts go into
plain_acl.yml. An access key belongs to the file that has it first (PlainPermissionManager.java).
"""

from __future__ import annotations

import logging
import os
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from rocketpy.broker.acl.account import Account, account_of, check_keys, check_resources, config_of
from rocketpy.broker.acl.addresses import Matcher, matcher
from rocketpy.broker.acl.errors import AclError
from rocketpy.config.broker import BrokerConfig
from rocketpy.config.jvm import system_properties
from rocketpy.disk import disk_at
from rocketpy.errors import ConfigError
from rocketpy.protocol.api.acl import PlainAccessConfig
from rocketpy.protocol.api.topic import DataVersion
from rocketpy.protocol.java_hash import hash_map_order

WATCH_MS = 5_000
"""Between two looks at the files (AclFileWatchService:43)."""

_log = logging.getLogger("rocketpy.broker")
_ENDINGS = (".yml", ".yaml")
Content = dict[str, Any]
Stamp = tuple[int, int, int]


@dataclass(slots=True)
class _File:
    """One file as it was read last."""

    accounts: dict[str, Account] = field(default_factory=dict)
    trusted: list[Matcher] = field(default_factory=list)
    version: DataVersion = field(default_factory=DataVersion)
    is_empty: bool = True


class AccountFiles:
    """Accounts by access key, as the files below the home directory say; `clock` gives the time of a change."""

    def __init__(self, home: str | None, main_file: str, clock: Callable[[], int]) -> None:
        """`main_file` is relative to `home`. Without a home, as in Java, there are no accounts."""
        self._home = home
        self._clock = clock
        self._directory = os.path.join(home or "", "conf", "acl")
        self.main_path = os.path.normpath(f"{home}/{main_file}") if home else ""
        self._files: dict[str, _File] = {}
        self._stamps: dict[str, Stamp] = {}
        self._path_of: dict[str, str] = {}

    def load(self) -> None:
        """Read all files, and make the main one if there is none. Raises ConfigError that names the file."""
        if not self._home:
            return
        if not os.path.exists(self.main_path):
            try:
                with open(self.main_path, "x"):
                    pass
            except OSError as error:
                raise ConfigError(f"cannot make {self.main_path}: {error.strerror}") from error
        self._read_all()

    def watch(self) -> None:
        """Read all again if a file came, went or changed; if one of them is no good, all stays as it is."""
        if self._home and self._found() != self._stamps:
            try:
                self._read_all()
            except ConfigError as error:
                _log.error("accounts stay as they were: %s", error)

    def find(self, access_key: str) -> Account | None:
        """The account of an access key."""
        path = self._path_of.get(access_key)
        return None if path is None else self._files[path].accounts.get(access_key)

    def is_trusted(self, address: str) -> bool:
        """Whether requests from an address need neither account nor signature."""
        return any(matches(address) for file in self._files.values() for matches in file.trusted)

    @property
    def version(self) -> DataVersion:
        """That of the main file."""
        file = self._files.get(self.main_path)
        return DataVersion(timestamp=self._clock()) if file is None else file.version

    @property
    def versions(self) -> dict[str, DataVersion]:
        """By file, in the order of Java's HashMap, without files that are empty."""
        filled = {path: file.version for path, file in self._files.items() if not file.is_empty}
        return {path: filled[path] for path in hash_map_order(filled)}

    def update(self, config: PlainAccessConfig) -> None:
        """Put an account into the file that has it, or into the main one. Raises AclError (updateAccessConfig:306)."""
        access_key, _ = check_keys(config)
        check_resources(config.topic_perms)
        check_resources(config.group_perms)
        account_of(config)
        path = self._path_of.get(access_key, self.main_path)
        content = self._content(path)
        accounts = list(content.get("accounts") or [])
        former = next((one for one in accounts if one.get("accessKey") == access_key), None)
        if former is not None:
            accounts.remove(former)
        accounts.append((former or {}) | _fields(config))
        content["accounts"] = accounts
        self._write(path, content)

    def delete(self, access_key: str) -> bool:
        """Take an account out of its file; False if there is none. Raises AclError (deleteAccessConfig:443)."""
        path = self._path_of.get(access_key)
        if path is None:
            return False
        content = self._content(path)
        if not content:
            return True
        accounts = content.get("accounts") or []
        kept = [one for one in accounts if one.get("accessKey") != access_key]
        if len(kept) == len(accounts):
            return False
        content["accounts"] = kept
        self._write(path, content)
        return True

    def trust(self, addresses: list[str], path: str) -> bool:
        """Let requests from these addresses in without a signature, by the file at `path`, "" being the main one.

        False if that is no file of this broker's home. Raises AclError (updateGlobalWhiteAddrsConfig:477).
        """
        path = path or self.main_path
        inside = bool(self._home) and os.path.realpath(path).startswith(os.path.realpath(self._home or "") + os.sep)
        if not os.path.isfile(path) or not inside or not path.endswith(_ENDINGS):
            _log.error("%s is not a file of accounts below %s", path, self._home)
            return False
        for address in addresses:
            matcher(address)
        content = self._content(path)
        content["globalWhiteRemoteAddresses"] = addresses
        self._write(path, content)
        return True

    def _content(self, path: str) -> Content:
        try:
            return _read(path)
        except ConfigError as error:
            raise AclError(str(error)) from error

    def _write(self, path: str, content: Content) -> None:
        """With the next version, in one step, and in force when this returns."""
        counter = 0
        if former := content.get("dataVersion"):
            counter = int(former[0].get("counter", 0))
        is_new = not os.path.getsize(path)
        content["dataVersion"] = [{"counter": counter + 1, "timestamp": self._clock()}]
        if is_new:  # Java makes a HashMap then, otherwise the order of the file stays
            content = {name: content[name] for name in hash_map_order(content)}
        import yaml  # here, since it is slow to import and few have accounts

        text = yaml.safe_dump(content, default_flow_style=False, sort_keys=False, allow_unicode=True)
        try:
            mode = os.stat(path).st_mode & 0o777  # there are secrets in it: let nobody read it who could not before
            os.close(os.open(f"{path}.tmp", os.O_WRONLY | os.O_CREAT, mode))
            disk_at(path).replace(path, text.encode())
            self._read_all()
        except OSError as error:
            raise AclError(f"{path} ({error.strerror})") from error
        except ConfigError as error:
            raise AclError(str(error)) from error

    def _read_all(self) -> None:
        stamps = self._found()
        files: dict[str, _File] = {}
        path_of: dict[str, str] = {}
        for path in stamps:
            file = self._read_file(path)
            before = self._files.get(path)
            if file.is_empty and before is not None:  # somebody is just writing it
                _log.warning("no data in %s, what it had stays", path)
                file = before
            for access_key in list(file.accounts):
                if path_of.setdefault(access_key, path) != path:
                    _log.warning("the access key %s of %s is in %s, too", access_key, path, path_of[access_key])
                    del file.accounts[access_key]
            files[path] = file
        self._files, self._path_of, self._stamps = files, path_of, stamps

    def _read_file(self, path: str) -> _File:
        content = _read(path)
        try:
            accounts = [account_of(config_of(fields)) for fields in content.get("accounts") or []]
            trusted = [matcher(str(address)) for address in content.get("globalWhiteRemoteAddresses") or []]
            versions = content.get("dataVersion") or [{}]
            version = DataVersion(
                timestamp=int(versions[0].get("timestamp", self._clock())), counter=int(versions[0].get("counter", 0))
            )
        except (AclError, AttributeError, TypeError, ValueError) as error:
            raise ConfigError(f"{path}: {error}") from error
        return _File({one.access_key: one for one in accounts}, trusted, version, not content)

    def _found(self) -> dict[str, Stamp]:
        """The files there are, those of the directory first, as they are now."""
        paths = []
        for folder, folders, names in os.walk(self._directory):
            folders.sort()
            paths += [os.path.join(folder, name) for name in sorted(names) if name.endswith(_ENDINGS)]
        stamps = {}
        for path in (*paths, self.main_path):
            try:
                found = os.stat(path)
            except OSError:
                continue
            stamps[path] = found.st_mtime_ns, found.st_size, found.st_ino
        return stamps


def open_accounts(config: BrokerConfig, clock: Callable[[], int]) -> AccountFiles | None:
    """The accounts of a broker, None unless aclEnable. Raises ConfigError for a file that cannot be used."""
    if not config.acl_enable:
        return None
    main_file = system_properties(os.environ).get("rocketmq.acl.plain.file", "conf/plain_acl.yml")
    accounts = AccountFiles(config.rocketmq_home, main_file, clock)
    accounts.load()
    return accounts


def _read(path: str) -> Content:
    import yaml

    try:
        with open(path, "rb") as file:
            content = yaml.safe_load(file)
    except (OSError, yaml.YAMLError, ValueError) as error:
        raise ConfigError(f"cannot read {path}: {' '.join(str(error).split())}") from error
    if content is None:
        return {}
    if not isinstance(content, dict):
        raise ConfigError(f"{path} is a map of globalWhiteRemoteAddresses and accounts, not {content!r:.80}")
    return content


def _fields(config: PlainAccessConfig) -> Content:
    """What a file is to say of an account, in Java's order (createAclAccessConfigMap:396)."""
    fields: Content = {"accessKey": config.access_key, "secretKey": config.secret_key}
    if config.white_remote_address is not None:
        fields["whiteRemoteAddress"] = config.white_remote_address
    fields["admin"] = config.admin
    if config.default_topic_perm:
        fields["defaultTopicPerm"] = config.default_topic_perm
    if config.default_group_perm:
        fields["defaultGroupPerm"] = config.default_group_perm
    if config.topic_perms is not None:
        fields["topicPerms"] = config.topic_perms
    if config.group_perms is not None:
        fields["groupPerms"] = config.group_perms
    return fields
