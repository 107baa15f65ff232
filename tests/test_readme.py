"""README's Python program does what it says; the Java and Go ones are run by interop/test_readme.py."""

import subprocess
import sys
from pathlib import Path

import pytest

from tests.readme import program


def test_the_python_program_prints_what_it_says(tmp_path: Path) -> None:
    run = subprocess.run([sys.executable, "-c", program("python")], cwd=tmp_path, capture_output=True, text=True)
    assert run.returncode == 0, run.stderr
    assert run.stdout.splitlines()[1:] == ["SEND_OK", "b'hello from Python'"]


def test_the_test_suite_passes(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(program("python", "In a test suite"))
    pytester.runpytest_subprocess("-W", "error", "--strict-markers").assert_outcomes(passed=3)
