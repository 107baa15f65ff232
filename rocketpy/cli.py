"""The entry points: `rocketpy`, and `mqnamesrv`, `mqbroker`, `mqadmin` as in the Java distribution.

What goes wrong because of what the user said is one line on stderr and a status other than 0. Servers are imported by
the functions that run them, so that `-h` answers at once.
"""

from __future__ import annotations

import contextlib
import gc
import logging
import os
import resource
import sys
import time
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta, timezone
from typing import TYPE_CHECKING, Any

import click

from rocketpy import JAVA_VERSION, __version__
from rocketpy.errors import RocketpyError

if TYPE_CHECKING:
    from rocketpy.broker.app import Broker
    from rocketpy.config.startup import BrokerSettings, NamesrvSettings
    from rocketpy.config.store import StoreConfig
    from rocketpy.remoting.app import App
    from rocketpy.standalone import Standalone

_HELP = {"help_option_names": ["-h", "--help"]}
_BEIJING = timezone(timedelta(hours=8))  # logback_broker.xml prints -p and -m in GMT+8
_COLLECT_EVERY = 50_000
"""New objects between two runs of the garbage collector: reference counts free all but the rare cycle."""
_SWITCH_INTERVAL = 0.0005
"""Seconds that a thread of the pool may keep the hub waiting for the interpreter's lock, instead of 0.005."""



class Program(click.Command):
    """A command whose complaints about its arguments are one line, too."""

    def main(self, *args: Any, **extra: Any) -> Any:
        try:
            status = super().main(*args, **{**extra, "standalone_mode": False})
        except click.ClickException as error:
            click.echo(f"{self.name}: {error.format_message()}", err=True)
            sys.exit(error.exit_code)
        except click.Abort:
            sys.exit(130)
        sys.exit(status or 0)


class Programs(Program, click.Group):
    """The same with commands below it."""


_config_file = click.option("-c", "--configFile", "config_file", metavar="FILE", help="Properties file to read.")
_print_all = click.option("-p", "--printConfigItem", "print_all", is_flag=True, help="Print all config items.")
_namesrv_addr = click.option(
    "-n", "--namesrvAddr", "namesrv_addr", metavar="LIST", help="Name servers, e.g. '10.0.0.1:9876;10.0.0.2:9876'."
)


@click.group(cls=Programs, invoke_without_command=True, context_settings=_HELP)
@click.version_option(__version__, "--version")
@click.option("--namesrv-port", default=9876, show_default=True, help="Port of the name server; 0 takes any.")
@click.option("--port", help="Port of the broker, 10911 unless FILE says otherwise; 0 takes any.", type=int)
@click.option("--host", metavar="IP", help="Address that clients connect to (brokerIP1); else chosen as in Java.")
@click.option("--store", metavar="DIR", help="Where messages are kept, ~/store unless FILE says otherwise.")
@click.option("--ephemeral", is_flag=True, help="Keep messages in a temporary directory and remove it at the end.")
@click.option("-v", "--verbose", is_flag=True, help="Log what happens.")
@_config_file
@click.pass_context
def rocketpy(
    context: click.Context,
    namesrv_port: int,
    port: int | None,
    host: str | None,
    store: str | None,
    ephemeral: bool,
    verbose: bool,
    config_file: str | None,
) -> None:
    """Run a name server and a broker in one process, until Ctrl-C; or look into a store directory."""
    if context.invoked_subcommand is not None:
        return
    began = time.monotonic()
    _log(logging.INFO if verbose else logging.WARNING, "namesrv", "store", rest="broker")
    if ephemeral and store is not None:
        raise click.UsageError("--store and --ephemeral exclude each other")
    with _one_line_errors("rocketpy"):
        from rocketpy.config.startup import BrokerSettings, NamesrvSettings
        from rocketpy.standalone import Standalone

        namesrv, broker = NamesrvSettings(), BrokerSettings()
        if config_file is not None:
            broker.load(config_file)
        namesrv.server.listen_port = namesrv_port
        if port is not None:
            broker.server.listen_port = port
        if host is not None:
            broker.broker.broker_ip1 = broker.broker.broker_ip2 = host
        standalone = Standalone(namesrv, broker, store=store, ephemeral=ephemeral)
        if config_file is not None and not ephemeral:
            broker.path = config_file
        _run(standalone, lambda: _welcome(standalone, began))


_directory_argument = click.argument("directory", metavar="[DIR]", required=False)
_as_json = click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")


