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
from django.utils.translation import gettext_lazy as _l
from django.utils.translation import ngettext

FIELDS = (
    _l("minuto"), _l("hora"), _l("dia do mês"), _l("mês"),
    _l("dia da semana"),
)  # fmt: skip
_BAD_FIELD = dict(
    zip(("Bad minute", "Bad hour", "Bad day-of-month", "Bad month", "Bad day-of-week"), FIELDS, strict=True)
)
LIMIT = 100


class CronInvalido(ValueError):
    """The expression cannot be accepted; the message says why."""


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


# ---- in words -------------------------------------------------------------------------------------------------------
# Each piece of a sentence is a text of its own; a language with another order has its own places in them.
_DIAS = (
    _l("domingo"), _l("segunda-feira"), _l("terça-feira"), _l("quarta-feira"), _l("quinta-feira"), _l("sexta-feira"),
    _l("sábado"),
)  # fmt: skip
_NOS_DIAS = (
    _l("aos domingos"), _l("às segundas-feiras"), _l("às terças-feiras"), _l("às quartas-feiras"),
    _l("às quintas-feiras"), _l("às sextas-feiras"), _l("aos sábados"),
)  # fmt: skip
_MESES = (
    "", _l("janeiro"), _l("fevereiro"), _l("março"), _l("abril"), _l("maio"), _l("junho"), _l("julho"), _l("agosto"),
    _l("setembro"), _l("outubro"), _l("novembro"), _l("dezembro"),
)  # fmt: skip
_SIGLAS_DIA = ("SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT")
_SIGLAS_MES = ("", "JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC")
_MAX_TIMES = 6


class _SemPalavras(Exception):
    """Too intricate to be said without a risk of saying something else."""


def em_palavras(expr: str) -> str:
    """The expression in words: "todos os dias às 08:00". What it cannot say surely it gives as it is written."""
    try:
        minute, hour, dom, month, dow = validar(expr).upper().split()
        times, fixed = _hora(minute, hour)
        days = _dias(dom, month, dow)
    except CronInvalido:
        return _("expressão inválida")
    except _SemPalavras:
        return _("conforme a expressão cron %(expr)s") % {"expr": expr}
    if fixed:
        return _("%(dias)s %(horas)s") % {"dias": days or _("todos os dias"), "horas": times}
    return f"{times}, {days}" if days else times


def _hora(minute: str, hour: str) -> tuple[str, bool]:
    """(the words, are they fixed times of a day?)"""
    step = re.fullmatch(r"\*/(\d+)", minute)
    hours = re.fullmatch(r"(\d+)-(\d+)", hour)
    if minute in ("*", "*/1") and (hour == "*" or hours):
        return _dentro(_("a cada minuto"), hours), False
    if step and 60 % int(step[1]) == 0 and (hour == "*" or hours):
        return _dentro(_("a cada %(n)s minutos") % {"n": step[1]}, hours), False
    minutes = _numeros(minute)
    past = _("aos %(minutos)s minutos") % {"minutos": _juntar([f"{m:02}" for m in minutes])}
    if minutes == [0]:
        past = _("em ponto")
    every = re.fullmatch(r"\*/(\d+)", hour)
    if hour == "*":
        return _("a cada hora, %(minutos)s") % {"minutos": past}, False
    if every and 24 % int(every[1]) == 0 and int(every[1]) > 1:
        return _("a cada %(n)s horas, %(minutos)s") % {"n": every[1], "minutos": past}, False
    if hours and len(minutes) == 1:
        span = {"inicio": f"{int(hours[1]):02}:{minutes[0]:02}", "fim": f"{int(hours[2]):02}:{minutes[0]:02}"}
        return _("de hora em hora, das %(inicio)s às %(fim)s") % span, False
    times = [_as(h) % {"hora": f"{h:02}:{m:02}"} for h in _numeros(hour) for m in minutes]
    if len(times) > _MAX_TIMES:
        raise _SemPalavras
    return _juntar(times), True


