"""What many remarks end in."""

from typing import Final

SEE_FAQ: Final = "\nSee http://rocketmq.apache.org/docs/faq/ for further details."
"""Java's hint behind remarks about missing topics and groups (FAQUrl.suggestTodo:64)."""

NEVER_SET: Final = "not set any response code"
"""With this Java begins every answer, and a few successes leave it (RemotingCommand.createResponseCommand:117)."""
