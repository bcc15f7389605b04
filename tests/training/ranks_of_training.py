"""What the tests of two processes start, once for each rank: ``python ranks_of_training.py RECIPE FOLDER``.

The rank and where the ranks meet are in the environment, as torchrun sets them. Every case of CASES is trained into
FOLDER/CASE; what a case ended with goes to FOLDER/CASE-RANK.json.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch

from audiolect.errors import AudiolectError
from audiolect.training.leaving import leave_ranks
from audiolect.training.objectives import RetrievalObjective
from audiolect.training.session import TrainOptions, train

# name → overrides; the last batch of an epoch of 24 is of one recording where a batch has 23
CASES: dict[str, tuple[str, ...]] = {
    "copied": (),
    "uneven": ("training.batches.batch_size=23",),
    "accumulated": ("training.accumulate=2",),
    "divided": ("training.shard=true",),
    "micro": ("training.freezing.freeze=[audio]", "training.objective.micro_batch=2"),
    "refused": ("training.objective.micro_batch=2", "training.objective.allow_batch_norm=true"),
    "broken": ("training.save_every_steps=1",),
}
BROKEN_STEP = 3


def break_loss(rank: int) -> Callable[[], None]:
    """Let the second rank alone meet a loss that is no number, at one step; what puts the loss back."""
    whole, calls = RetrievalObjective.loss, []

    def broken(self: RetrievalObjective, model: Any, batch: Any) -> Any:
        calls.append(1)
        loss, values = whole(self, model, batch)
        return loss * float("nan" if rank == 1 and len(calls) == BROKEN_STEP else 1), values

    RetrievalObjective.loss = broken  # type: ignore[method-assign]

    def put_back() -> None:
        RetrievalObjective.loss = whole  # type: ignore[method-assign]

    return put_back


def ended(recipe: Path, folder: Path, overrides: tuple[str, ...]) -> dict[str, Any]:
    """What became of a training."""
    try:
        outcome = train(recipe, folder, TrainOptions(overrides=overrides))
    except AudiolectError as problem:
        return {"letter": str(problem)}
    return {"ended": outcome.standing.ended, "step": outcome.standing.step, "metrics": outcome.standing.metrics}


def main() -> None:
    """One rank."""
    recipe, folder, rank = Path(sys.argv[1]), Path(sys.argv[2]), int(os.environ["RANK"])
    torch.set_num_threads(1)
    for name, overrides in CASES.items():
        put_back = break_loss(rank) if name == "broken" else None
        found = ended(recipe, folder / name, overrides)
        if put_back is not None:
            put_back()
        (folder / f"{name}-{rank}.json").write_text(json.dumps(found), "utf-8")
    leave_ranks(0)


if __name__ == "__main__":
    main()
