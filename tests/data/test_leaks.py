from __future__ import annotations

import csv
import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from audiolect.audio.fingerprint import fingerprint
from audiolect.data.leaks import KINDS, LeakReport, Part, find_leaks, parts_of_table, role_of
from audiolect.data.records import Recording, recordings_frame
from audiolect.errors import UsageError

DATA = Path(__file__).resolve().parents[3] / "shared" / "data"


def part(dataset: str, split: str, *recordings: dict[str, str], **named: object) -> Part:
    columns = ("recording_id", "path", "source_id", "group", "pcm_hash")
    rows = [{"recording_id": f"{dataset}/{split}/{i}", "path": f"{i}.wav"} | row for i, row in enumerate(recordings)]
    frame = pl.DataFrame(
        {name: [row.get(name) for row in rows] for name in columns}, schema=dict.fromkeys(columns, pl.String)
    )
    return Part(dataset, split, frame, **named)  # type: ignore[arg-type]


def kinds_of(report: LeakReport) -> list[tuple[str, str, str]]:
    return [(row["kinds"], row["recording_a"], row["recording_b"]) for row in report.pairs.iter_rows(named=True)]


def test_disjoint_parts_share_nothing() -> None:
    report = find_leaks(
        [part("a", "train", {"source_id": "freesound:1"}), part("b", "test", {"source_id": "freesound:2"})]
    )
    assert report.pairs.is_empty()
    assert report.matrix == {}
    assert report.parts == {"a/train": 1, "b/test": 1}


def test_each_kind_by_hand() -> None:
    ours = part(
        "a",
        "train",
        {"source_id": "youtube:--4gqARaEJE:30"},
        {"pcm_hash": "h1"},
        {"path": "x/Dog Barking.wav"},
        {"group": "g"},
    )
    theirs = part(
        "b",
        "test",
        {"path": "Y--4gqARaEJE.flac"},
        {"pcm_hash": "h1"},
        {"path": "y/dog barking.mp3"},
        {"group": "g"},
        from_youtube=True,
    )
    assert kinds_of(find_leaks([ours, theirs])) == [
        ("source", "a/train/0", "b/test/0"),
        ("hash", "a/train/1", "b/test/1"),
        ("stem", "a/train/2", "b/test/2"),
    ]


def test_names_like_youtube_ids_are_ids_only_where_the_dataset_is_from_youtube() -> None:
    """``abcdefghijk`` is eleven letters, and the ``Y`` before it a part of the name, unless a corpus says otherwise."""
    ours = part("a", "train", {"source_id": "youtube:abcdefghijk"})
    theirs = part("b", "test", {"path": "Yabcdefghijk.wav"})
    assert find_leaks([ours, theirs], kinds=["source"]).pairs.is_empty()
    assert find_leaks([ours, replace(theirs, from_youtube=True)], kinds=["source"]).pairs.height == 1


def test_groups_bind_within_a_dataset_and_stems_between_datasets() -> None:
    train = part("a", "train", {"group": "g", "path": "dog barking.wav"})
    test = part("a", "test", {"group": "g", "path": "t/dog barking.wav"})
    report = find_leaks([train, test])
    assert kinds_of(report) == [("group", "a/train/0", "a/test/0")]
    assert report.suspicions.rows() == [("a/train", "a/test", "dog barking", 1, 1)]
    assert find_leaks([part("a", "train", {}), part("a", "test", {})]).suspicions.is_empty()


def test_two_recordings_are_one_pair_whatever_the_evidence() -> None:
    same = {"source_id": "freesound:7", "pcm_hash": "h", "path": "dog barking.wav"}
    report = find_leaks([part("a", "train", same), part("b", "test", same)])
    assert report.pairs.select("kinds", "evidence", "leak").rows() == [
        ("source+hash+stem", "freesound:7; h; dog barking", True)
    ]
    assert report.matrix == {("a/train", "b/test"): 1, ("b/test", "a/train"): 1}


