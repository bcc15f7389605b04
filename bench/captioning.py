"""What describing and learning to describe cost: recordings of 10 s, a Whisper of tiny's size, batches of 8.

Ours and the peer have the same random weights and give 30 tokens for each recording, from waveforms to texts. The peer
is ``generate`` of transformers behind its feature extractor, which fills up to 30 s. Ours is measured with the same
filling, where both give the same tokens, and with recordings as long as they are. The training step is from waveforms
to gradients, its peers the step of transformers and our own, both with filling. All is float32.

    python bench/captioning.py [--quick] [--json]
"""

from __future__ import annotations

import sys
from typing import Any

import harness

SECONDS = 10
RATE_HZ = 16000
TOKENS = 30
VOCABULARY = 51865
TINY = {"d_model": 384, "encoder_layers": 4, "encoder_attention_heads": 6, "encoder_ffn_dim": 1536}
TINY |= {"decoder_layers": 4, "decoder_attention_heads": 6, "decoder_ffn_dim": 1536, "vocab_size": VOCABULARY}
CAPTIONS = ["a dog barks at a car that passes on a wet road while birds sing in the trees", "rain falls on a roof"]
PREFIX = "clotho > caption: "
# Ours over transformers: with its filling, with real lengths.
BARS = {"5 beams": (5, 2.5, 5.0), "greedy": (1, 1.2, 2.5)}
BAR_TRAINING = 2.5


class Models:
    """The peer, ours in both ways of hearing with the same weights, and a batch."""

    def __init__(self, batch: int) -> None:
        import torch
        from transformers import WhisperConfig, WhisperFeatureExtractor, WhisperForConditionalGeneration

        from audiolect.models.caption_tokenizer import train_caption_tokenizer

        torch.manual_seed(0)
        self.tokenizer = train_caption_tokenizer(CAPTIONS, 300, min_count=1)
        start, end = self.tokenizer.start[0], self.tokenizer.end
        ids = {"decoder_start_token_id": start, "eos_token_id": end, "pad_token_id": end, "bos_token_id": end}
        quiet: dict[str, Any] = {"suppress_tokens": None, "begin_suppress_tokens": None}
        self.peer: Any = WhisperForConditionalGeneration(WhisperConfig(**TINY, **ids, **quiet, init_std=0.05)).eval()
        self.peer.model.decoder.embed_tokens.weight.data[end] = 0  # no text ends before its 30 tokens
        self.peer.generation_config.forced_decoder_ids = None
        self.extractor: Any = WhisperFeatureExtractor()
        self.filled = self._ours("window")
        self.real = self._ours("recording")
        self.waveforms = 0.1 * torch.randn(batch, SECONDS * RATE_HZ)
        self.lengths = torch.full((batch,), SECONDS * RATE_HZ)
        self.prefix = torch.tensor([self.tokenizer.prefix(PREFIX)] * batch)

    def _ours(self, length: Any) -> Any:
        from audiolect.models.caption_decoder import CaptionDecoder, DecoderShape
        from audiolect.models.captioner import Captioner, CaptionerSettings
        from audiolect.models.captioner_parts import CaptionerParts
        from audiolect.models.encoders.whisper import WhisperAudioEncoder, WhisperSettings

        shape = DecoderShape(384, 4, 6, 1536, 448, VOCABULARY)
        decoder = CaptionDecoder(shape)
        decoder.load_state_dict(self.peer.model.decoder.state_dict())
        encoder = WhisperAudioEncoder(WhisperSettings(length=length), self.peer.model.encoder)
        return Captioner(CaptionerSettings(), CaptionerParts(encoder, decoder, self.tokenizer)).eval()

    def features(self) -> Any:
        """The features of transformers, filled up to 30 s."""
        rows = [row.numpy() for row in self.waveforms]
        return self.extractor(rows, sampling_rate=RATE_HZ, return_tensors="pt")["input_features"]

    def describe(self, model: Any, beams: int) -> list[list[int]]:
        """Ours, to token ids."""
        from audiolect.models.generation import GenerationSettings, generate

        method: Any = "beam" if beams > 1 else "greedy"
        settings = GenerationSettings(method=method, num_beams=beams, max_tokens=TOKENS)
        found = generate(model, self.waveforms, self.lengths, [PREFIX] * len(self.waveforms), settings)
        return [list(captions[0].token_ids) for captions in found]

    def generate(self, beams: int) -> list[list[int]]:
        """The peer, to token ids."""
        import torch
        from transformers import GenerationMixin

        with torch.inference_mode():
            found = GenerationMixin.generate(
                self.peer, input_features=self.features(), decoder_input_ids=self.prefix,
                attention_mask=None, max_new_tokens=TOKENS, num_beams=beams, do_sample=False,
            )  # fmt: skip
        ids: list[list[int]] = found[:, self.prefix.shape[1] :].tolist()
        return ids

    def learn(self, model: Any) -> None:
        """Our training step."""
        model.train()
        answers = [CAPTIONS[i % 2] for i in range(len(self.waveforms))]
        model.loss(self.waveforms, self.lengths, [PREFIX] * len(answers), answers).loss.backward()
        model.zero_grad()
        model.eval()

    def learn_as_transformers(self) -> None:
        """The training step of the peer, over the same tokens."""
        import torch

        rows = [
            [*self.tokenizer.prefix(PREFIX), *self.tokenizer.answer(CAPTIONS[i % 2])] for i in range(len(self.prefix))
        ]
        longest = max(map(len, rows))
        labels = torch.tensor([[*row[1:], self.tokenizer.end, *[-100] * (longest - len(row))] for row in rows])
        self.peer.train()
        self.peer(input_features=self.features(), labels=labels).loss.backward()
        self.peer.zero_grad()
        self.peer.eval()


def main() -> int:
    """Measure every row."""
    options = harness.arguments("What describing recordings costs.", threads=None)
    from transformers.utils import logging

    logging.set_verbosity_error()
    batch, repeats = (4, 3) if options.quick else (8, 5)
    models = Models(batch)
    figures = []
    for name, (beams, bar_filled, bar_real) in BARS.items():
        same = models.describe(models.filled, beams) == models.generate(beams)
        figures.append(harness.at_least(f"{name}: the same tokens as transformers", float(same), 1, unit="yes"))
        for model, heard, bar in ((models.filled, "30 s", bar_filled), (models.real, "real lengths", bar_real)):

            def ours(model: Any = model, beams: int = beams) -> object:
                return models.describe(model, beams)

            def theirs(beams: int = beams) -> object:
                return models.generate(beams)

            figures.append(
                harness.compare(
                    f"{name}, {batch} x {SECONDS} s heard as {heard}", ours, {"transformers, 30 s": theirs},
                    work=batch, unit="recordings/s", bar=bar, repeats=repeats,
                )
            )  # fmt: skip
    peers = {
        "the same, filled to 30 s": lambda: models.learn(models.filled),
        "transformers": models.learn_as_transformers,
    }
    figures.append(
        harness.compare(
            f"training step, {batch} x {SECONDS} s heard as real lengths", lambda: models.learn(models.real), peers,
            work=batch, unit="recordings/s", bar=BAR_TRAINING, repeats=repeats,
        )
    )  # fmt: skip
    return harness.finish(figures, options.json)


if __name__ == "__main__":
    sys.exit(main())
