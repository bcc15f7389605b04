"""``train --folds`` and ``predict --folds`` as a person uses them, on tones of four folds."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from safetensors.numpy import load_file

from audiolect.cli.main import run
from audiolect.embedding_files import read_embeddings
from audiolect.storage import fingerprint_file
from audiolect.training import session, stages
from audiolect.training.run_folder import open_run
from audiolect.yaml_text import yaml_text

FOLDS = (1, 2, 3, 4)
RECIPE: dict[str, Any] = {
    "data": {"tones": {"dataset": "tones", "where": "fold != 4 and duration_seconds > 0"}},
    "mixture": {"epochs": 2, "entries": {"tones-AudioCaptioning/train": {}, "tones-AudioCaptioning/test": {}}},
    "model": {
        "audio": {"name": "small", "width": 1, "features": {"preset": "wsntxxn-16k"}},
        "text": {"name": "transformer", "width": 8, "layers": 1, "heads": 2, "vocabulary": 300},
        "projection": {"size": 8},
    },
    "training": {"batches": {"rate_hz": 16000, "crop_seconds": 0.5, "batch_size": 6}, "threads": 1},
}


def call(*arguments: object) -> int:
    with pytest.raises(SystemExit) as ended:
        run([str(argument) for argument in arguments])
    return int(ended.value.code or 0)


@pytest.fixture
def home(tmp_path: Path, tones: Any, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A dataset of 12 tones in four folds and a recipe beside it."""
    monkeypatch.chdir(tmp_path)
    tones.tone_dataset(tmp_path / "tones", 12)
    (tmp_path / "tones.yaml").write_text(yaml_text(RECIPE), "utf-8")
    return tmp_path


