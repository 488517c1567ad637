from datetime import UTC, date, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from executions.dates import SAO_PAULO, DataLida, sanear

AGORA = datetime(2026, 3, 20, 12, 0, tzinfo=SAO_PAULO)


def ler(texto: str | None, **kwargs) -> DataLida:
    return sanear(texto, **{"agora": AGORA, **kwargs})


def local(*partes: int) -> datetime:
    return datetime(*partes, tzinfo=SAO_PAULO)


@pytest.mark.parametrize(
    ("texto", "valor"),
    [
        ("26/02/2026", local(2026, 2, 26)),
        ("14.03.2026", local(2026, 3, 14)),
        ("14-03-2026", local(2026, 3, 14)),
        ("2026-03-14", local(2026, 3, 14)),
        ("2026/03/14", local(2026, 3, 14)),
        ("20170313", local(2017, 3, 13)),
        ("1/2/2026", local(2026, 2, 1)),
        ("29/02/2024", local(2024, 2, 29)),
        ("  26/02/2026\n", local(2026, 2, 26)),
        ("26/02/\n2026", local(2026, 2, 26)),
        ("\u200b26/02/2026\ufeff", local(2026, 2, 26)),
        ("26/02/2026 - Livre", local(2026, 2, 26)),
    ],
)
def test_a_date_alone_is_midnight_in_sao_paulo_without_a_time(texto, valor):
    lida = ler(texto)
    assert lida == DataLida(valor, False, texto)
    assert lida.valor.tzinfo is SAO_PAULO


@pytest.mark.parametrize(
    ("texto", "valor"),
    [
        ("26/02/2026 11:23", local(2026, 2, 26, 11, 23)),
        ("26/02/2026 11:23:45", local(2026, 2, 26, 11, 23, 45)),
        ("26/02/2026\u00a011:23:45", local(2026, 2, 26, 11, 23, 45)),
        ("26/02/2026\n   11:23", local(2026, 2, 26, 11, 23)),
        ("26/02/2026, 11:23", local(2026, 2, 26, 11, 23)),
        ("26/02/2026 - 11:23", local(2026, 2, 26, 11, 23)),
        ("06/06/2017 às 09:08 - Livre", local(2017, 6, 6, 9, 8)),
        ("06/06/2017 a\u0300s 09h08", local(2017, 6, 6, 9, 8)),
        ("06/06/2017 as 9:08h", local(2017, 6, 6, 9, 8)),
        ("2026-03-14 11:23:45", local(2026, 3, 14, 11, 23, 45)),
        ("2025-11-29T04:56:34.276", local(2025, 11, 29, 4, 56, 34, 276000)),
        ("2023-07-19T17:31:20.499Z", local(2023, 7, 19, 14, 31, 20, 499000)),
        ("2023-07-20T01:30:00Z", local(2023, 7, 19, 22, 30)),
        ("2023-07-19T17:31:20-04:00", local(2023, 7, 19, 18, 31, 20)),
        ("2023-07-19T17:31:20+0000", local(2023, 7, 19, 14, 31, 20)),
        ("20170313185559", local(2017, 3, 13, 18, 55, 59)),
        ("01/01/2026 00:00:00", local(2026, 1, 1)),
    ],
)
def test_a_date_with_a_time_is_that_moment_in_sao_paulo(texto, valor):
    lida = ler(texto)
    assert lida == DataLida(valor, True, texto)
    assert lida.valor.tzinfo is SAO_PAULO


@pytest.mark.parametrize(("texto", "tem_hora"), [("26/02/26", False), ("26/02/26 00:00", True), ("26.02.26", False)])
def test_a_two_digit_year_is_accepted_and_flagged(texto, tem_hora):
    aviso = "Ano com dois dígitos: entendido como 2026."
    assert ler(texto) == DataLida(local(2026, 2, 26), tem_hora, texto, aviso=aviso)


@pytest.mark.parametrize(
    ("texto", "motivo"),
    [
        ("31/02/2026", "Data impossível: «31/02/2026»."),
        ("00/00/0000", "Data impossível: «00/00/0000»."),
        ("29/02/2025", "Data impossível: «29/02/2025»."),
        ("02/26/2026", "Data impossível: «02/26/2026». O mês 26 não existe; a data pode estar como mês/dia."),
        ("26/02/2026 25:00", "Data impossível: «26/02/2026 25:00»."),
        ("26/02/2026 23:60", "Data impossível: «26/02/2026 23:60»."),
        ("20170230", "Data impossível: «20170230»."),
        ("2023-07-19T17:31:20+99:00", "Data impossível: «2023-07-19T17:31:20+99:00»."),
        ("01/01/1026", "Data impossível: ano 1026."),
        ("0001-01-01T00:00:00Z", "Data impossível: «0001-01-01T00:00:00Z»."),
        ("26-02-14", "Ano com dois dígitos ambíguo: «26-02-14»."),
        ("21/03/2026", "Data futura: 21/03/2026."),
        ("20/03/2026 12:01", "Data futura: 20/03/2026 12:01."),
        ("26/02/98", "Data futura: 26/02/2098."),
        ("", "Data vazia."),
        (" \u00a0\n", "Data vazia."),
        (None, "Data vazia."),
    ],
)
def test_a_bad_date_is_refused_with_its_reason(texto, motivo):
    assert ler(texto) == DataLida(None, False, texto or "", motivo=motivo)


