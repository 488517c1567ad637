import threading
import time
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from types import SimpleNamespace

from django.db import models
from django.db.models import F
from django.utils.translation import gettext_lazy as _


class Medida(models.Model):
    """What all robots together have counted and timed since the installation began: how often, and for how long.

    Sums of their own, because what they tell of leaves no row: a claim that got nothing, a visit without an answer.
    And because they outlive the history of the robots, a purge of which takes nothing away here.
    """

    class Nome(models.TextChoices):
        TOMADA = "tomada", _("tomada")
        VISITA = "visita", _("visita")

    nome = models.CharField(max_length=10, choices=Nome.choices)
    rotulo = models.CharField(_("rótulo"), max_length=60)  # a claim's result, a portal's slug
    vezes = models.BigIntegerField(_("vezes"), default=0)
    segundos = models.FloatField(_("segundos"), default=0)

    class Meta:
        db_table = "medidas"
        verbose_name = _("medida")
        constraints = [models.UniqueConstraint(fields=["nome", "rotulo"], name="uma_soma_por_medida")]

    def __str__(self) -> str:
        return f"{self.get_nome_display()} {self.rotulo}"

    @classmethod
    def somar(cls, nome: str, rotulo: str, vezes: int, segundos: float) -> None:
        rows = cls.objects.filter(nome=nome, rotulo=rotulo)
        added = {"vezes": F("vezes") + vezes, "segundos": F("segundos") + segundos}
        if not rows.update(**added):
            Medida.objects.bulk_create([Medida(nome=nome, rotulo=rotulo)], ignore_conflicts=True)
            rows.update(**added)

    @classmethod
    def somas(cls, nome: str) -> dict[str, tuple[int, float]]:
        """By their label: how often, for how many seconds."""
        rows = cls.objects.filter(nome=nome).order_by("rotulo").values_list("rotulo", "vezes", "segundos")
        return {rotulo: (vezes, segundos) for rotulo, vezes, segundos in rows}


class Medidor:
    """This process's sums, until they are added to the table."""

    TOMADAS = ("ok", "cheio", "vazio", "erro")

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._sums = self._nada()

    @staticmethod
    def _nada() -> "defaultdict[tuple[str, str], tuple[int, float]]":
        return defaultdict(lambda: (0, 0.0))

    @contextmanager
    def tomada(self) -> Iterator[SimpleNamespace]:
        """A claim: `ok`, `cheio` (max_robots items of the batch run), or `vazio` until its `resultado` is set."""
        claim, began = SimpleNamespace(resultado="vazio"), time.monotonic()
        try:
            yield claim
        except BaseException:
            claim.resultado = "erro"
            raise
        finally:
            self._somar(Medida.Nome.TOMADA, claim.resultado, 1, time.monotonic() - began)

    @contextmanager
    def visita(self, portal: str) -> Iterator[None]:
        """A visit to this portal, with or without an answer."""
        began = time.monotonic()
        try:
            yield
        finally:
            self._somar(Medida.Nome.VISITA, portal, 1, time.monotonic() - began)

    def _somar(self, nome: str, rotulo: str, vezes: int, segundos: float) -> None:
        with self._lock:
            before = self._sums[nome, rotulo]
            self._sums[nome, rotulo] = (before[0] + vezes, before[1] + segundos)

    def gravar(self) -> None:
        """Adds them to the table. A database that refuses leaves them for the next time.

        Each row by a statement of its own, outside a transaction: a robot that is frozen here must not hold a row
        that the others' hearts wait for.
        """
        with self._lock:
            sums, self._sums = self._sums, self._nada()
        try:
            while sums:
                (nome, rotulo), (vezes, segundos) = next(iter(sums.items()))
                Medida.somar(nome, rotulo, vezes, segundos)
                del sums[nome, rotulo]
        finally:
            for (nome, rotulo), (vezes, segundos) in sums.items():
                self._somar(nome, rotulo, vezes, segundos)


medidor = Medidor()
