"""Scripts as supervised processes: one each, watched, limited, ended whole, recorded."""

import os
import sys
import threading
import time
import uuid
from datetime import timedelta
from pathlib import Path

import pytest
from django.db import connections

from executions import clock, scripts
from executions.models import Host, Processo, Registro, Script
from tests import chain, factories
from tests.processos import supervisor_apart
from workers import processes
from workers.output import Output
from workers.processes import still
from workers.scripts import ScriptExecutor
from workers.supervisor import mark
from workers.watchdog import Watchdog, who

pytestmark = pytest.mark.django_db(transaction=True)

GRANDCHILDREN = """
import signal, subprocess, sys, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)
deaf = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); time.sleep(300)"
nest = f"import signal, subprocess, sys; signal.signal(signal.SIGTERM, signal.SIG_IGN);" \\
       f"subprocess.run([sys.executable, '-c', {deaf!r}])"
for _ in range(3):
    subprocess.Popen([sys.executable, "-c", nest])
print("pronto", flush=True)
time.sleep(300)
"""
RUNAWAY = """
import os, sys, time
if os.fork() == 0:
    os.setsid()
    if os.fork() == 0:
        time.sleep(300)
    os._exit(0)
print("pronto", flush=True)
time.sleep(300)
"""


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, settings) -> Path:
    settings.SCRIPTS_DIR = tmp_path / "scripts"
    settings.ROBOT_HOST = f"teste-{uuid.uuid4().hex[:8]}"
    settings.SCRIPTS_DIR.mkdir()
    return settings.SCRIPTS_DIR


def script(folder: Path, code: str, nome: str = "", suffix: str = ".py", **fields) -> Script:
    nome = nome or f"script_{uuid.uuid4().hex[:6]}{suffix}"
    (folder / nome).write_text(code)
    row = Script(nome=nome, arquivo=nome, **fields)
    row.confirmar()
    row.full_clean()
    row.save()
    return row


def run(row: Script, **kwargs) -> tuple[int, str, str]:
    return ScriptExecutor().execute_script(row.nome, **kwargs)


class Background:
    """execute_script in a thread, as a second caller would have it."""

    def __init__(self, row: Script, **kwargs) -> None:
        self.row = row
        self.thread = threading.Thread(target=self._run, kwargs=kwargs, daemon=True)
        self.thread.start()
        self.answer: tuple[int, str, str] | None = None

    def _run(self, **kwargs) -> None:
        try:
            self.answer = run(self.row, **kwargs)
        finally:
            connections.close_all()

    def running(self) -> Processo:
        found = Processo.objects.filter(script=self.row, status="running", saidas__texto__contains="pronto")
        return chain.wait_for(found.first, 15, "the running script")

    def join(self) -> tuple[int, str, str]:
        self.thread.join(40)
        assert self.answer is not None
        return self.answer


def test_a_script_runs_and_answers_with_its_status_and_both_channels(folder: Path) -> None:
    row = script(folder, "import sys; print('olá ção'); print('erro', file=sys.stderr); sys.exit(3)")
    assert run(row) == (3, "olá ção\n", "erro\n")
    processo = Processo.objects.get()
    assert (processo.status, processo.motivo, processo.exit_code) == ("exited", "falha", 3)
    assert run(script(folder, "echo $0; pwd; env | sort", suffix=".sh"))[0] == 0


def test_the_environment_holds_no_secret_and_stdin_is_closed_to_input(folder: Path, monkeypatch) -> None:
    monkeypatch.setenv("SECRET_KEY", "segredo-do-django")
    monkeypatch.setenv("DATABASE_URL", os.environ.get("DATABASE_URL", "") or "sqlite:////tmp/segredo")
    code, out, _ = run(script(folder, "import os; print(sorted(os.environ)); print(os.environ)"))
    assert code == 0 and "segredo" not in out and "DATABASE_URL" not in out and "VAULT" not in out
    code, _, err = run(script(folder, "input('senha? ')"))
    assert code == 1 and "pediu uma entrada" in err.lower()
    ended = Processo.objects.first()
    assert ended.motivo == "entrada"
    assert ended.razao == "Pediu uma entrada. O script pediu uma entrada do teclado, que aqui não existe."


