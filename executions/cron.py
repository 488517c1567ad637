"""Pure: cron expressions of five fields, when they are due in the local zone, and how they read in words.

Two rules at the edges, both Debian cron's (and cronsim's). Months: a day that a month lacks is skipped, `L` is the last
day. Daylight saving: an expression at fixed times whose hour does not exist is due at the first minute that does, and
one whose hour comes twice is due the first time only; one that begins with `*` in minute or hour goes by real time.
"""

import re
from collections.abc import Iterator
from datetime import UTC, datetime
from itertools import islice
from zoneinfo import ZoneInfo

from cronsim import CronSim, CronSimError
from django.conf import settings
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

FIELDS = (
    gettext_lazy("minuto"), gettext_lazy("hora"), gettext_lazy("dia do mês"), gettext_lazy("mês"),
    gettext_lazy("dia da semana"),
)  # fmt: skip
_BAD_FIELD = dict(
    zip(("Bad minute", "Bad hour", "Bad day-of-month", "Bad month", "Bad day-of-week"), FIELDS, strict=True)
)
LIMIT = 100


class CronInvalido(ValueError):
    """A expressão cron não pode ser aceita."""


def zona() -> ZoneInfo:
    return ZoneInfo(settings.TIME_ZONE)


def validar(expr: str) -> str:
    """The expression with single spaces. Raises CronInvalido with the sentence that says what is wrong."""
    if len(expr) > LIMIT:
        raise CronInvalido(_("A expressão tem no máximo %(n)d caracteres.") % {"n": LIMIT})
    parts = expr.split()
    if len(parts) != len(FIELDS):
        text = _("Uma expressão cron tem cinco campos: %(nomes)s. Esta tem %(n)d.")
        raise CronInvalido(text % {"nomes": ", ".join(map(str, FIELDS)), "n": len(parts)})
    clean = " ".join(parts)
    if not proximos(clean, datetime.now(UTC), 1):
        raise CronInvalido(_("Esta expressão nunca acontece."))
    return clean


def horarios(expr: str, depois: datetime) -> Iterator[datetime]:
    """The due times strictly after this one, aware, in the local zone, each later than the one before.

    Raises CronInvalido. It ends when fifty years hold no further one.
    """
    zone, last = zona(), depois
    try:
        due = CronSim(expr, depois.astimezone(zone))
    except CronSimError as error:
        field = _BAD_FIELD.get(str(error))
        text = _("O campo %(nome)s não é válido.") % {"nome": field} if field else _("A expressão não é válida.")
        raise CronInvalido(text) from error
    for wall in due:
        # Through UTC: a wall time that does not exist becomes the real one of the same instant.
        moment = wall.astimezone(UTC).astimezone(zone)
        if moment.astimezone(UTC) > last.astimezone(UTC):
            yield moment
            last = moment


def proximos(expr: str, depois: datetime, n: int) -> list[datetime]:
    """The next n due times strictly after this one (fewer when there are no more). Raises CronInvalido."""
    return list(islice(horarios(expr, depois), n))


# The grammar of one language: another one needs rules of its own, not a table of words.
# ---- in words -------------------------------------------------------------------------------------------------------
_DIAS = ("domingo", "segunda-feira", "terça-feira", "quarta-feira", "quinta-feira", "sexta-feira", "sábado")
_MESES = (
    "", "janeiro", "fevereiro", "março", "abril", "maio", "junho", "julho", "agosto", "setembro", "outubro",
    "novembro", "dezembro",
)  # fmt: skip
_SIGLAS_DIA = ("SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT")
_SIGLAS_MES = ("", "JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC")
_MAX_TIMES = 6


class _SemPalavras(Exception):
    """Too intricate to be said without a risk of saying something else."""


def em_palavras(expr: str) -> str:
    """The expression in pt-BR: "todos os dias às 08:00". What it cannot say surely it gives as it is written."""
    try:
        minute, hour, dom, month, dow = validar(expr).upper().split()
        times, fixed = _hora(minute, hour)
        days = _dias(dom, month, dow)
    except CronInvalido:
        return "expressão inválida"
    except _SemPalavras:
        return f"conforme a expressão cron {expr}"
    if fixed:
        return f"{days or 'todos os dias'} {times}"
    return f"{times}, {days}" if days else times


