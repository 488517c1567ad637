"""Shared by the tests of executions.intake: one batch, one line, and PDFs written by hand."""

import io
from datetime import date
from typing import Any

from pypdf import PdfReader, PdfWriter

from executions import cnj
from executions.intake import Entrada, Linha, Lote, ler

HOJE = date(2026, 3, 20)
TRIBUNAIS = {"8.99": "demonstracao", "8.09": "projudi-tjgo"}
NUMERO = "8000131-26.2026.8.99.0152"
OUTRO = "0023456-26.2013.8.99.0152"
NOME = "8000131.26.2026.8.99.0152_4321_87654_Manifestação.pdf"


def lote(*entradas: Entrada | str, **kwargs: Any) -> Lote:
    return ler(entradas, **{"tribunais": TRIBUNAIS, "hoje": HOJE, **kwargs})


def linha(entrada: Entrada | str, **kwargs: Any) -> Linha:
    (unica,) = lote(entrada, **kwargs).linhas
    return unica


def erro(entrada: Entrada | str, **kwargs: Any) -> str:
    return linha(entrada, **kwargs).erro


def numero_de(sequencial: int, tribunal: str, ano: int = 2026) -> str:
    j, tr = int(tribunal[0]), int(tribunal[2:])
    return f"{sequencial:07}-{cnj.digito_verificador(sequencial, ano, j, tr, 51):02}.{ano}.{tribunal}.0051"


def pdf(*paginas: str) -> bytes:
    """A PDF of one text line per line of each page, written by hand."""
    objetos = [b"<</Type/Catalog/Pages 2 0 R>>", b"", b"<</Type/Font/Subtype/Type1/BaseFont/Helvetica>>"]
    filhos = []
    for pagina in paginas:
        texto = b"".join(b"(%s) Tj T* " % parte.encode("latin-1") for parte in pagina.split("\n"))
        fluxo = b"BT /F1 12 Tf 14 TL 50 700 Td " + texto + b"ET"
        objetos.append(b"<</Length %d>>stream\n%s\nendstream" % (len(fluxo), fluxo))
        recursos = b"/Resources<</Font<</F1 3 0 R>>>>/MediaBox[0 0 600 800]"
        objetos.append(b"<</Type/Page/Parent 2 0 R%s/Contents %d 0 R>>" % (recursos, len(objetos)))
        filhos.append(b"%d 0 R" % len(objetos))
    objetos[1] = b"<</Type/Pages/Kids[%s]/Count %d>>" % (b" ".join(filhos), len(filhos))
    saida, posicoes = b"%PDF-1.4\n", []
    for n, objeto in enumerate(objetos, start=1):
        posicoes.append(len(saida))
        saida += b"%d 0 obj%s endobj\n" % (n, objeto)
    tabela = b"".join(b"%010d 00000 n \n" % posicao for posicao in posicoes)
    inicio = b"xref\n0 %d\n0000000000 65535 f \n%s" % (len(objetos) + 1, tabela)
    return saida + inicio + b"trailer<</Size %d/Root 1 0 R>>\nstartxref\n%d\n%%%%EOF" % (len(objetos) + 1, len(saida))


def cifrado(conteudo: bytes, senha: str) -> bytes:
    escritor = PdfWriter(clone_from=PdfReader(io.BytesIO(conteudo)))
    escritor.encrypt(user_password=senha, owner_password="dona", algorithm="AES-256")
    saida = io.BytesIO()
    escritor.write(saida)
    return saida.getvalue()
