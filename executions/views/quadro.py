"""All operating-system processes on one page: those that run, those that wait, the scripts, and what ended."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cached_property

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from executions import clock, historico
from executions.models import Host, Processo, Script
from executions.views.acesso import pagina_de
from executions.views.fragmento import RITMO_PARADO_MS, RITMO_RODANDO_MS, responder

PERTO_DO_LIMITE = 0.85
SEM_MAQUINA = gettext_lazy("Nenhuma máquina está ligada. Inicie uma com manage.py runrobots.")


@dataclass(frozen=True)
class Cartao:
    """A living process and its clock: of the run for a script, of the item in hand for a robot."""

    processo: Processo

    @property
    def desde(self) -> datetime | None:
        return vars(self.processo).get("item_em") or self.processo.started_at

    @property
    def limite_s(self) -> int | None:
        """Seconds; None: this clock has no limit."""
        if self.processo.script_id:
            return self.processo.timeout_s
        return int(settings.ITEM_DEADLINE_SECONDS) if vars(self.processo).get("item_em") else None

    def perto(self, agora: datetime) -> bool:
        if self.desde is None or not self.limite_s:
            return False
        return (agora - self.desde).total_seconds() >= PERTO_DO_LIMITE * self.limite_s


class Quadro:
    """One look, in three queries whatever the number of scripts and processes."""

    def __init__(self, agora: datetime, scripts: list[Script]) -> None:
        self.agora, self.scripts = agora, scripts
        wanted = {pk for script in scripts if (pk := vars(script)["ultimo"])}
        self.processos = {processo.pk: processo for processo in historico.vivos_e(wanted)}
        self.hosts = list(Host.objects.all())

    @cached_property
    def vivos(self) -> list[Processo]:
        return [processo for processo in self.processos.values() if processo.vivo]

    @property
    def espera(self) -> list[tuple[Processo, str]]:
        """The scripts that did not start yet, in their order, and why."""
        waiting = [p for p in self.vivos if p.script_id and p.pid is None]
        return [(processo, self._razao(processo)) for processo in waiting]

    @property
    def rodando(self) -> list[Cartao]:
        return [Cartao(p) for p in self.vivos if not (p.script_id and p.pid is None)]

    @property
    def linhas(self) -> list[tuple[Script, Processo | None]]:
        """Each script and its last process."""
        return [(script, self.processos.get(vars(script)["ultimo"])) for script in self.scripts]

    @cached_property
    def hosts_vivos(self) -> list[Host]:
        limit = self.agora - timedelta(seconds=settings.STALE_HEARTBEAT_SECONDS)
        return [host for host in self.hosts if host.heartbeat_at and host.heartbeat_at >= limit]

    def _razao(self, processo: Processo) -> str:
        if processo.host_id:
            return _("Pedido a %(host)s: começa em instantes.") % {"host": processo.host}
        if not self.hosts_vivos:
            return str(SEM_MAQUINA)
        open_ones = [host for host in self.hosts_vivos if host.atende()]
        places = sum(host.script_places for host in open_ones)
        if not places:
            return _("Nenhuma máquina ligada aceita scripts agora.")
        taken = sum(bool(p.script_id and p.host_id) for p in self.vivos)
        if taken < places:
            return _("Há lugar: começa em instantes.")
        used = _("O único lugar de scripts está ocupado")
        if places > 1:
            used = _("Os %(places)s lugares de scripts estão ocupados") % {"places": places}
        return _("%(used)s. Começa quando um script terminar.") % {"used": used}


def _paraveis(request: HttpRequest, quadro: Quadro) -> set[int | None]:
    """The scripts whose buttons would not be refused: as Script.pode_parar says, without asking once more."""
    if not request.user.has_perms(["executions.executar_script"]):
        return set()
    if request.user.has_perms(["executions.encerrar_todos"]):
        return {processo.script_id for processo in quadro.vivos}
    return {script.pk for script in quadro.scripts}


@pagina_de("view_processo", "view_script")
def processos(request: HttpRequest) -> HttpResponse:
    """Five queries (one more for the database's clock), whatever the number of rows."""
    agora = clock.db_now()
    quadro = Quadro(agora, historico.scripts_com_ultimo(request.user))
    filtro = historico.Filtro.ler(request.GET)
    rodando = quadro.rodando
    contexto = {
        "rodando": rodando,
        "espera": quadro.espera,
        "scripts": quadro.linhas,
        "hosts_vivos": len(quadro.hosts_vivos),
        "robos": sum(not cartao.processo.script_id for cartao in rodando),
        "n_scripts": sum(bool(cartao.processo.script_id) for cartao in rodando),
        "cpu": sum(cartao.processo.cpu or 0 for cartao in rodando),
        "memoria": sum(cartao.processo.rss or 0 for cartao in rodando),
        "paraveis": _paraveis(request, quadro),
        "perto": [cartao.processo for cartao in rodando if cartao.perto(agora)],
        "agora": agora,
        "filtro": filtro,
        "historico": historico.pagina(filtro),
        "todos": historico.TODOS,
        "desfechos": [(str(motivo), words) for motivo, words in historico.DESFECHOS.items()],
    }
    return responder(
        request, "quadro", contexto, ritmo=RITMO_RODANDO_MS if quadro.vivos else RITMO_PARADO_MS,
        detalhes="executions/_historico.html", endereco=filtro.endereco,
    )  # fmt: skip