@rocketpy.command(cls=Program, context_settings=_HELP, short_help="Tell what is in a store directory.")
@_directory_argument
@_config_file
@_as_json
def inspect(directory: str | None, config_file: str | None, as_json: bool) -> None:
    """Tell what is in the store directory DIR: topics, queues, offsets, times, sizes, damage.

    DIR is storePathRootDir of FILE, or ~/store, unless given. Nothing is written, and a broker may be running. The
    sizes of files are taken from the files unless FILE sets them. The status is 2 when DIR cannot be looked into.
    """
    with _one_line_errors("rocketpy inspect", status=2):
        from rocketpy.inspection import report
        from rocketpy.inspection.finding import Findings
        from rocketpy.inspection.summary import summarize

        findings, (config, given) = Findings(), _store_config(directory, config_file)
        summary = summarize(config, findings, _Progress(), given=given)
        lines = [report.as_json(summary, findings)] if as_json else report.summary_lines(summary, findings)
        click.echo("\n".join(lines))


@rocketpy.command(cls=Program, context_settings=_HELP, short_help="Tell whether a store directory holds together.")
@_directory_argument
@_config_file
@_as_json
def verify(directory: str | None, config_file: str | None, as_json: bool) -> None:
    """Read everything in the store directory DIR and compare log, queues and index with each other.

    DIR is storePathRootDir of FILE, or ~/store, unless given. Nothing is written, and a broker may be running: what it
    adds meanwhile is not looked at. The status is 1 when there is damage, 2 when DIR cannot be looked into.
    """
    with _one_line_errors("rocketpy verify", status=2):
        from rocketpy.inspection import report
        from rocketpy.inspection.finding import Findings
        from rocketpy.inspection.verification import verify as verify_store

        findings, (config, given) = Findings(), _store_config(directory, config_file)
        result = verify_store(config, findings, _Progress(), given=given)
        lines = [report.as_json(result, findings)] if as_json else report.verification_lines(result, findings)
        click.echo("\n".join(lines))
        if findings.damages:
            sys.exit(1)


@click.command(cls=Program, context_settings=_HELP)
@_config_file
@_namesrv_addr
@_print_all
def mqnamesrv(config_file: str | None, namesrv_addr: str | None, print_all: bool) -> None:
    """Run a name server on listenPort, 9876 unless FILE says otherwise. -n has no effect here, as in Java."""
    _log(logging.INFO, rest="namesrv")
    with _one_line_errors("mqnamesrv"):
        from rocketpy.config.startup import NamesrvSettings

        settings = NamesrvSettings()
        if config_file is not None:
            settings.load(config_file)
            click.echo(f"load config properties file OK, {config_file}")
        if print_all:
            now = datetime.now().astimezone()
            _print_config(settings, f"{now:%Y-%m-%d %H:%M:%S},{now.microsecond // 1000:03}")
            return
        from rocketpy.namesrv.app import NameServer

        server = NameServer(settings)
        _run(server, lambda: click.echo("The Name Server boot success. serializeType=JSON"))


@click.command(cls=Program, context_settings=_HELP)
@_config_file
@_namesrv_addr
@_print_all
@click.option("-m", "--printImportantConfig", "print_important", is_flag=True, help="Print the important config items.")
def mqbroker(config_file: str | None, namesrv_addr: str | None, print_all: bool, print_important: bool) -> None:
    """Run a broker on listenPort, 10911 unless FILE says otherwise, and register it with the name servers.

    A store directory that is there, of ours or of a Java broker, is taken over as it is; `rocketpy inspect` tells
    beforehand what is in it, `rocketpy verify` whether it holds together.
    """
    _log(logging.INFO, "store", rest="broker")
    with _one_line_errors("mqbroker"):
        from rocketpy.config.startup import BrokerSettings

        settings = BrokerSettings()
        if config_file is not None:
            settings.load(config_file)
        if namesrv_addr is not None:
            settings.broker.namesrv_addr = namesrv_addr
        settings.settle()
        if print_all or print_important:
            _print_config(settings, f"{datetime.now(_BEIJING):%Y-%m-%d %H:%M:%S}", important=not print_all)
            return
        from rocketpy.broker.app import Broker

        broker = Broker(settings)
        _run(broker, lambda: click.echo(_boot_success(broker)))


@click.command(
    cls=Program, context_settings={"ignore_unknown_options": True, "allow_extra_args": True, "help_option_names": []}
)
@click.argument("words", nargs=-1, type=click.UNPROCESSED)
def mqadmin(words: tuple[str, ...]) -> None:
    """Administer a cluster: a sub-command and its options, as in the Java distribution."""
    from rocketpy.admin.startup import main as run_admin

    sys.exit(run_admin(words))


