"""Sending a notice: the only place that speaks apprise; bare addresses go by Django's mail. Each has a time limit.

No sentence that is kept or logged holds the address, which may carry a key: only what kind of thing went wrong.
"""

import logging
import re
import smtplib
import threading

import apprise
from django.conf import settings
from django.core import mail
from django.utils.translation import gettext

from executions import avisos
from executions.models import Aviso
from executions.models.destino import EMAIL
from executions.vault import SegredoIlegivel

logger = logging.getLogger("robotcontrol.notices")
CONSOLE = "django.core.mail.backends.console.EmailBackend"


class NaoEnviado(Exception):
    """O aviso não foi enviado. `definitivo`: outra tentativa daria no mesmo."""

    def __init__(self, mensagem: str, *, definitivo: bool = False) -> None:
        super().__init__(mensagem)
        self.definitivo = definitivo


def enviar_aviso(aviso_id: int) -> None:
    """The task: sends it if it is due and nobody else does, records what came of it, and asks for the next one."""
    aviso = Aviso.objects.select_related("destino").filter(pk=aviso_id).first()
    if aviso is None or not aviso.reivindicar():
        return
    try:
        if not aviso.destino.ativo:
            raise NaoEnviado(gettext("O destino está desativado."), definitivo=True)
        enviar(aviso.destino.tipo, aviso.destino.url, aviso.assunto, aviso.corpo)
    except SegredoIlegivel:
        aviso.nao_enviado(gettext("O endereço do destino não pode ser lido. Grave-o de novo."), definitivo=True)
    except NaoEnviado as error:
        logger.warning(
            "notice %s, attempt %s: %s", aviso.pk, aviso.attempts, error, extra={"event": "aviso_nao_enviado"}
        )
        aviso.nao_enviado(str(error), definitivo=error.definitivo)
    else:
        aviso.enviado()
    avisos.despachar()


def enviar(tipo: str, url: str, assunto: str, corpo: str) -> None:
    """Sends it within NOTICE_TIMEOUT_SECONDS, whatever the other side does. Raises NaoEnviado."""
    failures: list[NaoEnviado] = []
    done = threading.Event()

    def work() -> None:
        try:
            (_por_email if tipo == EMAIL else _por_apprise)(url, assunto, corpo)
        except NaoEnviado as error:
            failures.append(error)
        except Exception as error:  # noqa: BLE001 (a hundred senders of others: any error of theirs is one failure)
            failures.append(NaoEnviado(gettext("Erro inesperado no envio: %(erro)s.") % {"erro": type(error).__name__}))
        done.set()

    # Its sockets have limits too, but each read has its own: a server that drips would go on for ever.
    threading.Thread(target=work, name="aviso", daemon=True).start()
    if not done.wait(settings.NOTICE_TIMEOUT_SECONDS):
        raise NaoEnviado(
            gettext("O destino não respondeu em %(segundos).0f s.") % {"segundos": settings.NOTICE_TIMEOUT_SECONDS}
        )
    if failures:
        raise failures[0]


def _por_email(endereco: str, assunto: str, corpo: str) -> None:
    if settings.EMAIL_BACKEND == CONSOLE:
        text = gettext("O envio de e-mail não está configurado neste servidor (variável EMAIL_HOST).")
        raise NaoEnviado(text, definitivo=True)
    try:
        mail.send_mail(assunto, corpo, settings.DEFAULT_FROM_EMAIL, [endereco])
    except smtplib.SMTPRecipientsRefused as error:
        codes = {code for code, _ in error.recipients.values()}
        text = gettext("O servidor de e-mail recusou o destinatário (%(codigos)s).") % {
            "codigos": ", ".join(map(str, sorted(codes)))
        }
        raise NaoEnviado(text, definitivo=all(code >= 500 for code in codes)) from None
    except smtplib.SMTPResponseException as error:
        raise NaoEnviado(
            gettext("O servidor de e-mail recusou o aviso (%(codigo)s).") % {"codigo": error.smtp_code}
        ) from None
    except (smtplib.SMTPException, OSError) as error:
        raise NaoEnviado(
            gettext("O servidor de e-mail não atendeu (%(erro)s).") % {"erro": type(error).__name__}
        ) from None


def _por_apprise(url: str, assunto: str, corpo: str) -> None:
    sender = apprise.Apprise.instantiate(url, asset=apprise.AppriseAsset(secure_logging=True))
    if sender is None or isinstance(sender, apprise.AppriseConfig):
        raise NaoEnviado(
            gettext("O endereço do destino não é conhecido pelo apprise. Grave-o de novo."), definitivo=True
        )
    limit = float(settings.NOTICE_TIMEOUT_SECONDS)
    sender.socket_connect_timeout = sender.socket_read_timeout = limit
    heard = _Codigos()
    log = logging.getLogger("apprise")
    log.addHandler(heard)
    try:
        sent = sender.notify(body=corpo, title=assunto, body_format=apprise.NotifyFormat.TEXT)
    finally:
        log.removeHandler(heard)
    if not sent:
        code = f" (erro {heard.code})" if heard.code else ""
        raise NaoEnviado(gettext("O destino não aceitou o aviso ou não respondeu%(code)s.") % {"code": code})


class _Codigos(logging.Handler):
    """Hears the HTTP status in what apprise logs of its failure in this thread; nothing else of it is kept."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self.code = ""
        self._thread = threading.get_ident()

    def emit(self, record: logging.LogRecord) -> None:
        found = re.search(r"error=(\d{3})\b", record.getMessage())
        if found and record.thread == self._thread:
            self.code = found[1]
