"""The log of a run: appended after a point, bounded, and kept."""

import re
from pathlib import Path
from typing import Any

import pytest
from django.test import Client
from hypothesis import given
from hypothesis import strategies as st

from executions import saida_lida
from executions.models import Processo, Saida
from executions.saida_lida import LINHAS, NA_PAGINA, PEDACOS, Ponto
from tests.pages import (
    HTMX,
    como,
    pagina_leve,  # noqa: F401 (a fixture)
)
from tests.processos import (
    escrever,
    novo_script,
    pasta_de_scripts,  # noqa: F401 (a fixture)
    rodada,
    terminada,
)

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("grupos", "pagina_leve")]


class Leitor:
    """A page that follows a run's log."""

    def __init__(self, row: Processo, depois: str | None = None) -> None:
        self.client, self.url = como("Operadores"), f"/processos/{row.uuid}/"
        if depois is None:
            self._take(self.client.get(self.url))
        else:
            self.tick = f"{self.url}?depois={depois}"

    def _take(self, response: Any) -> list[tuple[str, str]]:
        if response.status_code == 204:
            return []
        self.html = response.content.decode()
        found = re.search(r'hx-get="([^"]+)"', self.html)
        self.tick = found[1].replace("&amp;", "&") if found else ""
        return re.findall(r'<li class="c-(\w+)"[^>]*>.*?<p>(.*?)</p>', self.html, re.DOTALL)

    def poll(self) -> list[tuple[str, str]]:
        self.response = self.client.get(self.tick, headers=HTMX)
        return self._take(self.response)


def test_new_lines_are_appended_after_the_point_and_nothing_new_is_204(pasta: Path) -> None:
    row = rodada(novo_script(pasta))
    escrever(row, "um\ndois\n")
    page = Leitor(row)
    assert "depois=1&" in page.tick
    assert page.poll() == [] and page.response.status_code == 204
    escrever(row, "três\n")
    escrever(row, "ai\n", "err")
    assert page.poll() == [("out", "três"), ("err", "ai")]
    assert '<ol hx-swap-oob="beforeend:#log-linhas">' in page.html
    assert 'class="lv is-idle">saída<' in page.html and 'class="lv is-bad">erros<' in page.html
    assert page.poll() == [] and page.response.status_code == 204


def test_markup_in_the_output_is_text_and_colour_codes_are_left_out(pasta: Path) -> None:
    row = rodada(novo_script(pasta))
    escrever(row, "<script>alert(1)</script> \x1b[31mvermelho\x1b[0m\n10%\r20%\r30%\n")
    html = como("Operadores").get(f"/processos/{row.uuid}/").content.decode()
    assert "<p>&lt;script&gt;alert(1)&lt;/script&gt; vermelho</p>" in html
    assert "<p>30%</p>" in html


def test_a_line_that_comes_in_pieces_is_one_line(pasta: Path) -> None:
    row = rodada(novo_script(pasta))
    escrever(row, "come")
    escrever(row, "erro no meio\n", "err")
    escrever(row, "ço\nfim")
    page = Leitor(row, "0")
    assert page.poll() == [("out", "começo"), ("err", "erro no meio"), ("out", "fim")]
    assert "depois=3o&" in page.tick
    escrever(row, " de verdade\n")
    assert page.poll() == [("out", " de verdade")]
    assert '<li class="c-out" data-segue>' in page.html


def test_an_answer_holds_at_most_500_lines_and_the_rest_is_asked_for_at_once(pasta: Path) -> None:
    row = rodada(novo_script(pasta))
    escrever(row, "".join(f"linha {n}\n" for n in range(1200)))
    page, got = Leitor(row, "0"), []
    for expected in (LINHAS, LINHAS, 200):
        lines = page.poll()
        assert len(lines) == expected
        assert f'data-ritmo="{250 if expected == LINHAS else 2000}"' in page.html
        got += [text for _, text in lines]
    assert got == [f"linha {n}" for n in range(1200)]
    assert page.poll() == []


def test_who_is_far_behind_gets_the_last_lines_and_is_told(pasta: Path) -> None:
    row = rodada(novo_script(pasta))
    escrever(row, "".join(f"linha {n}\n" for n in range(NA_PAGINA + 1)))
    lines = Leitor(row, "0").poll()
    assert lines[0][0] == "aviso" and "Linhas puladas" in lines[0][1]
    assert len(lines) == LINHAS + 1 and lines[-1] == ("out", f"linha {NA_PAGINA}")
    for n in range(PEDACOS + 5):
        escrever(row, f"pedaço {n}\n")
    assert Leitor(row, "1").poll()[-1] == ("out", f"pedaço {PEDACOS + 4}")


