"""TLS as Java's system properties and /etc/rocketmq/tls.properties configure it (TlsSystemConfig.java, TlsHelper.java).

Java takes them from the command line of the JVM and lets the file override them. Here they may also stand in
broker.conf and namesrv.conf, which Java would ignore; `-D` options in JAVA_OPT and JAVA_OPT_EXT are read, too.
"""

from __future__ import annotations

import os

from rocketpy.config.jvm import system_properties
from rocketpy.config.key import Config, key, keys
from rocketpy.config.properties import load_properties

DISABLED, PERMISSIVE, ENFORCING = "disabled", "permissive", "enforcing"


@keys
class TlsConfig(Config):
    """The keys of TlsSystemConfig.java:25-140."""

    server_mode: str = key(PERMISSIVE, "disabled, permissive: with and without TLS, enforcing", java="tls.server.mode")
    config_file: str = key("/etc/rocketmq/tls.properties", "overrides these keys", java="tls.config.file")
    test_mode: bool = key(
        True, "a certificate made up at the first use, and nobody is verified", java="tls.test.mode.enable"
    )
    need_client_auth: str = key(
        "none", "none, optional or require: whether clients show a certificate", java="tls.server.need.client.auth"
    )
    server_key_path: str | None = key(None, "the server's private key, PEM", java="tls.server.keyPath")
    server_key_password: str | None = key(None, "the password of that key", java="tls.server.keyPassword")
    server_cert_path: str | None = key(None, "the server's certificate chain, PEM", java="tls.server.certPath")
    auth_client: bool = key(False, "verify the clients' certificates", java="tls.server.authClient")
    server_trust_path: str | None = key(None, "who may sign clients' certificates", java="tls.server.trustCertPath")
    enable: bool = key(False, "speak TLS with other servers", java="tls.enable")
    client_key_path: str | None = key(None, "the private key towards other servers", java="tls.client.keyPath")
    client_key_password: str | None = key(None, "the password of that key", java="tls.client.keyPassword")
    client_cert_path: str | None = key(None, "the certificate towards other servers", java="tls.client.certPath")
    auth_server: bool = key(False, "verify other servers' certificates", java="tls.client.authServer")
    client_trust_path: str | None = key(None, "who may sign those", java="tls.client.trustCertPath")

    @property
    def mode(self) -> str:
        """DISABLED, PERMISSIVE or ENFORCING; the second for what is none of them (TlsMode.parse:32)."""
        return self.server_mode if self.server_mode in (DISABLED, ENFORCING) else PERMISSIVE

    @property
    def speaks(self) -> bool:
        """Whether connections to other servers are encrypted (BrokerStartup.java:105)."""
        return self.enable or self.mode == ENFORCING

    def read_file(self) -> None:
        """Let the file, if there is one that can be read, override what is known (extractTlsConfigFromFile:163).

        tls.server.mode and tls.enable are not taken from it.
        """
        if not (os.path.isfile(self.config_file) and os.access(self.config_file, os.R_OK)):
            return
        properties = load_properties(self.config_file)
        self.update({name: text for name, text in properties.items() if name not in ("tls.server.mode", "tls.enable")})


def process_tls() -> TlsConfig:
    """What the environment of this process says."""
    config = TlsConfig()
    config.update(system_properties(os.environ))
    return config
