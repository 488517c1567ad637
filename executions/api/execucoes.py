"""One execution: how far it is, and what was answered."""

from datetime import datetime
from typing import Any

from django.http import HttpRequest
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop
from ninja import Path, Query, Router, Schema

from executions import clock, futuro
from executions.api.acesso import quem_pode
from executions.api.descricao import descrito
from executions.api.problemas import Problema, respostas
from executions.api.tipos import Id
from executions.models import Execucao, JobItem

router = Router(tags=[gettext_noop("execuções")])
MAIOR_ORDEM = 2**31 - 1


class Contagem(Schema):
    pendentes: int
    em_andamento: int
    concluidos: int
    falhas: int


@descrito(gettext_noop("Uma linha do lote. `resultado` é a resposta, vazia até haver uma; `erro`, por que não há."))
class Resultado(Schema):
    ordem: int
    arquivo: str
    processo: str
    identificador: str
    status: str
    resultado: str
    protocolada_em: datetime | None
    juntada_em: datetime | None
    protocolo: str
    documento: str
    detalhes: str
    avisos: list[str]
    erro_classe: str
    erro: str
    tentativas: int


@descrito(
    gettext_noop(
        "`progresso` em %, arredondado para baixo; `eta` em segundos, null sem dados que "
        "bastem.\n\n`resultados` são os de ordem maior que `depois`; `proximo` é o próximo "
        "`depois`, null na última página."
    )
)
class ExecucaoSchema(Schema):
    id: int
    titulo: str
    status: str
    motivo: str
    pausada: bool
    espera: str
    mode: str
    portal: str
    usuario: str | None
    solicitante: str
    max_robots: int
    total_arquivos: int
    contagem: Contagem
    progresso: int
    eta: float | None
    created_at: datetime
    started_at: datetime | None
    finished_at: datetime | None
    heartbeat_at: datetime | None
    resultados: list[Resultado]
    proximo: int | None


@router.get(
    "/execucoes/{int:id}", auth=quem_pode("view_execucao"), response=respostas(ExecucaoSchema, 404),
    operation_id="execucao", summary=gettext_noop("Uma execução"),
)  # fmt: skip
@descrito(
    gettext_noop(
        "Situação, contagens, porcentagem, previsão e os resultados, uma página de cada vez, na ordem do envio."
    )
)
def execucao(
    request: HttpRequest,
    id: Path[Id],
    depois: int = Query(0, ge=0, le=MAIOR_ORDEM),
    limite: int = Query(100, ge=1, le=500),
) -> Any:
    batch = Execucao.objects.com_nomes().filter(pk=id).first()
    if batch is None:
        raise Problema(404, _("Não há execução %(id)s.") % {"id": id})
    rows = list(batch.itens.filter(ordem__gt=depois).order_by("ordem").defer("arquivo", "dados")[: limite + 1])
    page, more = rows[:limite], len(rows) > limite
    return ExecucaoSchema(
        **_campos(batch, clock.db_now()), resultados=[_resultado(item) for item in page],
        proximo=page[-1].ordem if more else None,
    )  # fmt: skip


def _campos(batch: Execucao, agora: datetime) -> dict[str, Any]:
    as_they_are = (
        "id", "titulo", "status", "motivo", "pausada", "mode", "solicitante", "max_robots", "total_arquivos",
        "created_at", "started_at", "finished_at", "heartbeat_at",
    )  # fmt: skip
    look = futuro.olhar(agora)
    found = look.aberta(batch.pk)
    counts = Contagem(
        pendentes=batch.n_pending, em_andamento=batch.n_running, concluidos=batch.n_done, falhas=batch.n_failed
    )
    return {name: getattr(batch, name) for name in as_they_are} | {
        "portal": batch.portal.slug, "usuario": batch.usuario.get_username() if batch.usuario else None,
        "espera": str(look.espera_de(found).label) if found else "", "contagem": counts,
        "progresso": batch.progress * 100 // batch.total_arquivos if batch.total_arquivos else 0,
        "eta": futuro.segundos(look, batch.pk),
    }  # fmt: skip


def _resultado(item: JobItem) -> Resultado:
    failed = item.status == JobItem.Status.FAILED
    return Resultado(
        ordem=item.ordem, arquivo=item.nome_arquivo, processo=item.numero_processo, identificador=item.identificador,
        status=item.status, resultado=item.resultado, protocolada_em=item.protocolada_em, juntada_em=item.juntada_em,
        protocolo=item.protocolo, documento=item.documento, detalhes=item.detalhes,
        avisos=[str(aviso) for aviso in item.avisos], erro_classe=item.erro_classe if failed else "", erro=item.erro,
        tentativas=item.attempts,
    )  # fmt: skip
