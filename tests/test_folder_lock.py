from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from audiolect.errors import StorageError, UsageError
from audiolect.folder_lock import hold_folder

HOLD = """
import sys, time
from pathlib import Path
from audiolect.folder_lock import hold_folder
with hold_folder(Path(sys.argv[1])):
    print("held", flush=True)
    time.sleep(60)
"""


def test_a_folder_is_made_held_and_let_go(tmp_path: Path) -> None:
    folder = tmp_path / "a" / "b"
    for _ in range(2):
        with hold_folder(folder):
            assert folder.is_dir()


def test_a_second_holder_is_refused_also_within_one_process(tmp_path: Path) -> None:
    with hold_folder(tmp_path), pytest.raises(UsageError, match="Another process"), hold_folder(tmp_path):
        pass


def test_a_failure_within_lets_go(tmp_path: Path) -> None:
    with pytest.raises(KeyboardInterrupt), hold_folder(tmp_path):
        raise KeyboardInterrupt
    with hold_folder(tmp_path):
        pass


def test_the_lock_of_a_killed_process_ends_with_it(tmp_path: Path) -> None:
    with subprocess.Popen([sys.executable, "-c", HOLD, os.fspath(tmp_path)], stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"held\n"
        with pytest.raises(UsageError, match="Another process"), hold_folder(tmp_path):
            pass
        process.send_signal(signal.SIGKILL)
        process.wait(10)
        with hold_folder(tmp_path):
            pass


def test_a_place_that_cannot_be_written_is_a_letter(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x", "utf-8")
    with pytest.raises(StorageError, match="cannot be written"), hold_folder(tmp_path / "file" / "folder"):
        pass
