"""`runrobots` and `killrobots` as a person types them: answers, exit codes, and a sentence for every bad input."""

import csv
import io
import os
import signal
import socket
import sqlite3
from pathlib import Path

import pytest
from django.conf import settings
from django.contrib.auth.models import User

from executions.models import Credencial, Execucao, Host, Processo
from tests import chain, factories
from tests.intake_helpers import pdf
from workers.portals.demo.cases import CASO_DO_CENARIO
from workers.portals.demo.server import PortalDemo

browser = pytest.mark.browser
pytestmark = pytest.mark.django_db(transaction=True)

FILED = f"{CASO_DO_CENARIO['protocolada']}_4321_87654_Petição.pdf"
UNKNOWN = f"{CASO_DO_CENARIO['desconhecido']}_4321_87654_Réplica.pdf"
HEADER = (
    "arquivo;processo;identificador;situacao;resultado;protocolada_em;juntada_em;protocolo;documento;erro_classe;"
    "detalhes;tentativas"
)


def no_traceback(report) -> str:
    text = report.stdout + report.stderr
    assert "Traceback" not in text, text
    return text


@browser
def test_names_are_answered_printed_and_written_in_the_order_of_the_input(tmp_path: Path) -> None:
    names, output = tmp_path / "nomes.txt", tmp_path / "resultados.csv"
    names.write_text(f"{UNKNOWN}\nsem número.pdf\n=cmd()_{FILED}\n", encoding="utf-8")
    with PortalDemo() as portal:
        chain.demo_portal(portal.url)
        report = chain.manage(
            "runrobots",
            FILED,
            "--names-file",
            str(names),
            "--max-robots",
            "2",
            "--titulo",
            "L",
            "--output",
            str(output),
        )
    text = no_traceback(report)
    assert report.returncode == 1, text  # one line was rejected
    raw = output.read_bytes()
    assert raw.startswith(b"\xef\xbb\xbf" + HEADER.encode())
    rows = list(csv.DictReader(io.StringIO(raw.decode("utf-8-sig")), delimiter=";"))
    assert [row["arquivo"] for row in rows] == [FILED, UNKNOWN, "sem número.pdf", f"'=cmd()_{FILED}"]
    assert [row["resultado"] for row in rows] == ["protocolada", "processo_nao_encontrado", "", "protocolada"]
    assert [row["situacao"] for row in rows] == ["done", "done", "rejeitado", "done"]
    assert rows[0]["protocolada_em"] == "2026-02-26 11:23:45" and rows[2]["erro_classe"] == "entrada_invalida"
    assert "Protocolada" in text and "Execução" in text
    assert Execucao.objects.get().titulo == "L"
    assert not chain.left_over()


@browser
def test_all_answered_exits_0_and_a_comma_writes_plain_utf_8(tmp_path: Path) -> None:
    output = tmp_path / "r.csv"
    folder = tmp_path / "lote"
    folder.mkdir()
    (folder / "peticao assinada.pdf").write_bytes(pdf(f"Autos {CASO_DO_CENARIO['nao_localizada']}"))
    with PortalDemo() as portal:
        chain.demo_portal(portal.url)
        report = chain.manage("runrobots", str(folder), "--output", str(output), "--delimiter", ",")
    assert report.returncode == 0, no_traceback(report)
    assert output.read_bytes().startswith(b"arquivo,processo")
    item = Execucao.objects.get().itens.get()
    assert (item.numero_processo, item.status) == (CASO_DO_CENARIO["nao_localizada"], "done")


@browser
def test_two_batches_from_two_commands_are_both_answered_one_after_the_other() -> None:
    with PortalDemo(latency=0.2) as portal:
        chain.demo_portal(portal.url)
        first = chain.Machine("runrobots", FILED, ROBOT_HOST="teste-dois")
        chain.wait_for(lambda: Execucao.objects.filter(started_at__isnull=False).exists(), 30, "the first batch")
        host = Host.objects.get(nome="teste-dois")
        assert host.versao == settings.VERSAO and None not in (host.cpu, host.memory)
        second = chain.manage("runrobots", UNKNOWN, ROBOT_HOST="teste-dois")
        assert first.child.wait(60) == 0 and second.returncode == 0, no_traceback(second)
    assert set(Execucao.objects.values_list("status", "n_done")) == {("done", 1)}


@browser
def test_a_command_after_a_hosts_crash_serves_its_batch_itself() -> None:
    with PortalDemo() as portal, chain.machine() as host:
        chain.demo_portal(portal.url)
        host.kill()
        report = chain.manage("runrobots", FILED, "--max-wait", "20", ROBOT_HOST=host.name)
        assert report.returncode == 0, no_traceback(report)


