from __future__ import annotations

import json

import pytest
from called import call

from audiolect import __version__
from audiolect.cli import diagnosis


def test_version_for_people_and_for_programs(capsys: pytest.CaptureFixture[str]) -> None:
    assert call("version") == 0
    assert capsys.readouterr().out.strip() == f"audiolect {__version__}"
    assert call("version", "--json") == 0
    assert json.loads(capsys.readouterr().out) == {"version": __version__}


def test_doctor_is_content_here(capsys: pytest.CaptureFixture[str]) -> None:
    assert call("doctor") == 0
    output = capsys.readouterr().out
    assert "soundfile" in output
    assert "audiolect cannot work" not in output


def test_doctor_names_an_absent_extra_with_its_line(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    known = diagnosis._version
    monkeypatch.setattr(diagnosis, "_version", lambda name: None if name == "av" else known(name))
    assert call("doctor", "--json") == 0
    found = json.loads(capsys.readouterr().out)
    assert found["healthy"] is True
    (absent,) = [part for part in found["parts"] if part["name"] == "av"]
    assert absent["version"] is None
    assert absent["fix"] == "pip install 'audiolect[video]'"


def test_doctor_ends_with_1_where_the_base_is_broken(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    known = diagnosis._version
    monkeypatch.setattr(diagnosis, "_version", lambda name: None if name == "soxr" else known(name))
    assert call("doctor") == 1
    assert "a part of the base install is missing" in capsys.readouterr().out
