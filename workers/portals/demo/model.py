"""The nouns of the demonstration portal: case, movement, attachment, and how a case behaves when it is asked for."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

SEGMENTO, TRIBUNAL = "8", "99"  # a court that does not exist
PRIMEIRA_MOVIMENTACAO = 300_000_000
PRIMEIRO_ANEXO = 400_000_000


class Comportamento(StrEnum):
    """What the portal does when this case is searched for; "once" means at the first query of each server run."""

    NORMAL = "normal"
    TERCEIRA_CONSULTA = "terceira_consulta"  # twice "tente novamente mais tarde", then the case
    SEMPRE_INDISPONIVEL = "sempre_indisponivel"
    SEGREDO = "segredo"
    SESSAO_EXPIRA = "sessao_expira"  # once: the login form with HTTP 200
    LENTO = "lento"
    SEM_RESPOSTA = "sem_resposta"  # once: the socket is held and closed without an answer
    ALERTA = "alerta"  # once: the case page opens a JavaScript alert
    MANUTENCAO = "manutencao"  # once: HTTP 503
    CAPTCHA = "captcha"
    LAYOUT_MUDOU = "layout_mudou"
    JS_INFINITO = "js_infinito"  # once: the page's script never ends
    ABA_MORTA = "aba_morta"  # once: the page's script kills its renderer
    LISTA = "lista"  # a list of results comes before the case


@dataclass(frozen=True)
class Anexo:
    """A file of a movement; `nome_arquivo` is what the office called it, wrapped in the portal's own marks."""

    nome_arquivo: str
    id: int = 0
    hash: str = ""
    arquivo_tipo: str = "Petição"
    usuario_assinador: str = "ADVOGADA FICTÍCIA DOIS"
    valido: bool = True


@dataclass(frozen=True)
class Movimentacao:
    """A row of the case page; `data_texto` is printed as it stands, even when it is no date."""

    data_texto: str
    tipo: str
    descricao: str = ""
    anexos: tuple[Anexo, ...] = ()
    usuario: str = "SISTEMA DEMONSTRAÇÃO"
    bloqueada: bool = False
    id: int = 0


@dataclass(frozen=True)
class Caso:
    """A case of the demonstration portal; `movimentacoes` are in page order, newest first."""

    numero: str
    movimentacoes: tuple[Movimentacao, ...] = ()
    cenario: str = ""
    comportamento: Comportamento = Comportamento.NORMAL
    arquivado: bool = False
    apensos: tuple[str, ...] = ()


def numero_cnj(sequencial: int, ano: int, foro: str) -> str:
    """A case number of the fictitious court 8.99 with its check digits (Resolução CNJ 65/2008, MOD 97-10)."""
    corpo = f"{sequencial:07d}{ano}{SEGMENTO}{TRIBUNAL}{foro}"
    digitos = 98 - int(corpo + "00") % 97
    return f"{sequencial:07d}-{digitos:02d}.{ano}.{SEGMENTO}.{TRIBUNAL}.{foro}"


def peticao(data: str, *arquivos: str, descricao: str = "Petição enviada", tipo: str = "Petição") -> Movimentacao:
    """A movement that files `arquivos`; `{id}` and `{cnj}` in a name are filled in by `montar_caso`."""
    anexos = tuple(Anexo(nome, arquivo_tipo=tipo) for nome in arquivos)
    return Movimentacao(data, f"Juntada -> {tipo}", descricao, anexos, "ADVOGADA FICTÍCIA DOIS")


def documento(identificador: str, texto: str, fim: str = ".pdf") -> str:
    """A name as Projudi shows it: its own id, then the office's file name with underscores, then an underscore."""
    return f"id_{{id}}_doc._00_{{cnj}}_{identificador}_{texto}_{fim}"


def montar_caso(caso: Caso, indice: int) -> Caso:
    """The case with the ids of its movements and attachments; `indice` must be unique on one portal."""
    marcas = "_".join(caso.numero.replace("-", ".").split("."))
    numeradas = []
    for posicao, movimentacao in enumerate(caso.movimentacoes, start=1):
        serial = indice * 1000 + posicao
        anexos = tuple(_numerar(anexo, serial * 10 + n, marcas) for n, anexo in enumerate(movimentacao.anexos))
        numeradas.append(replace(movimentacao, id=PRIMEIRA_MOVIMENTACAO + serial, anexos=anexos))
    return replace(caso, movimentacoes=tuple(numeradas))


def montar_casos(casos: Sequence[Caso], primeiro: int) -> tuple[Caso, ...]:
    """`casos` with ids, numbered from `primeiro` on."""
    return tuple(montar_caso(caso, indice) for indice, caso in enumerate(casos, start=primeiro))


def _numerar(anexo: Anexo, serial: int, marcas: str) -> Anexo:
    numero = PRIMEIRO_ANEXO + serial
    nome = anexo.nome_arquivo.replace("{id}", str(numero)).replace("{cnj}", marcas)
    return replace(anexo, id=numero, hash=hashlib.sha256(str(numero).encode()).hexdigest()[:32], nome_arquivo=nome)
