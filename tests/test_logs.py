"""Log lines: JSON with the same fields everywhere, without secrets, and with events that the documentation lists."""

import ast
import json
import logging
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.test import Client

from executions import contexto, vault
from executions.models import Processo, Registro
from executions.results import ErroClasse
from robotcontrol import logs
from tests.factories import nova_credencial, nova_execucao, novo_host, novo_robo, tomado
from tests.pages import como, pagina_leve  # noqa: F401 (a fixture)
from tests.test_architecture import ARQUIVOS, RAIZ, arvore
from workers import cluster
from workers.life import Life
from workers.robot_supervisor import _said

CANARIO = "canario-da-senha-4417"


def linha(texto: str = "algo", *, exc_info: Any = None, **campos: Any) -> dict[str, Any]:
    record = logging.LogRecord("robotcontrol.x", logging.WARNING, "f", 1, texto, None, exc_info)
    vars(record).update(campos)
    texto = logs.JsonFormatter().format(record)
    assert "\n" not in texto
    return json.loads(texto)


@pytest.fixture
def ouvidas() -> Iterator[list[dict[str, Any]]]:
    """The JSON lines of the history, as they would be written."""
    heard: list[dict[str, Any]] = []

    class Ouvinte(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            heard.append(json.loads(logs.JsonFormatter().format(record)))

    handler = Ouvinte()
    watched = [logging.getLogger("robotcontrol.registro"), logging.getLogger("robotcontrol.web")]
    for logger in watched:
        logger.addHandler(handler)
    yield heard
    for logger in watched:
        logger.removeHandler(handler)


# ---- how a line looks -----------------------------------------------------------------------------------------------
@pytest.mark.nodb
def test_a_line_has_its_time_in_utc_its_event_and_its_surroundings() -> None:
    with contexto.com(request_id="abc", execucao_id=7):
        line = linha("duas\nlinhas", event="pausada", usuario="ana", outro="não é um campo")
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}\+00:00", line.pop("ts"))
    assert line.pop("host") and line.pop("pid") == os.getpid()
    assert line == {
        "level": "warning", "event": "pausada", "logger": "robotcontrol.x", "msg": "duas\nlinhas",
        "request_id": "abc", "execucao_id": 7, "usuario": "ana",
    }  # fmt: skip
    assert "request_id" not in linha() and linha()["event"] == "robotcontrol.x"


@pytest.mark.nodb
def test_a_message_cannot_forge_a_second_line_of_text() -> None:
    record = logging.LogRecord("x", logging.INFO, "f", 1, "a\nb\r\nc", None, None)
    assert logs.LineFormatter("%(message)s").format(record) == "a\\nb\\r\\nc"


@pytest.mark.nodb
@pytest.mark.parametrize("formato", [logs.JsonFormatter(), logs.LineFormatter("%(message)s")])
def test_secrets_are_masked_in_message_and_traceback(formato: logging.Formatter, settings: Any) -> None:
    settings.METRICS_TOKEN = "segredo-do-prometheus"
    vault.decrypt(vault.encrypt(CANARIO))
    try:
        raise ValueError(f"login com {CANARIO}")
    except ValueError:
        trace = sys.exc_info()
    said = (
        f"{CANARIO} segredo-do-prometheus Authorization: Bearer cr_abcdefghijklmnop "
        "postgres://dono:senhadobanco@servidor/db senha=outra123 {'password': 'mais-uma'}"
    )
    record = logging.LogRecord("x", logging.ERROR, "f", 1, said, None, trace)
    written = formato.format(record)
    for secret in (CANARIO, "segredo-do-prometheus", "cr_abcdef", "senhadobanco", "outra123", "mais-uma"):
        assert secret not in written
    assert "ValueError" in written and "servidor/db" in written


@pytest.mark.nodb
def test_a_robots_last_words_are_understood_in_either_format() -> None:
    assert _said('{"msg": "caiu", "level": "error"}') == "caiu"
    assert [_said(line) for line in ("ValueError: x", "{", "3", "")] == ["ValueError: x", "{", "3", ""]


