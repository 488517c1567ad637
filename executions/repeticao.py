"""A new batch from an old one's items."""

from typing import TYPE_CHECKING

from django.db import transaction
from django.utils.translation import gettext as _

from executions.intake import Linha
from executions.locks import locked
from executions.models import Execucao, Registro
from executions.results import Resultado

if TYPE_CHECKING:
    from django.contrib.auth.models import AbstractBaseUser


def das_nao_localizadas(execucao: Execucao, usuario: "AbstractBaseUser") -> tuple[Execucao | None, bool]:
    """A queued execution of the items that were not found, under the same names, with the same options.

    Returns it and whether it was made now: while one is open, a second click leads to that one. (None, False): nothing
    was not found. The files' contents are not copied: only their names are verified.
    """
    origem = f"repete-{execucao.pk}"
    with transaction.atomic():
        row = locked(Execucao.objects.com_nomes().filter(pk=execucao.pk)).get()
        there = Execucao.objects.abertas().filter(origem=origem).first()
        if there:
            return there, False
        missing = row.itens.filter(resultado=Resultado.NAO_LOCALIZADA).defer("arquivo", "dados").order_by("ordem")
        lines = [
            Linha(
                n, item.nome_arquivo, item.numero_processo, item.identificador, tuple(item.avisos), sha256=item.sha256
            )
            for n, item in enumerate(missing, start=1)
        ]
        if not lines:
            return None, False
        new = Execucao.objects.enfileirar(
            lines, portal=row.portal, credencial=row.credencial, max_robots=row.max_robots, robo=row.robo,
            mode=row.mode, titulo=_("Não localizadas da #%(n)s") % {"n": row.pk}, usuario=usuario, origem=origem,
        )  # fmt: skip
        new.destinos.set(row.destinos.all())
        text = _("Nova execução #%(n)s com as %(lines)s não localizadas.") % {"n": new.pk, "lines": len(lines)}
        Registro.objects.anotar("repetida", text, execucao=row, usuario=usuario)
    return new, True
