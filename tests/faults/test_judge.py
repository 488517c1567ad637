"""The judge itself: forged logs and forged stories must each be found out, and an honest run acquitted."""

import os
import subprocess
import sys
import time
import uuid
from dataclasses import replace

import pytest

from tests.faults import judge
from tests.faults.judge import Claim, Item, Lot, Story
from workers.portals.demo.cases import CASO_DO_CENARIO, CASOS
from workers.portals.demo.log import LogEntry
from workers.portals.demo.sample import Esperado

pytestmark = pytest.mark.nodb
CASES = {caso.numero: caso for caso in CASOS}
A, B = CASO_DO_CENARIO["protocolada"], CASO_DO_CENARIO["juntada_posterior"]
WHEN = "2026-02-26 11:23:45"
EXPECTED = {
    "a.pdf": Esperado("a.pdf", "protocolada", "done", "protocolada", WHEN),
    "b.pdf": Esperado("b.pdf", "juntada_posterior", "done", "protocolada", WHEN),
}
LOT = Lot(1, EXPECTED, {"a.pdf": A, "b.pdf": B}, CASES)


def visit(session: str, numero: str, at: float, *, status: int = 200, usuario: str = "demo", attachments: int = 1):
    entries = [LogEntry(at, at + 0.1, session, usuario, "search", numero, status)]
    for n in range(attachments):
        entries.append(LogEntry(at + 0.2 + n, at + 0.3 + n, session, usuario, "attachments", numero, 200))
    return entries


def login(session: str, at: float) -> list[LogEntry]:
    return [LogEntry(at, at + 0.1, session, "demo", "login", "", 200)]


def item(nome: str, numero: str, finished: float, **changes) -> Item:
    claims = (Claim(1, 1, finished - 2, finished, "protocolada"),)
    return replace(Item(nome, numero, "done", "protocolada", WHEN, "", 1, 1, finished, claims), **changes)


LOG = [*login("s1", 0), *visit("s1", A, 1), *visit("s1", B, 3)]
ITEMS = (item("a.pdf", A, 2.5), item("b.pdf", B, 4.5))
STORY = Story(7, "done", (0, 0, 2, 0), ITEMS)


def kinds(log: list[LogEntry] = LOG, story: Story = STORY, lot: Lot = LOT) -> set[str]:
    return {finding.kind for finding in judge.judge(log, story, lot)}


def changed(**changes) -> Story:
    """The honest story with its first item changed."""
    return replace(STORY, items=(replace(ITEMS[0], **changes), ITEMS[1]))


def claims(*rows: tuple[int, float, float | None, str]) -> tuple[Claim, ...]:
    return tuple(Claim(token, 1, began, ended, outcome) for token, began, ended, outcome in rows)


def test_an_honest_run_is_acquitted() -> None:
    assert kinds() == set()


def test_a_robot_that_died_in_its_visit_and_one_that_came_after_it_are_acquitted() -> None:
    log = [*login("dead", 0), *visit("dead", A, 1, attachments=0), *login("s2", 5), *visit("s2", A, 6)]
    log += visit("s2", B, 8)
    held = claims((1, 1, 3, "robo_perdido"), (3, 6, 7.5, "protocolada"))
    story = replace(STORY, items=(replace(ITEMS[0], token=3, claims=held, finished=7.5), replace(ITEMS[1], finished=9)))
    assert kinds(log, story) == set()


@pytest.mark.parametrize(
    ("log", "kind"),
    [
        pytest.param([*LOG, *login("s2", 0.5), *visit("s2", "x", 1), *visit("s2", B, 20)], "limit", id="two sessions"),
        pytest.param([*LOG, *visit("s2", A, 1.1)], "doubled", id="two inside one case"),
        pytest.param(LOG[:3], "wrong", id="an answer without a visit"),
        pytest.param([*LOG[:3], *visit("s1", B, 3, status=503)], "wrong", id="a visit that was answered 503"),
        pytest.param([*LOG[:3], *visit("s1", B, 3, usuario="")], "wrong", id="a visit without a login"),
        pytest.param([*LOG[:3], *visit("s1", B, 3, attachments=0)], "wrong", id="a visit that read no attachment"),
        pytest.param([*LOG[:3], *visit("s1", B, 30)], "wrong", id="a visit that came after the answer"),
    ],
)
def test_a_forged_log_is_found_out(log: list[LogEntry], kind: str) -> None:
    assert kind in kinds(log)


