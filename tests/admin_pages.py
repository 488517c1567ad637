"""What the tests of the admin share: the staff, addresses, and a small world."""

import logging
from collections.abc import Iterator
from typing import Any

import pytest
from django.contrib.auth.models import Group, Permission, User
from django.test import Client
from django.urls import reverse

from executions import clock
from executions.models import Agendamento, Destino, Execucao, Ocorrencia, Registro, Script, TokenAPI
from tests.factories import (
    nova_credencial,
    nova_execucao,
    novo_host,
    novo_robo,
    novo_script,
    tomado,
)

SENHA = "canario-da-senha-9731"


@pytest.fixture
def stock_templates() -> Iterator[None]:
    """Django's own page of a read-only field with a help text asks for a variable that does not exist."""
    logger = logging.getLogger("django.template")
    level = logger.level
    logger.setLevel(logging.INFO)
    yield
    logger.setLevel(level)


def da_equipe(*grupos: str, permissoes: tuple[str, ...] = ()) -> Client:
    """A browser in which a member of the staff with just these groups and permissions is logged in."""
    user = User.objects.create_user(f"pessoa{User.objects.count()}", is_staff=True)
    user.groups.set(Group.objects.filter(name__in=grupos))
    user.user_permissions.set(Permission.objects.filter(codename__in=permissoes))
    client = Client()
    client.force_login(user)
    return client


def lista(model: Any) -> str:
    return reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_changelist")


def ficha(obj: Any) -> str:
    return reverse(f"admin:{obj._meta.app_label}_{obj._meta.model_name}_change", args=[obj.pk])


def agir(client: Client, acao: str, *objetos: Any, confirmado: bool = False) -> Any:
    data: dict[str, Any] = {"action": acao, "_selected_action": [obj.pk for obj in objetos]}
    return client.post(lista(type(objetos[0])), data | ({"confirmado": "sim"} if confirmado else {}))


def um_agendado() -> None:
    """A script on a schedule with somebody to tell, a notice, a firing, an alarm that is over, and a token."""
    n = Script.objects.count()
    script, destino = novo_script(), Destino(nome=f"equipe {n}")
    destino.trocar_url(f"json://127.0.0.1/{SENHA}")
    destino.save()
    agendamento = Agendamento.objects.create(nome=f"noite {n}", cron="0 2 * * *", script=script)
    for row in (script, agendamento):
        row.destinos.add(destino)
    agendamento.disparos.create(at=clock.db_now(), desfecho="pulado")
    destino.testar()
    at = clock.db_now()
    Ocorrencia.objects.create(
        alarme="disco", alvo=f"m{n}", mensagem="Pouco disco.", aberta_em=at, vista_em=at, fechada_em=at
    )
    TokenAPI(user=User.objects.first() or User.objects.create_user("dono"), nome=f"token {n}").gerar()


def um_mundo(n: int = 3) -> Execucao:
    """n batches, each with two robots, one item in hand, one answered by a failure, and lines in the log."""
    novo_host()
    for _ in range(n):
        credencial = nova_credencial()
        credencial.trocar_senha(SENHA)
        credencial.save()
        batch = nova_execucao(3, credencial=credencial, max_robots=2, titulo="Petições")
        robo = novo_robo(batch)
        tomado(batch, robo).falhar("navegador", "caiu")
        tomado(batch, robo)
        novo_robo(batch)
        um_agendado()
        Registro.objects.anotar("x", "linha", execucao=batch, processo_id=robo.pk, item_id=batch.itens.first().pk)
    return batch
