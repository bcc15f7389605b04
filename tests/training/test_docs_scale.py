"""The commands of docs/scale.md, as they stand there, on two processes of this machine."""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

DOC = Path(__file__).parents[2] / "docs" / "scale.md"
COMMANDS = dict(re.findall(r"^```bash ([a-z ]+)\n(.*?)^```$", DOC.read_text("utf-8"), re.MULTILINE | re.DOTALL))

# What stands in for Slurm: a job step that is the command itself, and a queue that is a file.
SRUN = '#!/bin/bash\necho $$ > step.pid\nexec "$@"\n'
SCONTROL = '#!/bin/bash\nif [ "$1" = show ]; then echo 127.0.0.1; echo other; else echo "$@" >> queue; fi\n'

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="bash and signals of POSIX")


@pytest.fixture
def home(recipe: Callable[..., Path], tmp_path: Path) -> Path:
    """A folder with ``recipe.yaml`` of many epochs, and with stand-ins for Slurm in ``bin``."""
    changes = {"mixture.epochs": 60, "training.save_every_steps": 2, "evaluation.validation": []}
    recipe(**changes).rename(tmp_path / "recipe.yaml")
    (tmp_path / "bin").mkdir()
    for name, text in {"srun": SRUN, "scontrol": SCONTROL}.items():
        (tmp_path / "bin" / name).write_text(text, "utf-8")
        (tmp_path / "bin" / name).chmod(0o755)
    return tmp_path


def begun(home: Path, command: str, **more: str) -> subprocess.Popen[str]:
    """A command of the page, in the folder."""
    with socket.socket() as meeting:
        meeting.bind(("127.0.0.1", 0))
        port = str(meeting.getsockname()[1])
    path = os.pathsep.join([str(home / "bin"), str(Path(sys.executable).parent), os.environ["PATH"]])
    slurm = {"SLURM_JOB_ID": "17", "SLURM_NNODES": "1", "SLURM_JOB_NODELIST": "127.0.0.1,other", "PORT": port}
    return subprocess.Popen(
        ["bash", "-c", command],
        cwd=home,
        env=os.environ | slurm | {"PATH": path, "OMP_NUM_THREADS": "1"} | more,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def wait_for(path: Path, process: subprocess.Popen[str]) -> None:
    begin = time.monotonic()
    while not path.is_file() and process.poll() is None and time.monotonic() - begin < 200:
        time.sleep(0.1)


def test_the_page_has_its_commands() -> None:
    assert set(COMMANDS) == {"one machine", "slurm"}
    assert "#SBATCH --signal=TERM@" in COMMANDS["slurm"]


def test_a_job_is_stopped_put_into_the_queue_and_gone_on_with(home: Path) -> None:
    first = begun(home, COMMANDS["slurm"])
    wait_for(home / "runs" / "big" / "last", first)
    os.kill(int((home / "step.pid").read_text()), signal.SIGTERM)
    said, _ = first.communicate(timeout=200)
    assert first.returncode == 1, said
    assert "Stopped and saved at step" in said
    stopped = int((home / "runs" / "big" / "last").read_text())
    assert 0 < stopped < 240
    assert (home / "queue").read_text() == "requeue 17\n"
    assert json.loads((home / "runs" / "big" / "card.json").read_text("utf-8"))["ranks"] == 2

    # Nothing is gained by a job that is refused: it does not come again.
    config = home / "recipe.yaml"
    whole = config.read_text("utf-8")
    config.write_text(whole.replace("learning_rate: 0.01", "learning_rate: 0.02"), "utf-8")
    refused = begun(home, COMMANDS["slurm"])
    said, _ = refused.communicate(timeout=200)
    assert refused.returncode == 1
    assert "0.01 in the run, 0.02 now" in said
    assert (home / "queue").read_text() == "requeue 17\n"

    config.write_text(whole, "utf-8")
    again = begun(home, COMMANDS["one machine"])
    said, _ = again.communicate(timeout=300)
    assert again.returncode == 0, said
    assert "all epochs are done" in said
    rows = [json.loads(line) for line in (home / "runs" / "big" / "journal.jsonl").read_text("utf-8").splitlines()[1:]]
    assert [row["step"] for row in rows if row["kind"] == "step"] == list(range(1, 241))
