from __future__ import annotations

import re
import tomllib
from pathlib import Path

from audiolect.cli import diagnosis

PROJECT = tomllib.loads((Path(__file__).resolve().parents[2] / "pyproject.toml").read_text("utf-8"))["project"]


def name_of(requirement: str) -> str:
    matched = re.match(r"[A-Za-z0-9_.-]+", requirement)
    assert matched is not None
    return matched.group()


def test_the_base_is_what_the_project_declares() -> None:
    assert set(diagnosis._BASE) == {name_of(requirement) for requirement in PROJECT["dependencies"]}


def test_every_optional_part_stands_in_the_extra_that_its_line_names() -> None:
    extras = PROJECT["optional-dependencies"]
    assert diagnosis._OPTIONAL
    for name, (extra, _) in diagnosis._OPTIONAL.items():
        assert name in {name_of(requirement) for requirement in extras[extra]}


def test_every_extra_for_users_is_known_to_the_doctor() -> None:
    extras = set(PROJECT["optional-dependencies"]) - {"dev", "bench"}
    assert extras == {extra for extra, _ in diagnosis._OPTIONAL.values()}


def test_found_parts_have_versions() -> None:
    parts = {part.name: part for part in diagnosis.diagnose_parts()}
    assert re.fullmatch(r"\d+\.\d+.*", parts["numpy"].version or "")
    assert parts["numpy"].required
    assert not parts["torch"].required
    assert parts["numpy"].as_dict()["gives"] == "arrays"


def test_the_machine_is_described() -> None:
    machine = diagnosis.diagnose_machine()
    assert int(machine["processors"]) >= 1
    assert machine["memory"] == "unknown" or machine["memory"].endswith("GiB")
