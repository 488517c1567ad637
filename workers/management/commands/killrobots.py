from argparse import ArgumentParser
from typing import Any

from django.core.exceptions import ValidationError
from django.core.management.base import CommandError
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from executions.models import Execucao, Processo
from executions.robos import encerrar_todos
from workers import kill
from workers.management.base import FriendlyCommand


class Command(FriendlyCommand):
    about = gettext_lazy(
        "Encerra robôs: os de uma execução, um só, ou todos. Espera até que estejam mortos e diz quantos processos do "
        "sistema foram encontrados, encerrados e restaram. Sai com 1 se algum restou."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        which = parser.add_mutually_exclusive_group(required=True)
        which.add_argument("--execucao", type=int, help=_("Número da execução."))
        which.add_argument("--processo", help=_("UUID do robô."))
        which.add_argument("--all", action="store_true", help=_("Todas as execuções e todos os robôs."))
        parser.add_argument("--yes", action="store_true", help=_("Não pergunta antes."))

    def handle(self, *args: Any, **options: Any) -> None:
        robots = self._chosen(options)
        victims = kill.Victims.of(robots)
        if not options["yes"] and not self._agreed(robots, options):
            raise CommandError(_("Nada foi encerrado."), returncode=1)
        self._ask(options)
        report = victims.wait()
        self.stdout.write(_("Processos do sistema: %(contagem)s.") % {"contagem": report})
        if report.left:
            raise SystemExit(1)

    def _chosen(self, options: dict[str, Any]) -> list[Processo]:
        live = Processo.objects.vivos().robos().select_related("host", "execucao")
        if options["all"]:
            return list(live)
        if options["execucao"] is not None:
            if not Execucao.objects.filter(pk=options["execucao"]).exists():
                raise CommandError(_("Não há execução %(execucao)s.") % {"execucao": options["execucao"]}, returncode=2)
            return list(live.filter(execucao=options["execucao"]))
        try:
            chosen = list(live.filter(uuid=options["processo"]))
        except ValidationError as error:
            raise CommandError(
                _("%(processo)s não é um UUID.") % {"processo": options["processo"]}, returncode=2
            ) from error
        if not chosen:
            raise CommandError(
                _("Não há robô em andamento com o UUID %(processo)s.") % {"processo": options["processo"]}, returncode=2
            )
        return chosen

    def _agreed(self, robots: list[Processo], options: dict[str, Any]) -> bool:
        for robot in robots:
            self.stdout.write(
                "  "
                + _("%(robo)s em %(maquina)s, execução %(execucao)s")
                % {"robo": robot, "maquina": robot.host, "execucao": robot.execucao_id}
            )
        what = ngettext("%(n)d robô", "%(n)d robôs", len(robots)) % {"n": len(robots)}
        if options["all"]:
            what = _("todas as execuções abertas e %(robos)s") % {"robos": what}
        # Translators: the answers that mean yes, parted by a bar.
        yes = _("s|sim").split("|")
        try:
            return input(_("Encerrar %(o_que)s? [s/N] ") % {"o_que": what}).strip().lower() in yes
        except EOFError:
            return False

    def _ask(self, options: dict[str, Any]) -> None:
        if options["all"]:
            self.stdout.write(_("Execuções encerradas: %(n)s.") % {"n": encerrar_todos()})
        elif options["execucao"] is not None:
            Execucao.objects.get(pk=options["execucao"]).encerrar()
        else:
            Processo.objects.get(uuid=options["processo"]).encerrar()