@pytest.mark.parametrize(
    ("code", "suffix", "answer", "motivo"),
    [
        ("import getpass; getpass.getpass()", ".py", (1, ""), "entrada"),
        ("import sys; print(len(sys.stdin.read()))", ".py", (0, "0\n"), "concluido"),
        ("read x || { echo sem entrada >&2; exit 4; }", ".sh", (4, ""), "falha"),
        ("open('/dev/tty')", ".py", (1, ""), "falha"),
        ("print('EOFError'); raise SystemExit(2)", ".py", (2, "EOFError\n"), "falha"),
    ],
)  # fmt: skip
def test_who_reads_what_nobody_types_ends_at_once(folder: Path, code: str, suffix: str, answer, motivo: str) -> None:
    assert run(script(folder, code, suffix=suffix))[:2] == answer
    ended = Processo.objects.get()
    assert ended.motivo == motivo and (ended.ended_at - ended.started_at).total_seconds() < 5
    if motivo == "falha":
        assert ended.razao == f"Falhou. Código de saída {answer[0]}."
    if motivo == "concluido":
        assert ended.razao == "Concluído." and Registro.objects.first().mensagem.endswith(": concluído.")


def test_thirteen_starts_at_once_give_one_process_and_the_seeds_answer(folder: Path) -> None:
    row = script(folder, "import time; print('pronto', flush=True); time.sleep(3)")
    answers = factories.in_threads(13, lambda _: run(row))
    assert Processo.objects.count() == 1
    refused = [answer for answer in answers if answer[0] == 1]
    assert len(refused) == 12
    allowed = {"Script já está na fila", f"Script já está em execução (PID: {Processo.objects.get().pid})"}
    assert {answer[2] for answer in refused} <= allowed


def test_a_second_start_names_the_pid_of_the_first(folder: Path) -> None:
    first = Background(script(folder, "import time; print('pronto', flush=True); time.sleep(60)"))
    pid = first.running().pid
    assert run(first.row) == (1, "", f"Script já está em execução (PID: {pid})")
    assert ScriptExecutor().is_script_running(first.row.nome)
    active = ScriptExecutor().get_active_processes()
    assert [(a["script"], a["pid"], a["running"]) for a in active] == [(first.row.nome, pid, True)]
    assert ScriptExecutor().kill_process(first.row.nome)
    assert first.join()[0] == -9
    assert not ScriptExecutor().kill_process(first.row.nome) and not ScriptExecutor().get_active_processes()


def process_list(processo: Processo) -> set[int]:
    """By /proc alone, without our code: who is of its session, or carries its mark."""
    found = set()
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            state, _, _, session = (entry / "stat").read_text().rpartition(") ")[2].split()[:4]
            environ = (entry / "environ").read_bytes()
        except OSError:
            continue
        mine = int(session) == processo.pid or str(processo.uuid).encode() in environ
        if mine and state not in "ZX":
            found.add(int(entry.name))
    return found


@pytest.mark.parametrize("code", [GRANDCHILDREN, RUNAWAY])
@pytest.mark.parametrize("how", ["matar", "cancelar", "tempo"])
def test_the_whole_tree_is_gone_after_kill_cancel_and_timeout(folder: Path, settings, code: str, how: str) -> None:
    settings.CANCEL_GRACE_SECONDS = 1.0
    back = Background(script(folder, code, timeout_s=4 if how == "tempo" else 60))
    processo = back.running()
    family = processes.find(mark(processo.uuid), who(processo))
    assert len(family) >= 2 and len(process_list(processo)) >= 2
    if how != "tempo":
        assert getattr(processo, how)()
        assert not getattr(processo, how)()
    back.join()
    assert not any(map(still, family))
    assert not process_list(processo)
    processo.refresh_from_db()
    motivo = {"matar": "encerrado", "cancelar": "cancelado", "tempo": "tempo"}[how]
    assert (processo.status, processo.motivo) == ("killed", motivo)


def test_a_script_that_hears_sigterm_may_clean_up_when_it_is_cancelled(folder: Path) -> None:
    code = """
import signal, sys, time
def bye(*_): print("limpei", flush=True); sys.exit(0)
signal.signal(signal.SIGTERM, bye)
print("pronto", flush=True); time.sleep(60)
"""
    back = Background(script(folder, code))
    back.running().cancelar()
    code_, out, err = back.join()
    assert code_ == 1 and "limpei" in out and "Cancelado" in err


def test_memory_and_number_of_processes_are_limited_over_the_whole_tree(folder: Path) -> None:
    eat = "import time; print('pronto', flush=True); x = bytearray(200_000_000); time.sleep(60)"
    assert "Limite de memória de 100 MB" in run(script(folder, eat, max_memoria_mb=100))[2]
    many = "import subprocess, sys, time\nfor _ in range(12): subprocess.Popen(['sleep', '60'])\ntime.sleep(60)"
    assert "Limite de 8 processos" in run(script(folder, many, max_processos=8))[2]
    assert set(Processo.objects.values_list("motivo", flat=True)) == {"memoria", "processos"}


