"""What every thread of this process does, in the form of Java's jstack (UtilAll.jstack:432)."""

from __future__ import annotations

import sys
import threading
import traceback


def stacks() -> str:
    """A paragraph for each thread; each line begins with the thread's name, the innermost call comes first."""
    threads = {thread.ident: thread for thread in threading.enumerate()}
    paragraphs = []
    for number, frame in sorted(sys._current_frames().items()):
        thread = threads.get(number)
        name = f"Thread-{number}" if thread is None else thread.name
        lines = [f"{name:<40}TID: {number} STATE: RUNNABLE\n"]
        for entry in reversed(traceback.extract_stack(frame)):
            file = entry.filename.rpartition("/")[2]
            lines.append(f"{name:<40}{entry.name}({file}:{entry.lineno})\n")
        paragraphs.append("".join(lines))
    return "\n".join(paragraphs) + "\n"
