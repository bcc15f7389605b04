"""The verbs that measure and show: evaluate predictions, make a report of scores.

Public names: add_verbs.
"""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from audiolect.cli import options
from audiolect.cli.console import command_line, console, human_bytes, print_done, print_json, print_table, rich_progress

if TYPE_CHECKING:
    from audiolect.data.dataset import Dataset
    from audiolect.scores import Scores

_GROUP = "Models"
_FORMS = {"html": "report.html", "md": "report.md"}
_SHOWN = (
    "map@10",
    "recall_any@1",
    "recall_any@5",
    "recall_any@10",
    "median_rank",
    "accuracy",
    "accuracy@5",
    "balanced_accuracy",
    "macro_average_precision",
    "macro_roc_auc",
    "bleu_1",
    "bleu_4",
    "rouge_l",
    "meteor",
    "cider_d",
    "spice",
    "spider",
    "spider_fl",
    "sentence_similarity",
    "fluency_error",
    "fense",
    "keyword_precision",
    "keyword_recall",
    "keyword_f1",
    "keyword_jaccard",
    "vocabulary_size",
    "words_per_caption",
    "novel_captions",
)

Inputs = Annotated[
    list[Path],
    typer.Argument(
        help="Predictions, as `predict` writes them (one folder or file for each run), then their dataset.",
        show_default=False,
        metavar="PREDICTIONS… DATASET",
    ),
]
ScoresOut = Annotated[Path, typer.Option("--out", "-o", help="Where to write. The file of the scores.")]
Metrics = Annotated[
    list[str] | None,
    typer.Option(
        "--metrics",
        help="Only these, e.g. 'recall_any@*' or cider_d,meteor,spice; names with commas, may be repeated. "
        "Of captions, without it: those that need nothing but the captions.",
    ),
]
JavaProgram = Annotated[
    str | None, typer.Option("--java", help="For METEOR and SPICE: the program. Default: of JAVA_HOME, or the PATH.")
]
JavaTimeout = Annotated[
    float,
    typer.Option(
        "--java-timeout",
        min=1,
        callback=options.finite,
        help="Seconds that METEOR may take for an answer; SPICE has 30 times that for everything.",
    ),
]
SpiceJarsFolder = Annotated[
    Path | None, typer.Option("--spice-jars", help="A folder with the two jars of the Stanford parser (3.6.0).")
]
SpiceCache = Annotated[
    Path | None, typer.Option("--spice-cache", help="Where SPICE keeps its parses. Default: cache in --spice-jars.")
]
SentenceModel = Annotated[
    str | None, typer.Option("--sentence-model", help="For sentence_similarity and fense: a folder, or a hub name.")
]
FluencyModel = Annotated[
    Path | None, typer.Option("--fluency-model", help="For fense and spider_fl: the file or folder of the detector.")
]
TrainedOn = Annotated[
    Path | None, typer.Option("--trained-on", help="A dataset whose captions are known, for novel_captions.")
]
Baseline = Annotated[
    list[Path] | None, typer.Option("--baseline", help="Predictions of another system, to be tested against.")
]
By = Annotated[str | None, typer.Option("--by", help="Also measure each split, fold or corpus on its own.")]
Ties = Annotated[
    str, typer.Option("--ties", help="Who comes first of equal scores: pessimistic, expected, optimistic.")
]
Relevance = Annotated[
    str,
    typer.Option(
        "--relevance", help="own: a caption means its own recording; same-words: each that has the same caption."
    ),
]
Resamples = Annotated[int, typer.Option("--resamples", min=100, help="Draws of each interval and test.")]
AllowPartial = Annotated[
    bool, typer.Option("--allow-partial", help="Score predictions that cover only a part; every card says how much.")
]
Name = Annotated[str, typer.Option("--name", help="Name of the system in tables. Default: that of the run.")]
Submission = Annotated[
    Path | None, typer.Option("--submission", help="Also write the ten best files for each caption, as DCASE wants it.")
]

