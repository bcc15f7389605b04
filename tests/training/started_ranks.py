"""Processes that train or count together, started and waited for."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch


def run_ranks(script: Path, ranks: Sequence[tuple[Sequence[object], Mapping[str, str]]]) -> None:
    """Start a script once for each rank, with its arguments and its own environment; all must end well."""
    started = [
        subprocess.Popen(
            [sys.executable, str(script), *map(str, arguments)],
            env=os.environ | environment,
            stderr=subprocess.PIPE,
            text=True,
        )
        for arguments, environment in ranks
    ]
    ended = [process.communicate(timeout=200)[1] for process in started]
    assert [process.returncode for process in started] == [0] * len(ranks), "\n".join(ended)


def written_by_ranks(script: Path, world: int, folder: Path) -> list[dict[str, Any]]:
    """What each rank of ``python SCRIPT RANK WORLD FOLDER`` has put into FOLDER/RANK.pt."""
    environment = {"GLOO_SOCKET_IFNAME": "lo"} if sys.platform == "linux" else {}
    run_ranks(script, [((rank, world, folder), environment) for rank in range(world)])
    return [torch.load(folder / f"{rank}.pt", weights_only=True) for rank in range(world)]
