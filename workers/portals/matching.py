"""Pure: a case that was read, and a petition -> the honest answer. For portals that show the office's file names.

Only the office's identifier in an attachment's title proves a petition; a name or a type is at most `possivel`.
"""

import hashlib
import re
from datetime import datetime
from urllib.parse import unquote

from django.utils.translation import gettext

from executions import cnj, dates
from executions.intake import nome_sem_chaves
from executions.results import Resposta, Resultado
from workers.portals.base import Anexo, Caso, Movimentacao, Peticao, Situacao
from workers.portals.projudi_page import fold

MIN_NAME = 4


def casar(caso: Caso, peticao: Peticao, agora: datetime) -> Resposta:
    """The answer for this petition. `agora` (aware) bounds the dates that are believed."""
    if caso.situacao is Situacao.NAO_ENCONTRADO:
        return Resposta(
            Resultado.PROCESSO_NAO_ENCONTRADO, detalhes=gettext("O portal diz que o processo não existe ou o oculta.")
        )
    if caso.situacao is Situacao.SEGREDO:
        return Resposta(
            Resultado.SEGREDO_JUSTICA, detalhes=gettext("Processo em segredo de justiça: nada dele foi guardado.")
        )
    if peticao.identificador:
        return _by_identifier(caso, peticao, agora)
    return _by_name(caso, peticao, agora)


def _by_identifier(caso: Caso, peticao: Peticao, agora: datetime) -> Resposta:
    # Bounded on both sides: _4321_87654_ must be found in neither _4321_876540_ nor _54321_87654_ nor X4321_87654_.
    wanted = re.compile(rf"(?<![^\W_]){re.escape(peticao.identificador)}(?![^\W_])")
    own = cnj.padrao_de(caso.numero)
    hits = [(m, a) for m in caso.movimentacoes for a in m.anexos if wanted.search(own.sub(" ", _searched(a)))]
    movements = {m.id or id(m): m for m, _ in hits}
    if len(movements) > 1:
        return Resposta(Resultado.AMBIGUA, detalhes=_several(list(movements.values())), evidencia=_evidence(hits))
    if hits:
        return _filed(caso, hits, agora)
    return _absent(caso, gettext("Nenhum anexo traz o identificador da petição."))


def _searched(anexo: Anexo) -> str:
    """Title and address; the case's own number in them must not lend its court number to an identifier."""
    return f"_{anexo.nome}_ {unquote(anexo.endereco)}"


def _filed(caso: Caso, hits: "list[tuple[Movimentacao, Anexo]]", agora: datetime) -> Resposta:
    movement, anexo = hits[0]
    read = dates.sanear(movement.data, agora=agora, ano_do_processo=int(caso.numero[11:15]))
    notes = [
        gettext("Movimentação %(numero)s: %(n)s.")
        % {"numero": movement.numero, "n": movement.tipo or movement.descricao}
    ]
    if read.motivo:
        notes.append(
            gettext("Data recusada (%(join)s): %(motivo)s")
            % {"join": " ".join(movement.data.split()), "motivo": read.motivo}
        )
    if read.aviso:
        notes.append(read.aviso)
    return Resposta(
        Resultado.PROTOCOLADA,
        protocolada_em=read.valor,
        documento=anexo.nome,
        detalhes=" ".join([*notes, *_blocked(caso)]),
        evidencia=_evidence(hits),
    )


def _by_name(caso: Caso, peticao: Peticao, agora: datetime) -> Resposta:
    name = _words(nome_sem_chaves(peticao.nome, peticao.numero, ""))
    hits = [
        (m, a)
        for m in caso.movimentacoes
        for a in (*m.anexos, Anexo(f"{m.tipo} {m.descricao}"))
        if _alike(name, a.nome)
    ]
    movements = {m.id or id(m): m for m, _ in hits}
    note = gettext("Sem identificador: o nome confere, mas não prova. Confira no portal.")
    if len(movements) > 1:
        return Resposta(
            Resultado.AMBIGUA, detalhes=f"{_several(list(movements.values()))} {note}", evidencia=_evidence(hits)
        )
    if hits:
        movement, anexo = hits[0]
        when = " ".join(movement.data.split())
        details = gettext("%(note)s Movimentação %(numero)s, %(when)s.") % {
            "note": note,
            "numero": movement.numero,
            "when": when,
        }
        return Resposta(Resultado.POSSIVEL, documento=anexo.nome, detalhes=details, evidencia=_evidence(hits))
    return _absent(caso, gettext("Sem identificador: nenhuma movimentação tem o nome do arquivo."))


def _absent(caso: Caso, why: str) -> Resposta:
    if caso.migrado:
        return Resposta(Resultado.MIGRADO, detalhes=gettext("O processo foi migrado para outro sistema: verifique lá."))
    read = gettext("%(n)s movimentações lidas até o fim.") % {"n": len(caso.movimentacoes)}
    return Resposta(Resultado.NAO_LOCALIZADA, detalhes=" ".join([why, read, *_blocked(caso)]))


def _several(movements: "list[Movimentacao]") -> str:
    where = ", ".join(f"{m.numero} ({' '.join(m.data.split())})" for m in movements[:10])
    return gettext("Conferem documentos de %(n)s movimentações: %(where)s.") % {"n": len(movements), "where": where}


def _blocked(caso: Caso) -> list[str]:
    n = sum(m.bloqueada for m in caso.movimentacoes)
    return (
        [
            gettext("%(n)s movimentação bloqueada.") % {"n": n}
            if n == 1
            else gettext("%(n)s movimentações bloqueadas.") % {"n": n}
        ]
        if n
        else []
    )


def _evidence(hits: "list[tuple[Movimentacao, Anexo]]") -> str:
    """The matched rows and their SHA-256; no names of people."""
    rows = "\n".join(f"{m.numero} | {m.tipo} | {' '.join(m.data.split())} | {a.nome}" for m, a in hits)
    return f"{rows}\nSHA-256 {hashlib.sha256(rows.encode()).hexdigest()}"


def _words(text: str) -> str:
    """Lower case, without accents; digits, signs and the file's ending are no words."""
    stem = re.sub(r"\.(pdf|p7s)\b", " ", fold(text))
    return " ".join(re.findall(r"[a-z]+", stem))


def _alike(name: str, title: str) -> bool:
    """Is the file's name found in the title, or is the title's own text, cut short by the portal, its beginning?"""
    if len(name) < MIN_NAME:
        return False
    shown = _words(title)
    own = re.sub(r"^(id )?(doc )?", "", shown)
    return f" {name} " in f" {shown} " or (len(own) >= MIN_NAME and name.startswith(own))
