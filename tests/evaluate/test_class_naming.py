"""Which classes captions name: by hand, on every sentence of ESC-50, on nothing, and what each mistake is answered."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from saved_tables import save_tables

from audiolect.corpora import esc50
from audiolect.corpora.esc50 import CAPTIONS
from audiolect.data.dataset import Dataset
from audiolect.data.records import Recording
from audiolect.errors import DatasetError
from audiolect.evaluate.class_naming import METRIC, class_judge, named_classes

SENTENCES = {category.replace("_", " "): sentence for category, sentence in CAPTIONS.items()}
REAL = Path(__file__).resolve().parents[3] / "shared" / "data" / "esc10"
NAMES = {
    "dog": (frozenset({"dog"}),),
    "crackling fire": (frozenset({"crackling", "fire"}), frozenset({"a", "fire", "crackles"})),
}


def dataset(folder: Path, labels: Mapping[str, Sequence[str]]) -> Dataset:
    rows = [
        Recording(name, f"{name}.wav", 8000, 8000, 1, "wav/pcm_16", 16_044, labels=tuple(own))
        for name, own in labels.items()
    ]
    return save_tables(folder, rows, name="esc50")


@pytest.mark.parametrize(
    ("caption", "named"),
    [
        ("A dog barks.", {"dog"}),
        ("DOG!", {"dog"}),
        ("Hot dogs.", set()),
        ("A fire crackles.", {"crackling fire"}),
        ("The fire is crackling beside a dog.", {"crackling fire", "dog"}),
        ("The crackle of a fire.", set()),
        ("", set()),
    ],
)
def test_by_hand(caption: str, named: set[str]) -> None:
    assert named_classes(caption, NAMES) == named


@given(st.lists(st.sampled_from(["dog", "fire", "crackling", "a", "rain"])))
def test_more_words_name_no_less(said: list[str]) -> None:
    assert named_classes(" ".join(said), NAMES) <= named_classes(" ".join([*said, "loudly"]), NAMES)


def test_every_sentence_names_its_class_alone(tmp_path: Path) -> None:
    labels = list(SENTENCES)
    judge = class_judge(dataset(tmp_path / "d", {label: [label] for label in labels}), SENTENCES)
    assert judge(labels, [SENTENCES[label] for label in labels])[METRIC].tolist() == [1.0] * 50
    assert judge(labels, [f"The sound of {label}" for label in labels])[METRIC].tolist() == [1.0] * 50
    others = [*labels[1:], labels[0]]
    assert not judge(labels, [SENTENCES[label] for label in others])[METRIC].any()
    everything = " ".join(SENTENCES.values())
    assert not judge(labels, [everything] * 50)[METRIC].any()


def test_all_labels_of_a_recording_must_be_named(tmp_path: Path) -> None:
    judge = class_judge(dataset(tmp_path / "d", {"x": ["dog", "rain"], "y": ["dog"]}), {})
    found = judge(["x", "x", "y", "y"], ["a dog in the rain", "a dog", "a dog", "a dog in the rain"])
    assert found[METRIC].tolist() == [1.0, 0.0, 1.0, 0.0]
    assert judge([], [])[METRIC].shape == (0,)


def test_a_label_without_words_is_named_by_nothing(tmp_path: Path) -> None:
    judge = class_judge(dataset(tmp_path / "d", {"x": ["..."]}), {})
    assert judge(["x"], ["whatever is said"])[METRIC].tolist() == [0.0]


def test_without_classes_there_is_nothing_to_name(tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match="No recording has a class"):
        class_judge(dataset(tmp_path / "d", {"x": []}), SENTENCES)
    judge = class_judge(dataset(tmp_path / "e", {"x": ["dog"], "y": []}), SENTENCES)
    with pytest.raises(DatasetError, match="A recording has no class"):
        judge(["y"], ["a dog"])
    with pytest.raises(DatasetError, match="A recording has no class"):
        judge(["z"], ["a dog"])


def test_the_reference_captions_of_esc10_are_right(tmp_path: Path) -> None:
    if not REAL.is_dir():
        pytest.skip("ESC-10 is not at hand")
    real = esc50.prepare(REAL, tmp_path / "esc10")
    captions = real.examples.filter(task="AudioCaptioning").select("recording_id", "answers")
    names, first = captions["recording_id"].to_list(), [own[0] for own in captions["answers"]]
    judge = class_judge(real, SENTENCES)
    assert judge(names, first)[METRIC].mean() == 1.0
    # The captions of other recordings are right as often as they are of the same class: one in ten.
    assert judge(names, [*first[40:], *first[:40]])[METRIC].mean() < 0.2
    titled = [(name, own[1]) for name, own in captions.iter_rows() if len(own) > 1]
    # Titles were written about whole uploads: many do not name the class.
    assert 0.0 < judge(*map(list, zip(*titled, strict=True)))[METRIC].mean() < 1.0