def test_generic_names_are_a_suspicion_and_no_leak() -> None:
    names = ["audio_000.wav", "x/1.wav", "y/1.flac", "rec-12.wav", "Untitled.wav", "dog barking.wav"]
    ours = part("a", "train", *({"path": name} for name in names))
    theirs = part("b", "test", *({"path": f"z/{name}"} for name in ["1.wav", *names[:1], *names[3:]]))
    report = find_leaks([ours, theirs])
    assert kinds_of(report) == [("stem", "a/train/5", "b/test/4")]
    assert report.suspicions.rows() == [
        ("a/train", "b/test", "1", 2, 1),
        ("a/train", "b/test", "audio_000", 1, 1),
        ("a/train", "b/test", "rec-12", 1, 1),
        ("a/train", "b/test", "untitled", 1, 1),
    ]
    training = part("c", "train", {"path": "1.wav"})
    assert find_leaks([ours, training]).suspicions.is_empty()
    assert find_leaks([ours, theirs], kinds=["hash"]).suspicions.is_empty()


def test_many_files_of_one_generic_name_are_counted_not_paired() -> None:
    ours, theirs = (part(name, split, *({"path": f"{i}/1.wav"} for i in range(2000))) for name, split in
                    (("a", "train"), ("b", "test")))  # fmt: skip
    report = find_leaks([ours, theirs])
    assert report.pairs.is_empty()
    assert report.suspicions.rows() == [("a/train", "b/test", "1", 2000, 2000)]


def test_two_versions_of_one_dataset() -> None:
    def version(name: str, splits: dict[str, list[str]]) -> list[Part]:
        return [
            part(name, split, *({"recording_id": f"c/{i}", "path": f"{i}.wav"} for i in ids), corpus="c")
            for split, ids in splits.items()
        ]

    old = version("old", {"train": ["1", "2"], "test": ["3"], "all": ["9"]})
    new = version("new", {"train": ["1", "3"], "test": ["2"], "all": ["9"]})
    report = find_leaks([*old, *new])
    assert report.leaks.select("recording_a", "part_a", "part_b", "kinds").rows() == [
        ("c/3", "old/test", "new/train", "id"),
        ("c/2", "old/train", "new/test", "id"),
    ]
    assert report.pairs.height == 4
    others = [replace(each, corpus="d") for each in new]
    assert find_leaks([*old, *others], kinds=["id"]).pairs.is_empty()


def test_groups_bind_two_versions_of_one_dataset() -> None:
    train = part("old", "train", {"group": "g"}, corpus="c")
    test = part("new", "test", {"group": "g"}, corpus="c")
    assert kinds_of(find_leaks([train, test])) == [("group", "old/train/0", "new/test/0")]
    assert find_leaks([train, replace(test, corpus=None)]).pairs.is_empty()


def test_what_was_compared_and_what_could_not_be() -> None:
    words = np.zeros((4, 2), np.uint32)
    train = part("a", "train", {"pcm_hash": "h"}, {}, fingerprints=[words, words[:0]])
    test = part("b", "test", {"source_id": "freesound:1"}, {"source_id": "freesound:2"})
    report = find_leaks([train, test])
    assert report.compared == ("stem",)
    assert report.lacking == {
        "source": {"a/train": 2},
        "group": {"a/train": 2, "b/test": 2},
        "hash": {"a/train": 1, "b/test": 2},
        "fingerprint": {"a/train": 1, "b/test": 2},
    }
    hashed = part("c", "test", {"pcm_hash": "other"}, fingerprints=[words])
    assert find_leaks([train, hashed], kinds=["hash", "fingerprint"]).compared == ("hash", "fingerprint")


def test_an_overlap_of_one_role_is_no_leak() -> None:
    shared = {"source_id": "freesound:1"}
    parts = [part("a", "train", shared), part("b", "development", shared), part("c", "evaluation", shared)]
    report = find_leaks(parts)
    assert report.pairs.height == 3
    assert set(report.leaks["part_b"]) == {"c/evaluation"}


def test_splits_without_a_role_leak_with_all() -> None:
    shared = {"source_id": "freesound:1"}
    assert find_leaks([part("a", "all", shared), part("b", "all", shared)]).leaks.height == 1
    assert find_leaks([part("a", "all", shared), part("b", "train", shared)]).leaks.height == 1


def test_counts_are_of_recordings_not_of_pairs() -> None:
    video = {"source_id": "youtube:--4gqARaEJE:30"}
    report = find_leaks([part("a", "train", video, video, video), part("b", "test", video, {"path": "other.wav"})])
    assert report.pairs.height == 3
    assert report.matrix == {("a/train", "b/test"): 3, ("b/test", "a/train"): 1}