ScoresFiles = Annotated[
    list[Path], typer.Argument(help="Scores, as `evaluate` writes them; several side by side.", show_default=False)
]
ReportOut = Annotated[
    Path | None, typer.Option("--out", "-o", help="Where to write. Default: report.html or report.md.")
]
Form = Annotated[str, typer.Option("--format", help="html, or md for tables in Markdown.")]
Predictions = Annotated[
    list[Path] | None,
    typer.Option(
        "--predictions", help="Predictions, for queries or captions to listen to; once for each of the two kinds."
    ),
]
DatasetOfPredictions = Annotated[Path | None, typer.Option("--dataset", help="The dataset of the predictions.")]
Runs = Annotated[
    list[Path] | None, typer.Option("--run", help="A run, for the curves of its training; may be repeated.")
]
Queries = Annotated[int, typer.Option("--queries", min=1, max=50, help="How many worst and best queries.")]
MaxMegabytes = Annotated[
    float,
    typer.Option("--max-megabytes", min=0, callback=options.finite, help="The most that sounds may take in the page."),
]
AudioRoot = Annotated[
    Path | None, typer.Option("--audio-root", help="Where the audio is now, if not where the card says.")
]


def add_verbs(app: typer.Typer) -> None:
    """Add this group's verbs to the command."""
    app.command("evaluate", rich_help_panel=_GROUP)(evaluate)
    app.command("report", rich_help_panel=_GROUP)(report)


def evaluate(
    inputs: Inputs,
    *,
    out: ScoresOut = Path("scores.json"),
    metrics: Metrics = None,
    baseline: Baseline = None,
    by: By = None,
    ties: Ties = "pessimistic",
    relevance: Relevance = "own",
    resamples: Resamples = 9999,
    seed: options.Seed = 0,
    allow_partial: AllowPartial = False,
    name: Name = "",
    submission: Submission = None,
    java: JavaProgram = None,
    java_timeout: JavaTimeout = 120.0,
    spice_jars: SpiceJarsFolder = None,
    spice_cache: SpiceCache = None,
    sentence_model: SentenceModel = None,
    fluency_model: FluencyModel = None,
    trained_on: TrainedOn = None,
    as_json: options.Json = False,
) -> None:
    """Measure predictions: retrieval both ways, classification by text, or captions; each number with a card.

    audiolect evaluate world-test world --out scores.json

    audiolect evaluate captions/predictions.jsonl clotho --metrics cider_d,bleu_4,rouge_l,meteor

    audiolect evaluate fold-1 fold-2 fold-3 fold-4 fold-5 esc10

    Several are the runs of one system (folds or seeds): each is measured, all are pooled, with mean and spread.
    """
    from audiolect.data.dataset import open_dataset
    from audiolect.evaluate.evaluation import EvaluateRequest
    from audiolect.evaluate.numbers import MetricChoice
    from audiolect.scores import write_scores
    from audiolect.street.measuring import CaptionOptions, measure

    *predictions, folder = _checked(inputs)
    dataset = open_dataset(folder)
    patterns = tuple(part.strip() for text in metrics or [] for part in text.split(",") if part.strip())
    request = EvaluateRequest(
        choice=MetricChoice(patterns, seed, resamples),
        ties=ties,
        relevance=relevance,
        by=by,
        allow_partial=allow_partial,
        name=name,
        command=command_line(),
    )
    needs = CaptionOptions(java, java_timeout, spice_jars, spice_cache, sentence_model, fluency_model, trained_on)
    scores = measure(predictions, dataset, request, needs, baseline=baseline or [], progress=rich_progress)
    write_scores(out, scores)
    _write_submission(predictions, dataset, submission, allow_partial=allow_partial)
    if as_json:
        print_json({"file": str(out)} | scores.model_dump(mode="json"))
        return
    _print_scores(scores)
    print_done(str(out), f"audiolect report {shlex.quote(str(out))} --out report.html")


