"""Programs in Java that measure captions: finding a Java, talking to a program line by line, waiting with a limit.

Conventions: programs run with English numbers and UTF-8 whatever the machine speaks; their memory is stated. One that
does not answer in time, or ends early, is ended and becomes a letter with the last of what it said.

Public names: OLDEST_JAVA, Java, find_java, java_version, java_command, coco_package, ask_lines, run_to_end.
"""

from __future__ import annotations

import importlib.util
import os
import queue
import re
import shutil
import subprocess
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from audiolect.errors import MissingDependency, WorkerDied

OLDEST_JAVA = 8

_VERSION = re.compile(r'version "(\d+)(?:\.(\d+))?')
_ASK_SECONDS = 60.0
_LOOK_EVERY_SECONDS = 0.2
_TAIL_CHARACTERS = 600
_FIX = "install a Java, 8 to 21, as by apt install default-jre-headless, or name one by JAVA_HOME or --java"


@dataclass(frozen=True, slots=True)
class Java:
    """A Java that runs here: its program, and 8, 11, 17 …"""

    program: str
    version: int


def find_java(program: str | None = None, environment: Mapping[str, str] | None = None) -> Java:
    """The Java that was named, that of JAVA_HOME, or the one on the PATH.

    Raises:
        MissingDependency: there is none, it does not run, or it is too old.
    """
    known = os.environ if environment is None else environment
    home = known.get("JAVA_HOME", "")
    candidates = [program] if program else [str(Path(home, "bin", "java")) if home else None, "java"]
    for candidate in candidates:
        found = None if candidate is None else shutil.which(candidate, path=known.get("PATH"))
        if found is not None:
            return Java(found, _checked_version(found))
    raise MissingDependency(
        "This metric is a program in Java, and there is no Java.",
        expected="a program named java",
        found=f"none at {program}" if program else "none on the PATH",
        fix=_FIX,
    )


def java_version(text: str) -> int | None:
    """The version that ``java -version`` prints: 8 of 1.8.0_352, 17 of 17.0.15; None where there is none."""
    match = _VERSION.search(text)
    if match is None:
        return None
    first, second = int(match.group(1)), match.group(2)
    return int(second) if first == 1 and second else first


def java_command(java: Java, options: Sequence[str], *, memory_megabytes: int) -> list[str]:
    """The beginning of a command: English numbers, UTF-8, and so much memory."""
    settings = ["-Duser.language=en", "-Duser.country=US", "-Dfile.encoding=UTF-8", f"-Xmx{memory_megabytes}m"]
    return [java.program, *settings, *options]


def coco_package() -> Path | None:
    """The folder of the package pycocoevalcap, which carries programs in Java; None where it is not installed."""
    spec = importlib.util.find_spec("pycocoevalcap")
    return None if spec is None or not spec.submodule_search_locations else Path(spec.submodule_search_locations[0])


def ask_lines(
    command: Sequence[str],
    lines: Sequence[str],
    *,
    name: str,
    folder: Path | None = None,
    timeout_seconds: float = 120.0,
    answered: Callable[[int], None] | None = None,
) -> list[str]:
    """Write lines to a program and read one line for each.

    Args:
        command: the program.
        lines: without line breaks.
        name: of the metric, for letters.
        folder: where it runs.
        timeout_seconds: how long an answer may take, the first with the start of the program.
        answered: is told how many more answers came.

    Raises:
        WorkerDied: it ended early, or an answer took too long.
        MissingDependency: it cannot be started.
    """
    replies: list[str] = []
    with _running(command, name, folder) as (process, said):
        coming: queue.Queue[str | None] = queue.Queue()
        threads = [
            threading.Thread(target=_write_all, args=(process.stdin, lines), daemon=True),
            threading.Thread(target=_read_all, args=(process.stdout, coming), daemon=True),
        ]
        for thread in threads:
            thread.start()
        for _ in lines:
            try:
                reply = coming.get(timeout=timeout_seconds)
            except queue.Empty:
                raise _too_slow(name, timeout_seconds, f"{len(replies)} of {len(lines)} answers", said) from None
            if reply is None:
                raise _ended(name, process, f"{len(replies)} of {len(lines)} answers", said)
            replies.append(reply)
            if answered is not None:
                answered(1)
    return replies


