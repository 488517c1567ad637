"""Saneamento de data: a portal's printed date becomes an aware datetime, or is refused with a reason. Never a guess."""

import re
import unicodedata
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone, tzinfo
from zoneinfo import ZoneInfo

from django.utils.translation import gettext as _

from executions.formatos import FORMATOS

SAO_PAULO = ZoneInfo("America/Sao_Paulo")
PRIMEIRO_ANO = 1900

_HORA = r"(?P<hora>\d{1,2})\s?[:h]\s?(?P<minuto>\d{2})(?:\s?:\s?(?P<segundo>\d{2})(?:[.,](?P<fracao>\d{1,9}))?)?"
_COMENTARIO = r"(?:\s?[-–(][^\d]*)?"
_FORMAS = [
    # 26/02/2026, 14.03.2026 11:23, 06/06/2017 às 09:08 - Livre
    r"(?P<a>\d{1,2})\s?(?P<sep>[/.-])\s?(?P<b>\d{1,2})\s?(?P=sep)\s?(?P<ano>\d{4}|\d{2})"
    rf"(?:(?:,?\s?[àÀa]s\s|,\s?|\s-\s|\s){_HORA}(?:\s?h(?:r?s)?\b)?)?{_COMENTARIO}",
    # 2026-03-14, 2025-11-29T04:56:34.276, 2023-07-19T17:31:20.499Z
    r"(?P<ano>\d{4})(?P<sep>[-/.])(?P<mes>\d{1,2})(?P=sep)(?P<dia>\d{1,2})"
    rf"(?:[T\s]{_HORA}\s?(?P<fuso>Z|[+-]\d{{2}}:?\d{{2}})?)?",
    # 20170313, 20170313185559
    r"(?P<ano>\d{4})(?P<mes>\d{2})(?P<dia>\d{2})(?:(?P<hora>\d{2})(?P<minuto>\d{2})(?P<segundo>\d{2}))?",
]
_PADROES = [re.compile(forma, re.ASCII | re.IGNORECASE) for forma in _FORMAS]


@dataclass(frozen=True)
class DataLida:
    """A date as read. `valor` is aware, in America/Sao_Paulo (midnight when `tem_hora` is False), or None if refused.

    `original` is the text exactly as received; `aviso` asks for a look; `motivo` is set if and only if refused (pt-BR).
    """

    valor: datetime | None
    tem_hora: bool
    original: str
    aviso: str = ""
    motivo: str = ""


class _Recusada(Exception):
    pass


def sanear(
    texto: str | None, *, agora: datetime, ano_do_processo: int | None = None, dia_primeiro: bool = True
) -> DataLida:
    """Read one printed date. ValueError if `agora` is naive; anything wrong with `texto` is a refusal, not an error.

    A moment after `agora` is refused, while a date without a time may be today's. A year before `ano_do_processo` is
    refused. `dia_primeiro=False` is for pages known to print month/day.
    """
    if agora.utcoffset() is None:
        raise ValueError("agora must be aware")
    original = texto or ""
    try:
        partes = _reconhecer(_normalizar(original))
        valor, tem_hora = _montar(partes, dia_primeiro)
        _conferir(valor, tem_hora, agora, ano_do_processo)
    except _Recusada as recusa:
        return DataLida(None, False, original, motivo=str(recusa))
    return DataLida(valor, tem_hora, original, aviso=_aviso(partes, valor, tem_hora))


def _normalizar(texto: str) -> str:
    """One line: any whitespace (nbsp and newlines too) becomes one space; invisible format characters go."""
    return " ".join("".join(c for c in unicodedata.normalize("NFC", texto) if unicodedata.category(c) != "Cf").split())


def _reconhecer(texto: str) -> dict[str, str]:
    if not texto:
        raise _Recusada(_("Data vazia."))
    for padrao in _PADROES:
        if m := padrao.fullmatch(texto):
            partes = {nome: valor for nome, valor in m.groupdict().items() if valor is not None}
            return partes | {"texto": m[0]}
    raise _Recusada(_("Formato de data não reconhecido: «%(texto)s».") % {"texto": _curto(texto)})


