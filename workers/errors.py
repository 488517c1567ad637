"""What keeps a robot from an answer. Each names its class of failure; the docstring is the default message."""

from executions.results import ErroClasse


class Falha(Exception):
    """O robô não conseguiu uma resposta."""

    classe = ErroClasse.NAVEGADOR

    def __init__(self, mensagem: str = "") -> None:
        super().__init__(mensagem or self.__doc__)


class PortalIndisponivel(Falha):
    """O portal não respondeu à consulta."""

    classe = ErroClasse.PORTAL_INDISPONIVEL


class SessaoExpirada(Falha):
    """O portal encerrou a sessão e pediu novo login."""

    classe = ErroClasse.SESSAO_EXPIRADA


class Captcha(Falha):
    """O portal pediu um captcha, que o robô não contorna."""

    classe = ErroClasse.CAPTCHA


class Bloqueado(Falha):
    """O portal recusou mais uma sessão desta credencial."""

    classe = ErroClasse.BLOQUEADO


class CredencialRecusada(Falha):
    """O portal recusou usuário ou senha."""

    classe = ErroClasse.CREDENCIAL_RECUSADA


class Codigo2fa(Falha):
    """O portal pediu um código de verificação, que só uma pessoa pode informar."""

    classe = ErroClasse.CODIGO_2FA


class LayoutMudou(Falha):
    """A página do portal não tem nenhum dos sinais conhecidos."""

    classe = ErroClasse.LAYOUT_MUDOU


class TempoEsgotado(Falha):
    """A página do portal não terminou de carregar no tempo limite."""

    classe = ErroClasse.TEMPO_ESGOTADO


class NavegadorQuebrado(Falha):
    """O navegador travou ou caiu."""

    classe = ErroClasse.NAVEGADOR


class AlertaDoPortal(PortalIndisponivel):
    """O portal mostrou um alerta em vez da página."""


class PaginaTrocada(PortalIndisponivel):
    """A página do portal foi trocada por outra enquanto era lida."""


class Parada(Exception):
    """The robot was told to stop: give the item back and leave."""