@pytest.mark.parametrize(
    "texto",
    [
        "ontem",
        "26/02",
        "26/02/202",
        "26/02/20261",
        "26/02.2026",
        "26/02/2026 11",
        "26/02/2026 11:23 PM",
        "26/02/2026 a 28/02/2026",
        "26/02/2026 - 28/02/2026",
        "Data: 26/02/2026",
        "201703131855",
        "2026",
        "٢٦/٠٢/٢٠٢٦",
    ],
)
def test_an_unknown_form_is_refused_and_quoted(texto):
    assert ler(texto) == DataLida(None, False, texto, motivo=f"Formato de data não reconhecido: «{texto}».")


def test_a_long_text_is_kept_raw_but_cut_in_the_reason():
    lida = ler("x" * 5000)
    assert lida.original == "x" * 5000
    assert lida.motivo == f"Formato de data não reconhecido: «{'x' * 39}…»."


@pytest.mark.parametrize("texto", ["20/03/2026", "20/03/2026 12:00", "2026-03-20T15:00:00Z"])
def test_today_and_this_very_moment_are_not_the_future(texto):
    assert ler(texto).motivo == ""


def test_today_is_todays_date_in_sao_paulo_whatever_the_zone_of_agora():
    agora = datetime(2026, 3, 21, 1, 0, tzinfo=UTC)  # 22:00 of the 20th in São Paulo
    assert ler("20/03/2026", agora=agora).motivo == ""
    assert ler("21/03/2026", agora=agora).motivo == "Data futura: 21/03/2026."
    assert ler("20/03/2026 22:01", agora=agora).motivo == "Data futura: 20/03/2026 22:01."


def test_a_year_before_the_case_is_refused_and_the_year_of_the_case_is_not():
    motivo = "Data 31/12/2025 23:59 anterior ao ano do processo (2026)."
    assert ler("31/12/2025 23:59", ano_do_processo=2026) == DataLida(None, False, "31/12/2025 23:59", motivo=motivo)
    assert ler("01/01/2026", ano_do_processo=2026).valor == local(2026, 1, 1)


def test_month_first_is_read_only_when_the_page_is_known_to_print_it():
    assert ler("02/26/2026", dia_primeiro=False).valor == local(2026, 2, 26)
    assert ler("01/02/2026", dia_primeiro=False).valor == local(2026, 1, 2)
    assert ler("26/02/2026", dia_primeiro=False).valor is None


@pytest.mark.parametrize("texto", ["17/02/2018 23:30", "04/11/2018 00:30"])
def test_a_time_in_the_change_of_summer_time_is_flagged(texto):
    assert ler(texto).aviso == "Horário na mudança do horário de verão: pode haver uma hora de diferença."


def test_a_date_whose_midnight_summer_time_skipped_stays_that_date():
    lida = ler("04/11/2018")
    assert (lida.valor.date(), lida.aviso) == (date(2018, 11, 4), "")
    assert lida.valor.astimezone(UTC).astimezone(SAO_PAULO).date() == date(2018, 11, 4)


def test_a_naive_now_is_a_programming_error():
    with pytest.raises(ValueError, match="aware"):
        ler("26/02/2026", agora=datetime(2026, 3, 20))


@given(st.datetimes(datetime(1990, 1, 1), datetime(2026, 3, 20, 11, 59)), st.sampled_from(["%d/%m/%Y", "%Y-%m-%d"]))
def test_every_past_moment_printed_is_read_back(momento, forma):
    lida = ler(momento.strftime(f"{forma} %H:%M:%S"))
    assert lida.valor.replace(tzinfo=None) == momento.replace(microsecond=0)


@given(st.integers(0, 10**9), st.integers(-23, 23))
def test_an_offset_never_changes_the_instant(segundos, horas):
    instante = (datetime(1990, 1, 1, tzinfo=UTC) + timedelta(seconds=segundos)).astimezone(
        timezone(timedelta(hours=horas))
    )
    assert ler(instante.isoformat()).valor == instante


@given(st.text(max_size=40) | st.from_regex(r"[0-9/.: TZ-]{0,30}", fullmatch=True))
def test_any_text_gives_a_date_or_a_reason_and_never_both(texto):
    lida = ler(texto)
    assert (lida.valor is None) == bool(lida.motivo)
    assert lida.original == texto
