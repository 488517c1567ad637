"""Schedules in the admin: in words, with their next times, and never more than one may start by hand."""

from pathlib import Path
from typing import Any

import pytest
from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction
from django.test import Client
from django.urls import reverse

from executions.models import Agendamento, Execucao, Script
from tests import factories
from tests.admin_pages import agir, da_equipe, ficha, lista
from tests.pages import pagina_leve  # noqa: F401 (a fixture)

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def script(tmp_path: Path, settings: Any) -> Script:
    settings.SCRIPTS_DIR = tmp_path
    (tmp_path / "a.py").write_text("")
    row = Script(nome="a.py", arquivo="a.py")
    row.confirmar()
    row.save()
    return row


# ---- what is accepted -----------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("campos", "onde"),
    [
        ({"cron": "* * * *"}, "cron"), ({"script": None}, "script"), ({"pasta": "/x"}, "script"),
        ({"parametros": {"x": "1"}}, "parametros"), ({"parametros": []}, "parametros"),
        ({"lote": True}, "pasta"), ({"lote": True, "nomes": "a", "pasta": "/x"}, "pasta"),
        ({"lote": True, "pasta": "x"}, "pasta"), ({"lote": True, "nomes": "a", "robo": "x"}, "robo"),
        ({"lote": True, "nomes": "a", "outra": True}, "credencial"),
    ],
)  # fmt: skip
def test_a_schedule_that_could_never_start_is_refused(script: Script, campos: dict[str, Any], onde: str) -> None:
    base: dict[str, Any] = {"nome": "x", "cron": "* * * * *", "script": script}
    if campos.pop("lote", False):
        credencial = factories.nova_credencial()
        base |= {"script": None, "portal": credencial.portal, "credencial": credencial}
    if campos.pop("outra", False):
        base["credencial"] = factories.nova_credencial()
    with pytest.raises(ValidationError) as refused:
        Agendamento(**base | campos).clean()
    assert set(refused.value.message_dict) == {onde}


def test_the_database_refuses_a_schedule_of_both_kinds_or_of_none(script: Script) -> None:
    credencial = factories.nova_credencial()
    for campos in ({}, {"script": script, "portal": credencial.portal, "credencial": credencial}):
        with pytest.raises(IntegrityError), transaction.atomic():
            Agendamento.objects.create(nome="x", cron="* * * * *", **campos)


# ---- the pages ------------------------------------------------------------------------------------------------------
@pytest.mark.usefixtures("grupos", "pagina_leve")
class TestAgendamentoNoAdmin:
    def _dados(self, **campos: Any) -> dict[str, Any]:
        base = {"nome": "noite", "cron": "0 8 * * 1-5", "parametros": "{}", "robo": "peticoes", "mode": "headless"}
        return base | {"max_robots": "1", "avisar_em": "falha"} | campos

    def test_a_supervisor_makes_one_and_sees_it_in_words_with_its_next_five_times(self, script: Script) -> None:
        client = da_equipe("Supervisores")
        url = reverse("admin:executions_agendamento_add")
        assert client.get(url).status_code == 200
        assert "cinco campos" in client.post(url, self._dados(cron="8h", script=script.pk)).content.decode()
        assert client.post(url, self._dados(script=script.pk)).status_code == 302
        row = Agendamento.objects.get()
        assert row.proximo_em and row.usuario
        html = client.get(ficha(row)).content.decode()
        assert "de segunda-feira a sexta-feira às 08:00" in html and html.count("08:00</time>") == 5
        assert client.post(ficha(row), self._dados(cron="30 9 * * *", script=script.pk)).status_code == 302
        row.refresh_from_db()
        assert row.proximo_em.astimezone().minute == 30

    def test_what_changed_is_told_from_the_row_and_not_from_what_came_with_the_page(self, script: Script) -> None:
        """Another person changed the parameters since the page was made: this form's are still the ones wanted."""
        Script.objects.update(parametros=[{"nome": "dia", "tipo": "texto"}])
        row = Agendamento.objects.create(nome="noite", cron="0 8 * * *", script=script, parametros={"dia": "velho"})
        client = da_equipe("Supervisores")
        assert "initial-parametros" not in client.get(ficha(row)).content.decode()
        Agendamento.objects.update(parametros={"dia": "de outra pessoa"})
        wanted = '{"dia": "velho"}'
        data = self._dados(script=script.pk, parametros=wanted) | {"initial-parametros": wanted}
        assert client.post(ficha(row), data).status_code == 302
        row.refresh_from_db()
        assert row.parametros == {"dia": "velho"}
        assert client.post(ficha(row), self._dados(script=script.pk, parametros="")).status_code == 302
        row.refresh_from_db()
        assert row.parametros == {}

    def test_nobody_schedules_a_script_that_he_may_not_run(self, script: Script) -> None:
        client = da_equipe(permissoes=("add_agendamento", "view_script"))
        response = client.post(reverse("admin:executions_agendamento_add"), self._dados(script=script.pk))
        assert "Você não pode executar este script." in response.content.decode()
        assert not Agendamento.objects.exists()

    def test_the_acts_pause_go_on_and_run_and_lists_stay_short(
        self, script: Script, django_assert_max_num_queries: Any
    ) -> None:
        rows = [Agendamento.objects.create(nome=f"n{n}", cron="0 8 * * *", script=script) for n in range(5)]
        client, reader = da_equipe("Supervisores"), da_equipe("Leitores")
        with django_assert_max_num_queries(9):
            assert client.get(lista(Agendamento)).status_code == 200
        agir(client, "pausar", *rows)
        assert not Agendamento.objects.filter(pausado_em=None).exists()
        assert "Pausado. Se retomado" in client.get(ficha(rows[0])).content.decode()
        agir(client, "retomar", *rows)
        assert Agendamento.objects.filter(pausado_em=None, proximo_em__isnull=False).count() == 5
        agir(client, "executar_agora", rows[0])
        assert rows[0].disparos.get().desfecho == "manual"
        assert "iniciado à mão" in client.get(ficha(rows[0])).content.decode().lower()
        agir(reader, "executar_agora", rows[1])
        assert not rows[1].disparos.exists() and reader.get(lista(Agendamento)).status_code == 200
        assert isinstance(client, Client) and not Execucao.objects.exists()
