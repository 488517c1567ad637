"""The text by which an item is found: its file's name, its case number's digits and its identifier, without accents."""

import re
import unicodedata

from django.db.models import Q

LIMITE = 360
MINIMO_DE_DIGITOS = 3
_SO_NUMERO = re.compile(r"[\d\s._/-]+")


def normalizar(texto: str) -> str:
    """Lower case without accents, with single spaces."""
    bare = "".join(c for c in unicodedata.normalize("NFKD", texto) if not unicodedata.combining(c))
    return " ".join(bare.casefold().split())


def texto_de(nome: str, numero: str, identificador: str) -> str:
    digits = "".join(filter(str.isdigit, numero))
    return f"{normalizar(nome)[:270]}|{digits}|{normalizar(identificador)}"[:LIMITE]


def condicao(q: str) -> Q:
    """Items with this text anywhere. A number is also looked for by its digits, however it was typed."""
    text = normalizar(q)
    found = Q(busca__contains=text)
    digits = "".join(filter(str.isdigit, text))
    if _SO_NUMERO.fullmatch(text) and len(digits) >= MINIMO_DE_DIGITOS:
        found |= Q(busca__contains=digits)
    return found
