"""Uploads: refused before they are read when they are too big, and nothing left behind when they break off."""

import http.client
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import Group, User
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.test import Client
from django.utils.crypto import get_random_string

from executions import intake_files
from executions.models import ArquivoEnviado, Conferencia, Execucao, LinhaConferida
from tests import chain
from tests.api import Api
from tests.factories import nova_credencial
from tests.intake_helpers import NOME, OUTRO, numero_de, pdf
from tests.pages import HTMX, como, pagina_leve  # noqa: F401 (a fixture)
from tests.web import web

URL = "/execucoes/nova/conferir"


@pytest.mark.django_db
@pytest.mark.usefixtures("grupos", "pagina_leve")
class TestLimits:
    def send(self, *arquivos: Any, nomes: str = "", **headers: str) -> Any:
        return como("Operadores").post(URL, {"nomes": nomes, "arquivos": arquivos}, headers=headers)

    def test_too_much_is_refused_unread_with_the_limit(self, settings: Any, monkeypatch: pytest.MonkeyPatch) -> None:
        settings.UPLOAD_MAX_BYTES = 2**20
        monkeypatch.setattr(
            "django.http.request.HttpRequest._load_post_and_files", lambda _: pytest.fail("it was read")
        )
        response = self.send(SimpleUploadedFile(NOME, b"%PDF-" + b"x" * 2**20))
        assert response.status_code == 413
        assert "passam de 1 MB, o limite de um envio. Nada foi recebido" in response.content.decode()
        assert Conferencia.objects.count() == 0

    def test_an_unknown_length_is_refused_unread(self) -> None:
        client = como("Operadores")
        assert (
            client.post(URL, b"x", content_type="multipart/form-data; boundary=a", CONTENT_LENGTH="muito").status_code
            == 413
        )

    def test_too_many_files_or_names_are_refused_with_the_limit(self, settings: Any) -> None:
        settings.DATA_UPLOAD_MAX_NUMBER_FILES = 2
        response = self.send(*(SimpleUploadedFile(f"{n}.pdf", b"%PDF-") for n in range(3)), **HTMX)
        assert response.status_code == 413 and "no máximo 2 arquivos" in response.content.decode()
        settings.DATA_UPLOAD_MAX_MEMORY_SIZE = 2**20
        response = self.send(nomes="x" * (2**20 + 1))
        assert response.status_code == 413 and "passam de 1 MB" in response.content.decode()

    def test_one_file_over_its_own_limit_is_a_refused_line(self, monkeypatch: pytest.MonkeyPatch) -> None:
        nova_credencial()
        monkeypatch.setattr("executions.envios.LIMITE_BYTES", 1000)
        monkeypatch.setattr("executions.conferencias.LIMITE_BYTES", 1000)
        self.send(SimpleUploadedFile(NOME, b"%PDF-" + b"x" * 2000), SimpleUploadedFile(f"{OUTRO}.pdf", pdf("a")))
        assert [linha.erro for linha in LinhaConferida.objects.all()] == [intake_files.arquivo_grande(), ""]
        assert ArquivoEnviado.objects.get(nome=NOME).conteudo is None

    def test_a_draft_holds_no_more_than_one_upload_may_bring(self, settings: Any) -> None:
        client, settings.UPLOAD_MAX_BYTES = como("Operadores"), 3000
        page = client.post(URL, {"arquivos": SimpleUploadedFile(NOME, pdf("a") + b" " * 1500)})["Location"]
        client.post(f"{page}conferir", {"arquivos": SimpleUploadedFile(f"{OUTRO}.pdf", pdf("b") + b" " * 1500)})
        assert "no máximo 0 MB ao todo" in LinhaConferida.objects.get(ordem=2).erro

    def test_two_thousand_files_need_one_descriptor(self) -> None:
        before = len(os.listdir("/proc/self/fd"))
        seen: list[int] = []
        client = como("Operadores")
        files = [SimpleUploadedFile(f"{n}.pdf", b"%PDF-" + b"%d" % n) for n in range(1500)]
        from executions import conferencias  # noqa: PLC0415

        real = conferencias.conferir
        try:
            conferencias.conferir = lambda draft, nomes, enviados, portal: seen.extend(  # type: ignore[assignment]
                [
                    len(os.listdir("/proc/self/fd")),
                    sum(e.read() == b"%PDF-" + b"%d" % n for n, e in enumerate(enviados)),
                ]
            )
            client.post(URL, {"arquivos": files})
        finally:
            conferencias.conferir = real
        assert seen[1] == 1500 and seen[0] - before < 20


SEM_ESPACO = "O servidor está sem espaço em disco"


@pytest.fixture
def disco_cheio(monkeypatch: pytest.MonkeyPatch) -> None:
    """The file in which uploads wait lies on a disk without room: the kernel's own."""
    monkeypatch.setattr("executions.envios.tempfile.TemporaryFile", lambda: open("/dev/full", "w+b"))  # noqa: SIM115


@contextmanager
def banco_cheio() -> Iterator[None]:
    """SQLite takes no page more, and says of it what it says of a full disk."""
    with connection.cursor() as cursor:
        cursor.execute("VACUUM")  # or what the tests before deleted would still be room
        pages = cursor.execute("PRAGMA page_count").fetchone()[0]
        cursor.execute(f"PRAGMA max_page_count = {pages}")
        try:
            yield
        finally:
            cursor.execute("PRAGMA max_page_count = 4294967294")