@pytest.mark.parametrize(
    ("story", "kind"),
    [
        pytest.param(replace(STORY, counters=(0, 0, 1, 1)), "counter", id="counters"),
        pytest.param(replace(STORY, status="running"), "open", id="a batch that did not end"),
        pytest.param(replace(STORY, robots_alive=1), "left", id="a robot that is not recorded as ended"),
        pytest.param(replace(STORY, items=ITEMS[:1], counters=(0, 0, 1, 0)), "lost", id="a row that is gone"),
        pytest.param(replace(STORY, items=(), counters=(0, 0, 0, 0)), "lost", id="all rows gone"),
        pytest.param(
            replace(STORY, items=(*ITEMS, ITEMS[1]), counters=(0, 0, 3, 0)), "doubled", id="the same item twice"
        ),
        pytest.param(
            replace(STORY, items=(*ITEMS, item("c.pdf", B, 4.5)), counters=(0, 0, 3, 0)), "doubled",
            id="an item that nobody asked for",
        ),
        pytest.param(changed(numero=B), "wrong", id="the case of another item"),
        pytest.param(changed(resultado="nao_localizada"), "wrong", id="another answer"),
        pytest.param(changed(protocolada_em="2026-02-26 11:23:46"), "wrong", id="another second"),
        pytest.param(changed(status="failed", erro_classe="veneno"), "lost", id="a failure nobody asked for"),
        pytest.param(changed(status="failed", erro_classe="encerrado"), "lost", id="a kill nobody asked for"),
        pytest.param(changed(status="pending"), "lost", id="an item left over"),
        pytest.param(
            changed(token=2, claims=claims((1, 0, 3, "robo_perdido"), (2, 1, 2, "protocolada"))), "doubled",
            id="two robots at once",
        ),
        pytest.param(
            changed(token=2, claims=claims((1, 0, None, ""), (2, 1, 2, "protocolada"))), "doubled",
            id="a claim that was never closed",
        ),
        pytest.param(
            changed(token=2, claims=claims((1, 0, 1, "protocolada"), (2, 1, 2, "protocolada"))), "doubled",
            id="answered twice",
        ),
        pytest.param(
            changed(token=1, claims=claims((1, 0, 1, "robo_perdido"), (1, 1, 2, "protocolada"))), "token",
            id="a token used twice",
        ),
        pytest.param(
            changed(
                token=1, claims=claims((1, 0, 1, "x"), (2, 1, 1.5, "x"), (1, 1.5, 2, "protocolada"))
            ),
            "token", id="a token used again later",
        ),
        pytest.param(changed(token=3), "token", id="an answer of another token"),
        pytest.param(changed(claims=()), "token", id="an answer of nobody"),
    ],
)  # fmt: skip
def test_a_forged_story_is_found_out(story: Story, kind: str) -> None:
    assert kind in kinds(story=story)


@pytest.mark.parametrize("items", [(), (replace(ITEMS[0], numero="x"), replace(ITEMS[1], numero="y"))])
def test_the_limits_hold_for_what_was_asked_for_whatever_the_database_says_of_it(items: tuple[Item, ...]) -> None:
    """No row that is gone, and no other case written in it, hides a second robot or a second visit."""
    story = replace(STORY, items=items, counters=(0, 0, len(items), 0))
    assert "limit" in kinds([*LOG, *login("s2", 0.5), *visit("s2", A, 1.5), *visit("s2", B, 20)], story)
    assert "doubled" in kinds([*LOG, *visit("s2", A, 1.1)], story)


