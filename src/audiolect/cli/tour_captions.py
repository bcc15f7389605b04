"""The part of the demo that describes sounds: a small captioner is trained, writes of the split test, and is measured.

Conventions: as of ``tour.py``. The captioner begins from nothing, and hears the pack that the retrieval has heard.

Public names: describe, print_numbers, Described.
"""

from __future__ import annotations

import shlex
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from audiolect.cli.console import human_count, print_table, rich_progress
from audiolect.cli.tour_plan import CAPTION_HEAD, SHOWN_CAPTION_METRICS, Tour, caption_recipe_of
from audiolect.cli.tour_talk import fact, print_examples, say

if TYPE_CHECKING:
    from audiolect.data.dataset import Dataset
    from audiolect.predict.captioning import CaptionReport
    from audiolect.scores import Number, Scores

_SPLIT, _TASK = "test", "captioning"


@dataclass(frozen=True, slots=True)
class Described:
    """What the captioner came to.

    Args:
        steps: of its training.
        scores: of what it wrote.
        example: a recording that it described.
    """

    steps: int
    scores: Scores
    example: Path

    @property
    def numbers(self) -> list[Number]:
        """Those that are shown."""
        of = {number.metric: number for number in self.scores.numbers if number.part == "all" and number.task == _TASK}
        return [of[metric] for metric in SHOWN_CAPTION_METRICS if metric in of]


def describe(tour: Tour, dataset: Dataset) -> Described:
    """Train, predict and evaluate."""
    steps = _train(tour)
    report = _predict(tour, dataset)
    described = Described(steps, _evaluate(tour, dataset), _heard(tour, dataset, report.rows[0].recording_id))
    if not tour.quiet:
        true = dict(dataset.examples.select("example_id", "answers").iter_rows())
        print_numbers(described)
        rows = [(row.recording_id, row.outputs[0], true[row.id][0]) for row in report.rows]
        print_examples(f"written of the split {_SPLIT}", rows)
    return described


def print_numbers(described: Described) -> None:
    """The table of scores."""
    rows = [
        (
            number.metric,
            f"{number.value:.3g}",
            "" if number.low is None else f"{number.low:.3g} to {number.high:.3g}",
        )
        for number in described.numbers
    ]
    title = f"captions: {human_count(described.numbers[0].n, 'recording')} of the split {_SPLIT}"
    print_table(title, ("metric", "value", "95% interval"), rows, right=(1, 2))


def _train(tour: Tour) -> int:
    from audiolect.storage import write_text
    from audiolect.training import session
    from audiolect.yaml_text import yaml_text

    path, run = tour.place("captions.yaml"), tour.place("captions")
    recipe = caption_recipe_of(epochs=tour.epochs, seed=tour.seed, threads=tour.jobs or None)
    head = CAPTION_HEAD.format(recipe=shlex.quote(str(path)), run=shlex.quote(str(run)))
    write_text(path, head + yaml_text(recipe))
    say(tour, f"audiolect train {shlex.quote(str(path))} --out {shlex.quote(str(run))}")
    options = session.TrainOptions(new=tour.overwrite, command=tour.command)
    outcome = session.train(path, run, options, progress=rich_progress)
    if not tour.quiet:
        standing = outcome.standing
        fact("trained", f"{human_count(standing.step, 'step')}; best on the split val at step {standing.best_step}")
    return outcome.standing.step


def _predict(tour: Tour, dataset: Dataset) -> CaptionReport:
    from audiolect.loader.pack import open_pack
    from audiolect.predict.caption_writer import open_caption_writer
    from audiolect.predict.captioning import CaptionRequest, predict_captions
    from audiolect.predict.run_model import locate_model

    run, world, pack, target = (
        tour.place(name) for name in ("captions", "soundworld", "soundworld-pack", "captions-test")
    )
    run_, world_, pack_, target_ = (shlex.quote(str(path)) for path in (run, world, pack, target))
    say(tour, f"audiolect predict {run_} {world_} --split {_SPLIT} --pack {pack_} --out {target_}")
    opened = open_caption_writer(locate_model(run))
    request = CaptionRequest(
        settings=opened.settings,
        generation=opened.generation,
        split=_SPLIT,
        source="pack",
        overwrite=tour.overwrite,
        command=tour.command,
    )
    return predict_captions(request, dataset, opened.writer, open_pack(pack), target, progress=rich_progress)


def _evaluate(tour: Tour, dataset: Dataset) -> Scores:
    from audiolect.evaluate.evaluation import EvaluateRequest
    from audiolect.evaluate.numbers import MetricChoice
    from audiolect.scores import write_scores
    from audiolect.street.measuring import CaptionOptions, measure

    world, predictions, target = (tour.place(name) for name in ("soundworld", "captions-test", "captions.json"))
    world_, predictions_, target_ = (shlex.quote(str(path)) for path in (world, predictions, target))
    chosen = ",".join(SHOWN_CAPTION_METRICS)
    say(tour, f"audiolect evaluate {predictions_} {world_} --metrics {chosen} --out {target_}")
    asked = EvaluateRequest(MetricChoice(SHOWN_CAPTION_METRICS), command=tour.command)
    scores = measure([predictions], dataset, asked, CaptionOptions(), progress=rich_progress)
    write_scores(target, scores)
    return scores


def _heard(tour: Tour, dataset: Dataset, recording_id: str) -> Path:
    """The file of a recording, as it is reached from where the demo was asked for."""
    rows = dataset.recordings.filter(dataset.recordings["recording_id"] == recording_id)
    path, world = dataset.audio_path(rows["path"][0]).resolve(), tour.place("soundworld")
    return world / path.relative_to(world.resolve()) if path.is_relative_to(world.resolve()) else path
