"""What the training loop costs: steps of a whole training beside the bare forward and backward of the same model.

Ours reads and crops recordings from a pack, computes features, loss and gradients, clips, moves the weights by AdamW,
and writes the journal; it is timed from the end of one step to the end of another, without checkpoints. The bare model
computes features, loss and gradients of one batch that is already there, again and again.
"""

from __future__ import annotations

import shutil
import statistics
import sys
import tempfile
import time
from pathlib import Path

from typer.testing import CliRunner

import harness
from audiolect.cli.main import app
from audiolect.models.clap import build_dual_encoder
from audiolect.training.journal import read_journal
from audiolect.training.objectives import build_objective
from audiolect.training.recipe import load_recipe
from audiolect.training.session import TrainOptions, train
from audiolect.training.training_data import open_training_data, training_captions

RECIPE = """
data: {world: {dataset: world, pack: pack}}
mixture: {epochs: 100, entries: {world-AudioCaptioning/train: {}}}
model: {audio: {name: small, width: 16}, projection: {size: 256}}
training:
  batches: {rate_hz: 32000, crop_seconds: 5.0, batch_size: 16, last: drop}
  optimizer: {learning_rate: 1e-3}
  precision: float32
  save_every_steps: 1000  # else one after each epoch, of 17 steps here
"""
SECONDS_OF_A_BATCH = 16 * 5.0
WARM_STEPS = 3


def main() -> int:
    """Measure and print."""
    options = harness.arguments("What the training loop costs.", threads=None)
    steps, rounds = (6, 3) if options.quick else (20, 7)
    with tempfile.TemporaryDirectory() as folder:
        path = prepare(Path(folder))
        shares: list[float] = []
        figure = harness.compare_rates(
            "training, small encoder, 16 x 5 s",
            lambda: trained(path, steps, shares),
            {"bare forward and backward": bare(path, steps)},
            unit="audio s/s",
            bar=0.9,
            repeats=rounds,
        )
    waiting = harness.at_most("waiting for data", statistics.median(shares), 0.03, unit="of the time")
    return harness.finish([figure, waiting], options.json)


def prepare(folder: Path) -> Path:
    """Make soundworld and its pack; the recipe's file."""
    world, pack = str(folder / "world"), str(folder / "pack")
    for command in (
        ["prepare", "soundworld", "--out", world, "--recordings", "400"],
        ["pack", world, "--rate-hz", "32000", "--out", pack],
    ):
        done = CliRunner().invoke(app, command)
        if done.exit_code:
            raise SystemExit(done.output)
    (folder / "recipe.yaml").write_text(RECIPE, "utf-8")
    return folder / "recipe.yaml"


def trained(path: Path, steps: int, shares: list[float]) -> float:
    """Seconds of audio per second of a training, after its first steps."""
    run, times = path.parent / "run", []

    def note() -> bool:
        times.append(time.perf_counter())
        return False

    train(path, run, TrainOptions(overrides=(f"training.max_steps={steps + WARM_STEPS}",)), asked_to_stop=note)
    rows = [row for row in read_journal(run / "journal.jsonl") if row["kind"] == "step"][WARM_STEPS:]
    shares.append(sum(r["data_wait_share"] * r["step_seconds"] for r in rows) / sum(r["step_seconds"] for r in rows))
    shutil.rmtree(run)
    return SECONDS_OF_A_BATCH * (len(times) - WARM_STEPS) / (times[-1] - times[WARM_STEPS - 1])


def bare(path: Path, steps: int) -> harness.Callable[[], float]:
    """The same rate of the model alone, on one batch."""
    recipe = load_recipe(path)
    data = open_training_data(recipe, path.parent, where=path)
    model = build_dual_encoder(recipe.model, training_captions(data.mixture)).train()
    objective = build_objective(recipe.training.objective, recipe.training.batches)
    with data.batches().epoch(0) as stream:
        batch = next(stream)

    def once() -> None:
        loss, _ = objective.loss(model, batch)
        loss.backward()
        model.zero_grad(set_to_none=True)

    def rate() -> float:
        for _ in range(WARM_STEPS):
            once()
        begin = time.perf_counter()
        for _ in range(steps):
            once()
        return SECONDS_OF_A_BATCH * steps / (time.perf_counter() - begin)

    return rate


if __name__ == "__main__":
    sys.exit(main())
