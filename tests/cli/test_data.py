from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import soundfile
from called import call

from audiolect.corpora.download_card import SegmentCoverage, SplitCoverage, new_card, write_download_card


@pytest.fixture(scope="module")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A miniature corpus in the ESC-50 layout: four recordings of two classes."""
    root = tmp_path_factory.mktemp("esc50")
    (root / "audio").mkdir()
    (root / "meta").mkdir()
    rows = ["filename,fold,target,category,esc10,src_file,take"]
    rng = np.random.default_rng(0)
    for i, label in enumerate(["dog", "rain", "dog", "rain"]):
        name = f"{i % 2 + 1}-{100 + i}-A-{i % 2}.wav"
        soundfile.write(root / "audio" / name, 0.1 * rng.standard_normal(8000 + 800 * i), 8000)
        rows.append(f"{name},{i % 2 + 1},{i % 2},{label},True,{100 + i},A")
    (root / "meta" / "esc50.csv").write_text("\n".join(rows) + "\n", "utf-8")
    return root


@pytest.fixture(scope="module")
def dataset(corpus: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("prepared") / "esc"
    assert call("prepare", "esc50", corpus, "--out", out, "--jobs", 1) == 0
    return out


def test_prepare_says_what_it_wrote_and_the_next_command(
    corpus: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "esc"
    assert call("prepare", "esc50", corpus, "--out", out, "--jobs", 1) == 0
    printed = capsys.readouterr().out
    assert f"audiolect show {out}" in printed
    assert {"card.yaml", "recordings.parquet", "examples.parquet"} <= {path.name for path in out.iterdir()}


def test_prepare_with_json_prints_the_card(corpus: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert call("prepare", "esc50", corpus, "--out", tmp_path / "esc", "--jobs", 1, "--json") == 0
    card = json.loads(capsys.readouterr().out)
    assert card["num_recordings"] == 4
    assert card["folder"] == str(tmp_path / "esc")


def test_a_dry_run_writes_nothing(corpus: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert call("prepare", "esc50", corpus, "--out", tmp_path / "esc", "--dry-run", "--json") == 0
    assert json.loads(capsys.readouterr().out)["would_prepare"] == "esc50"
    assert list(tmp_path.iterdir()) == []


def test_a_plan_for_people_says_what_would_be_made(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert call("prepare", "soundworld", "--out", tmp_path / "w", "--recordings", 12, "--seed", 5, "--dry-run") == 0
    printed = " ".join(capsys.readouterr().out.split())
    assert "recordings 12 seed 5" in printed
    assert "made by code" in printed


@pytest.mark.parametrize(
    ("flag", "value"), [("--recordings", 0), ("--seed", -1), ("--jobs", -2), ("--max-problems", -1)]
)
def test_numbers_out_of_range_are_refused_at_once(
    flag: str, value: int, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert call("prepare", "soundworld", "--out", tmp_path / "w", flag, value, "--dry-run") == 2
    assert flag in capsys.readouterr().err


def test_without_audio_the_summary_and_the_plan_say_so(
    corpus: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    bare = tmp_path / "bare"
    (bare / "meta").mkdir(parents=True)
    (bare / "meta" / "esc50.csv").write_bytes((corpus / "meta" / "esc50.csv").read_bytes())
    out = tmp_path / "esc"
    assert call("prepare", "esc50", bare, "--out", out, "--jobs", 1) == 2
    letter = capsys.readouterr().err
    assert "4 audio files were looked for" in letter
    assert f"audiolect download esc50 {bare}" in letter
    assert f"audiolect prepare esc50 {bare} --out {out} --jobs 1 --no-audio" in letter
    assert call("prepare", "esc50", bare, "--out", out, "--no-audio", "--dry-run", "--json") == 0
    assert json.loads(capsys.readouterr().out)["looks_at_audio"] is False
    assert call("prepare", "esc50", bare, "--out", out, "--no-audio") == 0
    printed = " ".join(capsys.readouterr().out.split())
    assert "coverage 0 of 400" in printed
    assert "nominal: 5 s, as the corpus is known, for 4 of 4; counted at 44100 Hz" in printed


def test_the_coverage_of_a_download_is_printed(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    source = tmp_path / "audiocaps"
    source.mkdir()
    (source / "test.csv").write_text("audiocap_id,youtube_id,start_time,caption\n1,abcdefghijk,30,a dog barks\n")
    coverage = SegmentCoverage(
        available=0,
        expected=1,
        available_ids="a" * 32,
        expected_ids="b" * 32,
        statuses={"unavailable": 1},
        splits={"test": SplitCoverage(available=0, expected=1)},
    )
    card = new_card("audiocaps", "MIT", "https://example.org").model_copy(update={"coverage": coverage})
    write_download_card(source, card)
    assert call("prepare", "audiocaps", source, "--out", tmp_path / "out", "--no-audio") == 0
    printed = " ".join(capsys.readouterr().out.split())
    assert f"available 0 segments, ids {'a' * 32} expected 1 segments, ids {'b' * 32}" in printed


def test_an_existing_target_is_kept_unless_overwrite(
    corpus: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "esc"
    assert call("prepare", "esc50", corpus, "--out", out, "--jobs", 1) == 0
    before = (out / "card.yaml").read_bytes()
    assert call("prepare", "esc50", corpus, "--out", out, "--jobs", 1) == 2
    assert "--overwrite" in capsys.readouterr().err
    assert (out / "card.yaml").read_bytes() == before
    assert call("prepare", "esc50", corpus, "--out", out, "--jobs", 1, "--overwrite") == 0


def test_too_many_problems_end_with_1_and_write_nothing(corpus: Path, tmp_path: Path) -> None:
    broken = tmp_path / "broken"
    (broken / "meta").mkdir(parents=True)
    (broken / "audio").mkdir()
    (broken / "meta" / "esc50.csv").write_bytes((corpus / "meta" / "esc50.csv").read_bytes())
    out = tmp_path / "esc"
    assert call("prepare", "esc50", broken, "--out", out, "--jobs", 1, "--max-problems", 0) == 1
    assert not out.exists()


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("esc50",), "none was named"),
        (("esc50", "no/such/folder"), "does not exist"),
        (("soundworld", "."), "does not take a source folder"),
        (("soundworld", "--no-audio"), "does not take --no-audio"),
        (("esc50", ".", "--no-audio", "--missing", "refuse"), "opposite things"),
        (("soundworld", "--mapping", "m.yaml"), "does not take --mapping"),
        (("esc50", ".", "--recordings", "3"), "does not take --recordings"),
    ],
)
def test_requests_that_cannot_be(
    arguments: tuple[str, ...], words: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert call("prepare", *arguments, "--out", tmp_path / "out") == 2
    assert words in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


def test_show_prints_card_counts_plots_and_examples(dataset: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert call("show", dataset) == 0
    printed = capsys.readouterr().out
    for word in (
        "esc50",
        "fingerprint",
        "durations in seconds",
        "labels",
        "dog",
        "rain",
        "fold 2",
        "EventClassification",
    ):
        assert word in printed


def test_show_filters(dataset: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert call("show", dataset, "--where", "'dog' in labels and duration_seconds < 1.1", "--json") == 0
    shown = json.loads(capsys.readouterr().out)
    assert shown["recordings"] == 1
    assert shown["labels"] == {"dog": 1}


def test_show_explains_a_wrong_filter_and_a_wrong_folder(
    dataset: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert call("show", dataset, "--where", "duraton_seconds < 3") == 2
    assert "duration_seconds" in capsys.readouterr().err
    assert call("show", tmp_path) == 2
    assert "card.yaml" in capsys.readouterr().err


def test_show_draws_a_spectrogram(dataset: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    picture = tmp_path / "dog.png"
    assert call("show", dataset, "--spectrogram", picture) == 0
    assert picture.read_bytes().startswith(b"\x89PNG")
    assert str(picture) in capsys.readouterr().out.replace("\n", "")
    assert call("show", dataset, "--spectrogram", picture, "--recording", "esc50/none.wav") == 2
    output = capsys.readouterr()
    assert "no such recording" in output.err
    assert output.out == ""


def test_show_of_nothing_says_so(dataset: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert call("show", dataset, "--where", "split == 'nope'") == 0
    printed = capsys.readouterr().out
    assert "No recording is left." in printed
    assert [line.split() for line in printed.splitlines() if line.startswith("recordings")] == [
        ["recordings", "0", "of", "400"]
    ]
