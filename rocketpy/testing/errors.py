"""What a test is told when things are not as it takes them to be."""

from __future__ import annotations

from rocketpy.errors import RocketpyError


class Refused(RocketpyError):
    """A server refused a request of the test itself, or could not be reached; the text says which and why."""


class NoSuchTopic(RocketpyError, LookupError):
    """A topic is asked about that no broker has; the text names those that there are."""


class WaitTimeout(RocketpyError, TimeoutError):
    """What was waited for did not happen in time; the text tells what there is instead."""


class NotOurs(RocketpyError):
    """Something was asked of servers that only those can do which this package started."""


class ChildFailed(RocketpyError):
    """The child process did not start, ended, or refused a command; the text says why."""