def test_what_the_faults_call_for_is_excused_and_nothing_else() -> None:
    poison = changed(status="failed", erro_classe="veneno")
    poison = replace(poison, counters=(0, 0, 1, 1))
    assert kinds(story=poison, lot=replace(LOT, excused=frozenset({"veneno"}))) == set()
    killed = replace(changed(status="failed", erro_classe="encerrado"), counters=(0, 0, 1, 1), status="error")
    assert kinds(story=killed, lot=replace(LOT, ended_by_hand=True)) == set()
    assert kinds(story=poison, lot=replace(LOT, ended_by_hand=True)) == {"lost"}


def test_a_zombies_session_is_excused_once() -> None:
    def zombie(n: int) -> list[LogEntry]:
        return [*login(f"z{n}", 0), *visit(f"z{n}", "other", 0.5), *visit(f"z{n}", B, 20)]

    lot = replace(LOT, zombies=1)
    assert kinds([*LOG, *zombie(1)], lot=lot) == set()
    assert kinds([*LOG, *zombie(1), *zombie(2)], lot=lot) == {"limit"}


def test_a_case_of_two_items_may_be_visited_by_two_and_not_by_three() -> None:
    two = (item("a.pdf", A, 2.5), item("b.pdf", A, 2.5))
    story = replace(STORY, items=two)
    log = [*visit("s1", A, 1), *visit("s2", A, 1.1)]
    lot = replace(LOT, max_robots=3, numeros={"a.pdf": A, "b.pdf": A})
    assert kinds(log, story, lot) == set()
    assert kinds([*log, *visit("s3", A, 1.15)], story, lot) == {"doubled"}


def test_only_sessions_of_the_lots_cases_count_against_its_limit() -> None:
    other = [*login("o", 0), *visit("o", "other", 1), *visit("o", "other", 9)]
    assert judge.sessions_at_once([*LOG, *other]) == 2
    assert judge.sessions_at_once([*LOG, *other], [A, B]) == 1


def form(session: str, at: float) -> LogEntry:
    return LogEntry(at, at + 0.1, session, "demo", "login_form", "", 200)


def test_a_robot_of_another_lot_that_probes_the_portal_by_an_answered_case_is_not_at_work_on_it() -> None:
    answered = [*login("o", 0), *visit("o", "x", 1), *visit("o", A, 3.5), form("o", 4.9)]
    assert kinds([*LOG, *answered]) == set()
    silent = [*login("o", 0), *visit("o", "x", 1), *visit("o", A, 3.5, status=503, attachments=0)]
    assert kinds([*LOG, *silent]) == set()


@pytest.mark.parametrize(
    "second",
    [
        pytest.param([*visit("o", A, 3.5), *visit("o", "x", 5)], id="it goes on to another case"),
        pytest.param([*visit("o", B, 2.9), form("o", 4.9)], id="nobody had got an answer before"),
        pytest.param(visit("o", A, 3.5), id="it ends with an answer"),
        pytest.param([*visit("o", B, 2.9, status=503, attachments=0)], id="nor a known one without"),
    ],
)
def test_a_second_session_that_does_not_probe_is_found(second: list[LogEntry]) -> None:
    assert "limit" in kinds([*LOG, *login("o", 0), *second])


@pytest.mark.parametrize("how", ["environment", "command line"])
def test_a_process_left_over_is_found_by_its_environment_and_by_its_command_line(how: str) -> None:
    sign = f"sinal-{uuid.uuid4()}"
    words = [sys.executable, "-c", "import time; time.sleep(60)", *([sign] if how == "command line" else [])]
    environ = os.environ | ({"ROBOT_WORKER_ID": f"{sign}:x"} if how == "environment" else {})
    child = subprocess.Popen(words, env=environ)
    try:
        deadline = time.monotonic() + 5
        while child.pid not in judge.left_over(sign) and time.monotonic() < deadline:
            time.sleep(0.02)
        assert set(judge.left_over(sign)) == {child.pid}
    finally:
        child.kill()
        os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)  # dead, and a zombie until somebody waits for it
        assert judge.left_over(sign) == {}  # a zombie is not left over
        child.wait()
