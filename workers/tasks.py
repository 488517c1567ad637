"""The doors that django-q2 knocks at: ids in, one call, no rules."""

from django.conf import settings

from workers import supervision


def supervise(uuid: str) -> None:
    supervision.supervise(uuid)


def canary() -> str:
    """Does nothing; that it ended is the news."""
    return settings.ROBOT_HOST
