"""Starting scripts: exactly one living process each, a place on a host or a turn in the queue."""

from collections.abc import Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any

from django.db import IntegrityError, transaction
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from executions import clock, parametros, queue
from executions.models import ArquivoRecusado, Controle, Host, Processo, Registro, Script

if TYPE_CHECKING:
    from django.contrib.auth.models import AbstractBaseUser


class ScriptRecusado(Exception):
    """The script cannot be run now; the message says why."""


class ScriptDesconhecido(ScriptRecusado):
    """No script has this name."""


class SemPermissao(ScriptRecusado):
    """This person may not run it."""

    def __init__(self) -> None:
        super().__init__(_("Você não pode executar este script."))


class PedidoInvalido(ScriptRecusado):
    """Its parameters cannot be accepted."""


class JaEmExecucao(ScriptRecusado):
    """The duplicate's answer, in the seed's words. `pid` is None while it waits for a place."""

    def __init__(self, vivo: Processo) -> None:
        self.processo, self.pid = vivo, vivo.pid
        waiting = vivo.pid is None
        super().__init__(
            _("Script já está na fila")
            if waiting
            else _("Script já está em execução (PID: %(pid)s)") % {"pid": vivo.pid}
        )


def encontrar(nome: str) -> Script:
    """Raises ScriptDesconhecido."""
    script = Script.objects.filter(nome=nome).first()
    if script is None:
        raise ScriptDesconhecido(_("Não há script chamado %(valor)s.") % {"valor": f"{nome[:100]!r}"})
    return script


def pedir_script(
    script: Script,
    dados: Mapping[str, Any] | None = None,
    *,
    timeout: int | None = None,
    usuario: "AbstractBaseUser | None" = None,
) -> Processo:
    """The one living process of this script, requested: of a host with a free script place, or waiting for one.

    `timeout` (seconds) overrides the script's own. Raises ScriptRecusado's kinds, writing nothing.
    """
    aceitos = _conferir(script, dados or {}, timeout, usuario)
    agora = clock.db_now()
    try:
        with transaction.atomic():
            Controle.lock()
            vivo = Processo.objects.vivos().filter(script=script).first()
            if vivo:
                raise JaEmExecucao(vivo)
            processo = Processo.objects.create(
                tipo=Processo.Tipo.SCRIPT, script=script, parametros=aceitos, usuario=usuario,  # type: ignore[misc]
                requested_at=agora, timeout_s=timeout or script.timeout_s,
            )  # fmt: skip
            text = _("%(script)s: execução pedida.") % {"script": script}
            Registro.objects.anotar("script_pedido", text, processo_id=processo.pk, usuario=usuario)
    except IntegrityError:
        # The partial unique index, should anybody ever get past the lock. That one may have ended since.
        vivo = Processo.objects.vivos().filter(script=script).first()
        if vivo is None:
            raise ScriptRecusado(_("Outra execução deste script acabou agora mesmo. Tente de novo.")) from None
        raise JaEmExecucao(vivo) from None
    enviar_em_espera()
    processo.refresh_from_db()
    return processo


def _conferir(
    script: Script, dados: Mapping[str, Any], timeout: int | None, usuario: "AbstractBaseUser | None"
) -> dict[str, str]:
    if usuario is not None and not script.pode(usuario):
        raise SemPermissao()
    if not script.ativo:
        raise ScriptRecusado(_("O script %(script)s está desativado.") % {"script": script})
    if timeout is not None and not 1 <= timeout <= 7 * 24 * 3600:
        raise PedidoInvalido(_("O tempo limite vai de 1 segundo a 7 dias."))
    try:
        if script.sha256_atual() != script.sha256:
            raise ScriptRecusado(
                _("O arquivo de %(script)s mudou desde que foi confirmado. Confira-o e confirme de novo.")
                % {"script": script}
            )
        return parametros.valores(script.parametros, dados)
    except ArquivoRecusado as error:
        raise ScriptRecusado(str(error)) from error
    except parametros.ParametroInvalido as error:
        raise PedidoInvalido(str(error)) from error


def enviar_em_espera() -> int:
    """T14 for scripts: those that wait are sent to hosts with a free script place, oldest first. Returns how many."""
    sent = 0
    with transaction.atomic():
        Controle.lock()
        agora = clock.db_now()
        Processo.objects.nao_recebidos(agora).voltar_a_espera()
        for processo in Processo.objects.em_espera():
            host = _com_lugar(agora)
            if host is None:
                break
            Processo.objects.filter(pk=processo.pk).update(host=host, sent_at=agora)
            queue.send_supervise(str(processo.uuid), host.nome)
            sent += 1
    return sent


def _com_lugar(agora: datetime) -> Host | None:
    return Host.objects.com_lugar_de_script(agora).first()


def matar_todos(usuario: "AbstractBaseUser | None" = None) -> int:
    """Every living script is asked to die. Returns how many."""
    with transaction.atomic():
        Controle.lock()
        n = Processo.objects.scripts().pedir_morte(clock.db_now(), usuario)
        if n:
            text = ngettext("Encerrar todos: %(n)d script.", "Encerrar todos: %(n)d scripts.", n) % {"n": n}
            Registro.objects.anotar("scripts_encerrados", text, level="warning", usuario=usuario)
    return n