def main() -> None:
    """`python -m rocketpy`: `rocketpy`, or the command that the first argument names."""
    others = {command.name: command for command in (mqnamesrv, mqbroker, mqadmin)}
    command = others.get(sys.argv[1]) if len(sys.argv) > 1 else None
    if command is None:
        rocketpy(prog_name="rocketpy")
    else:
        command(sys.argv[2:], prog_name=command.name)


def _run(app: App, ready: Callable[[], None]) -> None:
    def started() -> None:
        sys.setswitchinterval(_SWITCH_INTERVAL)
        _settle_collector()
        if sys.stdout is not None:
            with contextlib.suppress(OSError):  # who reads the greeting may be gone, or never was there
                ready()
                sys.stdout.flush()

    _open_many_files()
    app.run_forever(started)


def _open_many_files() -> None:
    """Each mapped file and each connection takes a descriptor: ask for as many as the system allows at all."""
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


def _settle_collector() -> None:
    """Spare the garbage collector what lives as long as the process: it is the only thing here that stops the world."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(_COLLECT_EVERY, 20, 20)


def _boot_success(broker: Broker) -> str:
    config = broker.settings.broker
    tip = f"The broker[{config.broker_name}, {broker.address}] boot success. serializeType=JSON"
    return tip if config.namesrv_addr is None else f"{tip} and name server is {config.namesrv_addr}"


def _welcome(standalone: Standalone, began: float) -> None:
    namesrv, broker = standalone.namesrv, standalone.broker
    advertised = broker.settings.advertised.advertised_addr
    lines = [
        f"rocketpy {__version__}, compatible with RocketMQ {JAVA_VERSION}",
        f"  name server  {namesrv.address}",
        f"  broker       {broker.address} (VIP {broker.vip_address}, HA {broker.ha_address})",
        *([f"  from outside {advertised.with_port(int(broker.address.rpartition(':')[2]))}"] if advertised else []),
        f"  store        {broker.settings.store.store_path_root_dir}",
        f"Ready after {time.monotonic() - began:.2f} s. Give clients the name server, "
        f'e.g. producer.setNamesrvAddr("{namesrv.address}"). Ctrl-C ends it.',
    ]
    click.echo("\n".join(lines))


def _print_config(settings: BrokerSettings | NamesrvSettings, now: str, *, important: bool = False) -> None:
    """`name=value` lines as Java's console logger has them (MixAll.printObjectProperties:239)."""
    for config in settings.configs:
        for line in config.describe(important=important):
            click.echo(f"{now} INFO main - {line}")


def _log(level: int, *own: str, rest: str) -> None:
    """Log to stderr; with ROCKETPY_LOG_DIR, as the image sets it, to stdout and to these files of that directory."""
    directory = os.environ.get("ROCKETPY_LOG_DIR")
    stream = sys.stdout if directory else sys.stderr
    logging.basicConfig(level=level, stream=stream, format="%(asctime)s %(levelname)s %(name)s - %(message)s")
    if directory:
        from rocketpy.logfiles import log_to_files

        log_to_files(directory, *own, rest=rest)
    logging.getLogger("rocketpy.store.progress").setLevel(logging.INFO)


def _store_config(directory: str | None, config_file: str | None) -> tuple[StoreConfig, dict[str, str]]:
    """The keys of a store that is only looked into, and which of them the file sets."""
    from rocketpy.config.startup import BrokerSettings

    settings = BrokerSettings()
    if config_file is not None:
        settings.load(config_file)
    if directory is not None:
        settings.store.store_path_root_dir = os.path.abspath(directory)
    return settings.store, settings.properties


class _Progress:
    """Tells on a terminal how far it is, twice a second, and others every ten seconds."""

    def __init__(self) -> None:
        self._is_terminal = sys.stderr is not None and sys.stderr.isatty()
        self._interval = 0.5 if self._is_terminal else 10.0
        self._next = time.monotonic() + self._interval

    def __call__(self, what: str, done: int, total: int) -> None:
        if time.monotonic() < self._next:
            return
        self._next = time.monotonic() + self._interval
        share = f" of {total >> 20} MiB, {done * 100 // total} %" if total else ""
        line = f"{what}: {done >> 20} MiB{share}"
        click.echo(f"\r{line:60}\r" if self._is_terminal else line, err=True, nl=not self._is_terminal)


@contextlib.contextmanager
def _one_line_errors(command: str, status: int = 1) -> Iterator[None]:
    try:
        yield
    except RocketpyError as error:
        click.echo(f"{command}: {error}", err=True)
        sys.exit(status)


if __name__ == "__main__":
    main()
