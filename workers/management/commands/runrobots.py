import math
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import CommandError
from django.db import InterfaceError, OperationalError, connection
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext
from rich.markup import escape

from executions import exports, intake, lotes
from executions.models import MAX_ROBOTS, PRIORIDADES, Execucao
from workers import batch, loop
from workers.host import HostAgent, HostRecusado
from workers.management.base import FriendlyCommand

AGAIN_SECONDS = 5.0


class Command(FriendlyCommand):
    about = gettext_lazy(
        "Sem argumentos, faz desta máquina uma máquina de robôs até Ctrl-C. Com nomes, arquivos ou pastas, verifica-os "
        "como uma execução e mostra as respostas. Sai com 0 se todas as linhas foram respondidas, 1 se alguma falhou, "
        "foi rejeitada ou ficou sem resposta, 2 se o pedido está errado."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("arquivos", nargs="*", help=_("Nomes de arquivo, arquivos PDF ou pastas."))
        parser.add_argument("--names-file", help=_("Arquivo de texto com um nome por linha."))
        parser.add_argument("--portal", default="", help=_("Código do portal."))
        parser.add_argument("--credencial", default="", help=_("Usuário da credencial do portal."))
        parser.add_argument("--usuario", default="", help=_("Em nome de quem (usuário do sistema)."))
        parser.add_argument("--titulo", default="", help=_("Título da execução."))
        parser.add_argument("--max-robots", type=int, default=1, help=_("Máximo de robôs ao mesmo tempo."))
        parser.add_argument(
            "--prioridade", choices=PRIORIDADES, default="normal", help=_("Lugar na fila: as mais altas começam antes.")
        )
        parser.add_argument("--mode", choices=Execucao.Mode.values, default="headless", help=_("Sem ou com janela."))
        parser.add_argument("--max-wait", type=float, default=600, help=_("Segundos sem robô até desistir."))
        parser.add_argument("--avisar", action="append", default=[], help=_("Destino avisado do fim (pode repetir)."))
        parser.add_argument("--output", help=_("Grava as respostas neste CSV."))
        parser.add_argument("--delimiter", choices=[";", ","], default=";", help=_("Separador do CSV."))

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            if options["arquivos"] or options["names_file"]:
                raise SystemExit(self._run_batch(options))
            self._run_host()
        except (batch.UsoErrado, intake.ErroDeEntrada, ValueError) as error:
            raise CommandError(str(error), returncode=2) from error
        except HostRecusado as error:
            raise CommandError(str(error), returncode=1) from error

    def _run_host(self) -> None:
        stop = loop.stop_on_signals()
        agent = HostAgent(stop)
        while not self._started(agent):
            if stop.wait(AGAIN_SECONDS / settings.TIME_DIVISOR):
                raise CommandError(_("Interrompido antes de o banco de dados responder."), returncode=1)
        host = agent.host
        self.stdout.write(
            ngettext(
                "Máquina %(nome)s ligada, com %(n)s lugar de robôs. Ctrl-C para desligar.",
                "Máquina %(nome)s ligada, com %(n)s lugares de robôs. Ctrl-C para desligar.",
                host.places,
            )
            % {"nome": host.nome, "n": host.places}
        )
        self.stdout.flush()
        try:
            agent.run()
        finally:
            agent.finish()
        self.stdout.write(_("Máquina desligada."))

    def _started(self, agent: HostAgent) -> bool:
        """A machine that comes up before its database waits for it: nobody may be there to try again."""
        try:
            agent.start()
        except (OperationalError, InterfaceError) as error:
            connection.close()
            self.stderr.write(
                _("O banco de dados não respondeu: %(error)s Nova tentativa em instantes; Ctrl-C desiste.")
                % {"error": str(error).strip()}
            )
            return False
        return True

    def _run_batch(self, options: dict[str, Any]) -> int:
        console = batch.console()
        entradas = list(intake.entradas_de_caminhos(options["arquivos"]))
        if options["names_file"]:
            entradas += [intake.Entrada(name) for name in intake.nomes_de_arquivo(options["names_file"])]
        if not 1 <= options["max_robots"] <= MAX_ROBOTS:
            raise batch.UsoErrado(_("--max-robots vai de 1 a %(max_robots)s.") % {"max_robots": MAX_ROBOTS})
        if not 0 <= options["max_wait"] < math.inf:
            raise batch.UsoErrado(_("--max-wait é um número de segundos, zero ou mais."))
        self._check_output(options["output"])
        lote = batch.ler(entradas, options["portal"])
        for linha in lote.rejeitadas:
            console.print(f"[red]{_('Rejeitado')}[/] {escape(linha.nome[:120])}: {escape(linha.erro)}")
        if not lote.aceitas:
            self._save(options, [exports.rejeitada(linha) for linha in lote.rejeitadas])
            console.print(_("Nenhum arquivo aceito: não há o que verificar."))
            return 1 if lote.linhas else 2
        execucao = self._enqueue(lote, options)
        batch.run(execucao, max_wait=options["max_wait"], stop=loop.stop_on_signals(), console=console)
        rows = list(exports.linhas(execucao, lote.rejeitadas))
        console.print(batch.table(iter(rows)))
        self._save(options, rows)
        if execucao.motivo:
            console.print(f"[red]{escape(execucao.motivo)}[/]")
        done = execucao.n_done == execucao.total_arquivos and not lote.rejeitadas
        failed, total = execucao.n_failed, execucao.total_arquivos
        console.print(
            ngettext(
                "Execução %(numero)s: %(respondidos)s de %(total)s respondidos, %(n)s falha.",
                "Execução %(numero)s: %(respondidos)s de %(total)s respondidos, %(n)s falhas.",
                failed,
            )
            % {"numero": execucao.pk, "respondidos": execucao.n_done, "total": total, "n": failed}
        )
        return 0 if done else 1

    def _enqueue(self, lote: intake.Lote, options: dict[str, Any]) -> Execucao:
        portal, credencial = batch.escolher(lote, options["portal"], options["credencial"])
        told = lotes.destinos(options["avisar"])
        return Execucao.objects.enfileirar(
            lote.aceitas, portal=portal, credencial=credencial, max_robots=options["max_robots"], mode=options["mode"],
            prioridade=Execucao.Prioridade.de_palavra(options["prioridade"]),
            titulo=options["titulo"][:200], usuario=batch.usuario(options["usuario"]), origem="cli",
            destinos=told,
        )  # fmt: skip

    @staticmethod
    def _check_output(path: str | None) -> None:
        """Before the work, not after it: can the answers be written there?"""
        if path:
            try:
                with Path(path).open("a"):
                    pass
            except OSError as error:
                raise batch.UsoErrado(
                    _("Não consigo gravar em %(path)s: %(strerror)s.") % {"path": path, "strerror": error.strerror}
                ) from error

    def _save(self, options: dict[str, Any], rows: list[tuple[str, ...]]) -> None:
        if options["output"]:
            try:
                exports.escrever(Path(options["output"]), rows, options["delimiter"])
            except OSError as error:
                raise CommandError(
                    _("Não consegui gravar %(output)s: %(strerror)s.")
                    % {"output": options["output"], "strerror": error.strerror}
                ) from error
