"""A robot at work: claim, process, record, until there is nothing left to claim or a reason to leave.

Crash-only: a robot whose browser is sick gives its item back and leaves; its supervisor clears up and a fresh one
is asked for. One path serves hang, crash, recycling, kill and deploy.
"""

import logging
import time
from contextlib import suppress
from datetime import datetime, timedelta
from pathlib import Path

from django.conf import settings
from django.utils import timezone
from django.utils.module_loading import import_string
from django.utils.translation import gettext as _

from executions import clock
from executions.errors import StaleClaim
from executions.models import Execucao, JobItem, Portal, Processo
from executions.results import Resposta
from executions.robos import pedir_robos
from executions.vault import SegredoIlegivel
from workers import faults
from workers.errors import (
    DATABASE_AWAY,
    UNANSWERED,
    Bloqueado,
    Captcha,
    Codigo2fa,
    CredencialRecusada,
    Falha,
    Fim,
    LayoutMudou,
    NavegadorQuebrado,
    Parada,
    SessaoExpirada,
    TempoEsgotado,
)
from workers.life import Life
from workers.robots.base import Robot
from workers.suspicion import Suspicion

logger = logging.getLogger("robotcontrol.robot")

Motivo = Processo.Motivo
IDLE_SECONDS = 30.0
RETRIED = (*UNANSWERED, NavegadorQuebrado, SessaoExpirada)