def test_fingerprints_find_a_quieter_copy() -> None:
    rng = np.random.default_rng(0)
    sounds = [np.cumsum(rng.standard_normal(32000)).astype(np.float32) for _ in range(3)]
    sounds = [0.5 * sound / np.abs(sound).max() * (1 + np.sin(np.arange(32000) / 900)) for sound in sounds]
    prints = [fingerprint(sound.astype(np.float32), 16000) for sound in sounds]
    copy = fingerprint((0.2 * sounds[1]).astype(np.float32), 16000)
    train = part("a", "train", {}, {}, {}, fingerprints=prints)
    test = part("b", "test", {}, fingerprints=[copy])
    report = find_leaks([train, test])
    assert kinds_of(report) == [("fingerprint", "a/train/1", "b/test/0")]
    assert report.pairs["evidence"][0].startswith("similarity 0.")
    assert find_leaks([train, test], kinds=["source", "hash"]).pairs.is_empty()


@settings(max_examples=30, deadline=None)
@given(
    st.lists(st.tuples(st.sampled_from(["train", "val", "test"]), st.integers(0, 6)), max_size=20),
)
def test_against_a_slow_comparison_of_all_pairs(rows: list[tuple[str, int]]) -> None:
    parts = [
        part("a", split, *({"source_id": f"freesound:{n}"} for s, n in rows if s == split))
        for split in ("train", "val", "test")
    ]
    expected = sum(
        one == other and split != other_split
        for i, (split, one) in enumerate(rows)
        for other_split, other in rows[i + 1 :]
    )
    assert find_leaks(parts, kinds=["source"]).pairs.height == expected


@pytest.mark.parametrize(
    ("split", "role"),
    [
        ("train", "train"),
        ("Development", "train"),
        ("valid", "validation"),
        ("evaluation", "test"),
        ("test_novel", "test"),
        ("small-test", "test"),
        ("train_unbalanced", "train"),
        ("all", "other"),
        ("fold1", "other"),
        ("train_and_test", "other"),
        ("latest", "other"),
    ],
)
def test_roles(split: str, role: str) -> None:
    assert role_of(split) == role


def test_a_table_is_cut_by_split_or_by_fold() -> None:
    table = recordings_frame(
        Recording(f"c/{i}", f"{i}.wav", 1, 1, 1, "x", 1, split="train" if i else "test", fold=i % 2 + 1)
        for i in range(4)
    )
    assert [(p.name, p.recordings.height) for p in parts_of_table("c", table)] == [("c/test", 1), ("c/train", 3)]
    assert [(p.name, p.recordings.height) for p in parts_of_table("c", table, by="fold")] == [
        ("c/fold1", 2),
        ("c/fold2", 2),
    ]
    with pytest.raises(UsageError, match="have no fold"):
        parts_of_table("c", table.with_columns(fold=pl.lit(None, pl.Int16)), by="fold")
    with pytest.raises(UsageError, match="way to cut"):
        parts_of_table("c", table, by="label")


def test_wrong_requests() -> None:
    with pytest.raises(UsageError, match="same name"):
        find_leaks([part("a", "train"), part("a", "train")])
    with pytest.raises(UsageError, match="did you mean source"):
        find_leaks([part("a", "train")], kinds=["sorce"])
    assert "source" in KINDS


@pytest.mark.skipif(not DATA.exists(), reason="the published tables are not beside the project")
def test_audiocaps_against_audioset_small() -> None:
    parts = []
    for split in ("train", "valid", "test"):
        with (DATA / "audiocaps" / f"{split}.csv").open(encoding="utf-8", newline="") as lines:
            videos = sorted({row["youtube_id"] for row in csv.DictReader(lines)})
        parts.append(part("audiocaps", split, *({"source_id": f"youtube:{video}"} for video in videos)))
    for split in ("valid", "test"):
        lines = (DATA / "audioset" / f"small_{split}.jsonl").read_text("utf-8").splitlines()
        videos = [json.loads(line)["youtube_id"] for line in lines]
        parts.append(part("small", split, *({"source_id": f"youtube:{video}"} for video in videos)))
    report = find_leaks(parts)
    assert report.matrix == {
        ("audiocaps/valid", "small/valid"): 120,
        ("small/valid", "audiocaps/valid"): 120,
        ("audiocaps/test", "small/test"): 234,
        ("small/test", "audiocaps/test"): 234,
    }
    assert report.leaks.is_empty()
