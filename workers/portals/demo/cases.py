"""The fixed cases and credentials of the demonstration portal, one case number for each scenario: all invented."""

from dataclasses import dataclass
from types import MappingProxyType

from workers.portals.demo.model import (
    Caso,
    Comportamento,
    Movimentacao,
    documento,
    montar_casos,
    numero_cnj,
    peticao,
)

SENHA = "demo-2026"
CODIGO_EMAIL = "246810"  # what the credential `codigo` is asked for


@dataclass(frozen=True)
class CredencialDemo:
    """A user of the portal; the fields say what is peculiar to its login."""

    usuario: str
    senha: str = SENHA
    sessao_unica: bool = False
    limite_pedidos: int | None = None
    pede_codigo: bool = False
    pede_captcha: bool = False


CREDENCIAIS = MappingProxyType(
    {
        credencial.usuario: credencial
        for credencial in (
            CredencialDemo("demo"),
            CredencialDemo("sessao-unica", sessao_unica=True),
            CredencialDemo("expira", limite_pedidos=6),
            CredencialDemo("codigo", pede_codigo=True),
            CredencialDemo("captcha", pede_captcha=True),
        )
    }
)


def rotina(ano: int) -> tuple[Movimentacao, ...]:
    """The movements that every case has, newest first; none of them carries a petition."""
    return (
        Movimentacao(f"19/01/{ano} 16:42:08", "Intimação Efetivada", "Via Diário Eletrônico (Leitura automática)"),
        Movimentacao(f"14/01/{ano} 10:03:51", "Decisão -> Outras Decisões", "Vista à parte contrária"),
        Movimentacao(f"12/01/{ano} 08:00:12", "Autos Conclusos", "P/ DECISÃO"),
        Movimentacao(f"09/01/{ano} 17:21:40", "Processo Distribuído", "Sorteio (Normal)"),
    )


def _caso(
    cenario: str,
    sequencial: int,
    *movimentacoes: Movimentacao,
    ano: int = 2026,
    foro: str = "0152",
    comportamento: Comportamento = Comportamento.NORMAL,
    arquivado: bool = False,
    apensos: tuple[str, ...] = (),
) -> Caso:
    numero = numero_cnj(sequencial, ano, foro)
    return Caso(numero, movimentacoes + rotina(ano), cenario, comportamento, arquivado, apensos)


def _simples(comportamento: Comportamento, sequencial: int, identificador: str, data: str) -> Caso:
    """One petition, and a portal that misbehaves before it shows it."""
    movimentacao = peticao(data, documento(identificador, "manifestacao"))
    return _caso(comportamento.value, sequencial, movimentacao, comportamento=comportamento)


def _dezesseis() -> Caso:
    movimentacoes = [
        peticao(f"{3 + n // 4:02d}/11/2025 {9 + n % 4:02d}:{n + 10}:27", documento(f"5120_{60101 + n}", "cumprimento"))
        for n in range(16)
    ]
    return _caso("dezesseis", 8000150, *reversed(movimentacoes), ano=2025, foro="0051")


def _quarenta() -> Caso:
    movimentacoes = [
        peticao(f"{1 + n // 2:02d}/02/2026 {8 + n % 8:02d}:{n + 10}:03", documento(f"7310_{71201 + n}", "comprovante"))
        for n in range(40)
    ]
    return _caso("quarenta", 8000546, *reversed(movimentacoes))


def _found() -> list[Caso]:
    return [
        _caso("protocolada", 8000131, peticao("26/02/2026 11:23:45", documento("4321_87654", "manifestacao"))),
        _caso(
            "mesmo_dia",
            8000145,
            peticao("11/02/2026 17:40:02", documento("4410_87662", "juntada_de_procuracao")),
            peticao("11/02/2026 14:05:31", documento("4410_87661", "contestacao")),
            peticao("11/02/2026 09:12:10", documento("4410_87660", "habilitacao")),
        ),
        _dezesseis(),
        _caso(
            "juntada_posterior",
            8000163,
            peticao("12/02/2026 08:30:00", documento("4522_87700", "contestacao_10_02_2026")),
        ),
    ]


def _found_with_a_twist() -> list[Caso]:
    return [
        _caso(
            "dois_documentos",
            8000494,
            peticao(
                "04/03/2026 15:16:17",
                documento("6044_90110", "peticao"),
                documento("6044_90110", "anexo_comprovante"),
            ),
        ),
        _caso(
            "bloqueada",
            8000522,
            Movimentacao("05/03/2026 10:00:00", "Movimentação Bloqueada", bloqueada=True),
            peticao("03/03/2026 13:14:15", documento("6210_90333", "replica")),
        ),
        _caso(
            "acentos",
            8000539,
            peticao("02/03/2026 11:11:11", documento("6305_90210", "Impugnação_à_Contestação_nº_2_São_João")),
        ),
        _quarenta(),
        _caso(
            "arquivado",
            8000553,
            peticao("20/02/2026 10:20:30", documento("6777_90440", "desarquivamento")),
            arquivado=True,
        ),
        _caso("p7s", 8000560, peticao("23/02/2026 18:59:59", documento("6801_90512", "alegacoes_finais", ".pdf.p7s"))),
        _caso(
            "zeros_perdidos",
            1234,
            peticao("27/02/2026 07:45:00", documento("310_45120", "substabelecimento")),
            ano=2024,
            foro="0051",
        ),
    ]


