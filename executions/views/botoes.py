"""Which acts an execution's page offers: only those that apply now and that this person may do."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from django.urls import reverse

from executions.models import Execucao
from executions.templatetags.paginas import quantos
from executions.views.progresso import Contagem, Grupo

if TYPE_CHECKING:
    from django.contrib.auth.models import AbstractBaseUser, AnonymousUser


@dataclass(frozen=True)
class Botao:
    """A POST button, or, with `confirma`, the link to the page that says what will die."""

    texto: str
    icone: str
    url: str
    classe: str = ""
    confirma: bool = False


def botoes_de(execucao: Execucao, usuario: "AbstractBaseUser | AnonymousUser") -> list[Botao]:
    may = {name for name in ("iniciar", "encerrar", "reabrir") if usuario.has_perm(f"executions.{name}")}  # type: ignore[union-attr]
    offered: list[tuple[str, bool, Botao]] = [
        (
            "iniciar",
            execucao.na_fila and not execucao.pausada,
            _botao(execucao, "iniciar", "Iniciar", "iniciar", "main"),
        ),
        ("iniciar", execucao.pausada, _botao(execucao, "retomar", "Retomar", "iniciar", "main")),
        ("iniciar", execucao.aberta and not execucao.pausada, _botao(execucao, "pausar", "Pausar", "pausa")),
        ("reabrir", execucao.n_failed > 0, _reabrir(execucao)),
        ("encerrar", execucao.aberta, _encerrar(execucao)),
    ]
    return [botao for permission, applies, botao in offered if applies and permission in may]


def grupos_de(contagem: Contagem, usuario: "AbstractBaseUser | AnonymousUser") -> list[tuple[Grupo, bool]]:
    """The groups of failures, and whether this person may reopen them."""
    may = usuario.has_perm("executions.reabrir")  # type: ignore[union-attr]
    return [(grupo, may) for grupo in contagem.falhas]


def _botao(execucao: Execucao, nome: str, texto: str, icone: str, classe: str = "") -> Botao:
    return Botao(texto, icone, reverse(f"executions:{nome}", args=[execucao.pk]), classe)


def _reabrir(execucao: Execucao) -> Botao:
    text = f"Reabrir {quantos(execucao.n_failed, 'falha', 'falhas')}"
    return _botao(execucao, "reabrir", text, "repetir", "" if execucao.aberta else "main")


def _encerrar(execucao: Execucao) -> Botao:
    url = reverse("executions:confirmar_encerrar", args=[execucao.pk])
    return Botao("Encerrar…", "parar", url, "danger", confirma=True)
