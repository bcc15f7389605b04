"""What a card says of using a model: code that Python reads."""

from __future__ import annotations

import ast
import re

import pytest

from audiolect.models.exported_model import ExportedModel
from audiolect.report.model_uses import use_of

STYLES = ("audioset > keywords: ", "clotho > caption: ")


@pytest.mark.parametrize("name", ["WhisperForConditionalGeneration", "ClapModel"])
def test_the_code_can_be_read(name: str) -> None:
    text = use_of(ExportedModel(name, "x", (), "0" * 32, 1_234_567, 16000))
    (code,) = re.findall(r"```python\n(.*?)```", text, flags=re.DOTALL)
    ast.parse(code)
    assert "1,234,567 parameters" in text
    assert "16000" in text


def test_styles_are_told() -> None:
    model = ExportedModel("WhisperForConditionalGeneration", "x", (), "0", 1, 16000, STYLES, STYLES[1])
    assert "The pipeline writes in `clotho > caption: `" in use_of(model)
    several = ExportedModel("WhisperForConditionalGeneration", "x", (), "0", 1, 16000, STYLES)
    assert "decoder_input_ids" in use_of(several)


def test_a_class_without_code() -> None:
    assert (
        use_of(ExportedModel("Other", "x", (), "0", 5, 16000))
        == "It is loaded by Other of transformers and has 5 parameters."
    )
