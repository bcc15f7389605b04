"""What the test of captions on two ranks starts, once for each: ``python ranks_of_captions.py RANK WORLD FOLDER``.

Each rank has written one caption. What it is told of all goes to FOLDER/RANK.pt; which rank ran the program in the
place of Java stands in FOLDER/ran.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable
from datetime import timedelta
from pathlib import Path

import torch
import torch.distributed as dist

from audiolect.errors import AudiolectError
from audiolect.training.caption_metrics import find_programs
from audiolect.training.caption_validation import Written, WrittenCaption, measure_written
from audiolect.training.leaving import leave_ranks

SCRIPT = Path(__file__)
ROWS = (("a dog", ("a dog", "dogs")), ("rain falls", ("rain stops",)))


def written(places: Iterable[int]) -> Written:
    """Some of the captions."""
    found = Written()
    for place in places:
        text, references = ROWS[place]
        found.add([WrittenCaption(f"e{place}", f"r{place}", "a > caption: ", text, references)], 1.0, 2)
    return found


def told(rank: int, folder: Path, jars: str) -> object:
    """The metrics, or the letter."""
    try:
        programs = find_programs(spice_jars=jars, meteor=False, base=folder)
        return measure_written(written([rank]), shown=0, programs=programs).metrics
    except AudiolectError as problem:
        return f"{type(problem).__name__}: {problem}"


def main() -> None:
    """One rank."""
    sys.path.insert(0, str(SCRIPT.parents[1] / "shared"))
    from java_stand_in import SCORER, touch_spice_jars, write_java

    rank, world, folder = int(sys.argv[1]), int(sys.argv[2]), Path(sys.argv[3])
    torch.set_num_threads(1)
    dist.init_process_group(
        "gloo", f"file://{folder}/meeting", rank=rank, world_size=world, timeout=timedelta(seconds=60)
    )
    os.environ["JAVA_HOME"] = str(folder / f"home-{rank}")
    ran = folder / "ran"
    found: dict[str, object] = {}
    touch_spice_jars(folder / "jars")
    bodies = {"found": SCORER.replace("'SEEN'", repr(str(ran / str(rank)))), "failed": "sys.exit('no models')"}
    ran.mkdir(exist_ok=True)
    if rank == 0:
        for name, body in bodies.items():
            write_java(folder / f"home-{rank}" / "bin" / "java", body)
            found[name] = told(rank, folder, "jars")
    else:  # without a Java
        os.environ["PATH"] = ""
        found = {name: told(rank, folder, "jars") for name in bodies}
    found["absent"] = told(rank, folder, "nowhere")
    torch.save(found, folder / f"{rank}.pt")
    leave_ranks(0)


if __name__ == "__main__":
    main()
