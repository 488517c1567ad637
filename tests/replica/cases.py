"""The replica's cases: what the court has, what the office asks, and what the honest answer is. Deterministic."""

import random
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from executions import cnj

SAO_PAULO = ZoneInfo("America/Sao_Paulo")
ACTS = ("Despacho -> Mero Expediente", "Intimação Efetivada", "Certidão Expedida", "Juntada -> Documento", "Conclusão")
WORDS = ("Manifestação", "Contestação", "Réplica", "Petição Inicial", "Agravo", "Cumprimento de Sentença", "Quesitos")


@dataclass(frozen=True)
class Andamento:
    """One movement. `documentos` are its `nome_arquivo`s."""

    id: str
    numero: int
    tipo: str
    descricao: str
    data: datetime
    documentos: tuple[str, ...] = ()
    bloqueado: bool = False


@dataclass(frozen=True)
class Processo:
    """One case. `existe`, `sigiloso`: what the court says of it; `humor`: how the portal misbehaves about it."""

    numero: str
    andamentos: tuple[Andamento, ...] = ()
    existe: bool = True
    sigiloso: bool = False
    arquivado: bool = False
    humor: str = ""
    estilo: int = 0


@dataclass(frozen=True)
class Pergunta:
    """A file name of the office, and its honest answer: (status, resultado or erro_classe, protocolada_em)."""

    nome: str
    status: str
    resposta: str
    data: datetime | None = None


@dataclass
class Acervo:
    processos: dict[str, Processo] = field(default_factory=dict)
    perguntas: list[Pergunta] = field(default_factory=list)


def numero(rng: random.Random, *, zeros: bool = False) -> str:
    seq = rng.randrange(1, 9_999) if zeros else rng.randrange(1_000_000, 9_999_999)
    year, unit = rng.randrange(2013, 2026), rng.randrange(1, 9_999)
    dd = cnj.digito_verificador(seq, year, 8, 99, unit)
    return f"{seq:07}-{dd:02}.{year}.8.99.{unit:04}"


def nome_do_escritorio(rng: random.Random, caso: str, ident: str, word: str) -> str:
    """As offices type them: dots only, underscores, spaces, zeros lost, extension missing."""
    written = rng.choice([
        caso.replace("-", "."), caso, caso.replace("-", "_").replace(".", "_"), caso.replace("-", ".").lstrip("0."),
        caso.replace("-", "").replace(".", ""), caso.replace(".", " "),
    ])  # fmt: skip
    key = f"_{ident}_" if ident else rng.choice([" ", " - "])
    return f"{written}{key}{word}{rng.choice(['.pdf', '.PDF', ' .pdf', ''])}"


def nome_no_portal(rng: random.Random, caso: str, ident: str, word: str) -> str:
    """The court's own way of keeping that name: underscored, prefixed, sometimes signed, cut or in capitals."""
    flat = caso.replace("-", "_").replace(".", "_")
    tail = rng.choice(["cumprimento_", word, word.upper(), "", word[:6]])
    name = f"id_{rng.randrange(10**8, 10**9)}_doc._00_{flat}_{ident}_{tail}.pdf"
    return rng.choice([name, name + ".p7s", name.upper(), f"{ident}_{tail}.pdf", f"protocolo_26_02_2019_{ident}_.pdf"])


def identificador(rng: random.Random) -> str:
    return f"{rng.randrange(100, 999_999)}_{rng.randrange(1_000, 999_999)}"


def vizinhos(rng: random.Random, caso: str, ident: str) -> list[str]:
    """Titles that hold almost the identifier: each a false positive for a careless search."""
    a, b = ident.split("_")
    flat = caso.replace("-", "_").replace(".", "_")
    return rng.sample(
        [f"doc_{a}_{b}0_.pdf", f"doc_1{a}_{b}_.pdf", f"doc_{b}_{a}_x.pdf", f"{flat}_{a}_x_{b}_.pdf",
         f"doc_{a}__{b}_.pdf", f"id_{a}{b}_.pdf", f"doc_{a}_{int(b) + 1}_.pdf", f"x_{a}_{b}9.pdf.p7s"],
        3,
    )  # fmt: skip


def processo(rng: random.Random, caso: str, size: int, **campos: object) -> tuple[Processo, list[Andamento]]:
    """A case of `size` ordinary movements, and the same as a list to put more into."""
    day = datetime(int(caso[11:15]), 3, 1, 8, 0, tzinfo=SAO_PAULO) + timedelta(minutes=rng.randrange(400_000))
    acts = []
    for n in range(1, size + 1):
        docs = tuple(f"despacho_{rng.randrange(10**6)}_.pdf" for _ in range(rng.randrange(3)))
        acts.append(Andamento(str(rng.randrange(10**7, 10**9)), n, rng.choice(ACTS), "Ato do juízo", day, docs))
        day += timedelta(minutes=rng.randrange(1, 700))
    return Processo(caso, tuple(acts), estilo=rng.randrange(10**6), **campos), acts  # type: ignore[arg-type]


