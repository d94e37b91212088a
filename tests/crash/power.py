"""A disk that remembers what it was told, and the states in which a power loss may leave it.

What is forced down (``sync`` for the bytes of a file, ``sync_folder`` for the names in a folder) stays. Of the rest
anything may be there: of names that were made, renamed or taken away, each folder as it was or as it is; of
bytes that were added, none, some, zeros or garbage in their place, or later ones without those before.
"""

from __future__ import annotations

import itertools
import os
import random
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from runlib.engine import disk

__all__ = ["File", "Folder", "Model", "RecordingDisk"]


class RecordingDisk(disk.Disk):
    """Does what it is told below ``root`` and keeps a list of it; forcing things down is noted only.

    Attributes:
        done: Operations in order: their name, the path below ``root``, and what belongs to them.
        told: What left the process, by ``tell``: how many operations were done then, and what was told.
    """

    def __init__(self, root: Path) -> None:
        self.root = root
        self.done: list[tuple[Any, ...]] = []
        self.told: list[tuple[int, Any]] = []
        self._files: dict[int, int] = {}

    def tell(self, what: Any) -> None:
        self.told.append((len(self.done), what))

    def _note(self, name: str, *arguments: Any) -> None:
        short = (a.relative_to(self.root).parts if isinstance(a, Path) else a for a in arguments)
        self.done.append((name, *short))

    def open(self, path: Path, flags: int, at: int | None = None) -> int:
        fd = super().open(path, flags, at)
        self._files[fd] = len(self.done)  # the number of this operation names the open file
        self._note("open", path, flags)
        return fd

    def write(self, fd: int, data: bytes | memoryview) -> int:
        taken = super().write(fd, data)
        self._note("write", self._files[fd], bytes(data[:taken]))
        return taken

    def sync(self, fd: int) -> None:
        self._note("sync", self._files[fd])

    def sync_folder(self, path: Path, at: int | None = None) -> None:
        self._note("sync_folder", path)

    def truncate(self, fd: int, size: int) -> None:
        super().truncate(fd, size)
        self._note("truncate", self._files[fd], size)

    def replace(self, source: Path, target: Path, at: int | None = None) -> None:
        super().replace(source, target, at)
        self._note("rename", source, target)

    def rename_folder(self, source: Path, target: Path) -> None:
        super().rename_folder(source, target)
        self._note("rename", source, target)

    def mkdir(self, path: Path, at: int | None = None) -> None:
        super().mkdir(path, at)
        self._note("mkdir", path)

    def unlink(self, path: Path, at: int | None = None) -> None:
        super().unlink(path, at)
        self._note("remove", path)

    def rmdir(self, path: Path, at: int | None = None) -> None:
        super().rmdir(path, at)
        self._note("remove", path)


@dataclass(eq=False)
class File:
    """Bytes: those that were forced down, and those that a reader sees now."""

    durable: bytes = b""
    data: bytes = b""

    def after_power_loss(self, seed: int) -> list[bytes]:
        """What may be in it; the same number of states for every file, so that they can be combined."""
        old, new = self.durable, self.data
        if old.startswith(new):  # it was cut, which happens or does not
            return [old, new] * 5
        if not new.startswith(old):  # it was written over
            return [old, new, b"", new[:-1], bytes(len(new))] * 2
        tail = new[len(old) :]
        a, b = len(tail) // 3, 2 * len(tail) // 3
        zeros, garbage = bytes(len(tail)), random.Random(seed).randbytes(len(tail))
        tails = [
            b"",
            tail,
            tail[:a],
            tail[:-1],
            zeros,
            garbage,
            zeros[:a] + tail[a:],  # a later block is there, an earlier one is not
            tail[:a] + zeros[a:b] + tail[b:],
            tail[:b] + garbage[b:],
            garbage[:a] + tail[a:],
        ]
        return [old + part for part in tails]


@dataclass(eq=False)
class Folder:
    """Names: those that were forced down, and those that a reader sees now."""

    durable: dict[str, File | Folder] = field(default_factory=dict)
    names: dict[str, File | Folder] = field(default_factory=dict)


class Model:
    """What is on the disk after some of the operations that were recorded."""

    def __init__(self) -> None:
        self.root = Folder()
        self._handles: dict[int, tuple[File, int, bool]] = {}  # number of the opening -> file, place, appending
        self._count = 0

    @classmethod
    def of(cls, root: Path) -> Model:
        """The model of a folder that lies on the disk since long."""
        model = cls()
        model.root = _load(root)
        return model

    def apply(self, operation: tuple[Any, ...]) -> None:
        """Take in the next operation."""
        name, *arguments = operation
        getattr(self, f"on_{name}")(*arguments)
        self._count += 1

    def _at(self, parts: tuple[str, ...]) -> Any:
        node: Any = self.root
        for part in parts:
            node = node.names[part]
        return node

    def on_open(self, parts: tuple[str, ...], flags: int) -> None:
        file = self._at(parts[:-1]).names.setdefault(parts[-1], File())
        if flags & os.O_TRUNC:
            file.data = b""
        self._handles[self._count] = file, 0, bool(flags & os.O_APPEND)

    def on_write(self, number: int, data: bytes) -> None:
        file, place, appending = self._handles[number]
        place = len(file.data) if appending else place
        file.data = file.data[:place] + data + file.data[place + len(data) :]
        self._handles[number] = file, place + len(data), appending

    def on_sync(self, number: int) -> None:
        file = self._handles[number][0]
        file.durable = file.data

    def on_sync_folder(self, parts: tuple[str, ...]) -> None:
        folder = self._at(parts)
        folder.durable = dict(folder.names)

    def on_truncate(self, number: int, size: int) -> None:
        file = self._handles[number][0]
        file.data = file.data[:size]

    def on_rename(self, source: tuple[str, ...], target: tuple[str, ...]) -> None:
        node = self._at(source[:-1]).names.pop(source[-1])
        self._at(target[:-1]).names[target[-1]] = node

    def on_mkdir(self, parts: tuple[str, ...]) -> None:
        self._at(parts[:-1]).names[parts[-1]] = Folder()

    def on_remove(self, parts: tuple[str, ...]) -> None:
        del self._at(parts[:-1]).names[parts[-1]]

    def after_power_loss(self) -> Iterator[dict[str, bytes | None]]:
        """The states in which the power may leave the disk: path -> bytes, or None for a folder; each one once."""
        seen: set[int] = set()
        for outer, inner in itertools.product((False, True), repeat=2):
            paths = dict(_walk(self.root, (outer, inner)))
            files = {path: file.after_power_loss(self._count) for path, file in paths.items() if isinstance(file, File)}
            for k in range(10):
                state = {path: files[path][k] if path in files else None for path in paths}
                key = hash(tuple(state.items()))
                if key not in seen:
                    seen.add(key)
                    yield state


def _walk(folder: Folder, current: tuple[bool, bool], above: str = "") -> Iterator[tuple[str, File | Folder]]:
    """Everything in a folder by its path, each folder with the names of now or with those that were forced down."""
    for name, node in (folder.names if current[0] else folder.durable).items():
        yield above + name, node
        if isinstance(node, Folder):
            yield from _walk(node, (current[1], current[1]), f"{above}{name}/")


def _load(path: Path) -> Folder:
    names: dict[str, File | Folder] = {
        item.name: _load(item) if item.is_dir() else File(item.read_bytes(), item.read_bytes())
        for item in sorted(path.iterdir())
    }
    return Folder(dict(names), names)