def _not_filed() -> list[Caso]:
    """Cases whose petition is missing, undecided, or only looks like the one that is asked for."""
    return [
        _caso(
            "nao_localizada",
            8000177,
            peticao("18/02/2026 10:00:01", documento("4321_876540", "manifestacao")),
            peticao("17/02/2026 10:00:02", documento("14321_87654", "manifestacao"), documento("4321_8765", "guia")),
            foro="0051",
        ),
        # The court number 0051 and the identifier's first half stand side by side in the title.
        _caso(
            "numero_emendado",
            8000298,
            peticao("24/02/2026 09:09:09", documento("15550_56711", "cumprimento")),
            foro="0051",
        ),
        _caso(
            "ambigua",
            8000508,
            peticao("06/03/2026 12:00:00", documento("6101_90201", "embargos")),
            peticao("02/03/2026 12:00:00", documento("6101_90201", "embargos")),
        ),
        _caso("possivel", 23456, peticao("10/03/2025 14:30:00", "Certidão.pdf", tipo="Certidão"), ano=2013),
        _caso(
            "migrado",
            8000449,
            Movimentacao("25/02/2026 20:15:00", "Processo migrado para outro sistema", "Remessa eletrônica"),
        ),
        _caso("apenso", 8000487, peticao("16/02/2026 16:16:16", documento("5900_90001", "impugnacao"))),
    ]


def _dirty_dates() -> list[Caso]:
    return [
        _caso("data_invalida", 8000401, peticao("31/02/2026 10:00:00", documento("5601_88101", "recurso"))),
        _caso("data_com_texto", 8000418, peticao("06/03/2026 às 09:08 - Livre", documento("5602_88102", "recurso"))),
        _caso("data_com_hifen", 8000425, peticao("14-03-2026 10:11:12", documento("5603_88103", "recurso"))),
    ]


def _misbehaving() -> list[Caso]:
    return [
        _simples(Comportamento.TERCEIRA_CONSULTA, 8000302, "5001_88001", "03/02/2026 10:10:10"),
        _simples(Comportamento.SEGREDO, 8000326, "5002_88002", "03/02/2026 10:20:10"),
        _simples(Comportamento.SEMPRE_INDISPONIVEL, 8000333, "5003_88003", "03/02/2026 10:30:10"),
        _simples(Comportamento.SESSAO_EXPIRA, 8000347, "5004_88004", "03/02/2026 10:40:10"),
        _simples(Comportamento.LENTO, 8000354, "5005_88005", "03/02/2026 10:50:10"),
        _simples(Comportamento.SEM_RESPOSTA, 8000368, "5006_88006", "04/02/2026 11:10:10"),
        _simples(Comportamento.ALERTA, 8000372, "5007_88007", "04/02/2026 11:20:10"),
        _simples(Comportamento.MANUTENCAO, 8000389, "5008_88008", "04/02/2026 11:30:10"),
        _simples(Comportamento.CAPTCHA, 8000396, "5009_88009", "04/02/2026 11:40:10"),
        _simples(Comportamento.LAYOUT_MUDOU, 8000432, "5010_88010", "04/02/2026 11:50:10"),
        _simples(Comportamento.JS_INFINITO, 8000456, "5011_88011", "05/02/2026 12:10:10"),
        _simples(Comportamento.ABA_MORTA, 8000463, "5012_88012", "05/02/2026 12:20:10"),
        _caso(
            Comportamento.LISTA.value,
            8000470,
            peticao("16/02/2026 15:15:15", documento("5901_90002", "impugnacao")),
            comportamento=Comportamento.LISTA,
            apensos=(numero_cnj(8000487, 2026, "0152"),),
        ),
    ]


CASOS: tuple[Caso, ...] = montar_casos(
    [*_found(), *_found_with_a_twist(), *_not_filed(), *_dirty_dates(), *_misbehaving()], 1
)

NUMERO_DESCONHECIDO = numero_cnj(8000319, 2026, "0152")
"""A valid number that no case of the portal has."""

CASO_DO_CENARIO = MappingProxyType(
    {caso.cenario: caso.numero for caso in CASOS} | {"desconhecido": NUMERO_DESCONHECIDO}
)
