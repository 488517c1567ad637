"""Searches that are no work on a batch: a robot of another one asks whether the portal answers at all, by a case that
it is known to answer (workers/suspicion.py)."""

from collections import defaultdict
from collections.abc import Iterable

from workers.portals.demo.log import LogEntry


def without(log: Iterable[LogEntry]) -> list[LogEntry]:
    """The log without them. Known by what follows: the portal's forms, which no visit asks for; or, where the case got
    no answer, nothing at all, and somebody else had got one before."""
    log = sorted(log, key=lambda e: e.begin)
    answered: dict[str, LogEntry] = {}
    of_session: dict[str, list[LogEntry]] = defaultdict(list)
    for entry in log:
        of_session[entry.session].append(entry)
        if entry.kind == "search" and entry.status == 200:
            answered.setdefault(entry.numero, entry)
    probes: set[int] = set()
    for entries in of_session.values():
        for place, entry in enumerate(entries):
            if entry.kind == "search":
                visit = _visit(entries[place:])
                after = entries[place + len(visit) :][:1]
                first = answered.get(entry.numero)
                known = first is not None and first.session != entry.session and first.end < entry.begin
                if known and (after[0].kind == "login_form" if after else entry.status != 200):
                    probes |= set(map(id, visit))
    return [entry for entry in log if id(entry) not in probes]


def _visit(entries: list[LogEntry]) -> list[LogEntry]:
    """The first, a search, with the attachments that follow it."""
    end = next((n for n, one in enumerate(entries[1:], 1) if one.kind != "attachments"), len(entries))
    return entries[:end]
