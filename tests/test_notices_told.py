"""Who is told of which end, where notices may go, and that no address is ever shown again."""

import json
import logging
import re
from pathlib import Path
from typing import Any

import pytest
from django.core.exceptions import ValidationError
from django.urls import reverse

from executions import agenda, avisos, clock
from executions.models import Agendamento, Aviso, Destino, Disparo, Processo, Script
from tests import factories
from tests.admin_pages import agir, da_equipe, ficha, lista
from tests.conftest import Tempo
from tests.destinations import (  # noqa: F401 (fixtures too)
    SEGREDO,
    destino,
    entregar,
    servidor_de_email,
    servidor_http,
    terminado,
)
from tests.pages import pagina_leve  # noqa: F401 (a fixture)
from workers import scheduler
from workers.scripts import ScriptExecutor

pytestmark = pytest.mark.django_db(transaction=True)


# ---- who is told ----------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("avisar_em", "motivo", "n"),
    [("nunca", "falha", 0), ("falha", "falha", 1), ("falha", "tempo", 1), ("falha", "perdido", 1),
     ("falha", "concluido", 0), ("sempre", "concluido", 1), ("sempre", "falha", 1)],
)  # fmt: skip
def test_a_script_tells_its_destinations_when_it_was_asked_to(avisar_em: str, motivo: str, n: int) -> None:
    processo = terminado(motivo, destino("a@example.org"), avisar_em=avisar_em)
    assert [avisos.do_processo(processo), avisos.do_processo(processo)] == [n, 0]
    avisos.passo()
    assert Aviso.objects.filter(processo=processo).count() == n


def test_a_script_that_really_fails_is_told_by_its_supervisor(tmp_path: Path, settings: Any) -> None:
    settings.SCRIPTS_DIR, settings.ROBOT_HOST = tmp_path, f"teste-{tmp_path.name}"
    (tmp_path / "cai.py").write_text("raise SystemExit(7)")
    script = Script(nome="cai.py", arquivo="cai.py")
    script.confirmar()
    script.save()
    script.destinos.add(destino("a@example.org"))
    assert ScriptExecutor().execute_script("cai.py")[0] == 7
    aviso = Aviso.objects.get()
    assert aviso.processo == Processo.objects.get() and "Código de saída 7." in aviso.corpo


def test_an_execution_is_told_by_the_tick_once_for_each_end() -> None:
    batch = factories.nova_execucao(2)
    batch.destinos.add(destino("a@example.org"))
    scheduler.step()
    assert not Aviso.objects.exists()
    batch.encerrar()
    scheduler.step()
    scheduler.step()
    aviso = Aviso.objects.get()
    assert aviso.assunto == f"[Controle de Robôs] Execução {batch.pk}: erro com 2 falhas"
    assert "0 de 2 arquivos respondidos e 2 falhas." in aviso.corpo
    assert re.search(r"a \d\d/\d\d/\d{4} \d\d:\d\d:\d\d \(UTC-03:00\)\.", aviso.corpo)
    assert batch.reabrir()
    batch.interromper("navegador", "caiu")
    scheduler.step()
    assert Aviso.objects.filter(execucao=batch).count() == 2


def test_a_notice_of_one_file_is_in_the_singular() -> None:
    batch = factories.nova_execucao(1, destinos=[destino("a@example.org")])
    batch.encerrar()
    avisos.passo()
    aviso = Aviso.objects.get()
    assert aviso.assunto.endswith("erro com 1 falha") and "0 de 1 arquivo respondido e 1 falha." in aviso.corpo


def test_a_schedule_tells_its_own_destinations_and_each_is_told_once() -> None:
    both, mine, off = (destino("a@example.org", nome) for nome in ("ambos", "meu", "desligado"))
    Destino.objects.filter(pk=off.pk).update(ativo=False)
    processo = terminado("falha", both)
    row = Agendamento.objects.create(nome="noite", cron="0 2 * * *", script=processo.script)
    row.destinos.set([both, mine, off])
    Disparo.objects.create(agendamento=row, at=clock.db_now(), desfecho="iniciado", processo=processo)
    assert avisos.do_processo(processo) == 2
    assert set(Aviso.objects.values_list("destino__nome", flat=True)) == {"ambos", "meu"}


