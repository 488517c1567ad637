import time
from argparse import ArgumentParser
from dataclasses import dataclass
from typing import Any

from django.core.management import call_command
from django.core.management.base import CommandError
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from rich.markup import escape
from rich.table import Table

from executions import exports
from executions.models import Execucao
from workers import batch, demo, loop
from workers.management.base import FriendlyCommand
from workers.portals.demo.cases import SENHA
from workers.portals.demo.sample import AMOSTRA, Esperado
from workers.portals.demo.server import PortalDemo


@dataclass(frozen=True)
class Line:
    """An answer beside the expected one."""

    expected: Esperado
    got: tuple[str, ...]

    @property
    def right(self) -> bool:
        want = self.expected
        answer = want.resultado if want.situacao == "done" else want.erro_classe or "entrada_invalida"
        return self.got[3:6] == (want.situacao, want.resultado, want.protocolada_em) and self.shown == answer

    @property
    def shown(self) -> str:
        return self.got[4] or self.got[9] or self.got[3]


class Command(FriendlyCommand):
    about = gettext_lazy(
        "Demonstração de ponta a ponta: portal fictício, lote de amostra, robôs de verdade, e as respostas ao lado das "
        "esperadas. Sai com 0 só se todas conferem."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--max-robots", type=int, default=3)

    def handle(self, *args: Any, **options: Any) -> None:
        call_command("migrate", verbosity=0)
        console = batch.console()
        stop = loop.stop_on_signals()
        with PortalDemo() as server:
            portal, credencial = demo.register_portal(server.url, senha=SENHA)
            for old in Execucao.objects.abertas():
                old.encerrar()
            lote = batch.ler([line.nome for line in AMOSTRA], portal.slug)
            execucao = Execucao.objects.enfileirar(
                lote.aceitas, portal=portal, credencial=credencial, max_robots=options["max_robots"],
                titulo=_("Amostra da demonstração"), origem="demo",
            )  # fmt: skip
            console.print(
                _("Portal de demonstração em %(url)s; %(n)s linhas, %(robos)s robôs.")
                % {"url": server.url, "n": len(AMOSTRA), "robos": options["max_robots"]}
            )
            began = time.monotonic()
            try:
                batch.run(execucao, max_wait=120, stop=stop, console=console)
            except batch.HostRecusado as error:
                raise CommandError(str(error)) from error
            seconds = time.monotonic() - began
        rows = list(exports.linhas(execucao, lote.rejeitadas))
        lines = [Line(expected, row) for expected, row in zip(AMOSTRA, rows, strict=True)]
        console.print(_table(lines))
        wrong = sum(not line.right for line in lines)
        if execucao.motivo:
            console.print(f"[red]{escape(execucao.motivo)}[/]")
        if wrong:
            raise CommandError(
                _("%(n)s de %(total)s respostas não conferem com as esperadas.") % {"n": wrong, "total": len(lines)}
            )
        text = _("Todas as %(n)s respostas conferem")
        console.print(f"[green]{text % {'n': len(lines)}}[/] ({seconds:.0f} s).")


def _table(lines: list[Line]) -> Table:
    table = Table("", _("Arquivo"), _("Resposta"), _("Protocolada em"), _("Esperada"), _("Tent."))
    for line in lines:
        sign = "[green]✓[/]" if line.right else "[red]✗[/]"
        want = line.expected
        expected = " ".join(filter(None, [want.resultado or want.erro_classe or want.situacao, want.protocolada_em]))
        table.add_row(sign, escape(want.nome), line.shown, line.got[5], expected, line.got[11])
    return table
