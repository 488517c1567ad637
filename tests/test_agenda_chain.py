"""Schedules and notices with a real host: its scheduler fires them, its cluster starts and sends them."""

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.db.models import F

from executions import clock
from executions.models import Agendamento, Aviso, Disparo, Execucao, Host, Script
from tests import chain, factories
from tests.destinations import destino, servidor_http  # noqa: F401 (a fixture)
from tests.intake_helpers import NOME, pdf

pytestmark = pytest.mark.django_db(transaction=True)


def vencer(*agendamentos: Agendamento) -> None:
    """As if their time had just come."""
    pks = [row.pk for row in agendamentos]
    Agendamento.objects.filter(pk__in=pks).update(proximo_em=clock.db_now() - timedelta(seconds=1))


def test_a_real_host_fires_a_script_and_a_folder_and_sends_the_notices(
    tmp_path: Path, webhook: Any, settings: Any
) -> None:
    settings.SCRIPTS_DIR = tmp_path / "scripts"
    settings.SCRIPTS_DIR.mkdir()
    (settings.SCRIPTS_DIR / "cai.py").write_text("raise SystemExit(5)")
    (tmp_path / NOME).write_bytes(pdf("Petição"))
    hook = webhook(503, 200)
    script = Script(nome="cai.py", arquivo="cai.py")
    script.confirmar()
    script.save()
    credencial = factories.nova_credencial()
    of_script = Agendamento.objects.create(nome="script", cron="0 4 * * *", script=script)
    of_folder = Agendamento.objects.create(
        nome="pasta", cron="0 4 * * *", portal=credencial.portal, credencial=credencial, pasta=str(tmp_path)
    )
    of_script.destinos.add(destino(hook.url))
    with chain.machine(TIME_DIVISOR=10, SCRIPTS_DIR=settings.SCRIPTS_DIR, HOST_MAX_ROBOTS=0):
        chain.wait_for(lambda: Host.objects.vivos(clock.db_now()).exists(), 20, "a live host")
        vencer(of_script, of_folder)
        fired = Disparo.objects.filter(desfecho="iniciado")
        chain.wait_for(lambda: fired.count() == 2, 30, "both firings")
        chain.wait_for(lambda: Aviso.objects.filter(attempts=1, asked_at=None).exists(), 30, "the first attempt")
        Aviso.objects.update(next_at=F("next_at") - timedelta(minutes=1))
        chain.wait_for(lambda: Aviso.objects.filter(sent_at__isnull=False).exists(), 30, "the notice")
    (told,) = hook.told
    assert told["title"] == "[Controle de Robôs] Script cai.py: falhou" and "Código de saída 5." in told["message"]
    assert Execucao.objects.get(disparos__agendamento=of_folder).total_arquivos == 1
    assert Aviso.objects.get().attempts == 2 and not chain.left_over()