@pytest.mark.django_db
@pytest.mark.usefixtures("grupos", "pagina_leve", "disco_cheio")
@pytest.mark.parametrize("size", [10, 2**20])
def test_an_upload_on_a_full_disk_is_refused_with_507_and_a_sentence(size: int) -> None:
    sent = {"arquivos": SimpleUploadedFile(NOME, b"%PDF-" + b"x" * size)}
    response = como("Operadores").post(URL, sent)
    assert response.status_code == 507 and SEM_ESPACO in response.content.decode()
    assert (Conferencia.objects.count(), ArquivoEnviado.objects.count()) == (0, 0)


@pytest.mark.django_db
@pytest.mark.usefixtures("disco_cheio")
@pytest.mark.parametrize("size", [10, 2**20])
def test_the_api_answers_an_upload_on_a_full_disk_with_a_507_problem(settings: Any, size: int) -> None:
    settings.SECURE_SSL_REDIRECT = False
    nova_credencial()
    response = Api("enfileirar").form("/enqueue", {"files": SimpleUploadedFile(NOME, b"%PDF-" + b"x" * size)})
    problem = response.json()
    assert (response.status_code, problem["status"], problem["title"]) == (507, 507, "Sem espaço em disco")
    assert SEM_ESPACO in problem["detail"] and Execucao.objects.count() == 0


@pytest.mark.once
@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("grupos", "pagina_leve")
def test_a_full_disk_under_the_database_refuses_an_upload_with_507_and_keeps_nothing_of_it(settings: Any) -> None:
    if connection.vendor != "sqlite":
        pytest.skip("SQLite's own limit stands for a full disk")
    settings.SECURE_SSL_REDIRECT = False
    nova_credencial()
    operator, api = como("Operadores"), Api("enfileirar")
    names = "\n".join(f"{numero_de(k, '8.99')}_1234_{10000 + k}_Manifestação.pdf" for k in range(1, 3000))
    with banco_cheio():
        page = operator.post(URL, {"nomes": names})
        answer = api.form("/enqueue", {"files": names.splitlines()})
    assert (page.status_code, answer.status_code) == (507, 507)
    assert SEM_ESPACO in page.content.decode() and SEM_ESPACO in answer.json()["detail"]
    assert (Execucao.objects.count(), LinhaConferida.objects.count()) == (0, 0)
    assert operator.post(URL, {"nomes": NOME}).status_code == 302  # and with room again it goes on


def session(user: User) -> Client:
    client = Client()
    client.force_login(user)
    return client


def half_an_upload(port: int, client: Client) -> http.client.HTTPConnection:
    """Announces 20 MB, sends 8 of them (a good name and token first), and stays."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
    connection.putrequest("POST", URL)
    client.cookies["csrftoken"] = token = get_random_string(32)
    cookies = "; ".join(f"{name}={morsel.value}" for name, morsel in client.cookies.items())
    fields = {"csrfmiddlewaretoken": token, "nomes": NOME}.items()
    head = b"".join(f'--a\r\nContent-Disposition: form-data; name="{n}"\r\n\r\n{v}\r\n'.encode() for n, v in fields)
    head += b'--a\r\nContent-Disposition: form-data; name="arquivos"; filename="x.pdf"\r\n\r\n'
    for name, value in {
        "Content-Type": "multipart/form-data; boundary=a",
        "Content-Length": 20 * 2**20,
        "Cookie": cookies,
    }.items():
        connection.putheader(name, str(value))
    connection.endheaders()
    connection.send(head + b"%PDF-" + b"x" * 8 * 2**20)
    return connection


def holding(folder: Path) -> set[int]:
    """The processes that have a file of this folder open, named or not, with more than a megabyte in it."""
    found = set()
    for link in Path("/proc").glob("[0-9]*/fd/*"):
        try:
            if os.readlink(link).startswith(f"{folder}/") and link.stat().st_size > 2**20:
                found.add(int(link.parts[2]))
        except OSError:
            continue
    return found


@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("grupos")
@pytest.mark.parametrize("end", ["the client goes away", "the web process is killed"])
def test_an_upload_that_breaks_off_leaves_nothing(tmp_path: Path, end: str) -> None:
    user = User.objects.create_user("marina")
    user.groups.add(Group.objects.get(name="Operadores"))
    nova_credencial()
    folder = tmp_path / "tmp"
    folder.mkdir()
    with web(workers=1, TMPDIR=folder) as port:
        connection = half_an_upload(port, session(user))
        chain.wait_for(lambda: holding(folder), 20, "the upload to be on disk")
        (pid,) = holding(folder)
        if end == "the client goes away":
            connection.close()
        else:
            os.kill(pid, 9)
        chain.wait_for(lambda: not holding(folder), 20, "its end")
        time.sleep(0.2)
        assert [entry for entry in folder.iterdir() if entry.is_file() and entry.stat().st_size] == []
        connection.close()
    assert (Execucao.objects.count(), Conferencia.objects.count(), ArquivoEnviado.objects.count()) == (0, 0, 0)
