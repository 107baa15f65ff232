"""The account that mqadmin signs its requests with: conf/tools.yml below ROCKETMQ_HOME (AclUtils.getAclRPCHook:299)."""

from __future__ import annotations

import os
from pathlib import Path

from rocketpy.protocol.signature import Credentials


def account() -> Credentials | None:
    """accessKey and secretKey of the file; None if there is no such file, or not both in it, as in Java."""
    path = Path(os.environ.get("ROCKETMQ_HOME", ""), "conf", "tools.yml")
    if not path.is_file():
        return None
    import yaml  # only where there is something to read: mqadmin starts at once

    try:
        fields = yaml.safe_load(path.read_bytes())
    except (OSError, yaml.YAMLError):
        return None
    access_key, secret_key = (
        str(fields.get(name) or "").strip() if isinstance(fields, dict) else "" for name in ("accessKey", "secretKey")
    )
    return Credentials(access_key, secret_key) if access_key and secret_key else None
