"""Running a script: the form of its typed parameters, and the question that a second start asks."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.cache import never_cache

from executions import parametros, scripts
from executions.models import Processo, Script
from executions.views.acesso import acao, pagina_de, quem
from executions.views.quadro import Cartao

PREFIXO = "p."  # a parameter may be called like a field of ours
MAX_TIMEOUT_S = 7 * 24 * 3600
TEMPO_INVALIDO = gettext_lazy("O tempo limite vai de 1 segundo a 7 dias.")


@dataclass(frozen=True)
class Campo:
    """One input of the form: a parameter as it was declared, what is in it, and what is wrong with that."""

    nome: str
    tipo: str
    rotulo: str
    valor: str
    opcoes: list[str]
    obrigatorio: bool
    padrao: str
    minimo: str
    maximo: str
    erro: str = ""

    @classmethod
    def de(cls, p: Mapping[str, Any], dados: Mapping[str, str] | None) -> "Campo":
        """`dados`: what was sent, checked; None: an untouched form."""
        padrao = _texto(p.get("padrao"))
        value = padrao if dados is None else dados.get(PREFIXO + p["nome"], "")
        return cls(
            p["nome"], p["tipo"], p.get("rotulo") or p["nome"], value, [str(o) for o in p.get("opcoes") or []],
            bool(p.get("obrigatorio")) and not padrao, padrao, _texto(p.get("minimo")), _texto(p.get("maximo")),
            "" if dados is None else _erro(p, value),
        )  # fmt: skip

    @property
    def id(self) -> str:
        return f"p-{self.nome}"


@never_cache
@pagina_de("view_script", "executar_script")
def script(request: HttpRequest, pk: int) -> HttpResponse:
    """The form; or, while it runs or waits, the question whether to cancel that."""
    row = _permitido(request, pk)
    vivo = Processo.objects.vivos().filter(script=row).select_related("host", "usuario").first()
    if vivo:
        contexto = {"script": row, "vivo": vivo, "cartao": Cartao(vivo)}
        return render(request, "executions/ja_em_execucao.html", contexto)
    return _formulario(request, row, None)


@acao("executar_script")
def executar(request: HttpRequest, pk: int) -> HttpResponse:
    row = _permitido(request, pk)
    dados = request.POST.dict()
    seconds = str(dados.get("tempo_limite", "")).strip()
    if any(campo.erro for campo in _campos(row, dados)) or not _tempo_valido(seconds):
        return _formulario(request, row, dados, status=400)
    values = {p["nome"]: dados.get(PREFIXO + p["nome"], "") for p in row.parametros}
    try:
        new = scripts.pedir_script(row, values, timeout=int(seconds) if seconds else None, usuario=quem(request))
    except scripts.JaEmExecucao as error:
        messages.info(request, _("Nada mudou. %(error)s.") % {"error": error})
        return redirect("executions:script", pk=pk)
    except scripts.ScriptRecusado as error:
        return _formulario(request, row, dados, status=409, recusa=str(error))
    messages.success(request, _("Execução pedida.") if new.host_id else _("Execução pedida: está na fila."))
    return redirect("executions:processo", uuid=new.uuid)


def _permitido(request: HttpRequest, pk: int) -> Script:
    row = get_object_or_404(Script, pk=pk)
    if not row.pode(quem(request)):
        raise PermissionDenied(str(scripts.SemPermissao()))
    return row


def _formulario(
    request: HttpRequest, row: Script, dados: Mapping[str, str] | None, *, status: int = 200, recusa: str = ""
) -> HttpResponse:
    seconds = dados.get("tempo_limite", "") if dados else ""
    contexto = {
        "script": row,
        "campos": _campos(row, dados),
        "tempo_limite": seconds,
        "erro_do_tempo": "" if _tempo_valido(seconds.strip()) else TEMPO_INVALIDO,
        "max_timeout": MAX_TIMEOUT_S,
        "recusa": recusa,
        "mudou": row.mudou,
    }
    return render(request, "executions/script.html", contexto, status=status)


def _campos(row: Script, dados: Mapping[str, str] | None) -> list[Campo]:
    return [Campo.de(p, dados) for p in row.parametros]


def _erro(p: Mapping[str, Any], value: str) -> str:
    try:
        parametros.valores([p], {p["nome"]: value})
    except parametros.ParametroInvalido as error:
        return str(error)
    return ""


def _tempo_valido(texto: str) -> bool:
    return not texto or (texto.isdecimal() and len(texto) < 9 and 1 <= int(texto) <= MAX_TIMEOUT_S)


def _texto(value: Any) -> str:
    return "" if value is None else str(value)
