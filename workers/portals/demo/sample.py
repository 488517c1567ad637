"""A batch of file names as the office sends them, and the right answer for each."""

import unicodedata
from dataclasses import dataclass
from typing import Literal

Situacao = Literal["done", "failed", "rejeitado"]


@dataclass(frozen=True)
class Esperado:
    """What must come of a file name.

    `protocolada_em` is the movement's local time "AAAA-MM-DD HH:MM:SS", "" where there is none to tell;
    `rejeitado` lines never become items: intake refuses them.
    """

    nome: str
    cenario: str
    situacao: Situacao
    resultado: str = ""
    protocolada_em: str = ""
    erro_classe: str = ""


def _filed(cenario: str, nome: str, em: str) -> Esperado:
    return Esperado(nome, cenario, "done", "protocolada", em)


def _answer(cenario: str, nome: str, resultado: str) -> Esperado:
    return Esperado(nome, cenario, "done", resultado)


def _failed(cenario: str, nome: str, erro_classe: str) -> Esperado:
    return Esperado(nome, cenario, "failed", erro_classe=erro_classe)


def _refused(cenario: str, nome: str) -> Esperado:
    return Esperado(nome, cenario, "rejeitado")


def _nfd(nome: str) -> str:
    """Accents as separate marks, as files from a Mac have them."""
    return unicodedata.normalize("NFD", nome)


DEZESSEIS: tuple[Esperado, ...] = tuple(
    _filed(
        "dezesseis",
        f"8000150.78.2025.8.99.0051_5120_{60101 + n}_Cumprimento de sentença {n + 1:02d}.pdf",
        f"2025-11-{3 + n // 4:02d} {9 + n % 4:02d}:{n + 10}:27",
    )
    for n in range(16)
)
"""Sixteen petitions of one case: the largest number seen in a real batch."""

