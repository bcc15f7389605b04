"""Cards: worked out from tables, written, read, and refused when they are not what they should be."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import yaml

from audiolect.data.card import CARD_NAME, CardFacts, DatasetCard, facts_of, make_card, read_card, write_card
from audiolect.data.records import NO_CODEC, Example, Recording, examples_frame, recordings_frame
from audiolect.errors import DatasetError, UnknownVersion

RECORDINGS = [
    Recording("c/a", "a.wav", 8000, 16000, 1, "wav/pcm_16", 64, split="train"),
    Recording("c/b", "b.wav", 44100, 44100, 1, "wav/pcm_16", 64, split="test"),
    Recording("c/d", "d.wav", 100, 300, 1, "wav/pcm_16", 64, split="test"),
]
EXAMPLES = [Example("c/b/1", "c/b", "test", "AQA"), Example("c/b/2", "c/b", "test", "AQA")]
FACTS = CardFacts(
    "c", "1.0", "CC0", "who?", "audio", 4, "audiolect prepare", {"empty": 1}, {"events": 7}, {"seed": 3, "of": ["x"]}
)


def made() -> DatasetCard:
    return make_card(FACTS, recordings_frame(RECORDINGS), examples_frame(EXAMPLES))


def test_by_hand() -> None:
    card = made()
    assert (card.format, card.version) == ("audiolect/dataset", 1)
    assert card.producer.startswith("audiolect ")
    assert (card.num_recordings, card.num_examples) == (3, 2)
    assert card.duration_seconds == 1.833
    assert {name: (counts.recordings, counts.examples) for name, counts in card.splits.items()} == {
        "test": (2, 2),
        "train": (1, 0),
    }
    assert (card.coverage.available, card.coverage.expected) == (3, 4)
    assert facts_of(card) == FACTS


def test_recordings_that_nobody_has_heard_are_not_covered() -> None:
    unheard = replace(RECORDINGS[0], codec=NO_CODEC, num_bytes=0)
    card = make_card(FACTS, recordings_frame([unheard, *RECORDINGS[1:]]), examples_frame([]))
    assert (card.num_recordings, card.coverage.available, card.coverage.expected) == (3, 2, 4)


def test_of_nothing() -> None:
    card = make_card(replace(FACTS, num_expected=None), recordings_frame([]), examples_frame([]))
    assert (card.num_recordings, card.num_examples, card.duration_seconds, card.splits) == (0, 0, 0.0, {})
    assert card.coverage.expected is None


def test_it_comes_back(tmp_path: Path) -> None:
    write_card(tmp_path, made())
    assert read_card(tmp_path) == made()
    first = (tmp_path / CARD_NAME).read_text("utf-8").splitlines()[0]
    assert first == "format: audiolect/dataset"


def test_no_such_folder(tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match="no such dataset folder"):
        read_card(tmp_path / "gone")


def test_a_folder_that_is_no_dataset(tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match=r"no card.yaml[\s\S]*found: nothing"):
        read_card(tmp_path)
    (tmp_path / "a.wav").touch()
    with pytest.raises(DatasetError, match=r"found: a.wav"):
        read_card(tmp_path)


@pytest.mark.parametrize(
    ("change", "error", "letter"),
    [
        ({"version": 2}, UnknownVersion, r"Version 2 .*is not known[\s\S]*pip install --upgrade"),
        ({"format": "audiolect/pack"}, UnknownVersion, "another kind"),
        ({"format": None}, UnknownVersion, "header is missing"),
        (
            {"num_recordings": "3"},
            DatasetError,
            r"card of the dataset cannot be used[\s\S]*num_recordings \(line \d+\)",
        ),
        ({"num_examples": -1}, DatasetError, r"num_examples"),
        ({"fingerprnt": "x"}, DatasetError, r"fingerprnt[\s\S]*did you mean fingerprint"),
        ({"splits": {"train": {"recordings": 1}}}, DatasetError, r"splits.train.examples[\s\S]*is missing"),
        ({"name": ""}, DatasetError, "name"),
    ],
)
def test_a_card_that_was_edited(tmp_path: Path, change: dict[str, object], error: type[Exception], letter: str) -> None:
    text = yaml.safe_dump(made().model_dump(mode="json") | change)
    (tmp_path / CARD_NAME).write_text(text, "utf-8")
    with pytest.raises(error, match=letter):
        read_card(tmp_path)


@pytest.mark.parametrize(("text", "letter"), [("- a\n- b\n", "header is missing"), ("a: [", "YAML"), ("\xff", "UTF-8")])
def test_a_card_that_is_something_else(tmp_path: Path, text: str, letter: str) -> None:
    (tmp_path / CARD_NAME).write_text(text, "latin-1")
    with pytest.raises((DatasetError, UnknownVersion), match=letter):
        read_card(tmp_path)


def test_every_key_is_in_the_docs() -> None:
    text = (Path(__file__).resolve().parents[2] / "docs" / "formats.md").read_text("utf-8")
    section = text.split("### card.yaml")[1].split("### The tables")[0]
    assert len(DatasetCard.model_fields) >= 19
    assert [name for name in DatasetCard.model_fields if f"`{name}`" not in section] == []
