"""Measuring captions: what ``evaluate`` does with predictions that are texts.

Only what the wanted metrics need is looked for: a Java for METEOR and SPICE, models for sentences and fluency.

Public names: CaptionOptions, evaluate_texts, caption_tools.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from audiolect.corpora import esc50
from audiolect.corpora.soundworld import corpus as soundworld
from audiolect.corpora.soundworld.caption_scores import caption_judge
from audiolect.data.dataset import Dataset, open_dataset
from audiolect.dataset_part import select_part
from audiolect.evaluate.caption_values import CAPTION_METRICS, CaptionTools, wanted_metrics
from audiolect.evaluate.captions import evaluate_captions
from audiolect.evaluate.class_naming import class_judge
from audiolect.evaluate.evaluation import EvaluateRequest
from audiolect.metrics.java import find_java
from audiolect.metrics.meteor import meteor_counts, meteor_jar
from audiolect.metrics.spice import find_spice_jars, spice
from audiolect.progress import Progress, silent_progress
from audiolect.scores import Scores


@dataclass(frozen=True, slots=True)
class CaptionOptions:
    """What metrics of captions may need.

    Args:
        java: a program; None: that of JAVA_HOME or the PATH.
        java_timeout_seconds: for one answer of METEOR, and 30 times that for SPICE as a whole.
        spice_jars, spice_cache: folders.
        sentence_model: a folder or a name on the hub.
        fluency_model: a file or a folder.
        trained_on: a dataset whose captions are known, for novelty.
    """

    java: str | None = None
    java_timeout_seconds: float = 120.0
    spice_jars: Path | None = None
    spice_cache: Path | None = None
    sentence_model: str | None = None
    fluency_model: Path | None = None
    trained_on: Path | None = None


def evaluate_texts(
    predictions: Sequence[Path],
    dataset: Dataset,
    request: EvaluateRequest,
    settings: CaptionOptions,
    *,
    baseline: Sequence[Path] = (),
    progress: Progress = silent_progress,
) -> Scores:
    """Scores of files of text predictions.

    Raises:
        AudiolectError: as of ``evaluate.captions`` and of what the metrics need.
    """
    tools = caption_tools(wanted_metrics(request.choice.patterns), settings, progress=progress)
    if dataset.card.name == soundworld.NAME and "events" in dataset.card.extra_tables:
        tools = replace(tools, judge=caption_judge(dataset))
    if dataset.card.name in esc50.DATASETS:
        sentences = {category.replace("_", " "): sentence for category, sentence in esc50.CAPTIONS.items()}
        tools = replace(tools, classes=class_judge(dataset, sentences))
    return evaluate_captions(predictions, dataset, request, tools=tools, baseline=baseline, progress=progress)


def caption_tools(
    wanted: frozenset[str], settings: CaptionOptions, *, progress: Progress = silent_progress
) -> CaptionTools:
    """What these metrics need, and no more.

    Raises:
        MissingDependency: a Java, a jar or a library is absent.
        AudiolectError: a model cannot be loaded.
    """
    needs = {need for name in wanted for need in CAPTION_METRICS[name]}
    embed: Any = None
    fluency: Any = None
    if "embed" in needs and settings.sentence_model is not None:
        from audiolect.models.sentence_embedder import load_sentence_embedder

        embed = load_sentence_embedder(settings.sentence_model)
    if "fluency" in needs and settings.fluency_model is not None:
        from audiolect.models.fluency_detector import load_fluency_detector

        fluency = load_fluency_detector(settings.fluency_model)
    return CaptionTools(
        meteor=_meteor(settings, progress) if "meteor" in needs else None,
        spice=_spice(settings, progress) if "spice" in needs else None,
        embed=embed,
        fluency=fluency,
        known=_known(settings.trained_on),
    )


def _meteor(settings: CaptionOptions, progress: Progress) -> Callable[[Any, Any], Any]:
    java, jar = find_java(settings.java), meteor_jar()

    def measured(candidates: Any, references: Any) -> Any:
        with progress("METEOR", total=len(candidates), unit="captions") as advance:
            return meteor_counts(
                candidates,
                references,
                java=java,
                jar=jar,
                timeout_seconds=settings.java_timeout_seconds,
                answered=advance,
            )

    return measured


def _spice(settings: CaptionOptions, progress: Progress) -> Callable[[Any, Any], Any]:
    jars = find_spice_jars(settings.spice_jars)
    java = find_java(settings.java)
    cache = settings.spice_cache
    if cache is None and settings.spice_jars is not None:
        cache = settings.spice_jars / "cache"

    def measured(candidates: Any, references: Any) -> Any:
        with progress("SPICE", total=None, unit="s") as advance:
            passed = [0.0, 0]

            def waited(seconds: float) -> None:
                passed[0] += seconds
                whole = int(passed[0]) - int(passed[1])
                passed[1] += whole
                advance(whole)

            return spice(
                candidates,
                references,
                java=java,
                jars=jars,
                cache=cache,
                timeout_seconds=30 * settings.java_timeout_seconds,
                waited=waited,
            )

    return measured


def _known(folder: Path | None) -> list[str] | None:
    """The captions of the split ``train`` or ``development`` of a dataset, or of all of it where it has neither."""
    if folder is None:
        return None
    dataset = open_dataset(folder)
    split = next((name for name in ("train", "development") if name in dataset.card.splits), None)
    part = select_part(dataset, split=split)
    return [text for answers in part.examples["answers"] for text in answers]
