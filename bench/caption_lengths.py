"""What a Whisper learns, and how fast, of recordings as long as they are, beside recordings filled up to 30 s.

Two trainings on soundworld from nothing, of the same small Whisper at 16 kHz, the same seed, the same examples in the
same order, one thread: one fills up, the other does not. A third is without filling and takes about as much time as
the one that fills up. CIDEr-D and loss are those of the validation split, captions written greedily. Time is that of
the processor, so that neighbours on the machine count less; validations are not in it.

    python bench/caption_lengths.py [--quick] [--json] [--world DATASET --pack PACK_AT_16_KHZ] [--steps N]
"""

from __future__ import annotations

import argparse
import statistics
import sys
import tempfile
import time
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

from typer.testing import CliRunner

import harness
from audiolect.cli.main import app
from audiolect.training.journal import read_journal
from audiolect.training.session import TrainOptions, train

RECIPE = """
data: {{soundworld: {{dataset: "{world}", pack: "{pack}"}}}}
mixture: {{epochs: 40, seed: 7, entries: {{soundworld-AudioCaptioning/train: {{}}}}}}
model:
  name: captioner
  audio:
    name: whisper
    length: {length}
    config: {{d_model: 64, encoder_layers: 2, encoder_attention_heads: 2, encoder_ffn_dim: 256}}
  decoder: {{name: transformer, width: 64, layers: 2, heads: 2, vocabulary: 800}}
  dropout: 0.0
training:
  seed: 7
  threads: 1
  max_steps: {steps}
  precision: float32
  batches: {{rate_hz: 16000, policy: pad, batch_size: {batch}}}
  optimizer: {{learning_rate: 2.0e-3}}
  schedule: {{kind: cosine, warmup_steps: {warmup}}}
  objective: {{generation: {{max_tokens: 40}}}}
  save_every_steps: 100000
evaluation: {{validation: [soundworld-AudioCaptioning/val], every_steps: 100000, metric: cider_d, goal: max}}
"""
BATCH = 32


@dataclass(frozen=True)
class Trained:
    """What came of a training."""

    seconds_of_step: float
    steps: int
    loss: float
    cider_d: float


def main() -> int:
    """Train, and print."""
    options = harness.arguments("What real lengths cost and give.", threads=None, add=_flags)
    steps = options.steps or (2 if options.quick else 80)
    batch = 4 if options.quick else BATCH
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        world, pack = (options.world, options.pack) if options.world else prepare(folder, quick=options.quick)
        filled = trained(folder, world, pack, "window", steps, batch)
        real = trained(folder, world, pack, "recording", steps, batch)
        longer_steps = max(steps, round(steps * filled.seconds_of_step / real.seconds_of_step))
        longer = trained(folder, world, pack, "recording", longer_steps, batch)
    same, time_too = f"{steps} steps of {batch}", f"{longer_steps} steps, as long as {steps} filled"
    figures = [
        beside(
            "training, of one core", "recordings/s", batch / real.seconds_of_step, batch / filled.seconds_of_step
        ),
        beside(f"loss after {same} (less is better)", "nats a token", real.loss, filled.loss),
        beside(f"CIDEr-D after {same}", "", real.cider_d, filled.cider_d),
        beside(f"loss after {time_too} (less is better)", "nats a token", longer.loss, filled.loss),
        beside(f"CIDEr-D after {time_too}", "", longer.cider_d, filled.cider_d),
    ]  # fmt: skip
    return harness.finish(figures, options.json)


def _flags(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--world", type=Path, help="soundworld that is there already, with its --pack at 16 kHz")
    parser.add_argument("--pack", type=Path)
    parser.add_argument("--steps", type=int, help="of the training with filling")


def prepare(folder: Path, *, quick: bool) -> tuple[Path, Path]:
    """Make soundworld and its pack."""
    world, pack = folder / "world", folder / "pack"
    for command in (
        ["prepare", "soundworld", "--out", str(world), "--recordings", "40" if quick else "4000", "--seed", "7"],
        ["pack", str(world), "--rate-hz", "16000", "--out", str(pack)],
    ):
        done = CliRunner().invoke(app, command)
        if done.exit_code:
            raise SystemExit(done.output)
    return world, pack


def trained(folder: Path, world: Path, pack: Path, length: str, steps: int, batch: int) -> Trained:  # noqa: PLR0917
    """Train once."""
    path, run, times = folder / f"{length}.yaml", folder / f"{length}-{steps}", []
    warmup = max(1, steps // 10)
    text = RECIPE.format(
        world=world.absolute(), pack=pack.absolute(), length=length, steps=steps, batch=batch, warmup=warmup
    )
    path.write_text(text, "utf-8")

    def note() -> bool:
        times.append(time.process_time())
        return False

    train(path, run, TrainOptions(new=True), asked_to_stop=note)
    rows = [row for row in read_journal(run / "journal.jsonl") if row["kind"] == "validation"]
    values = rows[-1]["metrics"]
    between = [after - before for before, after in pairwise(times)]
    loss = next(value for key, value in values.items() if key.endswith("loss"))
    cider_d = next(value for key, value in values.items() if key.endswith("cider_d"))
    return Trained(statistics.median(between), steps, loss, cider_d)


def beside(name: str, unit: str, real: float, filled: float) -> harness.Figure:
    """Real lengths beside filling; no bar."""
    ratio = real / filled if filled > 1e-3 else None  # of a CIDEr-D of nothing there is no multiple
    return harness.Figure(name, unit, real, real, real, (harness.Peer("filled to 30 s", filled, ratio, None, None),))


if __name__ == "__main__":
    sys.exit(main())
