"""The options of a new execution: what may be chosen, what is proposed, and whether what was sent holds."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from django import forms
from django.conf import settings
from django.utils import timezone
from django.utils.translation import gettext as _

from executions import clock, previsao
from executions.formatos import momento
from executions.models import MAX_ROBOTS, Conferencia, Credencial, Destino, Execucao, Host, Portal, Processo

if TYPE_CHECKING:
    from django.contrib.auth.models import AbstractBaseUser

ROBOS_OFERECIDOS = (1, 2, 3, 4, 6, 8)


@dataclass(frozen=True)
class EscolhaDeRobos:
    """One radio: so many robots, and when the items would be ready; `fora`: more than may log in or find a place."""

    n: int
    previsao: previsao.Previsao | None
    fora: bool = False
    marcada: bool = False

    @property
    def fim(self) -> datetime | None:
        return self.previsao.fim if self.previsao else None


@dataclass
class Alvo:
    """One portal of the lines, how many they are, and the credentials that may be chosen for it."""

    portal: Portal
    itens: int
    credenciais: list[Credencial]
    escolhida: Credencial | None
    erro: str = ""

    @property
    def campo(self) -> str:
        return f"credencial_{self.portal.pk}"


class _Campos(forms.Form):
    titulo = forms.CharField(max_length=200, required=False)
    robo = forms.ChoiceField(choices=lambda: [(name, name) for name in settings.ROBOS])
    mode = forms.ChoiceField(choices=Execucao.Mode.choices)
    prioridade = forms.TypedChoiceField(choices=Execucao.Prioridade.choices, coerce=int)
    max_robots = forms.IntegerField(min_value=1, max_value=MAX_ROBOTS)
    destinos = forms.ModelMultipleChoiceField(Destino.objects.filter(ativo=True), required=False)


class Opcoes:
    """`dados`: what was sent, or None for what is proposed."""

    def __init__(self, draft: Conferencia, usuario: "AbstractBaseUser", dados: Mapping[str, Any] | None = None) -> None:
        self._agora = clock.db_now()
        self._dados = dados if dados and "max_robots" in dados else None
        self._form = _Campos(self._dados) if self._dados else None
        self._robos = list(Processo.objects.vivos().robos().com_item())
        self._hosts = [host for host in Host.objects.vivos(self._agora) if host.recebe()]
        self.alvos = self._alvos(draft, usuario)
        self.destinos = list(Destino.objects.filter(ativo=True))

    # ---- what was sent -----------------------------------------------------------------------------------------------
    @property
    def validas(self) -> bool:
        return bool(self._form and self._form.is_valid()) and not any(alvo.erro for alvo in self.alvos)

    @property
    def erros(self) -> dict[str, str]:
        """What is wrong with each field, or ""."""
        errors = self._form.errors if self._form else {}
        return {name: str(errors[name][0]) if name in errors else "" for name in _Campos.base_fields}

    @property
    def campos(self) -> dict[str, Any]:
        """For `conferencias.enfileirar`."""
        assert self._form is not None
        chosen = {alvo.portal.pk: alvo.escolhida for alvo in self.alvos}
        return self._form.cleaned_data | {"credenciais": chosen}

    def valor(self, nome: str, proposto: Any = "") -> Any:
        return self._dados.get(nome, "") if self._dados else proposto

    # ---- what is shown -----------------------------------------------------------------------------------------------
    @property
    def titulo(self) -> str:
        return str(self.valor("titulo", titulo_proposto(self._agora)))

    @property
    def mode(self) -> str:
        return str(self.valor("mode", Execucao.Mode.HEADLESS))

    @property
    def prioridades(self) -> list[tuple[int, str, bool]]:
        """(value, word, chosen)."""
        sent = str(self.valor("prioridade", Execucao.Prioridade.NORMAL.value))
        return [(p.value, str(p.label), str(p.value) == sent) for p in Execucao.Prioridade]

    @property
    def robo(self) -> str:
        return str(self.valor("robo", "peticoes"))

    @property
    def robos(self) -> list[tuple[str, str]]:
        words = {"peticoes": _("Verificador de petições")}
        return [(name, words.get(name, name)) for name in settings.ROBOS]

    @property
    def avisar(self) -> list[int]:
        chosen = self._dados.getlist("destinos") if self._dados else []  # type: ignore[attr-defined]
        return [int(pk) for pk in chosen if pk.isdecimal()]

    @property
    def impossivel(self) -> list[Portal]:
        """Portals without any credential: nothing can be started for them."""
        return [alvo.portal for alvo in self.alvos if not alvo.credenciais]

    def escolhas(self) -> list[EscolhaDeRobos]:
        """One radio a number of robots, with a forecast when there is one portal: two batches wait for each other."""
        alvo = self.alvos[0] if len(self.alvos) == 1 and self.alvos[0].escolhida else None
        sent = str(self.valor("max_robots", ""))
        wanted = int(sent) if sent.isdecimal() and len(sent) < 5 else 0
        limit, sample = sum(host.places for host in self._hosts) or ROBOS_OFERECIDOS[-1], None
        if alvo and alvo.escolhida:
            sample = previsao.amostra_do_portal(alvo.portal, self._agora)
            limit = min([n for n in (alvo.portal.max_sessions, alvo.escolhida.max_sessions) if n] + [limit])
        within = [n for n in ROBOS_OFERECIDOS if n <= limit]
        above = [n for n in ROBOS_OFERECIDOS if n > limit][:1]
        marked = wanted or min(2, limit)
        return [
            EscolhaDeRobos(n, self._prever(alvo, sample, n) if n <= limit else None, n > limit, n == marked)
            for n in sorted({*within, *above, marked})
        ]

    def _prever(self, alvo: Alvo | None, sample: "previsao.Amostra | None", n: int) -> "previsao.Previsao | None":
        if not alvo or not sample or not sample.basta:
            return None
        useful = previsao.efetivos(n, sample, alvo.portal.min_interval_s)
        return previsao.simular(alvo.itens, sample, useful, self._agora)

    def bloqueada(self, credencial: Credencial) -> bool:
        """Does the portal keep this login out for some minutes? By the clock that the robots go by."""
        return credencial.bloqueada(self._agora)

    def em_uso(self, credencial: Credencial) -> list[Execucao]:
        """The executions whose robots use this login now."""
        found = {
            r.execucao_id: r.execucao for r in self._robos if r.execucao and r.execucao.credencial_id == credencial.pk
        }
        return [execucao for execucao in found.values() if execucao]

    def _alvos(self, draft: Conferencia, usuario: "AbstractBaseUser") -> list[Alvo]:
        served = draft.linhas.all().que_entram().por_portal()
        logins = list(Credencial.objects.filter(portal__in=served).order_by("usuario"))
        last = dict(
            Execucao.objects.filter(usuario=usuario.pk, portal__in=served).order_by("pk")
            .values_list("portal", "credencial")[:1000]
        ) if len(logins) > len(served) else {}  # fmt: skip
        return [
            self._alvo(portal, n, [c for c in logins if c.portal_id == portal.pk], last) for portal, n in served.items()
        ]

    def _alvo(self, portal: Portal, n: int, logins: list[Credencial], last: Mapping[int, int]) -> Alvo:
        usable = [c for c in logins if not c.recusada_em]
        if self._dados is None:
            best = next((c for c in usable if c.pk == last.get(portal.pk)), usable[0] if usable else None)
            return Alvo(portal, n, logins, best)
        sent = str(self._dados.get(f"credencial_{portal.pk}", ""))
        chosen = next((c for c in logins if str(c.pk) == sent), None)
        if chosen is None:
            return Alvo(portal, n, logins, None, _("Escolha a credencial."))
        erro = _("O portal recusou esta credencial: corrija a senha dela antes.") if chosen.recusada_em else ""
        return Alvo(portal, n, logins, chosen, erro)


def titulo_proposto(agora: datetime) -> str:
    """ "Petições de 25/11, tarde"."""
    local = timezone.localtime(agora)
    part = _("manhã") if local.hour < 12 else _("tarde") if local.hour < 18 else _("noite")
    return _("Petições de %(dia)s, %(parte)s") % {"dia": momento(local, "dia"), "parte": part}
