from argparse import ArgumentParser
from typing import Any

from django.contrib.auth.models import User
from django.core.management.base import BaseCommand, CommandError

from executions.models import TokenAPI
from executions.models.token_api import MAX_DIAS


class Command(BaseCommand):
    help = "Cria um token da API para um usuário e o mostra uma única vez; com --revogar, revoga um."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("usuario", help="Nome do usuário de quem o token terá as permissões.")
        parser.add_argument("--nome", default="linha de comando", help="Para que serve.")
        parser.add_argument("--dias", type=int, help=f"Validade, de 1 a {MAX_DIAS}. Sem ela, vale até ser revogado.")
        parser.add_argument("--so-leitura", action="store_true", help="Consulta, e não inicia nem encerra nada.")
        parser.add_argument("--revogar", metavar="PREFIXO", help="O começo do token, como o administrador o mostra.")

    def handle(self, *args: Any, **options: Any) -> None:
        user = User.objects.filter(username=options["usuario"]).first()
        if user is None:
            raise CommandError(f"Usuário desconhecido: {options['usuario']}.", returncode=2)
        if options["revogar"] is None:
            if options["dias"] is not None and not 1 <= options["dias"] <= MAX_DIAS:
                raise CommandError(f"--dias vai de 1 a {MAX_DIAS}.", returncode=2)
            chosen = {"dias": options["dias"], "so_leitura": options["so_leitura"]}
            token = TokenAPI(user=user, nome=options["nome"][:100], **chosen)
            self.stdout.write(token.gerar())
            said = f"Guarde o token: ele não será mostrado de novo. Alcance: {token.alcance}, {token.validade}."
            self.stderr.write(said)
            return
        self._revogar(user, options["revogar"])

    def _revogar(self, user: User, prefixo: str) -> None:
        found = list(TokenAPI.objects.filter(user=user, prefixo=prefixo))
        if not found:
            raise CommandError(f"{user} não tem token que comece por {prefixo}.", returncode=2)
        n = sum(token.revogar() for token in found)
        self.stdout.write("Token revogado." if n else "Nada mudou: o token já estava revogado.")