def test_a_schedule_that_is_refused_says_so_once_a_streak(tempo: Tempo) -> None:
    script = Script.objects.create(nome="x", arquivo="nada.py", ativo=False)
    row = Agendamento.objects.create(nome="noite", cron="* * * * *", script=script)
    row.destinos.add(destino("a@example.org"))
    for _ in range(4):
        agenda.disparar(tempo.avancar(60))
    assert row.disparos.filter(desfecho="recusado").count() == 4
    aviso = Aviso.objects.get()
    assert aviso.assunto == "[Controle de Robôs] Agendamento noite: recusado" and "desativado" in aviso.corpo


# ---- addresses ------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    "url", ["", "ana", "ana@", "ana@x.org\nBcc: b@x.org", "syslog://", "syslog://x", "dbus://x", "file:///etc/passwd",
            "json://a json://b", "://x", "tgram:", "javascript:alert(1)"],
)  # fmt: skip
def test_what_is_no_address_or_acts_on_the_machine_itself_is_refused(url: str) -> None:
    with pytest.raises(ValidationError):
        Destino(nome="x").trocar_url(url)


def test_a_subject_is_one_line(correio: Any) -> None:
    server = correio()
    factories.novo_host()
    avisos.do_processo(terminado("falha", destino("a@example.org"), nome="x\nBcc: b@example.org"))
    entregar()
    headers = server.mails[0].split("\r\n\r\n")[0]
    assert "Subject:" in headers and "\nBcc:" not in headers and Aviso.objects.get().sent_at


# ---- secrets and people ---------------------------------------------------------------------------------------------
@pytest.mark.usefixtures("grupos", "pagina_leve")
def test_an_address_is_written_and_never_shown_again(webhook: Any, caplog: Any, capfd: Any) -> None:
    caplog.set_level(logging.DEBUG, "robotcontrol")
    hook = webhook(500)
    factories.novo_host()
    client = da_equipe("Supervisores")
    added = client.post(reverse("admin:executions_destino_add"), {"nome": "equipe", "url": hook.url, "ativo": "on"})
    assert added.status_code == 302
    row = Destino.objects.get()
    assert (row.url, row.tipo) == (hook.url, "json") and SEGREDO not in row.url_cifrada
    assert client.post(ficha(row), {"nome": "outro", "url": "", "ativo": "on"}).status_code == 302
    row.refresh_from_db()
    assert (row.nome, row.url) == ("outro", hook.url)
    wrong = client.post(ficha(row), {"nome": "", "url": f"{SEGREDO}", "ativo": "on"})
    agir(client, "testar", row)
    entregar()
    pages = [ficha(row), lista(Destino), lista(Aviso), ficha(Aviso.objects.get())]
    html = "".join(client.get(page).content.decode() for page in pages) + wrong.content.decode()
    html += client.get(reverse("admin:executions_destino_history", args=[row.pk])).content.decode()
    assert SEGREDO not in html and row.url_cifrada not in html
    assert SEGREDO not in json.dumps(list(Aviso.objects.values()), default=str)
    assert "erro 500" in Aviso.objects.get().erro
    assert SEGREDO not in caplog.text and SEGREDO not in "".join(capfd.readouterr())


@pytest.mark.usefixtures("grupos", "pagina_leve")
@pytest.mark.parametrize(("grupo", "status"), [("Leitores", 403), ("Operadores", 403), ("Supervisores", 200)])
def test_only_supervisors_see_and_make_destinations(grupo: str, status: int) -> None:
    client = da_equipe(grupo)
    assert client.get(lista(Destino)).status_code == client.get(lista(Aviso)).status_code == status
    assert client.get(reverse("admin:executions_destino_add")).status_code == status


@pytest.mark.usefixtures("grupos", "pagina_leve")
def test_who_may_change_but_not_add_a_destination_does_not_choose_where_it_goes() -> None:
    row = destino("a@example.org")
    client = da_equipe(permissoes=("view_destino", "change_destino"))
    client.post(ficha(row), {"nome": "novo", "url": "b@example.org", "ativo": "on"})
    row.refresh_from_db()
    assert (row.nome, row.url) == ("novo", "a@example.org")
