"""The calls of both seed documents as they are written there, by curl against a real server; only a token is added."""

import json
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from executions.models import Execucao, Processo
from tests import chain, factories
from tests.api import FILED, TODAS, novo_script, script_vivo, token
from tests.intake_helpers import OUTRO
from tests.web import web

pytestmark = pytest.mark.django_db(transaction=True)
PDF = b"%PDF-1.4\n%%EOF"


class Curl:
    """Runs a call of the documents. `localhost:5001` of the first becomes this server, and the token is added."""

    def __init__(self, port: int, texto: str) -> None:
        self.port, self.texto = port, texto

    def __call__(self, *arguments: str) -> tuple[int, Any]:
        words = [word.replace("localhost:5001", f"127.0.0.1:{self.port}") for word in arguments]
        auth = ["-H", f"Authorization: Bearer {self.texto}"] if self.texto else []
        command = ["curl", "-sS", "--max-time", "60", "-w", "\n%{http_code}", *words, *auth]
        done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=90)
        body, _, status = done.stdout.rpartition("\n")
        return int(status), json.loads(body)

    def url(self, path: str) -> str:
        return f"http://127.0.0.1:{self.port}{path}"


@pytest.fixture
def curl(settings, tmp_path: Path) -> Iterator[Curl]:
    settings.SCRIPTS_DIR = tmp_path
    with web(2, SCRIPTS_DIR=tmp_path) as port:
        yield Curl(port, token(*TODAS))


def test_the_first_documents_calls(curl: Curl, settings, tmp_path: Path) -> None:
    assert curl("http://localhost:5001/api/processos") == (200, [])
    row = novo_script(settings, tmp_path, nome="script.py")
    vivo = script_vivo(row, pid=4242)
    status, processos = curl("http://localhost:5001/api/processos")
    # As its dashboard.js looks for the script that it is about to run.
    assert status == 200 and [p["pid"] for p in processos if p["script"] == "script.py"] == [4242]
    status, said = curl(
        "-X", "POST", "http://localhost:5001/api/processos/executar", "-H", "Content-Type: application/json",
        "-d", '{"script":"script.py","params":{},"timeout":30}',
    )  # fmt: skip
    assert (status, said["detail"]) == (409, "Script já está em execução (PID: 4242)")
    status, said = curl(
        "-X", "POST", "http://localhost:5001/api/processos/matar", "-H", "Content-Type: application/json",
        "-d", '{"script":"script.py"}',
    )  # fmt: skip
    assert (status, said["encerrado"]) == (200, True)
    vivo.refresh_from_db()
    assert vivo.kill_requested_at
    status, said = curl("-X", "POST", "http://localhost:5001/api/processos/matar-todos")
    assert (status, said["encerrados"]) == (200, 0)
    status, said = curl(f"http://localhost:5001/api/processos/{vivo.uuid}")
    assert (status, said["script"], said["log"]) == (200, "script.py", "")


def test_the_second_documents_calls(curl: Curl, tmp_path: Path) -> None:
    factories.novo_host(places=4)
    credencial = factories.nova_credencial()
    body = {"files": [FILED, "sem número.pdf"], "mode": "headless", "robots": 2, "usuario": "maria"}
    status, said = curl(
        "-X", "POST", curl.url("/enqueue"), "-H", "Content-Type: application/json", "-d", json.dumps(body)
    )
    assert (status, said["aceitos"], [r["arquivo"] for r in said["rejeitados"]]) == (200, 1, ["sem número.pdf"])
    batch = Execucao.objects.get(pk=said["execucao"])
    assert (batch.status, batch.max_robots, batch.solicitante, batch.credencial) == ("queued", 2, "maria", credencial)
    assert [item.status for item in batch.itens.all()] == ["pending"]
    for expected in (True, False):
        status, said = curl("-X", "POST", curl.url("/start-worker"))
        assert (status, said["iniciado"], said["ja_em_execucao"]) == (200, expected, not expected)
    status, said = curl(curl.url("/robots"))
    assert status == 200 and [r["execucao"] for r in said["robots"]] == [batch.pk]
    status, _ = curl(curl.url(f"/api/execucoes/{batch.pk}?depois=0&limite=10"))
    assert status == 200
    kill = json.dumps({"worker_id": said["robots"][0]["worker_id"]})
    status, said = curl("-X", "POST", curl.url("/robots/kill"), "-H", "Content-Type: application/json", "-d", kill)
    assert (status, said["encerrado"]) == (200, True)
    factories.nova_execucao(3)
    status, said = curl("-X", "POST", curl.url("/robots/kill-workers"))
    assert (status, said["execucoes"]) == (200, 1)
    assert set(Execucao.objects.values_list("status", flat=True)) == {"error"}


