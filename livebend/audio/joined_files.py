"""Files that were joined byte by byte: each part is opened by itself.

A decoder goes on over a join with the first part's rate and channels, or stops there. MP3 and ADTS
name both in every frame, so they need no help.
"""

import os
from abc import ABC, abstractmethod
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

FLAC = b"fLaC\x00\x00\x00\x22"  # the beginning, with the header of the stream's first block
OGG_HEADER, OGG_FIRST = 27, 2  # bytes of a page's header; flag of a stream's first page
CHUNK = 1 << 16

Source = str | BinaryIO  # what av.open opens


def parts_of(path: Path) -> Iterator[Source]:
    """Yield what to open for each part of the file, one after another; most files have one.

    A part must be read to its end before the next is asked for. Raises: OSError.
    """
    with path.open("rb") as file:
        head = file.read(4)
        if head == b"OggS":
            yield from _until_end(_OggLink, file)
        elif head == b"fLaC":
            yield from _until_end(_FlacLink, file)
        else:
            yield name_for_ffmpeg(path)
            if head in (b"RIFF", b"FORM"):
                yield from _later_riffs(file, head)


def name_for_ffmpeg(path: Path) -> str:
    """Return a name that FFmpeg takes for a file, even `21:30.mp4` or `concat:a`."""
    return f"file:{path}"


class _Link(ABC):
    """One part of a file, read in order; its end is found on the way.

    next: the first bytes of the part after it, once this one is read; none where the file ended.
    """

    def __init__(self, file: BinaryIO, kept: bytes = b"") -> None:
        self._file, self._buffer, self.next = file, bytearray(kept), b""
        self._ended = False

    def readable(self) -> bool:
        return True

    def read(self, size: int) -> bytes:
        """Return the next bytes; none at the end of the part."""
        while len(self._buffer) < size and not self._ended:
            more = self._more()
            self._ended = not more or bool(self.next)
            self._buffer += more
        given = bytes(self._buffer[:size])
        del self._buffer[:size]
        return given

    @abstractmethod
    def _more(self) -> bytes:
        """Return the next piece of the part, with `next` set where it is the last; none at the end
        of the file."""


class _OggLink(_Link):
    """A link of a chained Ogg file: up to the first page of a stream after other pages."""

    def __init__(self, file: BinaryIO, kept: bytes = b"") -> None:
        super().__init__(file, kept)
        self._began = False

    def _more(self) -> bytes:
        header = self._file.read(OGG_HEADER)
        if len(header) < OGG_HEADER or header[:4] != b"OggS":
            return header + self._file.read(CHUNK)  # broken: left to the decoder
        sizes = self._file.read(header[26])
        page = header + sizes + self._file.read(sum(sizes))
        is_first = bool(header[5] & OGG_FIRST)
        if is_first and self._began:
            self.next = page
            return b""
        self._began = self._began or not is_first
        return page


class _FlacLink(_Link):
    """A FLAC file of several: up to the next beginning."""

    def __init__(self, file: BinaryIO, kept: bytes = b"") -> None:
        super().__init__(file)
        self._ahead, self._given = kept, 0

    def _more(self) -> bytes:
        data = self._ahead + self._file.read(CHUNK)
        place = data.find(FLAC, 0 if self._given else 1)
        if place >= 0:
            data, self.next, self._ahead = data[:place], data[place:], b""
        else:
            keep = min(len(FLAC) - 1, len(data)) if len(data) > len(self._ahead) else 0
            data, self._ahead = data[: len(data) - keep], data[len(data) - keep :]
        self._given += len(data)
        return data


def _until_end(kind: type[_Link], file: BinaryIO) -> Iterator[BinaryIO]:
    file.seek(0)
    kept = b""
    while True:
        link = kind(file, kept)
        yield link  # type: ignore[misc]
        while link.read(CHUNK):
            pass
        kept = link.next
        if not kept:
            return


def _later_riffs(file: BinaryIO, kind: bytes) -> Iterator[BinaryIO]:
    """Yield the WAV or AIFF files behind the first."""
    end, size = 0, os.fstat(file.fileno()).st_size
    while True:
        file.seek(end)
        head = file.read(8)
        if end and head[:4] != kind:
            return
        if end:
            yield _Rest(file, end)  # type: ignore[misc]
        length = int.from_bytes(head[4:], "little" if kind == b"RIFF" else "big")
        end += 8 + length + length % 2
        if end + 8 > size:
            return


class _Rest:
    """A file from a place on."""

    def __init__(self, file: BinaryIO, start: int) -> None:
        self._file, self._start, self._place = file, start, 0

    def readable(self) -> bool:
        return True

    def read(self, size: int) -> bytes:
        self._file.seek(self._start + self._place)
        data = self._file.read(size)
        self._place += len(data)
        return data

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        size = os.fstat(self._file.fileno()).st_size - self._start
        self._place = offset + (0, self._place, size)[whence]
        return self._place

    def tell(self) -> int:
        return self._place
