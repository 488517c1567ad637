"""Who waits for what, for all open executions at once, in three queries whatever their number.

The rules are those of `executions.robos.espera_de`, which asks the database again for each execution: too much for a
page that polls. tests/test_pages.py compares the two over many states.
"""

from datetime import datetime, timedelta
from functools import cached_property

from django.conf import settings

from executions.models import Execucao, Host, Processo
from executions.robos import Espera


class Panorama:
    """One look at the open executions (read `com_espera` and `com_nomes`), their live processes and the hosts."""

    def __init__(self, agora: datetime, execucoes: list[Execucao]) -> None:
        self.agora = agora
        self.abertas = [execucao for execucao in execucoes if execucao.aberta]

    @cached_property
    def processos(self) -> list[Processo]:
        return list(Processo.objects.vivos().com_item())

    @cached_property
    def hosts(self) -> list[Host]:
        return list(Host.objects.all())

    @cached_property
    def hosts_vivos(self) -> list[Host]:
        limit = self.agora - timedelta(seconds=settings.STALE_HEARTBEAT_SECONDS)
        return [host for host in self.hosts if host.heartbeat_at and host.heartbeat_at >= limit]

    @property
    def robos(self) -> list[Processo]:
        return [processo for processo in self.processos if processo.tipo == Processo.Tipo.ROBO]

    def robos_de(self, execucao: Execucao) -> list[Processo]:
        return [robo for robo in self.robos if robo.execucao_id == execucao.pk]

    def robos_em(self, host: Host) -> int:
        return sum(robo.host_id == host.pk for robo in self.robos)

    def espera_de(self, execucao: Execucao) -> Espera:
        """As `robos.espera_de`, from what is in memory."""
        if not execucao.aberta:
            return Espera.TERMINADA
        if execucao.pausada:
            return Espera.PAUSADA
        mine = len(self.robos_de(execucao))
        if min(execucao.max_robots, execucao.n_running + execucao.prontos) <= mine:
            return Espera.COMPLETA if mine else Espera.RECUO
        if sum(self._tem_a_vez(other) for other in self.abertas if other != execucao) >= settings.EXECUCOES_SIMULTANEAS:
            return Espera.VEZ
        down = execucao.portal.fora_do_ar
        if down and self._robos_no_portal(execucao):
            return Espera.PORTAL
        lacks = self._espera_do_login(execucao) or self._espera_do_lugar(execucao)
        return lacks or (Espera.PORTAL if down else Espera.NADA)

    def _tem_a_vez(self, other: Execucao) -> bool:
        if any(processo.execucao_id == other.pk for processo in self.processos):
            return True
        return other.recuo_curto and not other.pausada and not other.portal.fora_do_ar

    def _robos_no_portal(self, execucao: Execucao) -> int:
        return sum(robo.execucao.portal_id == execucao.portal_id for robo in self.robos if robo.execucao)

    def _espera_do_login(self, execucao: Execucao) -> Espera:
        credencial, portal = execucao.credencial, execucao.portal
        on_portal = self._robos_no_portal(execucao)
        on_credencial = sum(robo.execucao.credencial_id == credencial.pk for robo in self.robos if robo.execucao)
        if credencial.livre_em and credencial.livre_em > self.agora:
            return Espera.CREDENCIAL
        if portal.max_sessions is not None and on_portal >= portal.max_sessions:
            return Espera.SESSOES
        if credencial.max_sessions is not None and on_credencial >= credencial.max_sessions:
            return Espera.SESSOES
        fresh = self.agora - timedelta(seconds=settings.CREDENTIAL_FRESH_SECONDS)
        accepted = credencial.accepted_at is not None and credencial.accepted_at >= fresh
        return Espera.LOGIN if on_credencial and not accepted else Espera.NADA

    def _espera_do_lugar(self, execucao: Execucao) -> Espera:
        if not self.hosts_vivos:
            return Espera.SEM_MAQUINA
        for host in self.hosts_vivos:
            welcome = host.draining_at is None and host.exclusiva_id in (None, execucao.pk)
            if welcome and self.robos_em(host) < host.places:
                return Espera.NADA
        return Espera.SEM_LUGAR