def test_from_training_to_one_number(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert call("train", "tones.yaml", "--folds", "--out", "runs") == 0
    printed = capsys.readouterr().out
    for words in ("4 of 4 folds", "all epochs are done", "audiolect predict runs tones --folds --out runs-predictions"):
        assert words in printed
    for fold in FOLDS:
        where = open_run(home / "runs" / f"fold-{fold}").config["data"]["tones"]["where"]
        assert where == f"duration_seconds > 0 and fold != {fold}"

    assert call("predict", "runs", "tones", "--folds", "--out", "out", "--where", "duration_seconds > 0") == 0
    printed = capsys.readouterr().out
    for words in ("predictions of 4 folds", "3 recordings", "audiolect evaluate out/fold-* tones"):
        assert words in printed
    heard = {fold: set(read_embeddings(home / "out" / f"fold-{fold}").recording_ids) for fold in FOLDS}
    assert heard == {fold: {f"tones/{i:03d}" for i in range(12) if 1 + i % 4 == fold} for fold in FOLDS}

    folders = [f"out/fold-{fold}" for fold in FOLDS]
    assert call("evaluate", *folders, "tones", "--metrics", "accuracy", "--json", "--resamples", 100) == 0
    scores = json.loads(capsys.readouterr().out.splitlines()[-1])
    (over,) = [each for each in scores["over_runs"] if each["key"].endswith("accuracy")]
    assert (over["num_runs"], sorted(over["values"])) == (4, [f"fold-{fold}" for fold in FOLDS])
    assert any("different recordings (folds); 12 recordings in all" in note for note in scores["notes"])


def test_a_fold_is_trained_as_alone_and_what_is_done_stays(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert call("train", "tones.yaml", "--folds", "--out", "runs") == 0
    capsys.readouterr()
    before = {path: path.stat().st_mtime_ns for path in home.glob("runs/fold-*/checkpoints/*/*")}
    assert call("train", "tones.yaml", "--folds", "--out", "runs", "--json") == 0
    told = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert [(each["fold"], each["resumed_at"]) for each in told["folds"]] == [(fold, 4) for fold in FOLDS]
    assert {path: path.stat().st_mtime_ns for path in home.glob("runs/fold-*/checkpoints/*/*")} == before

    assert call("train", "tones.yaml", 'data.tones.where="duration_seconds > 0 and fold != 3"', "--out", "alone") == 0
    paths = [open_run(home / name).checkpoint("last") / "model.safetensors" for name in ("alone", "runs/fold-3")]
    alone, of_fold = map(load_file, paths)
    assert all((alone[name] == of_fold[name]).all() for name in alone)


def test_one_that_was_stopped_goes_on(
    home: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    train, calls = session.train, iter(range(100))

    def stopped_in_the_second(*arguments: Any, **options: Any) -> session.Outcome:
        number = next(calls)
        options["asked_to_stop"] = lambda: number == 1
        return train(*arguments, **options)

    monkeypatch.setattr(stages, "train", stopped_in_the_second)
    assert call("train", "tones.yaml", "--folds", "--out", "runs") == 1
    printed = capsys.readouterr().out
    assert "2 of 4 folds" in printed
    assert "the same command goes on from there" in printed
    assert not (home / "runs" / "fold-3").exists()
    assert call("train", "tones.yaml", "--folds", "--out", "runs", "--json") == 0
    told = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert [each["resumed_at"] for each in told["folds"]] == [4, 1, None, None]
    assert [each["step"] for each in told["folds"]] == [4] * 4


def test_every_fold_of_a_recipe_in_stages_goes_through_all_of_them(
    home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    stage = RECIPE["training"]
    both = [{**stage, "max_steps": 1}, {**stage, "max_steps": 2, "optimizer": {"learning_rate": 1e-5}}]
    (home / "staged.yaml").write_text(yaml_text(RECIPE | {"training": both}), "utf-8")
    assert call("train", "staged.yaml", "--folds", "--dry-run", "--json") == 0
    told = json.loads(capsys.readouterr().out.splitlines()[-1])["folds"]
    order = [(fold, number) for fold in FOLDS for number in (1, 2)]
    assert [(each["fold"], each["steps"]) for each in told] == order
    assert not (home / "runs").exists()

    assert call("train", "staged.yaml", "--folds", "--out", "runs", "--json") == 0
    told = json.loads(capsys.readouterr().out.splitlines()[-1])["folds"]
    assert [(each["fold"], each["step"]) for each in told] == order
    assert [each["folder"] for each in told] == [f"runs/fold-{fold}/stage-{number}" for fold, number in order]
    for fold in FOLDS:
        run = open_run(home / "runs" / f"fold-{fold}")
        assert run.config["data"]["tones"]["where"] == f"duration_seconds > 0 and fold != {fold}"
        first = open_run(home / "runs" / f"fold-{fold}" / "stage-1").checkpoint("last") / "model.safetensors"
        assert run.card["start"] == {"source": "stage-1@best", "weights": fingerprint_file(first)}

    assert call("train", "staged.yaml", "--folds", "--out", "runs") == 0
    printed = capsys.readouterr().out
    assert "4 of 4 folds" in printed
    assert printed.count("was done") == 8
    assert call("predict", "runs", "tones", "--folds", "--out", "out") == 0
    heard = {fold: set(read_embeddings(home / "out" / f"fold-{fold}").recording_ids) for fold in FOLDS}
    assert heard == {fold: {f"tones/{i:03d}" for i in range(12) if 1 + i % 4 == fold} for fold in FOLDS}


def test_a_dry_run_writes_nothing(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert call("train", "tones.yaml", "--folds", "--dry-run") == 0
    printed = capsys.readouterr().out
    assert "nothing is written" in printed
    assert "fold 4: tones: duration_seconds > 0 and fold != 4" in printed
    assert not (home / "runs").exists()
    assert call("train", "tones.yaml", "--folds", "--dry-run", "--json") == 0
    told = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert [(each["fold"], each["steps"]) for each in told["folds"]] == [(fold, 4) for fold in FOLDS]


def test_predictions_that_are_there_stay(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert call("train", "tones.yaml", "--folds", "--out", "runs", "training.max_steps=1") == 0
    command = ("predict", "runs", "tones", "--folds", "--out", "out", "--json")
    assert call(*command) == 0
    capsys.readouterr()
    assert call(*command) == 0
    told = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert [(each["fold"], each["card"]) for each in told["folds"]] == [(fold, None) for fold in FOLDS]
    assert call(*command, "--template", "hear {label}") == 2
    assert "The folder holds predictions" in capsys.readouterr().err
    assert call(*command, "--template", "hear {label}", "--overwrite") == 0


def test_a_run_that_has_heard_its_fold_is_refused(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert call("train", "tones.yaml", "--out", "runs/fold-1", "training.max_steps=1") == 0
    assert call("predict", "runs", "tones", "--folds", "--out", "out") == 2
    printed = capsys.readouterr().err
    assert "has heard the fold that it should predict" in printed
    assert "fold != 1" in printed
    assert not (home / "out").exists()


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("train", "tones.yaml", "--folds", 'data.tones.where="fold == 1"'), "cannot exchange"),
        (("train", "gone.yaml", "--folds"), "gone.yaml"),
        (("predict", "tones", "tones", "--folds", "--out", "out"), "There are no runs of folds here"),
    ],
)
def test_what_cannot_be_is_a_letter(
    home: Path, arguments: tuple[str, ...], says: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert call(*arguments) == 2
    assert says in capsys.readouterr().err
    assert sorted(path.name for path in home.iterdir()) == ["tones", "tones-audio", "tones.yaml"]
