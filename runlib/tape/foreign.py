"""Reads tapes of cmlkit, the predecessor of runlib, and never writes them.

They are framed like runlib's tapes (metadata, ``===``, records each followed by ``---``), but metadata and records are
YAML and have no hashes. So damage is found only if it breaks the YAML, the shape of a record, or the order of trials
(``tid`` counts 0, 1, 2, ...; a trial ends once, after it was suggested). The error names the line. An unterminated
record at the end is torn. The YAML is read as strictly as in configs, but two forms in which PyYAML wrote Python's and
numpy's own types are accepted: ``!!float "np.float64(1.3)"`` and ``!!python/tuple``.

The suggestion of a trial comes from its ``suggest`` record. The copy in its outcome is not compared. A success without
a finite loss, which cmlkit accepted, becomes an ``InvalidResult``. If a result equals, to the last digit, that of an
earlier trial with the same suggestion, it was taken from that trial (``of``). The tapes hold no times, so ``t`` is 0.
"""

from __future__ import annotations

import itertools
import math
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, BinaryIO

import yaml

from runlib.engine.data.canonical import hash_suggestion
from runlib.engine.data.yamlfile import parse_yaml
from runlib.errors import ConfigError, TapeCorrupt, TapeFormat
from runlib.tape.codec import METADATA_END, RECORD_END
from runlib.tape.events import Record, Submit, Suggest
from runlib.tape.reader import Position, Tail, TapeReader

__all__ = ["ForeignReader", "is_foreign", "open_tape"]

_FIRST_LINE = re.compile(rb"\{?\s*run\s*:")  # A tape of runlib begins with a quoted key.
_BEGUN_TERMINATOR = re.compile(rb"\n(-{1,3})\Z")  # No key of a record begins with a hyphen.
_NUMPY_FLOAT = re.compile(r"np\.float(?:16|32|64)\(([-+]?(?:inf|nan|(?:\d+\.?\d*|\.\d+)(?:e[-+]?\d+)?))\)")
_TUPLE = ("!!", "python/tuple")
_FLOAT = ("!!", "float")
MOST = 1_000_000  # values of one record; cmlkit kept large results in their records
_NUMBERS = ("cost", "duration", "var")  # keys of an outcome; a value that is no number is dropped


def is_foreign(path: Path) -> bool:
    """Returns whether a file begins like a tape of cmlkit; False if it cannot be read."""
    try:
        with path.open("rb") as file:
            return _FIRST_LINE.match(file.readline(80)) is not None
    except OSError:
        return False


def open_tape(path: Path) -> TapeReader:
    """Returns a reader for a tape of runlib or of cmlkit.

    Raises:
        NotARun: The file does not exist.
        TapeFormat: The file is no tape, or has another format.
        TapeCorrupt: The tape is damaged.
    """
    return ForeignReader(path) if is_foreign(path) else TapeReader(path)


class ForeignReader(TapeReader):
    """Iterates over the records of a tape of cmlkit, as ``Suggest`` and ``Submit``.

    Its ``position`` has no hash. Its ``tail`` holds the unterminated end, if there is one.

    Args:
        path: The path of the file.

    Raises:
        TapeFormat: The metadata is not that of a run of cmlkit.
        TapeCorrupt: A record is no strict YAML, has another shape, or cannot follow the records before it; the message
            has its number and line.
    """

    def __init__(self, path: Path) -> None:
        self._line = 1
        self._live: dict[int, str] = {}  # tid -> eid
        self._suggested = 0
        self._known: dict[tuple[str, str], int] = {}  # (eid, hash of the result) -> first such trial
        super().__init__(path)

    def _read_head(self) -> Position:
        with self._open() as file:
            block = _read_block(file, METADATA_END)
        config = self._parse(block.removesuffix(METADATA_END), 0) if block.endswith(b"\n" + METADATA_END) else None
        if not _is_run(config):
            raise TapeFormat(
                f"{self.path} is no tape of runlib, and none of cmlkit either: its metadata is not the config of a "
                "run, followed by a line ===",
                path=self.path,
            )
        self._metadata = config
        self._line += block.count(b"\n")
        return Position(0, len(block), b"")

    def __iter__(self) -> Iterator[Record]:
        with self._open() as file:
            file.seek(self.position.offset)
            while block := _read_block(file, RECORD_END):
                missing = _missing(block)
                if missing is None:
                    self.tail = Tail(self.position.offset, block)
                    return
                yield self._take(block, missing)
                if missing:
                    self.tail = Tail(self.position.offset - len(missing), b"", missing)

    def _take(self, block: bytes, missing: bytes) -> Record:
        n = self.position.n + 1
        body = (block + missing).removesuffix(RECORD_END)
        event = self._event(self._parse(body, n), n)
        self.position = Position(n, self.position.offset + len(block) + len(missing), b"")
        self._line += block.count(b"\n")
        return Record(n, 0.0, event)

    def _parse(self, body: bytes, n: int) -> Any:
        try:
            return parse_yaml(_without_tags(body.decode()), "it", MOST)
        except UnicodeDecodeError as error:
            line = self._line + body[: error.start].count(b"\n")
            raise self._damaged(n, f"it is no UTF-8 text: {error.reason}", line) from error
        except ConfigError as error:
            mark = getattr(error.__cause__, "problem_mark", None) or getattr(error.__cause__, "context_mark", None)
            reason = f"it is no strict YAML: {str(error).partition(': ')[2]}"
            raise self._damaged(n, reason, self._line + (mark.line if mark else 0)) from error

    def _event(self, data: Any, n: int) -> Suggest | Submit:
        kind, body = next(iter(data.items())) if isinstance(data, dict) and len(data) == 1 else (None, None)
        inner = {"suggest": "suggestion", "submit": "result"}.get(kind or "")
        if inner is None or not isinstance(body, dict) or body.keys() != {"tid", inner}:
            raise self._damaged(n, "it is neither {suggest: {suggestion, tid}} nor {submit: {result, tid}}")
        tid = body["tid"]
        if isinstance(tid, bool) or not isinstance(tid, int):
            raise self._damaged(n, f"tid must be a whole number, got {repr(tid)[:60]}")
        return self._suggest(tid, body[inner], n) if kind == "suggest" else self._submit(tid, body[inner], n)

    def _suggest(self, tid: int, suggestion: Any, n: int) -> Suggest:
        if tid != self._suggested:
            raise self._damaged(n, f"it suggests trial {tid}, where trial {self._suggested} is next")
        self._suggested += 1
        self._live[tid] = hash_suggestion(suggestion)
        return Suggest(tid, suggestion)

    def _submit(self, tid: int, given: Any, n: int) -> Submit:
        if tid not in self._live:
            raise self._damaged(n, f"it ends trial {tid}, which is not live")
        reason = _refusal(given)
        if reason is not None:
            raise self._damaged(n, reason)
        result = _as_result(given)
        known = self._known.setdefault((self._live.pop(tid), hash_suggestion(result)), tid)
        return Submit(tid, result, of=None if known == tid else known)

    def _damaged(self, n: int, reason: str, line: int | None = None) -> TapeCorrupt:
        what = f"record {n}" if n else "the metadata"
        way = f"; what lies before it can still be checked out with at={n - 1}" if n else ""
        return TapeCorrupt(
            f"{self.path}, a tape of cmlkit, is damaged at {what}, line {line or self._line}: {reason}{way}",
            path=self.path,
            n=n,
            offset=self.position.offset if n else 0,
        )


