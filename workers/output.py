"""A script's output: files that it appends to, read a few times a second, kept in the database up to a limit.

The script never waits for us: it writes to files, not to a pipe. What lies beyond the limit is cut with a notice; the
last part is kept, because that is where an error speaks. The files on disk are emptied as they are read.
"""

import codecs
import os
import re
from dataclasses import dataclass, field
from pathlib import Path

CHUNK_BYTES = 64 * 1024
READ_BYTES = 4 * 1024 * 1024
TAIL_BYTES = 16 * 1024
KEPT_ON_DISK_BYTES = 8 * 1024 * 1024
PROGRESS = re.compile(r"^::progress\s+(\d+(?:\.\d+)?)(?:\s*/\s*(\d+(?:\.\d+)?)|\s*%)?\s*(.*)$", re.MULTILINE)
PERCENT = re.compile(r"(?<![\d.,])(\d{1,3})%")


@dataclass(frozen=True)
class Chunk:
    """A piece of one channel (`out` or `err`), as text."""

    canal: str
    texto: str


@dataclass(frozen=True)
class Progress:
    percent: float
    text: str


@dataclass
class Channel:
    """One file, from where it was read last."""

    name: str
    path: Path
    offset: int = 0
    decoder: codecs.IncrementalDecoder = field(default_factory=lambda: codecs.getincrementaldecoder("utf-8")("replace"))

    def read(self) -> str:
        """What was appended since, at most READ_BYTES. The file is emptied once it has grown large and is read out."""
        with self.path.open("r+b") as handle:
            size = os.fstat(handle.fileno()).st_size
            if size < self.offset:
                self.offset = 0  # the script truncated it
            handle.seek(self.offset)
            data = handle.read(READ_BYTES)
            self.offset += len(data)
            if self.offset >= KEPT_ON_DISK_BYTES and self.offset == os.fstat(handle.fileno()).st_size:
                # Opened for appending, the script goes on at the new end.
                handle.truncate(0)
                self.offset = 0
        return self.decoder.decode(data).replace("\0", "\N{REPLACEMENT CHARACTER}")


class Output:
    """Both channels of one run. `limit`: bytes (of text, roughly) kept beside the tail."""

    def __init__(self, folder: Path, limit: int) -> None:
        self.channels = [Channel("out", folder / "saida.txt"), Channel("err", folder / "erros.txt")]
        for channel in self.channels:
            channel.path.touch(mode=0o600)
        self.limit = limit
        self.total = 0
        self.kept = 0
        self.progress: Progress | None = None
        self._tail: dict[str, str] = {}
        self.last_error = ""

    @property
    def cut(self) -> bool:
        return self.total > self.limit

    def read(self) -> list[Chunk]:
        """What is new and within the limit, in chunks; the progress that it told is in `progress`."""
        chunks: list[Chunk] = []
        for channel in self.channels:
            text = channel.read()
            if not text:
                continue
            self.total += len(text)
            self.progress = _progress(text) or self.progress
            if channel.name == "err":
                self.last_error = (self.last_error + text)[-2000:]
            room = max(0, self.limit - self.kept)
            head, rest = text[:room], text[room:]
            self.kept += len(head)
            chunks += [Chunk(channel.name, head[i : i + CHUNK_BYTES]) for i in range(0, len(head), CHUNK_BYTES)]
            self._remember(channel.name, rest)
        return chunks

    def _remember(self, canal: str, text: str) -> None:
        """The last part of each channel: a flood in one must not wash away what the other said."""
        if text:
            self._tail[canal] = (self._tail.get(canal, "") + text)[-TAIL_BYTES:]

    def end(self) -> list[Chunk]:
        """The rest, then (when something was cut) the notice and the last part. Nothing is written after it."""
        chunks: list[Chunk] = []
        while True:
            before = self.total
            chunks += self.read()
            if self.total == before:
                break
        if not self._tail:
            return chunks
        shown = sum(map(len, self._tail.values()))
        missing = self.total - self.kept - shown
        notice = f"\n[saída cortada: {missing} caracteres omitidos; limite de {self.limit // 1024} KB]\n"
        return [*chunks, Chunk("aviso", notice if missing else ""), *(Chunk(*last) for last in self._tail.items())]


def _progress(text: str) -> Progress | None:
    """The last progress that this text tells: `::progress 40/100 words` (or `40%`), else a bare `NN%`."""
    told = PROGRESS.findall(text[-READ_BYTES:])
    if told:
        done, total, words = told[-1]
        of = float(total or 100)
        return Progress(max(0.0, min(100.0, 100 * float(done) / of)) if of else 0.0, words.strip()[:200])
    bare = [int(n) for n in PERCENT.findall(text[-2000:]) if int(n) <= 100]
    return Progress(float(bare[-1]), "") if bare else None