def report(
    scores: ScoresFiles,
    *,
    out: ReportOut = None,
    form: Form = "html",
    predictions: Predictions = None,
    dataset: DatasetOfPredictions = None,
    run: Runs = None,
    queries: Queries = 6,
    max_megabytes: MaxMegabytes = 12.0,
    audio_root: AudioRoot = None,
    as_json: options.Json = False,
) -> None:
    """Show scores: one HTML file that works offline, or a table in Markdown.

    audiolect report scores.json --predictions world-test --dataset world --run runs/world --out report.html

    With --predictions and --dataset there are the worst and best queries or captions to listen to, with --run the
    curves of the training. Several scores stand side by side.
    """
    from audiolect.errors import unknown_name
    from audiolect.report.page import ReportRequest, write_report
    from audiolect.report.tables import markdown_report
    from audiolect.scores import read_scores
    from audiolect.storage import write_text

    if form not in _FORMS:
        raise unknown_name("format of a report", form, _FORMS)
    several = [read_scores(path) for path in scores]
    target = out or Path(_FORMS[form])
    if form == "md":
        write_text(target, markdown_report(several))
    else:
        request = ReportRequest(
            predictions=tuple(predictions or ()),
            dataset=dataset,
            audio_root=audio_root,
            runs=tuple(run or ()),
            num_queries=queries,
            budget_bytes=round(max_megabytes * 1e6),
            command=command_line(),
        )
        write_report(target, several, request)
    if as_json:
        print_json({"report": str(target), "num_bytes": target.stat().st_size, "systems": len(several)})
        return
    print_done(f"{target}, {human_bytes(target.stat().st_size)}", "open it in a browser; it needs no network")


def _checked(inputs: list[Path]) -> list[Path]:
    from audiolect.errors import UsageError

    if len(inputs) < 2:
        raise UsageError(
            "It takes predictions and the dataset that they are of.",
            expected="audiolect evaluate PREDICTIONS… DATASET",
            found=shlex.join(map(str, inputs)),
        )
    return inputs


def _write_submission(predictions: list[Path], dataset: Dataset, path: Path | None, *, allow_partial: bool) -> None:
    """The ten best files for each caption, where they are asked for."""
    if path is None:
        return
    from audiolect.embedding_files import read_embeddings
    from audiolect.errors import UsageError
    from audiolect.evaluate.material import gather
    from audiolect.evaluate.submission import write_ranking

    if len(predictions) != 1:
        raise UsageError("A submission is of one run.", expected="one folder of predictions", found=len(predictions))
    count = write_ranking(path, gather(read_embeddings(predictions[0]), dataset, allow_partial=allow_partial))
    console().print(f"{path}: the ten best files for {count} captions", markup=False, highlight=False, soft_wrap=True)


def _print_scores(scores: Scores) -> None:
    spread = {each.key: each for each in scores.over_runs}
    rows: list[tuple[object, ...]] = []
    for number in scores.numbers:
        if number.metric not in _SHOWN and "[" in number.metric:
            continue
        if number.part != "all" and number.metric not in _SHOWN:
            continue
        interval = "" if number.low is None else f"{number.low:.4g} to {number.high:.4g}"
        runs = spread.get(number.key)
        means = "" if runs is None or runs.std is None else f"{runs.mean:.4g} ± {runs.std:.2g}"
        rows.append((number.part, number.task, number.metric, f"{number.value:.4g}", interval, number.n, means))
    if not any(row[-1] for row in rows):
        rows = [row[:-1] for row in rows]
    header = ("part", "task", "metric", "value", "95% interval", "n", "over runs")
    print_table(f"scores of {scores.name}", header[: len(rows[0])] if rows else header, rows, right=(3, 4, 5, 6))
    if scores.comparisons:
        tests = [
            (
                test.key,
                f"{test.difference:+.4g}",
                f"{test.low:+.4g} to {test.high:+.4g}" if test.low is not None else "",
                f"{test.p_holm:.3g}",
            )
            for test in scores.comparisons
        ]
        title = f"against {scores.comparisons[0].baseline} (paired; p by Holm over {len(tests)} tests)"
        print_table(title, ("number", "difference", "95% interval", "p"), tests, right=(1, 2, 3))
    for note in scores.notes:
        console().print(note, markup=False, highlight=False)
