"""Candidates in the order of a dual encoder: by hand, alone and in batches, letters."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from audiolect.data.dataset import Dataset
from audiolect.embedding_files import ModelIdentity
from audiolect.errors import StorageError, UsageError
from audiolect.loader.audio_files import open_audio_files
from audiolect.loader.batch_settings import BatchSettings
from audiolect.models.clap import DualEncoderSettings, build_dual_encoder, save_model
from audiolect.models.generation_settings import GenerationSettings
from audiolect.models.weights_hash import weights_hash
from audiolect.predict import captioning
from audiolect.predict.captioning import CaptionRequest, predict_captions
from audiolect.predict.own_captions import caption_files
from audiolect.predict.reranked import Reranker, check_candidates, open_reranker
from audiolect.text_predictions import read_text_predictions

CANDIDATES = [("a low tone", -0.1), ("a middle tone", -0.2), ("a high tone", -0.3)]
THREE = GenerationSettings(method="beam", num_outputs=3)


class FakeWriter:
    """Says the same of every recording, at a rate of its own; can fail at a call."""

    def __init__(self, fails_at: int = -1, rate_hz: int = 8000) -> None:
        self.identity = ModelIdentity(run="fake", checkpoint_hash="1" * 32)
        self.rate_hz, self.styles = rate_hz, frozenset({"tones > caption: "})
        self.calls, self.fails_at = 0, fails_at

    def write(self, waveforms: Any, lengths: Any, prefix: str, keys: Any, settings: Any) -> Any:
        self.calls += 1
        if self.calls == self.fails_at:
            raise KeyboardInterrupt
        return [list(CANDIDATES) for _ in keys]


@pytest.fixture
def dataset(tmp_path: Path, tones: Any) -> Dataset:
    found: Dataset = tones.tone_dataset(tmp_path / "tones", 6, seconds=lambda i: 0.5 + 0.7 * i)
    return found


def reranker(tones: Any, weight: float = 0.5, **options: Any) -> Reranker:
    return Reranker(tones.FakeModel(**options), tones.window_settings(1.0), weight)


def predicted(dataset: Dataset, target: Path, by: Reranker | None, *, writer: Any = None, batch_size: int = 3) -> Any:
    writer = writer or FakeWriter()
    settings = BatchSettings(rate_hz=writer.rate_hz, policy="pad", batch_size=batch_size, threads=0)
    request = CaptionRequest(settings=settings, generation=THREE)
    source = open_audio_files(dataset, writer.rate_hz)
    return predict_captions(request, dataset, writer, source, target, reranker=by).rows


def test_the_order_is_that_of_the_cosines(dataset: Dataset, tones: Any) -> None:
    source, by = open_audio_files(dataset, 8000), reranker(tones, 1.0)
    ids = dataset.recordings["recording_id"].to_list()
    found = by.order(source, ids, [CANDIDATES] * 6)
    # recording i is a tone of the label i % 3 of these
    assert [outputs[0][0] for outputs in found] == ["a high tone", "a low tone", "a middle tone"] * 2
    short = source.read(ids[0])  # of 0.5 s: one window
    model = tones.FakeModel()
    heard = model.embed_audio(short[None], np.array([len(short)]))[0]
    cosines = [float(model.embed_texts([text])[0] @ heard) for text, _ in CANDIDATES]
    assert found[0] == [CANDIDATES[place] for place in np.argsort(-np.array(cosines))]


def test_the_weight_decides_between_score_and_sound(dataset: Dataset, tones: Any) -> None:
    source, ids = open_audio_files(dataset, 8000), ["tones/000"]
    assert reranker(tones, 0.0).order(source, ids, [CANDIDATES]) == [CANDIDATES]
    # the captioner says low, the sound says high, each as far from the other two: half the weight is where it turns
    sure = [("a low tone", 0.0), ("a high tone", -9.0), ("a high tone, too", -9.0)]
    assert reranker(tones, 0.4).order(source, ids, [sure])[0][0] == ("a low tone", 0.0)
    assert reranker(tones, 0.6).order(source, ids, [sure])[0][-1] == ("a low tone", 0.0)


def test_an_empty_candidate_comes_last(dataset: Dataset, tones: Any) -> None:
    source, some = open_audio_files(dataset, 8000), [("", -0.1), (" ", -0.1), ("a low tone", -0.2)]
    assert reranker(tones, 1.0).order(source, ["tones/000"], [some]) == [[some[2], some[0], some[1]]]
    assert reranker(tones, 1.0).order(source, ["tones/000"], [some[:2]]) == [some[:2]]
    assert reranker(tones).order(source, [], []) == []


def test_all_candidates_stay_and_the_header_says_who(dataset: Dataset, tones: Any, tmp_path: Path) -> None:
    rows = predicted(dataset, tmp_path / "out", reranker(tones, 1.0))
    assert rows[0].outputs[0] == "a high tone"
    assert all(sorted(zip(row.outputs, row.scores, strict=True)) == sorted(CANDIDATES) for row in rows)
    told = read_text_predictions(tmp_path / "out").header.reranking
    assert told is not None
    assert (told.model.checkpoint_hash, told.weight) == ("0" * 32, 1.0)
    assert told.preprocessing["window_seconds"] == 1.0
    predicted(dataset, tmp_path / "plain", None)
    assert read_text_predictions(tmp_path / "plain").header.reranking is None


def test_alone_as_in_a_batch(dataset: Dataset, tones: Any, tmp_path: Path) -> None:
    assert predicted(dataset, tmp_path / "one", reranker(tones), batch_size=1) == predicted(
        dataset, tmp_path / "six", reranker(tones), batch_size=6
    )


def test_sound_at_another_rate_is_read_from_the_files(dataset: Dataset, tones: Any, tmp_path: Path) -> None:
    rows = predicted(dataset, tmp_path / "out", reranker(tones, 1.0), writer=FakeWriter(rate_hz=16000))
    assert [row.outputs[0] for row in rows] == ["a high tone", "a low tone", "a middle tone"] * 2


def test_another_order_does_not_go_on(
    dataset: Dataset, tones: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(captioning, "_PART_SECONDS", 2.0)
    with pytest.raises(KeyboardInterrupt):
        predicted(dataset, tmp_path / "out", reranker(tones, 0.5), writer=FakeWriter(fails_at=3))
    for other in (reranker(tones, 0.6), reranker(tones, 0.5, run="other"), None):
        with pytest.raises(StorageError, match="another reranking"):
            predicted(dataset, tmp_path / "out", other)
    went_on = predicted(dataset, tmp_path / "out", reranker(tones, 0.5))
    assert went_on == predicted(dataset, tmp_path / "whole", reranker(tones, 0.5))


def test_own_files(dataset: Dataset, tones: Any, tmp_path: Path) -> None:
    paths = [dataset.audio_path(path) for path in dataset.recordings["path"]]
    by, writer = reranker(tones, 1.0), FakeWriter(rate_hz=16000)
    found = caption_files(writer, paths, THREE, out=tmp_path / "out.csv", reranker=by)
    assert [each.caption for each in found.captions] == ["a high tone", "a low tone", "a middle tone"] * 2
    assert {each.model for each in found.captions} == {f"{'1' * 32}, reranked by {'0' * 32} with weight 1"}
    assert caption_files(writer, paths, THREE, out=tmp_path / "out.csv", reranker=by).num_resumed == 6
    for other in (None, replace(by, weight=0.5)):
        with pytest.raises(StorageError, match="another model or style"):
            caption_files(writer, paths, THREE, out=tmp_path / "out.csv", reranker=other)


def test_a_dual_encoder_s_folder_is_opened(tmp_path: Path, dataset: Dataset) -> None:
    text = {"name": "transformer", "width": 8, "layers": 1, "heads": 2, "vocabulary": 300, "min_count": 1}
    section = {"audio": {"name": "small", "width": 1}, "text": text, "projection": {"size": 6}}
    torch.manual_seed(0)
    model = build_dual_encoder(DualEncoderSettings.model_validate(section), ["a low tone"]).eval()
    save_model(model, tmp_path / "dual")
    by = open_reranker(tmp_path / "dual", 1.0)
    told = by.facts("files")
    assert (told.model.run, told.model.checkpoint_hash) == ("dual", weights_hash(model))
    source = open_audio_files(dataset, by.embedder.rate_hz)
    (found,) = by.order(source, ["tones/000"], [CANDIDATES])
    sound = torch.from_numpy(source.read("tones/000"))[None]
    with torch.inference_mode():
        heard = model.embed_audio(sound, torch.tensor([sound.shape[1]]))[0]
        cosines = torch.nn.functional.cosine_similarity(model.embed_texts([text for text, _ in CANDIDATES]), heard)
    assert found == [CANDIDATES[place] for place in cosines.argsort(descending=True).tolist()]


def test_letters(tones: Any, dataset: Dataset, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="--num-outputs 5"):
        check_candidates(GenerationSettings())
    check_candidates(THREE)
    settings = BatchSettings(rate_hz=8000, policy="pad", batch_size=3, threads=0)
    request = CaptionRequest(settings=settings, generation=GenerationSettings())
    with pytest.raises(UsageError, match="one candidate"):
        predict_captions(
            request, dataset, FakeWriter(), open_audio_files(dataset, 8000), tmp_path / "x", reranker=reranker(tones)
        )
    with pytest.raises(UsageError, match="one candidate"):
        caption_files(FakeWriter(), [dataset.audio_path("000.wav")], GenerationSettings(), reranker=reranker(tones))
    with pytest.raises(UsageError, match="This is no run"):
        open_reranker(tmp_path)
    (tmp_path / "model.yaml").write_text("format: audiolect/captioner\nversion: 1\n", "utf-8")
    with pytest.raises(UsageError, match="Only a dual encoder"):
        open_reranker(tmp_path)