def test_files_are_uploaded_as_a_form(curl: Curl, tmp_path: Path) -> None:
    factories.nova_credencial()
    paths = [tmp_path / FILED, tmp_path / f"{OUTRO}_1234_5678_x.pdf", tmp_path / "foto.png"]
    for path in paths:
        path.write_bytes(PDF + bytes(3_000_000) if path == paths[1] else PDF)
    files = [word for path in paths for word in ("-F", f"files=@{path}")]
    status, said = curl("-X", "POST", curl.url("/enqueue"), *files, "-F", "mode=visible", "-F", "robots=3")
    assert (status, said["aceitos"], [r["arquivo"] for r in said["rejeitados"]]) == (200, 2, ["foto.png"])
    batch = Execucao.objects.get()
    assert (batch.mode, batch.max_robots) == ("visible", 3)
    assert sorted(len(bytes(item.arquivo)) for item in batch.itens.all()) == [len(PDF), len(PDF) + 3_000_000]


def test_without_the_token_nothing_answers(curl: Curl) -> None:
    anonymous = Curl(curl.port, "")
    for arguments in (["/api/processos"], ["/robots"], ["/start-worker", "-X", "POST"], ["/enqueue", "-d", "files=x"]):
        status, said = anonymous(anonymous.url(arguments[0]), *arguments[1:])
        assert (status, said["title"]) == (401, "Não autenticado")


def test_thirteen_starts_of_a_script_at_once_give_one_process(curl: Curl, settings, tmp_path: Path) -> None:
    novo_script(settings, tmp_path, nome="script.py")
    body = '{"script": "script.py"}'

    def start(_: int) -> tuple[int, Any]:
        return curl(
            "-X", "POST", curl.url("/api/processos/executar"), "-H", "Content-Type: application/json", "-d", body
        )

    answers = factories.in_threads(13, start)
    assert sorted(status for status, _ in answers) == [202] + [409] * 12
    assert {said["detail"] for status, said in answers if status == 409} == {"Script já está na fila"}
    assert Processo.objects.count() == 1


def test_a_script_runs_to_its_end_on_a_real_host_and_its_log_is_read(curl: Curl, settings, tmp_path: Path) -> None:
    code = "import sys\nprint('::progress 40/80 metade')\nprint('olá', sys.argv[1:])\nsys.exit(3)"
    novo_script(settings, tmp_path, code, nome="script.py", parametros=[{"nome": "n", "tipo": "numero"}])
    with chain.machine(SCRIPTS_DIR=tmp_path):
        status, made = curl(
            "-X", "POST", "http://localhost:5001/api/processos/executar", "-H", "Content-Type: application/json",
            "-d", '{"script":"script.py","params":{"n":7},"timeout":30}',
        )  # fmt: skip
        assert status == 202

        def ended() -> Any:
            found = curl(curl.url(f"/api/processos/{made['uuid']}"))[1]
            return found if found["ended_at"] else None

        found = chain.wait_for(ended, 40, "the script's end")
    assert (found["exit_code"], found["progresso"], found["motivo"]) == (3, 50.0, "falha")
    assert "olá ['--n=7']" in found["log"] and found["timeout"] == 30
