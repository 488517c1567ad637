"""Room on the disks that this machine's work needs."""

import shutil
from pathlib import Path

from django.conf import settings

MINIMO = 5.0  # per cent free: with no more than this nothing new is begun


def livre() -> float:
    """Per cent that is free of the fuller of two: the disk of VAR_DIR, and the one of the browsers' private folders."""
    return min(_livre(Path(settings.VAR_DIR)), _livre(Path(settings.ROBOT_TMP_DIR)))


def _livre(folder: Path) -> float:
    """Of the disk where it is, or would be made."""
    usage = shutil.disk_usage(next(one for one in (folder, *folder.parents) if one.exists()))
    return 100 * usage.free / usage.total
