"""What the tests of the processes' pages share: scripts in a folder of their own, and runs in each state."""

import subprocess
import sys
import uuid
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings

from executions import clock, scripts
from executions.models import Host, Processo, Saida, Script
from tests import chain
from tests.factories import novo_host

DECLARADOS = [
    {"nome": "alvo", "tipo": "texto", "rotulo": "Alvo", "obrigatorio": True},
    {"nome": "n", "tipo": "numero", "rotulo": "Quantos", "minimo": 1, "maximo": 9},
    {"nome": "dia", "tipo": "data", "rotulo": "Dia"},
    {"nome": "cor", "tipo": "escolha", "rotulo": "Cor", "opcoes": ["azul", "verde"], "padrao": "azul"},
]


@pytest.fixture(name="pasta")
def pasta_de_scripts(tmp_path: Path, settings: Any) -> Path:
    settings.SCRIPTS_DIR = tmp_path / "scripts"
    settings.SCRIPTS_DIR.mkdir()
    return settings.SCRIPTS_DIR


def novo_script(pasta: Path, codigo: str = "print('oi')", **campos: Any) -> Script:
    nome = campos.pop("nome", f"script_{uuid.uuid4().hex[:6]}.py")
    (pasta / nome).write_text(codigo)
    row = Script(nome=nome, arquivo=nome, **campos)
    row.confirmar()
    row.full_clean()
    row.save()
    return row


def rodada(script: Script, *, pid: int | None = None, **campos: Any) -> Processo:
    """A running process of this script, without its operating-system process. `campos` overwrite its row."""
    host = Host.objects.first() or novo_host(script_places=50)
    row = scripts.pedir_script(script, {"alvo": "x"} if script.parametros else {})
    Processo.objects.filter(pk=row.pk).update(host=host)
    row.refresh_from_db()
    assert row.iniciar()
    assert row.rodar(pid=pid or 200_000 + row.pk, start_ticks=row.pk, boot_id="b", pasta="")
    if campos:
        Processo.objects.filter(pk=row.pk).update(**campos)
    row.refresh_from_db()
    return row


def supervisor_apart(processo: Processo) -> "subprocess.Popen[bytes]":
    """Its supervisor, in a process of its own that the test can kill; returns once the script runs."""
    code = f"from workers import supervision; supervision.supervise('{processo.uuid}')"
    where = {"ROBOT_HOST": settings.ROBOT_HOST, "SCRIPTS_DIR": settings.SCRIPTS_DIR}
    supervisor = subprocess.Popen(
        [sys.executable, str(settings.BASE_DIR / "manage.py"), "shell", "-c", code],
        env=chain.environment(**where),
        start_new_session=True,
    )
    running = Processo.objects.filter(pk=processo.pk, status="running")
    chain.wait_for(running.exists, 20, "the script")
    processo.refresh_from_db()
    return supervisor


def terminada(script: Script, status: str = "exited", motivo: str = "concluido", **campos: Any) -> Processo:
    row = rodada(script)
    assert row.terminar(status, motivo=motivo, exit_code=campos.pop("exit_code", 0), erro=campos.pop("erro", ""))
    agora = clock.db_now()
    Processo.objects.filter(pk=row.pk).update(
        **{"started_at": agora - timedelta(seconds=41), "ended_at": agora} | campos
    )
    row.refresh_from_db()
    return row


def escrever(processo: Processo, texto: str, canal: str = "out") -> Saida:
    """The next chunk of its output."""
    n = processo.saidas.count() + 1
    return Saida.objects.create(processo=processo, n=n, at=clock.db_now(), canal=canal, texto=texto)


def retrato(*scripts_: Script) -> list[Any]:
    """Every row of the processes: equal before and after means that nothing was written."""
    return list(Processo.objects.order_by("pk").values())
