"""Captions of a validation set: what the model has written for each recording, measured against its references.

Conventions: rows are sorted by example id, so that the numbers do not depend on batches or ranks; CIDEr-D weighs words
by the references of the set itself. Where several styles stand in one set, each has its numbers too, named
``STYLE METRIC``. ``loss`` is the mean over the tokens of the first references. What needs a Java is measured where it
is asked for (``caption_metrics.py``).

Public names: METRICS, WrittenCaption, Written, measure_written.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from audiolect.errors import DatasetError
from audiolect.metrics.bleu import bleu_counts, corpus_bleu
from audiolect.metrics.cider import cider_d
from audiolect.metrics.ngrams import count_ngrams
from audiolect.metrics.rouge import rouge_l
from audiolect.metrics.words import words_of_all
from audiolect.training.caption_metrics import CaptionPrograms, ProgramValues, measure_on_first
from audiolect.training.validation import Validation, gather_objects

# What every set has, without programs in Java.
METRICS = ("cider_d", "rouge_l", "bleu_1", "bleu_4", "words", "distinct", "loss")


@dataclass(frozen=True, slots=True)
class WrittenCaption:
    """One row.

    Args:
        example_id, recording_id: whose it is.
        style: the prefix that it began with.
        text: what was written.
        references: what people have written.
    """

    example_id: str
    recording_id: str
    style: str
    text: str
    references: tuple[str, ...]


class Written:
    """What one rank has written so far."""

    def __init__(self) -> None:
        self.rows: list[WrittenCaption] = []
        self.loss_sum = 0.0
        self.num_tokens = 0

    def add(self, rows: list[WrittenCaption], loss: float, num_tokens: int) -> None:
        """Take a batch: its captions, and the mean loss over its tokens."""
        self.rows += rows
        self.loss_sum += loss * num_tokens
        self.num_tokens += num_tokens


def measure_written(written: Written, *, shown: int, programs: CaptionPrograms | None = None) -> Validation:
    """Measure the captions of all ranks; every rank gets what the first one measured.

    Args:
        written: this rank's share.
        shown: how many rows are told, evenly over the set.
        programs: what SPICE and METEOR need, the same on every rank; None: without them.

    Raises:
        DatasetError: there is nothing on any rank.
        WorkerDied: a program has failed.
    """
    parts = gather_objects((written.rows, written.loss_sum, written.num_tokens))
    rows = sorted((row for part, _, _ in parts for row in part), key=lambda row: row.example_id)
    if not rows:
        raise DatasetError("There is nothing to validate.", found="no examples on any rank")
    tokens = sum(count for _, _, count in parts)
    candidates = words_of_all(row.text for row in rows)
    references = [words_of_all(row.references) for row in rows]
    values = measure_on_first(programs, candidates, references)
    metrics = _numbers(rows, values)
    styles = sorted({row.style for row in rows})
    for style in styles if len(styles) > 1 else ():
        places = [place for place, row in enumerate(rows) if row.style == style]
        some = _numbers([rows[place] for place in places], values.part(places))
        metrics |= {f"{style.strip().removesuffix(':')} {name}": value for name, value in some.items()}
    metrics["loss"] = sum(total for _, total, _ in parts) / max(1, tokens)
    return gather_objects(Validation(metrics, len(rows), _told(rows, shown)))[0]


def _numbers(rows: list[WrittenCaption], values: ProgramValues) -> dict[str, float]:
    candidates = words_of_all(row.text for row in rows)
    references = [words_of_all(row.references) for row in rows]
    counts = count_ngrams(candidates, references)
    blocks = bleu_counts(counts)
    sums = (blocks.matches, blocks.guesses, blocks.lengths, blocks.reference_lengths)
    bleu = corpus_bleu(*(each.sum(axis=0) for each in sums))
    cider = cider_d(counts)
    return {
        "cider_d": float(cider.mean()),
        "rouge_l": float(rouge_l(candidates, references).mean()),
        "bleu_1": float(bleu[0]),
        "bleu_4": float(bleu[3]),
        "words": float(np.mean([len(candidate) for candidate in candidates])),
        "distinct": len({row.text for row in rows}) / len(rows),
        **values.metrics(cider),
    }


def _told(rows: list[WrittenCaption], shown: int) -> list[dict[str, Any]]:
    if not shown:
        return []
    places = np.unique(np.linspace(0, len(rows) - 1, min(shown, len(rows))).round().astype(np.int64))
    return [
        {
            "text": rows[at].text,
            "recording_id": rows[at].recording_id,
            "style": rows[at].style,
            "references": list(rows[at].references),
        }
        for at in places.tolist()
    ]
