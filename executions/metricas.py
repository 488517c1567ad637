"""What Prometheus scrapes: figures of the whole installation, computed from the database, the same at every process.

Counters are counts of stored rows: a purge lowers them, which Prometheus takes for a restart; but for what the robots
add up (Medida). docs/observability.md lists the names. No file name, user or process number is a label.
"""

import shutil
import statistics
import threading
import time
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db.models import Count, Min, OuterRef, Subquery, Sum
from django.utils.translation import gettext as _
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric, SummaryMetricFamily
from prometheus_client.registry import Collector

from executions import clock, queue
from executions.models import Aviso, Batida, Execucao, Host, JobItem, Medida, Portal, Processo, Registro, Tentativa
from executions.models.medida import Medidor
from executions.models.tentativa import POSSE_VENCIDA, ROBO_PERDIDO
from executions.results import ErroClasse, Resultado
from executions.sistema import idade

CACHE_SECONDS = 5.0
FRESCA = timedelta(minutes=5)  # a write before that tells nothing of now
AMOSTRA = 500  # attempts that the durations are taken from
TIPO = CONTENT_TYPE_LATEST
SEM_RESPOSTA = (*ErroClasse.values, ROBO_PERDIDO, POSSE_VENCIDA)
EVENTOS = {"barrado": "barradas", "contadores": "divergentes", "login_falhou": "logins"}

Sample = tuple[Mapping[str, str], float | None]


class Coletor(Collector):
    def collect(self) -> Iterator[Metric]:
        agora = clock.db_now()
        yield from _execucoes(agora)
        yield from _tentativas()
        yield from _eventos()
        yield from _medidas()
        yield from _robos_e_maquinas(agora)
        yield from _lacos(agora)
        yield from _portais()
        yield from _discos()


class _Guardado:
    """The last text, for CACHE_SECONDS: however many scrape, the database is asked once."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._registry = CollectorRegistry(auto_describe=False)
        self._registry.register(Coletor())
        self.esquecer()

    def esquecer(self) -> None:
        self._text, self._until = b"", 0.0

    def texto(self) -> bytes:
        with self._lock:
            if time.monotonic() >= self._until:
                self._text = generate_latest(self._registry)
                self._until = time.monotonic() + CACHE_SECONDS
            return self._text


_guardado = _Guardado()
texto = _guardado.texto
esquecer = _guardado.esquecer


def _gauge(nome: str, ajuda: str, amostras: Iterable[Sample]) -> GaugeMetricFamily:
    """With these samples; one whose value is unknown is left out."""
    known = [(labels, value) for labels, value in amostras if value is not None]
    family = GaugeMetricFamily(nome, ajuda, labels=list(known[0][0]) if known else None)
    for labels, value in known:
        family.add_metric(list(labels.values()), value)
    return family


def _counter(nome: str, ajuda: str, amostras: Iterable[tuple[Mapping[str, str], float]]) -> CounterMetricFamily:
    rows = list(amostras)
    family = CounterMetricFamily(nome, ajuda, labels=list(rows[0][0]) if rows else None)
    for labels, value in rows:
        family.add_metric(list(labels.values()), value)
    return family


def _execucoes(agora: datetime) -> Iterator[Metric]:
    """The items are counted by their executions' own counters: a million rows are not."""
    names = {"pending": "n_pending", "running": "n_running", "done": "n_done", "failed": "n_failed"}
    sums = {status: Sum(field) for status, field in names.items()}
    rows: list[Any] = list(Execucao.objects.order_by().values("status").annotate(n=Count("pk"), **sums))
    by_status = {row["status"]: row["n"] for row in rows}
    every = Execucao.Status.values
    yield _gauge("robo_execucoes", _("Execuções"), [({"status": s}, by_status.get(s, 0)) for s in every])
    items = [({"status": s}, float(sum(row[s] for row in rows))) for s in names]
    yield _gauge("robo_itens", _("Itens"), items)
    yield _gauge("robo_item_espera_segundos", _("Há quanto o item pendente mais antigo espera"), [({}, espera(agora))])


def espera(agora: datetime) -> float:
    """Seconds for which the oldest pending item of the open, unpaused executions has waited; 0 without one."""
    waiting = JobItem.objects.pendentes().filter(execucao=OuterRef("pk")).order_by("available_at")
    open_ones = Execucao.objects.abertas().filter(pausada_em=None, n_pending__gt=0)
    since = open_ones.annotate(desde=Subquery(waiting.values("available_at")[:1])).aggregate(longest=Min("desde"))
    return idade(since["longest"], agora) or 0.0


def _tentativas() -> Iterator[Metric]:
    ended = Tentativa.objects.order_by().filter(outcome__in=SEM_RESPOSTA)
    by_outcome = dict(ended.values_list("outcome").annotate(n=Count("pk")))
    failures = [({"erro_classe": o}, by_outcome.get(o, 0)) for o in SEM_RESPOSTA]
    yield _counter("robo_tentativas", _("Tentativas que terminaram sem resposta"), failures)
    leases = by_outcome.get(POSSE_VENCIDA, 0)
    yield _counter("robo_leases_expirados", _("Posses que venceram"), [({}, leases)])
    yield _counter("robo_veneno", _("Itens que derrubaram o robô três vezes"), [({}, by_outcome.get("veneno", 0))])
    yield _duracoes()


