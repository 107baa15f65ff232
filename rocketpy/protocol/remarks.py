"""What many remarks end in."""

from typing import Final

SEE_FAQ: Final = "\nSee http://rocketmq.apache.org/docs/faq/ for further details."
"""Java's hint behind remarks about missing topics and groups (FAQUrl.suggestTodo:64)."""
