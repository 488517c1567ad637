"""Where uploaded bytes wait while a request is read: one nameless temporary file a request, whatever it brings.

Nameless (unlinked when it is made), so that nothing is left when the client goes away or the web process is killed;
one, because a request may bring thousands of files and a process may open about a thousand.
"""

import errno
import io
import tempfile
from contextlib import suppress
from typing import IO, Any

from django.core.files.uploadedfile import UploadedFile
from django.core.files.uploadhandler import FileUploadHandler
from django.db import OperationalError
from django.utils.translation import gettext_lazy as _l

from executions.intake_files import LIMITE_BYTES

SEM_ESPACO = _l("O servidor está sem espaço em disco. Nada foi recebido: avise quem cuida dele e tente mais tarde.")


def sem_espaco(error: BaseException) -> bool:
    """Is this a disk that is full, under the temporary file or under the database?"""
    if isinstance(error, OSError):
        return error.errno in (errno.ENOSPC, errno.EDQUOT)
    # SQLite's words and PostgreSQL's.
    full = ("disk is full", "No space left on device")
    return isinstance(error, OperationalError) and any(words in str(error) for words in full)


class _Trecho(io.RawIOBase):
    """The part of the temporary file that is one uploaded file; reading it never moves the others."""

    def __init__(self, disco: IO[bytes], inicio: int, tamanho: int) -> None:
        super().__init__()
        self._disco, self._inicio, self._tamanho, self._em = disco, inicio, tamanho, 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        base = {io.SEEK_SET: 0, io.SEEK_CUR: self._em, io.SEEK_END: self._tamanho}[whence]
        self._em = max(0, base + offset)
        return self._em

    def readinto(self, buffer: Any) -> int:
        wanted = min(len(buffer), max(0, self._tamanho - self._em))
        self._disco.seek(self._inicio + self._em)
        data = self._disco.read(wanted)
        buffer[: len(data)] = data
        self._em += len(data)
        return len(data)


class Enviado(UploadedFile):
    """`nome_enviado`: the whole name as it came, where Django's own `name` is cut at 255 characters."""

    def __init__(self, file: IO[bytes], nome: str, size: int, content_type: str | None, charset: str | None) -> None:
        super().__init__(file, nome, content_type, size, charset)
        self.nome_enviado = nome


class UmSoArquivo(FileUploadHandler):
    """Keeps at most one byte more than one file may have; `size` tells the whole."""

    def __init__(self, request: Any = None) -> None:
        super().__init__(request)
        self._disco: IO[bytes] | None = None
        self.interrompido = False

    def new_file(self, *args: Any, **kwargs: Any) -> None:
        super().new_file(*args, **kwargs)
        if self._disco is None:
            self._disco = tempfile.TemporaryFile()  # noqa: SIM115 (it lives as long as the request)
        self._inicio = self._disco.seek(0, io.SEEK_END)
        self._guardados = 0

    def receive_data_chunk(self, raw_data: bytes, start: int) -> None:
        assert self._disco is not None
        part = raw_data[: max(0, LIMITE_BYTES + 1 - self._guardados)]
        self._disco.write(part)
        self._guardados += len(part)

    def file_complete(self, file_size: int) -> Enviado:
        assert self._disco is not None
        self._disco.flush()  # a full disk is told here, and not when somebody reads
        piece = io.BufferedReader(_Trecho(self._disco, self._inicio, self._guardados))
        return Enviado(piece, str(self.file_name), file_size, self.content_type, self.charset)

    def upload_interrupted(self) -> None:
        """The client went away in the middle of a file: at once, not when the request is collected as garbage."""
        self.interrompido = True
        self.fechar()

    def fechar(self) -> None:
        if self._disco is not None:
            with suppress(OSError):  # what it has not yet written finds no room
                self._disco.close()