def _montar(partes: dict[str, str], dia_primeiro: bool) -> tuple[datetime, bool]:
    dia, mes = _dia_e_mes(partes, dia_primeiro)
    ano = int(partes["ano"])
    if len(partes["ano"]) == 2:
        # 26-02-14 is read both ways in the wild (day first, or ISO cut short); with / or . only the day comes first.
        if partes["sep"] == "-":
            raise _Recusada(_("Ano com dois dígitos ambíguo: «%(texto)s».") % {"texto": _curto(partes["texto"])})
        ano += 2000
    hora, minuto, segundo = (int(partes.get(nome, "0")) for nome in ("hora", "minuto", "segundo"))
    micro = int(partes.get("fracao", "0").ljust(6, "0")[:6])
    try:
        local = datetime(ano, mes, dia, hora, minuto, segundo, micro, tzinfo=_fuso(partes.get("fuso")))
        return local.astimezone(SAO_PAULO), "hora" in partes
    except (ValueError, OverflowError) as erro:
        raise _Recusada(_impossivel(partes["texto"], mes)) from erro


def _dia_e_mes(partes: dict[str, str], dia_primeiro: bool) -> tuple[int, int]:
    if "dia" in partes:
        return int(partes["dia"]), int(partes["mes"])
    primeiro, segundo = int(partes["a"]), int(partes["b"])
    return (primeiro, segundo) if dia_primeiro else (segundo, primeiro)


def _fuso(texto: str | None) -> tzinfo:
    if texto is None:
        return SAO_PAULO
    if texto in "Zz":
        return UTC
    deslocamento = timedelta(hours=int(texto[1:3]), minutes=int(texto[-2:]))
    return timezone(-deslocamento if texto[0] == "-" else deslocamento)


def _conferir(valor: datetime, tem_hora: bool, agora: datetime, ano_do_processo: int | None) -> None:
    if valor.year < PRIMEIRO_ANO:
        raise _Recusada(_("Data impossível: ano %(ano)04d.") % {"ano": valor.year})
    # Two datetimes of one zone compare by the wall clock, which goes back when summer time ends: compare in UTC.
    hoje = agora.astimezone(SAO_PAULO).date()
    if valor.astimezone(UTC) > agora.astimezone(UTC) if tem_hora else valor.date() > hoje:
        raise _Recusada(_("Data futura: %(data)s.") % {"data": _mostrar(valor, tem_hora)})
    if ano_do_processo is not None and valor.year < ano_do_processo:
        raise _Recusada(
            _("Data %(data)s anterior ao ano do processo (%(ano)s).")
            % {"data": _mostrar(valor, tem_hora), "ano": ano_do_processo}
        )


def _aviso(partes: dict[str, str], valor: datetime, tem_hora: bool) -> str:
    avisos = []
    if len(partes["ano"]) == 2:
        avisos.append(_("Ano com dois dígitos: entendido como %(ano)s.") % {"ano": valor.year})
    # Without a time zone in the text, two offsets for one wall time mean that summer time began or ended there.
    if tem_hora and "fuso" not in partes and valor.replace(fold=1).utcoffset() != valor.replace(fold=0).utcoffset():
        avisos.append(_("Horário na mudança do horário de verão: pode haver uma hora de diferença."))
    return " ".join(avisos)


def _impossivel(texto: str, mes: int) -> str:
    words = _("Data impossível: «%(texto)s».") % {"texto": _curto(texto)}
    hint = _("O mês %(mes)s não existe; a data pode estar como mês/dia.") % {"mes": mes} if mes > 12 else ""
    return f"{words} {hint}".strip()


def _mostrar(valor: datetime, tem_hora: bool) -> str:
    return valor.strftime(str(FORMATOS["minuto" if tem_hora else "data"]))


def _curto(texto: str, limite: int = 40) -> str:
    return texto if len(texto) <= limite else texto[: limite - 1] + "…"