def test_a_flood_of_output_is_cut_with_a_notice_and_its_last_part_kept(folder: Path) -> None:
    flood = "for i in range(300_000): print('linha', i)\nprint('::progress 40/80 metade')"
    code, out, _ = run(script(folder, flood, max_saida_kb=64))
    processo = Processo.objects.get()
    assert code == 0 and processo.saida_cortada and processo.progresso == 50.0 and processo.passo == "metade"
    assert out.startswith("linha 0\n") and out.rstrip().endswith("::progress 40/80 metade")
    assert len(out) < 64 * 1024 + 20 * 1024
    assert "saída cortada" in processo.saidas.texto("aviso")


def test_the_log_is_live_although_the_script_does_not_flush(folder: Path) -> None:
    back = Background(script(folder, "import os, time; print('pronto'); time.sleep(4); os._exit(0)"))
    processo = back.running()
    assert processo.status == "running" and processo.saidas.texto("out") == "pronto\n"
    back.join()


def test_a_script_that_forks_and_one_that_closes_its_output_are_not_disturbed(folder: Path) -> None:
    fork = "import os\nfor n in range(40):\n if os.fork() == 0:\n  print(n); raise SystemExit(0)\n os.wait()"
    code, out, err = run(script(folder, fork))
    assert (code, sorted(map(int, set(out.split()))), err) == (0, list(range(40)), "")
    assert run(script(folder, "import sys; print('a'); sys.stdout.close(); import time; time.sleep(.6)")) == (
        0,
        "a\n",
        "",
    )


def test_a_bare_percentage_moves_the_progress(folder: Path) -> None:
    run(script(folder, "print('baixando 37%')"))
    assert Processo.objects.get().progresso == 37.0


def test_parameters_are_typed_validated_and_never_meet_a_shell(folder: Path) -> None:
    declared = [
        {"nome": "alvo", "tipo": "texto", "obrigatorio": True},
        {"nome": "n", "tipo": "numero", "minimo": 1, "maximo": 9},
        {"nome": "dia", "tipo": "data"},
        {"nome": "cor", "tipo": "escolha", "opcoes": ["azul", "verde"]},
    ]
    row = script(folder, "import sys; print(sys.argv[1:])", parametros=declared, argumentos=["--alvo", "{alvo}"])
    code, out, _ = run(row, alvo="; touch /tmp/x $(id) `id` \"'", n="3", dia="2026-02-28", cor="azul")
    assert code == 0
    assert eval(out) == ["--alvo", "; touch /tmp/x $(id) `id` \"'", "--n=3", "--dia=2026-02-28", "--cor=azul"]  # noqa: S307
    for wrong, sentence in [
        ({}, "Informe alvo"), ({"alvo": "x", "n": "0"}, "mínimo é 1"), ({"alvo": "x", "n": "dez"}, "número"),
        ({"alvo": "x", "dia": "31/12/2026"}, "AAAA-MM-DD"), ({"alvo": "x", "cor": "roxo"}, "azul, verde"),
        ({"alvo": "x", "outro": "1"}, "desconhecido"), ({"alvo": "a\nb"}, "controle"),
    ]:  # fmt: skip
        code, _, err = run(row, **wrong)
        assert code == 1 and sentence in err
    assert Processo.objects.count() == 1


def test_only_confirmed_files_below_the_folder_are_run(folder: Path, tmp_path: Path) -> None:
    row = script(folder, "print('um')")
    (folder / row.arquivo).write_text("print('dois')")
    assert "mudou" in run(row)[2]
    row.confirmar()
    row.save()
    assert run(row)[1] == "dois\n"
    outside = tmp_path / "fora.py"
    outside.write_text("print('fora')")
    (folder / "elo.py").symlink_to(outside)
    for arquivo in ("../fora.py", "elo.py", str(outside), "nada.py", "."):
        with pytest.raises(ValueError, match="pasta de scripts|não pode ser lido"):
            Script(nome="x", arquivo=arquivo).sha256_atual()
    Script.objects.filter(pk=row.pk).update(ativo=False)
    assert "desativado" in run(row)[2]
    assert run(Script(nome="nenhum"))[0] == 1


def test_a_script_that_outlived_its_supervisor_is_found_and_ended(folder: Path, settings) -> None:
    row = script(folder, "import time; print('pronto', flush=True); time.sleep(300)")
    host = factories.novo_host(nome=settings.ROBOT_HOST, heartbeat_at=None)
    processo = scripts.pedir_script(row)
    Processo.objects.filter(pk=processo.pk).update(host=host)
    supervisor = supervisor_apart(processo)
    supervisor.kill()
    supervisor.wait()
    assert still(processes._member(processo.pid))
    settings.STALE_HEARTBEAT_SECONDS = 1.0
    time.sleep(1.2)
    assert Watchdog().step()["sem_supervisor"] == 1
    processo.refresh_from_db()
    assert (processo.status, processo.motivo) == ("lost", "perdido")
    assert not processes.find(mark(processo.uuid), who(processo))


