"""Encryption of the portals' passwords at rest: MultiFernet, keys from the environment or a 0600 file."""

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.utils.translation import gettext as _

from robotcontrol.env import secret_file

KEPT = 200
_abertos: dict[str, None] = {}


class SegredoIlegivel(Exception):
    """No configured key opens it."""

    def __init__(self) -> None:
        super().__init__(_("Nenhuma das chaves configuradas abre esta senha. Grave a credencial de novo."))


def _cipher() -> MultiFernet:
    keys = settings.VAULT_KEYS or [secret_file(settings.VAULT_KEY_FILE, lambda: Fernet.generate_key().decode())]
    try:
        return MultiFernet([Fernet(key) for key in keys])
    except ValueError as error:
        raise ImproperlyConfigured("VAULT_KEYS: each key is 32 bytes in URL-safe base64.") from error


def encrypt(secret: str) -> str:
    return _cipher().encrypt(secret.encode()).decode()


def decrypt(token: str) -> str:
    """The secret in clear. Raises SegredoIlegivel when no configured key opens it."""
    try:
        secret = _cipher().decrypt(token.encode()).decode()
    except InvalidToken as error:
        raise SegredoIlegivel() from error
    _abertos[secret] = None
    if len(_abertos) > KEPT:
        del _abertos[next(iter(_abertos))]
    return secret


def abertos() -> tuple[str, ...]:
    """The secrets that this process has opened lately: what its log lines must not say."""
    return tuple(_abertos)
