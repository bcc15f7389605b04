"""What a model has learned from, over stages, beginnings and teachers; the runs are folders written by hand."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from audiolect.storage import file_header, fingerprint_file, write_json, write_yaml
from audiolect.training.lineage import all_data, all_origins, lineage
from audiolect.training.run_folder import Run, checkpoint_path, open_run, write_pointer

MakeRun = Callable[..., Run]


def fact(name: str, license: str | None = "CC0-1.0", **entries: int) -> dict[str, Any]:
    rows = {key: {"num_items": count, "num_quarantined": 0} for key, count in entries.items()}
    told = {} if license is None else {"license": license}
    return {"dataset": name, "version": "1", "fingerprint": f"print of {name}", "entries": rows, **told}


@pytest.fixture
def make(tmp_path: Path) -> MakeRun:
    """Writes a run with one checkpoint."""

    def made(name: str, data: dict[str, Any], *, model: dict[str, Any] | None = None, **card: Any) -> Run:
        folder = tmp_path / "runs" / name
        recipe = {"model": model or {}, "data": {key: {"dataset": f"../{key}"} for key in data}}
        (tmp_path / "recipes").mkdir(exist_ok=True)
        write_yaml(folder / "config.yaml", {**file_header("run", 1), "recipe": recipe})
        facts = {"recipe_folder": str(tmp_path / "recipes"), "data": data, **card}
        write_json(folder / "card.json", {**file_header("run", 1), **facts})
        path = checkpoint_path(folder, 5)
        path.mkdir(parents=True)
        (path / "model.safetensors").write_text(f"weights of {name}")
        write_json(path / "card.json", {**file_header("checkpoint", 1), "step": 5, "files": {}})
        write_pointer(folder, "last", 5)
        return open_run(folder)

    return made


def weights(run: Run) -> str:
    return fingerprint_file(checkpoint_path(run.folder, 5) / "model.safetensors")


def test_a_run_by_itself(make: MakeRun) -> None:
    run = make("one", {"world": fact("soundworld", **{"world-AudioCaptioning/train": 7}), "other": fact("clotho")})
    (step,) = lineage(run)
    assert (step.role, step.origins) == ("trained", ())
    (heard,) = step.data  # the other was for validation alone
    assert (heard.name, heard.license, heard.fingerprint) == ("soundworld", "CC0-1.0", "print of soundworld")
    assert heard.entries == {"world-AudioCaptioning/train": 7}


def test_beginnings_and_teachers(make: MakeRun) -> None:
    first = make("first", {"a": fact("a", "CC BY 4.0", x=1)}, model={"whisper": "openai/whisper-tiny"})
    teacher = make("teacher", {"a": fact("a", "CC BY 4.0", y=2)})
    run = make(
        "second",
        {"b": fact("b", x=3)},
        start={"source": "../runs/first@last", "weights": weights(first)},
        teacher={"run": "../runs/teacher", "checkpoint": "00000005", "weights": weights(teacher)},
        model={"audio": {"source": "MIT/ast"}},
    )
    steps = lineage(run)
    assert [step.role for step in steps] == ["begun with", "teacher", "trained"]
    assert [(heard.name, dict(heard.entries)) for heard in all_data(steps)] == [
        ("a", {"x": 1, "y": 2}),
        ("b", {"x": 3}),
    ]
    assert all_origins(steps) == ["openai/whisper-tiny", "MIT/ast"]


def test_stages(make: MakeRun, tmp_path: Path) -> None:
    first = make("staged/stage-1", {"a": fact("a", x=1)})
    make("staged/stage-2", {"b": fact("b", x=1)}, start={"source": "stage-1@best", "weights": weights(first)})
    write_json(tmp_path / "runs" / "staged" / "stages.json", {**file_header("stages", 1), "stages": 2})
    steps = lineage(open_run(tmp_path / "runs" / "staged"))
    assert [step.run.name for step in steps] == ["staged/stage-1", "staged/stage-2"]


def test_what_has_changed_or_is_gone_is_an_origin_by_name(make: MakeRun) -> None:
    first = make("first", {"a": fact("a", x=1)})
    start = {"source": "../runs/first", "weights": weights(first)}
    run = make("second", {"b": fact("b", x=1)}, start=start)
    (checkpoint_path(first.folder, 5) / "model.safetensors").write_text("trained on")
    for _ in range(2):
        steps = lineage(run)
        assert [step.role for step in steps] == ["trained"]
        assert all_origins(steps) == ["../runs/first"]
        shutil.rmtree(first.folder, ignore_errors=True)


def test_a_circle_ends(make: MakeRun) -> None:
    run = make("one", {"a": fact("a", x=1)})
    itself = make("two", {"a": fact("a", x=1)}, start={"source": "../runs/one", "weights": weights(run)})
    card = {**run.card, "start": {"source": "../runs/two", "weights": weights(itself)}}
    write_json(run.folder / "card.json", card)
    assert [step.run.name for step in lineage(itself)] == ["one", "two"]


def test_licences_of_older_runs_are_those_of_the_dataset(make: MakeRun, world: Path) -> None:
    from audiolect.data.dataset import open_dataset

    facts = fact("world", None, x=1)
    run = make("old", {"world": facts})
    assert lineage(run)[0].data[0].license == ""  # another fingerprint
    print_ = open_dataset(world).card.fingerprint
    assert lineage(make("older", {"world": facts | {"fingerprint": print_}}))[0].data[0].license == "CC0-1.0"
    assert lineage(make("oldest", {"gone": fact("gone", None, x=1)}))[0].data[0].license == ""
