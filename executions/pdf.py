"""The text of a PDF's first pages, or one exception. The only module that speaks to pypdf."""

import io
import struct
import zlib

from django.utils.translation import gettext as _
from pypdf import PdfReader
from pypdf.errors import PyPdfError

ASSINATURA = b"%PDF-"
LIMITE_DO_TEXTO = 200_000

# What pypdf lets escape from malformed files besides its own errors (RuntimeError covers RecursionError).
_ERROS_DE_PDF = (
    PyPdfError,
    ArithmeticError,
    AssertionError,
    AttributeError,
    EOFError,
    LookupError,
    OSError,
    RuntimeError,
    TypeError,
    ValueError,
    struct.error,
    zlib.error,
)


class PdfIlegivel(Exception):
    """It asks for a password or is broken."""

    def __str__(self) -> str:
        return _("PDF protegido por senha ou corrompido.")


def parece_pdf(conteudo: bytes) -> bool:
    """Whether the signature is within the first 1024 bytes, where readers look for it."""
    return ASSINATURA in conteudo[:1024]


def texto_das_primeiras_paginas(conteudo: bytes, paginas: int = 2) -> str:
    """The text with every run of whitespace as one space, so that a number broken over two lines is whole again.

    A PDF that opens without a password (the empty one) is read. A scanned one gives "". Raises PdfIlegivel.
    """
    try:
        leitor = PdfReader(io.BytesIO(conteudo))
        textos = [leitor.pages[i].extract_text() for i in range(min(paginas, len(leitor.pages)))]
    except _ERROS_DE_PDF as erro:
        raise PdfIlegivel from erro
    return " ".join(" ".join(textos)[:LIMITE_DO_TEXTO].split())
