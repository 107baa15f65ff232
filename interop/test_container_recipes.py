"""The programs for testcontainers in Java and Go, with our image; rocketpy.testcontainers quotes them."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from interop import images
from interop.java_servers import environment
from interop.recipes import go_recipe, java_recipe

TIMEOUT = 280


@pytest.mark.parametrize("language", ["java", "go"])
def test_recipe_gets_its_messages_back(language: str, tmp_path: Path) -> None:
    command = java_recipe(str(tmp_path)) if language == "java" else go_recipe()
    settings = {
        "ROCKETPY_IMAGE": images.ours(),
        "TESTCONTAINERS_RYUK_DISABLED": "true",  # its image cannot be pulled everywhere
        "TESTCONTAINERS_HOST_OVERRIDE": "127.0.0.1",  # else an image that can is used to find out, on some machines
    }
    done = subprocess.run(
        command, env={**environment(), **settings}, capture_output=True, text=True, timeout=TIMEOUT, check=False
    )
    assert done.returncode == 0, done.stderr
    assert sorted(done.stdout.splitlines()[-2:]) == ["later", "now"]  # on a slow machine both are there at once
