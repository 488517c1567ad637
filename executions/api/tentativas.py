"""Wrong tokens: after so many different ones in a minute an address is refused until the minute is over.

Counted in the process's own memory: each process of the pages counts for itself, and nothing is written to the
database, which a flood could fill. The same wrong token counts once, so that one forgotten client with a revoked token
does not shut out those beside it.
"""

import hashlib
import ipaddress
import time

from django.conf import settings
from django.core.cache import cache
from django.http import HttpRequest
from django.utils.translation import gettext_lazy

DEMAIS = gettext_lazy("Tokens errados demais vindos deste endereço. Espere um minuto.")


def endereco(request: HttpRequest) -> str:
    """Whom a failure is counted against. Behind a trusted proxy: the address that the proxy itself saw, the last one.

    An IPv6 client owns its whole /64.
    """
    told = request.META.get("REMOTE_ADDR", "")
    if settings.TRUST_PROXY:
        told = request.META.get("HTTP_X_FORWARDED_FOR", told).rpartition(",")[2].strip() or told
    try:
        address = ipaddress.ip_address(told)
    except ValueError:
        return "?"
    return str(address) if address.version == 4 else str(ipaddress.ip_network(f"{address}/64", strict=False))


def espera(who: str) -> int:
    """For how many seconds this address is still refused; 0: it is not."""
    seen, until = cache.get(_chave(who), (frozenset(), 0.0))
    left = until - time.time()
    return max(1, int(left)) if len(seen) >= settings.TOKEN_FAILURES_PER_MINUTE and left > 0 else 0


def errou(who: str, token: str) -> None:
    seen, until = cache.get(_chave(who), (frozenset(), 0.0))
    now = time.time()
    if until <= now:
        seen, until = frozenset(), now + 60
    # Not the token itself: it may be a right one with a letter too many.
    seen |= {hashlib.sha256(token.encode(errors="surrogateescape")).hexdigest()[:16]}
    cache.set(_chave(who), (seen, until), 60)


def _chave(who: str) -> str:
    return f"token-errado:{who}"
