"""Trackers: what they are told of the journal's rows, how they are begun, and the letters of wrong ones."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import Any

import pytest

from audiolect.errors import MissingDependency, UsageError
from audiolect.training.run_folder import Run
from audiolect.training.trackers import TRACKERS, TRACKING, check_trackers, open_trackers, tracked_numbers

EXAMPLES = {
    "set": "tones-AudioCaptioning/val",
    "rows": [
        {"text": "a | b", "recording_id": "t/1", "rank": 2,
         "matches": [{"recording_id": "t/2", "score": 0.5}, {"recording_id": "t/1", "score": 0.4}]}
    ],
}  # fmt: skip


class Told:
    """Takes the place of an accelerator and of a tracker's writer, and remembers."""

    def __init__(self) -> None:
        self.begun: dict[str, Any] = {}
        self.logged: list[tuple[dict[str, float], int]] = []
        self.texts: list[tuple[str, str, int]] = []

    def init_trackers(self, project: str, *, init_kwargs: dict[str, Any]) -> None:
        self.begun = {"project": project, **init_kwargs}

    def log(self, values: dict[str, float], *, step: int) -> None:
        self.logged.append((values, step))

    def get_tracker(self, name: str, *, unwrap: bool = False) -> Told:
        assert name == "tensorboard"
        return self

    def add_text(self, name: str, text: str, step: int) -> None:
        self.texts.append((name, text, step))


@pytest.fixture
def _all_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: name)


def run_of(folder: Path, begun: str = "2026-01-02T03:04:05") -> Run:
    folder.mkdir(exist_ok=True)
    return Run(folder, {}, {"begun": begun})


def opened(names: list[str], run: Run) -> tuple[Told, Any]:
    told: Any = Told()
    return told, open_trackers(told, names, run)


def test_the_numbers_of_rows_by_hand() -> None:
    row = {"loss": 0.5, "epoch": 1, "note": "text", "rows": [1]}
    assert tracked_numbers("step", row) == {"step/loss": 0.5, "step/epoch": 1}
    validation = {"set": "w-T/val", "num_examples": 8, "metrics": {"map@10": 0.25, "loss": 2.0}}
    assert tracked_numbers("validation", validation) == {
        "validation/w-T/val/map@10": 0.25,
        "validation/w-T/val/loss": 2.0,
    }
    assert tracked_numbers("end", {"why": "", "step": 3}) == {}


@pytest.mark.parametrize("missing", ["tensorbord", "Tensorboard"])
def test_a_wrong_name_is_a_letter(missing: str) -> None:
    with pytest.raises(UsageError, match=r"tracker(?s:.)*training\.trackers(?s:.)*tensorboard"):
        check_trackers([missing])


@pytest.mark.parametrize("name", sorted(TRACKERS))
def test_an_absent_library_is_a_letter(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda module: None)
    with pytest.raises(MissingDependency, match=rf"The tracker {name}"):
        check_trackers([name])


def test_nothing_is_begun_where_a_name_is_wrong(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no tracker named 'nothing'"):
        opened(["nothing"], run_of(tmp_path / "run"))
    assert list((tmp_path / "run").iterdir()) == []


@pytest.mark.usefixtures("_all_installed")
def test_rows_reach_the_trackers(tmp_path: Path) -> None:
    told, write = opened(["tensorboard"], run_of(tmp_path / "run"))
    assert told.begun == {"project": "audiolect", "tensorboard": {}}
    assert (tmp_path / "run" / TRACKING).is_dir()
    write("begin", 0, {"parameters": 3})
    write("step", 1, {"loss": 0.5})
    write("validation", 4, {"set": "a", "metrics": {"m": 1.0}})
    assert told.logged == [({"step/loss": 0.5}, 1), ({"validation/a/m": 1.0}, 4)]
    write("examples", 4, EXAMPLES)
    ((name, text, step),) = told.texts
    assert (name, step) == ("examples/tones-AudioCaptioning/val", 4)
    assert text.splitlines() == [
        "| text | recording_id | rank | top matches |",
        "|---|---|---|---|",
        "| a / b | t/1 | 2 | t/2, t/1 |",
    ]
    assert len(told.logged) == 2


@pytest.mark.usefixtures("_all_installed")
def test_captions_are_shown_beside_their_references_and_their_sound(tmp_path: Path) -> None:
    told, write = opened(["tensorboard"], run_of(tmp_path / "run"))
    row = {"text": "a dog", "references": ["a dog barks", "barks"], "style": "w > caption: ", "recording_id": "w/1",
           "audio": "val/1.flac"}  # fmt: skip
    write("examples", 2, {"set": "w-AudioCaptioning/val", "rows": [row]})
    assert told.texts[0][1].splitlines() == [
        "| text | references | style | recording_id | audio |",
        "|---|---|---|---|---|",
        "| a dog | a dog barks / barks | w > caption:  | w/1 | val/1.flac |",
    ]


@pytest.mark.usefixtures("_all_installed")
def test_a_run_that_goes_on_is_the_same_and_a_new_one_another(tmp_path: Path) -> None:
    ids = []
    for begun in ("2026-01-02T03:04:05", "2026-01-02T03:04:05", "2026-01-02T03:04:06"):
        told, _ = opened(["wandb", "trackio"], run_of(tmp_path / "run", begun))
        ids.append(told.begun["wandb"]["id"])
        assert told.begun["wandb"]["resume"] == "allow"
        # trackio knows a run by its name alone.
        assert told.begun["trackio"] == {"name": ids[-1], "resume": "allow"}
    assert ids[0] == ids[1] != ids[2]
    assert all(part.isalnum() for part in ids[0].split("-"))


@pytest.mark.parametrize(
    ("tracker", "name"),
    [
        ("mlflow", "validation/w_T-AudioCaptioning/val/text_to_audio recall_any_at_1"),
        ("tensorboard", "validation/w+T-AudioCaptioning/val/text_to_audio recall_any@1"),
    ],
)
def test_a_tracker_takes_names_in_its_own_characters(tracker: str, name: str) -> None:
    ours = "validation/w+T-AudioCaptioning/val/text_to_audio recall_any@1"
    assert TRACKERS[tracker].named(ours) == name
