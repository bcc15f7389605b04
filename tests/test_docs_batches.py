"""``docs/batches.md`` does what it says."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from audiolect.loader.batch_settings import POLICIES, BatchSettings

ROOT = Path(__file__).resolve().parents[1]
PAGE = (ROOT / "docs" / "batches.md").read_text("utf-8")
MIX = """
data: {tones: {dataset: tones}}
mixture: {epochs: 2, entries: {tones-AudioCaptioning/train: {}}}
"""


def test_the_batches_of_an_epoch(tones: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tones.tone_dataset(tmp_path / "tones", 6)
    (tmp_path / "mix.yaml").write_text(MIX, "utf-8")
    monkeypatch.chdir(tmp_path)
    (block,) = re.findall(r"^```python\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
    names: dict[str, Any] = {}
    exec(block, names)
    assert names["state"] == (0, 3)
    assert names["batch"].waveforms.shape == (3, 320_000)
    assert sorted(names["batch"].recording_ids) == ["tones/001", "tones/003", "tones/005"]
    assert names["stream"].wait_seconds > 0


def test_every_policy_is_told() -> None:
    assert sorted(re.findall(r"^\| `(\w+)` \|", PAGE, re.MULTILINE)) == sorted(POLICIES)


def test_the_page_names_what_there_is() -> None:
    files = re.findall(r"`(loader/\w+\.py)`", PAGE)
    assert len(files) == 2
    for name in files:
        assert (ROOT / "src" / "audiolect" / name).is_file(), name
    assert set(re.findall(r"`(\w+_\w+)`", PAGE)) - set(POLICIES) <= {*BatchSettings.model_fields, "evaluation_batches"}
