"""The faults of the chaos run: each picks its victims, does its deed, and says how it is undone."""

import shutil
import signal
import threading
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from django.conf import settings
from django.utils import timezone
from django_q.models import OrmQ

from executions.models import Execucao, JobItem, Processo
from tests import chain
from tests.chain import Machine
from tests.faults.proxy import Proxy
from tests.faults.servers import Postgres, hold_sqlite
from tests.faults.world import World, cluster_roles, everything_of, strike, thaw
from workers import processes

POINTS = (
    "robot_started", "browser_open", "before_claim", "after_claim", "before_finish", "after_finish",
    "before_goodbye", "message_received", "before_spawn", "after_spawn", "before_record", "before_task_end",
)  # fmt: skip
Later = Callable[[float, Callable[[], None]], None]


@dataclass(frozen=True)
class Kind:
    """`seconds`: how long it lasts, drawn between these; `on`: "", "sqlite" or "postgres"; `weight`: how often."""

    seconds: tuple[float, float] = (0, 0)
    on: str = ""
    weight: float = 1.0


KINDS: dict[str, Kind] = {
    "kill_robot": Kind(),
    "kill_browser": Kind(),
    "kill_supervisor": Kind(),
    "kill_at_point": Kind(),
    "freeze_robot": Kind((2, 12)),
    "freeze_supervisor": Kind((2, 12)),
    "freeze_host": Kind((2, 15)),
    "kill_cluster": Kind(),
    "kill_cluster_process": Kind(),
    "sigterm_cluster": Kind(),
    "kill_host": Kind((1, 10)),
    "stop_host": Kind((1, 5)),
    "portal_outage": Kind((1, 15)),
    "queue_deleted": Kind(),
    "queue_doubled": Kind(),
    "queue_stale": Kind(),
    "restart_robot": Kind(),
    "pause": Kind((1, 6)),
    "fewer_robots": Kind((2, 8)),
    "kill_batch": Kind(weight=0.2),
    "database_locked": Kind((1, 6), "sqlite"),
    "database_crash": Kind((0, 3), "postgres"),
    "commit_cut_before": Kind((0, 0), "postgres"),
    "commit_cut_after": Kind((0, 0), "postgres"),
    "partition": Kind((2, 15), "postgres"),
    "disk_full": Kind((3, 8), "only when asked for"),
}


SMALL_DISK = 256 * 2**20


def kinds_for(postgres: bool, only: list[str]) -> list[str]:
    here = "postgres" if postgres else "sqlite"
    return only or [name for name, kind in KINDS.items() if kind.on in ("", here)]


def fill(folder: Path) -> Path:
    """Takes all the room of that folder's disk, a small one made for it. Returns the file that has it."""
    if shutil.disk_usage(folder).total > SMALL_DISK:
        raise RuntimeError(f"{folder} is on no small disk of its own: this would take all the room of the machine.")
    stuff = folder / "enchimento"
    with stuff.open("wb", buffering=0) as handle:
        while True:
            try:
                handle.write(b"\0" * 65536)
            except OSError:
                return stuff