# ---- who writes them ------------------------------------------------------------------------------------------------
@pytest.mark.django_db(transaction=True)
def test_an_act_is_a_line_once_it_is_committed(ouvidas: list[dict[str, Any]], pagina_leve: None) -> None:  # noqa: F811
    lote = nova_execucao(1)
    client = Client(headers={"X-Request-ID": "pedido-numero-1"})
    Client.force_login(client, _operador())
    ouvidas.clear()
    response = client.post(f"/execucoes/{lote.pk}/pausar")
    assert response["X-Request-ID"] == "pedido-numero-1"
    act, request = ouvidas
    assert (act["event"], act["execucao_id"], act["request_id"]) == ("pausada", lote.pk, "pedido-numero-1")
    assert act["usuario"] == request["usuario"] == "operador"
    assert (request["event"], request["request_id"]) == ("pedido", "pedido-numero-1") and request["duration_ms"] >= 0


def _operador() -> Any:
    from django.contrib.auth.models import Permission, User  # noqa: PLC0415

    user = User.objects.create_user("operador")
    user.user_permissions.set(Permission.objects.filter(codename__in=("view_execucao", "iniciar")))
    return user


@pytest.mark.django_db
def test_what_was_rolled_back_is_no_line(ouvidas: list[dict[str, Any]]) -> None:
    Registro.objects.anotar("pausada", "x")  # the test's own transaction never commits
    assert ouvidas == []


@pytest.mark.django_db
def test_a_robots_lines_carry_robot_item_and_token(ouvidas: list[dict[str, Any]]) -> None:
    lote = nova_execucao(1, credencial=nova_credencial())
    robo = novo_robo(lote)
    life = Life(Processo.objects.get(pk=robo.pk))
    life.item = tomado(lote, robo)
    life.note("tempo_esgotado", "esgotou", "warning", life.item)
    (line,) = ouvidas
    assert (line["event"], line["erro_classe"], line["level"]) == ("tempo_esgotado", "tempo_esgotado", "warning")
    assert (line["item_id"], line["token"], line["tentativa"]) == (life.item.pk, 1, 1)
    life.item = None
    assert "token" not in linha()


def test_a_request_gets_a_number_of_its_own_when_the_given_one_is_odd(pagina_leve: None) -> None:  # noqa: F811
    numbers = [Client(headers={"X-Request-ID": odd}).get("/healthz/live")["X-Request-ID"] for odd in ("<x>", "", "a")]
    assert all(re.fullmatch("[0-9a-f]{32}", number) for number in numbers) and len(set(numbers)) == 3


@pytest.mark.django_db
def test_a_poll_writes_no_line(ouvidas: list[dict[str, Any]], pagina_leve: None) -> None:  # noqa: F811
    como("Leitores").get("/")
    assert [line for line in ouvidas if line["event"] == "pedido" and line["duration_ms"] < 1000] == []


@pytest.mark.nodb
def test_every_process_of_a_machine_appends_to_the_file_and_to_its_stderr(tmp_path: Path) -> None:
    path = tmp_path / "robos.jsonl"
    script = "import django, logging; django.setup(); logging.getLogger('robotcontrol.x').warning('um\\ndois')"
    where = {"LOG_FORMAT": "json", "LOG_FILE": str(path), "VAR_DIR": str(tmp_path), "PATH": os.environ["PATH"]}
    for _ in range(2):
        ran = subprocess.run(
            [sys.executable, "-c", script], env=where | {"DJANGO_SETTINGS_MODULE": "robotcontrol.settings"}, cwd=RAIZ,
            capture_output=True, text=True, check=True, timeout=60,
        )  # fmt: skip
        assert json.loads(ran.stderr)["msg"] == "um\ndois"
    assert [json.loads(line)["level"] for line in path.read_text().splitlines()] == ["warning", "warning"]


