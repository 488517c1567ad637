"""What a demonstration needs in the database: the portal of fictitious data, its credential, a first operator."""

import secrets

from django.contrib.auth.models import Group, User
from django.utils.translation import gettext

from executions.models import Credencial, Portal

SLUG = "demonstracao"
TRIBUNAL = "8.99"


def register_portal(url: str, *, usuario: str = "demo", senha: str) -> tuple[Portal, Credencial]:
    """The demonstration portal at this address, with a credential that it accepts. Idempotent."""
    portal, _ = Portal.objects.update_or_create(
        slug=SLUG,
        defaults={
            "nome": gettext("Portal de demonstração"), "adaptador": "projudi", "tribunais": [TRIBUNAL], "base_url": url,
            "breaker": Portal.Breaker.CLOSED, "falhas": [], "probe_at": None,
        },
    )  # fmt: skip
    credencial = Credencial.objects.filter(portal=portal, usuario=usuario).first() or Credencial(
        portal=portal, usuario=usuario
    )
    credencial.trocar_senha(senha)
    credencial.save()
    return portal, credencial


def first_operator() -> str:
    """Makes the first user of an empty installation; returns its password, or an empty text when there are users."""
    if User.objects.exists():
        return ""
    password = secrets.token_urlsafe(12)
    user = User.objects.create_user("operador", password=password, is_staff=True)
    user.groups.set(Group.objects.filter(name="Supervisores"))
    return password
