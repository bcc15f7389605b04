"""The published tables without any audio: every corpus at hand goes through the command line as a user would."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from called import call

from audiolect.data.dataset import open_dataset, read_table, verify_dataset
from audiolect.text.keywords import keyword_caption, load_ontology

DATA = Path(__file__).resolve().parents[2] / "shared" / "data"
# name of the dataset → corpus, folder of its tables, more arguments, recordings by split, examples
PREPARED: dict[str, tuple[str, str, tuple[str, ...], dict[str, int], int]] = {
    "audiocaps": ("audiocaps", "audiocaps", (), {"train": 49838, "valid": 495, "test": 975}, 51308),
    "audioset": ("audioset", "audioset", (), {"balanced_train": 22160, "eval": 20371}, 85062),
    "small": ("audioset-small", "audioset", (), {"valid": 2726, "test": 2843}, 11138),
    "clotho": ("clotho", "clotho/original", (), {"development": 3839, "validation": 1045, "evaluation": 1045}, 5929),
    "by_hand": (
        "clotho",
        "clotho/curated",
        (),
        {"development": 3839, "validation": 1045, "evaluation": 1045},
        5929,
    ),
    "mmau": ("mmau", "mmau", (), {"test": 1000}, 1000),
}

pytestmark = pytest.mark.skipif(not DATA.is_dir(), reason=f"the real tables are not at {DATA}")
Prepare = Callable[[str], Path]


def answer(capsys: pytest.CaptureFixture[str], *arguments: object) -> dict[str, Any]:
    capsys.readouterr()
    assert call(*arguments, "--json") == 0
    found = json.loads(capsys.readouterr().out)
    assert isinstance(found, dict)
    return found


@pytest.fixture(scope="module")
def prepare(tmp_path_factory: pytest.TempPathFactory) -> Prepare:
    """Name of a dataset → its folder, prepared once for all tests."""
    root = tmp_path_factory.mktemp("bare")

    def prepared(name: str) -> Path:
        corpus, tables, more, _, _ = PREPARED[name]
        if not (DATA / tables).is_dir():
            pytest.skip(f"the tables are not at {DATA / tables}")
        if not (root / name).exists():
            assert call("prepare", corpus, DATA / tables, "--out", root / name, "--no-audio", "--jobs", 1, *more) == 0
        return root / name

    return prepared


@pytest.mark.parametrize("name", PREPARED)
def test_tables_alone_make_a_dataset(name: str, prepare: Prepare, capsys: pytest.CaptureFixture[str]) -> None:
    folder = prepare(name)
    _, _, _, splits, num_examples = PREPARED[name]
    dataset = open_dataset(folder)
    verify_dataset(dataset)
    assert {split: counts.recordings for split, counts in dataset.card.splits.items()} == splits
    assert dataset.card.num_examples == num_examples
    assert (dataset.card.coverage.available, dataset.card.coverage.expected) == (0, sum(splits.values()))
    assert "no audio was looked at" in str(dataset.card.notes["lengths"])
    shown = answer(capsys, "show", folder, "--rows", 1)
    assert shown["recordings"] == sum(splits.values())
    assert call("show", folder, "--rows", 1) == 0
    printed = " ".join(capsys.readouterr().out.split())
    assert f"audio at hand 0 of {sum(splits.values())}" in printed


@pytest.mark.parametrize("name", ["mmau", "clotho"])
@pytest.mark.parametrize("layout", ["flamingo-1", "flamingo-2", "flamingo-3"])
def test_manifests_are_exported_and_come_back(
    name: str, layout: str, prepare: Prepare, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = prepare(name)
    exported = answer(capsys, "export", layout, folder, "--out", tmp_path / "out")
    assert exported["num_audio"] == 0
    num_answers = open_dataset(folder).examples["answers"].list.len().sum()
    assert sum(exported["files"].values()) == num_answers
    if layout == "flamingo-1":
        return  # its manifests state no lengths, without which nothing comes back before the audio is there
    back = answer(capsys, "import", layout, tmp_path / "out", "--out", tmp_path / "back", "--no-audio")
    assert back["num_recordings"] == PREPARED[name][4]
    assert back["coverage"]["available"] == 0


@pytest.mark.parametrize("layout", ["audiofolder", "dcase", "webdataset"])
def test_what_needs_the_audio_says_that_there_is_none(
    layout: str, prepare: Prepare, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = prepare("mmau")
    assert call("export", layout, folder, "--out", tmp_path / "out") == 2
    assert "no audio at hand to export" in capsys.readouterr().err
    assert call("show", folder, "--spectrogram", tmp_path / "x.png") == 2
    assert "no audio at hand to draw" in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


def test_keyword_captions_follow_the_ontology(prepare: Prepare) -> None:
    dataset = open_dataset(prepare("audioset"))
    ontology = load_ontology(DATA / "audioset" / "ontology.json")
    ids = dict(read_table(dataset, "label_ids").iter_rows())
    captions = dataset.examples.filter(pl.col("task") == "AudioKeywords").select("recording_id", "answers")
    assert captions.height == 42531
    checked = 0
    for recording_id, answers in captions.head(500).iter_rows():
        assert answers == [keyword_caption(ids[recording_id], ontology)]
        checked += 1
    assert checked == 500
    by_id = dict(captions.iter_rows())
    assert by_id["audioset/--4gqARaEJE"] == ["animal, domestic animals - pets, door, brief tone, squeak, dog"]


def test_a_balanced_subset_is_the_same_twice(
    prepare: Prepare, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    more = ("--target", 40, "--limited", "Music", "--limited", "Speech")
    more = (*more, "--ontology", DATA / "audioset" / "ontology.json", "--seed", 3)
    cards = []
    for name in ("a", "b"):
        answer(capsys, "subset", prepare("audioset"), "--out", tmp_path / name, *more)
        cards.append(open_dataset(tmp_path / name).card)
    assert cards[0].fingerprint == cards[1].fingerprint
    assert cards[0].coverage.available == 0
    chosen = open_dataset(tmp_path / "a").recordings
    whole = open_dataset(prepare("audioset")).recordings
    counts, before = (dict(frame["labels"].explode().value_counts().iter_rows()) for frame in (chosen, whole))
    assert counts.keys() == before.keys()
    assert len(counts) == 527
    assert all(counts[label] >= min(40, before[label]) for label in before)
    assert chosen.height < whole.height / 2


def test_audiocaps_shares_what_is_known_with_audioset(prepare: Prepare, capsys: pytest.CaptureFixture[str]) -> None:
    def shared(*names: str) -> dict[tuple[str, str], int]:
        found = answer(capsys, "leaks", *(prepare(name) for name in names))
        assert found["leaks"] == 0
        return {(row["of"].split("/")[1], row["in"].split("/")[1]): row["recordings"] for row in found["shared"]}

    assert shared("audiocaps", "audioset") == {}
    assert shared("audiocaps", "small") == {
        ("test", "test"): 234,
        ("valid", "valid"): 120,
    }


def test_splits_are_limited(prepare: Prepare, tmp_path: Path) -> None:
    assert call("split", prepare("clotho"), "--out", tmp_path / "limited", "--limit", "validation=200") == 0
    splits = open_dataset(tmp_path / "limited").card.splits
    assert {name: counts.recordings for name, counts in splits.items()} == {
        "development": 3839 + 845,
        "validation": 200,
        "evaluation": 1045,
    }


def test_curation_lists_every_change_and_what_still_differs(
    prepare: Prepare, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    original, curated = DATA / "clotho" / "original", DATA / "clotho" / "curated"
    own = ("prepare", "clotho", original, "--no-audio", "--jobs", 1)
    assert call(*own, "--curate", "--out", tmp_path / "by_rule") == 0
    printed = " ".join(capsys.readouterr().out.split())
    by_rule = open_dataset(tmp_path / "by_rule")
    changes = read_table(by_rule, "curation")
    rules = dict(changes.explode("rules")["rules"].value_counts().iter_rows())
    assert rules == by_rule.card.notes["curation"]
    assert all(f"{rule} {count}" in printed for rule, count in rules.items())
    assert {"double-spaces", "doubled-words", "echoes", "edge-spaces", "file-names"} <= set(rules)
    plain = open_dataset(prepare("clotho")).examples["answers"]
    num_changed = (by_rule.examples["answers"].explode() != plain.explode()).sum()
    assert changes.filter(pl.col("column") != "file_name").height == num_changed

    assert call(*own, "--captions", curated, "--out", tmp_path / "given") == 0
    given = open_dataset(tmp_path / "given")
    by_hand = open_dataset(prepare("by_hand")).examples["answers"].explode()
    assert given.examples["answers"].explode().equals(by_hand)
    still = read_table(given, "differences")
    assert still.height == (by_rule.examples["answers"].explode() != by_hand).sum()


@pytest.mark.parametrize(("corpus", "tables", "count"), [("audiocaps", "audiocaps", 51308), ("mmau", "mmau", 1000)])
def test_the_letter_without_the_flag_names_both_ways(
    corpus: str, tables: str, count: int, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert call("prepare", corpus, DATA / tables, "--out", tmp_path / "out", "--jobs", 1) == 2
    letter = capsys.readouterr().err
    assert "The tables were read" in letter
    assert f"{count} audio files were looked for in {DATA / tables}" in letter
    assert f"audiolect download {corpus} {DATA / tables}" in letter
    assert "--no-audio" in letter
    assert not (tmp_path / "out").exists()
