"""Reads settings from the environment, and says loudly which value is bad."""

import base64
import os
import re
import secrets
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from django.core.exceptions import ImproperlyConfigured

T = TypeVar("T")
NAMES: set[str] = set()  # every variable that was asked for: what a child needs of its parent's environment


def read(name: str, default: T, convert: Callable[[str], T], expected: str) -> T:
    """The converted value of the variable, or the default when it is unset or empty."""
    NAMES.add(name)
    raw = os.environ.get(name, "").strip()
    if not raw:
        return default
    try:
        return convert(raw)
    except ValueError as error:
        raise ImproperlyConfigured(f"{name}={raw!r}: expected {expected}.") from error


def text(name: str, default: str = "") -> str:
    return read(name, default, str, "text")


def words(name: str, default: str = "") -> list[str]:
    """A comma-separated list."""
    return [word.strip() for word in text(name, default).split(",") if word.strip()]


def choice(name: str, default: str, known: tuple[str, ...]) -> str:
    def convert(raw: str) -> str:
        if raw.lower() not in known:
            raise ValueError
        return raw.lower()

    return read(name, default, convert, " or ".join(known))


def flag(name: str, default: bool) -> bool:
    def convert(raw: str) -> bool:
        return {"1": True, "true": True, "yes": True, "0": False, "false": False, "no": False}[raw.lower()]

    try:
        return read(name, default, convert, "0 or 1")
    except KeyError as error:
        raise ImproperlyConfigured(f"{name}={os.environ[name]!r}: expected 0 or 1.") from error


def number(name: str, default: float, *, at_least: float) -> float:
    def convert(raw: str) -> float:
        value = float(raw)
        if not value >= at_least:
            raise ValueError
        return value

    return read(name, default, convert, f"a number, at least {at_least:g}")


def integer(name: str, default: int, *, at_least: int) -> int:
    def convert(raw: str) -> int:
        value = int(raw)
        if value < at_least:
            raise ValueError
        return value

    return read(name, default, convert, f"a whole number, at least {at_least}")


def name(variable: str, default: str) -> str:
    """A name that may become part of a path and of a queue's name."""

    def convert(raw: str) -> str:
        if not re.fullmatch(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,79}", raw):
            raise ValueError
        return raw

    return read(variable, re.sub(r"[^A-Za-z0-9_.-]", "-", default)[:80] or "host", convert, "letters, digits, . _ -")


def pattern(variable: str, default: str) -> str:
    """A regular expression with two groups."""

    def convert(raw: str) -> str:
        try:
            groups = re.compile(raw).groups
        except re.error as error:
            raise ValueError from error
        if groups != 2:
            raise ValueError
        return raw

    return read(variable, default, convert, "a regular expression with two groups")


def fernet_keys(variable: str) -> list[str]:
    """Comma-separated keys of 32 bytes in URL-safe base64."""
    keys = words(variable)
    for key in keys:
        try:
            good = len(base64.urlsafe_b64decode(key)) == 32
        except ValueError:
            good = False
        if not good:
            raise ImproperlyConfigured(f"{variable}: each key is 32 bytes in URL-safe base64.")
    return keys


def secret_file(path: Path, make: Callable[[], str]) -> str:
    """The secret kept in this file, made at first use, readable by its owner only (0600).

    Two processes that start together agree: the second one's link fails and it reads the first one's file.
    """
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        draft = path.with_name(f".{path.name}.{os.getpid()}.{secrets.token_hex(4)}")
        descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w") as handle:
            handle.write(make())
        try:
            os.link(draft, path)
        except FileExistsError:
            pass
        finally:
            draft.unlink()
    return path.read_text().strip()
