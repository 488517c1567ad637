"""T2's rules: how many robots an execution may have beside those it has, and what it waits for if that is too few.

They are judged over one look at the database (three queries, whatever the number of executions), so that who asks for
robots, the pages and the watchdog all go by the same rules.
"""

from collections import Counter
from datetime import datetime, timedelta
from functools import cached_property

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _

from executions.linhas import momento
from executions.models import Credencial, Execucao, Host, Ocorrencia, Processo


class Espera(models.TextChoices):
    """What an execution that could use another robot is waiting for."""

    NADA = "", ""
    TERMINADA = "terminada", _("A execução terminou.")
    PAUSADA = "pausada", _("Pausada.")
    COMPLETA = "completa", _("Já tem todos os robôs de que precisa.")
    RECUO = "recuo", _("Os itens restantes esperam a hora da nova tentativa.")
    VEZ = "vez", _("Aguarda a vez: outra execução está em andamento.")
    PORTAL = "portal", _("O portal não responde. Uma sondagem por minuto; nenhuma tentativa é gasta.")
    CREDENCIAL = "credencial", _("A credencial está bloqueada pelo portal por alguns minutos.")
    LOGIN = "login", _("Aguarda o primeiro login da credencial antes de abrir mais robôs.")
    ENTRADA = "entrada", _("O portal não respondeu ao último robô que tentou entrar. Outro tenta em um minuto.")
    SESSOES = "sessoes", _("O portal ou a credencial já usa todas as sessões permitidas.")
    SEM_MAQUINA = "sem_maquina", _("Nenhuma máquina de robôs está ligada. Inicie uma com manage.py runrobots.")
    SEM_DISCO = "sem_disco", _("As máquinas ligadas têm 5 % ou menos do disco livre. Volta sozinha quando houver mais.")
    SEM_LUGAR = "sem_lugar", _("As máquinas ligadas estão sem lugar para mais um robô.")


RECUO_COM_A_VEZ = timedelta(seconds=60)  # a backoff that ends within this keeps its batch's turn
# Waits that are the world's, not a silence of ours (T12 leaves them alone).
LEGITIMATE = frozenset(Espera) - {Espera.NADA, Espera.COMPLETA, Espera.TERMINADA}


