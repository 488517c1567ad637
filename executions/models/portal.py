from collections import Counter
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.core.exceptions import ValidationError
from django.db import models, transaction
from django.db.models import F, FilteredRelation, Q
from django.db.models.functions import Greatest
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from executions import clock
from executions.locks import locked
from executions.models.registro import Registro

if TYPE_CHECKING:
    from django.contrib.auth.models import AbstractBaseUser

    from executions.models.execucao import Execucao

FAILURES_TO_SUSPECT = 5
LOGIN = "login:"  # and the robot's uuid: what a login without an answer is called among the cases
Surto = Sequence[Sequence[Any]]  # [case, item id or None] each
# The history of outages reads the portal's name out of these two again.
FORA = _("%(nome)s não responde: as execuções dele esperam.")
NO_AR = _("%(nome)s voltou a responder.")


class PortalQuerySet(models.QuerySet["Portal"]):
    def com_credenciais_ruins(self, agora: datetime) -> "list[Portal]":
        """All, each with `ruins`: (user, number, refused at, free from) of its credentials that cannot be used now."""
        bad = Q(credenciais__recusada_em__isnull=False) | Q(credenciais__livre_em__gt=agora)
        fields = [F(f"ruim__{name}") for name in ("usuario", "pk", "recusada_em", "livre_em")]
        rows = self.annotate(ruim=FilteredRelation("credenciais", condition=bad))
        named = rows.annotate(r_usuario=fields[0], r_pk=fields[1], r_recusada=fields[2], r_livre=fields[3])
        found: dict[int, Portal] = {}
        for row in named.order_by("nome", "pk", "r_usuario"):
            portal = found.setdefault(row.pk, row)
            vars(portal).setdefault("ruins", [])
            if vars(row)["r_pk"]:
                vars(portal)["ruins"].append(tuple(vars(row)[f"r_{n}"] for n in ("usuario", "pk", "recusada", "livre")))
        return list(found.values())