def run_to_end(
    command: Sequence[str],
    *,
    name: str,
    folder: Path | None = None,
    timeout_seconds: float = 3600.0,
    waited: Callable[[float], None] | None = None,
) -> None:
    """Run a program until it ends by itself.

    Args:
        command: the program.
        name: of the metric, for letters.
        folder: where it runs.
        timeout_seconds: how long it may take.
        waited: is told how many more seconds have passed.

    Raises:
        WorkerDied: it ended with an error, or took too long.
        MissingDependency: it cannot be started.
    """
    with _running(command, name, folder) as (process, said):
        start = before = time.monotonic()
        while process.poll() is None:
            try:
                process.wait(_LOOK_EVERY_SECONDS)
            except subprocess.TimeoutExpired:
                now = time.monotonic()
                if waited is not None:
                    waited(now - before)
                before = now
                if now - start > timeout_seconds:
                    raise _too_slow(name, timeout_seconds, "no end", said) from None
        if process.returncode:
            raise _ended(name, process, f"exit code {process.returncode}", said)


@contextmanager
def _running(command: Sequence[str], name: str, folder: Path | None) -> Iterator[tuple[subprocess.Popen[str], IO[str]]]:
    """A program that runs, and the file with what it says on standard error; ended at the end, whatever happens."""
    with tempfile.TemporaryFile("w+", encoding="utf-8", errors="replace") as said:
        try:
            process = subprocess.Popen(  # noqa: S603 - the command is ours, its jars are the user's
                list(command),
                cwd=folder,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=said,
                text=True,
                encoding="utf-8",
                errors="replace",
            )
        except OSError as problem:
            raise MissingDependency(
                f"The program of {name} cannot be started.", where=command[0], found=problem.strerror, fix=_FIX
            ) from problem
        try:
            yield process, said
        finally:
            if process.poll() is None:
                process.kill()
            process.wait()
            for pipe in (process.stdin, process.stdout):
                _close(pipe)


def _write_all(pipe: IO[str] | None, lines: Sequence[str]) -> None:
    if pipe is None:
        return
    try:
        for line in lines:
            pipe.write(line + "\n")
        pipe.flush()
    except (OSError, ValueError):
        # The program has ended: the reader sees the end of its answers and says so.
        return


def _read_all(pipe: IO[str] | None, coming: queue.Queue[str | None]) -> None:
    try:
        for line in pipe or ():
            coming.put(line.strip())
    except ValueError:
        pass  # closed while it was read: nobody waits any more
    coming.put(None)


def _close(pipe: IO[str] | None) -> None:
    try:
        if pipe is not None:
            pipe.close()
    except OSError:
        return  # what was still to be written has no reader


def _tail(said: IO[str]) -> str:
    said.seek(0)
    return said.read()[-_TAIL_CHARACTERS:].strip()


def _too_slow(name: str, seconds: float, got: str, said: IO[str]) -> WorkerDied:
    return WorkerDied(
        f"The program of {name} did not answer in time.",
        expected=f"an answer within {seconds:g} s",
        found=got + (f"; it said: {tail}" if (tail := _tail(said)) else ""),
        cause="too little memory, or a busy machine",
        fix="give --java-timeout more seconds, or leave the metric out",
    )


def _ended(name: str, process: subprocess.Popen[str], got: str, said: IO[str]) -> WorkerDied:
    process.wait(_ASK_SECONDS)
    tail = _tail(said)
    return WorkerDied(
        f"The program of {name} ended before its time.",
        found=f"{got}, exit code {process.returncode}" + (f"; it said: {tail}" if tail else ""),
        cause="too little memory, or a Java that it does not run on" if not tail else None,
        fix="try another Java by --java, or leave the metric out",
    )


def _checked_version(program: str) -> int:
    try:
        done = subprocess.run(  # noqa: S603 - a program that the user named or has on the PATH
            [program, "-version"], capture_output=True, text=True, timeout=_ASK_SECONDS, check=False
        )
        text = done.stderr + done.stdout
    except (OSError, subprocess.TimeoutExpired) as problem:
        raise MissingDependency("The Java does not run.", where=program, found=str(problem), fix=_FIX) from problem
    version = java_version(text)
    if version is None or version < OLDEST_JAVA:
        raise MissingDependency(
            "This is no Java that caption metrics run on.",
            where=program,
            expected=f"Java {OLDEST_JAVA} or later",
            found=text.strip().splitlines()[0] if text.strip() else "no version",
            fix=_FIX,
        )
    return version