class Work:
    """One robot's working life."""

    def __init__(self, life: Life) -> None:
        self.life = life
        self.processo = life.processo
        self.execucao: Execucao = life.processo.execucao  # type: ignore[assignment]
        self.portal = self.execucao.portal
        kind = import_string(settings.ROBOS[self.execucao.robo])
        self.robot: Robot = kind(self.execucao, Path(self.processo.pasta), life.advance)
        self.suspicion = Suspicion(self.robot, self.execucao, self.wait_interval)
        self.answered = 0
        self._clocks = (timezone.now(), 0.0)
        self.more_of_case = False

    def run(self) -> Fim:
        try:
            self.needs_room()
            self.life.advance(_("abrindo o navegador"))
            self.robot.abrir()
            faults.point("browser_open")
            self.login()
            while True:
                self.turn()
        except Parada:
            return Fim(Motivo.PARADA)
        except Fim as fim:
            return fim
        except NavegadorQuebrado as falha:
            return Fim(Motivo.SEM_DISCO if self.no_room() else Motivo.NAVEGADOR, str(falha))
        except Bloqueado as falha:
            return self.blocked(falha)

    def turn(self) -> None:
        """One item, or the wait for one. Raises Fim when the robot should leave."""
        if self.answered >= settings.RECYCLE_ITEMS or self.life.heavy:
            raise Fim(Motivo.RECICLADO)
        self.needs_room()
        item = self.claim()
        if item is None:
            self.without_item()
            return
        try:
            self.process(item)
        except StaleClaim as stale:
            # Killed, expired or answered by another: what I found no longer counts.
            self.life.item = None
            self.life.note("barrado", str(stale), "warning", item)

    def no_room(self) -> bool:
        """Is a disk of this machine too full to work? Its host is given no robot, then, until there is room."""
        return bool(self.processo.host and self.processo.host.medir_disco())

    def needs_room(self) -> None:
        if self.no_room():
            raise Fim(Motivo.SEM_DISCO)

    # ---- login: it holds no item --------------------------------------------------------------------------------
    def login(self) -> None:
        self.life.advance("fazendo login")
        self.execucao.credencial.refresh_from_db()  # its password may have been changed since the last login
        try:
            self.robot.login()
            portal = Portal.objects.get(pk=self.portal.pk)  # as it is now, not as it was when this robot was sent
            if portal.fora_do_ar:
                self.suspicion.probe()
                portal.fechar_disjuntor()
        except CredencialRecusada as falha:
            if not self.execucao.credencial.recusar():
                raise Fim(Motivo.CREDENCIAL, str(falha)) from falha
            raise self.end_batch(falha, Motivo.CREDENCIAL) from falha
        except (Captcha, Codigo2fa, LayoutMudou) as falha:
            raise self.end_batch(falha, Motivo.LOGIN) from falha
        except SegredoIlegivel as error:
            raise self.end_batch(CredencialRecusada(str(error)), Motivo.CREDENCIAL) from error
        except Bloqueado as falha:
            raise self.blocked(falha) from falha
        except (*UNANSWERED, SessaoExpirada) as falha:
            self.suspicion.not_let_in(self.processo)
            raise Fim(Motivo.PORTAL, str(falha)) from falha
        self.suspicion.let_in(portal)
        self.execucao.credencial.aceitar()
        self.processo.logou()
        self.life.note("login", _("Login feito."))
        pedir_robos(self.execucao.pk)

    def blocked(self, falha: Bloqueado) -> Fim:
        """The portal wants no more of this credential for now: it rests, and the robot leaves."""
        self.execucao.credencial.bloquear()
        return Fim(Motivo.BLOQUEADO, str(falha))

    def end_batch(self, falha: Falha, motivo: str) -> Fim:
        self.give_back()
        self.execucao.interromper(falha.classe, _("Login: %(falha)s") % {"falha": falha}, por=self.processo)
        return Fim(motivo, str(falha))

    # ---- items --------------------------------------------------------------------------------------------------
    def claim(self) -> JobItem | None:
        caso = self.robot.caso_aberto if self.more_of_case else ""
        faults.point("before_claim")
        with self.life.claim_lock:
            item = JobItem.objects.tentar_iniciar(self.execucao, self.processo, caso=caso)
            self.life.item = item
        if item is not None:
            faults.point("after_claim")
        self.more_of_case = item is not None and item.mais_do_caso
        if item is not None and item.started_at:
            self._clocks = (item.started_at, time.monotonic())
        return item

    @property
    def now(self) -> datetime:
        """The database's time, carried on from the claim: ends need no lease, so they need not ask for it."""
        claimed, then = self._clocks
        return claimed + timedelta(seconds=time.monotonic() - then)

    def without_item(self) -> None:
        """Nothing to claim now: leave with the reason, or wait a moment for a backoff that ends soon."""
        batch = Execucao.objects.select_related("portal").get(pk=self.execucao.pk)
        mine = Processo.objects.get(pk=self.processo.pk)
        if not mine.vivo or mine.kill_requested_at:
            raise Fim(Motivo.ENCERRADO)
        if not batch.aberta:
            raise Fim(Motivo.CONCLUIDO)
        if batch.pausada:
            raise Fim(Motivo.PAUSA)
        if batch.portal.fora_do_ar:
            raise Fim(Motivo.PORTAL)
        if self.processo.sair_se_excedente():
            raise Fim(Motivo.EXCEDENTE)
        agora = clock.db_now()
        next_at = batch.itens.pendentes().order_by("available_at").values_list("available_at", flat=True).first()
        if next_at is None or next_at > agora + timedelta(seconds=IDLE_SECONDS / settings.TIME_DIVISOR):
            raise Fim(Motivo.CONCLUIDO)
        self.life.advance(_("esperando a hora da nova tentativa"))
        self.life.stop.wait(min(1.0, max(0.05, (next_at - agora).total_seconds())))

    def process(self, item: JobItem) -> None:
        try:
            self.life.advance(f"verificando {item.nome_arquivo}")
            self.wait_for_turn(item)
            resposta = self.with_fresh_session(item)
        except Falha as falha:
            self.failed(item, falha)
        except (Parada, Fim, StaleClaim):
            self.give_back()
            raise
        except DATABASE_AWAY:
            raise  # the supervisor gives the item back
        except Exception as error:  # the one boundary: a fault of ours costs this item an attempt, not the batch
            logger.exception("item %s", item.pk, extra={"event": "erro_do_robo"})
            self.failed(
                item,
                NavegadorQuebrado(
                    _("Erro inesperado do robô: %(name)s: %(error)s") % {"name": type(error).__name__, "error": error}
                ),
            )
        else:
            self.life.finish(lambda: item.concluir(resposta, agora=self.now))
            self.answered += 1
            self.life.note("respondido", f"{item.nome_arquivo}: {resposta.resultado.label}.", item=item)
            self.suspicion.answered(item)

    def with_fresh_session(self, item: JobItem) -> Resposta:
        """The portal ends sessions silently: one new login for an item is free."""
        try:
            return self.robot.processar(item)
        except SessaoExpirada:
            self.life.note("sessao", _("A sessão terminou: novo login."), "warning", item)
            self.login()
            self.life.advance(f"verificando {item.nome_arquivo}")
            return self.robot.processar(item)

    def wait_for_turn(self, item: JobItem) -> None:
        if self.robot.precisa_visitar(item):
            self.wait_interval()

    def wait_interval(self) -> None:
        """The portal's minimum interval. Waiting for it is progress."""
        until = time.monotonic() + self.portal.reservar_vez()
        while (left := until - time.monotonic()) > 0:
            self.life.advance(_("esperando o intervalo do portal"))
            self.life.stop.wait(min(left, 1.0))

    def failed(self, item: JobItem, falha: Falha) -> None:
        """What each class of failure does (T6, T7, T8)."""
        classe, texto = falha.classe, str(falha)
        self.life.note(classe, f"{item.nome_arquivo}: {texto}", "warning", item)
        if isinstance(falha, Bloqueado):
            self.life.finish(lambda: item.adiar(classe, texto, settings.BLOCKED_SECONDS))
            raise self.blocked(falha)
        if not isinstance(falha, RETRIED):
            self.life.finish(lambda: item.falhar(classe, texto, agora=self.now))
            self.suspicion.answered(item)
            return
        if isinstance(falha, UNANSWERED):
            falha = self.spare(item, falha)
        if isinstance(falha, NavegadorQuebrado) and self.no_room():
            self.give_back()
            raise Fim(Motivo.SEM_DISCO, texto)
        self.life.finish(lambda: item.tentar_de_novo(classe, texto))
        if isinstance(falha, UNANSWERED):
            self.suspicion.unanswered(item.numero_processo, item.pk)
        if isinstance(falha, (TempoEsgotado, NavegadorQuebrado)):
            raise Fim(Motivo.RECICLADO, texto)

    def spare(self, item: JobItem, falha: Falha) -> Falha:
        """Raises Fim when it is no fault of this item's; else returns what this robot failed by in the end."""
        classe, texto = falha.classe, str(falha)
        try:
            if self.suspicion.outage(item):
                # No attempt is lost, not even the last; but not for ever, should this case alone lock the portal.
                self.life.finish(lambda: item.adiar(classe, texto, 0))
                raise self.suspicion.spared(item, texto)
        except NavegadorQuebrado as broken:
            return broken
        except Bloqueado as busy:
            self.failed(item, busy)
        return falha

    def give_back(self) -> None:
        """T15: the item in hand, if any, goes back with its attempt."""
        with suppress(StaleClaim):
            self.release()

    def release(self) -> None:
        with self.life.claim_lock:
            item, self.life.item = self.life.item, None
            if item is not None:
                item.devolver()
