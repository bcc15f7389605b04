"""What the tests of resuming start: ``python killed_trainings.py RECIPE FOLDER``.

Trains the recipe once without a break, and once for each place of PLACES, and for some that are drawn, with a SIGKILL
there and the same command again. Each training is a process of its own, forked after everything is imported. Prints one
JSON line per place: how the killed one ended, and which files of the last and best checkpoints differ from the unbroken
run's.
"""

from __future__ import annotations

import json
import os
import random
import signal
import sys
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch

from audiolect.models.clap import DualEncoder
from audiolect.training import checkpoint, loop, retrieval_validation, session
from audiolect.training.averaging import WeightAverage
from audiolect.training.journal import Journal

# place → (the function that dies, at which of its calls, before or after it has done its work)
PLACES: dict[str, tuple[Any, str, int, str]] = {
    "in step 1": (loop.Stepper, "step", 1, "before"),
    "after step 3": (loop.Stepper, "step", 3, "after"),
    "after step 4, the last of an epoch": (loop.Stepper, "step", 4, "after"),
    "in step 6": (loop.Stepper, "step", 6, "before"),
    "before the journal": (Journal, "add", 5, "before"),
    "in the validation": (loop.Loop, "_measure", 1, "before"),
    "after the validation": (loop.Loop, "_measure", 1, "after"),
    "while a checkpoint is hashed": (checkpoint, "fingerprint_file", 9, "after"),
    "while tensors are written": (checkpoint, "save_file", 5, "before"),
    "between a checkpoint and last": (checkpoint, "write_pointer", 2, "before"),
    "between last and best": (checkpoint, "write_pointer", 5, "before"),
    "before older ones are removed": (checkpoint, "prune_checkpoints", 3, "before"),
}

# (owner, function, how often the unbroken training calls it): where places are drawn, the first inside a validation
CALLED: tuple[tuple[Any, str, int], ...] = (
    (retrieval_validation.Collected, "add", 6),
    (DualEncoder, "embed_audio", 14),
    (DualEncoder, "embed_texts", 14),
    (WeightAverage, "update", 8),
)
SEED = 20


def drawn_places(seed: int) -> dict[str, tuple[Any, str, int, str]]:
    """Two places inside a validation, and one at a random call of another function."""
    draws = random.Random(seed)
    found = {}
    for owner, name, calls in (CALLED[0], CALLED[0], draws.choice(CALLED[1:])):
        call, when = draws.randint(1, calls), draws.choice(("before", "after"))
        found[f"drawn: {when} call {call} of {owner.__name__}.{name}"] = (owner, name, call, when)
    return found


def die_at(owner: Any, name: str, call: int, when: str) -> None:
    original, calls = getattr(owner, name), []

    def dying(*arguments: Any, **options: Any) -> Any:
        calls.append(1)
        if len(calls) == call and when == "before":
            os.kill(os.getpid(), signal.SIGKILL)
        result = original(*arguments, **options)
        if len(calls) == call:
            os.kill(os.getpid(), signal.SIGKILL)
        return result

    setattr(owner, name, dying)


def in_a_fork(work: Callable[[], object]) -> int:
    """The exit code of a forked process that did it."""
    sys.stdout.flush()
    child = os.fork()
    if child == 0:
        code = 1
        try:
            work()
            code = 0
        finally:  # the child never comes back; what it raises is shown
            if code:
                traceback.print_exc()
            sys.stderr.flush()
            os._exit(code)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def contents(run: Path) -> dict[str, bytes]:
    """Every file of the checkpoints that last and best name, under names without steps, and the losses."""
    found = {name: (run / name).read_bytes() for name in ("last", "best")}
    for name in ("last", "best"):
        folder = run / "checkpoints" / f"{int((run / name).read_text()):08d}"
        found |= {f"{name}/{p.relative_to(folder)}": p.read_bytes() for p in folder.rglob("*") if p.is_file()}
    rows = [json.loads(line) for line in (run / "journal.jsonl").read_text().splitlines()[1:]]
    kept = [{key: row.get(key) for key in ("kind", "step", "loss", "metrics", "gradient_norm", "rows")} for row in rows]
    found["journal.jsonl"] = json.dumps(kept).encode()
    return found


def main() -> None:
    recipe, folder = Path(sys.argv[1]), Path(sys.argv[2])
    torch.set_num_threads(1)

    def whole(name: str) -> Callable[[], object]:
        return lambda: session.train(recipe, folder / name)

    if in_a_fork(whole("unbroken")):
        raise SystemExit("the unbroken training failed")
    expected = contents(folder / "unbroken")
    for number, (place, death) in enumerate((PLACES | drawn_places(SEED)).items()):
        run = f"killed-{number}"

        def killed(death: tuple[Any, str, int, str] = death, run: str = run) -> None:
            die_at(*death)
            session.train(recipe, folder / run)

        code = in_a_fork(killed)
        again = in_a_fork(whole(run))
        found = contents(folder / run) if again == 0 else {}
        differing = sorted(name for name in expected.keys() | found.keys() if expected.get(name) != found.get(name))
        sys.stdout.write(json.dumps({"place": place, "killed": code, "again": again, "differing": differing}) + "\n")


if __name__ == "__main__":
    main()
