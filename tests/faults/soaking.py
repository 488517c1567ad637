"""The soak's engine: an installation in use, the people who look at it, the gauges, and the judgement."""

import os
import threading
import time
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from itertools import cycle
from pathlib import Path
from uuid import UUID

from django.conf import settings
from django.contrib.auth.models import User
from django.db import connection
from django.test import Client

from executions import scripts
from executions.models import Controle, Execucao, JobItem, Portal, Processo, Script
from executions.robos import iniciar
from tests.faults import gauges, judge
from tests.faults.world import POOL, SLOW_STARTS, Batch, cluster_roles, world
from tests.viewers import Person
from tests.web import web
from workers import processes
from workers.supervisor import robot_folder

LOT = 40
PACE_SECONDS = 2.0  # between two cases at the portal, whatever the number of robots
SAMPLE_SECONDS = SCRIPT_SECONDS = 15.0
LEFT_SECONDS = 20.0  # a guard's time and a host's orderly end
SCRIPTS = {
    "muito.py": "for i in range(30_000): print('linha número', i)",
    "falha.py": "print('não deu'); raise SystemExit(3)",
    "demora.py": "import time\nprint('começo', flush=True); time.sleep(60)",
    "passos.py": "import time\nfor i in range(8):\n    print(i, flush=True); time.sleep(1)",
}
SUPERVISING = "django-q2 worker, supervising"
SHORT_SECONDS = 4  # the time limit of demora.py
ONCE = ("/execucoes/", "/portais/", "/maquinas/", "/agenda/", "/healthz/sistema", "/metrics")
OF_BATCH = ("exportar.csv", "exportar.xlsx", "itens/1/", "log.txt")


