"""The command ``audiolect``: collects the verbs and turns errors into letters and exit codes.

Conventions: a verb imports what it needs when it runs, so that ``--help`` answers at once. Exit codes: 0 done, 1 a bar
was not held, 2 bad input (with a letter on standard error), 130 stopped by the user, 143 ended by another program
(SIGTERM, as batch systems send it); both clean up before they end.

Public names: app, run.
"""

from __future__ import annotations

import io
import json
import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import NoReturn

import typer

from audiolect.cli import (
    about,
    captioning,
    checking,
    comparing,
    data,
    dividing,
    exchange,
    fetching,
    packing,
    planning,
    predicting,
    publishing,
    running,
    scoring,
    searching,
    tour,
    training,
)
from audiolect.cli.console import errors_console
from audiolect.errors import AudiolectError

_EPILOG = "Begin with: audiolect demo    Then: audiolect prepare soundworld --out world && audiolect show world"

app = typer.Typer(
    name="audiolect",
    help="Find, describe and answer questions about sound: one street from raw audio to a report.",
    epilog=_EPILOG,
    no_args_is_help=True,
    add_completion=True,
    pretty_exceptions_enable=False,
    rich_markup_mode="rich",
    context_settings={"help_option_names": ["-h", "--help"]},
)
fetching.add_verbs(app)
data.add_verbs(app)
checking.add_verbs(app)
exchange.add_verbs(app)
dividing.add_verbs(app)
comparing.add_verbs(app)
planning.add_verbs(app)
packing.add_verbs(app)
training.add_verbs(app)
predicting.add_verbs(app)
captioning.add_verbs(app)
scoring.add_verbs(app)
publishing.add_verbs(app)
searching.add_verbs(app)
running.add_verbs(app)
tour.add_verbs(app)
about.add_verbs(app)


class _Terminated(SystemExit):
    """SIGTERM came. It unwinds as Ctrl-C does, so that what is half-written is removed and workers end."""


def run(arguments: list[str] | None = None) -> None:
    """Run the command line and exit the process."""
    arguments = sys.argv[1:] if arguments is None else arguments
    sys.argv = ["audiolect", *arguments]  # the cards of datasets quote it
    _never_fail_at_a_letter()
    try:
        with _unwound_by_sigterm():
            app(args=arguments, prog_name="audiolect", standalone_mode=True)
    except AudiolectError as error:
        if "--json" in arguments:
            sys.stdout.write(json.dumps({"error": type(error).__name__} | error.parts()) + "\n")
        errors_console().print(_letter(error), highlight=False, markup=False, soft_wrap=True)
        sys.exit(error.exit_code)
    except KeyboardInterrupt:
        _stopped(130)
    except _Terminated:
        _stopped(143)


def _never_fail_at_a_letter() -> None:
    """Print ``?`` for what the encoding of the output lacks: a caption may hold any letter, a terminal only some."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")


@contextmanager
def _unwound_by_sigterm() -> Iterator[None]:
    if threading.current_thread() is not threading.main_thread():
        yield  # only the main thread may set handlers
        return
    before = signal.signal(signal.SIGTERM, _terminate)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def _terminate(number: int, frame: FrameType | None) -> NoReturn:  # noqa: ARG001 - what a handler is given
    signal.signal(signal.SIGTERM, signal.SIG_IGN)  # a second one must not cut the cleaning short
    raise _Terminated


def _stopped(exit_code: int) -> NoReturn:
    errors_console().print("Stopped. Nothing half-written remains.", highlight=False)
    sys.exit(exit_code)


def _letter(error: AudiolectError) -> str:
    return f"audiolect: {error}"
