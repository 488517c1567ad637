"""Which acts an execution's page offers: only those that apply now and that this person may do."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from django.urls import reverse
from django.utils.http import urlencode
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from executions.itens import Filtro
from executions.models import Execucao
from executions.results import Resultado
from executions.templatetags.paginas import milhar
from executions.views.progresso import Contagem

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

    @property
    def id(self) -> str:
        """By what it does, so that a poll that swaps it leaves the focus on it."""
        return "acao-" + self.url.removesuffix("/confirmar").rsplit("/", 1)[-1]


def botoes_de(
    execucao: Execucao, contagem: Contagem, usuario: "AbstractBaseUser | AnonymousUser", robos: int
) -> list[Botao]:
    """`robos`: how many of its robots live. With one on its way there is nothing more to start."""
    open_now = execucao.aberta
    missing = contagem.por_resultado()[Resultado.NAO_LOCALIZADA]
    offered: list[tuple[str, bool, Botao]] = [
        (
            "iniciar",
            execucao.na_fila and not execucao.pausada and not robos,
            _botao(execucao, "iniciar", _("Iniciar"), "iniciar", "main"),
        ),
        ("iniciar", execucao.pausada, _botao(execucao, "retomar", _("Retomar"), "iniciar", "main")),
        ("iniciar", open_now and not execucao.pausada, _botao(execucao, "pausar", _("Pausar"), "pausa")),
        ("reabrir", execucao.n_failed > 0, _reabrir(execucao)),
        ("enfileirar", not open_now and missing > 0, _repetir(execucao, missing)),
        ("encerrar", open_now, _encerrar(execucao)),
    ]
    return [botao for name, applies, botao in offered if applies and usuario.has_perm(f"executions.{name}")]  # type: ignore[union-attr]


def exportacoes_de(execucao: Execucao, filtro: Filtro, total: int | None) -> list[Botao]:
    """The links of the menu: each says how many items it takes, when that is known."""
    n = "" if total is None else ngettext("{n} item", "{n} itens", total).format(n=milhar(total))
    n = n or _("os itens da busca")
    query = f"?{urlencode(filtro.escolhas)}" if filtro.escolhas else ""
    kinds = ((_("CSV, {quantos}"), "exportar_csv"), (_("Planilha XLSX, {quantos}"), "exportar_xlsx"))
    return [
        Botao(text.format(quantos=n), "baixar", reverse(f"executions:{name}", args=[execucao.pk]) + query)
        for text, name in kinds
    ]


def _botao(execucao: Execucao, nome: str, texto: str, icone: str, classe: str = "") -> Botao:
    return Botao(texto, icone, reverse(f"executions:{nome}", args=[execucao.pk]), classe)


def _reabrir(execucao: Execucao) -> Botao:
    n = execucao.n_failed
    text = ngettext("Reabrir {n} falha", "Reabrir {n} falhas", n).format(n=milhar(n))
    return _botao(execucao, "reabrir", text, "repetir", "main" if execucao.status == Execucao.Status.ERROR else "")


def _repetir(execucao: Execucao, n: int) -> Botao:
    text = ngettext("Nova execução com a não localizada", "Nova execução com as {n} não localizadas", n)
    return _botao(execucao, "repetir", text.format(n=milhar(n)), "mais")


def _encerrar(execucao: Execucao) -> Botao:
    url = reverse("executions:confirmar_encerrar", args=[execucao.pk])
    return Botao(_("Encerrar…"), "parar", url, "danger", confirma=True)