def test_a_page_begins_with_the_last_lines(pasta: Path) -> None:
    row = rodada(novo_script(pasta))
    escrever(row, "".join(f"linha {n}\n" for n in range(700)))
    html = Leitor(row).html
    assert html.count('<li class="c-out"') == LINHAS
    assert "linha 699" in html and "linha 199<" not in html
    assert '<p class="sm quiet pad" id="log-anteriores">' in html
    assert '<p class="sm quiet pad" id="log-anteriores" hidden>' in Leitor(rodada(novo_script(pasta))).html


def test_the_polling_stops_when_it_ended_and_all_was_read(pasta: Path) -> None:
    row = rodada(novo_script(pasta))
    page = Leitor(row)
    escrever(row, "".join(f"linha {n}\n" for n in range(LINHAS + 1)))
    assert row.terminar("exited", motivo="falha", exit_code=-9, erro="Sinal SIGKILL.")
    assert len(page.poll()) == LINHAS and 'data-ritmo="250"' in page.html
    assert page.poll() == [("out", f"linha {LINHAS}")]
    assert page.tick == "" and "data-ritmo" not in page.html
    html = como("Operadores").get(f"/processos/{row.uuid}/").content.decode()
    assert "SIGKILL · falhou" in html and "Sinal SIGKILL." in html and "hx-get" not in html
    assert "linha 500" in html  # kept after the end


def test_a_cut_output_says_so_where_it_was_cut(pasta: Path) -> None:
    row = terminada(novo_script(pasta), saida_cortada=True)
    escrever(row, "linha 1\n")
    escrever(row, "\n[saída cortada: 9 caracteres omitidos; limite de 64 KB]\n", "aviso")
    escrever(row, "fim\n")
    lines = Leitor(row, "0").poll()
    assert [canal for canal, _ in lines] == ["out", "aviso", "out"]
    assert "saída cortada: 9 caracteres omitidos" in lines[1][1]
    assert "A saída passou do limite" in como("Operadores").get(f"/processos/{row.uuid}/").content.decode()


@pytest.mark.parametrize("depois", ["", "x", "-1", "1;2", "9" * 40, "1.x", "٣"])
def test_a_point_that_makes_no_sense_is_the_beginning(depois: str, pasta: Path) -> None:
    row = rodada(novo_script(pasta))
    escrever(row, "um\n")
    assert Leitor(row, depois).poll() == [("out", "um")]


chunks = st.lists(st.tuples(st.sampled_from(["out", "err"]), st.text("ab\n", min_size=1, max_size=12)), max_size=12)


@given(chunks, st.integers(1, 7), st.integers(0, 12))
def test_however_it_is_cut_every_channel_reads_as_it_was_written(written: Any, lines: int, at_first: int) -> None:
    saidas = [Saida(n=n, canal=canal, texto=texto) for n, (canal, texto) in enumerate(written, start=1)]
    point, got = Ponto(), {"out": "", "err": ""}
    for there in (saidas[:at_first], saidas):
        while True:
            after = point.n if point.ate is None else point.n - 1
            pieces = list(saida_lida._pedacos([s for s in there if s.n > after], point))[:lines]
            if not pieces:
                break
            found, open_ones = saida_lida._linhas(pieces, set(point.abertas))
            for line in found:
                assert line.segue == bool(got[line.canal] and not got[line.canal].endswith("\n"))
                got[line.canal] += line.bruto
            point = Ponto.ler(str(saida_lida._fim(pieces, point, open_ones)))
    assert got == {canal: "".join(t for c, t in written if c == canal) for canal in got}


# ---- download -------------------------------------------------------------------------------------------------------
def test_the_log_is_downloaded_whole_as_an_attachment(pasta: Path) -> None:
    row = terminada(novo_script(pasta))
    for n in range(45):
        escrever(row, f"linha {n} ção\n", "err" if n % 2 else "out")
    response = como("Operadores").get(f"/processos/{row.uuid}/log")
    assert response["Content-Type"] == "text/plain; charset=utf-8"
    assert response["X-Content-Type-Options"] == "nosniff"
    assert re.fullmatch(r'attachment; filename="[\w.-]+-\d+\.log"', response["Content-Disposition"])
    assert b"".join(response.streaming_content).decode() == "".join(f"linha {n} ção\n" for n in range(45))


def test_who_may_not_read_outputs_sees_the_run_but_not_its_log(pasta: Path) -> None:
    row = terminada(novo_script(pasta))
    escrever(row, "segredo\n")
    client: Client = como("Leitores")
    html = client.get(f"/processos/{row.uuid}/").content.decode()
    assert "0 · concluiu" in html and "segredo" not in html and "Baixar log" not in html
    assert client.get(f"/processos/{row.uuid}/?depois=0", headers=HTMX).content.decode().count("segredo") == 0
    assert client.get(f"/processos/{row.uuid}/log").status_code == 403
