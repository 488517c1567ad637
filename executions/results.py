"""The answers a robot may give, and the failures it may have instead (docs/portals.md: never mixed)."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.db import models
from django.utils.translation import gettext_lazy as _


class Resultado(models.TextChoices):
    PROTOCOLADA = "protocolada", _("Protocolada")
    NAO_LOCALIZADA = "nao_localizada", _("Não localizada")
    POSSIVEL = "possivel", _("Possível")
    PROCESSO_NAO_ENCONTRADO = "processo_nao_encontrado", _("Processo não encontrado")
    SEGREDO_JUSTICA = "segredo_justica", _("Segredo de justiça")
    MIGRADO = "migrado", _("Migrado para outro sistema")
    AMBIGUA = "ambigua", _("Ambígua")


class ErroClasse(models.TextChoices):
    PORTAL_INDISPONIVEL = "portal_indisponivel", _("Portal indisponível")
    SESSAO_EXPIRADA = "sessao_expirada", _("Sessão expirada")
    CAPTCHA = "captcha", _("Captcha")
    BLOQUEADO = "bloqueado", _("Acesso bloqueado")
    CREDENCIAL_RECUSADA = "credencial_recusada", _("Credencial recusada")
    CODIGO_2FA = "codigo_2fa", _("Código de verificação pedido")
    LAYOUT_MUDOU = "layout_mudou", _("Página do portal mudou")
    TEMPO_ESGOTADO = "tempo_esgotado", _("Tempo esgotado")
    NAVEGADOR = "navegador", _("Falha do navegador")
    VENENO = "veneno", _("Derrubou o robô três vezes")
    ENCERRADO = "encerrado", _("Encerrado")
    SEM_HEARTBEAT = "sem_heartbeat", _("Sem sinal dos robôs")
    ENTRADA_INVALIDA = "entrada_invalida", _("Entrada inválida")


@dataclass(frozen=True)
class Resposta:
    """An honest answer for one item. Times are aware; `evidencia` is the matched row's text and its SHA-256."""

    resultado: Resultado
    protocolada_em: datetime | None = None
    juntada_em: datetime | None = None
    protocolo: str = ""
    documento: str = ""
    detalhes: str = ""
    evidencia: str = ""
    dados: dict[str, Any] = field(default_factory=dict)
