"""The facts of an export are plain values, without torch."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import FrozenInstanceError

import pytest

from audiolect.models.exported_model import ExportedModel


def test_it_is_a_frozen_value() -> None:
    model = ExportedModel("ClapModel", "zero-shot-audio-classification", ("clap",), "0" * 32, 7, 48000)
    assert (model.styles, model.style, model.remarks) == ((), "", ())
    with pytest.raises(FrozenInstanceError):
        model.style = "x"  # type: ignore[misc]


def test_it_needs_no_torch() -> None:
    code = "import sys, audiolect.models.exported_model; print('torch' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"
