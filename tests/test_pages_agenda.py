"""The page of the schedules: what it shows, what a poll of it costs, and its three acts."""

import re
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import Permission
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from executions import clock
from executions.models import Agendamento, Disparo, Processo, Registro
from tests.factories import em_postgres, novo_host, novo_script
from tests.pages import HTMX, como, pagina_leve, pessoa, textos  # noqa: F401 (a fixture)
from tests.processos import novo_script as script_com_arquivo
from tests.processos import pasta_de_scripts  # noqa: F401 (a fixture)

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("grupos", "pagina_leve")]
AUTH_QUERIES = 4


def novo(nome: str = "Análise diária", cron: str = "0 8 * * 1-5", **campos: Any) -> Agendamento:
    script = campos.pop("script", None) or novo_script()
    return Agendamento.objects.create(nome=nome, cron=cron, script=script, **campos)


def parado() -> Agendamento:
    row = novo()
    row.pausar()
    return row


def disparou(row: Agendamento, n: int = 1, **campos: Any) -> None:
    agora = clock.db_now()
    for k in range(n):
        at = agora - timedelta(days=k)
        Disparo.objects.create(agendamento=row, due_at=at, at=at, **{"desfecho": "iniciado"} | campos)


def test_it_says_when_in_words_the_next_five_times_and_what_came_of_the_last_firings() -> None:
    row = novo()
    disparou(row, 7)
    disparou(row, desfecho="recusado", mensagem="A pasta não pode ser lida.")
    html = como("Leitores").get("/agenda/").content.decode()
    assert "De segunda-feira a sexta-feira às 08:00" in html
    times = re.search(r'<ol class="horarios">(.*?)</ol>', html, re.S)
    assert times and times[1].count("<li") == 5 and times[1].count(" 08:00") == 5
    fired = re.search(r'<ul class="disparos">(.*?)</ul>', html, re.S)
    assert fired and fired[1].count("<li") == 5
    assert "Recusado" in fired[1].split("</li>")[0] and "A pasta não pode ser lida." in fired[1]


def test_a_paused_one_says_so_and_shows_no_next_time() -> None:
    parado()
    html = como("Leitores").get("/agenda/").content.decode()
    assert "Pausado" in html and "horarios" not in html and "nenhum ativo" in html


@pytest.mark.parametrize(("grupo", "botoes"), [("Leitores", 0), ("Operadores", 0), ("Supervisores", 2)])
def test_only_who_may_change_schedules_gets_buttons(grupo: str, botoes: int) -> None:
    novo()
    assert como(grupo).get("/agenda/").content.decode().count("formaction=") == botoes


def test_its_form_is_linked_for_the_staff_alone() -> None:
    row = novo()
    link = f"/admin/executions/agendamento/{row.pk}/change/"
    assert link not in como("Supervisores").get("/agenda/").content.decode()
    client = Client()
    client.force_login(pessoa("Supervisores", is_staff=True))
    assert link in client.get("/agenda/").content.decode()


@pytest.mark.parametrize(("agendamentos", "disparos"), [(1, 1), (30, 10)])
def test_a_poll_takes_two_queries_whatever_the_number_of_schedules_and_firings(
    agendamentos: int, disparos: int
) -> None:
    for n in range(agendamentos):
        disparou(novo(f"agendamento {n}"), disparos)
    client = como("Supervisores")
    with CaptureQueriesContext(connection) as captured:
        assert client.get("/agenda/", headers=HTMX).status_code == 200
    assert len(captured) - AUTH_QUERIES - em_postgres() == 2


def test_an_unchanged_poll_is_204() -> None:
    disparou(novo())
    client = como("Leitores")
    found = re.search(r'hx-get="([^"]+)"', client.get("/agenda/").content.decode())
    assert found and client.get(found[1], headers=HTMX).status_code == 204


# ---- the acts -------------------------------------------------------------------------------------------------------
ACOES: dict[str, tuple[Callable[[], Agendamento], str, str]] = {
    "pausar": (novo, "pausado. Não dispara até ser retomado.", "já estava pausado"),
    "retomar": (parado, "retomado.", "não estava pausado"),
}


@pytest.mark.parametrize("nome", ACOES)
def test_pausing_and_resuming_work_and_twice_change_nothing(nome: str) -> None:
    make, first, second = ACOES[nome]
    row, client = make(), como("Supervisores")
    response = client.post(f"/agenda/{row.pk}/{nome}")
    assert (response.status_code, response["Location"]) == (302, "/agenda/")
    assert first in textos(response)[-1]
    row.refresh_from_db()
    assert (row.pausado_em is None, row.proximo_em is None) == ((nome == "retomar"), (nome == "pausar"))
    before, lines = Agendamento.objects.values().get(), Registro.objects.count()
    assert second in textos(client.post(f"/agenda/{row.pk}/{nome}"))[-1]
    assert (Agendamento.objects.values().get(), Registro.objects.count()) == (before, lines)


def test_executar_agora_starts_it_says_so_and_the_second_is_skipped_while_the_first_runs(pasta: Path) -> None:
    novo_host()
    row = novo(script=script_com_arquivo(pasta))
    client = como("Supervisores")
    assert textos(client.post(f"/agenda/{row.pk}/executar")) == ["Análise diária: Iniciado à mão."]
    assert Processo.objects.count() == 1
    assert "Pulado." in textos(client.post(f"/agenda/{row.pk}/executar"))[-1]
    assert Processo.objects.count() == 1
    assert [d.desfecho for d in Disparo.objects.order_by("id")] == ["manual", "pulado"]


def test_executar_agora_is_refused_to_who_may_not_start_it_himself() -> None:
    row = novo()
    user = pessoa()
    user.user_permissions.set(permissoes("change_agendamento", "view_agendamento"))
    client = Client()
    client.force_login(user)
    assert client.post(f"/agenda/{row.pk}/executar").status_code == 403
    assert not Disparo.objects.exists()
    assert client.get("/agenda/").content.decode().count("formaction=") == 1


def permissoes(*codenames: str) -> Any:
    return Permission.objects.filter(codename__in=codenames)


@pytest.mark.parametrize("nome", ["pausar", "retomar", "executar"])
def test_the_acts_refuse_get_the_anonymous_and_who_may_not(nome: str) -> None:
    row = novo()
    before = Agendamento.objects.values().get()
    assert como("Supervisores").get(f"/agenda/{row.pk}/{nome}").status_code == 405
    assert Client().post(f"/agenda/{row.pk}/{nome}")["Location"] == "/entrar/?next=/"
    assert como("Operadores").post(f"/agenda/{row.pk}/{nome}").status_code == 403
    assert como("Supervisores").post(f"/agenda/999/{nome}").status_code == 404
    assert Agendamento.objects.values().get() == before
