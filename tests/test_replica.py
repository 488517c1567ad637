"""The real chain against a second Projudi, whose author knew only the contract; judged from its own log."""

from collections import Counter, defaultdict

import pytest

from executions.models import Execucao
from executions.robos import iniciar
from tests import chain
from tests.replica.cases import Acervo, acervo
from tests.replica.server import PASSWORD, USER, Replica

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

# What the portal does to a case of the batch: nothing that costs a query, one more search, one more login,
# one more robot (the page that breaks off is waited for to the time limit, which costs the browser).
QUIET = ("aos_poucos", "lento", "passagem")
RETRIED = ("mais_tarde", "503", "cai", "anexos_503")
EXPIRED = ("sessao", "sessao_alerta", "sessao_nos_anexos")
REPLACED = ("pela_metade",)
ALL = (*QUIET, *RETRIED, *EXPIRED, *REPLACED, "sempre_mais_tarde")


def run(todo: Acervo, portal: Replica, robots: int, seconds: float = 240) -> Execucao:
    """The whole batch, to its end."""
    credencial = chain.demo_portal(portal.url, USER, PASSWORD)
    with chain.machine(HOST_MAX_ROBOTS=4, TIME_DIVISOR=5, NO_PROGRESS_SECONDS=500):
        execucao = chain.enqueue([p.nome for p in todo.perguntas], credencial, max_robots=robots)
        iniciar(execucao)
        chain.wait_for(lambda: chain.ended(execucao), seconds, "the end of the batch")
        chain.wait_for(lambda: not execucao.processos.vivos().exists(), 20, "the robots' end")
    assert not chain.left_over()
    return execucao


def wrong(todo: Acervo, execucao: Execucao) -> list[tuple[object, ...]]:
    """The questions whose answer or date is not the honest one."""
    items = list(execucao.itens.order_by("ordem"))
    assert len(items) == len(todo.perguntas)
    return [
        (question, item.status, item.resultado, item.erro_classe, item.protocolada_em, item.erro, item.detalhes)
        for question, item in zip(todo.perguntas, items, strict=True)
        if (item.status, item.resultado or item.erro_classe, item.protocolada_em)
        != (question.status, question.resposta, question.data)
    ]


def judge(todo: Acervo, portal: Replica, execucao: Execucao, robots: int) -> None:
    """From the portal's log: no more sessions, logins and visits than there had to be."""
    moods = {number: caso.humor for number, caso in todo.processos.items()}
    expired = sum(mood in EXPIRED for mood in moods.values())
    assert portal.sessions_at_once() <= robots
    assert portal.tries["refused"] == 0
    assert portal.logins() <= execucao.processos.count() + expired
    replaced = sum(mood in REPLACED for mood in moods.values())
    # Chromium itself hangs once in a while: then its robot is replaced, but not time and again.
    hung = execucao.processos.filter(motivo="reciclado", erro__startswith="O navegador").count()
    ends = list(execucao.processos.values_list("motivo", "erro"))
    assert len(ends) <= robots + replaced + min(hung, 1), ends
    asked = Counter(item.numero_processo for item in execucao.itens.all())
    # What failed is asked again; another petition of the case may have had it opened, and closed, in between.
    forced = {n: min(2, asked[n]) if moods[n] in RETRIED + REPLACED else 0 for n in asked}
    allowed = {number: 1 + forced[number] for number in asked}
    allowed |= {number: 3 * asked[number] for number in asked if moods[number] == "sempre_mais_tarde"}
    visits: dict[str, Counter[str]] = defaultdict(Counter)
    for line in portal.log:
        if line.kind == "search":
            visits[line.session][line.numero] += 1
    excess = [(n, moods[n], times) for seen in visits.values() for n, times in seen.items() if times > allowed[n]]
    assert not excess
    assert {n for seen in visits.values() for n in seen} == set(asked)


@pytest.mark.parametrize(
    ("robots", "names", "seed", "login", "prefix", "moods"),
    [
        (1, 12, 1, "redireciona", "/projudi", ("passagem", "aos_poucos")),
        (2, 30, 2, "alerta", "", ("sessao", "mais_tarde", "sessao_nos_anexos", "cai")),
        *(
            pytest.param(robots, 120, seed, login, prefix, ALL, marks=pytest.mark.slow)
            for seed, (robots, login, prefix) in enumerate(
                [(1, "", ""), (2, "tarde", "/projudi"), (4, "redireciona", ""), (2, "alerta", "/a/b"), (4, "", "")], 10
            )
        ),
        pytest.param(2, 30, 20, "quadro", "", ALL, marks=pytest.mark.slow),
    ],
)
def test_a_batch_is_answered_right_with_no_more_sessions_and_visits_than_there_must_be(
    robots: int, names: int, seed: int, login: str, prefix: str, moods: tuple[str, ...]
) -> None:
    todo = acervo(names, seed, moods)
    with Replica(todo, prefix=prefix, login=login) as portal:
        execucao = run(todo, portal, robots)
        assert not wrong(todo, execucao)
        judge(todo, portal, execucao, robots)
        took = (execucao.finished_at - execucao.started_at).total_seconds()
        print(f"{names} names, {len(todo.processos)} cases, {robots} robots: {took:.1f} s, {portal.logins()} logins,")
        print(f"{portal.sessions_at_once()} sessions at once, {portal.visits().total()} visits")


@pytest.mark.parametrize(("login", "classe"), [("codigo", "codigo_2fa"), ("senha", "credencial_recusada")])
def test_a_login_that_cannot_be_is_tried_once_and_ends_the_batch(login: str, classe: str) -> None:
    todo = acervo(6, 4)
    with Replica(todo, login=login) as portal:
        execucao = run(todo, portal, 2)
        assert execucao.status == Execucao.Status.ERROR
        assert {item.erro_classe for item in execucao.itens.all()} == {classe}
        assert (portal.logins(), portal.tries["sent"]) == (0, 1)
