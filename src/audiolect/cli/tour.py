"""The verb ``demo``: the whole street on soundworld, from nothing to a search by a model that was trained on the way.

Conventions: everything is under ``--out``. Each stage prints the command that does it alone, ready to be copied.

Public names: add_verbs.
"""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.text import Text

from audiolect.cli import options
from audiolect.cli.console import (
    console,
    human_bytes,
    human_count,
    human_seconds,
    plain,
    print_json,
    print_table,
    rich_progress,
)
from audiolect.cli.tour_captions import Described, describe, print_numbers
from audiolect.cli.tour_plan import RATE_HZ, RECIPE_HEAD, SHOWN_METRICS, Tour, chance_of, recipe_of
from audiolect.cli.tour_talk import fact, say

if TYPE_CHECKING:
    from audiolect.data.dataset import Dataset
    from audiolect.predict.run_model import RunModel
    from audiolect.scores import Number, Scores
    from audiolect.search.engine import Hit
    from audiolect.training.session import Outcome

_GROUP = "All of it"
_SPLIT, _TASK = "test", "text_to_audio"
_INDEXED = "split != 'train'"
_QUERIES = ("a dog barks three times", "rain is falling while someone speaks")
_NUM_HITS = 3


def add_verbs(app: typer.Typer) -> None:
    """Add this group's verbs to the command."""
    app.command("demo", rich_help_panel=_GROUP)(demo)


def demo(
    *,
    out: options.Out = Path("demo"),
    recordings: Annotated[int, typer.Option("--recordings", min=10, help="How many recordings to make.")] = 1000,
    epochs: Annotated[int, typer.Option("--epochs", min=1, help="Passes of the training.")] = 24,
    seed: options.Seed = 7,
    jobs: options.Jobs = 0,
    overwrite: options.Overwrite = False,
    as_json: options.Json = False,
) -> None:
    """Walk the street on soundworld: make, check, pack, train two models, measure, report, index, search, describe.

    audiolect demo --out demo

    Some minutes on two cores; nothing is fetched. Fewer recordings or epochs are faster, and find less.
    """
    tour = Tour(out, recordings, epochs, seed, jobs, overwrite, quiet=as_json)
    _need_models()
    dataset = _prepare(tour)
    _pack(tour)
    outcome = _train(tour)
    model, scores = _measure(tour, dataset)
    described = describe(tour, dataset)
    _report(tour, scores, described)
    found = _search(tour, dataset, model)
    if as_json:
        print_json(_as_json(tour, dataset, outcome, scores, found) | _captions_as_json(tour, described))
        return
    _print_summary(tour, scores, described)


def _need_models() -> None:
    """Before minutes of work, not after them."""
    from audiolect.errors import missing_extra

    try:
        import accelerate  # noqa: F401
        import torch  # noqa: F401
    except ImportError as problem:
        raise missing_extra("The demo trains a model, which", "models", str(problem.name)) from None
    try:
        import lancedb  # noqa: F401
    except ImportError as problem:
        raise missing_extra("The demo makes an index, which", "search", str(problem.name)) from None


def _prepare(tour: Tour) -> Dataset:
    from audiolect.cli.overview import draw_recording, print_overview
    from audiolect.corpora.intake import IntakeOptions
    from audiolect.corpora.table import Request, get_corpus
    from audiolect.data.checks import check_decoding
    from audiolect.data.problems import enforce_limit

    world, picture = tour.place("soundworld"), tour.place("spectrogram.png")
    say(
        tour,
        f"audiolect prepare soundworld --out {shlex.quote(str(world))} --recordings {tour.recordings} "
        f"--seed {tour.seed}",
    )
    making = IntakeOptions(jobs=tour.jobs, overwrite=tour.overwrite, command=tour.command)
    request = Request(out=world, num_recordings=tour.recordings, seed=tour.seed, options=making, progress=rich_progress)
    dataset = get_corpus("soundworld").prepare(request)
    problems = check_decoding(dataset, jobs=tour.jobs, progress=rich_progress)
    enforce_limit(problems, limit=0, total=dataset.recordings.height)
    draw_recording(dataset, None, picture)
    if not tour.quiet:
        print_overview(dataset, rows=1)
        fact("checked", f"all {dataset.recordings.height} recordings decode to their stated length")
        fact("drew", str(picture))
    return dataset


def _pack(tour: Tour) -> None:
    from audiolect.data.dataset import open_dataset
    from audiolect.loader.pack_plan import PackSettings
    from audiolect.loader.pack_writer import write_pack

    world, target = tour.place("soundworld"), tour.place("soundworld-pack")
    say(tour, f"audiolect pack {shlex.quote(str(world))} --rate-hz {RATE_HZ} --out {shlex.quote(str(target))}")
    settings = PackSettings(rate_hz=RATE_HZ, jobs=tour.jobs, overwrite=tour.overwrite, command=tour.command)
    packed = write_pack(open_dataset(world), target, settings, progress=rich_progress)
    if not tour.quiet:
        seconds = human_seconds(packed.card.num_samples / packed.card.rate_hz)
        fact("packed", f"{packed.card.num_recordings} recordings, {seconds}, at {RATE_HZ} Hz")