class Soak:
    def __init__(self, seconds: float, robots: int) -> None:
        self.seconds, self.robots = seconds, robots
        self.series: list[tuple[float, gauges.Sample]] = []
        self.batches: list[Batch] = []
        self.killed: list[Batch] = []
        self.by_hand: set[int] = set()
        self.suspects: set[str] = set()
        self._suspected = 0.0
        self.findings: list[str] = []
        self.scripts_begun = self.kills = 0
        self.pages = {"execucao": "", "robo": ""}

    # ---- the run ----------------------------------------------------------------------------------------------------
    def run(self) -> None:
        host = {"DJANGO_SETTINGS_MODULE": "robotcontrol.settings", "FAULT_AT": "", "QUEUE_POLL_SECONDS": 0.2}
        places = {"HOST_MAX_ROBOTS": self.robots, "HOST_SCRIPT_PLACES": 2, "EXECUCOES_SIMULTANEAS": 1}
        with world(
            divisor=1, latency=0.05, ROBOT_HOST=settings.ROBOT_HOST, **host | places | dict.fromkeys(SLOW_STARTS, "")
        ) as made:
            self.world = made
            pace = max(PACE_SECONDS, self.seconds / POOL * 1.2)
            Portal.objects.filter(pk=made.credencial.portal_id).update(min_interval_s=pace)
            self.scripts = cycle([self._script(name) for name in SCRIPTS])
            with made.host() as self.machine:
                with web(workers=2, threads=4, LOG_LEVEL="WARNING") as port:
                    self.master = self._gunicorn(port)
                    self._live(self._people(port))
                self._end()

    @staticmethod
    def _script(name: str) -> Script:
        (Path(settings.SCRIPTS_DIR) / name).write_text(SCRIPTS[name])
        script = Script(nome=name, arquivo=name, timeout_s=SHORT_SECONDS if name == "demora.py" else 60)
        script.confirmar()
        script.save()
        return script

    @staticmethod
    def _gunicorn(port: int) -> int:
        words = f"127.0.0.1:{port}".encode()
        mine = [m.pid for m in processes.table().values() if m.ppid == os.getpid()]
        return next(pid for pid in mine if words in Path(f"/proc/{pid}/cmdline").read_bytes())

    def _people(self, port: int) -> list[Person]:
        client = Client()
        client.force_login(User.objects.create_superuser("quem-olha"))
        cookie = f"{settings.SESSION_COOKIE_NAME}={client.cookies[settings.SESSION_COOKIE_NAME].value}"
        self.stop = threading.Event()
        walk = cycle([*ONCE, *OF_BATCH])

        def wander() -> str:
            page = next(walk)
            return page if page.startswith("/") else self.pages["execucao"] and self.pages["execucao"] + page

        looks = (lambda: "/", lambda: self.pages["execucao"], lambda: "/processos/", lambda: self.pages["robo"], wander)
        people = [Person(port, cookie, look, self.stop) for look in looks]
        for person in people:
            person.start()
        return people

    def _live(self, people: list[Person]) -> None:
        killing = min(300.0, max(60.0, self.seconds / 10))
        chores: list[tuple[Callable[[], None], float]] = [
            (self._feed, 1), (self._begin_script, SCRIPT_SECONDS), (self._kill, killing), (self._reopen, 10),
            (self._sample, min(SAMPLE_SECONDS, self.seconds / 60)),
        ]  # fmt: skip
        due = dict.fromkeys(range(len(chores)), 0.0) | {2: killing}
        self.began = time.monotonic()
        with suppress(KeyboardInterrupt):  # broken off: what was seen until then is told
            while self.now < self.seconds:
                for n, (step, every) in enumerate(chores):
                    if self.now >= due[n]:
                        step()
                        due[n] = self.now + every
                time.sleep(0.2)
        self.seconds = self.now
        self.stop.set()
        for person in people:
            person.join(40)
        self.statuses = sum((person.statuses for person in people), Counter[int]())

    @property
    def now(self) -> float:
        return time.monotonic() - self.began

    def _feed(self) -> None:
        if Execucao.objects.abertas().count() < 2:
            self.batches.append(self.world.lot(LOT, self.robots))
        robot = Processo.objects.vivos().robos().exclude(pid=None).order_by("pk").first()
        self.pages["robo"] = f"/robos/{robot.uuid}/" if robot else ""
        self.pages["execucao"] = f"/execucoes/{robot.execucao_id if robot else self.batches[-1].execucao.pk}/"

    def _begin_script(self) -> None:
        with suppress(scripts.JaEmExecucao):
            scripts.pedir_script(next(self.scripts))
            self.scripts_begun += 1

    def _kill(self) -> None:
        victim = next((b for b in self.batches if b.execucao.processos.vivos().exists()), None)
        if victim and victim.execucao.encerrar():
            self.killed.append(victim)
            self.kills += 1

    def _reopen(self) -> None:
        for batch in [b for b in self.killed if not b.execucao.processos.vivos().exists()]:
            self.killed.remove(batch)
            batch.execucao.reabrir()
            iniciar(batch.execucao)

    # ---- the gauges -----------------------------------------------------------------------------------------------
    def _sample(self) -> None:
        sign = str(Controle.get().instalacao)
        marked = processes.marked(f"{sign}:")
        living = {str(uuid) for uuid in Processo.objects.vivos().values_list("uuid", flat=True)}
        carried = {text.removeprefix(f"{sign}:") for text in marked.values()}
        dead = {uuid for uuid in carried - living if not uuid.startswith("cluster-")}
        if self.now - self._suspected >= LEFT_SECONDS:
            self.findings += [f"processes of {uuid} outlive its end" for uuid in dead & self.suspects]
            self.suspects, self._suspected = dead, self.now
        sample = gauges.of_processes(self._kinds()) | gauges.of_family([self.machine.child.pid, self.master, *marked])
        # Each worker inherits a different number of pipes: means of whoever supervises just now cannot be compared.
        sample.pop(("descriptors", SUPERVISING), None)
        at_work = {robot_folder(UUID(uuid)) for uuid in living}
        at_work |= {folder.with_suffix(".log") for folder in at_work}
        home, temporary, run = settings.VAR_DIR, settings.ROBOT_TMP_DIR.parent, settings.ROBOT_RUN_DIR
        sample |= gauges.of_folder("the run folder", run)
        sample |= gauges.of_folder("temporary folders, without those at work", temporary, at_work)
        sample |= gauges.of_folder("VAR_DIR, without database", home, {temporary, run}, "controle.sqlite3")
        self.series.append((self.now, sample | {("MB of", "the database"): self._database() / 2**20}))

    def _kinds(self) -> dict[str, list[int]]:
        parents = {m.ppid for m in processes.table().values() if not m.zombie}
        kinds = {"web master": [self.master], "runrobots": [self.machine.child.pid]}
        kinds["web worker"] = [m.pid for m in processes.table().values() if m.ppid == self.master]
        for role, pid in cluster_roles(self.machine).items():
            kinds.setdefault(f"django-q2 {role.partition('-')[0]}", []).append(pid)
        kinds[SUPERVISING] = [pid for pid in kinds.get("django-q2 worker", []) if pid in parents]
        return kinds

    @staticmethod
    def _database() -> int:
        if connection.vendor == "sqlite":
            return sum(file.stat().st_size for file in settings.VAR_DIR.glob("controle.sqlite3*"))
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_database_size(current_database())")
            return int(cursor.fetchone()[0])

    # ---- the end --------------------------------------------------------------------------------------------------
    def _end(self) -> None:
        """In order: the people have gone, the pages are stopped; the host ends in the midst of a batch."""
        self.machine.stop()
        if self.machine.child.returncode:
            self.findings.append(f"runrobots ended with {self.machine.child.returncode}")
        self.findings += [f"process {pid} is left: {words[:150]}" for pid, words in self.world.left_over().items()]
        for batch in self.batches:
            by_hand = batch.execucao.encerrar() or batch in self.killed
            lot = replace(batch.lot, ended_by_hand=by_hand)
            self.findings += map(str, judge.judge(self.world.portal.log, judge.tell(batch.execucao), lot))
        for status, n in self.statuses.items():
            if status >= 500 or not status:
                self.findings.append(f"{n} pages answered {status or 'nothing'}")

    def page(self) -> str:
        lines = gauges.lines(self.series, self.seconds)
        self.findings += [f"grew: {line.measure} {line.of}" for line in lines if line.grew]
        items = Counter(JobItem.objects.values_list("status", flat=True))
        ran = Processo.objects.robos().count()
        begun = len(self.batches)
        head = [
            f"# Soak: {self.seconds:.0f} s, {connection.vendor}, {self.robots} robots",
            "",
            f"- {begun} batches, {items['done']} items answered, {ran} robots, {self.scripts_begun} scripts, "
            f"{self.kills} batches killed and reopened",
            f"- pages: {sum(self.statuses.values())} answers {dict(sorted(self.statuses.items()))}",
            f"- findings: {len(self.findings)}",
            "",
            "| gauge, median of each sixth | 1 | 2 | 3 | 4 | 5 | 6 | most | |",
            "|---|---|---|---|---|---|---|---|---|",
        ]
        return "\n".join([*head, *map(str, lines), "", *(f"- {finding}" for finding in self.findings[:60])])
