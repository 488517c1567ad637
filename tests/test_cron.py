"""Cron expressions: their due times at the edges of months, years and daylight saving, and how they read."""

from datetime import UTC, datetime, timedelta
from itertools import islice
from zoneinfo import ZoneInfo

import pytest
from cronsim import CronSim
from hypothesis import given
from hypothesis import strategies as st

from executions import cron

pytestmark = pytest.mark.nodb
SP = ZoneInfo("America/Sao_Paulo")


def local(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=SP)


def due(expr: str, depois: str, n: int = 3) -> list[str]:
    return [f"{at:%Y-%m-%d %H:%M %z}" for at in cron.proximos(expr, local(depois), n)]


def dias(expr: str, depois: str, n: int) -> list[str]:
    return [f"{at:%Y-%m-%d}" for at in cron.proximos(expr, local(depois), n)]


def test_due_times_are_strictly_after_the_given_one_in_the_local_zone() -> None:
    assert due("0 8 * * *", "2026-03-10 08:00") == [
        "2026-03-11 08:00 -0300", "2026-03-12 08:00 -0300", "2026-03-13 08:00 -0300",
    ]  # fmt: skip
    assert due("0 8 * * *", "2026-03-10 07:59:59", 1) == ["2026-03-10 08:00 -0300"]
    from_utc = cron.proximos("0 8 * * *", datetime(2026, 3, 10, 10, 59, tzinfo=UTC), 1)
    assert from_utc == [local("2026-03-10 08:00")]


def test_a_day_that_a_month_lacks_is_skipped_and_l_is_the_last_one() -> None:
    assert dias("0 9 31 * *", "2026-01-31 10:00", 3) == ["2026-03-31", "2026-05-31", "2026-07-31"]
    assert dias("0 9 30 * *", "2026-01-30 10:00", 2) == ["2026-03-30", "2026-04-30"]
    assert dias("0 9 L * *", "2026-01-15", 4) == ["2026-01-31", "2026-02-28", "2026-03-31", "2026-04-30"]
    assert dias("0 9 L 2 *", "2026-01-15", 3) == ["2026-02-28", "2027-02-28", "2028-02-29"]
    assert dias("0 9 LW * *", "2026-01-15", 3) == ["2026-01-30", "2026-02-27", "2026-03-31"]


def test_the_29th_of_february_comes_in_leap_years_only() -> None:
    assert dias("0 0 29 2 *", "2026-01-01", 3) == ["2028-02-29", "2032-02-29", "2036-02-29"]
    assert dias("0 0 29 2 *", "2096-03-01", 1) == ["2104-02-29"]


def test_weekdays_of_the_month_and_either_of_two_days() -> None:
    assert dias("0 9 * * 1#2", "2026-01-01", 2) == ["2026-01-12", "2026-02-09"]
    assert dias("0 9 * * 5L", "2026-01-01", 2) == ["2026-01-30", "2026-02-27"]
    assert dias("0 9 13 * 5", "2026-02-01", 3) == ["2026-02-06", "2026-02-13", "2026-02-20"]
    assert dias("0 9 * * 7", "2026-02-01 10:00", 1) == dias("0 9 * * SUN", "2026-02-01 10:00", 1) == ["2026-02-08"]
    assert dias("0 9 */10 * 1", "2026-05-01", 1) == ["2026-05-11"]  # a star in one: both must hold


# On 2018-11-04 São Paulo's clocks went from 00:00 to 01:00; on 2018-02-18, from 00:00 back to 23:00 of the 17th.
def test_a_fixed_time_that_does_not_exist_is_due_at_the_first_minute_that_does() -> None:
    assert due("0 0 * * *", "2018-11-03 12:00", 2) == ["2018-11-04 01:00 -0200", "2018-11-05 00:00 -0200"]
    assert due("30 0 * * *", "2018-11-03 12:00", 2) == ["2018-11-04 01:00 -0200", "2018-11-05 00:30 -0200"]
    assert due("0 1 * * *", "2018-11-03 12:00", 1) == ["2018-11-04 01:00 -0200"]
    assert due("15,45 0 4 11 *", "2018-11-03 12:00", 2) == ["2018-11-04 01:00 -0200", "2019-11-04 00:15 -0300"]


def test_a_fixed_time_that_comes_twice_is_due_the_first_time_only() -> None:
    assert due("30 23 * * *", "2018-02-17 12:00", 2) == ["2018-02-17 23:30 -0200", "2018-02-18 23:30 -0300"]
    again = datetime(2018, 2, 18, 2, 10, tzinfo=UTC)  # 23:10, the second time
    assert cron.proximos("30 23 * * *", again, 1) == [local("2018-02-18 23:30")]


def test_what_goes_by_the_minute_goes_by_real_time() -> None:
    assert due("*/30 * * * *", "2018-11-03 23:15", 3) == [
        "2018-11-03 23:30 -0300", "2018-11-04 01:00 -0200", "2018-11-04 01:30 -0200",
    ]  # fmt: skip
    assert due("*/30 * * * *", "2018-02-17 22:45", 5) == [
        "2018-02-17 23:00 -0200", "2018-02-17 23:30 -0200", "2018-02-17 23:00 -0300", "2018-02-17 23:30 -0300",
        "2018-02-18 00:00 -0300",
    ]  # fmt: skip
    start = local("2018-02-17 00:00")
    minutes = list(islice(cron.horarios("* * * * *", start - timedelta(minutes=1)), 25 * 60 + 1))
    assert minutes[-1] == local("2018-02-18 00:00")
    assert {b.astimezone(UTC) - a.astimezone(UTC) for a, b in zip(minutes, minutes[1:], strict=False)} == {
        timedelta(minutes=1)
    }