def acervo(nomes: int, seed: int, humores: tuple[str, ...] = ()) -> Acervo:
    """`nomes` questions about cases of every kind; each of `humores` falls upon one ordinary case."""
    rng = random.Random(seed)
    todo = Acervo()
    kinds = [_normal, _normal, _normal, _inexistente, _sigiloso, _migrado, _ambiguo, _longo, _sem_identificador]
    moods = list(humores)
    turn = 0
    while len(todo.perguntas) < nomes:
        caso = numero(rng, zeros=rng.random() < 0.3)
        if caso in todo.processos:
            continue
        kind = kinds[turn % len(kinds)]
        mood = moods.pop() if moods and kind is _normal else ""
        novo, perguntas = kind(rng, caso)
        if mood:
            novo = Processo(**novo.__dict__ | {"humor": mood})
            if mood == "sempre_mais_tarde":
                perguntas = [Pergunta(p.nome, "failed", "portal_indisponivel") for p in perguntas]
        todo.processos[caso] = novo
        todo.perguntas += perguntas
        turn += 1
    del todo.perguntas[nomes:]
    rng.shuffle(todo.perguntas)
    return todo


def _normal(rng: random.Random, caso: str, size: int = 0) -> tuple[Processo, list[Pergunta]]:
    """One to five petitions, about half of them filed, among neighbours that look like them."""
    base, acts = processo(rng, caso, size or rng.randrange(2, 9), arquivado=rng.random() < 0.3)
    asked = []
    for _ in range(rng.choice([1, 1, 2, 3, 5])):
        ident, word = identificador(rng), rng.choice(WORDS)
        where = rng.randrange(len(acts))
        act = acts[where]
        docs = [*act.documentos, *vizinhos(rng, caso, ident)]
        when = None
        if rng.random() < 0.6:
            when = act.data
            docs += [nome_no_portal(rng, caso, ident, word) for _ in range(rng.choice([1, 1, 2]))]
        rng.shuffle(docs)
        acts[where] = Andamento(**act.__dict__ | {"documentos": tuple(docs), "tipo": "Juntada -> Petição"})
        answer = "protocolada" if when else "nao_localizada"
        asked.append(Pergunta(nome_do_escritorio(rng, caso, ident, word), "done", answer, when))
    if rng.random() < 0.3:
        blocked = Andamento(str(rng.randrange(10**9, 10**10)), len(acts) + 1, "", "", acts[-1].data, (), bloqueado=True)
        acts.append(blocked)
    return Processo(**base.__dict__ | {"andamentos": tuple(acts)}), asked


def _longo(rng: random.Random, caso: str) -> tuple[Processo, list[Pergunta]]:
    return _normal(rng, caso, size=rng.choice([30, 60, 120]))


def _inexistente(rng: random.Random, caso: str) -> tuple[Processo, list[Pergunta]]:
    nome = nome_do_escritorio(rng, caso, identificador(rng), "Petição")
    return Processo(caso, existe=False, estilo=rng.randrange(10**6)), [
        Pergunta(nome, "done", "processo_nao_encontrado")
    ]


def _sigiloso(rng: random.Random, caso: str) -> tuple[Processo, list[Pergunta]]:
    nome = nome_do_escritorio(rng, caso, identificador(rng), "Petição")
    return Processo(caso, sigiloso=True, estilo=rng.randrange(10**6)), [Pergunta(nome, "done", "segredo_justica")]


def _migrado(rng: random.Random, caso: str) -> tuple[Processo, list[Pergunta]]:
    base, acts = processo(rng, caso, 3)
    text = rng.choice(["Processo migrado para outro sistema", "Autos MIGRADOS para o PJe, outro sistema",
                       "Ação migrada(o) definitivamente para outro\nsistema"])  # fmt: skip
    last = Andamento(str(rng.randrange(10**9, 10**10)), len(acts) + 1, "Ato Ordinatório", text, acts[-1].data)
    nome = nome_do_escritorio(rng, caso, identificador(rng), "Petição")
    return Processo(**base.__dict__ | {"andamentos": (*acts, last)}), [Pergunta(nome, "done", "migrado")]


def _ambiguo(rng: random.Random, caso: str) -> tuple[Processo, list[Pergunta]]:
    base, acts = processo(rng, caso, 5)
    ident = identificador(rng)
    for where in (1, 3):
        docs = (*acts[where].documentos, nome_no_portal(rng, caso, ident, "Petição"))
        acts[where] = Andamento(**acts[where].__dict__ | {"documentos": docs})
    nome = nome_do_escritorio(rng, caso, ident, "Petição")
    return Processo(**base.__dict__ | {"andamentos": tuple(acts)}), [Pergunta(nome, "done", "ambigua")]


def _sem_identificador(rng: random.Random, caso: str) -> tuple[Processo, list[Pergunta]]:
    """Its name is in the case, its proof is not: never more than `possivel`."""
    base, acts = processo(rng, caso, 4)
    act = acts[2]
    docs = (*act.documentos, f"id_{rng.randrange(10**8)}_doc._embargos_de_declaração.pdf")
    acts[2] = Andamento(**act.__dict__ | {"documentos": docs})
    nome = nome_do_escritorio(rng, caso, "", "Embargos de Declaração")
    return Processo(**base.__dict__ | {"andamentos": tuple(acts)}), [Pergunta(nome, "done", "possivel")]
