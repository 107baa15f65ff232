"""ACL signatures: HMAC-SHA1 over the values of the fields in the order of their names, then the body.

(AclClientRPCHook.java:40, AclUtils.combineRequestContent:48, AclSigner.java:56.)
"""

from __future__ import annotations

import hmac
from base64 import b64encode
from collections.abc import Callable
from typing import NamedTuple

from rocketpy.protocol.command import Command

ACCESS_KEY = "AccessKey"
SECURITY_TOKEN = "SecurityToken"
SIGNATURE = "Signature"


class Credentials(NamedTuple):
    """An account of a cluster with ACL (SessionCredentials.java:27). `security_token` is for cloud providers."""

    access_key: str
    secret_key: str
    security_token: str | None = None


def signer(credentials: Credentials) -> Callable[[Command], None]:
    """What adds the account and the signature to a request, after its header is complete."""
    account = {ACCESS_KEY: credentials.access_key}
    if credentials.security_token is not None:
        account[SECURITY_TOKEN] = credentials.security_token
    secret = credentials.secret_key.encode()

    def sign(request: Command) -> None:
        fields = {**(request.ext_fields or {}), **account}
        request.add_fields({**account, SIGNATURE: signature(fields, request.body, secret)})

    return sign


def signature(fields: dict[str, str], body: bytes, secret: bytes) -> str:
    """The signature of a request with those fields."""
    content = "".join([fields[name] for name in sorted(fields) if name != SIGNATURE]).encode()
    return b64encode(hmac.digest(secret, content + body, "sha1")).decode()
