"""What is wrong in a store directory, and where."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

_MOST_OF_A_KIND: Final = 20
DAMAGE: Final = "damage"
NOTE: Final = "note"


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that is not as it should be, at byte `position` of the file `path`, or with None of the whole of it.

    `severity` is "damage", or "note" for what is unusual but harmless, or mends itself at the next start. `rule` names
    the invariant that does not hold; `path` is relative to the store directory.
    """

    severity: str
    rule: str
    path: str
    position: int | None
    text: str

    def __str__(self) -> str:
        place = self.path if self.position is None else f"{self.path} at {self.position}"
        return f"{self.severity}: {place}: {self.text}"


class Findings:
    """Findings in the order in which they were made. Of each rule the first few are kept, the others counted."""

    def __init__(self) -> None:
        self.kept: list[Finding] = []
        self.counts: dict[tuple[str, str], int] = {}
        """How many there were, by severity and rule."""

    def damage(self, rule: str, path: str, position: int | None, text: str) -> None:
        """Something is lost, wrong, or cannot be read."""
        self._add(Finding(DAMAGE, rule, path, position, text))

    def note(self, rule: str, path: str, position: int | None, text: str) -> None:
        """Something is worth knowing."""
        self._add(Finding(NOTE, rule, path, position, text))

    def _add(self, finding: Finding) -> None:
        key = (finding.severity, finding.rule)
        count = self.counts[key] = self.counts.get(key, 0) + 1
        if count <= _MOST_OF_A_KIND:
            self.kept.append(finding)

    @property
    def damages(self) -> int:
        """How many of them are damage."""
        return sum(count for (severity, _), count in self.counts.items() if severity == DAMAGE)

    def left_out(self) -> dict[tuple[str, str], int]:
        """How many findings of a severity and rule are not among those kept."""
        return {key: count - _MOST_OF_A_KIND for key, count in self.counts.items() if count > _MOST_OF_A_KIND}
