"""The texts of a prediction: every caption of the chosen examples, and every label filled into every template.

Conventions: a caption's id is ``caption:EXAMPLE:K``, K the place among the example's answers; that of a label
``label:LABEL:K``, K the place of the template. Equal texts are embedded once. They are embedded by length, so that a
batch holds texts of about one length.

Public names: caption_table, label_table, dataset_labels, distinct_texts, embed_texts, TEXTS_AT_ONCE.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import numpy.typing as npt
import polars as pl

from audiolect.data.dataset import Dataset
from audiolect.embedding_files import TEXT_SCHEMA
from audiolect.predict.embedder import Embedder, Vectors, normalised
from audiolect.tasks import TASKS
from audiolect.text.label_prompts import fill

TEXTS_AT_ONCE = 64

_CAPTION_TASKS = tuple(task.name for task in TASKS.values() if task.family == "caption")


def caption_table(dataset: Dataset) -> pl.DataFrame:
    """The captions of a dataset's captioning examples, one row each, with the columns of TEXT_SCHEMA.

    Two examples of one recording may state one caption (a captioning and a retrieval task): it stands there once.
    """
    examples = dataset.examples.filter(pl.col("task").is_in(_CAPTION_TASKS) & (pl.col("answers").list.len() > 0))
    rows = (
        examples.select(
            "example_id", "recording_id", text="answers", number=pl.int_ranges(pl.col("answers").list.len())
        )
        .explode("text", "number")
        .with_columns(text_id=pl.format("caption:{}:{}", "example_id", "number"), kind=pl.lit("caption"))
        .unique(["recording_id", "text"], keep="first", maintain_order=True)
    )
    return _texts(rows)


def label_table(labels: Sequence[str], templates: Sequence[str]) -> pl.DataFrame:
    """The prompts of labels, one row for each pair, with the columns of TEXT_SCHEMA."""
    pairs = [(label, number, template) for label in labels for number, template in enumerate(templates)]
    rows = pl.DataFrame(
        {
            "text_id": [f"label:{label}:{number}" for label, number, _ in pairs],
            "kind": ["label"] * len(pairs),
            "text": [fill(template, label) for label, _, template in pairs],
            "label": [label for label, _, _ in pairs],
            "template": [template for _, _, template in pairs],
        },
        schema={name: pl.String() for name in ("text_id", "kind", "text", "label", "template")},
    )
    return _texts(rows)


def dataset_labels(dataset: Dataset) -> list[str]:
    """All labels of a dataset's recordings, sorted."""
    labels = dataset.recordings["labels"]
    labelled = labels.filter(labels.list.len() > 0)
    return labelled.explode().unique().sort().to_list() if len(labelled) else []


def distinct_texts(table: pl.DataFrame) -> tuple[list[str], npt.NDArray[np.int64]]:
    """The different texts of a table, the longest first, and for each row the place of its text among them."""
    texts = sorted(set(table["text"].to_list()), key=lambda text: (-len(text), text))
    places = {text: place for place, text in enumerate(texts)}
    return texts, np.array([places[text] for text in table["text"]], np.int64)


def embed_texts(embedder: Embedder, texts: Sequence[str], *, done: Callable[[int], None]) -> Vectors:
    """(n, E): the vectors of texts, in batches.

    Args:
        done: is told how many texts are done.
    """
    vectors = np.empty((len(texts), embedder.embedding_size), np.float32)
    for start in range(0, len(texts), TEXTS_AT_ONCE):
        batch = list(texts[start : start + TEXTS_AT_ONCE])
        vectors[start : start + len(batch)] = normalised(embedder.embed_texts(batch))
        done(len(batch))
    return vectors


def _texts(rows: pl.DataFrame) -> pl.DataFrame:
    absent = [pl.lit(None, dtype).alias(name) for name, dtype in TEXT_SCHEMA.items() if name not in rows.columns]
    return rows.with_columns(absent).select([pl.col(name).cast(dtype) for name, dtype in TEXT_SCHEMA.items()])
