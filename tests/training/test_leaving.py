"""How ranks end: with the code that they were given, whatever torch keeps alive; and what a launcher makes of that."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from audiolect.training.journal import read_journal
from audiolect.training.leaving import leave_ranks
from audiolect.training.run_folder import open_run

LAUNCHERS = {
    "torchrun": ("torch.distributed.run", "--standalone", "--nproc_per_node", "2"),
    "accelerate": ("accelerate.commands.launch", "--multi_gpu", "--num_processes", "2"),
}

# A process that tells whether Python was shut down after it, and whether the call came back.
RANK = """
import atexit, sys, tempfile
import torch.distributed as dist
from audiolect.training.leaving import leave_ranks

atexit.register(print, "the interpreter was shut down")
if sys.argv[1] == "rank":
    dist.init_process_group("gloo", init_method=f"file://{tempfile.mkdtemp()}/meet", rank=0, world_size=1)
sys.stdout.write("last words")
leave_ranks(7)
print(", and on")
"""


def ran(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, *arguments],
        check=False,
        capture_output=True,
        text=True,
        timeout=200,
        env=os.environ | {"OMP_NUM_THREADS": "1"},
    )


def test_a_process_alone_goes_on() -> None:
    leave_ranks(7)
    found = ran("-c", RANK, "alone")
    assert (found.returncode, found.stdout) == (0, "last words, and on\nthe interpreter was shut down\n")


def test_a_rank_ends_at_once_with_its_code_and_its_words() -> None:
    found = ran("-c", RANK, "rank")
    assert (found.returncode, found.stdout) == (7, "last words")


@pytest.mark.parametrize("launcher", LAUNCHERS)
def test_launchers_train_on_two_processes(
    tones: Path, recipe_text: Callable[..., str], tmp_path: Path, launcher: str
) -> None:
    """The command as a user types it: it ends well, tells the run once, and the run knows of two ranks."""
    (tmp_path / "tiny.yaml").write_text(recipe_text(tones), "utf-8")
    run = tmp_path / "run"
    command = ("audiolect", "train", str(tmp_path / "tiny.yaml"), "--out", str(run))
    found = ran("-m", *LAUNCHERS[launcher], "-m", *command)
    assert found.returncode == 0, found.stderr
    assert found.stdout.count("audiolect predict") == 1
    assert open_run(run).card["ranks"] == 2
    assert [row["kind"] for row in read_journal(run / "journal.jsonl")].count("validation") == 2
