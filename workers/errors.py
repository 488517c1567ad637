"""What keeps a robot from an answer. Each names its class of failure and has a sentence of its own."""

from django.db import InterfaceError, InternalError, OperationalError
from django.utils.translation import gettext_lazy as _

from executions.results import ErroClasse

# The last: PostgreSQL ended the session of one that stood still inside a transaction (settings.SERVER_LIMITS).
DATABASE_AWAY = (OperationalError, InterfaceError, InternalError)


class Falha(Exception):
    """What keeps a robot from an answer. Without a message it says `frase`."""

    classe = ErroClasse.NAVEGADOR
    frase = _("O robô não conseguiu uma resposta.")

    def __init__(self, mensagem: str = "") -> None:
        super().__init__(str(mensagem or self.frase))


class PortalIndisponivel(Falha):
    classe = ErroClasse.PORTAL_INDISPONIVEL
    frase = _("O portal não respondeu à consulta.")


class SessaoExpirada(Falha):
    classe = ErroClasse.SESSAO_EXPIRADA
    frase = _("O portal encerrou a sessão e pediu novo login.")


class Captcha(Falha):
    classe = ErroClasse.CAPTCHA
    frase = _("O portal pediu um captcha, que o robô não contorna.")


class Bloqueado(Falha):
    classe = ErroClasse.BLOQUEADO
    frase = _("O portal recusou mais uma sessão desta credencial.")


class CredencialRecusada(Falha):
    classe = ErroClasse.CREDENCIAL_RECUSADA
    frase = _("O portal recusou usuário ou senha.")


class Codigo2fa(Falha):
    classe = ErroClasse.CODIGO_2FA
    frase = _("O portal pediu um código de verificação, que só uma pessoa pode informar.")


class LayoutMudou(Falha):
    classe = ErroClasse.LAYOUT_MUDOU
    frase = _("A página do portal não tem nenhum dos sinais conhecidos.")


class TempoEsgotado(Falha):
    classe = ErroClasse.TEMPO_ESGOTADO
    frase = _("A página do portal não terminou de carregar no tempo limite.")


class NavegadorQuebrado(Falha):
    classe = ErroClasse.NAVEGADOR
    frase = _("O navegador travou ou caiu.")


class AlertaDoPortal(PortalIndisponivel):
    frase = _("O portal mostrou um alerta em vez da página.")


class PaginaTrocada(PortalIndisponivel):
    frase = _("A página do portal foi trocada por outra enquanto era lida.")


UNANSWERED = (PortalIndisponivel, TempoEsgotado)
NO_PAGE = (*UNANSWERED, NavegadorQuebrado, Bloqueado)  # after any other failure a page was seen: the portal answers


class Parada(Exception):
    """The robot was told to stop: give the item back and leave."""


class Fim(Exception):
    """The robot leaves, for this reason (a Processo's motivo)."""

    def __init__(self, motivo: str, erro: str = "") -> None:
        super().__init__(motivo)
        self.motivo, self.erro = motivo, erro
