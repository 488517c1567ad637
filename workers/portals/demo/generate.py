"""Cases of any number for benchmarks and stress runs, with the right answer for every file name."""

import random
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from workers.portals.demo.model import Caso, Movimentacao, documento, montar_casos, numero_cnj, peticao
from workers.portals.demo.sample import Esperado

PRIMEIRO_SEQUENCIAL = 7_000_001  # the fixed cases begin with 8: both may be served together
PRIMEIRO_INDICE = 10_000
FRACAO_PROTOCOLADA = 0.55
MAXIMO_ITENS = 16
TEXTOS = ("Manifestação", "Contestação", "Réplica", "Juntada de procuração", "Embargos", "Cumprimento de sentença")
INICIO = datetime(2026, 1, 12, 8, 0, 0)


@dataclass
class _Rascunho:
    """A case while it is being drawn: its movements by time, and the identifiers already used."""

    numero: str
    codproc: int
    relogio: datetime = INICIO
    movimentacoes: list[Movimentacao] = field(default_factory=list)

    def next_time(self, rng: random.Random) -> datetime:
        self.relogio += timedelta(minutes=rng.randint(3, 900), seconds=rng.randint(0, 59))
        return self.relogio


def gerar_casos(n: int, seed: int, itens_por_caso: float = 1.4) -> tuple[tuple[Caso, ...], list[Esperado]]:
    """`n` cases with 3-30 movements each, and about `itens_por_caso` * `n` expected answers (1-16 a case).

    About 55 % of the items are filed and the others not located. The same arguments give the same cases; names are
    unique. Serve them with `PortalDemo(cases=casos)`, or beside the fixed ones with `(*CASOS, *casos)`.
    """
    rng = random.Random(seed)
    casos, esperados = [], []
    for posicao in range(n):
        caso, respostas = _draw_case(rng, PRIMEIRO_SEQUENCIAL + posicao, itens_por_caso)
        casos.append(caso)
        esperados += respostas
    return montar_casos(casos, PRIMEIRO_INDICE), esperados


def _draw_case(rng: random.Random, sequencial: int, itens_por_caso: float) -> tuple[Caso, list[Esperado]]:
    rascunho = _Rascunho(numero_cnj(sequencial, 2026, rng.choice(("0051", "0152"))), rng.randint(1000, 99999))
    codpets = rng.sample(range(20000, 90000), MAXIMO_ITENS)
    respostas = [
        _draw_item(rng, rascunho, codpets[posicao], rng.random() < FRACAO_PROTOCOLADA)
        for posicao in range(_item_count(rng, itens_por_caso))
    ]
    alvo = max(3, rng.randint(3, 30))
    while len(rascunho.movimentacoes) < alvo:
        rascunho.movimentacoes.append(_filler(rng, rascunho))
    caso = Caso(rascunho.numero, tuple(reversed(rascunho.movimentacoes)), "gerado")
    return caso, respostas


def _item_count(rng: random.Random, mean: float) -> int:
    """Geometric: most cases have one item, few have many."""
    count = 1
    while count < MAXIMO_ITENS and rng.random() < 1 - 1 / mean:
        count += 1
    return count


def _draw_item(rng: random.Random, rascunho: _Rascunho, codpet: int, filed: bool) -> Esperado:
    texto = rng.choice(TEXTOS)
    identificador = f"{rascunho.codproc}_{codpet}"
    separador = rng.choice("...._")
    nome = f"{rascunho.numero.replace('-', '.').replace('.', separador)}_{identificador}_{texto}.pdf"
    em = rascunho.next_time(rng)
    if not filed:
        rascunho.movimentacoes.append(peticao(f"{em:%d/%m/%Y %H:%M:%S}", _lookalike(rng, rascunho.codproc, codpet)))
        return Esperado(nome, "gerado", "done", "nao_localizada")
    rascunho.movimentacoes.append(peticao(f"{em:%d/%m/%Y %H:%M:%S}", *_files(rng, identificador, texto, em)))
    return Esperado(nome, "gerado", "done", "protocolada", f"{em:%Y-%m-%d %H:%M:%S}")


def _files(rng: random.Random, identificador: str, texto: str, em: datetime) -> list[str]:
    """The petition's document, at times with an annex, a signature's ending, or an earlier date in its title."""
    titulo = texto.lower().replace(" ", "_")
    if rng.random() < 0.2:
        titulo += f"_{em - timedelta(days=rng.randint(1, 8)):%d_%m_%Y}"
    arquivos = [documento(identificador, titulo, rng.choice((".pdf", ".pdf", ".pdf.p7s")))]
    if rng.random() < 0.25:
        arquivos.append(documento(identificador, "anexo"))
    return arquivos


def _lookalike(rng: random.Random, codproc: int, codpet: int) -> str:
    """A document that only looks like the petition `codproc`_`codpet`: one digit more, one less, or its neighbour."""
    parecidos = (
        f"{codproc}_{codpet}0",
        f"1{codproc}_{codpet}",
        f"{codproc}_{str(codpet)[:-1]}",
        f"{codproc}_{100000 + codpet}",  # six digits: no item has them
    )
    return documento(rng.choice(parecidos), "manifestação")


def _filler(rng: random.Random, rascunho: _Rascunho) -> Movimentacao:
    data = f"{rascunho.next_time(rng):%d/%m/%Y %H:%M:%S}"
    if rng.random() < 0.5:
        return peticao(data, f"id_{{id}}_{rng.choice(('guia', 'comprovante', 'online'))}_.pdf", tipo="Documento")
    return Movimentacao(data, rng.choice(("Autos Conclusos", "Intimação Efetivada", "Decisão -> Outras Decisões")))
