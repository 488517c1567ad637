"""The outside judge. It computes from the portal's request log alone how many sessions were at work, who visited which
case and how completely; from the process list alone what is left; and then holds the database's story against that.

Everything here is a pure function of a log, of stories and of what was asked for, except `tell` (reads the database)
and `left_over` (reads /proc, with nothing of ours in between).
"""

import time
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from django.utils import timezone

from executions.models import Execucao, JobItem, Processo
from executions.results import Resultado
from tests.faults import probes
from workers.portals.demo.log import LogEntry
from workers.portals.demo.model import Caso
from workers.portals.demo.sample import Esperado

WORK = ("login", "search_form", "search", "attachments")
CLOCK_SLACK = 2.0  # seconds between the portal's clock and the database's story of it
ANSWERS = frozenset(Resultado.values)


@dataclass(frozen=True)
class Finding:
    """Something that must not be. `kind`: lost, doubled, wrong, limit, counter, token, open, left."""

    kind: str
    text: str

    def __str__(self) -> str:
        return f"{self.kind}: {self.text}"


# ---- what the log says by itself --------------------------------------------------------------------------------
@dataclass(frozen=True)
class Visit:
    """One session's search of one case with the attachments it then asked for. Times are the portal's monotonic ones;
    `last` is when its last request began."""

    session: str
    numero: str
    begin: float
    last: float
    end: float
    attachments: int
    answered: bool  # somebody was logged in, and the search was answered with 200

    def complete(self, needed: int) -> bool:
        return self.answered and self.attachments >= needed


def visits(log: Iterable[LogEntry]) -> list[Visit]:
    found: list[list[LogEntry]] = []
    current: dict[str, list[LogEntry]] = {}
    for entry in sorted(log, key=lambda e: e.begin):
        if entry.kind == "search":
            current[entry.session] = [entry]
            found.append(current[entry.session])
        elif entry.kind == "attachments":
            own = current.get(entry.session)
            if own and own[0].numero == entry.numero:
                own.append(entry)
    return [_visit(entries) for entries in found]


def _visit(entries: Sequence[LogEntry]) -> Visit:
    search = entries[0]
    return Visit(
        search.session, search.numero, search.begin, entries[-1].begin, max(e.end for e in entries),
        sum(e.status == 200 for e in entries[1:]), search.status == 200 and bool(search.usuario),
    )  # fmt: skip


def sessions_at_once(log: Iterable[LogEntry], numeros: Iterable[str] | None = None) -> int:
    """The most sessions that were at work at the same moment; with `numeros`, of those that searched one of these
    cases. A session is at work from its login to the beginning of its last request."""
    log = list(log)
    wanted = None if numeros is None else set(numeros)
    of_lot = {e.session for e in log if e.kind == "search" and (wanted is None or e.numero in wanted)}
    spans: dict[str, list[float]] = {}
    for entry in log:
        if entry.kind in WORK and (wanted is None or entry.session in of_lot):
            span = spans.setdefault(entry.session, [entry.begin, entry.begin])
            span[0], span[1] = min(span[0], entry.begin), max(span[1], entry.begin)
    return _most_at_once([(begin, end) for begin, end in spans.values()])


def overlaps(log: Iterable[LogEntry]) -> dict[str, int]:
    """Case -> the most sessions that were inside a visit of it at the same moment."""
    spans: dict[str, list[tuple[float, float]]] = defaultdict(list)
    for visit in visits(log):
        spans[visit.numero].append((visit.begin, visit.last))
    return {numero: _most_at_once(of) for numero, of in spans.items()}


def _most_at_once(spans: Iterable[tuple[float, float]]) -> int:
    edges = sorted([(begin, 0) for begin, _ in spans] + [(end, 1) for _, end in spans])
    most = now = 0
    for _, leaving in edges:
        now += -1 if leaving else 1
        most = max(most, now)
    return most