def _train(tour: Tour) -> Outcome:
    from audiolect.cli.planning import print_plan
    from audiolect.loader.mixture import mixture_of
    from audiolect.loader.plan_report import report_plan
    from audiolect.storage import write_text
    from audiolect.training import session
    from audiolect.training.recipe import load_recipe
    from audiolect.yaml_text import yaml_text

    path, run = tour.place("recipe.yaml"), tour.place("run")
    recipe = recipe_of(epochs=tour.epochs, seed=tour.seed, threads=tour.jobs or None)
    head = RECIPE_HEAD.format(recipe=shlex.quote(str(path)), run=shlex.quote(str(run)))
    write_text(path, head + yaml_text(recipe))
    say(tour, f"audiolect train {shlex.quote(str(path))} --out {shlex.quote(str(run))}")
    if not tour.quiet:
        read = load_recipe(path)
        size = read.training.batches.batch_size
        print_plan(report_plan(mixture_of(read, tour.out, where=path), 0, batch_size=size), str(path))
    options_ = session.TrainOptions(new=tour.overwrite, command=tour.command)
    outcome = session.train(path, run, options_, progress=rich_progress)
    if not tour.quiet:
        standing = outcome.standing
        fact("trained", f"{human_count(standing.step, 'step')}; best on the split val at step {standing.best_step}")
    return outcome


def _measure(tour: Tour, dataset: Dataset) -> tuple[RunModel, Scores]:
    from audiolect.evaluate.evaluation import EvaluateRequest, evaluate
    from audiolect.evaluate.numbers import MetricChoice
    from audiolect.loader.pack import open_pack
    from audiolect.predict.prediction import PredictRequest, predict
    from audiolect.predict.run_model import open_run_model
    from audiolect.scores import write_scores

    world, pack, run, predictions, scores_file = (
        tour.place(name) for name in ("soundworld", "soundworld-pack", "run", f"run-{_SPLIT}", "scores.json")
    )
    names = [shlex.quote(str(path)) for path in (run, world, pack, predictions, scores_file)]
    model = open_run_model(run)
    run_, world_, pack_, predictions_, scores_ = names
    say(tour, f"audiolect predict {run_} {world_} --split {_SPLIT} --pack {pack_} --out {predictions_}")
    request = PredictRequest(
        settings=model.settings,
        split=_SPLIT,
        templates=model.templates,
        source="pack",
        overwrite=tour.overwrite,
        command=tour.command,
    )
    report = predict(request, dataset, model.embedder, open_pack(pack), predictions, progress=rich_progress)
    if not tour.quiet:
        counted = human_count(report.card.dataset.num_embedded, "recording")
        fact("embedded", f"{counted} and {human_count(report.num_captions, 'caption')} of the split {_SPLIT}")
    chosen = f" --metrics {','.join(tour.metrics)}" if tour.metrics else ""
    say(tour, f"audiolect evaluate {predictions_} {world_}{chosen} --out {scores_}")
    asked = EvaluateRequest(MetricChoice(tour.metrics), command=tour.command)
    scores = evaluate([predictions], dataset, asked, progress=rich_progress)
    write_scores(scores_file, scores)
    if not tour.quiet:
        _print_scores(scores)
    return model, scores


def _report(tour: Tour, scores: Scores, described: Described) -> None:
    from audiolect.report.page import ReportRequest, write_report

    page, world = tour.place("report.html"), tour.place("soundworld")
    predictions = tuple(tour.place(f"{name}-{_SPLIT}") for name in ("run", "captions"))
    runs = tuple(tour.place(name) for name in ("run", "captions"))
    files = [tour.place(name) for name in ("scores.json", "captions.json")]
    words = [
        *(shlex.quote(str(path)) for path in files),
        *(f"--predictions {shlex.quote(str(path))}" for path in predictions),
        f"--dataset {shlex.quote(str(world))}",
        *(f"--run {shlex.quote(str(path))}" for path in runs),
        f"--out {shlex.quote(str(page))}",
    ]
    say(tour, f"audiolect report {' '.join(words)}")
    write_report(page, [scores, described.scores], ReportRequest(predictions, world, runs=runs, command=tour.command))
    if not tour.quiet:
        fact("wrote", f"{page}, {human_bytes(page.stat().st_size)}")


