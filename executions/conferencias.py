"""From what a person hands over on a page to executions: checked line by line first, started once.

The draft (`Conferencia`) is written piece by piece, in short transactions, because a hundred thousand lines may come:
nobody sees it before `conferida_em`. Starting it is one transaction, because a robot must never see half a batch.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import timedelta
from itertools import islice
from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.db import IntegrityError, transaction
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from executions import clock, cnj, lotes
from executions.envios import Enviado
from executions.intake import Entrada, Linha
from executions.intake_files import LIMITE_BYTES, arquivo_grande, nomes_do_texto
from executions.locks import locked
from executions.models import (
    ArquivoEnviado,
    Conferencia,
    Credencial,
    Destino,
    Execucao,
    LinhaConferida,
    Portal,
    Registro,
)
from executions.pdf import parece_pdf

if TYPE_CHECKING:
    from django.contrib.auth.models import AbstractBaseUser

POR_VEZ = 1000  # lines a transaction


class EmAndamento(Exception):
    """A draft that is being read just now, or was started, cannot be taken."""

    def __str__(self) -> str:
        return _("Esta conferência ainda está em andamento: espere um instante.")


class Mudou(Exception):
    """Another number of items would enter than the person was shown."""

    def __str__(self) -> str:
        return _("A conferência mudou desde que a página foi mostrada.")


@dataclass(frozen=True)
class Iniciadas:
    """The executions of a draft; `agora`: by this call, and not by an earlier one."""

    execucoes: list[Execucao]
    agora: bool


def abrir(usuario: "AbstractBaseUser") -> Conferencia:
    """A new empty draft of this person; what has expired is swept, the oldest beyond a few go."""
    agora = clock.db_now()
    Conferencia.objects.varrer(agora)
    draft = Conferencia.objects.create(usuario_id=usuario.pk, criada_em=agora, valida_ate=_prazo())
    Conferencia.objects.so_as_ultimas(usuario)
    return draft


def reabrir(draft: Conferencia) -> None:
    """Takes a checked draft to be checked again. Raises EmAndamento: it is being checked, or was started."""
    mine = Conferencia.objects.filter(pk=draft.pk, conferida_em__isnull=False, iniciada_em=None)
    if not mine.update(conferida_em=None, valida_ate=_prazo()):
        raise EmAndamento
    draft.linhas.all().delete()


def conferir(draft: Conferencia, nomes: str | None, enviados: Iterable[Enviado], portal: Portal | None) -> None:
    """Keeps what was handed over, reads every line and publishes the draft.

    `nomes` None: the names that it has stay. The files that it has stay in any case.
    """
    if nomes is not None:
        draft.nomes = nomes.replace("\0", "\1")  # PostgreSQL keeps no NUL; either is refused as a control character
    draft.portal = portal
    draft.save(update_fields=["nomes", "portal"])
    guardados = draft.bytes_guardados()
    for enviado in enviados:
        guardados += _guardar(draft, enviado, guardados)
    _ler(draft)
    with transaction.atomic():
        agora = clock.db_now()
        draft.linhas.all().achar_respostas(agora)
        draft.conferida_em = agora
        draft.save(update_fields=["conferida_em"])


def _prazo() -> Any:
    return clock.db_now() + timedelta(seconds=settings.CONFERENCIA_SECONDS)


def _guardar(draft: Conferencia, enviado: Enviado, guardados: int) -> int:
    """Keeps one uploaded file, or only why it is refused. Returns how many bytes it takes."""
    size, content, erro = enviado.size or 0, None, ""
    if size > LIMITE_BYTES:
        erro = arquivo_grande()
    elif guardados + size > settings.UPLOAD_MAX_BYTES:
        erro = _("Os arquivos de uma conferência têm no máximo %(n)d MB ao todo. Envie este em outra.") % {
            "n": settings.UPLOAD_MAX_BYTES // 2**20
        }
    else:
        content = enviado.read()
    if content is not None and not parece_pdf(content):
        # The command line only warns: there the operator names a file that is on his own disk.
        content, erro = None, _("O conteúdo do arquivo não é um PDF.")
    nome = enviado.nome_enviado[:1000]
    ArquivoEnviado.objects.create(conferencia=draft, nome=nome, tamanho=size, conteudo=content, erro=erro)
    return size if content is not None else 0


def _ler(draft: Conferencia) -> None:
    slugs = {portal.slug: portal for portal in Portal.objects.all()}
    linhas = lotes.linhas(_entradas(draft), draft.portal.slug if draft.portal else "")
    tribunais = lotes.tribunais(draft.portal.slug if draft.portal else "")
    disputados = {} if draft.portal else _disputados(slugs.values())
    arquivos = iter(list(draft.arquivos.values_list("pk", flat=True)))
    lidas = (_sem_disputa(linha, disputados) for linha in linhas)

    def rows() -> Iterator[LinhaConferida]:
        for linha in lidas:
            slug = tribunais.get(cnj.tribunal(linha.numero), "") if linha.aceita else ""
            # Files come first, and each of them is a line: the next line is the next file's.
            yield LinhaConferida.da_leitura(draft, linha, portal=slugs.get(slug), arquivo_id=next(arquivos, None))

    source = rows()
    while chunk := list(islice(source, POR_VEZ)):
        LinhaConferida.objects.bulk_create(chunk)


def _entradas(draft: Conferencia) -> Iterator[Entrada | str]:
    """The files first: of a file and its pasted name, the file stays."""
    for pk in list(draft.arquivos.values_list("pk", flat=True)):
        arquivo = ArquivoEnviado.objects.get(pk=pk)
        content = bytes(arquivo.conteudo) if arquivo.conteudo is not None else None
        yield Entrada(arquivo.nome, content, arquivo.erro)
    yield from nomes_do_texto(draft.nomes)


def _disputados(portais: Iterable[Portal]) -> dict[str, list[str]]:
    """Courts that more than one portal serves, with these portals' names."""
    served: dict[str, list[str]] = {}
    for portal in portais:
        for code in set(portal.tribunais):
            served.setdefault(code, []).append(portal.nome)
    return {code: names for code, names in served.items() if len(names) > 1}


