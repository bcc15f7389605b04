from __future__ import annotations

from pathlib import Path

import polars as pl
import pytest

from audiolect.cli.main import run
from audiolect.errors import UsageError
from audiolect.street.parts import Source, allowed_pairs, parse_source, read_parts

DATA = Path(__file__).resolve().parents[3] / "shared" / "data"


def test_allowed_pairs_must_be_compared() -> None:
    assert allowed_pairs(["a/x=b/y"], ["a/x", "b/y"]) == {("a/x", "b/y")}
    for text in ("a/x", "a/x=c/z"):
        with pytest.raises(UsageError, match="names two parts"):
            allowed_pairs([text], ["a/x", "b/y"])


@pytest.mark.parametrize(
    ("name", "text", "ids"),
    [
        ("t.csv", "youtube_id,caption\nabc,one\nabc,two\n", ["youtube:abc"]),
        ("t.jsonl", '{"YTID": "abc"}\n', ["youtube:abc"]),
        ("t.tsv", "fname\tx\ndog.wav\t1\n", ["dog.wav"]),
        ("t.csv", "source_id\nfreesound:1\n\nfreesound:2\n", ["freesound:1", "freesound:2"]),
    ],
)
def test_tables_of_ids(name: str, text: str, ids: list[str], tmp_path: Path) -> None:
    path = tmp_path / name
    path.write_text(text)
    (part,) = read_parts(Source(path), "split")
    assert part.recordings["recording_id"].to_list() == ids
    assert part.name == f"{tmp_path.name}/t"


@pytest.mark.skipif(not DATA.exists(), reason="the published tables are not beside the project")
def test_the_published_tables_are_read() -> None:
    sizes = {
        "audiocaps/train.csv": 49838,
        "audiocaps/test.csv": 975,
        "audioset/small_valid.jsonl": 2726,
        "audioset/eval.csv": 20371,
    }
    for name, size in sizes.items():
        (part,) = read_parts(Source(DATA / name), "split")
        assert part.recordings.height == size


def test_a_checked_dataset_brings_its_fingerprints(tmp_path: Path) -> None:
    world = tmp_path / "world"
    for arguments in (["prepare", "soundworld", "--out", str(world), "--recordings", "10"], ["check", str(world)]):
        assert all(
            len(part.fingerprints) == 0 for part in (read_parts(Source(world), "split") if world.exists() else [])
        )
        with pytest.raises(SystemExit) as ended:
            run([*arguments, "--jobs", "1"])
        assert ended.value.code == 0
    parts = read_parts(Source(world), "split")
    assert [len(part.fingerprints) for part in parts] == [part.recordings.height for part in parts]
    assert all(len(fingerprint) > 50 for part in parts for fingerprint in part.fingerprints)


def test_a_source_is_a_path_or_a_named_path(tmp_path: Path) -> None:
    (tmp_path / "a=b").mkdir()
    (tmp_path / "plain").mkdir()
    assert parse_source(str(tmp_path / "a=b")) == Source(tmp_path / "a=b")
    assert parse_source(f"old={tmp_path}/plain") == Source(tmp_path / "plain", "old")
    assert parse_source(f"old={tmp_path}/a=b") == Source(tmp_path / "a=b", "old")
    for text in ("nowhere", f"={tmp_path}", "old=", f"a/b={tmp_path}", f"old={tmp_path}/gone"):
        with pytest.raises(UsageError, match="no such dataset or table"):
            parse_source(text)


def test_a_named_table_is_a_part_of_that_name(tmp_path: Path) -> None:
    (tmp_path / "test.csv").write_text("file_name\na.wav\n")
    (part,) = read_parts(Source(tmp_path / "test.csv", "mine"), "split")
    assert (part.name, part.corpus) == ("mine/test", None)


def test_a_checked_dataset_brings_its_hashes(tmp_path: Path) -> None:
    world = tmp_path / "world"
    for arguments in (["prepare", "soundworld", "--out", str(world), "--recordings", "10"], ["check", str(world)]):
        with pytest.raises(SystemExit):
            run([*arguments, "--jobs", "1"])
    parts = read_parts(Source(world, "w"), "split")
    assert {part.dataset for part in parts} == {"w"}
    assert {part.corpus for part in parts} == {"soundworld"}
    assert sum(part.recordings["pcm_hash"].null_count() for part in parts) == 0
    facts = pl.read_parquet(world / "check" / "facts.parquet")
    hashes = dict(facts.select("recording_id", "pcm_hash").iter_rows())
    assert all(hashes[name] == found for part in parts
               for name, found in part.recordings.select("recording_id", "pcm_hash").iter_rows())  # fmt: skip
