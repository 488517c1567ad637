from argparse import ArgumentParser
from typing import Any

from django.contrib.auth.models import User
from django.core.management.base import CommandError
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from executions.models import TokenAPI
from executions.models.token_api import MAX_DIAS
from workers.management.base import TranslatedCommand


class Command(TranslatedCommand):
    about = gettext_lazy("Cria um token da API para um usuário e o mostra uma única vez; com --revogar, revoga um.")

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("usuario", help=_("Nome do usuário de quem o token terá as permissões."))
        parser.add_argument("--nome", default=_("linha de comando"), help=_("Para que serve."))
        parser.add_argument(
            "--dias",
            type=int,
            help=_("Validade, de 1 a %(max_dias)s. Sem ela, vale até ser revogado.") % {"max_dias": MAX_DIAS},
        )
        parser.add_argument("--so-leitura", action="store_true", help=_("Consulta, e não inicia nem encerra nada."))
        parser.add_argument("--revogar", metavar="PREFIXO", help=_("O começo do token, como o administrador o mostra."))

    def handle(self, *args: Any, **options: Any) -> None:
        user = User.objects.filter(username=options["usuario"]).first()
        if user is None:
            raise CommandError(_("Usuário desconhecido: %(usuario)s.") % {"usuario": options["usuario"]}, returncode=2)
        if options["revogar"] is None:
            if options["dias"] is not None and not 1 <= options["dias"] <= MAX_DIAS:
                raise CommandError(_("--dias vai de 1 a %(max_dias)s.") % {"max_dias": MAX_DIAS}, returncode=2)
            chosen = {"dias": options["dias"], "so_leitura": options["so_leitura"]}
            token = TokenAPI(user=user, nome=options["nome"][:100], **chosen)
            self.stdout.write(token.gerar())
            said = _("Guarde o token: ele não será mostrado de novo. Alcance: %(alcance)s, %(validade)s.") % {
                "alcance": token.alcance,
                "validade": token.validade,
            }
            self.stderr.write(said)
            return
        self._revogar(user, options["revogar"])

    def _revogar(self, user: User, prefixo: str) -> None:
        found = list(TokenAPI.objects.filter(user=user, prefixo=prefixo))
        if not found:
            raise CommandError(
                _("%(user)s não tem token que comece por %(prefixo)s.") % {"user": user, "prefixo": prefixo},
                returncode=2,
            )
        n = sum(token.revogar() for token in found)
        self.stdout.write(_("Token revogado.") if n else _("Nada mudou: o token já estava revogado."))
