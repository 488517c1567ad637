"""How a log line looks: text for a terminal, or one JSON object a line; secrets are masked in both.

docs/observability.md has the fields and the list of event names.
"""

import json
import logging
import os
import re
from datetime import UTC, datetime
from typing import Any

from django.conf import settings

FIELDS = (
    "execucao_id", "item_id", "tentativa", "token", "worker", "host", "pid", "request_id", "usuario", "duration_ms",
    "erro_classe",
)  # fmt: skip
MASK = "***"
SHORTEST = 6  # a shorter secret would mask ordinary words
# What looks like a secret, whoever wrote it: bearer tokens, ours and others', and a password in an address.
PATTERNS = (
    (re.compile(r"(?i)\b(bearer\s+|cr_)[A-Za-z0-9._~+/=-]{8,}"), rf"\1{MASK}"),
    (re.compile(r"(?i)\b([a-z][a-z0-9+.-]*://)[^\s/@'\"]+@"), rf"\1{MASK}@"),
    (re.compile(r"(?i)\b(senha|password|passwd|secret|token_api)(['\"]?\s*[=:]\s*['\"]?)[^\s'\",;&]+"), rf"\1\2{MASK}"),
)


def _known() -> list[str]:
    """The secrets that this process has loaded, the longest first."""
    from executions import vault  # noqa: PLC0415 (the settings are read before any of our modules)

    found = {settings.SECRET_KEY, settings.METRICS_TOKEN, settings.EMAIL_HOST_PASSWORD, *settings.VAULT_KEYS}
    found |= {str(settings.DATABASES["default"].get("PASSWORD") or ""), *vault.abertos()}
    return sorted((secret for secret in found if len(secret) >= SHORTEST), key=len, reverse=True)


def mask(text: str) -> str:
    """The text without any secret that this process knows, and without what looks like one."""
    for secret in _known():
        text = text.replace(secret, MASK)
    for pattern, put in PATTERNS:
        text = pattern.sub(put, text)
    return text


class LineFormatter(logging.Formatter):
    """One record, one line (a traceback has its own); a line break in a message cannot forge another record."""

    def formatMessage(self, record: logging.LogRecord) -> str:
        record.message = record.message.replace("\r", "\\r").replace("\n", "\\n")
        return super().formatMessage(record)

    def format(self, record: logging.LogRecord) -> str:
        return mask(super().format(record))


class JsonFormatter(logging.Formatter):
    """One JSON object a line; `event` is the record's own, or its logger's name."""

    def format(self, record: logging.LogRecord) -> str:
        from executions import contexto  # noqa: PLC0415

        line: dict[str, Any] = {
            "ts": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "event": getattr(record, "event", record.name),
            "logger": record.name,
            "msg": mask(record.getMessage()),
        }
        around = {"host": settings.ROBOT_HOST, "pid": os.getpid()} | contexto.atual()
        own = {name: getattr(record, name) for name in FIELDS if getattr(record, name, None) is not None}
        line |= {name: value for name, value in (around | own).items() if name in FIELDS}
        if record.exc_info:
            line["trace"] = mask(self.formatException(record.exc_info))
        return json.dumps(line, ensure_ascii=False, default=str)


def config(*, json_lines: bool, level: str, path: str) -> dict[str, Any]:
    """LOGGING. `path`: a file that every process of this machine appends to, beside its stderr; empty: none."""
    handlers: dict[str, Any] = {
        "console": {"class": "logging.StreamHandler", "formatter": "main"},
        "silent": {"class": "logging.NullHandler"},
    }
    if path:  # lines are appended whole, and a file that was moved away is opened anew
        handlers["file"] = {
            "class": "logging.handlers.WatchedFileHandler", "filename": path, "formatter": "main", "delay": True,
        }  # fmt: skip
    used = ["console", *(["file"] if path else [])]
    # The history is in the database and on the pages; only programs read it again here.
    history = {"handlers": used if json_lines else ["silent"], "level": "DEBUG", "propagate": False}
    line = {"()": "robotcontrol.logs.LineFormatter", "format": "%(asctime)s %(levelname)s %(name)s %(message)s"}
    others = ("django", "gunicorn.error") if json_lines else ()
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {"main": {"()": "robotcontrol.logs.JsonFormatter"} if json_lines else line},
        "handlers": handlers,
        "loggers": {
            "robotcontrol": {"handlers": used, "level": level, "propagate": True},
            "robotcontrol.registro": history,
            # What a sender logs may hold an address with its key: what it says is in workers/notices.py, and clean.
            "apprise": {"handlers": ["silent"], "level": "WARNING", "propagate": False},
            "django-q": {"handlers": used, "level": "WARNING", "propagate": False},
            **{name: {"handlers": used, "level": "WARNING", "propagate": False} for name in others},
        },
    }
