from __future__ import annotations

from threading import current_thread, main_thread

import pytest

from rocketpy.errors import ConfigError
from rocketpy.remoting.off_hub import off_hub


def test_another_thread_computes() -> None:
    assert current_thread() is main_thread()
    assert off_hub(current_thread) is not main_thread()


def test_an_expected_failure_is_raised_and_nothing_printed(capsys: pytest.CaptureFixture[str]) -> None:
    def fail() -> None:
        raise ConfigError("no room")

    with pytest.raises(ConfigError, match="no room"):
        off_hub(fail)
    assert capsys.readouterr().err == ""
