"""What the tests of the pages share: people of each group, and batches in each state."""

import base64
from typing import Any

import pytest
from django.contrib.auth.models import Group, User
from django.contrib.messages import get_messages
from django.test import Client
from django.urls import reverse

from executions.models import Execucao, Processo
from tests.factories import (
    nova_execucao,
    novo_host,
    novo_robo,
    tomado,
)

HTMX = {"HX-Request": "true"}
JPEG = base64.b64decode(  # 8 by 5 pixels
    "/9j/4AAQSkZJRgABAQAAAQABAAD/4gHYSUNDX1BST0ZJTEUAAQEAAAHIAAAAAAQwAABtbnRyUkdCIFhZWiAH4AABAAEAAAAAAABhY3NwAAAA"
    "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAQAA9tYAAQAAAADTLQAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"
    "AAAAAAAAAAlkZXNjAAAA8AAAACRyWFlaAAABFAAAABRnWFlaAAABKAAAABRiWFlaAAABPAAAABR3dHB0AAABUAAAABRyVFJDAAABZAAAAChn"
    "VFJDAAABZAAAAChiVFJDAAABZAAAAChjcHJ0AAABjAAAADxtbHVjAAAAAAAAAAEAAAAMZW5VUwAAAAgAAAAcAHMAUgBHAEJYWVogAAAAAAAA"
    "b6IAADj1AAADkFhZWiAAAAAAAABimQAAt4UAABjaWFlaIAAAAAAAACSgAAAPhAAAts9YWVogAAAAAAAA9tYAAQAAAADTLXBhcmEAAAAAAAQA"
    "AAACZmYAAPKnAAANWQAAE9AAAApbAAAAAAAAAABtbHVjAAAAAAAAAAEAAAAMZW5VUwAAACAAAAAcAEcAbwBvAGcAbABlACAASQBuAGMALgAg"
    "ADIAMAAxADb/2wBDAP//////////////////////////////////////////////////////////////////////////////////////2wBD"
    "Af//////////////////////////////////////////////////////////////////////////////////////wAARCAAFAAgDASIAAhEB"
    "AxEB/8QAFQABAQAAAAAAAAAAAAAAAAAAAAP/xAAUEAEAAAAAAAAAAAAAAAAAAAAA/8QAFAEBAAAAAAAAAAAAAAAAAAAAAP/EABQRAQAAAAAA"
    "AAAAAAAAAAAAAAD/2gAMAwEAAhEDEQA/AKAA/9k="
)


@pytest.fixture
def pagina_leve(settings: Any) -> None:
    """Plain HTTP, people that are made in no time, and a look of its own for each poll."""
    settings.POLL_SHARED_SECONDS = 0
    settings.SECURE_SSL_REDIRECT = False
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]


def pessoa(grupo: str = "", **campos: Any) -> User:
    user = User.objects.create_user(f"{grupo.lower() or 'ninguem'}{User.objects.count()}", password="x", **campos)
    if grupo:
        user.groups.add(Group.objects.get(name=grupo))
    return user


def como(grupo: str) -> Client:
    client = Client()
    client.force_login(pessoa(grupo))
    return client


def textos(response: Any) -> list[str]:
    return [str(message) for message in get_messages(response.wsgi_request)]


def acao(nome: str, alvo: Execucao | Processo) -> str:
    return reverse(f"executions:{nome}", args=[alvo.uuid if isinstance(alvo, Processo) else alvo.pk])


def parada() -> Execucao:
    novo_host()
    return nova_execucao(3, max_robots=2)


def pausada() -> Execucao:
    batch = parada()
    batch.pausar()
    return batch


def com_falhas() -> Execucao:
    batch = nova_execucao(3)
    batch.encerrar()
    return batch


def com_robos() -> Processo:
    batch = nova_execucao(4, max_robots=2)
    novo_robo(batch)
    robo = novo_robo(batch)
    tomado(batch, robo)
    return robo


def batch_de(alvo: Any) -> Execucao:
    return alvo.execucao if isinstance(alvo, Processo) else alvo
