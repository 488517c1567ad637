"""The answers a robot may give, and the failures it may have instead (docs/portals.md: never mixed)."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.db import models


class Resultado(models.TextChoices):
    PROTOCOLADA = "protocolada", "Protocolada"
    NAO_LOCALIZADA = "nao_localizada", "Não localizada"
    POSSIVEL = "possivel", "Possível"
    PROCESSO_NAO_ENCONTRADO = "processo_nao_encontrado", "Processo não encontrado"
    SEGREDO_JUSTICA = "segredo_justica", "Segredo de justiça"
    MIGRADO = "migrado", "Migrado para outro sistema"
    AMBIGUA = "ambigua", "Ambígua"


class ErroClasse(models.TextChoices):
    PORTAL_INDISPONIVEL = "portal_indisponivel", "Portal indisponível"
    SESSAO_EXPIRADA = "sessao_expirada", "Sessão expirada"
    CAPTCHA = "captcha", "Captcha"
    BLOQUEADO = "bloqueado", "Acesso bloqueado"
    CREDENCIAL_RECUSADA = "credencial_recusada", "Credencial recusada"
    CODIGO_2FA = "codigo_2fa", "Código de verificação pedido"
    LAYOUT_MUDOU = "layout_mudou", "Página do portal mudou"
    TEMPO_ESGOTADO = "tempo_esgotado", "Tempo esgotado"
    NAVEGADOR = "navegador", "Falha do navegador"
    VENENO = "veneno", "Derrubou o robô três vezes"
    ENCERRADO = "encerrado", "Encerrado"
    SEM_HEARTBEAT = "sem_heartbeat", "Sem sinal dos robôs"
    ENTRADA_INVALIDA = "entrada_invalida", "Entrada inválida"


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