class Portal(models.Model):
    """A court portal: where it is, what it serves, its manners (interval, sessions) and its circuit breaker.

    `falhas` lists the present run of unanswered cases in a row, as [case, item id] pairs; any answer empties it.
    """

    class Breaker(models.TextChoices):
        CLOSED = "closed", _("no ar")
        OPEN = "open", _("fora do ar")

    slug = models.SlugField(_("código"), unique=True)
    nome = models.CharField(_("nome"), max_length=100)
    adaptador = models.CharField(_("adaptador"), max_length=40, help_text=_("Nome do adaptador, por exemplo projudi."))
    tribunais = models.JSONField(
        _("tribunais"), default=list, help_text=_('Lista de tribunais que atende, por exemplo ["8.09"].')
    )
    base_url = models.URLField(_("endereço"), max_length=300)
    min_interval_s = models.FloatField(_("intervalo mínimo entre consultas (s)"), default=0)
    next_at = models.DateTimeField(_("próxima consulta"), null=True, blank=True, editable=False)
    max_sessions = models.PositiveIntegerField(
        _("máximo de sessões"), null=True, blank=True, help_text=_("Vazio: sem limite próprio.")
    )
    breaker = models.CharField(
        _("situação"), max_length=8, choices=Breaker.choices, default=Breaker.CLOSED, editable=False
    )
    breaker_em = models.DateTimeField(_("situação desde"), null=True, blank=True, editable=False)
    probe_at = models.DateTimeField(_("próxima sondagem"), null=True, blank=True, editable=False)
    falhas = models.JSONField(_("falhas"), default=list, editable=False)

    objects = models.Manager.from_queryset(PortalQuerySet)()

    class Meta:
        db_table = "portais"
        ordering = ["nome"]
        verbose_name = _("portal")
        verbose_name_plural = _("portais")
        constraints = [models.CheckConstraint(condition=models.Q(min_interval_s__gte=0), name="portal_intervalo")]

    def __str__(self) -> str:
        return self.nome

    def clean(self) -> None:
        if self.adaptador not in settings.PORTAIS:
            known = ", ".join(sorted(settings.PORTAIS))
            text = gettext("Adaptador desconhecido. Conhecidos: %(nomes)s.") % {"nomes": known}
            raise ValidationError({"adaptador": text})
        if not isinstance(self.tribunais, list) or not all(isinstance(code, str) for code in self.tribunais):
            raise ValidationError({"tribunais": gettext('Informe uma lista de códigos, por exemplo ["8.09"].')})

    @property
    def fora_do_ar(self) -> bool:
        return self.breaker == self.Breaker.OPEN

    def reservar_vez(self) -> float:
        """Takes the next slot of the minimum interval; returns the seconds to wait for it (0 without an interval).

        Compare-and-swap on `next_at`: each slot is given once, whatever the number of robots and hosts. The wait is
        the caller's, outside any transaction.
        """
        if not self.min_interval_s:
            return 0.0
        while True:
            agora = clock.db_now()
            seen = Portal.objects.values_list("next_at", flat=True).get(pk=self.pk)
            slot = max(seen, agora) if seen else agora
            following = slot + timedelta(seconds=self.min_interval_s)
            if Portal.objects.filter(pk=self.pk, next_at=seen).update(next_at=following):
                return (slot - agora).total_seconds()

    def contar_falha(self, caso: str, item_id: int | None, casos_abertos: int) -> bool:
        """Adds one unanswered case to the run; True when the run is long enough to suspect the portal itself.

        A failed login is one more case. Where the breaker has opened meanwhile, that explains this one too: its attempt
        is given back.
        """
        with transaction.atomic():
            row = locked(Portal.objects.filter(pk=self.pk)).get()
            if row.fora_do_ar:
                row._devolver(_contado([(caso, item_id)]), clock.db_now())
                return False
            row.falhas = [*row.falhas, [caso, item_id]][-50:]
            row.save(update_fields=["falhas"])
        return self.suspeito(row.falhas, casos_abertos)

    @staticmethod
    def suspeito(surto: Surto, casos_abertos: int) -> bool:
        """Is the run that long? FAILURES_TO_SUSPECT different cases, or all open ones when they are fewer."""
        return len({case for case, _ in surto}) >= max(1, min(FAILURES_TO_SUSPECT, casos_abertos))

    @property
    def logins_sem_resposta(self) -> int:
        """How many logins of the run nobody answered."""
        return len({case for case, _ in self.falhas if case.startswith(LOGIN)})

    def respondeu(self) -> None:
        """A case was answered: the run of failures ends. Costs nothing to nobody when there was none."""
        self._com_falhas().update(falhas=[])

    def deixou_entrar(self) -> None:
        """A login was answered, which says nothing of cases: the logins' part of the run ends."""
        self._esquecer(logins=True)

    def respondeu_a_sonda(self) -> None:
        """What was asked of the portal itself was answered, which says nothing of logins: the cases' part ends."""
        self._esquecer(logins=False)

    def _com_falhas(self) -> "models.QuerySet[Portal]":
        return Portal.objects.filter(pk=self.pk).exclude(falhas=[])

    def _esquecer(self, *, logins: bool) -> None:
        with transaction.atomic():
            for row in locked(self._com_falhas()):
                row.falhas = [entry for entry in row.falhas if entry[0].startswith(LOGIN) != logins]
                row.save(update_fields=["falhas"])

    def abrir_disjuntor(self, surto: Surto = ()) -> bool:
        """The portal is down: its batches wait, and the attempts of the run are given back. False if already open.

        `surto`: the run of the robot that found out, of which others' answers may have taken a part out of `falhas`.
        """
        agora = clock.db_now()
        with transaction.atomic():
            row, waiting = self._trancado()
            if row.fora_do_ar:
                return False
            row._devolver(_contado(row.falhas) | _contado(surto), agora)
            row.breaker, row.breaker_em, row.falhas = self.Breaker.OPEN, agora, []
            row.probe_at = agora + timedelta(seconds=settings.PROBE_SECONDS)
            row.save(update_fields=["breaker", "breaker_em", "falhas", "probe_at"])
            fell = row.queda(agora)
            Registro.objects.anotar("portal_fora", fell.mensagem, level="error")
            Registro.objects.repetir(fell, waiting)
        return True

    def queda(self, agora: datetime) -> Registro:
        """The line (unsaved) that says that it does not answer."""
        return Registro(at=agora, evento="portal_fora", level="error", mensagem=str(FORA) % {"nome": self.nome})

    def desculpar(self, surto: Surto) -> None:
        """The portal is silent to one robot, and not known to be down: the attempts of its run alone are given back.

        Its cases still count in `falhas`, without their items: what is given back is given back once.
        """
        with transaction.atomic():
            row, _batches = self._trancado()
            if row.fora_do_ar:
                return  # whoever opened it gave them back
            left = _contado(surto)
            row._devolver(left, clock.db_now())
            for entry in row.falhas:
                if left[tuple(entry)] > 0:
                    left[tuple(entry)] -= 1
                    entry[1] = None
            row.save(update_fields=["falhas"])

    def _trancado(self) -> "tuple[Portal, list[Execucao]]":
        """This row and its open batches, locked: the batches, then the portal, then (by others) their items; so no
        claim comes in between."""
        batches = list(locked(self._abertas().order_by("pk")))
        return locked(Portal.objects.filter(pk=self.pk)).get(), batches

    def _abertas(self) -> "models.QuerySet[Execucao]":
        from executions.models.execucao import Execucao  # noqa: PLC0415 (its own file knows Portal)

        return Execucao.objects.abertas().filter(portal=self)

    def _devolver(self, surto: "Counter[tuple[str, int | None]]", agora: datetime) -> None:
        """Gives the attempts back. Each time is a snooze (T8) of its item, and there are MAX_SNOOZES of them: a case
        that makes its portal look down, every time, ends all the same. One that runs again keeps the attempt it is in.
        """
        from executions.models.job_item import MAX_SNOOZES, JobItem  # noqa: PLC0415 (its own file knows Portal)

        for (_case, item_id), n in surto.items():
            spared = JobItem.objects.filter(pk=item_id or 0, attempts__gt=0, snoozes__lt=MAX_SNOOZES)
            attempts, snoozes = F("attempts") - n, F("snoozes") + 1
            if not spared.em_andamento().update(attempts=Greatest(attempts, 1), snoozes=snoozes):
                spared.pendentes().update(attempts=Greatest(attempts, 0), snoozes=snoozes, available_at=agora)

    def fechar_disjuntor(self) -> None:
        """The probe got through: the portal's batches go on."""
        closed = Portal.objects.filter(pk=self.pk, breaker=self.Breaker.OPEN)
        changes = {"breaker": self.Breaker.CLOSED, "breaker_em": clock.db_now(), "falhas": [], "probe_at": None}
        with transaction.atomic():
            if closed.update(**changes):
                back = Registro.objects.anotar("portal_no_ar", str(NO_AR) % {"nome": self.nome})
                Registro.objects.repetir(back, self._abertas())

    def ganhar_sonda(self, agora: datetime) -> bool:
        """True for the one caller a PROBE_SECONDS that may send a single robot to an open portal."""
        due = Portal.objects.filter(pk=self.pk, breaker=self.Breaker.OPEN, probe_at__lte=agora)
        return bool(due.update(probe_at=agora + timedelta(seconds=settings.PROBE_SECONDS)))

    def antecipar_sonda(self, usuario: "AbstractBaseUser | None" = None) -> bool:
        """The next probe is due now, not in a minute. False when it was due already, or the portal answers."""
        agora = clock.db_now()
        with transaction.atomic():
            later = Portal.objects.filter(pk=self.pk, breaker=self.Breaker.OPEN, probe_at__gt=agora)
            if not later.update(probe_at=agora):
                return False
            Registro.objects.anotar(
                "portal_sondagem", gettext("%(nome)s: sondagem antecipada.") % {"nome": self.nome}, usuario=usuario
            )
        return True


def _contado(surto: Surto) -> Counter[tuple[str, int | None]]:
    return Counter((case, item_id) for case, item_id in surto)