@browser
def test_with_a_host_already_running_the_command_follows_it() -> None:
    with PortalDemo() as portal, chain.machine() as host:
        chain.demo_portal(portal.url)
        report = chain.manage("runrobots", FILED, ROBOT_HOST=host.name)
        assert report.returncode == 0, no_traceback(report)
        assert Processo.objects.get().host.nome == host.name
        second = chain.manage("runrobots", ROBOT_HOST=host.name)
        assert second.returncode == 1 and f"A máquina {host.name} já tem um runrobots" in no_traceback(second)


@browser
@pytest.mark.parametrize(
    ("usuario", "senha", "classe", "sentence"),
    [
        ("demo", "errada", "credencial_recusada", "recusou usuário ou senha"),
        ("codigo", "demo-2026", "codigo_2fa", "código de verificação"),
        ("captcha", "demo-2026", "captcha", "captcha"),
    ],
)
def test_a_login_that_needs_a_person_ends_the_batch_after_one_try(usuario, senha, classe, sentence) -> None:
    with PortalDemo() as portal:
        credencial = chain.demo_portal(portal.url, usuario, senha)
        report = chain.manage("runrobots", FILED, UNKNOWN, "--max-robots", "3")
        logins = [entry for entry in portal.log if entry.kind == "login"]
    assert report.returncode == 1 and sentence in no_traceback(report)
    execucao = Execucao.objects.get()
    assert (execucao.status, execucao.n_failed) == ("error", 2)
    assert set(execucao.itens.values_list("erro_classe", flat=True)) == {classe}
    assert len(logins) == 1
    credencial.refresh_from_db()
    assert bool(credencial.recusada_em) == (classe == "credencial_recusada")


@browser
def test_a_portal_that_does_not_listen_costs_no_attempt_and_the_command_gives_up_saying_so() -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        credencial = chain.demo_portal(f"http://127.0.0.1:{free.getsockname()[1]}/")
        report = chain.manage("runrobots", FILED, "--max-wait", "3")
    text = no_traceback(report)
    assert report.returncode == 1 and "Desisti de esperar" in text and "O portal não responde" in text
    execucao = Execucao.objects.get()
    assert (execucao.status, execucao.itens.get().attempts) == ("queued", 0)
    credencial.portal.refresh_from_db()
    assert credencial.portal.fora_do_ar and not chain.left_over()


@browser
def test_without_chromium_three_robots_say_what_to_install_and_the_batch_can_be_reopened() -> None:
    with PortalDemo() as portal:
        chain.demo_portal(portal.url)
        report = chain.manage("runrobots", FILED, CHROMIUM="/nao/existe")
        assert report.returncode == 1
        assert "apt-get install chromium" in " ".join(no_traceback(report).split())
        execucao = Execucao.objects.get()
        assert (execucao.status, execucao.itens.get().erro_classe) == ("error", "navegador")
        assert execucao.reabrir() == 1


@browser
def test_the_visible_mode_without_a_screen_says_so(tmp_path: Path) -> None:
    for name in ("chromium", "chromedriver"):
        os.symlink(f"/usr/bin/{name}", tmp_path / name)
    with PortalDemo() as portal:
        chain.demo_portal(portal.url)
        report = chain.manage("runrobots", FILED, "--mode", "visible", PATH=tmp_path, DISPLAY="")
    assert report.returncode == 1 and "DISPLAY" in no_traceback(report)
    assert Execucao.objects.get().itens.get().erro_classe == "navegador"


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["--names-file", "/nao/existe.txt"], "/nao/existe.txt"),
        ([FILED, "--portal", "inexistente"], "Portal desconhecido: inexistente"),
        ([FILED, "--credencial", "outra"], "Credenciais do portal"),
        ([FILED, "--usuario", "fulano"], "Usuário desconhecido: fulano"),
        ([FILED, "--avisar", "ninguem"], "Destino desconhecido: ninguem"),
        ([FILED, "--max-robots", "0"], "--max-robots"),
        ([FILED, "--max-robots", "99999999999"], "--max-robots"),
        ([FILED, "--max-wait", "nan"], "--max-wait"),
        ([FILED, "--output", "/nao/existe/r.csv"], "/nao/existe/r.csv"),
        ([FILED, "--mode", "invisivel"], "invisivel"),
    ],
)
def test_bad_usage_exits_2_with_a_sentence_and_enqueues_nothing(arguments, sentence) -> None:
    chain.demo_portal("http://127.0.0.1:9/")
    report = chain.manage("runrobots", *arguments)
    assert report.returncode == 2, report.stdout + report.stderr
    assert sentence in no_traceback(report)
    assert not Execucao.objects.exists()


def test_an_empty_names_file_exits_2_with_a_sentence(tmp_path: Path) -> None:
    chain.demo_portal("http://127.0.0.1:9/")
    empty = tmp_path / "vazio.txt"
    empty.write_text("\n \n")
    report = chain.manage("runrobots", "--names-file", str(empty))
    assert report.returncode == 2 and no_traceback(report).strip()