def _dentro(text: str, hours: "re.Match[str] | None") -> str:
    """Only within these hours, if any."""
    if not hours:
        return text
    span = {"inicio": f"{int(hours[1]):02}:00", "fim": f"{int(hours[2]):02}:59"}
    return f"{text}, {_('das %(inicio)s às %(fim)s') % span}"


def _as(h: int) -> str:
    return _("à %(hora)s") if h == 1 else _("às %(hora)s")


def _dias(dom: str, month: str, dow: str) -> str:
    months = "" if month == "*" else _meses(month)
    if dom == "*" and dow == "*":
        return _("todos os dias %(meses)s") % {"meses": _em(months)} if months else ""
    if dom != "*" and dow != "*":
        if "*" in dom + dow:
            raise _SemPalavras
        days = _("%(dias)s ou %(semana)s") % {"dias": _do_mes(dom, months), "semana": _da_semana(dow)}
        return days + (f", {_em(months)}" if months else "")
    if dow == "*":
        return _do_mes(dom, months)
    return _da_semana(dow) + (f", {_em(months)}" if months else "")


class _Faixa(str):
    """Months from one to another, already with their prepositions."""

    __slots__ = ()


def _meses(month: str) -> str:
    if span := re.fullmatch(r"(\w+)-(\w+)", month):
        first, last = (_valor(v, _SIGLAS_MES) for v in span.groups())
        return _Faixa(_("de %(primeiro)s a %(ultimo)s") % {"primeiro": _MESES[first], "ultimo": _MESES[last]})
    return _juntar([str(_MESES[_valor(v, _SIGLAS_MES)]) for v in month.split(",")])


def _em(months: str) -> str:
    return months if isinstance(months, _Faixa) else _("em %(meses)s") % {"meses": months}


def _do_mes(dom: str, months: str) -> str:
    of = ""
    if months:
        text = _("de cada mês, %(meses)s") if isinstance(months, _Faixa) else _("de %(meses)s")
        of = text % {"meses": months}
    if dom in ("L", "LW"):
        last = _("no último dia de semana %(do_mes)s") if dom == "LW" else _("no último dia %(do_mes)s")
        return last % {"do_mes": of or _("do mês")}
    days = _numeros(dom)
    if not of:
        of = _("dos meses que o têm") if len(days) == 1 and days[0] > 28 else _("de cada mês")
    names = _juntar([_("1º") if d == 1 else str(d) for d in days])
    return ngettext("no dia %(dias)s %(do_mes)s", "nos dias %(dias)s %(do_mes)s", len(days)) % {
        "dias": names, "do_mes": of,
    }  # fmt: skip


def _da_semana(dow: str) -> str:
    if span := re.fullmatch(r"(\w+)-(\w+)", dow):
        first, last = (_valor(v, _SIGLAS_DIA) for v in span.groups())
        return _("de %(primeiro)s a %(ultimo)s") % {"primeiro": _DIAS[first % 7], "ultimo": _DIAS[last % 7]}
    return _juntar([_um_dia(term) for term in dow.split(",")])


def _um_dia(term: str) -> str:
    nth = re.fullmatch(r"(\w+)#(\d)", term)
    last = re.fullmatch(r"(\d)L", term)
    day = _valor(nth[1] if nth else last[1] if last else term, _SIGLAS_DIA) % 7
    male = day in (0, 6)
    if nth:
        text = _("no %(n)sº %(dia)s do mês") if male else _("na %(n)sª %(dia)s do mês")
        return text % {"n": nth[2], "dia": _DIAS[day]}
    if last:
        text = _("no último %(dia)s do mês") if male else _("na última %(dia)s do mês")
        return text % {"dia": _DIAS[day]}
    return str(_NOS_DIAS[day])


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
    if len(names) == 1:
        return names[0]
    return _("%(nomes)s e %(ultimo)s") % {"nomes": ", ".join(names[:-1]), "ultimo": names[-1]}