def _read_block(file: BinaryIO, end: bytes) -> bytes:
    """Returns the lines up to the line ``end``, or up to the end of the file."""
    lines = []
    for line in file:
        lines.append(line)
        if line == end:
            break
    return b"".join(lines)


def _missing(block: bytes) -> bytes | None:
    """Returns what the terminator of a record lacks; None if the record itself may lack something."""
    if block.endswith(b"\n" + RECORD_END) or block == RECORD_END:
        return b""
    begun = _BEGUN_TERMINATOR.search(block)
    return None if begun is None else RECORD_END[len(begun.group(1)) :]


def _without_tags(text: str) -> str:
    """Returns the text with PyYAML's two forms rewritten for a reader of the core schema."""
    if "!!" not in text:
        return text
    try:
        tokens = list(yaml.scan(text))
    except (yaml.YAMLError, ValueError, OverflowError):
        return text  # The reader of the text reports what is wrong, and where.
    parts, at = [], 0
    for tag, token in itertools.pairwise(tokens):
        found = _replacement(tag, token)
        if found is not None:
            parts += [text[at : tag.start_mark.index], found[0]]
            at = found[1]
    return "".join([*parts, text[at:]])


def _replacement(tag: yaml.Token, token: yaml.Token) -> tuple[str, int] | None:
    """Returns the text that replaces a tag and the token after it, and their end; None for all but the two forms."""
    if not isinstance(tag, yaml.TagToken):
        return None
    if tag.value == _TUPLE:
        return "", tag.end_mark.index
    if tag.value != _FLOAT or not isinstance(token, yaml.ScalarToken):
        return None
    number = _NUMPY_FLOAT.fullmatch(token.value)
    if number is None:
        return None
    return f"!!float {number.group(1).replace('inf', '.inf').replace('nan', '.nan')}", token.end_mark.index


def _is_run(metadata: Any) -> bool:
    config = metadata.get("run") if isinstance(metadata, dict) else None
    if not isinstance(config, dict) or not {"search", "evaluator", "stop"} <= config.keys():
        return False
    names = config.get("caught_exceptions", [])
    return isinstance(names, list) and all(isinstance(name, str) for name in names)


def _refusal(result: Any) -> str | None:
    """Returns why this is no result; None if it is one."""
    if not isinstance(result, dict) or result.keys() not in ({"ok"}, {"error"}):
        return "its result is neither {ok: {...}} nor {error: {...}}"
    [(state, outcome)] = result.items()
    if not isinstance(outcome, dict):
        return f"its result is {state} without an outcome"
    name = outcome.get("error", "")
    if state == "error" and not isinstance(name, str):
        return f"the name of its error must be text, got {repr(name)[:60]}"
    return None


def _as_result(given: dict[str, Any]) -> dict[str, Any]:
    """Returns the result in runlib's form: without the suggestion, and ``ok`` only with a finite loss."""
    [(state, outcome)] = given.items()
    kept = {k: v for k, v in outcome.items() if k != "suggestion" and (k not in _NUMBERS or _is_finite(v))}
    if state == "error":
        return {"error": kept}
    loss = kept.pop("loss", None)
    if _is_finite(loss):
        return {"ok": {"loss": float(loss), **kept}}
    text = f"a success without a finite loss, but {repr(loss)[:60]}"
    return {"error": {**kept, "error": "InvalidResult", "error_text": text}}


def _is_finite(value: Any) -> bool:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return False
    try:
        return math.isfinite(float(value))
    except OverflowError:
        return False