def _duracoes() -> GaugeMetricFamily:
    last = Tentativa.objects.order_by("-id").values_list("outcome", "began", "ended")[:AMOSTRA]
    seconds: defaultdict[str, list[float]] = defaultdict(list)
    for outcome, began, ended in last:
        if ended and outcome in Resultado.values:
            seconds[outcome].append((ended - began).total_seconds())
    samples: list[Sample] = []
    for resultado, values in sorted(seconds.items()):
        samples.append(({"resultado": resultado, "quantil": "0.5"}, statistics.median(values)))
        samples.append(({"resultado": resultado, "quantil": "0.95"}, _quantil95(values)))
    return _gauge(
        "robo_item_duracao_segundos",
        _("Duração da resposta, nas últimas %(amostra)s tentativas") % {"amostra": AMOSTRA},
        samples,
    )


def _quantil95(values: list[float]) -> float:
    return sorted(values)[min(len(values) - 1, int(0.95 * len(values)))]


def _eventos() -> Iterator[Metric]:
    rows = Registro.objects.order_by().filter(evento__in=EVENTOS).values_list("evento").annotate(n=Count("pk"))
    n = defaultdict(int, {EVENTOS[evento]: count for evento, count in rows})
    fenced = n["barradas"] + Processo.objects.filter(motivo=Processo.Motivo.CERCADO).count()
    yield _counter("robo_escritas_barradas", _("Escritas recusadas a quem já não era o dono"), [({}, fenced)])
    yield _counter("robo_contadores_divergentes", _("Execuções de contadores corrigidos"), [({}, n["divergentes"])])
    yield _counter("robo_logins_falhos", _("Logins recusados que foram registrados"), [({}, n["logins"])])
    given_up = Aviso.objects.filter(falhou_em__isnull=False).count()
    yield _counter("robo_webhook_falhas", _("Avisos que não puderam ser entregues"), [({}, given_up)])


def _medidas() -> Iterator[Metric]:
    """What the robots have added up. Of times the sum and the count: of them comes the mean of any span."""
    claims = dict.fromkeys(Medidor.TOMADAS, (0, 0.0)) | Medida.somas(Medida.Nome.TOMADA)
    results = [({"resultado": resultado}, n) for resultado, (n, _s) in claims.items()]
    yield _counter("robo_claims", _("Pedidos de um item, por resultado"), results)
    took = SummaryMetricFamily("robo_claim_segundos", _("Duração dos pedidos de um item"))
    took.add_metric([], sum(n for n, _s in claims.values()), sum(seconds for _n, seconds in claims.values()))
    yield took
    visits = SummaryMetricFamily("robo_portal_latencia_segundos", _("Duração das visitas"), labels=["portal"])
    for slug, (n, seconds) in Medida.somas(Medida.Nome.VISITA).items():
        visits.add_metric([slug], n, seconds)
    yield visits


def _robos_e_maquinas(agora: datetime) -> Iterator[Metric]:
    live = Processo.objects.vivos().robos().order_by().values_list("status", "host__nome").annotate(n=Count("pk"))
    robots = [({"estado": status, "host": host or ""}, n) for status, host, n in live]
    yield _gauge("robo_robos", _("Robôs vivos"), robots)
    hosts = list(Host.objects.exclude(heartbeat_at=None))
    beats = [({"host": host.nome}, idade(host.heartbeat_at, agora)) for host in hosts]
    yield _gauge("robo_heartbeat_idade_segundos", _("Último sinal de cada máquina ligada"), beats)
    canaries = [({"host": host.nome}, idade(host.canary_at, agora)) for host in hosts]
    yield _gauge("robo_canario_q2_idade_segundos", _("Último canário da fila de cada máquina"), canaries)
    orphans = [({"host": host.nome}, host.orfaos) for host in hosts]
    yield _gauge("robo_processos_orfaos", _("Processos sem dono que não puderam ser encerrados"), orphans)
    waiting = queue.waiting()
    messages = [({"host": host.nome}, waiting.get(host.nome, 0)) for host in hosts]
    yield _gauge("robo_fila_q2", _("Mensagens à espera na fila de cada máquina"), messages)


def _lacos(agora: datetime) -> Iterator[Metric]:
    beats = {batida.obra: batida for batida in Batida.objects.all()}
    done = {obra: batida.at for obra, batida in beats.items()}
    scheduler, watchdog = done.get(Batida.Obra.AGENDADOR), done.get(Batida.Obra.WATCHDOG)
    yield _gauge("robo_agendador_idade_segundos", _("Último passo de um agendador"), [({}, idade(scheduler, agora))])
    yield _gauge("robo_watchdog_idade_segundos", _("Último passo de um watchdog"), [({}, idade(watchdog, agora))])
    fresh = [batida for obra, batida in sorted(beats.items()) if batida.at > agora - FRESCA]
    waits = [({"obra": batida.obra}, batida.escrita_s) for batida in fresh]
    yield _gauge("robo_db_bloqueio_segundos", _("Quanto uma escrita pequena esperou pelo banco"), waits)


def _portais() -> Iterator[Metric]:
    portals = [(portal.slug, portal.fora_do_ar) for portal in Portal.objects.only("slug", "breaker")]
    up = [({"portal": slug}, float(not down)) for slug, down in portals]
    yield _gauge("robo_portal_disponivel", _("1: o portal é usado; 0: está fora do ar"), up)
    breaker = [({"portal": slug}, float(down)) for slug, down in portals]
    yield _gauge("robo_disjuntor_estado", _("0: fechado; 1: aberto"), breaker)


def _discos() -> Iterator[Metric]:
    """Of the machine that answers."""
    folders = {"var": settings.VAR_DIR, "tmp": settings.ROBOT_TMP_DIR.parent}
    free = [({"vol": vol}, shutil.disk_usage(folder).free) for vol, folder in folders.items()]
    yield _gauge("robo_disco_livre_bytes", _("Espaço livre na máquina que responde"), free)
