"""The card of a model, read again by huggingface_hub's own reader; nothing of the machine is on it."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from huggingface_hub import ModelCard

from audiolect.errors import UsageError
from audiolect.models.exported_model import ExportedModel
from audiolect.report.model_card import CardRequest, card_license, model_card
from audiolect.scores import Context, Coverage, Number, Scores, number_key
from audiolect.training.lineage import Heard, TrainingStep
from audiolect.training.run_folder import Run

HASH = "ab" * 16
MODEL = ExportedModel(
    "WhisperForConditionalGeneration", "automatic-speech-recognition", ("audio", "whisper"), HASH, 1000, 16000,
    ("clotho > caption: ",), "clotho > caption: ", ("It fills.",),
)  # fmt: skip


def scores(**changes: Any) -> Scores:
    checkpoint = {"run": "r", "checkpoint_hash": changes.pop("hash", HASH)}
    context = Context(
        system="r", checkpoint=checkpoint, seeds={}, preprocessing={}, predictions="0", producer="audiolect 9",
        dataset={"name": "soundworld", "split": "test", "fingerprint": "f1", "where": None},
        coverage=Coverage(available=9, expected=10),
    )  # fmt: skip
    numbers = [
        Number(key=number_key("all", "captioning", metric), part="all", task="captioning", metric=metric, value=value,
               low=low, high=high, n=9, num_recordings=9, context="r", reason=reason)
        for metric, value, low, high, reason in (
            ("cider_d", 0.5124, 0.41, 0.62, ""), ("bleu_4", 0.25, None, None, "too few"),
        )
    ]  # fmt: skip
    return Scores(name="r", contexts={"r": context}, numbers=tuple(numbers)).model_copy(update=changes)


def step(tmp_path: Path, *licenses: str, origins: tuple[str, ...] = ()) -> TrainingStep:
    card = {
        "command": f"audiolect train {tmp_path}/recipe.yaml --out {tmp_path}/runs/first",
        "seed": 3,
        "versions": {"torch": "2.13.0"},
    }
    config = {
        "data": {"w": {"dataset": str(tmp_path / "world")}},
        "model": {"name": "captioner", "start": str(tmp_path / "begin"), "weird": "```"},
        "mixture": {"epochs": 4},
    }
    data = [Heard(f"data {i}", "1.0", f"print{i}", text, {f"d{i}/train": 7 + i}) for i, text in enumerate(licenses)]
    return TrainingStep(Run(tmp_path / "runs" / "first", config, card), "trained", tuple(data), origins)


def test_the_hub_reads_it(tmp_path: Path) -> None:
    request = CardRequest("my-model", MODEL, [step(tmp_path, "CC0-1.0", "CC BY-NC 4.0")], 120, [scores()])
    card = ModelCard(model_card(request))
    data = card.data.to_dict()
    assert (data["license"], data["library_name"]) == ("cc-by-nc-4.0", "transformers")
    assert data["pipeline_tag"] == "automatic-speech-recognition"
    assert data["tags"] == ["audio", "whisper", "audiolect"]
    assert data["datasets"] == ["data-0", "data-1"]
    assert data["metrics"] == ["cider_d", "bleu_4"]
    results = card.data.eval_results or []
    assert [(result.metric_type, result.metric_value) for result in results] == [("cider_d", 0.5124), ("bleu_4", 0.25)]
    assert results[0].metric_name == "cider_d (95% interval 0.410 to 0.620, n 9)"
    assert (results[0].dataset_name, results[0].dataset_split) == ("soundworld", "test")


def test_it_says_what_the_model_rests_on(tmp_path: Path) -> None:
    text = model_card(CardRequest("m", MODEL, [step(tmp_path, "CC0-1.0", "CC BY 4.0")], 120, [scores()]))
    for words in (
        "| data 0 | 1.0 | d0/train: 7 items | print0 |",
        "- data 1: CC BY 4.0",
        "`cc-by-4.0`, the strictest licence",
        "| soundworld | test | all | captioning | cider_d | 0.512 | 95% interval 0.410 to 0.620 | 9 |",
        "| bleu_4 | 0.250 | none: too few | 9 |",
        "9 of 10 recordings",
        "step 120",
        "    audiolect train recipe.yaml --out first",
        "seed 3; torch 2.13.0",
        "epochs: 4",
        "It fills.",
        HASH,
    ):
        assert words in text, words


def test_no_place_of_the_machine_is_on_it(tmp_path: Path) -> None:
    on_machine = step(tmp_path, f"as {tmp_path}/LICENSE says", origins=(str(tmp_path / "begin"), "../runs/first"))
    context = scores().contexts["r"]
    where = context.model_copy(update={"dataset": {**context.dataset, "where": f"path != '{tmp_path}/x.wav'"}})
    text = model_card(CardRequest("m", MODEL, [on_machine], None, [scores(contexts={"r": where})], str(tmp_path)))
    assert str(tmp_path) not in text
    assert tmp_path.parts[1] + "/" not in text
    assert "../" not in text


@pytest.mark.parametrize(
    ("licenses", "origins", "asked", "expected"),
    [
        (("CC0-1.0",), (), None, "cc0-1.0"),
        (("CC0-1.0",), ("openai/whisper-tiny",), None, "apache-2.0"),
        (("CC BY-NC 4.0",), ("openai/whisper-tiny",), None, "cc-by-nc-4.0"),
        (("CC0-1.0",), ("someone/unknown",), None, "other"),
        (("CC0-1.0", ""), (), None, "other"),
        ((), (), None, "other"),
        (("not stated",), (), "CC-BY-4.0", "cc-by-4.0"),
        (("CC0-1.0",), (), "For research only, ask us", "other"),
    ],
)
def test_licences(
    licenses: tuple[str, ...], origins: tuple[str, ...], asked: str | None, *, expected: str, tmp_path: Path
) -> None:
    request = CardRequest("m", MODEL, [step(tmp_path, *licenses, origins=origins)], license=asked)
    assert card_license(request) == expected
    data = ModelCard(model_card(request)).data.to_dict()
    assert data["license"] == expected
    assert ("license_name" in data) == (expected == "other")


def test_a_model_of_which_nothing_is_known() -> None:
    text = model_card(CardRequest("m", MODEL))
    assert "What it was trained on is not known." in text
    assert "None are given." in text
    assert "## Training" not in text
    assert ModelCard(text).data.to_dict()["license"] == "other"


def test_fences_and_tags_of_others_do_no_harm(tmp_path: Path) -> None:
    model = replace(MODEL, remarks=("<script>alert(1)</script>",))
    text = model_card(CardRequest("m|<b>", model, [step(tmp_path, "a | b")]))
    assert "<script>" not in text
    assert re.search(r"^````yaml$", text, flags=re.MULTILINE)


def test_scores_of_another_model_are_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="not of this model") as letter:
        model_card(CardRequest("m", MODEL, scores=[scores(hash="cd" * 16)]))
    assert HASH in str(letter.value.expected)