class Panorama:
    """One look at the open executions (read `com_espera` and `com_nomes`), their live processes and the hosts."""

    def __init__(self, agora: datetime, execucoes: list[Execucao]) -> None:
        self.agora = agora
        self.abertas = [execucao for execucao in execucoes if execucao.aberta]

    @classmethod
    def ler(cls, agora: datetime) -> "Panorama":
        return cls(agora, list(Execucao.objects.abertas().com_espera(agora).com_nomes().em_ordem()))

    def aberta(self, pk: int) -> Execucao | None:
        return next((execucao for execucao in self.abertas if execucao.pk == pk), None)

    @cached_property
    def processos(self) -> list[Processo]:
        return list(Processo.objects.vivos().com_item().com_quadro())

    @cached_property
    def hosts(self) -> list[Host]:
        return list(Host.objects.com_alarmes())

    @property
    def alarmes(self) -> list[Ocorrencia]:
        """What goes on now. No machine was ever on: nobody has looked either."""
        rows = vars(self.hosts[0])["alarmes"] if self.hosts else None
        return [Ocorrencia(alarme=a, mensagem=text, aberta_em=momento(at)) for a, text, at in rows or ()]

    def agendador_calado(self, segundos: float) -> datetime | None:
        """The last step of any scheduler, when it is longer ago than that; None also where none ever ran."""
        at: datetime | None = vars(self.hosts[0])["agendador_em"] if self.hosts else None
        return at if at and (self.agora - at).total_seconds() > segundos else None

    @property
    def tem_agenda(self) -> bool:
        """Is there a schedule that is not paused?"""
        return bool(self.hosts and vars(self.hosts[0])["com_agenda"])

    @cached_property
    def hosts_vivos(self) -> list[Host]:
        return [host for host in self.hosts if self._da_sinal(host)]

    def _da_sinal(self, quem: Host | Processo) -> bool:
        limit = self.agora - timedelta(seconds=settings.STALE_HEARTBEAT_SECONDS)
        return quem.heartbeat_at is not None and quem.heartbeat_at >= limit

    @property
    def robos(self) -> list[Processo]:
        return [processo for processo in self.processos if processo.tipo == Processo.Tipo.ROBO]

    @cached_property
    def com_sinal(self) -> list[Processo]:
        """Robots whose own heartbeat is fresh: they work on though their machine's agent may be silent."""
        return [robo for robo in self.robos if self._da_sinal(robo)]

    def robos_de(self, execucao: Execucao) -> list[Processo]:
        return [robo for robo in self.robos if robo.execucao_id == execucao.pk]

    def robos_em(self, host: Host) -> int:
        return self._robos["host", host.pk]

    def robos_no_portal(self, portal_id: int) -> int:
        return self._robos["portal", portal_id]

    @cached_property
    def _robos(self) -> Counter[tuple[str, int | None]]:
        """How many robots each host, execution, portal and credential has."""
        found: Counter[tuple[str, int | None]] = Counter(("host", robo.host_id) for robo in self.robos)
        for execucao in (robo.execucao for robo in self.robos):
            if execucao:
                found["execucao", execucao.pk] += 1
                found["portal", execucao.portal_id] += 1
                found["credencial", execucao.credencial_id] += 1
        return found

    def lugar_para(self, execucao: Execucao) -> Host | None:
        """The emptiest live host that may take one more robot of this execution.

        One that has just not reached the portal is left out while another may do better: a cable of its own is down.
        Where none may, one tries if nobody works on this execution: those who are in are all that the portal lets in.
        """
        fit = self._que_atendem(execucao)
        at_work = self._robos["execucao", execucao.pk]
        if len(fit) > 1 or at_work:
            reach = [host for host in fit if (host.pk, execucao.portal_id) not in self.sem_portal]
            fit = reach if reach or at_work else fit
        free = {host: host.places - self.robos_em(host) for host in fit}
        host = max(free, key=lambda host: free[host], default=None)
        return host if host and free[host] > 0 else None

    @cached_property
    def sem_portal(self) -> set[tuple[int, int]]:
        """(host, portal) of the robots that left within the last minute because the portal did not answer, nor has
        come back since."""
        return set(Processo.objects.sem_portal_desde(self.agora - timedelta(seconds=settings.PROBE_SECONDS)))

    def contar(self, processo: Processo) -> None:
        """A robot was asked for since the look."""
        self.processos.append(processo)
        self._recontar()

    def _recontar(self) -> None:
        for counted in ("_robos", "com_a_vez"):
            vars(self).pop(counted, None)

    def falta_lugar(self, execucao: Execucao) -> Espera:
        """What it is that no host has a place for this execution."""
        if not self.hosts_vivos:
            return Espera.SEM_MAQUINA
        fit = self._que_atendem(execucao)
        if any(host.places > self.robos_em(host) for host in fit):
            return Espera.ENTRADA
        full = any(host.atende(execucao.pk) for host in self.hosts_vivos) and not fit
        return Espera.SEM_DISCO if full else Espera.SEM_LUGAR

    def _que_atendem(self, execucao: Execucao) -> list[Host]:
        return [host for host in self.hosts_vivos if host.recebe(execucao.pk)]

    def espera_de(self, execucao: Execucao) -> Espera:
        """What this execution waits for now, if anything."""
        if not execucao.aberta:
            return Espera.TERMINADA
        n, espera = self.vagas(execucao)
        if not n:
            return espera
        if self.lugar_para(execucao) is None:
            return self.falta_lugar(execucao)
        return Espera.PORTAL if execucao.portal.fora_do_ar else Espera.NADA

    def vagas(self, execucao: Execucao) -> tuple[int, Espera]:
        """(robots that this open one may have beside its own, what it waits for when it could use more).

        Hosts are left out: whether there is a place for them is asked one robot at a time (`lugar_para`).
        """
        if execucao.pausada:
            return 0, Espera.PAUSADA
        mine = self._robos["execucao", execucao.pk]
        missing = min(execucao.max_robots, execucao.n_running + self.prontos(execucao)) - mine
        if missing <= 0 and not mine:
            return 0, Espera.RECUO
        if missing <= 0:
            return 0, Espera.PORTAL if execucao.portal.fora_do_ar else Espera.COMPLETA
        if not self.tem_vez(execucao):
            return 0, Espera.VEZ
        if execucao.portal.fora_do_ar:
            if self.robos_no_portal(execucao.portal_id):
                return 0, Espera.PORTAL
            probe, espera = self._com_sessoes(execucao, 1)
            return (1, Espera.PORTAL) if probe else (0, espera)
        return self._com_sessoes(execucao, missing)

    def prontos(self, execucao: Execucao) -> int:
        """Its items that may be claimed now."""
        return execucao.prontos

    def tem_vez(self, execucao: Execucao) -> bool:
        """Does it hold a turn, or is one free?"""
        return len(self.com_a_vez - {execucao.pk}) < settings.EXECUCOES_SIMULTANEAS

    @cached_property
    def com_a_vez(self) -> set[int]:
        """Those that hold the turn: with a live robot, or with an item whose backoff ends within a minute."""
        return {e.pk for e in self.abertas if self._robos["execucao", e.pk] or (e.liberada and self._recuo_curto(e))}

    def _recuo_curto(self, execucao: Execucao) -> bool:
        again = execucao.retoma_em
        return again is not None and self.agora < again <= self.agora + RECUO_COM_A_VEZ

    def _com_sessoes(self, execucao: Execucao, missing: int) -> tuple[int, Espera]:
        portal, credencial = execucao.portal, execucao.credencial
        if credencial.bloqueada(self.agora):
            return 0, Espera.CREDENCIAL
        on_credencial = self._robos["credencial", credencial.pk]
        free = missing
        if portal.max_sessions is not None:
            free = min(free, portal.max_sessions - self.robos_no_portal(portal.pk))
        if credencial.max_sessions is not None:
            free = min(free, credencial.max_sessions - on_credencial)
        if free < 1:
            return 0, Espera.SESSOES
        if not self._aceita_ha_pouco(credencial):
            # A wrong password must be tried once, by one robot: accounts lock.
            return (0, Espera.LOGIN) if on_credencial else (1, Espera.LOGIN)
        return free, Espera.SESSOES if free < missing else Espera.NADA

    def _aceita_ha_pouco(self, credencial: Credencial) -> bool:
        fresh = self.agora - timedelta(seconds=settings.CREDENTIAL_FRESH_SECONDS)
        return credencial.accepted_at is not None and credencial.accepted_at >= fresh
