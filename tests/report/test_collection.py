"""The page of a collection: offline, escaped, and honest about what was left out."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from audiolect.audio.writing import write
from audiolect.corpora.folder import prepare
from audiolect.data.dataset import Dataset
from audiolect.errors import UsageError
from audiolect.report.collection import CollectionRequest, collection_html, write_collection
from audiolect.text_predictions import TextPart, TextPrediction, TextPredictionsHeader, write_text_predictions


@pytest.fixture
def made(tmp_path: Path) -> Dataset:
    """Two sounds and an empty file, prepared."""
    for number, name in enumerate(("a <b> & 'c'.wav", "d.wav")):
        noise = np.random.default_rng(number).uniform(-0.2, 0.2, 4000).astype(np.float32)
        write(tmp_path / "audio" / name, noise, 8000)
    (tmp_path / "audio" / "empty.wav").touch()
    return prepare(tmp_path / "audio", tmp_path / "data")


def said(dataset: Dataset, path: Path, **changes: Any) -> Path:
    facts = {"name": "x", "fingerprint": dataset.card.fingerprint, "split": None, "where": None}
    part = TextPart(**facts | {"num_expected": 2, "num_predicted": 2} | changes)
    header = TextPredictionsHeader(model={"run": "teller", "checkpoint_hash": "abc"}, dataset=part)
    ids = dataset.recordings["recording_id"]
    write_text_predictions(path, header, [TextPrediction(name, name, ("a <i>bark</i>",), (0.0,), "") for name in ids])
    return path


def test_what_is_there_and_what_is_not(made: Dataset, tmp_path: Path) -> None:
    page = collection_html(CollectionRequest(made.folder, said(made, tmp_path / "c.jsonl"), command="audiolect run x"))
    assert "2 recordings, 1 s; described by teller" in page
    assert page.count("<audio") == 2
    assert "a &lt;b&gt; &amp;" in page
    assert "<b> &" not in page
    assert page.count("a &lt;i&gt;bark&lt;/i&gt;") == 2
    assert "empty.wav" in page
    assert "the file has no bytes" in page
    assert "http" not in page.replace("http-equiv", "")


def test_without_captions_and_with_little_room(made: Dataset, tmp_path: Path) -> None:
    write_collection(tmp_path / "p.html", CollectionRequest(made.folder, most=1, budget_bytes=1))
    page = (tmp_path / "p.html").read_text("utf-8")
    assert "described by" not in page
    assert "1 of 2 are shown" in page


def test_captions_of_another_dataset(made: Dataset, tmp_path: Path) -> None:
    other = said(made, tmp_path / "c.jsonl", fingerprint="0" * 32)
    with pytest.raises(UsageError, match="another dataset"):
        collection_html(CollectionRequest(made.folder, other))
