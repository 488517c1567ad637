"""What needs a person, one small rule each: what happened, what it means, and the link that helps.

A rule reads what is in memory already (`Olhar`) and yields alerts; to add one, write it and name it in REGRAS.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.conf import settings
from django.urls import reverse
from django.utils.http import urlencode
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from executions.ajuda import ALARME
from executions.models import Alarme, Execucao, Portal
from executions.models.execucao_queryset import INTERRUPCOES
from executions.panorama import Panorama
from executions.results import ErroClasse
from executions.sistema import LOOP_SECONDS

MOSTRADOS_ANTES = (Alarme.PORTAL, Alarme.CREDENCIAL, Alarme.DISCO, Alarme.CANARIO)
VERMELHO = 90  # % of a machine's memory or disk


@dataclass(frozen=True)
class Alerta:
    """`selo`: the badge. `titulo` and `texto`: sentences. `url`, `acao`: the link that helps and its words."""

    tom: str
    icone: str
    selo: str
    titulo: str
    texto: str = ""
    url: str = ""
    acao: str = ""
    desde: datetime | None = None


@dataclass(frozen=True)
class Olhar:
    """One look. `portais`: read `com_credenciais_ruins`; `marcadas`: executions read `que_pedem_atencao`."""

    panorama: Panorama
    portais: Sequence[Portal]
    marcadas: Sequence[Execucao]

    @property
    def agora(self) -> datetime:
        return self.panorama.agora

    def esperam_maquina(self) -> list[Execucao]:
        """No machine gives a sign, and no robot of theirs does."""
        at_work = {robo.execucao_id for robo in self.panorama.com_sinal}
        waiting = [e for e in self.panorama.abertas if not e.pausada and e.pk not in at_work]
        return [] if self.panorama.hosts_vivos else waiting

    def esperam(self, portal: Portal) -> list[Execucao]:
        return [e for e in self.panorama.abertas if e.portal_id == portal.pk and not e.pausada]


Regra = Callable[[Olhar], Iterator[Alerta]]


def sem_maquina(olhar: Olhar) -> Iterator[Alerta]:
    n = len(olhar.esperam_maquina())
    if n:
        text = ngettext("%(n)d execução espera.", "%(n)d execuções esperam.", n) % {"n": n}
        how = _("Para ligar uma, digite nela: python manage.py runrobots")
        yield Alerta("bad", "maquina", _("Parado"), _("Nenhuma máquina de robôs está ligada."), f"{text} {how}")


def maquina_sumiu(olhar: Olhar) -> Iterator[Alerta]:
    """Silent while it has robots, or while work waits; one that was switched off in order has no heartbeat at all."""
    for host in olhar.panorama.hosts:
        gone = host.heartbeat_at and host not in olhar.panorama.hosts_vivos
        if gone and (olhar.panorama.abertas or olhar.panorama.robos_em(host)):
            n = sum(robo.host_id == host.pk for robo in olhar.panorama.com_sinal)
            text = ngettext(
                "%(n)d robô dela ainda trabalha, mas nada novo começa nela.",
                "%(n)d robôs dela ainda trabalham, mas nada novo começa nela.",
                n,
            ) % {"n": n}
            text = f"{text if n else _('Os itens dela voltam à fila.')} {_('Confira se está ligada e com rede.')}"
            title = _("A máquina %(nome)s parou de dar sinal.") % {"nome": host.nome}
            yield Alerta("bad", "semrede", _("Sem sinal"), title, text, *_maquina(host.pk), desde=host.heartbeat_at)


def agendador_mudo(olhar: Olhar) -> Iterator[Alerta]:
    """The alarms' own loops may be what has ended: then only who looks can tell. Silent where all was switched off in
    order and nothing is due, and where another rule says as much."""
    look = olhar.panorama
    since = look.agendador_calado(LOOP_SECONDS / settings.TIME_DIVISOR)
    told = olhar.esperam_maquina() or any(row.alarme == Alarme.AGENDADOR for row in look.alarmes)
    missed = look.tem_agenda or look.abertas or any(host.heartbeat_at for host in look.hosts)
    if since and missed and not told:
        text = _("Nada começa na hora marcada e nenhum alerta é avisado. Para ligar: python manage.py runrobots")
        yield Alerta("bad", "relogio", _("Agendador parado"), _("O agendador não trabalha."), text, desde=since)


def cluster_mudo(olhar: Olhar) -> Iterator[Alerta]:
    limit = olhar.agora - timedelta(seconds=settings.CANARY_LIMIT_SECONDS)
    for host in olhar.panorama.hosts_vivos:
        if host.canary_at and host.canary_at < limit:
            title = _("A fila da máquina %(nome)s não anda.") % {"nome": host.nome}
            text = _("O canário dela não volta. O cluster é reiniciado sozinho; se não bastar, reinicie o runrobots.")
            yield Alerta("bad", "pulso", _("Fila parada"), title, text, *_maquina(host.pk), desde=host.canary_at)


def maquina_cheia(olhar: Olhar) -> Iterator[Alerta]:
    for host in olhar.panorama.hosts_vivos:
        if host.memory is not None and host.memory >= VERMELHO:
            title = _("A memória da máquina %(nome)s está em %(n).0f%%.") % {"nome": host.nome, "n": host.memory}
            text = _("Com tão pouca memória livre os navegadores caem. Feche outros programas ou reduza os robôs dela.")
            yield Alerta("bad", "maquina", _("Memória cheia"), title, text, *_maquina(host.pk))


def portal_fora(olhar: Olhar) -> Iterator[Alerta]:
    for portal in olhar.portais:
        waiting = olhar.esperam(portal)
        if portal.fora_do_ar:
            items = sum(e.n_pending for e in waiting)
            text = ngettext(
                "%(n)d item espera, sem gastar tentativa.", "%(n)d itens esperam, sem gastar tentativa.", items
            ) % {"n": items}
            title = _("%(nome)s não responde.") % {"nome": portal.nome}
            url = _lista(estado="aberta", portal=portal.pk)
            yield Alerta("bad", "semrede", _("Fora do ar"), title, text, url, _("Ver execuções"), portal.breaker_em)


def credencial_recusada(olhar: Olhar) -> Iterator[Alerta]:
    for portal in olhar.portais:
        for usuario, _pk, recusada, livre in vars(portal).get("ruins", ()):
            names = {"usuario": usuario, "nome": portal.nome}
            link = (reverse("executions:portais"), _("Ver a credencial"))
            if recusada:
                title = _("%(nome)s recusou a senha de %(usuario)s.") % names
                text = _("Ninguém tenta de novo, para não bloquear a conta. Corrija a senha e reabra as falhas.")
                yield Alerta("bad", "chave", _("Senha recusada"), title, text, *link, desde=recusada)
            elif livre and livre > olhar.agora:
                title = _("%(nome)s bloqueou %(usuario)s por alguns minutos.") % names
                text = _("As execuções dela esperam. Se repetir, use menos sessões ou um intervalo maior.")
                yield Alerta("warn", "cadeado", _("Bloqueada"), title, text, *link)


def precisa_de_pessoa(olhar: Olhar) -> Iterator[Alerta]:
    means = {
        ErroClasse.LAYOUT_MUDOU: (_("Página mudou"), _("a página do portal mudou: avise quem mantém o robô")),
        ErroClasse.CODIGO_2FA: (_("Código pedido"), _("o portal pediu um código de verificação: entre uma vez à mão")),
        ErroClasse.CAPTCHA: (_("Captcha"), _("o portal mostrou um captcha: entre uma vez à mão")),
    }
    for execucao in olhar.marcadas:
        n, classe = vars(execucao).get("n_de_pessoa") or 0, vars(execucao).get("classe_de_pessoa")
        if n and classe:
            selo, what = means[ErroClasse(classe)]
            title = ngettext("%(n)d falha na #%(pk)d:", "%(n)d falhas na #%(pk)d:", n) % {"n": n, "pk": execucao.pk}
            link = _execucao(execucao, _("Ver as falhas"), f"?erro={classe}")
            yield Alerta("warn", "olho", selo, title, f"{what}.", *link)


def interrompida(olhar: Olhar) -> Iterator[Alerta]:
    for execucao in olhar.marcadas:
        if execucao.status == Execucao.Status.ERROR and execucao.motivo_classe in INTERRUPCOES:
            title = _("A execução #%(pk)d parou.") % {"pk": execucao.pk}
            link = _execucao(execucao, _("Ver e reabrir"))
            yield Alerta("bad", "falha", _("Interrompida"), title, execucao.motivo, *link, desde=execucao.finished_at)


def disco_cheio(olhar: Olhar) -> Iterator[Alerta]:
    for host in olhar.panorama.hosts_vivos:
        if host.disco is not None and host.disco >= VERMELHO:
            title = _("O disco da máquina %(nome)s está em %(n).0f%%.") % {"nome": host.nome, "n": host.disco}
            text = _("Sem espaço, nem os navegadores nem o banco de dados escrevem. Apague o que não é preciso.")
            if host.sem_disco:
                text = _("Os robôs dela pararam, sem gastar tentativas, e voltam sozinhos. Apague o que não é preciso.")
            yield Alerta("bad", "maquina", _("Disco cheio"), title, text, *_maquina(host.pk))


def alarmes(olhar: Olhar) -> Iterator[Alerta]:
    """Those of executions/alarmes.py; what another rule shows, and sooner, is left to it."""
    for row in olhar.panorama.alarmes:
        if row.alarme not in MOSTRADOS_ANTES:
            alarme = Alarme(row.alarme)
            link = (f"{reverse('executions:ajuda')}#alarmes", _("O que fazer"))
            yield Alerta(
                "bad", "alerta", str(alarme.label), row.mensagem, str(ALARME[alarme]), *link, desde=row.aberta_em
            )


REGRAS: tuple[Regra, ...] = (
    sem_maquina, portal_fora, credencial_recusada, precisa_de_pessoa, interrompida, maquina_sumiu,
    agendador_mudo, cluster_mudo, maquina_cheia, disco_cheio, alarmes,
)  # fmt: skip


def alertas(olhar: Olhar) -> list[Alerta]:
    """Everything that needs a person now; the red ones first, else in the order of the rules."""
    found = [alerta for regra in REGRAS for alerta in regra(olhar)]
    return sorted(found, key=lambda alerta: alerta.tom != "bad")


def _maquina(pk: int) -> tuple[str, str]:
    return f"{reverse('executions:maquinas')}#maquina-{pk}", _("Ver a máquina")


def _execucao(execucao: Execucao, acao: str, consulta: str = "") -> tuple[str, str]:
    return reverse("executions:execucao", args=[execucao.pk]) + consulta, acao


def _lista(**filtros: str | int) -> str:
    return f"{reverse('executions:execucoes')}?{urlencode(filtros)}"
