"""Captions of a validation set, measured."""

from __future__ import annotations

import numpy as np
import pytest

from audiolect.errors import DatasetError
from audiolect.metrics.cider import cider_d
from audiolect.metrics.ngrams import count_ngrams
from audiolect.metrics.words import words_of_all
from audiolect.training import caption_validation
from audiolect.training.caption_metrics import ProgramValues
from audiolect.training.caption_validation import Written, WrittenCaption, measure_written

REFERENCES = [
    ("A dog barks twice.", "A dog barks two times."),
    ("Rain falls on a roof.", "It rains."),
    ("A bell rings and a cat meows.", "A cat meows after a bell."),
]


def written(texts: list[str], styles: tuple[str, ...] = ("a > caption: ",) * 3) -> Written:
    found = Written()
    rows = [
        WrittenCaption(f"e{i}", f"r{i}", style, text, references)
        for i, (text, style, references) in enumerate(zip(texts, styles, REFERENCES, strict=True))
    ]
    found.add(rows[:1], 2.0, 4)
    found.add(rows[1:], 1.0, 12)
    return found


def test_perfect_captions() -> None:
    metrics = measure_written(written([both[0] for both in REFERENCES]), shown=0).metrics
    assert metrics["bleu_4"] == pytest.approx(1.0, abs=1e-6)
    assert metrics["rouge_l"] == pytest.approx(1.0)
    assert metrics["distinct"] == 1.0


def test_the_loss_is_the_mean_over_tokens() -> None:
    assert measure_written(written(["a", "b", "c"]), shown=0).metrics["loss"] == pytest.approx((2 * 4 + 12) / 16)


def test_the_numbers_are_those_of_the_metrics() -> None:
    texts = ["a dog barks", "a roof", "a bell rings and rings"]
    counts = count_ngrams(words_of_all(texts), [words_of_all(each) for each in REFERENCES])
    found = measure_written(written(texts), shown=0)
    assert found.metrics["cider_d"] == pytest.approx(float(np.mean(cider_d(counts))))
    assert found.metrics["words"] == pytest.approx((3 + 2 + 5) / 3)
    assert found.num_examples == 3


def test_each_of_several_styles_has_its_numbers() -> None:
    styles = ("a > caption: ", "b > keywords: ", "a > caption: ")
    metrics = measure_written(written(["a dog barks twice", "no", "a cat"], styles), shown=0).metrics
    assert metrics["b > keywords rouge_l"] == 0.0
    assert metrics["a > caption rouge_l"] > metrics["rouge_l"] > 0


def test_each_of_several_styles_has_its_spice(monkeypatch: pytest.MonkeyPatch) -> None:
    values = ProgramValues(spice=np.array([0.2, 0.9, 0.4]))
    monkeypatch.setattr(caption_validation, "measure_on_first", lambda *_: values)
    styles = ("a > caption: ", "b > keywords: ", "a > caption: ")
    metrics = measure_written(written(["a dog barks twice", "no", "a cat"], styles), shown=0).metrics
    assert (metrics["spice"], metrics["b > keywords spice"]) == pytest.approx((0.5, 0.9))
    assert metrics["a > caption spice"] == pytest.approx(0.3)
    assert metrics["a > caption spider"] == pytest.approx((metrics["a > caption cider_d"] + 0.3) / 2)


def test_rows_are_shown_evenly_with_what_people_have_written() -> None:
    told = measure_written(written(["x", "y", "z"]), shown=2).shown
    assert [row["text"] for row in told] == ["x", "z"]
    assert told[0]["references"] == list(REFERENCES[0])
    assert told[0]["recording_id"] == "r0"
    assert told[0]["style"] == "a > caption: "


def test_nothing_written() -> None:
    with pytest.raises(DatasetError, match="nothing to validate"):
        measure_written(Written(), shown=1)