def _sem_disputa(linha: Linha, disputados: Mapping[str, list[str]]) -> Linha:
    code = cnj.tribunal(linha.numero) if linha.aceita else ""
    if code not in disputados:
        return linha
    text = _("Mais de um portal atende o %(tribunal)s (%(portais)s): escolha o portal.")
    return replace(
        linha, erro=text % {"tribunal": cnj.nome_tribunal(code), "portais": ", ".join(disputados[code])}, conteudo=None
    )


# ---- starting ------------------------------------------------------------------------------------------------------


def iniciadas(uuid: Any, usuario: "AbstractBaseUser") -> list[Execucao]:
    """The executions that this draft became, by whomever it was this person's; empty when it was not started."""
    return list(Execucao.objects.filter(envio=uuid, usuario=usuario.pk).order_by("pk"))


def enfileirar(
    draft: Conferencia, *, esperados: int, credenciais: Mapping[int, Credencial], destinos: Iterable[Destino] = (),
    **campos: Any,
) -> Iniciadas:  # fmt: skip
    """T1 for every portal of the draft's lines, each with its credential (by the portal's key), in one transaction.

    Called again, or twice at the same time, it creates nothing more and returns the same. `esperados`: how many items
    the person was shown. Raises Mudou when they are another number now, EmAndamento, ValueError when nothing enters.
    """
    try:
        with transaction.atomic():
            row = locked(Conferencia.objects.filter(pk=draft.pk).select_related("usuario")).first()
            if row is None or row.iniciada_em:
                return Iniciadas(iniciadas(draft.pk, draft.usuario), agora=False)
            if not row.conferida_em:
                raise EmAndamento
            if row.linhas.all().contar().entram != esperados:
                raise Mudou
            return Iniciadas(_criar(row, credenciais, list(destinos), campos), agora=True)
    except IntegrityError:
        # The unique pair of draft and portal: somebody else was first.
        made = iniciadas(draft.pk, draft.usuario)
        if not made:
            raise
        return Iniciadas(made, agora=False)


def _criar(
    draft: Conferencia, credenciais: Mapping[int, Credencial], destinos: list[Destino], campos: dict[str, Any]
) -> list[Execucao]:
    linhas, made = draft.linhas.all().que_entram(), []
    for portal in linhas.por_portal():
        batch = Execucao.objects.enfileirar(
            linhas.filter(portal=portal), portal=portal, credencial=credenciais[portal.pk], envio=draft.pk,
            usuario=draft.usuario, origem="web", destinos=destinos, **campos,
        )  # fmt: skip
        made.append(batch)
    if not made:
        raise ValueError(_("Nenhum item entra: não há o que verificar."))
    _anotar_de_fora(draft, made)
    draft.iniciada_em = clock.db_now()
    draft.save(update_fields=["iniciada_em"])
    # What was refused can still be downloaded until the draft expires.
    draft.linhas.all().aceitas().delete()
    draft.arquivos.filter(linhas=None).delete()
    draft.arquivos.update(conteudo=None)
    return made


def _anotar_de_fora(draft: Conferencia, made: list[Execucao]) -> None:
    """Keeps in each execution's history what did not enter with it."""
    count = draft.linhas.all().contar()
    parts = []
    if count.recusadas:
        text = ngettext("%(n)d linha recusada", "%(n)d linhas recusadas", count.recusadas)
        parts.append(text % {"n": count.recusadas})
    for pk, n in draft.linhas.all().reaproveitadas_de():
        text = ngettext(
            "%(n)d arquivo já respondido na execução %(pk)d", "%(n)d arquivos já respondidos na execução %(pk)d", n
        )
        parts.append(text % {"n": n, "pk": pk})
    if parts:
        text = _("Ficaram de fora da conferência: %(quais)s.") % {"quais": ", ".join(parts)}
        for batch in made:
            Registro.objects.anotar("conferencia", text, execucao=batch, usuario=draft.usuario)