def test_a_midnight_that_does_not_exist_still_gives_real_times_in_order() -> None:
    assert due("*/30 * * * 0", "2018-11-03 12:00", 2) == ["2018-11-04 01:00 -0200", "2018-11-04 01:30 -0200"]


@given(st.datetimes(datetime(2017, 1, 1), datetime(2030, 1, 1)), st.sampled_from([
    "* * * * *", "*/7 * * * *", "0 0 * * *", "30 23 * * *", "0 */6 * * *", "15 0,23 L * *", "0 0 29 2 *", "5 0 * * 0",
    "*/15 0 * * SUN", "0 12 31 * 1",
]))  # fmt: skip
def test_times_are_real_rise_and_agree_with_cronsim(naive: datetime, expr: str) -> None:
    after = naive.replace(tzinfo=SP)
    times = cron.proximos(expr, after, 5)
    instants = [at.astimezone(UTC) for at in times]
    assert instants == sorted(set(instants)) and instants[0] > after.astimezone(UTC)
    assert all(at == at.astimezone(UTC).astimezone(SP) for at in times)
    theirs = [at.astimezone(UTC) for at in islice(CronSim(expr, after), 8)]
    assert set(instants) <= set(theirs)


@pytest.mark.parametrize(
    ("expr", "sentence"),
    [
        ("", "cinco campos"), ("* * * *", "Esta tem 4"), ("0 0 8 * * *", "Esta tem 6"), ("@daily", "cinco campos"),
        ("60 * * * *", "minuto"), ("* 24 * * *", "hora"), ("0 0 32 * *", "dia do mês"), ("0 0 * 13 *", "mês"),
        ("0 0 * * 8", "dia da semana"), ("0 0 30 2 *", "dia do mês"), ("*/0 * * * *", "minuto"),
        ("5-1 * * * *", "minuto"), ("a * * * *", "minuto"), ("0 0 * 2 MON#5x", "dia da semana"),
        ("0 8 * * *; rm", "cinco campos"), ("0," * 60 + "0 * * * *", "caracteres"),
    ],
)  # fmt: skip
def test_what_is_no_expression_is_refused_with_a_sentence(expr: str, sentence: str) -> None:
    with pytest.raises(cron.CronInvalido, match=sentence):
        cron.validar(expr)
    assert cron.em_palavras(expr) == "expressão inválida"


def test_an_accepted_expression_is_kept_with_single_spaces() -> None:
    assert cron.validar("  0  8 * *   1-5 ") == "0 8 * * 1-5"


@given(st.text("0123456789*/-,LW#MONSUJA ", max_size=40))
def test_any_text_is_either_accepted_or_refused_and_always_has_words(expr: str) -> None:
    try:
        clean = cron.validar(expr)
    except cron.CronInvalido:
        assert cron.em_palavras(expr) == "expressão inválida"
    else:
        assert cron.em_palavras(clean)


@pytest.mark.parametrize(
    ("expr", "words"),
    [
        ("0 8 * * *", "todos os dias às 08:00"),
        ("30 1 * * *", "todos os dias à 01:30"),
        ("*/5 * * * *", "a cada 5 minutos"),
        ("* * * * *", "a cada minuto"),
        ("0 * * * *", "a cada hora, em ponto"),
        ("15 */2 * * *", "a cada 2 horas, aos 15 minutos"),
        ("30 9 * * 1", "às segundas-feiras às 09:30"),
        ("0 8,12 * * 1-5", "de segunda-feira a sexta-feira às 08:00 e às 12:00"),
        ("0 9 * * MON,WED,SAT", "às segundas-feiras, às quartas-feiras e aos sábados às 09:00"),
        ("*/10 9-17 * * 1-5", "a cada 10 minutos, das 09:00 às 17:59, de segunda-feira a sexta-feira"),
        ("0 9-17 * * *", "de hora em hora, das 09:00 às 17:00"),
        ("0 18 L * *", "no último dia do mês às 18:00"),
        ("0 18 LW * *", "no último dia de semana do mês às 18:00"),
        ("0 9 1,15 * *", "nos dias 1º e 15 de cada mês às 09:00"),
        ("0 9 31 * *", "no dia 31 dos meses que o têm às 09:00"),
        ("0 9 25 12 *", "no dia 25 de dezembro às 09:00"),
        ("0 9 * 1-3 *", "todos os dias de janeiro a março às 09:00"),
        ("0 9 13 * 5", "no dia 13 de cada mês ou às sextas-feiras às 09:00"),
        ("0 9 * * 1#2", "na 2ª segunda-feira do mês às 09:00"),
        ("0 9 * * 5L", "na última sexta-feira do mês às 09:00"),
        ("*/7 * * * *", "conforme a expressão cron */7 * * * *"),
        ("0 9 */2 * 5", "conforme a expressão cron 0 9 */2 * 5"),
        ("1-59/7 3-5,9 * * *", "conforme a expressão cron 1-59/7 3-5,9 * * *"),
    ],
)
def test_an_expression_is_said_in_words_or_given_as_it_is(expr: str, words: str) -> None:
    assert cron.em_palavras(expr) == words
