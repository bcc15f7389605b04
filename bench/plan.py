"""What a plan costs: 10 datasets with 10,000,000 examples in all, against 10 with 10,000.

``python bench/plan.py [--quick] [--json]``. The dataset folders are made here, as ``prepare`` writes them. "Ready" is a
fresh process that has read the file of the mixture, opened all datasets and laid the plan; the time is from after its
imports, which are a figure of their own. Its memory is the peak of the process (VmHWM) less what it held after its
imports. A jump is the first batch of an epoch that was never asked for, at a place far inside: the median over epochs
has the bar; the slowest, in which the machine's other work has a part, is a figure too. The time of a batch of draws is
the median over batches at random places; the small and the large plan take turns. With --quick there are a tenth of
the rows.
"""

from __future__ import annotations

import json
import multiprocessing
import statistics
import subprocess
import sys
import tempfile
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import numpy as np
import polars as pl

import harness
from audiolect.data.dataset import save_dataset
from audiolect.data.records import EXAMPLE_SCHEMA, RECORDING_SCHEMA

NUM_DATASETS = 10
LARGE, SMALL = 1_000_000, 1_000
CAPTIONS_EACH = 5
EPOCHS = 100
BATCH = 32

READY = """
import json, pathlib, statistics, sys, time
began = time.perf_counter()
import numpy as np
from audiolect.loader.mixture import open_mixture
from audiolect.loader.plan_report import report_plan
def held(name):
    lines = pathlib.Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) / 1024 for line in lines if line.startswith(name))
imported, before = time.perf_counter(), held("VmRSS")
mixture = open_mixture(sys.argv[1])
ready = time.perf_counter()
figures = {"import": imported - began, "ready": ready - imported}
figures |= {"memory": held("VmHWM") - before, "peak": held("VmHWM")}
"""
# The first batch of 40 epochs, far inside each; the plan has never seen them.
JUMP = """
times = []
for epoch in range(10, 50):
    start = time.perf_counter()
    mixture.plan.draws(epoch, np.arange(5000, 5000 + 32) % mixture.plan.epoch_size(epoch))
    times.append(time.perf_counter() - start)
figures["jump"], figures["worst jump"] = statistics.median(times), max(times)
"""
REPORT = """
start = time.perf_counter()
report_plan(mixture)
figures["report"] = time.perf_counter() - start
figures["memory of the report"] = held("VmHWM") - before
"""
DRAWS = """
import statistics
plans = [open_mixture(path).plan for path in sys.argv[1:3]]
rng, times = np.random.default_rng(0), [[], []]
for round in range(int(sys.argv[3])):
    for plan, kept in zip(plans, times):
        epoch = round // 100
        positions = rng.integers(0, plan.epoch_size(epoch), 32)
        plan.epoch_size(epoch)
        start = time.perf_counter()
        plan.draws(epoch, positions)
        kept.append(time.perf_counter() - start)
figures = {"large": statistics.median(times[0]), "small": statistics.median(times[1])}
mixtures = [open_mixture(path) for path in sys.argv[1:3]]
for mixture in mixtures:  # read the number of answers once
    for entry in mixture.entries:
        entry.rows(np.zeros(1, np.int64), np.zeros(1, np.int64))
times = [[], []]
for round in range(int(sys.argv[3]) // 4):
    for mixture, kept in zip(mixtures, times):
        plan = mixture.plan
        positions = rng.integers(0, plan.epoch_size(0), 32)
        start = time.perf_counter()
        draws = plan.draws(0, positions)
        for place in np.unique(draws.entry):
            here = draws.entry == place
            mixture.entries[place].rows(draws.item[here], draws.pass_index[here])
        kept.append(time.perf_counter() - start)
figures |= {"large rows": statistics.median(times[0]), "small rows": statistics.median(times[1])}
"""
PRINT = "print(json.dumps(figures))"