def _search(tour: Tour, dataset: Dataset, model: RunModel) -> dict[str, tuple[Hit, ...]]:
    """Query → its best hits."""
    from audiolect.loader.pack import open_pack
    from audiolect.predict.prediction import preprocessing_of
    from audiolect.search.engine import open_engine
    from audiolect.search.from_run import RunQueries, embed_with
    from audiolect.search.index import AddRequest, add_dataset

    world, pack, run, target = (tour.place(name) for name in ("soundworld", "soundworld-pack", "run", "index"))
    names = [shlex.quote(str(path)) for path in (run, world, pack, target)]
    run_, world_, pack_, index_ = names
    say(tour, f'audiolect index {run_} {world_} --pack {pack_} --where "{_INDEXED}" --out {index_}')
    request = AddRequest(
        identity=model.embedder.identity,
        size=model.embedder.embedding_size,
        run_folder=str(run.resolve()),
        preprocessing={
            name: value
            for name, value in preprocessing_of(model.settings, "pack").items()
            if name not in ("source", "precision")
        },
        where=_INDEXED,
        overwrite=tour.overwrite,
        command=tour.command,
    )
    embed = embed_with(model.embedder, model.settings, lambda _: open_pack(pack), source="pack")
    report = add_dataset(target, dataset, request, embed, progress=rich_progress)
    if not tour.quiet:
        fact("indexed", f"{report.card.num_recordings} recordings that the training has not heard")
    answer = open_engine(target, RunQueries(model.embedder, model.settings)).by_text(list(_QUERIES), _NUM_HITS)
    found = dict(zip(_QUERIES, answer.hits, strict=True))
    for query, hits in {} if tour.quiet else found.items():
        say(tour, f'audiolect search {index_} "{query}" --k {_NUM_HITS}')
        rows = [(f"{hit.score:.3f}", hit.recording_id, hit.captions[0]) for hit in hits]
        print_table(query, ("score", "recording", "first caption"), rows, right=(0,), whole=(1,))
    return found


def _numbers(scores: Scores) -> list[Number]:
    of = {number.metric: number for number in scores.numbers if number.part == "all" and number.task == _TASK}
    return [of[metric] for metric in SHOWN_METRICS if metric in of]


def _print_scores(scores: Scores) -> None:
    numbers = _numbers(scores)
    rows = [
        (
            number.metric,
            f"{number.value:.3g}",
            "" if number.low is None else f"{number.low:.3g} to {number.high:.3g}",
            f"{chance_of(number.metric, number.gallery):.3g}",
        )
        for number in numbers
    ]
    title = f"from words to sound: {numbers[0].n} captions, {numbers[0].gallery} recordings of the split {_SPLIT}"
    print_table(title, ("metric", "value", "95% interval", "by chance"), rows, right=(1, 2, 3))


def _print_summary(tour: Tour, scores: Scores, described: Described) -> None:
    run, recipe, page, index, captions = (
        shlex.quote(str(tour.place(name))) for name in ("run", "recipe.yaml", "report.html", "index", "captions")
    )
    console().print()
    _print_scores(scores)
    print_numbers(described)
    rows = [
        ("the report, for a browser", page),
        ("search on", f'audiolect search {index} "someone knocks on a door twice" --k 5'),
        ("describe a sound", f"audiolect caption {captions} {shlex.quote(str(described.example))}"),
        ("search by sound", f"audiolect search {index} --audio FILE"),
        ("train longer", f"audiolect train {recipe} mixture.epochs={2 * tour.epochs} --out {run}-longer"),
        ("your own recordings", f'audiolect embed {run} FILES… --text "a dog barks"'),
    ]
    console().print(Text("\nwhat is next", style="bold"))
    for what, how in rows:
        console().print(Text.assemble(f"  {what:<26} ", (plain(how), "cyan")), soft_wrap=True)
    console().print(Text.assemble(("wrote", "green"), f" {plain(tour.out)}"), soft_wrap=True)


def _as_json(
    tour: Tour, dataset: Dataset, outcome: Outcome, scores: Scores, found: dict[str, tuple[Hit, ...]]
) -> dict[str, Any]:
    names = {"dataset": "soundworld", "picture": "spectrogram.png", "pack": "soundworld-pack", "recipe": "recipe.yaml"}
    names |= {"run": "run", "scores": "scores.json", "report": "report.html", "index": "index"}
    return {name: str(tour.place(file)) for name, file in names.items()} | {
        "fingerprint": dataset.card.fingerprint,
        "steps": outcome.standing.step,
        "numbers": {
            number.metric: {"value": number.value, "by_chance": chance_of(number.metric, number.gallery)}
            for number in _numbers(scores)
        },
        "searches": {query: [hit.recording_id for hit in hits] for query, hits in found.items()},
    }


def _captions_as_json(tour: Tour, described: Described) -> dict[str, Any]:
    return {
        "caption_recipe": str(tour.place("captions.yaml")),
        "caption_run": str(tour.place("captions")),
        "caption_scores": str(tour.place("captions.json")),
        "caption_steps": described.steps,
        "caption_numbers": {number.metric: number.value for number in described.numbers},
    }
