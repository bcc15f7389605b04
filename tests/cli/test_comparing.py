from __future__ import annotations

import json
from pathlib import Path

import polars as pl
import pytest
from called import call


def test_leaks_within_a_dataset(dataset: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    listed = tmp_path / "pairs.csv"
    assert call("leaks", dataset, "--pairs", listed) == 1
    printed = capsys.readouterr().out
    assert "leaks: 1 pair\n" in printed
    assert "not compared by hash and fingerprint: c/test, c/train\n" in printed
    assert f"audiolect check {dataset} gives what it lacks" in printed
    pairs = pl.read_csv(listed)
    assert set(pairs.select("recording_a", "recording_b").row(0)) == {"c/11", "c/00"}
    assert call("leaks", dataset, "--kind", "hash", "--kind", "group") == 2
    printed = capsys.readouterr().err
    assert "Nothing could be compared" in printed
    assert f"what to do: audiolect check {dataset}" in printed
    assert call("leaks", dataset, "--allow", "c/test=c/train") == 0
    assert call("leaks", dataset, "--allow", "c/test=c/tran") == 2


def test_leaks_by_fold_in_json(dataset: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert call("leaks", dataset, "--by", "fold", "--json") == 1
    found = json.loads(capsys.readouterr().out)
    assert found["parts"] == {"c/fold1": 6, "c/fold2": 6}
    assert found["leaks"] == 1


def test_leaks_between_a_dataset_and_tables(dataset: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "other").mkdir()
    table = tmp_path / "other" / "evaluation.csv"
    table.write_text("file_name,sound_id\nx.wav,3\nx.wav,3\ny.wav,999\n")
    segments = tmp_path / "other" / "train.csv"
    segments.write_text('# c\n# d\n# YTID, s, e, l\n--4gqARaEJE, 0.000, 10.000, "/m/1,/m/2"\n')
    assert call("leaks", dataset, table, segments, "--kind", "source", "--json") == 1
    found = json.loads(capsys.readouterr().out)
    assert found["parts"] == {"c/test": 4, "c/train": 8, "other/evaluation": 2, "other/train": 1}
    shared = {(row["of"], row["in"]): row["recordings"] for row in found["shared"]}
    assert shared["c/train", "other/evaluation"] == 1


def test_one_part_is_nothing_to_compare(dataset: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert call("split", dataset, "--out", tmp_path / "one", "--limit", "test=0", "--rest-to", "train") == 0
    assert call("leaks", tmp_path / "one") == 2
    assert "--by fold" in capsys.readouterr().err


def test_sources_that_cannot_be_compared(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert call("leaks", tmp_path / "none") == 2
    assert "no such dataset or table" in capsys.readouterr().err
    table = tmp_path / "x.csv"
    table.write_text("a,b\n1,2\n")
    assert call("leaks", table) == 2
    assert "no column that tells" in capsys.readouterr().err


def test_no_leak_says_what_was_compared(dataset: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert call("split", dataset, "--out", tmp_path / "d", "--take", "train=1", "--into", "val", "--seed", 5) == 0
    capsys.readouterr()
    assert call("leaks", tmp_path / "d", "--allow", "c/test=c/train", "--allow", "c/test=c/val") == 0
    printed = capsys.readouterr().out
    assert "No leak by source and stem: nothing of one role is shared with another; 1 accepted pair" in printed
    assert "not compared by hash and fingerprint" in printed
    assert call("leaks", dataset, "--kind", "source", "--allow", "c/test=c/train") == 0
    assert "not compared" not in capsys.readouterr().out


def test_two_versions_of_one_dataset(dataset: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    new = tmp_path / "new"
    assert call("split", dataset, "--out", new, "--limit", "test=3", "--rest-to", "train") == 0
    capsys.readouterr()
    assert call("leaks", dataset, new) == 2
    assert "audiolect leaks old=PATH new=PATH" in capsys.readouterr().err
    assert call("leaks", dataset, dataset) == 2
    assert call("leaks", f"old={dataset}", f"new={new}", "--kind", "id", "--json") == 1
    found = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert list(found["parts"]) == ["old/test", "old/train", "new/test", "new/train"]
    assert (found["leaks"], found["pairs"]) == (1, 12)


def test_generic_names_do_not_set_the_exit_code(
    dataset: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "other").mkdir()
    table = tmp_path / "other" / "evaluation.csv"
    table.write_text("file_name\n01.wav\n02.wav\ndog barking.wav\n")
    assert call("leaks", dataset, table, "--kind", "stem") == 0
    printed = capsys.readouterr().out
    assert "No leak by stem" in printed
    assert "suspicions: 2 file names in common" in printed
    assert call("leaks", dataset, table, "--kind", "stem", "--json") == 0
    found = json.loads(capsys.readouterr().out)
    assert [row["stem"] for row in found["suspicions"]] == ["01", "02"]
    assert (found["leaks"], found["compared_by"]) == (0, ["stem"])


def test_tables_of_names_in_one_folder_are_compared_by_name(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for name, file in (("train", "dog barking.wav"), ("test", "dog barking.wav"), ("val", "1.wav")):
        (tmp_path / f"{name}.csv").write_text(f"file_name\n{file}\n1.wav\n")
    assert call("leaks", *(tmp_path / f"{name}.csv" for name in ("train", "test", "val"))) == 0
    printed = capsys.readouterr().out
    assert "No leak by stem" in printed
    assert "suspicions: 1 file name in common" in printed


def test_a_checked_dataset_is_compared_by_what_the_check_has_found(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    world = tmp_path / "world"
    assert call("prepare", "soundworld", "--out", world, "--recordings", 20) == 0
    assert call("check", world, "--jobs", 1) == 0
    capsys.readouterr()
    assert call("leaks", world) == 0
    printed = capsys.readouterr().out
    assert "No leak by hash, stem and fingerprint: nothing of one role" in printed
    assert "not compared" not in printed
