"""From names and files to a batch's lines, portal and credential: the same for the command line and the API."""

from collections.abc import Iterable, Iterator, Sequence

from django.conf import settings
from django.utils import timezone
from django.utils.translation import gettext as _

from executions import cnj, intake
from executions.models import Credencial, Destino, Portal


class UsoErrado(Exception):
    """O pedido não pode ser atendido como foi feito."""


def ler(entradas: Iterable["intake.Entrada | str"], portal: str = "") -> intake.Lote:
    """The lines, checked against the courts of the configured portals (or of this one). Raises UsoErrado."""
    return intake.Lote(tuple(linhas(entradas, portal)))


def linhas(entradas: Iterable["intake.Entrada | str"], portal: str = "") -> Iterator[intake.Linha]:
    """`ler`, one line at a time: a batch may be long. Raises UsoErrado at the call."""
    return intake.linhas(
        entradas, tribunais=tribunais(portal), portal=portal or None, hoje=timezone.localdate(),
        padrao_identificador=settings.IDENTIFICADOR_PADRAO,
    )  # fmt: skip


def tribunais(portal: str = "") -> dict[str, str]:
    """The code of each court that is served, and the slug of its portal. Raises UsoErrado for an unknown portal."""
    portais = list(Portal.objects.all())
    if portal and portal not in {p.slug for p in portais}:
        known = ", ".join(sorted(p.slug for p in portais)) or "nenhum"
        raise UsoErrado(
            _("Portal desconhecido: %(portal)s. Configurados: %(known)s.") % {"portal": portal, "known": known}
        )
    # When two portals serve a court, the one that was asked for does.
    portais.sort(key=lambda p: p.slug == portal)
    return {code: p.slug for p in portais for code in p.tribunais}


def escolher(lote: intake.Lote, portal: str, credencial: str) -> tuple[Portal, Credencial]:
    """Portal and credential of the batch: as named, or the only ones that fit. Raises UsoErrado."""
    if portal:
        chosen = Portal.objects.get(slug=portal)
    else:
        courts = {cnj.tribunal(linha.numero) for linha in lote.aceitas}
        fitting = [p for p in Portal.objects.all() if courts <= set(p.tribunais)]
        if not fitting:
            raise UsoErrado(_("Os arquivos são de mais de um portal: envie um lote por portal."))
        if len(fitting) > 1:
            several = ", ".join(p.slug for p in fitting)
            raise UsoErrado(
                _("Mais de um portal atende estes arquivos (%(several)s): informe qual.") % {"several": several}
            )
        chosen = fitting[0]
    logins = chosen.credenciais.filter(usuario=credencial) if credencial else chosen.credenciais.all()
    if len(logins) != 1:
        known = ", ".join(chosen.credenciais.values_list("usuario", flat=True)) or "nenhuma"
        raise UsoErrado(
            _("Informe a credencial. Credenciais do portal %(slug)s: %(known)s.")
            % {"slug": chosen.slug, "known": known}
        )
    return chosen, logins[0]


def destinos(nomes: Sequence[str]) -> list[Destino]:
    """The destinations of these names. Raises UsoErrado."""
    found = list(Destino.objects.filter(nome__in=nomes))
    missing = set(nomes) - {destino.nome for destino in found}
    if missing:
        raise UsoErrado(_("Destino desconhecido: %(nomes)s.") % {"nomes": ", ".join(sorted(missing))})
    return found