class Damage:
    """`inject` returns the ids of the robots that were hit, or None when there was nobody to hit."""

    def __init__(self, world: World, proxies: list[Proxy], later: Later) -> None:
        self.world, self.proxies, self.later = world, proxies, later
        self.hosts: dict[int, Machine | None] = {}
        self.zombies: Counter[int] = Counter()  # execution -> robots that may act after they were replaced
        self.ended_by_hand: set[int] = set()
        self._frozen: set[int] = set()

    # ---- hosts --------------------------------------------------------------------------------------------------
    def start(self) -> None:
        for n in range(max(1, len(self.proxies))):
            self._start_host(n)

    def _start_host(self, n: int) -> None:
        extra = {}
        if self.proxies:
            url = chain.database_url().rpartition("@")
            name = url[2].rpartition("/")[2]
            extra["DATABASE_URL"] = f"{url[0]}@127.0.0.1:{self.proxies[n].port}/{name}"
        self.hosts[n] = Machine(**self.world.environment | {"ROBOT_HOST": f"caos-{n}"} | extra)

    def stop(self) -> None:
        for n, host in self.hosts.items():
            if host is not None:
                with suppress(Exception):
                    host.stop()
                processes.reap(host.cluster_mark, descendants=False)
            self.hosts[n] = None

    # ---- choosing -----------------------------------------------------------------------------------------------
    def inject(self, kind: str, chance: float, seconds: float) -> "set[int] | None":
        return getattr(self, f"_{kind}")(chance, seconds)

    def _host(self, chance: float) -> "tuple[int, Machine] | None":
        up = [(n, h) for n, h in self.hosts.items() if h is not None and h.child.poll() is None]
        up = [(n, h) for n, h in up if h.child.pid not in self._frozen]
        return up[int(chance * len(up))] if up else None

    def _robot(self, chance: float) -> Processo | None:
        """One at work, rather with an item in hand."""
        alive = Processo.objects.robos().filter(status="running", pid__isnull=False).order_by("id")
        alive = [robot for robot in alive if robot.pid not in self._frozen]
        with_item = [robot for robot in alive if robot.itens.em_andamento().exists()]
        choice = with_item or alive
        return choice[int(chance * len(choice))] if choice else None

    @staticmethod
    def _robots_of(host: Machine) -> list[Processo]:
        return list(Processo.objects.vivos().filter(host__nome=host.name, pid__isnull=False))

    # ---- robots ---------------------------------------------------------------------------------------------------
    def _kill_robot(self, chance: float, seconds: float) -> "set[int] | None":
        robot = self._robot(chance)
        return {robot.pk} if robot and strike(robot.pid or 0, signal.SIGKILL) else None

    def _kill_browser(self, chance: float, seconds: float) -> "set[int] | None":
        robot = self._robot(chance)
        family = [m for m in chain.members(robot) if m.pid != robot.pid] if robot else []
        for member in family:
            processes.send(member, signal.SIGKILL)
        return {robot.pk} if robot and family else None

    def _supervisor(self, chance: float) -> "tuple[Processo, int] | None":
        robot = self._robot(chance)
        member = processes.table().get(robot.pid or 0) if robot else None
        if robot is None or member is None or member.ppid < 2:
            return None
        return robot, member.ppid

    def _kill_supervisor(self, chance: float, seconds: float) -> "set[int] | None":
        found = self._supervisor(chance)
        return {found[0].pk} if found and strike(found[1], signal.SIGKILL) else None

    def _kill_at_point(self, chance: float, seconds: float) -> "set[int] | None":
        self.world.arm(POINTS[int(chance * len(POINTS))], "kill")
        return set()

    def _freeze_robot(self, chance: float, seconds: float) -> "set[int] | None":
        robot = self._robot(chance)
        if robot is None or not strike(robot.pid or 0, signal.SIGSTOP):
            return None
        self._thaw_later([robot.pid or 0], seconds)
        self.zombies[robot.execucao_id or 0] += 1
        return {robot.pk}

    def _freeze_supervisor(self, chance: float, seconds: float) -> "set[int] | None":
        found = self._supervisor(chance)
        if not found or not strike(found[1], signal.SIGSTOP):
            return None
        self._thaw_later([found[1]], seconds)
        return {found[0].pk}

    def _thaw_later(self, pids: list[int], seconds: float) -> None:
        self._frozen |= set(pids)

        def undo() -> None:
            thaw(pids)
            self._frozen -= set(pids)

        self.later(seconds, undo)

    # ---- hosts and clusters -----------------------------------------------------------------------------------------
    def _freeze_host(self, chance: float, seconds: float) -> "set[int] | None":
        found = self._host(chance)
        if found is None:
            return None
        robots = self._robots_of(found[1])
        pids = everything_of(found[1])
        for pid in pids:
            strike(pid, signal.SIGSTOP)
        self._thaw_later(pids, seconds)
        self._expect_zombies(robots)
        return {robot.pk for robot in robots}

    def _expect_zombies(self, robots: list[Processo]) -> None:
        for robot in robots:
            self.zombies[robot.execucao_id or 0] += 1

    def _kill_cluster(self, chance: float, seconds: float) -> "set[int] | None":
        found = self._host(chance)
        if found is None:
            return None
        robots = self._robots_of(found[1])
        found[1].kill_cluster()
        return {robot.pk for robot in robots}

    def _kill_cluster_process(self, chance: float, seconds: float) -> "set[int] | None":
        found = self._host(chance)
        roles = sorted(cluster_roles(found[1]).items()) if found else []
        return set() if roles and strike(roles[int(chance * len(roles))][1], signal.SIGKILL) else None

    def _sigterm_cluster(self, chance: float, seconds: float) -> "set[int] | None":
        found = self._host(chance)
        roles = cluster_roles(found[1]) if found else {}
        return set() if roles and strike(roles["main"], signal.SIGTERM) else None

    def _kill_host(self, chance: float, seconds: float) -> "set[int] | None":
        """As a machine that loses its power; it comes back after a while."""
        found = self._host(chance)
        if found is None:
            return None
        n, host = found
        robots = self._robots_of(host)
        for pid in everything_of(host):
            strike(pid, signal.SIGKILL)
        host.child.wait()
        self.hosts[n] = None
        self.later(seconds, lambda: self._start_host(n))
        return {robot.pk for robot in robots}

    def _stop_host(self, chance: float, seconds: float) -> "set[int] | None":
        """In order, as for a deploy, and started again."""
        found = self._host(chance)
        if found is None:
            return None
        n, host = found
        robots = self._robots_of(host)
        self.hosts[n] = None
        waiter = threading.Thread(target=host.stop, daemon=True)
        waiter.start()

        def again() -> None:
            if waiter.is_alive():
                self.later(1, again)
            else:
                self._start_host(n)

        self.later(seconds, again)
        return {robot.pk for robot in robots}

    # ---- the world ----------------------------------------------------------------------------------------------
    def _portal_outage(self, chance: float, seconds: float) -> "set[int] | None":
        self.world.portal.set_fora_do_ar(True)
        # To learn that it is back, a robot asks for a case that the portal has answered, another batch's if need be.
        self.zombies.update(Execucao.objects.abertas().values_list("pk", flat=True))
        self.later(seconds, lambda: self.world.portal.set_fora_do_ar(False))
        return set()

    def _queue_deleted(self, chance: float, seconds: float) -> "set[int] | None":
        OrmQ.objects.all().delete()
        return set()

    def _queue_doubled(self, chance: float, seconds: float) -> "set[int] | None":
        for row in OrmQ.objects.all():
            OrmQ.objects.create(key=row.key, payload=row.payload, lock=row.lock)
        return set()

    def _queue_stale(self, chance: float, seconds: float) -> "set[int] | None":
        OrmQ.objects.update(lock=timezone.now() - timedelta(days=1))
        return set()

    def _disk_full(self, chance: float, seconds: float) -> "set[int] | None":
        stuff = fill(settings.VAR_DIR)
        self.later(seconds, lambda: stuff.unlink(missing_ok=True))
        return set()

    # ---- the operator -------------------------------------------------------------------------------------------
    def _restart_robot(self, chance: float, seconds: float) -> "set[int] | None":
        robot = self._robot(chance)
        return {robot.pk} if robot and robot.reiniciar() else None

    @staticmethod
    def _batch(chance: float) -> Execucao | None:
        batches = list(Execucao.objects.abertas().em_ordem())
        return batches[int(chance * len(batches))] if batches else None

    def _pause(self, chance: float, seconds: float) -> "set[int] | None":
        batch = self._batch(chance)
        if batch is None or not batch.pausar():
            return None
        self.later(seconds, lambda: batch.retomar() and None)
        return set()

    def _fewer_robots(self, chance: float, seconds: float) -> "set[int] | None":
        batch = self._batch(chance)
        if batch is None or batch.max_robots < 2:
            return None
        before = batch.max_robots
        batch.definir_max_robots(1)
        self.later(seconds, lambda: batch.definir_max_robots(before))
        return set()

    def _kill_batch(self, chance: float, seconds: float) -> "set[int] | None":
        batch = self._batch(chance)
        if batch is None or not batch.encerrar():
            return None
        self.ended_by_hand.add(batch.pk)
        return set()

    # ---- the databases ------------------------------------------------------------------------------------------
    def _database_locked(self, chance: float, seconds: float) -> "set[int] | None":
        hold_sqlite(seconds)
        return set()

    def _database_crash(self, chance: float, seconds: float) -> "set[int] | None":
        running = set(JobItem.objects.em_andamento().values_list("processo", flat=True))
        server = Postgres()
        server.crash()
        self.later(seconds, server.start)
        return running

    def _commit_cut_before(self, chance: float, seconds: float) -> "set[int] | None":
        return self._cut(chance, "before")

    def _commit_cut_after(self, chance: float, seconds: float) -> "set[int] | None":
        return self._cut(chance, "after")

    def _cut(self, chance: float, when: str) -> "set[int] | None":
        self.proxies[int(chance * len(self.proxies))].cut_commit(when, 3)
        return set()

    def _partition(self, chance: float, seconds: float) -> "set[int] | None":
        n = int(chance * len(self.proxies))
        host, proxy = self.hosts[n], self.proxies[n]
        if host is None:
            return None
        robots = self._robots_of(host)
        proxy.stall()
        self.later(seconds, proxy.heal)
        self._expect_zombies(robots)
        return {robot.pk for robot in robots}