def test_names_that_nobody_can_use_are_rejected_with_their_reasons_and_exit_1(tmp_path: Path) -> None:
    chain.demo_portal("http://127.0.0.1:9/")
    output = tmp_path / "r.csv"
    names = tmp_path / "nomes.txt"
    names.write_text(f"{'x' * 4000}.pdf\n8000131-27.2026.8.99.0152.pdf\n")
    report = chain.manage("runrobots", "--names-file", str(names), "--output", str(output))
    text = no_traceback(report)
    assert report.returncode == 1 and "dígito verificador" in " ".join(text.split())
    assert len(output.read_text(encoding="utf-8-sig").splitlines()) == 3
    assert len(text) < 2000


def test_a_name_with_nul_is_a_sentence(tmp_path: Path) -> None:
    chain.demo_portal("http://127.0.0.1:9/")
    names = tmp_path / "nomes.txt"
    names.write_bytes(b"a\0b.pdf\n")
    report = chain.manage("runrobots", "--names-file", str(names))
    assert report.returncode in (1, 2) and no_traceback(report).strip()


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("HEARTBEAT_SECONDS", "dez"), ("VAULT_KEYS", "curta"), ("IDENTIFICADOR_PADRAO", "("), ("ROBOT_HOST", "../x"),
        ("LEASE_SECONDS", "1"), ("HTTPS", "talvez"), ("DATABASE_URL", "mysql://x/y"), ("HOST_MAX_ROBOTS", "-1"),
    ],
)  # fmt: skip
def test_bad_settings_are_loud(name: str, value: str) -> None:
    report = chain.manage("check", **{name: value})
    assert report.returncode != 0 and name in report.stderr


def test_two_portals_may_serve_one_court_when_the_command_says_which() -> None:
    first, second = (chain.demo_portal("http://127.0.0.1:9/").portal for _ in range(2))
    unsaid = chain.manage("runrobots", FILED)
    assert unsaid.returncode == 2 and first.slug in unsaid.stderr and second.slug in unsaid.stderr
    for portal in (first, second):
        report = chain.manage("runrobots", "sem numero.pdf", "--portal", portal.slug)
        assert report.returncode == 1 and "Rejeitado" in no_traceback(report)


def test_killrobots_refuses_what_is_not_there_and_asks_before_it_kills() -> None:
    assert chain.manage("killrobots").returncode == 2
    assert chain.manage("killrobots", "--execucao", "999", "--yes").returncode == 2
    assert chain.manage("killrobots", "--processo", "x", "--yes").returncode == 2
    execucao = factories.nova_execucao(3)
    unasked = chain.manage("killrobots", "--execucao", str(execucao.pk))
    assert unasked.returncode == 1 and "Nada foi encerrado" in unasked.stderr
    execucao.refresh_from_db()
    assert execucao.aberta
    assert chain.manage("killrobots", "--execucao", str(execucao.pk), "--yes").returncode == 0
    execucao.refresh_from_db()
    assert execucao.status == "error"


@pytest.mark.slow
def test_a_database_locked_by_somebody_else_is_a_sentence() -> None:
    if factories.em_postgres():
        pytest.skip("SQLite's lock is the whole file; PostgreSQL has no such state")
    chain.demo_portal("http://127.0.0.1:9/")
    User.objects.count()
    environment = chain.environment()  # it writes, so before the lock
    path = chain.database_url().removeprefix("sqlite:///")
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    try:
        report = chain.manage("runrobots", FILED, timeout=100, environ=environment)
    finally:
        other.execute("ROLLBACK")
        other.close()
    assert report.returncode == 1 and "banco de dados" in no_traceback(report)


@browser
def test_ctrl_c_while_a_batch_runs_gives_everything_back_and_leaves_nothing() -> None:
    held = f"{CASO_DO_CENARIO['sem_resposta']}_1234_56789_Petição.pdf"
    with PortalDemo() as portal:
        chain.demo_portal(portal.url)
        command = chain.Machine("runrobots", held, STOP_GRACE_SECONDS=6)
        execucao = chain.wait_for(Execucao.objects.first, 20, "the batch")
        chain.wait_for(lambda: execucao.itens.em_andamento().exists(), 30, "a claimed item")
        command.child.send_signal(signal.SIGINT)
        assert command.child.wait(40) == 1
        item = execucao.itens.get()
        assert (item.status, item.attempts) == ("pending", 0)
        assert not chain.left_over()


def test_a_refused_credential_is_not_tried_again_until_it_is_changed() -> None:
    credencial = factories.nova_credencial()
    credencial.recusar()
    credencial.refresh_from_db()
    assert credencial.recusada_em
    credencial.trocar_senha("outra")
    credencial.save()
    assert Credencial.objects.get(pk=credencial.pk).recusada_em is None
