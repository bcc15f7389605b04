from __future__ import annotations

import json
from pathlib import Path

import pytest

from audiolect.cli.exchanged import export_as_json, print_export, say_import
from audiolect.corpora.intake import IntakeOptions
from audiolect.data.problems import Problem
from audiolect.formats.request import Exported, ImportRequest


def exported(num_files: int = 1, num_problems: int = 0) -> Exported:
    return Exported(
        Path("out"),
        {f"file-{number}.json": number for number in range(num_files)},
        3,
        {"labels of recordings": 4},
        tuple(Problem("missing", f"m/{number}", "gone") for number in range(num_problems)),
        {"recordings": 2, "examples": 5},
        ("mind the gap",),
    )


def test_what_an_export_left_out_is_all_said(capsys: pytest.CaptureFixture[str]) -> None:
    print_export("x", exported(25, 7))
    printed = " ".join(capsys.readouterr().out.split())
    for words in (
        "files of audio: 3",
        "labels of recordings 4",
        "quarantined, and left out: 2 recordings, 5 examples; --keep-quarantined",
        "note: mind the gap",
        "file-19.json",
        "… and 5 more",
        "m/4: gone",
        "… and 2 more",
    ):
        assert words in printed
    assert "file-20.json" not in printed
    assert "m/5" not in printed


def test_the_same_for_programs() -> None:
    assert export_as_json(exported(2, 1)) == {
        "folder": "out",
        "files": {"file-0.json": 0, "file-1.json": 1},
        "num_audio": 3,
        "left_out": {"labels of recordings": 4},
        "quarantined": {"recordings": 2, "examples": 5},
        "problems": {"missing": 1},
        "hints": ["mind the gap"],
    }


def test_the_plan_of_an_import(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    request = ImportRequest(tmp_path, tmp_path, no_audio=True, options=IntakeOptions(jobs=3))
    say_import("dcase", request, as_json=True)
    plan = json.loads(capsys.readouterr().out)
    assert plan == {
        "would_import": "dcase",
        "from": str(tmp_path),
        "to": str(tmp_path),
        "replaces": True,
        "looks_at_audio": False,
        "jobs": 3,
    }
    say_import("dcase", request, as_json=False)
    assert "nothing is written" in capsys.readouterr().out