def test_with_a_host_its_places_bound_how_many_run_and_all_end_right(folder: Path) -> None:
    rows = [script(folder, f"print('número {n}'); raise SystemExit({n % 3})") for n in range(12)]
    with chain.machine(HOST_SCRIPT_PLACES=3, SCRIPTS_DIR=folder) as host:
        began = [scripts.pedir_script(row) for row in rows]
        assert len([p for p in began if p.host]) == 3
        with pytest.raises(scripts.JaEmExecucao):
            scripts.pedir_script(rows[-1])
        chain.wait_for(lambda: not Processo.objects.vivos().exists(), 60, "the end of all")
        assert {p.host.nome for p in Processo.objects.select_related("host")} == {host.name}
    for n, processo in enumerate(began):
        processo.refresh_from_db()
        assert (processo.exit_code, processo.saidas.texto()) == (n % 3, f"número {n}\n")
    assert sys.executable and not chain.left_over()


def test_a_silent_script_is_not_killed_by_the_robots_rule_of_progress(folder: Path) -> None:
    row = script(folder, "import time; time.sleep(9)", timeout_s=100)
    with chain.machine(TIME_DIVISOR=20, SCRIPTS_DIR=folder):  # no progress: 5 s; stale: 3 s
        processo = scripts.pedir_script(row)
        chain.wait_for(lambda: not Processo.objects.vivos().exists(), 40, "its end")
    processo.refresh_from_db()
    assert (processo.status, processo.exit_code) == ("exited", 0)


def test_execute_script_goes_on_when_the_only_host_ends_while_it_waits(folder: Path, settings, monkeypatch) -> None:
    """Sent to a host that never took it up: started here. Taken up by a host that is gone: its end is found."""
    monkeypatch.setattr("workers.scripts.HOST_CHECK_SECONDS", 0.2)
    settings.SENT_TIMEOUT_SECONDS = 0.5
    for taken in (False, True):
        host = factories.novo_host()
        back = Background(script(folder, "print('feito')"))
        sent = chain.wait_for(Processo.objects.filter(script=back.row, host=host).first, 15, "its host")
        if taken:
            assert sent.iniciar() and sent.rodar(pid=1, start_ticks=1, boot_id="outra", pasta="")
        time.sleep(0.5)
        assert Processo.objects.vivos().exists()
        long_ago = clock.db_now() - timedelta(hours=1)
        Processo.objects.filter(pk=sent.pk, pid__isnull=False).update(heartbeat_at=long_ago)
        Host.objects.filter(pk=host.pk).update(heartbeat_at=long_ago)
        assert back.join()[:2] == ((1, "") if taken else (0, "feito\n"))


def test_a_flood_that_is_faster_than_its_reader_fills_no_disk_and_delays_no_end(folder: Path, settings) -> None:
    """`yes` writes a hundred megabytes a second; its time limit ends it in time all the same."""
    settings.CANCEL_GRACE_SECONDS = 1.0
    back = Background(script(folder, "yes pronto", suffix=".sh", timeout_s=5))
    processo = back.running()
    most = 0
    while processo.vivo:
        files = [path for path in Path(processo.pasta).glob("*.txt") if path.exists()]
        most = max([most, *(path.stat().st_size for path in files)])
        time.sleep(0.05)
        processo.refresh_from_db()
    assert (processo.motivo, back.join()[0]) == ("tempo", -15)
    assert (processo.ended_at - processo.started_at).total_seconds() < 9
    print(f"written {processo.saida_total / 2**20:.0f} MB, most on disk {most / 2**20:.0f} MB")
    # How much lies there at once depends on how often a busy machine lets the reader run: never all that was written.
    assert processo.saida_cortada and most < 0.9 * processo.saida_total
    text = processo.saidas.texto("out")
    assert text.startswith("pronto\npronto\n") and len(text) < processo.script.max_saida_kb * 1024 + 20 * 1024


def test_what_is_skipped_of_a_flood_is_counted_and_its_end_is_exact(tmp_path: Path) -> None:
    output = Output(tmp_path, limit=1000)
    path = output.channels[0].path
    size = 0
    for n in range(3):
        with path.open("a") as out:
            size += out.write(f"{n} " + "é" * 3_000_000 + f"\nfim {n}\n")
        chunks = output.read()
        assert n == 0 or path.stat().st_size == 0
    last = output.end()
    assert "".join(c.texto for c in chunks) == "" and last[-1].texto.endswith("é\nfim 2\n")
    assert output.cut and "omitidos" in last[-2].texto
    with path.open("a") as out:
        out.write("depois\n")
    assert output.end()[-1].texto.endswith("fim 2\ndepois\n")
