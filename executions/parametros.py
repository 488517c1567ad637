"""Pure: the typed parameters of a script, and the argument list they become. Never a shell.

A parameter is declared as {"nome", "tipo": texto|numero|data|escolha, "rotulo", "obrigatorio", "padrao", "opcoes",
"minimo", "maximo"}; only `nome` and `tipo` are required.
"""

import re
from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

from django.utils.translation import gettext as _

NOME = re.compile(r"[a-z][a-z0-9_]{0,39}")
TIPOS = ("texto", "numero", "data", "escolha")
# Python's execute_script(script_name, timeout, **params) could never pass these on.
RESERVED = frozenset({"self", "script_name", "timeout"})
KEYS = {"nome", "tipo", "rotulo", "obrigatorio", "padrao", "opcoes", "minimo", "maximo"}
TEXT_LIMIT = 1000


class ParametroInvalido(ValueError):
    """Um parâmetro não pode ser aceito."""


def conferir_declaracao(declarados: Any) -> None:
    """Raises ParametroInvalido with the sentence that says what is wrong with this list of declarations."""
    if not isinstance(declarados, list) or not all(isinstance(p, dict) for p in declarados):
        raise ParametroInvalido(_("Informe uma lista de parâmetros."))
    for p in declarados:
        _conferir_um(p)
    if len({p["nome"] for p in declarados}) != len(declarados):
        raise ParametroInvalido(_("Há nomes de parâmetro repetidos."))


def _conferir_um(p: Mapping[str, Any]) -> None:
    nome = p.get("nome")
    if not isinstance(nome, str) or not NOME.fullmatch(nome):
        raise ParametroInvalido(
            _("Nome de parâmetro inválido: %(nome)s. Use letras minúsculas, dígitos e _.") % {"nome": f"{nome!r}"}
        )
    if nome in RESERVED:
        raise ParametroInvalido(
            _("%(nome)s: este nome é de um argumento de execute_script. Escolha outro.") % {"nome": nome}
        )
    if p.get("tipo") not in TIPOS:
        raise ParametroInvalido(_("%(nome)s: o tipo é um de %(nomes)s.") % {"nome": nome, "nomes": ", ".join(TIPOS)})
    if set(p) - KEYS:
        raise ParametroInvalido(
            _("%(nome)s: não conheço %(nomes)s.") % {"nome": nome, "nomes": ", ".join(sorted(set(p) - KEYS))}
        )
    if p["tipo"] == "escolha" and not (isinstance(p.get("opcoes"), list) and p["opcoes"]):
        raise ParametroInvalido(_("%(nome)s: uma escolha precisa de opcoes.") % {"nome": nome})
    if p.get("padrao") not in (None, ""):
        _valor(p, p["padrao"])


def valores(declarados: Sequence[Mapping[str, Any]], dados: Mapping[str, Any]) -> dict[str, str]:
    """The accepted value of each parameter that has one, as text. Raises ParametroInvalido."""
    unknown = set(dados) - {p["nome"] for p in declarados}
    if unknown:
        raise ParametroInvalido(
            _("Parâmetro desconhecido: %(nomes)s.") % {"nomes": ", ".join(sorted(map(str, unknown)))}
        )
    accepted = {}
    for p in declarados:
        raw = dados.get(p["nome"])
        if raw in (None, ""):
            raw = p.get("padrao")
        if raw in (None, ""):
            if p.get("obrigatorio"):
                raise ParametroInvalido(_("Informe %(campo)s.") % {"campo": p.get("rotulo") or p["nome"]})
            continue
        accepted[p["nome"]] = _valor(p, raw)
    return accepted


def argumentos(modelo: Sequence[str], aceitos: Mapping[str, str]) -> list[str]:
    """The arguments of the command: `{nome}` stands for that parameter; those not named follow as `--nome=valor`."""
    used: set[str] = set()

    def put(match: "re.Match[str]") -> str:
        used.add(match[1])
        return aceitos.get(match[1], "")

    filled = [re.sub(r"\{([a-z][a-z0-9_]*)\}", put, word) for word in modelo]
    return [*filled, *(f"--{nome}={valor}" for nome, valor in aceitos.items() if nome not in used)]


def _valor(p: Mapping[str, Any], raw: Any) -> str:
    label = p.get("rotulo") or p["nome"]
    text = str(raw).strip()
    if len(text) > TEXT_LIMIT or any(ord(c) < 32 and c != "\t" for c in text):
        raise ParametroInvalido(_("%(label)s: texto longo demais ou com caracteres de controle.") % {"label": label})
    if p["tipo"] == "numero":
        return _numero(p, label, text)
    if p["tipo"] == "data":
        try:
            return date.fromisoformat(text).isoformat()
        except ValueError as error:
            raise ParametroInvalido(_("%(label)s: informe a data como AAAA-MM-DD.") % {"label": label}) from error
    if p["tipo"] == "escolha" and text not in map(str, p["opcoes"]):
        raise ParametroInvalido(
            _("%(label)s: escolha um de %(nomes)s.") % {"label": label, "nomes": ", ".join(map(str, p["opcoes"]))}
        )
    return text


def _numero(p: Mapping[str, Any], label: str, text: str) -> str:
    text = text.replace(",", ".")
    if not re.fullmatch(r"-?\d{1,15}(\.\d{1,10})?", text):
        raise ParametroInvalido(_("%(label)s: informe um número.") % {"label": label})
    value = float(text)
    if p.get("minimo") is not None and value < float(p["minimo"]):
        raise ParametroInvalido(_("%(label)s: o mínimo é %(valor)s.") % {"label": label, "valor": p["minimo"]})
    if p.get("maximo") is not None and value > float(p["maximo"]):
        raise ParametroInvalido(_("%(label)s: o máximo é %(valor)s.") % {"label": label, "valor": p["maximo"]})
    return text
