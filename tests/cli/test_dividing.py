from __future__ import annotations

import json
from pathlib import Path

import polars as pl
import pytest
from called import call

from audiolect.data.dataset import open_dataset, read_table


def splits(folder: Path) -> dict[str, int]:
    return dict(open_dataset(folder).recordings.group_by("split").len().iter_rows())


def test_limit_then_undo(dataset: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    limited, back = tmp_path / "limited", tmp_path / "back"
    assert call("split", dataset, "--out", limited, "--limit", "test=1", "--rest-to", "train", "--seed", 3) == 0
    assert splits(limited) == {"train": 11, "test": 1}
    assert open_dataset(limited).examples.filter(pl.col("split") == "test").height == 1
    assert f"audiolect show {limited}" in capsys.readouterr().out.replace("\n", "")
    assert read_table(open_dataset(limited), "split_history").height == 3
    assert call("split", limited, "--out", back, "--undo") == 0
    assert open_dataset(back).recordings.equals(open_dataset(dataset).recordings)
    assert call("split", back, "--out", tmp_path / "more", "--undo") == 2
    assert "no split to undo" in capsys.readouterr().err
    assert splits(dataset) == {"train": 8, "test": 4}


def test_take_reference_and_balance(dataset: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert call("split", dataset, "--out", tmp_path / "a", "--take", "train=0.25", "--into", "val", "--json") == 0
    assert json.loads(capsys.readouterr().out)["splits"] == {"test": 4, "train": 6, "val": 2}
    assert call("split", dataset, "--out", tmp_path / "b", "--take", "train=3", "--into", "val") == 0
    assert splits(tmp_path / "b")["val"] == 3
    listed = tmp_path / "ids.txt"
    listed.write_text("\ufeff03.wav\r\nc/05\r\n\r\n", "utf-8")
    assert call("split", dataset, "--out", tmp_path / "c2", "--reference", listed, "--into", "val") == 0
    assert splits(tmp_path / "c2")["val"] == 2
    assert call("split", dataset, "--out", tmp_path / "d", "--balance", "train=2", "--into", "val") == 0
    balanced = open_dataset(tmp_path / "d").recordings.filter(pl.col("split") == "val").explode("labels")
    assert min(balanced.group_by("labels").len()["len"]) >= 2


def test_a_dry_run_writes_nothing(dataset: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    before = sorted(tmp_path.rglob("*"))
    assert call("split", dataset, "--out", tmp_path / "x", "--limit", "test=1", "--dry-run") == 0
    assert call("subset", dataset, "--out", tmp_path / "x", "--target", 1, "--dry-run") == 0
    assert sorted(tmp_path.rglob("*")) == before


@pytest.mark.parametrize(
    ("flags", "words"),
    [
        ((), "Exactly one way"),
        (("--limit", "test=1", "--undo"), "--limit and --undo"),
        (("--limit", "test"), "a name and a number"),
        (("--limit", "test=many"), "a name and a number"),
        (("--limit", "test=1.5"), "a whole number"),
        (("--take", "train=1.5", "--into", "val"), "a whole number"),
        (("--limit", "test=1", "--rest-to", "../../x"), "--rest-to names no split"),
        (("--take", "train=2", "--into", ""), "--into names no split"),
        (("--limit", "tset=1"), "did you mean test"),
        (("--take", "train=2"), "add --into"),
        (("--reference", "nowhere.txt", "--into", "val"), "list does not exist"),
        (("--take", "train=2", "--into", "train"), "the split that they are in"),
        (("--limit", "test=2", "--rest-to", "test"), "the split that they are in"),
        (("--take", "train=0", "--into", "val"), "more than nothing"),
        (("--balance", "train=0", "--into", "val"), "one recording or more"),
        (("--limit", "test=1", "--into", "val"), "--into says nothing about --limit"),
        (("--take", "train=2", "--into", "val", "--rest-to", "x"), "--rest-to says nothing about --take"),
        (("--undo", "--must-stay", "x.txt"), "--must-stay says nothing about --undo"),
        (("--reference", "empty.txt", "--into", "val"), "list is empty"),
    ],
)
def test_wrong_wishes(
    flags: tuple[str, ...],
    words: str,
    dataset: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(dataset.parent)
    Path("empty.txt").write_text("\n \n")
    assert call("split", dataset, "--out", dataset.parent / "x", *flags) == 2
    assert words in capsys.readouterr().err
    assert not (dataset.parent / "x").exists()


def test_subset_reports_and_writes(dataset: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "small"
    arguments = ("--out", out, "--target", 3, "--fewer", "dog=1", "--limited", "rain", "--json")
    assert call("subset", dataset, *arguments) == 0
    report = json.loads(capsys.readouterr().out)
    assert report["counts"]["cat"] == 3
    small = open_dataset(out)
    assert small.recordings.height == report["chosen"] == small.examples.height
    assert small.card.command.startswith("audiolect ")


def test_subset_with_an_ontology_reaches_what_is_below(
    dataset: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    ontology = tmp_path / "ontology.json"
    nodes = [("/p", "Pet", ["/d", "/c", "/x"]), ("/d", "dog", []), ("/c", "cat", []), ("/x", "canary", [])]
    ontology.write_text(json.dumps([{"id": i, "name": n, "child_ids": c} for i, n, c in nodes]))
    arguments = ("--out", tmp_path / "small", "--target", 3, "--fewer", "Pet=0", "--ontology", ontology, "--json")
    assert call("subset", dataset, *arguments) == 0
    assert json.loads(capsys.readouterr().out)["counts"]["cat"] == 0


def test_a_list_that_is_no_text_is_a_letter(dataset: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "ids.txt").write_bytes(b"\xff\xfe\x00\x9f")
    arguments = ("--reference", tmp_path / "ids.txt", "--into", "val", "--out", tmp_path / "x")
    assert call("split", dataset, *arguments) == 2
    assert "UTF-8" in capsys.readouterr().err


def test_a_split_that_moves_nothing_says_so(dataset: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert call("split", dataset, "--out", tmp_path / "a", "--limit", "test=4") == 0
    assert "note: nothing moves: test has 4 recordings" in capsys.readouterr().out
    assert open_dataset(tmp_path / "a").recordings.equals(open_dataset(dataset).recordings)


@pytest.mark.parametrize(
    ("flags", "words"),
    [
        (("--target", "0"), "or equal to 1"),
        (("--target", "-3"), "or equal to 1"),
        (("--step", "0"), "or equal to 1"),
        (("--fewer", "cow=3"), "'cow' occurs nowhere"),
        (("--fewer", "=3"), "a name and a number"),
        (("--limited", "rian"), "did you mean rain"),
        (("--fewer", "dog=0", "--fewer", "rain=0", "--fewer", "cat=0"), "The subset would be empty"),
    ],
)
def test_subsets_that_cannot_be(
    flags: tuple[str, ...], words: str, dataset: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert call("subset", dataset, "--out", tmp_path / "x", *flags) == 2
    assert words in capsys.readouterr().err
    assert not (tmp_path / "x").exists()
