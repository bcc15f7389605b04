"""A captioner's candidates in the order of what a dual encoder thinks of them too.

    reranker = open_reranker(Path("runs/world"), weight=0.5)
    outputs = reranker.order(source, recording_ids, outputs)      # of each recording, the best first

The similarity of a candidate is the cosine of the recording's vector and the text's; ``models/reranking.py`` weighs it
against the captioner's score.

Conventions: the dual encoder hears at its own rate, as its run evaluates: long recordings in windows. Every recording
is embedded by itself, and its candidates by themselves, so that an order does not depend on what else is in a batch, to
the last bit. All candidates stay, with the captioner's scores. An empty candidate says nothing: its similarity is -1.

Public names: Reranker, open_reranker, check_candidates, DEFAULT_WEIGHT.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from audiolect.errors import UsageError
from audiolect.loader.batch_settings import BatchSettings
from audiolect.loader.waveforms import WaveformSource
from audiolect.models.generation_settings import GenerationSettings
from audiolect.models.reranking import rerank_all
from audiolect.predict.caption_writer import Outputs
from audiolect.predict.embedder import Embedder, Vectors
from audiolect.predict.prediction import preprocessing_of
from audiolect.predict.recordings import embed_recording
from audiolect.predict.run_model import locate_model, open_run_model
from audiolect.predict.texts import embed_texts
from audiolect.text_predictions import Reranking

DEFAULT_WEIGHT = 0.5

_DUAL_ENCODER_FORMAT = "audiolect/dual_encoder"
# The least cosine there is.
_SAYS_NOTHING = -1.0


@dataclass(frozen=True, slots=True, eq=False)
class Reranker:
    """A dual encoder that orders candidates.

    Args:
        embedder: it.
        settings: how it hears recordings.
        weight: of the similarities, from 0 (the captioner's scores alone) to 1 (the similarities alone).
    """

    embedder: Embedder
    settings: BatchSettings
    weight: float = DEFAULT_WEIGHT

    def facts(self, source: str) -> Reranking:
        """For the header of predictions; ``source`` is what is read, ``pack`` or ``files``."""
        heard = preprocessing_of(self.settings, source)
        return Reranking(model=self.embedder.identity, weight=self.weight, preprocessing=heard)

    def order(self, source: WaveformSource, recording_ids: Sequence[str], outputs: Sequence[Outputs]) -> list[Outputs]:
        """The candidates of each recording, the best first; of equal ones the earlier.

        Args:
            source: has the recordings, at the rate of the embedder.
            recording_ids: B of them.
            outputs: B lists of candidates, of a captioner.

        Raises:
            AudioError, DamagedFile: a recording cannot be read.
            UsageError: a score or a vector is not finite.
        """
        rows = source.rows_of(recording_ids)
        likeness = [
            self._similarities(embed_recording(self.embedder, source, int(row), self.settings), [t for t, _ in some])
            for row, some in zip(rows, outputs, strict=True)
        ]
        orders = rerank_all([[score for _, score in some] for some in outputs], likeness, weight=self.weight)
        return [[some[place] for place in order] for some, order in zip(outputs, orders, strict=True)]

    def _similarities(self, heard: Vectors, texts: Sequence[str]) -> list[float]:
        said = [text for text in texts if text.strip()]
        vectors = embed_texts(self.embedder, said, done=lambda _: None)
        found = iter((vectors @ heard[0]).tolist())
        return [float(next(found)) if text.strip() else _SAYS_NOTHING for text in texts]


def open_reranker(run: Path, weight: float = DEFAULT_WEIGHT) -> Reranker:
    """Open the best checkpoint of a run of retrieval, or a folder with a dual encoder alone.

    Raises:
        UsageError: it is no dual encoder.
        UnknownVersion, DamagedFile, ConfigError: it cannot be used.
        MissingDependency: torch is not installed.
    """
    found = locate_model(run)
    if found.format != _DUAL_ENCODER_FORMAT:
        raise UsageError(
            "Only a dual encoder tells how alike a sound and a text are.",
            where=f"--rerank {run}",
            expected=_DUAL_ENCODER_FORMAT,
            found=found.format,
            fix="give a run of retrieval",
        )
    model = open_run_model(run)
    return Reranker(model.embedder, model.settings, weight)


def check_candidates(generation: GenerationSettings) -> None:
    """Raises UsageError where a recording has one candidate alone: there would be nothing to order."""
    if generation.num_outputs < 2:
        raise UsageError(
            "There is one candidate for each recording: nothing to order.",
            where="--rerank",
            expected="num_outputs of 2 or more",
            found=f"method {generation.method}, num_outputs {generation.num_outputs}",
            fix="--method beam --num-beams 5 --num-outputs 5",
        )
