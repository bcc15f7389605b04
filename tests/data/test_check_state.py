"""Facts survive the process that found them."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from saved_tables import save_tables

from audiolect.data import check_state
from audiolect.data.audio_checks import AudioFacts, Request, fingerprint_bytes, lost_facts
from audiolect.data.check_state import (
    FACTS_NAME,
    FACTS_SCHEMA,
    SUMMARY_NAME,
    VERSION,
    FactsStore,
    carry_facts,
    facts_frame,
    has_facts,
    known_facts,
    read_facts,
    read_fingerprints,
)
from audiolect.data.dataset import Dataset, filter_dataset, save_dataset
from audiolect.data.records import Recording
from audiolect.data.tables import write_table
from audiolect.errors import AlreadyExists, DamagedFile, DatasetError, StorageError, UnknownVersion
from audiolect.storage import file_header, read_json, write_json

WORDS = np.arange(12, dtype=np.uint32).reshape(6, 2)


def request(name: str, **changes: int) -> Request:
    return replace(Request(f"x/{name}", f"{name}.wav", 0, 100, 244, 5), **changes)


def facts(asked: Request, digest: str = "aa") -> AudioFacts:
    lost = lost_facts(asked, "", "")
    return replace(
        lost, reason=None, detail=None, num_samples=100, pcm_hash=digest, fingerprint=fingerprint_bytes(WORDS)
    )


@pytest.fixture
def out(tmp_path: Path) -> Path:
    return tmp_path / "check"


def test_what_was_added_is_given_in_the_order_asked(out: Path) -> None:
    asked = [request(name) for name in "abc"]
    for store in (FactsStore(None), FactsStore(out)):
        assert store.missing(asked) == asked
        store.add([facts(asked[2], "cc"), facts(asked[0], "aa")])
        store.add([facts(asked[1], "bb")])
        found = store.facts(asked)
        assert found["pcm_hash"].to_list() == ["aa", "bb", "cc"]
        assert dict(found.schema) == FACTS_SCHEMA
        assert store.missing(asked) == []


def test_a_stopped_check_is_gone_on_with(out: Path) -> None:
    asked = [request(name) for name in "abcd"]
    stopped = FactsStore(out)
    stopped.add([facts(asked[0])])
    stopped.flush()
    stopped.add([facts(asked[1])])
    stopped.flush()
    stopped.add([facts(asked[2])])  # still on its way when the process is killed
    assert FactsStore(out).missing(asked) == asked[2:]


def test_facts_reach_the_disk_by_themselves(out: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(check_state, "_FLUSH_SECONDS", 0.0)
    FactsStore(out).add([facts(request("a"))])
    assert FactsStore(out).missing([request("a")]) == []


@pytest.mark.parametrize(
    "changed",
    [{"num_bytes": 245}, {"modified_ns": 6}, {"start_sample": 1}, {"asked_samples": 99}],
)
def test_a_file_or_span_that_changed_is_looked_at_again(out: Path, changed: dict[str, int]) -> None:
    store = FactsStore(out)
    store.add([facts(request("a"))])
    assert store.missing([request("a")]) == [request("a")]  # not before it has been flushed
    store.flush()
    assert store.missing([request("a", **changed)]) == [request("a", **changed)]


def test_spans_to_the_end_are_known_again(out: Path) -> None:
    whole = Request("a.wav", "a.wav", 0, None, 244, 5)
    store = FactsStore(out)
    store.add([facts(whole)])
    store.flush()
    assert FactsStore(out).missing([whole, request("a")]) == [request("a")]


def test_what_could_not_be_read_is_tried_again_and_the_last_answer_counts(out: Path) -> None:
    store = FactsStore(out)
    store.add([lost_facts(request("a"), "unreadable", "no permission")])
    store.flush()
    again = FactsStore(out)
    assert again.missing([request("a")]) == [request("a")]
    again.add([facts(request("a"))])
    assert again.facts([request("a")])["reason"].to_list() == [None]
    assert FactsStore(out).missing([request("a")]) == []


def finish(store: FactsStore, out: Path, asked: list[Request]) -> None:
    write_table(out / FACTS_NAME, store.facts(asked))
    write_json(out / SUMMARY_NAME, file_header("check", 2))
    store.finish()


def test_a_finished_check_is_built_upon(out: Path) -> None:
    asked = [request("a"), request("b")]
    store = FactsStore(out)
    store.add([facts(each) for each in asked])
    finish(store, out, asked)
    assert sorted(path.name for path in out.iterdir()) == [SUMMARY_NAME, FACTS_NAME]
    assert read_facts(out)["recording_id"].to_list() == ["x/a", "x/b"]
    assert FactsStore(out).missing([*asked, request("c")]) == [request("c")]


def test_afresh_forgets_also_after_it_was_stopped(out: Path) -> None:
    asked = [request("a"), request("b")]
    store = FactsStore(out)
    store.add([facts(each) for each in asked])
    finish(store, out, asked)
    fresh = FactsStore(out, afresh=True)
    assert fresh.missing(asked) == asked
    fresh.add([facts(asked[0])])
    fresh.flush()
    assert FactsStore(out).missing(asked) == [asked[1]]
    assert FactsStore(out, afresh=True).missing(asked) == asked


def test_two_recordings_of_one_id_do_not_multiply(out: Path) -> None:
    asked = [request("a"), request("a")]
    store = FactsStore(out)
    store.add([facts(each) for each in asked])
    assert store.facts(asked).height == 2


def test_other_peoples_folders_are_left_alone(out: Path) -> None:
    out.mkdir()
    (out / "thesis.txt").write_text("precious")
    with pytest.raises(AlreadyExists, match=r"thesis\.txt"):
        FactsStore(out)
    with pytest.raises(StorageError, match="a file stands"):
        FactsStore(out / "thesis.txt")


@pytest.mark.parametrize("old", [1, 3])
def test_versions_and_columns_that_are_not_known(out: Path, old: int) -> None:
    FactsStore(out).flush()
    write_json(out / "unfinished" / "state.json", file_header("check", old))
    with pytest.raises(UnknownVersion, match="--new"):
        FactsStore(out)
    FactsStore(out, afresh=True)
    assert read_json(out / "unfinished" / "state.json")["version"] == 2
    write_table(out / "unfinished" / "part-000009-ab.parquet", pl.DataFrame({"recording_id": ["x"]}))
    with pytest.raises(DatasetError, match="--new"):
        FactsStore(out)
    (out / "unfinished" / "part-000009-ab.parquet").write_bytes(b"PAR1")
    with pytest.raises(DamagedFile):
        FactsStore(out)


def test_there_is_no_check(out: Path) -> None:
    with pytest.raises(DatasetError, match="audiolect check"):
        read_facts(out)


def test_an_empty_table_has_the_columns() -> None:
    assert dict(facts_frame([]).schema) == FACTS_SCHEMA


def test_fingerprints_of_a_dataset(tmp_path: Path) -> None:
    rows = [Recording(f"x/{name}", f"{name}.wav", 100, 8000, 1, "wav/pcm_16", 244, split=split) for name, split in
            (("a", "train"), ("b", "test"), ("c", "test"), ("d", "test"))]  # fmt: skip
    dataset = save_tables(tmp_path / "data", rows, name="x", audio_root=tmp_path)
    with pytest.raises(DatasetError, match="no finished check"):
        read_fingerprints(dataset)
    asked = [request("a"), request("b"), request("c", asked_samples=99), request("d")]
    store = FactsStore(tmp_path / "data" / "check")
    store.add([*(facts(each) for each in asked[:3]), lost_facts(asked[3], "truncated", "")])
    finish(store, tmp_path / "data" / "check", asked)
    found = read_fingerprints(dataset)
    assert list(found) == ["x/a", "x/b"]
    assert np.array_equal(found["x/a"], WORDS)
    assert list(read_fingerprints(filter_dataset(dataset, "split == 'test'"))) == ["x/b"]
    assert list(read_fingerprints(dataset, tmp_path / "data" / "check")) == ["x/a", "x/b"]


def plain_dataset(tmp_path: Path, names: str) -> Dataset:
    rows = [Recording(f"x/{name}", f"{name}.wav", 100, 8000, 1, "wav/pcm_16", 244) for name in names]
    return save_tables(tmp_path / "data", rows, name="x", audio_root=tmp_path)


def test_what_a_check_under_way_knows(tmp_path: Path) -> None:
    dataset = plain_dataset(tmp_path, "abc")
    folder = dataset.folder / "check"
    assert not has_facts(dataset)
    with pytest.raises(DatasetError, match="no finished check"):
        known_facts(dataset)
    asked = [request(name) for name in "abc"]
    store = FactsStore(folder)
    store.add([facts(asked[1], "bb"), facts(asked[0], "aa"), lost_facts(asked[2], "missing", "")])
    store.flush()
    assert has_facts(dataset)
    assert known_facts(dataset)["pcm_hash"].to_list() == ["aa", "bb"]
    store.add([facts(request("a", modified_ns=9), "new")])
    finish(store, folder, [request("a", modified_ns=9), *asked[1:]])
    assert known_facts(dataset)["pcm_hash"].to_list() == ["new", "bb"]
    fresh = FactsStore(folder, afresh=True)
    assert known_facts(dataset).is_empty()
    fresh.add([facts(asked[2], "cc")])
    fresh.flush()
    assert known_facts(dataset)["pcm_hash"].to_list() == ["cc"]


def test_facts_are_carried_with_the_paths_of_the_new_root(tmp_path: Path) -> None:
    dataset = plain_dataset(tmp_path, "ab")
    store = FactsStore(dataset.folder / "check")
    store.add([facts(request("a")), facts(request("gone"))])
    store.flush()
    (tmp_path / "above").mkdir()
    made = save_dataset(
        tmp_path / "above",
        name="y",
        corpus_version="1",
        license="CC0",
        citation="-",
        audio_root=tmp_path.parent,
        recordings=dataset.recordings.with_columns(path=pl.lit(f"{tmp_path.name}/") + pl.col("path")),
        examples=dataset.examples,
    )
    carry_facts([dataset], made)
    assert known_facts(made).select("recording_id", "path").rows() == [("x/a", f"{tmp_path.name}/a.wav")]
    write_json(dataset.folder / "check" / "unfinished" / "state.json", file_header("check", VERSION + 1))
    (tmp_path / "later").mkdir()
    carry_facts([dataset], replace(made, folder=tmp_path / "later"))
    assert not any((tmp_path / "later").iterdir())
    resumed = FactsStore(made.folder / "check")
    assert resumed.missing([replace(request("a"), path=f"{tmp_path.name}/a.wav")]) == []
