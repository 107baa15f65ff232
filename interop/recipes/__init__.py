"""Our image with testcontainers in other languages: small programs, of which rocketpy.testcontainers quotes the core.

Each starts the image that ROCKETPY_IMAGE names, sends, and prints what comes back. java/ has Testcontainers for Java
and the official client, go/ has testcontainers-go and the Go client.
"""

from __future__ import annotations

import os
from pathlib import Path

from interop import artifacts
from interop.driver import compiled_go, compiled_java
from interop.java_servers import FLAGS

FOLDER = Path(__file__).parent


def java_recipe(home: str) -> list[str]:
    """What runs the Java program, with its logs below `home`. Raises MissingToolError."""
    classes = compiled_java("java-recipe", FOLDER / "java", "recipe")
    class_path = os.pathsep.join((str(classes), artifacts.classpath("recipe")))
    return [artifacts.java(), *FLAGS, f"-Duser.home={home}", "-cp", class_path, "Recipe"]


def go_recipe() -> list[str]:
    """What runs the Go program. Raises MissingToolError."""
    return [str(compiled_go("go-recipe", FOLDER / "go"))]
