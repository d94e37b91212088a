"""Suggests the right option or command to a user who types the name that another tool gives it."""

from __future__ import annotations

from typing import Any

from typer.core import TyperCommand, TyperGroup

from runlib.engine.legible import legible_line
from runlib.engine.synonyms import near

__all__ = ["KnownCommands", "KnownOptions"]

_COMMANDS = {
    "run": "start optimize optimise tune launch",
    "restore": "resume continue load reopen",
    "status": "show info state describe watch",
    "top": "best leaderboard results",
    "enqueue": "add push try",
    "void": "delete remove invalidate drop",
    "annotate": "note comment remark tag",
    "stop": "kill abort cancel end",
    "fork": "branch copy clone",
    "verify": "check validate fsck",
    "repair": "fix recover mend",
}


class KnownOptions(TyperCommand):
    """Runs a command, and knows other names of its options."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Parses arguments as the base class does; the error for an unknown option names the option that is meant."""
        options = [option for parameter in self.params for option in parameter.opts if option.startswith("--")]
        try:
            return super().parse_args(ctx, args)
        except Exception as error:  # its class comes from typer or from click, depending on the version
            wrong = getattr(error, "option_name", None)
            if isinstance(wrong, str) and not getattr(error, "possibilities", True):
                error.possibilities = _meant(wrong, options)  # type: ignore[attr-defined]
            _make_legible(error)
            raise


class KnownCommands(TyperGroup):
    """Runs a group of commands, and knows other names of them."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Parses arguments as the base class does, and makes the text that an error quotes safe to print."""
        try:
            return super().parse_args(ctx, args)
        except Exception as error:
            _make_legible(error)
            raise

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        """Finds a command as the base class does; the error for an unknown command names the command that is meant."""
        try:
            return super().resolve_command(ctx, args)
        except Exception as error:
            said = getattr(error, "message", None)
            meant = [command for command, words in _COMMANDS.items() if args and args[0] in words.split()]
            if isinstance(said, str) and meant:
                error.message = f"No such command {args[0]!r}. Did you mean {meant[0]!r}?"  # type: ignore[attr-defined]
            _make_legible(error)
            raise


def _make_legible(error: Exception) -> None:
    """Makes the texts of an error safe to print, because typed text may be a file name that anyone has chosen."""
    for name in ("message", "option_name"):
        if isinstance(said := getattr(error, name, None), str):
            setattr(error, name, legible_line(said))


def _meant(wrong: str, options: list[str]) -> list[str]:
    plain = {option.lstrip("-").replace("-", "_"): option for option in options}
    return [plain[name] for name in near(wrong.lstrip("-").replace("-", "_"), plain)]