# ---- what the process list says by itself -----------------------------------------------------------------------
def left_over(*signs: str) -> dict[int, str]:
    """pid -> command of every living process whose environment or command line holds one of these texts."""
    found = {}
    for folder in Path("/proc").iterdir():
        if not folder.name.isdigit():
            continue
        try:
            seen = (folder / "environ").read_bytes() + b"\0" + (folder / "cmdline").read_bytes()
            state = (folder / "stat").read_text().rpartition(")")[2].split()[0]
        except OSError:
            continue
        if state != "Z" and any(sign.encode() in seen for sign in signs):
            found[int(folder.name)] = (folder / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
    return found


# ---- the database's story -----------------------------------------------------------------------------------------
@dataclass(frozen=True)
class Claim:
    """One Tentativa. Times are seconds of the database's clock."""

    token: int
    generation: int
    began: float
    ended: float | None
    outcome: str


@dataclass(frozen=True)
class Item:
    nome: str
    numero: str
    status: str
    resultado: str
    protocolada_em: str
    erro_classe: str
    token: int
    attempts: int
    finished: float | None  # seconds of this machine's monotonic clock
    claims: tuple[Claim, ...] = ()


@dataclass(frozen=True)
class Story:
    """What the database says of one execution; `counters` are (pending, running, done, failed)."""

    execucao: int
    status: str
    counters: tuple[int, int, int, int]
    items: tuple[Item, ...]
    robots_alive: int = 0


def tell(execucao: Execucao) -> Story:
    execucao = Execucao.objects.get(pk=execucao.pk)
    offset = time.monotonic() - time.time()
    items = execucao.itens.order_by("ordem").prefetch_related("tentativas")
    counters = (execucao.n_pending, execucao.n_running, execucao.n_done, execucao.n_failed)
    alive = Processo.objects.vivos().filter(execucao=execucao).count()
    return Story(execucao.pk, execucao.status, counters, tuple(_item(item, offset) for item in items), alive)


def _item(item: JobItem, offset: float) -> Item:
    filed = timezone.localtime(item.protocolada_em).strftime("%Y-%m-%d %H:%M:%S") if item.protocolada_em else ""
    return Item(
        item.nome_arquivo, item.numero_processo, item.status, item.resultado, filed, item.erro_classe, item.token,
        item.attempts, item.finished_at.timestamp() + offset if item.finished_at else None,
        tuple(
            Claim(c.token, c.geracao, c.began.timestamp(), c.ended.timestamp() if c.ended else None, c.outcome)
            for c in sorted(item.tentativas.all(), key=lambda c: c.token)
        ),
    )  # fmt: skip


# ---- the judgement -------------------------------------------------------------------------------------------------
@dataclass(frozen=True)
class Lot:
    """What was asked for: the limit, the right answers, and what the faults excuse."""

    max_robots: int
    expected: Mapping[str, Esperado]  # file name -> the right answer
    numeros: Mapping[str, str]  # file name -> the case that it asks for
    cases: Mapping[str, Caso]  # what the portal holds, by case number
    zombies: int = 0  # sessions beyond the limit that a frozen robot may still show after it was replaced
    ended_by_hand: bool = False  # killed: items may have failed `encerrado`
    timing: bool = True  # compare when it was answered with when it was visited
    excused: frozenset[str] = field(default_factory=frozenset)  # classes of failure that the faults call for

    def needed(self, numero: str) -> int:
        """How many of its movements a complete visit must have asked for attachments."""
        case = self.cases.get(numero)
        return sum(bool(m.anexos) for m in case.movimentacoes) if case else 0


def judge(log: Iterable[LogEntry], story: Story, lot: Lot) -> list[Finding]:
    """Everything that must not be. An empty list is an acquittal."""
    log = list(log)
    found = [*_limits(log, lot), *_all_there(story, lot), *_book_keeping(story)]
    seen: dict[str, list[Visit]] = defaultdict(list)
    for visit in visits(log):
        seen[visit.numero].append(visit)
    for item in story.items:
        if item.nome in lot.expected:
            found += _answer(item, seen[lot.numeros[item.nome]], lot)
        found += _tokens(item)
    return found


def _all_there(story: Story, lot: Lot) -> Iterable[Finding]:
    """Every item that was asked for, once, with the case that was asked for, and no other."""
    told = Counter(item.nome for item in story.items)
    for nome in lot.expected.keys() - told.keys():
        yield Finding("lost", f"{nome}: execution {story.execucao} has no such item any more")
    for nome, n in told.items():
        if nome not in lot.expected:
            yield Finding("doubled", f"{nome}: execution {story.execucao} has an item that nobody asked for")
        elif n > 1:
            yield Finding("doubled", f"{nome}: execution {story.execucao} has it {n} times")
    for item in story.items:
        if item.numero != lot.numeros.get(item.nome, item.numero):
            yield Finding("wrong", f"{item.nome}: is said to be of case {item.numero}")


def _limits(log: list[LogEntry], lot: Lot) -> Iterable[Finding]:
    items_of = Counter(lot.numeros.values())
    log = probes.without(log)
    most = sessions_at_once(log, items_of)
    if most > lot.max_robots + lot.zombies:
        yield Finding("limit", f"{most} sessions at once, {lot.max_robots} allowed")
    for numero, n in overlaps(log).items():
        if numero in items_of and n > items_of[numero] + lot.zombies:
            yield Finding("doubled", f"{n} visits of {numero} at once, which has {items_of[numero]} items")


def _book_keeping(story: Story) -> Iterable[Finding]:
    kinds = Counter(item.status for item in story.items)
    counted = tuple(kinds[status] for status in ("pending", "running", "done", "failed"))
    if counted != story.counters:
        yield Finding("counter", f"execution {story.execucao} counts {story.counters}, its items are {counted}")
    if story.status not in ("done", "error"):
        yield Finding("open", f"execution {story.execucao} is still {story.status}: {story.counters}")
    if story.robots_alive and story.status in ("done", "error"):
        yield Finding("left", f"{story.robots_alive} robots of execution {story.execucao} are not recorded as ended")


def _answer(item: Item, seen: list[Visit], lot: Lot) -> Iterable[Finding]:
    right = lot.expected[item.nome]
    if item.status != "done":
        by_hand = lot.ended_by_hand and item.erro_classe == "encerrado"
        as_expected = (item.status, item.erro_classe) == (right.situacao, right.erro_classe)
        if not (by_hand or as_expected or item.erro_classe in lot.excused):
            yield Finding("lost", f"{item.nome}: {item.status} {item.erro_classe}")
        return
    got = (item.status, item.resultado, item.protocolada_em)
    if got != (right.situacao, right.resultado, right.protocolada_em):
        yield Finding("wrong", f"{item.nome}: {got}, right is {right}")
    complete = [visit for visit in seen if visit.complete(lot.needed(lot.numeros[item.nome]))]
    if not complete:
        yield Finding("wrong", f"{item.nome}: answered {item.resultado} without a complete visit ({len(seen)} begun)")
    elif lot.timing and item.finished is not None and item.finished < min(v.end for v in complete) - CLOCK_SLACK:
        yield Finding("wrong", f"{item.nome}: answered before the case was read to its end")


def _tokens(item: Item) -> Iterable[Finding]:
    claims = item.claims
    for before, after in zip(claims, claims[1:], strict=False):
        if after.token <= before.token:
            yield Finding("token", f"{item.nome}: token {after.token} after {before.token}")
        if before.ended is None or after.began < before.ended:
            yield Finding("doubled", f"{item.nome}: two robots held it at the same time")
    answers = Counter(claim.generation for claim in claims if claim.outcome in ANSWERS)
    if any(n > 1 for n in answers.values()):
        yield Finding("doubled", f"{item.nome}: answered {max(answers.values())} times in one generation")
    if item.status == "done" and not (
        claims and (claims[-1].token, claims[-1].outcome) == (item.token, item.resultado)
    ):
        yield Finding("token", f"{item.nome}: its answer is not that of its last claim")


def expected_by_name(expected: Iterable[Esperado], names: Mapping[str, str]) -> dict[str, Esperado]:
    """`names`: the line as it was given -> the file name that the intake made of it."""
    return {names[line.nome]: line for line in expected}


def figures(findings: Iterable[Finding]) -> dict[str, Any]:
    return dict(Counter(finding.kind for finding in findings))