def _hora(minute: str, hour: str) -> tuple[str, bool]:
    """(the words, are they fixed times of a day?)"""
    step = re.fullmatch(r"\*/(\d+)", minute)
    hours = re.fullmatch(r"(\d+)-(\d+)", hour)
    when = f", das {int(hours[1]):02}:00 às {int(hours[2]):02}:59" if hours else ""
    if minute in ("*", "*/1") and (hour == "*" or hours):
        return f"a cada minuto{when}", False
    if step and 60 % int(step[1]) == 0 and (hour == "*" or hours):
        return f"a cada {step[1]} minutos{when}", False
    minutes = _numeros(minute)
    past = "em ponto" if minutes == [0] else f"aos {_juntar([f'{m:02}' for m in minutes])} minutos"
    every = re.fullmatch(r"\*/(\d+)", hour)
    if hour == "*":
        return f"a cada hora, {past}", False
    if every and 24 % int(every[1]) == 0 and int(every[1]) > 1:
        return f"a cada {every[1]} horas, {past}", False
    if hours and len(minutes) == 1:
        return f"de hora em hora, das {int(hours[1]):02}:{minutes[0]:02} às {int(hours[2]):02}:{minutes[0]:02}", False
    times = [f"{_as(h)} {h:02}:{m:02}" for h in _numeros(hour) for m in minutes]
    if len(times) > _MAX_TIMES:
        raise _SemPalavras
    return _juntar(times), True


def _as(h: int) -> str:
    return "à" if h == 1 else "às"


def _dias(dom: str, month: str, dow: str) -> str:
    months = "" if month == "*" else _lista(month, _SIGLAS_MES, _MESES, " a ", "de ")
    if dom == "*" and dow == "*":
        return f"todos os dias {_em(month, months)}" if months else ""
    if dom != "*" and dow != "*":
        if "*" in dom + dow:
            raise _SemPalavras
        return f"{_do_mes(dom, months)} ou {_da_semana(dow)}" + (f", {_em(month, months)}" if months else "")
    if dow == "*":
        return _do_mes(dom, months)
    return _da_semana(dow) + (f", {_em(month, months)}" if months else "")


def _em(month: str, months: str) -> str:
    return months if "-" in month else f"em {months}"


def _do_mes(dom: str, months: str) -> str:
    of = f"de {months.removeprefix('de ')}" if months else ""
    if " a " in months:
        of = f"de cada mês, {months}"
    if dom in ("L", "LW"):
        return f"no último dia {'de semana ' if dom == 'LW' else ''}{of or 'do mês'}"
    days = _numeros(dom)
    names = _juntar(["1º" if d == 1 else str(d) for d in days])
    if not of:
        of = "dos meses que o têm" if len(days) == 1 and days[0] > 28 else "de cada mês"
    return f"{'no dia' if len(days) == 1 else 'nos dias'} {names} {of}"


def _da_semana(dow: str) -> str:
    if span := re.fullmatch(r"(\w+)-(\w+)", dow):
        first, last = (_valor(v, _SIGLAS_DIA) for v in span.groups())
        return f"de {_DIAS[first % 7]} a {_DIAS[last % 7]}"
    return _juntar([_um_dia(term) for term in dow.split(",")])


def _um_dia(term: str) -> str:
    nth = re.fullmatch(r"(\w+)#(\d)", term)
    last = re.fullmatch(r"(\d)L", term)
    day = _valor(nth[1] if nth else last[1] if last else term, _SIGLAS_DIA) % 7
    male = day in (0, 6)
    if nth:
        return f"{'no' if male else 'na'} {nth[2]}{'º' if male else 'ª'} {_DIAS[day]} do mês"
    if last:
        return f"{'no último' if male else 'na última'} {_DIAS[day]} do mês"
    return f"{'aos' if male else 'às'} {_DIAS[day].replace('-feira', 's-feira')}s"


def _lista(term: str, siglas: tuple[str, ...], nomes: tuple[str, ...], ate: str, de: str) -> str:
    if span := re.fullmatch(r"(\w+)-(\w+)", term):
        first, last = (_valor(v, siglas) for v in span.groups())
        return f"{de}{nomes[first]}{ate}{nomes[last]}"
    return _juntar([nomes[_valor(v, siglas)] for v in term.split(",")])


def _valor(text: str, siglas: tuple[str, ...]) -> int:
    if text in siglas:
        return siglas.index(text)
    if not text.isdecimal():
        raise _SemPalavras
    return int(text)


def _numeros(term: str) -> list[int]:
    if not re.fullmatch(r"\d+(,\d+)*", term):
        raise _SemPalavras
    return sorted({int(v) for v in term.split(",")})


def _juntar(names: list[str]) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} e {names[-1]}"
