"""Failed logins, kept: by whom and from where, never with what password, and never more than a few a minute."""

from datetime import timedelta
from typing import Any

from django.contrib.auth import get_user_model
from django.contrib.auth.signals import user_login_failed
from django.http import HttpRequest
from django.utils.translation import gettext as _

from executions import clock
from executions.models import Registro

LOGIN_FALHOU = "login_falhou"
POR_MINUTO = 20  # a guessing machine must not fill the table


def connect_receivers() -> None:
    user_login_failed.connect(_falhou, dispatch_uid="executions.acessos.falhou")


def _falhou(sender: Any, credentials: dict[str, Any], request: HttpRequest | None = None, **kwargs: Any) -> None:
    minute = clock.db_now() - timedelta(seconds=60)
    if Registro.objects.filter(evento=LOGIN_FALHOU, at__gt=minute).count() >= POR_MINUTO:
        return
    # A name that no account has may be a password typed into the wrong field: it is not kept.
    users = get_user_model()._default_manager
    known = users.filter(**{get_user_model().USERNAME_FIELD: credentials.get("username") or ""}).first()
    where = request.META.get("REMOTE_ADDR", "") if request else "—"
    text = (
        _("Login recusado da conta %(conta)s, de %(endereco)s.") % {"conta": known.get_username(), "endereco": where}
        if known
        else _("Login recusado de uma conta que não existe, de %(endereco)s.") % {"endereco": where}
    )
    Registro.objects.anotar(LOGIN_FALHOU, text, level="warning", usuario=known)
