"""Replays the tape of a run that is continued, and so rebuilds its search and its state."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from runlib.engine.code.trust import Trust
from runlib.errors import UnknownKind
from runlib.run.continuation.source import Source
from runlib.run.folder import opening
from runlib.run.folder.folder import RunFolder
from runlib.run.parts import restored_search
from runlib.run.settings import known_settings
from runlib.search.base import Search
from runlib.state.state import State
from runlib.tape.events import Session
from runlib.tape.reader import Position, Tail, TapeReader

__all__ = ["Past"]


class Past:
    """Holds what the whole tape of one run says; the caller holds the lock of the run.

    Attributes:
        folder: The folder of the run.
        config: The arguments of the run in the first line of its tape.
        source: The source of its definitions.
        search: The search of the run, after the replay of the tape.
        state: The state of the run, after the replay of the tape.
        end: The end of the tape.

    Args:
        folder: The folder of the run.
        evaluator: The evaluator that was given to a restore, or its name; None if none was given.
        search: The search that was given to a restore, or its config; None if none was given.
        context: The context that is handed to the search.
        verify: Whether to ask the search again for every suggestion.
        trust: The rule for what the tape may import.

    Raises:
        ReplayMismatch: The search does not make the suggestions that are on the tape.
        TapeError: The tape cannot be used.
        ConfigError: The search cannot be made.
    """

    def __init__(
        self,
        folder: RunFolder,
        evaluator: Any = None,
        *,
        search: Any = None,
        context: Mapping[str, Any] | None = None,
        verify: bool = False,
        trust: Trust | None = None,
    ) -> None:
        self.folder = folder
        metadata = TapeReader(folder.tape).metadata
        self.config = known_settings(metadata["run"])
        self.source = Source(folder, metadata, evaluator, trust)
        self._learn(opening.first_session(folder), 1)
        self.search = self._make_search(search, context)
        self.state: State = opening.live_state(metadata, folder.tape, self.search)
        self.end: tuple[Position, Tail | None] = opening.catch_up(folder, self.state, None, verify)
        self._learn(self.noted, self.state.last_session_n)

    @property
    def noted(self) -> dict[str, Any]:
        """Returns the data that the last session recorded."""
        return self.state.last_session

    @property
    def settings(self) -> dict[str, Any]:
        """Returns the arguments of the run, with the changes that sessions made."""
        return known_settings({**self.config, **self.state.changes})

    def _learn(self, noted: dict[str, Any], n: int) -> None:
        self.source.learn(noted, n)
        with self.source.standing_in():
            opening.load_plugins(noted)

    def _make_search(self, given: Any, context: Mapping[str, Any] | None) -> Search:
        try:
            with self.source.standing_in():
                return restored_search(given, self.config["search"], context)
        except UnknownKind:
            records = TapeReader(self.folder.tape)  # a later session may have recorded where the kind is defined
            sessions = [(record.event.info, record.n) for record in records if isinstance(record.event, Session)]
            if len(sessions) < 2:
                raise
            self._learn(*sessions[-1])
        with self.source.standing_in():
            return restored_search(given, self.config["search"], context)
