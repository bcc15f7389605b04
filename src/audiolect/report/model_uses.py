"""How a published model is used, as a card says it: the code for each class of transformers.

Conventions: the code is complete, but for the name of the model and of a file of sound.

Public names: use_of.
"""

from __future__ import annotations

from audiolect.models.exported_model import ExportedModel

_WHISPER = """It describes sounds in words: a captioner of {parameters} parameters that hears sound at {rate_hz} Hz.

```python
from transformers import pipeline

describe = pipeline("automatic-speech-recognition", "OWNER/NAME")
describe("rain.wav", generate_kwargs={{"num_beams": 1}})["text"]
```

{styles}"""
_CLAP = """It finds sounds by words and words by sounds: a dual encoder of {parameters} parameters that hears sound at
{rate_hz} Hz.

```python
from transformers import pipeline

classify = pipeline("zero-shot-audio-classification", "OWNER/NAME")
classify("rain.wav", candidate_labels=["rain", "a dog barks"])
```"""


def use_of(model: ExportedModel) -> str:
    """What the model does, and the code that uses it, as Markdown."""
    text = {"WhisperForConditionalGeneration": _WHISPER, "ClapModel": _CLAP}.get(model.class_name)
    if text is None:
        return f"It is loaded by {model.class_name} of transformers and has {model.num_parameters:,} parameters."
    return text.format(parameters=f"{model.num_parameters:,}", rate_hz=model.rate_hz, styles=_styles(model)).strip()


def _styles(model: ExportedModel) -> str:
    if not model.styles:
        return ""
    names = ", ".join(f"`{style}`" for style in model.styles)
    said = f"It was trained with the styles {names}, each the beginning of what it writes."
    if model.style:
        return f"{said} The pipeline writes in `{model.style}`; take that off its text."
    return f"{said} The pipeline begins with none: give the tokens of one as `decoder_input_ids` to `generate`."
