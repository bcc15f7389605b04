"""The weights that a training begins with."""

from __future__ import annotations

from pathlib import Path

import pytest

from audiolect.errors import ConfigError, UsageError
from audiolect.models.clap import DualEncoderSettings
from audiolect.storage import file_header, fingerprint_file, write_json, write_yaml
from audiolect.training.run_folder import CHECKPOINT_KIND, CHECKPOINT_VERSION, RUN_KIND, RUN_VERSION, checkpoint_path
from audiolect.training.starting import Start, check_start, find_start, started


def write_model(folder: Path, weights: bytes = b"w") -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "model.yaml").write_text("format: audiolect/captioner\n", "utf-8")
    (folder / "model.safetensors").write_bytes(weights)
    return folder


def write_run(folder: Path, steps: tuple[int, ...] = (4, 8)) -> Path:
    header = file_header(RUN_KIND, RUN_VERSION)
    for step in steps:
        path = write_model(checkpoint_path(folder, step), str(step).encode())
        write_json(path / "card.json", {**file_header(CHECKPOINT_KIND, CHECKPOINT_VERSION), "step": step, "files": {}})
    write_yaml(folder / "config.yaml", {**header, "recipe": {}})
    write_json(folder / "card.json", {**header, "recipe_folder": str(folder)})
    (folder / "best").write_text("4\n", "utf-8")
    (folder / "last").write_text("8\n", "utf-8")
    return folder


def test_a_folder_with_a_model(tmp_path: Path) -> None:
    folder = write_model(tmp_path / "some" / "model")
    found = find_start("some/model", tmp_path)
    assert found == Start(folder, "some/model", fingerprint_file(folder / "model.safetensors"))
    assert found.facts() == {"source": "some/model", "weights": found.weights}


@pytest.mark.parametrize(("text", "step"), [("run", 4), ("run@best", 4), ("run@last", 8), ("run@8", 8)])
def test_a_checkpoint_of_a_run(tmp_path: Path, text: str, step: int) -> None:
    folder = write_run(tmp_path / "run")
    assert find_start(text, tmp_path).folder == checkpoint_path(folder, step)


def test_the_last_stage_of_a_run_of_several(tmp_path: Path) -> None:
    write_run(tmp_path / "run" / "stage-1", (4, 8))
    write_json(tmp_path / "run" / "stages.json", {**file_header("stages", 1), "stages": 2})
    first = find_start("run", tmp_path)
    assert first.folder == checkpoint_path(tmp_path / "run" / "stage-1", 4)
    write_run(tmp_path / "run" / "stage-2")
    assert find_start("run", tmp_path).folder == checkpoint_path(tmp_path / "run" / "stage-2", 4)


def test_letters(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"no model to start from(.|\n)*no such folder"):
        find_start("nowhere", tmp_path)
    (tmp_path / "empty" / "one").mkdir(parents=True)
    with pytest.raises(UsageError, match="a folder without them"):
        find_start("empty/one", tmp_path)
    write_run(tmp_path / "run")
    with pytest.raises(UsageError, match="no such checkpoint"):
        find_start("run@5", tmp_path)


def test_a_repository_that_cannot_be_asked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import huggingface_hub

    def fails(name: str, **options: object) -> str:
        raise OSError(f"no connection to {name}")

    monkeypatch.setattr(huggingface_hub, "snapshot_download", fails)
    with pytest.raises(UsageError, match=r"cannot be fetched(.|\n)*no connection to some/model"):
        find_start("some/model", tmp_path)


def test_a_repository_of_the_hub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import huggingface_hub

    folder = write_model(tmp_path / "cache")
    monkeypatch.setattr(huggingface_hub, "snapshot_download", lambda name, **options: str(folder))
    assert find_start("some/model", tmp_path / "elsewhere").folder == folder


def test_settings_begin_with_it() -> None:
    settings = DualEncoderSettings()
    assert started(settings, None) is settings
    assert started(settings, Start(Path("a"), "b", "c")).start == "a"


def test_a_run_that_began_with_other_weights_is_not_gone_on_with(tmp_path: Path) -> None:
    start = Start(tmp_path, "run", "1")
    check_start({}, start, tmp_path)
    check_start({"start": start.facts()}, start, tmp_path)
    check_start({"start": start.facts()}, None, tmp_path)
    with pytest.raises(ConfigError, match="begun with other weights"):
        check_start({"start": start.facts()}, Start(tmp_path, "run", "2"), tmp_path)