# ---- the list of events ---------------------------------------------------------------------------------------------
def eventos_do_codigo() -> set[str]:
    """First arguments of `anotar` and `note`, the events of `_pedir_morte` and `_mudar`, and every `"event": "…"`.

    One that is put together is shown as it is written, so that it is never found in the list.
    """
    found: set[str] = set()
    for arquivo in ARQUIVOS:
        tree = arvore(arquivo)
        names = {
            target.id: node.value.value
            for node in tree.body
            if isinstance(node, ast.Assign) and isinstance(node.value, ast.Constant)
            for target in node.targets
            if isinstance(target, ast.Name)
        }
        for node in ast.walk(tree):
            if isinstance(node, ast.Dict):
                pairs = [(k, v) for k, v in zip(node.keys, node.values, strict=True) if k]
                found |= {_texto(v, names) for k, v in pairs if isinstance(k, ast.Constant) and k.value == "event"}
            elif isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.args:
                position = {"anotar": 0, "_anotar": 0, "note": 0, "_pedir_morte": 1, "_mudar": 3}.get(node.func.attr)
                if position is not None and len(node.args) > position:
                    found.add(_texto(node.args[position], names))
    return found - {""}


def _texto(node: ast.expr, names: dict[str, Any]) -> str:
    if isinstance(node, ast.Name):
        return str(names.get(node.id, ""))
    if isinstance(node, ast.JoinedStr | ast.BinOp):
        return ast.unparse(node)
    return str(node.value) if isinstance(node, ast.Constant) else ""


@pytest.mark.nodb
def test_every_line_of_our_logs_has_an_event() -> None:
    calls = [
        (arquivo, node)
        for arquivo in ARQUIVOS
        for node in ast.walk(arvore(arquivo))
        if isinstance(node, ast.Call) and ast.unparse(node.func).startswith("logger.") and node.args
    ]
    assert len(calls) > 30
    bare = [name for name, node in calls if not any(word.arg == "extra" for word in node.keywords)]
    assert set(bare) <= {"executions/models/registro.py"}


@pytest.mark.nodb
def test_the_documentation_lists_exactly_the_events_of_the_code() -> None:
    text = (RAIZ / "docs/observability.md").read_text().partition("## Events")[2].partition("\n## ")[0]
    listed = {
        name
        for row in text.splitlines()
        if row.startswith("| `")
        for name in re.findall("`([a-z_0-9]+)`", row.split("|")[1])
    }
    code = eventos_do_codigo()
    assert "pausada" in code and len(code) > 30
    assert listed == code - set(ErroClasse.values)


@pytest.mark.django_db
def test_the_clusters_log_is_bounded_while_its_writers_keep_it_open(tmp_path: Path, monkeypatch: Any) -> None:
    monkeypatch.setattr(cluster, "LOG_BYTES", 100)
    ours = cluster.Cluster(novo_host(), 1, tmp_path / "cluster.log")
    ours.trim_log()  # nothing has been written yet
    with ours.log.open("ab", buffering=0) as writer:
        writer.write(b"short\n")
        ours.trim_log()
        assert ours.log.read_bytes() == b"short\n"
        for round_ in range(3):
            writer.write(b"x" * 100 + b"%d\n" % round_)
            ours.trim_log()
        writer.write(b"afterwards\n")
    assert ours.log.read_bytes() == b"afterwards\n"
    assert (tmp_path / "cluster.log.1").read_bytes() == b"x" * 100 + b"2\n"


@pytest.mark.django_db
def test_a_full_disk_shortens_the_clusters_log_all_the_same(
    tmp_path: Path, monkeypatch: Any, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(cluster, "LOG_BYTES", 100)
    ours = cluster.Cluster(novo_host(), 1, tmp_path / "cluster.log")
    (tmp_path / "cluster.log.1").symlink_to("/dev/full")
    ours.log.write_bytes(b"x" * 101)
    ours.trim_log()
    assert ours.log.read_bytes() == b""
    assert [record.event for record in caplog.records] == ["log_perdido"]  # type: ignore[attr-defined]