# In an order that keeps failures of the portal apart: five of them in a row would open the breaker.
AMOSTRA: list[Esperado] = [
    _filed("protocolada", "8000131.26.2026.8.99.0152_4321_87654_Manifestação.pdf", "2026-02-26 11:23:45"),
    _filed("mesmo_dia", "8000145.10.2026.8.99.0152_4410_87660_Habilitação.pdf", "2026-02-11 09:12:10"),
    _filed("mesmo_dia", _nfd("8000145.10.2026.8.99.0152_4410_87661_Contestação.pdf"), "2026-02-11 14:05:31"),
    _filed("mesmo_dia", "8000145.10.2026.8.99.0152_4410_87662_Juntada de procuração .pdf", "2026-02-11 17:40:02"),
    _answer("mesmo_dia", "8000145.10.2026.8.99.0152_4410_87663_Réplica.pdf", "nao_localizada"),
    _failed("sempre_indisponivel", "8000333.03.2026.8.99.0152_5003_88003_Manifestação.pdf", "portal_indisponivel"),
    _filed(
        "juntada_posterior", "8000163.31.2026.8.99.0152_4522_87700_Contestação 10_02_2026.pdf", "2026-02-12 08:30:00"
    ),
    _answer("nao_localizada", "8000177.27.2026.8.99.0051_4321_87654_Manifestação.pdf", "nao_localizada"),
    _filed("terceira_consulta", "8000302.80.2026.8.99.0152_5001_88001_Manifestação.pdf", "2026-02-03 10:10:10"),
    *DEZESSEIS[:3],
    _filed("sem_resposta", "8000368.60.2026.8.99.0152_5006_88006_Manifestação.pdf", "2026-02-04 11:10:10"),
    *DEZESSEIS[3:6],
    _answer("desconhecido", "8000319.19.2026.8.99.0152_4600_87810_Petição.pdf", "processo_nao_encontrado"),
    _answer("segredo", "8000326.11.2026.8.99.0152_5002_88002_Manifestação.pdf", "segredo_justica"),
    _filed("sessao_expira", "8000347.84.2026.8.99.0152_5004_88004_Manifestação.pdf", "2026-02-03 10:40:10"),
    _filed("lento", "8000354.76.2026.8.99.0152_5005_88005_Manifestação.pdf", "2026-02-03 10:50:10"),
    _filed("numero_emendado", "8000298.55.2026.8.99.0051_15550_56711_cumprimento.pdf", "2026-02-24 09:09:09"),
    _answer("numero_emendado", "8000298_55_2026_8_99_0051_15550_56700_cumprimento.pdf", "nao_localizada"),
    _filed("manutencao", "8000389.36.2026.8.99.0152_5008_88008_Manifestação.pdf", "2026-02-04 11:30:10"),
    _filed("alerta", "8000372.97.2026.8.99.0152_5007_88007_Manifestação.pdf", "2026-02-04 11:20:10"),
    _failed("captcha", "8000396.28.2026.8.99.0152_5009_88009_Manifestação.pdf", "captcha"),
    _filed("js_infinito", "8000456.98.2026.8.99.0152_5011_88011_Manifestação.pdf", "2026-02-05 12:10:10"),
    _filed("data_invalida", "8000401.50.2026.8.99.0152_5601_88101_Recurso.pdf", ""),
    _filed("data_com_texto", "8000418.86.2026.8.99.0152_5602_88102_Recurso.pdf", "2026-03-06 09:08:00"),
    _filed("data_com_hifen", "8000425.78.2026.8.99.0152_5603_88103_Recurso.pdf", "2026-03-14 10:11:12"),
    _failed("layout_mudou", "8000432.70.2026.8.99.0152_5010_88010_Manifestação.pdf", "layout_mudou"),
    _answer("migrado", "8000449.09.2026.8.99.0152_5700_88200_Petição.pdf", "migrado"),
    _filed("aba_morta", "8000463.90.2026.8.99.0152_5012_88012_Manifestação.pdf", "2026-02-05 12:20:10"),
    _filed("lista", "8000470.82.2026.8.99.0152_5901_90002_Impugnação.pdf", "2026-02-16 15:15:15"),
    _answer("lista", "8000470.82.2026.8.99.0152_5900_90001_Impugnação.pdf", "nao_localizada"),
    _filed("dois_documentos", "8000494.13.2026.8.99.0152_6044_90110_Petição e anexo.pdf", "2026-03-04 15:16:17"),
    _answer("ambigua", "8000508.94.2026.8.99.0152_6101_90201_Embargos.pdf", "ambigua"),
    _answer("possivel", "23456.26.2013.8.99.0152 Certidão.pdf", "possivel"),
    _filed("bloqueada", "8000522.78.2026.8.99.0152_6210_90333_Réplica.pdf", "2026-03-03 13:14:15"),
    _filed(
        "acentos",
        "8000539.17.2026.8.99.0152_6305_90210_Impugnação à Contestação nº 2 São João.pdf",
        "2026-03-02 11:11:11",
    ),
    _filed("quarenta", "8000546.09.2026.8.99.0152_7310_71201_Comprovante.pdf", "2026-02-01 08:10:03"),
    _answer("quarenta", "8000546.09.2026.8.99.0152_7310_71299_Comprovante.pdf", "nao_localizada"),
    _filed("arquivado", "8000553.98.2026.8.99.0152_6777_90440_Desarquivamento", "2026-02-20 10:20:30"),
    _filed("p7s", "8000560.90.2026.8.99.0152 Alegações finais_6801_90512_.pdf", "2026-02-23 18:59:59"),
    _filed(
        "zeros_perdidos", "1234.90.2024.8.99.0051_310_45120_Substabelecimento_2024_10001_.pdf", "2026-02-27 07:45:00"
    ),
    _refused("digito_invalido", "8000131.27.2026.8.99.0152_4321_87654_Manifestação.pdf"),
    _refused("sem_numero", "Petição inicial revisada.pdf"),
    _refused("repetido", "8000131.26.2026.8.99.0152_4321_87654_Manifestação.pdf"),
]
