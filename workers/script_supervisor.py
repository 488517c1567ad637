"""The supervisor of a script: a minimal environment, its output kept, a time limit, and limits of its whole tree."""

import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from django.conf import settings
from django.db import Error, connection
from django.utils.translation import gettext as _

from executions import avisos, clock
from executions.models import Processo, Registro, Saida, Script
from executions.scripts import enviar_em_espera
from workers import guard, processes
from workers.output import Chunk, Output
from workers.supervisor import End, Motivo, Status, Supervisor, Verdict

LAUNCH = Path(__file__).with_name("launch.py")
LIVE = Path(__file__).with_name("live")
KEPT_VARIABLES = ("PATH", "LANG", "LC_ALL", "TZ")
OUTPUT_SECONDS = 0.3
SAMPLES = 120
# The last words of Python's input() and of its getpass().
ASKED_INPUT = re.compile(r"^EOFError(: EOF when reading a line)?\s*\Z", re.MULTILINE)


class ScriptSupervisor(Supervisor):
    sample_seconds = 2.0
    _guard: "subprocess.Popen[bytes] | None" = None

    def __init__(self, processo: Processo) -> None:
        super().__init__(processo)
        self.script: Script = processo.script  # type: ignore[assignment]
        self.folder.mkdir(parents=True, mode=0o700, exist_ok=True)
        self.work = self.folder / "trabalho"
        self.work.mkdir(exist_ok=True)
        self.output = Output(self.folder, self.script.max_saida_kb * 1024)
        self._n = 0
        self._read_at = self._beat_at = 0.0
        self._unsaved: list[Chunk] = []
        self._samples: list[list[float]] = []

    def command(self) -> list[str]:
        # Isolated, and without site: it starts in hundredths of a second and imports nothing of ours.
        head = [sys.executable, "-I", "-S", str(LAUNCH), str(self.script.prioridade_cpu)]
        return [*head, _("Não consegui iniciar %(comando)s: %(erro)s"), *self.script.comando(self.processo.parametros)]

    def environment(self) -> dict[str, str]:
        """No key, no database, no credential: what any program may know."""
        kept = {name: os.environ[name] for name in KEPT_VARIABLES if name in os.environ}
        private = {"HOME": str(self.work), "TMPDIR": str(self.work), "PWD": str(self.work)}
        return kept | private | {"PYTHONPATH": str(LIVE), "PYTHONIOENCODING": "utf-8", "SCRIPT": self.script.nome}

    def streams(self) -> tuple[Path, Path]:
        out, err = self.output.channels
        return out.path, err.path

    def working_folder(self) -> Path:
        return self.work

    def judge(self, row: Processo) -> Verdict | None:
        if row.kill_requested_at or not row.vivo:
            return Verdict(Motivo.ENCERRADO)
        if row.cancel_requested_at:
            return self._term(Motivo.CANCELADO)
        if row.host and row.host.draining_at:
            return self._term(Motivo.PARADA)
        return None

    def each_poll(self) -> Verdict | None:
        now = time.monotonic()
        if now - self._read_at >= OUTPUT_SECONDS:
            self._read_at = now
            self._save(self.output.read())
        if not self.verdict and self.processo.timeout_s and now - self.began > self.processo.timeout_s:
            return self._term(Motivo.TEMPO)
        return None

    def measured(self, used: processes.Usage, cpu: float | None) -> Verdict | None:
        elapsed = time.monotonic() - self.began
        if cpu is not None:
            self._samples.append([round(elapsed, 1), round(cpu, 1), used.memory])
            if len(self._samples) > SAMPLES:
                self._samples = self._samples[::2]
        # The limits first: they hold while the database is away, too.
        if used.memory > self.script.max_memoria_mb * 1024 * 1024:
            return Verdict(Motivo.MEMORIA)
        if used.processes > self.script.max_processos:
            return Verdict(Motivo.PROCESSOS)
        self.write(
            heartbeat_at=clock.db_now(), amostras=self._samples, saida_total=self.output.total,
            saida_cortada=self.output.cut, **self._progress(),
        )  # fmt: skip
        return None

    def ended(self, code: int | None) -> End:
        self._save(self.output.end())
        self.write(saida_total=self.output.total, saida_cortada=self.output.cut, **self._progress())
        if self.verdict:
            return End(Status.KILLED, self.verdict.motivo, self._words(code))
        if code == 0:
            return End(Status.EXITED, Motivo.CONCLUIDO)
        if ASKED_INPUT.search(self.output.last_error):
            return End(Status.EXITED, Motivo.ENTRADA, _("O script pediu uma entrada do teclado, que aqui não existe."))
        return self.without_memory(code) or End(Status.EXITED, Motivo.FALHA, self._words(code))

    def run(self) -> None:
        try:
            super().run()
        finally:
            if self._guard:
                self._guard.kill()
                self._guard.wait()

    def _spawn(self) -> "subprocess.Popen[bytes]":
        child = super()._spawn()
        self._guard = guard.start(self.mark, child.pid)
        return child

    def afterwards(self, end: End) -> None:
        row = Processo.objects.select_related("script").get(pk=self.processo.pk)
        level = "info" if row.motivo == Motivo.CONCLUIDO else "warning"
        text = f"{row.script}: {row.fim}. {row.erro}".strip()
        Registro.objects.anotar("script_terminado", text, level=level, processo_id=row.pk, usuario=row.usuario)
        enviar_em_espera()
        avisos.do_processo(row)

    def _term(self, motivo: str) -> Verdict:
        return Verdict(motivo, how="term", grace=settings.CANCEL_GRACE_SECONDS)

    def _progress(self) -> dict[str, Any]:
        told = self.output.progress
        return {"progresso": told.percent, "passo": told.text[:120]} if told else {}

    def _words(self, code: int | None) -> str:
        """The exit status, or the signal's name, and (for a limit) what the limit was."""
        limits = {
            Motivo.TEMPO: _("Tempo limite de %(timeout_s)s s.") % {"timeout_s": self.processo.timeout_s},
            Motivo.MEMORIA: _("Limite de memória de %(max_memoria_mb)s MB.")
            % {"max_memoria_mb": self.script.max_memoria_mb},
            Motivo.PROCESSOS: _("Limite de %(max_processos)s processos.")
            % {"max_processos": self.script.max_processos},
        }
        how = (
            _("Sinal %(name)s.") % {"name": signal.Signals(-code).name}
            if code is not None and code < 0
            else _("Código de saída %(code)s.") % {"code": code}
        )
        return " ".join(filter(None, [limits.get(Motivo(self.verdict.motivo)) if self.verdict else "", how]))

    def _save(self, chunks: list[Chunk]) -> None:
        """Writes what was read; what the database could not take is kept and written later.

        What it took, and whose reply was lost, is there already, under the same numbers.
        """
        self._unsaved += [chunk for chunk in chunks if chunk.texto]
        if not self._unsaved:
            return
        try:
            agora = clock.db_now()
            rows = [
                Saida(processo=self.processo, n=self._n + i, at=agora, canal=chunk.canal, texto=chunk.texto)
                for i, chunk in enumerate(self._unsaved, start=1)
            ]
            Saida.objects.bulk_create(rows, ignore_conflicts=True)
        except Error:
            connection.close()
            return
        self._n += len(rows)
        self._unsaved = []
