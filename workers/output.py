"""A script's output: files that it appends to, read a few times a second, kept in the database up to a limit.

The script never waits for us: it writes to files, not to a pipe. What lies beyond the limit is cut with a notice; the
last part is kept, because that is where an error speaks. The files on disk are emptied as they are read; what a flood
writes beyond the limit faster than it can be read is skipped, so that it fills no disk.
"""

import codecs
import os
import re
from dataclasses import dataclass, field
from pathlib import Path

from django.utils.translation import gettext as _

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
    lost: int = 0  # bytes after what was read last that nobody will read
    decoder: codecs.IncrementalDecoder = field(default_factory=lambda: codecs.getincrementaldecoder("utf-8")("replace"))

    def read(self, *, only_the_end: bool) -> tuple[str, int]:
        """(what was appended since, at most READ_BYTES; how many bytes before it were skipped).

        `only_the_end`: when more was appended than that, the last of it instead of the first. The file is emptied once
        it has grown large and is read out; a flood's at once, whatever comes in meanwhile.
        """
        with self.path.open("r+b") as handle:
            size = os.fstat(handle.fileno()).st_size
            if size < self.offset:
                self.offset = 0  # the script truncated it
            skipped, self.lost = self.lost, 0
            flood = only_the_end and size - self.offset > READ_BYTES
            if flood:
                skipped += size - READ_BYTES - self.offset
                self.offset = size - READ_BYTES
            handle.seek(self.offset)
            data = handle.read(READ_BYTES)
            self.offset += len(data)
            behind = os.fstat(handle.fileno()).st_size - self.offset
            if flood or (self.offset >= KEPT_ON_DISK_BYTES and not behind):
                # Opened for appending, the script goes on at the new end.
                handle.truncate(0)
                self.offset, self.lost = 0, max(0, behind)
        if skipped:
            self.decoder.reset()
        return self.decoder.decode(data).replace("\0", "\N{REPLACEMENT CHARACTER}"), skipped


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
            text, skipped = channel.read(only_the_end=self.kept >= self.limit)
            self.total += len(text) + skipped
            if skipped:
                self._tail[channel.name] = ""  # the last part is in one piece, or shorter
            if not text:
                continue
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
        notice = _("\n[saída cortada: %(missing)s caracteres omitidos; limite de %(n)s KB]\n") % {
            "missing": missing,
            "n": self.limit // 1024,
        }
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
