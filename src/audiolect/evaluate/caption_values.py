"""Candidates and references to values, item by item, by whatever metrics are wanted.

    of everything        bleu_1 … bleu_4, rouge_l, cider_d, and counts of the vocabulary
    with Java            meteor; spice and spider with the jars of the Stanford parser
    with a ground truth  soundworld_classes, _counts, _order and _all: whether a caption says what is heard
    with classes         class_named: whether a caption names the class of its recording, and no other
    with models          sentence_similarity; fluency_error, fense and spider_fl with a detector of errors

Conventions: what needs more than the captions is handed in as functions (CaptionTools), so that nothing here knows a
model or a program. Without names, the metrics that need nothing are measured. CIDEr-D weighs words by the references of
all items of a set, whatever part of it is looked at later.

Public names: CaptionTools, CaptionValues, CAPTION_METRICS, wanted_metrics, measure_captions, pool_captions.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields
from fnmatch import fnmatchcase

import numpy as np
import numpy.typing as npt

from audiolect.corpora.soundworld.caption_scores import METRICS as JUDGED
from audiolect.corpora.soundworld.caption_scores import CaptionJudge
from audiolect.errors import MissingDependency
from audiolect.evaluate.caption_material import CaptionSet
from audiolect.evaluate.class_naming import METRIC as CLASS_NAMED
from audiolect.metrics import bleu, keywords
from audiolect.metrics.cider import cider_d
from audiolect.metrics.meteor import meteor_of_counts
from audiolect.metrics.ngrams import Words, count_ngrams
from audiolect.metrics.rouge import rouge_l
from audiolect.metrics.sentence_similarity import disfluent, penalised, sentence_similarity
from audiolect.metrics.spice import spider
from audiolect.metrics.vocabulary import VocabularyScores, vocabulary_scores
from audiolect.metrics.words import words, words_of_all

FloatArray = npt.NDArray[np.float64]
OfWords = Callable[[Sequence[Words], Sequence[Sequence[Words]]], FloatArray]
OfTexts = Callable[[Sequence[str]], npt.NDArray[np.floating]]

_COUNTS = tuple(field.name for field in fields(VocabularyScores))
# metric → what it needs beside the captions: names of CaptionTools
CAPTION_METRICS: dict[str, tuple[str, ...]] = {
    **dict.fromkeys(bleu.METRICS, ()),
    "rouge_l": (),
    "cider_d": (),
    "meteor": ("meteor",),
    "spice": ("spice",),
    "spider": ("spice",),
    "sentence_similarity": ("embed",),
    "fluency_error": ("fluency",),
    "fense": ("embed", "fluency"),
    "spider_fl": ("spice", "fluency"),
    **dict.fromkeys(JUDGED, ("judge",)),
    CLASS_NAMED: ("classes",),
    **dict.fromkeys(_COUNTS, ()),
}


@dataclass(frozen=True, slots=True)
class CaptionTools:
    """What metrics need beside the captions; None: it is not at hand.

    Args:
        meteor: words → (n, NUM_COUNTS) of ``metrics/meteor.py``.
        spice: words → (n,).
        embed: texts → (m, D) vectors.
        fluency: texts → (m,) probabilities of an error.
        known: captions that the system was trained on, for novelty.
        judge: recordings and captions → whether each is right, by the ground truth of soundworld.
        classes: the same, by the classes of the recordings.
    """

    meteor: OfWords | None = None
    spice: OfWords | None = None
    embed: OfTexts | None = None
    fluency: OfTexts | None = None
    known: Sequence[str] | None = None
    judge: CaptionJudge | None = None
    classes: CaptionJudge | None = None


@dataclass(frozen=True, slots=True, eq=False)
class CaptionValues:
    """One set, measured.

    Args:
        task: as of the set.
        ids, recordings: (n,) of the items.
        values: metric → (n,), of metrics that are means.
        bleu: sums of each item, (n,) rows; None where BLEU was not wanted.
        meteor: (n, NUM_COUNTS), or None.
        counts: metric → value of the whole set.
        own: metric → (n,): what each item has by itself, of BLEU and METEOR too.
        excluded: predictions without a reference.
    """

    task: str
    ids: tuple[str, ...]
    recordings: tuple[str, ...]
    values: dict[str, FloatArray]
    bleu: bleu.BleuCounts | None
    meteor: FloatArray | None
    counts: dict[str, float]
    own: dict[str, FloatArray]
    excluded: int


def wanted_metrics(patterns: Sequence[str]) -> frozenset[str]:
    """The metrics of captions that are meant: by names or patterns; without any, those that need nothing."""
    if not patterns:
        return frozenset(name for name, needs in CAPTION_METRICS.items() if not needs)
    return frozenset(name for name in CAPTION_METRICS if any(fnmatchcase(name, pattern) for pattern in patterns))


def measure_captions(own: CaptionSet, wanted: frozenset[str], tools: CaptionTools) -> CaptionValues:
    """Measure one set.

    Args:
        wanted: by ``wanted_metrics``; of a set of keywords those of keywords are always measured.

    Raises:
        MissingDependency: a metric needs something that is not at hand.
        UsageError: a function gave something that does not fit.
    """
    _check_tools(wanted, tools)
    values: dict[str, FloatArray] = {}
    if own.family == "keywords":
        values |= keywords.keyword_scores(own.candidates, own.references)
        return CaptionValues(own.task, own.ids, own.recordings, values, None, None, {}, dict(values), own.excluded)
    candidates = words_of_all(own.candidates)
    references = [words_of_all(texts) for texts in own.references]
    counts = count_ngrams(candidates, references)
    sums = bleu.bleu_counts(counts) if wanted & set(bleu.METRICS) else None
    if "rouge_l" in wanted:
        values["rouge_l"] = rouge_l(candidates, references)
    cider = cider_d(counts)
    if "cider_d" in wanted:
        values["cider_d"] = cider
    meteor = tools.meteor(candidates, references) if "meteor" in wanted and tools.meteor is not None else None
    if wanted & {"spice", "spider", "spider_fl"} and tools.spice is not None:
        spice = tools.spice(candidates, references)
        values |= {"spice": spice, "spider": spider(cider, spice)}
    if wanted & set(JUDGED) and tools.judge is not None:
        values |= tools.judge(own.recordings, own.candidates)
    if CLASS_NAMED in wanted and tools.classes is not None:
        values |= tools.classes(own.recordings, own.candidates)
    values |= _by_models(own, wanted, tools, values)
    values = {name: array for name, array in values.items() if name in wanted}
    vocabulary = vocabulary_scores(
        candidates, references, known=None if tools.known is None else [words(text) for text in tools.known]
    )
    each = dict(values)
    if sums is not None:
        rows = bleu.bleu(sums)
        each |= {name: rows[:, place] for place, name in enumerate(bleu.METRICS) if name in wanted}
    if meteor is not None:
        each["meteor"] = meteor_of_counts(meteor)
    told = {name: value for name, value in vocabulary.values().items() if name in wanted}
    return CaptionValues(own.task, own.ids, own.recordings, values, sums, meteor, told, each, own.excluded)


def pool_captions(runs: Sequence[CaptionValues]) -> CaptionValues:
    """The items of several runs as one; counts of a vocabulary are of single runs and stay there."""
    first = runs[0]
    names = [name for name in first.values if all(name in run.values for run in runs)]
    sums = [run.bleu for run in runs if run.bleu is not None]
    meteor = [run.meteor for run in runs if run.meteor is not None]
    each = [name for name in first.own if all(name in run.own for run in runs)]
    return CaptionValues(
        task=first.task,
        ids=tuple(item for run in runs for item in run.ids),
        recordings=tuple(item for run in runs for item in run.recordings),
        values={name: np.concatenate([run.values[name] for run in runs]) for name in names},
        bleu=bleu.BleuCounts(
            *(
                np.concatenate([getattr(each_sums, field.name) for each_sums in sums])
                for field in fields(bleu.BleuCounts)
            )
        )
        if len(sums) == len(runs)
        else None,
        meteor=np.concatenate(meteor) if len(meteor) == len(runs) else None,
        counts={},
        own={name: np.concatenate([run.own[name] for run in runs]) for name in each},
        excluded=sum(run.excluded for run in runs),
    )


def _by_models(
    own: CaptionSet, wanted: frozenset[str], tools: CaptionTools, values: dict[str, FloatArray]
) -> dict[str, FloatArray]:
    found: dict[str, FloatArray] = {}
    if wanted & {"fluency_error", "fense", "spider_fl"} and tools.fluency is not None:
        errors = np.asarray(tools.fluency(own.candidates), np.float64)
        found["fluency_error"] = disfluent(errors).astype(np.float64)
        if "spider" in values:
            found["spider_fl"] = penalised(values["spider"], errors)
    if wanted & {"sentence_similarity", "fense"} and tools.embed is not None:
        flat = [text for texts in own.references for text in texts]
        owners = np.repeat(np.arange(len(own.ids)), [len(texts) for texts in own.references])
        found["sentence_similarity"] = sentence_similarity(tools.embed(own.candidates), tools.embed(flat), owners)
        if "fluency_error" in found:
            found["fense"] = penalised(found["sentence_similarity"], errors)
    return found


_FIXES = {
    "meteor": "install a Java and audiolect[java]",
    "spice": "install a Java and audiolect[java], and give --spice-jars FOLDER",
    "embed": "give --sentence-model, a folder or a name on the hub",
    "fluency": "give --fluency-model, the file of the published detector",
    "judge": "evaluate captions of a dataset of soundworld, with its ground truth: audiolect prepare soundworld",
    "classes": "evaluate captions of ESC-50 or ESC-10: audiolect prepare esc50",
}


def _check_tools(wanted: frozenset[str], tools: CaptionTools) -> None:
    for name in sorted(wanted):
        for need in CAPTION_METRICS[name]:
            if getattr(tools, need) is None:
                raise MissingDependency(f"The metric {name} needs more than captions.", fix=_FIXES[need])
