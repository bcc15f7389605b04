"""The few numbers that a table of ways to write shows; ``evaluate`` gives all of them, with intervals.

Public names: NAMES, quick_scores.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from audiolect.data.dataset import Dataset
    from audiolect.text_predictions import TextPrediction

NAMES = ("cider_d", "rouge_l", "bleu_4")


def quick_scores(rows: Sequence[TextPrediction], dataset: Dataset, task: str) -> dict[str, float]:
    """Name → value, of the first outputs against all answers of their examples.

    Raises:
        UsageError: no row is of an example with answers.
    """
    import polars as pl

    from audiolect.metrics.bleu import bleu_counts, corpus_bleu
    from audiolect.metrics.cider import cider_d
    from audiolect.metrics.ngrams import count_ngrams
    from audiolect.metrics.rouge import rouge_l
    from audiolect.metrics.words import words_of_all

    examples = dataset.scan_examples.filter(pl.col("task") == task).select("example_id", "answers").collect()
    answers = {name: texts for name, texts in examples.iter_rows() if texts}
    asked = [row for row in rows if row.id in answers]
    candidates = words_of_all(row.outputs[0] for row in asked)
    references = [words_of_all(answers[row.id]) for row in asked]
    counts = count_ngrams(candidates, references)
    blocks = bleu_counts(counts)
    sums = (blocks.matches, blocks.guesses, blocks.lengths, blocks.reference_lengths)
    values = (cider_d(counts).mean(), rouge_l(candidates, references).mean(), corpus_bleu(*(s.sum(0) for s in sums))[3])
    return {name: float(value) for name, value in zip(NAMES, values, strict=True)}
