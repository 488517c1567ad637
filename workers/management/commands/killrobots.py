from argparse import ArgumentParser
from typing import Any

from django.core.exceptions import ValidationError
from django.core.management.base import CommandError

from executions.models import Execucao, Processo
from executions.robos import encerrar_todos
from workers import kill
from workers.management.base import FriendlyCommand


class Command(FriendlyCommand):
    help = (
        "Encerra robôs: os de uma execução, um só, ou todos. Espera até que estejam mortos e diz quantos processos do "
        "sistema foram encontrados, encerrados e restaram. Sai com 1 se algum restou."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        which = parser.add_mutually_exclusive_group(required=True)
        which.add_argument("--execucao", type=int, help="Número da execução.")
        which.add_argument("--processo", help="UUID do robô.")
        which.add_argument("--all", action="store_true", help="Todas as execuções e todos os robôs.")
        parser.add_argument("--yes", action="store_true", help="Não pergunta antes.")

    def handle(self, *args: Any, **options: Any) -> None:
        robots = self._chosen(options)
        victims = kill.Victims.of(robots)
        if not options["yes"] and not self._agreed(robots, options):
            raise CommandError("Nada foi encerrado.", returncode=1)
        self._ask(options)
        report = victims.wait()
        self.stdout.write(f"Processos do sistema: {report}.")
        if report.left:
            raise SystemExit(1)

    def _chosen(self, options: dict[str, Any]) -> list[Processo]:
        live = Processo.objects.vivos().robos().select_related("host", "execucao")
        if options["all"]:
            return list(live)
        if options["execucao"] is not None:
            if not Execucao.objects.filter(pk=options["execucao"]).exists():
                raise CommandError(f"Não há execução {options['execucao']}.", returncode=2)
            return list(live.filter(execucao=options["execucao"]))
        try:
            chosen = list(live.filter(uuid=options["processo"]))
        except ValidationError as error:
            raise CommandError(f"{options['processo']} não é um UUID.", returncode=2) from error
        if not chosen:
            raise CommandError(f"Não há robô em andamento com o UUID {options['processo']}.", returncode=2)
        return chosen

    def _agreed(self, robots: list[Processo], options: dict[str, Any]) -> bool:
        for robot in robots:
            self.stdout.write(f"  {robot} em {robot.host}, execução {robot.execucao_id}")
        what = "todas as execuções abertas e " if options["all"] else ""
        many = "1 robô" if len(robots) == 1 else f"{len(robots)} robôs"
        try:
            return input(f"Encerrar {what}{many}? [s/N] ").strip().lower() in ("s", "sim")
        except EOFError:
            return False

    def _ask(self, options: dict[str, Any]) -> None:
        if options["all"]:
            self.stdout.write(f"Execuções encerradas: {encerrar_todos()}.")
        elif options["execucao"] is not None:
            Execucao.objects.get(pk=options["execucao"]).encerrar()
        else:
            Processo.objects.get(uuid=options["processo"]).encerrar()