def main() -> int:
    """Make the datasets, then measure in fresh processes."""
    options = harness.arguments("What a plan of 10,000,000 examples costs.", threads=None)
    repeats = 3 if options.quick else 7
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        # In a process of its own, so that this one stays small.
        with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn")) as pool:
            large = pool.submit(make_mixture, folder / "large", LARGE // 10 if options.quick else LARGE).result()
            small = pool.submit(make_mixture, folder / "small", SMALL).result()
        runs = [run(READY + JUMP + PRINT, large) for _ in range(repeats)]
        small_runs = [run(READY + JUMP + PRINT, small) for _ in range(repeats)]
        draws = run(READY + DRAWS + PRINT, large, small, 400 if options.quick else 2000)
        report = run(READY + REPORT + PRINT, large)
    ready, jump = (statistics.median(each[name] for each in runs) for name in ("ready", "jump"))
    small_ready, small_jump = (statistics.median(each[name] for each in small_runs) for name in ("ready", "jump"))
    worst = statistics.median(each["worst jump"] for each in runs)
    memory = max(each["memory"] for each in runs)
    of_small = {"10,000 examples": max(each["memory"] for each in small_runs)}
    figures = [
        figure("ready", ready * 1e3, "ms", 1000.0, {"10,000 examples": small_ready * 1e3}),
        figure("ready, peak memory above the imports", memory, "MB", 150.0, of_small),
        figure("jump to any step", jump * 1e3, "ms", 5.0, {"10,000 examples": small_jump * 1e3}),
        figure("the slowest of 40 jumps", worst * 1e3, "ms", None, {"jump to any step": jump * 1e3}),
        compared("a batch of draws", draws["large"], draws["small"], 1.1),
        compared("a batch of draws with rows and answers", draws["large rows"], draws["small rows"], None),
        figure("imports", statistics.median(r["import"] for r in runs) * 1e3, "ms", None, {"ready": ready * 1e3}),
        figure("peak of the whole process", max(r["peak"] for r in runs), "MB", None, {"above the imports": memory}),
        figure("hours of all entries (audiolect plan)", report["report"] * 1e3, "ms", None, {"ready": ready * 1e3}),
        figure("the same, peak memory", report["memory of the report"], "MB", None, {"ready": memory}),
    ]
    return harness.finish(figures, options.json)


def figure(name: str, value: float, unit: str, limit: float | None, others: dict[str, float]) -> harness.Figure:
    """A figure where less is better: a limit that must hold, and how many times ours the others are."""
    peers = [harness.Peer(key, other, other / value, None, None) for key, other in others.items()]
    if limit is not None:
        peers = [*harness.at_most(name, value, limit, unit=unit).peers, *peers]
    return harness.Figure(name, unit, value, value, value, tuple(peers))


def compared(name: str, large: float, small: float, most: float | None) -> harness.Figure:
    """Times of the large and the small plan, and the most that the large may take of the small."""
    us, small_us = large * 1e6, small * 1e6
    limit = None if most is None else small_us * most
    return figure(name, us, "µs", limit, {"10,000 examples": small_us})


def run(program: str, *arguments: object) -> dict[str, float]:
    """The figures that a fresh process prints."""
    command = [sys.executable, "-c", program, *map(str, arguments)]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    return json.loads(done.stdout)


def make_mixture(folder: Path, examples_each: int) -> Path:
    """Ten dataset folders with so many training examples each, and the mixture of them. Returns its file."""
    folder.mkdir()
    for number in range(NUM_DATASETS):
        make_dataset(folder, f"d{number}", examples_each, scattered=number % 2 == 1)
    keys = [f"d{number}-AudioCaptioning/train" for number in range(NUM_DATASETS)]
    lines = ["data:", *(f"  d{number}: {{dataset: d{number}}}" for number in range(NUM_DATASETS))]
    lines += ["mixture:", "  global_weight: 0.01", f"  epochs: {EPOCHS}", "  entries:"]
    lines += [f"    {key}: {{weight: {1 + number % 3}, prefix_prob: 0.5}}" for number, key in enumerate(keys)]
    path = folder / "mix.yaml"
    path.write_text("\n".join(lines) + "\n", "utf-8")
    return path


def make_dataset(root: Path, name: str, count: int, *, scattered: bool) -> None:
    """A dataset with ``count`` training examples, and a quarter as many of a test split, in blocks or scattered."""
    rows = count + count // 4
    row = pl.DataFrame({"i": np.arange(rows)})
    recordings = -(-rows // CAPTIONS_EACH)
    digits = (pl.col("i") // CAPTIONS_EACH).cast(pl.String()).str.zfill(8)
    in_test = (
        pl.col("i") // CAPTIONS_EACH % 5 == 4 if scattered else pl.col("i") // CAPTIONS_EACH >= recordings * 4 // 5
    )
    split = pl.when(in_test).then(pl.lit("test")).otherwise(pl.lit("train"))
    empty = pl.lit([])
    examples = row.select(
        example_id=pl.format("{}/{}/{}", pl.lit(name), digits, pl.col("i") % CAPTIONS_EACH),
        recording_id=pl.format("{}/{}", pl.lit(name), digits),
        split=split,
        task=pl.lit("AudioCaptioning"),
        prompt=pl.lit("describe the sound in a sentence."),
        answers=pl.concat_list(pl.format("caption {} of a dog that barks in the rain", pl.col("i"))),
        options=empty.cast(EXAMPLE_SCHEMA["options"]),
        turns=empty.cast(EXAMPLE_SCHEMA["turns"]),
        shots=empty.cast(EXAMPLE_SCHEMA["shots"]),
    )
    first = row.filter(pl.col("i") % CAPTIONS_EACH == 0)
    table = first.select(
        recording_id=pl.format("{}/{}", pl.lit(name), digits),
        path=pl.format("{}.wav", digits),
        start_sample=pl.lit(0),
        num_samples=160_000 + pl.col("i") % 160_000,
        sample_rate_hz=pl.lit(32_000),
        num_channels=pl.lit(1),
        codec=pl.lit("wav/pcm_16"),
        num_bytes=pl.lit(320_044),
        pcm_hash=pl.lit(None),
        source_id=pl.lit(None),
        parent_id=pl.lit(None),
        group=pl.lit(None),
        split=split,
        fold=pl.lit(None),
        labels=empty,
        title=pl.lit(None),
        license=pl.lit(None),
    ).cast(RECORDING_SCHEMA)
    folder = root / name
    folder.mkdir()
    save_dataset(
        folder,
        name=name,
        corpus_version="1",
        license="CC0",
        citation="",
        audio_root=folder / "audio",
        recordings=table,
        examples=examples,
    )


if __name__ == "__main__":
    sys.exit(main())
