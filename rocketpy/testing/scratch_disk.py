"""The disk of a store that nobody wants to keep."""

from __future__ import annotations

from rocketpy.disk import Disk


class ScratchDisk(Disk):
    """Syncs nothing, and is never too full for messages, as the machine that runs tests often is."""

    def sync_data(self, path: str) -> None:
        """Do nothing."""

    def sync_directory(self, path: str) -> None:
        """Do nothing."""

    def used_ratio(self, path: str) -> float:
        """Nothing is in use."""
        return 0.0
