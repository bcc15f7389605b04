"""Scores of predictions of either kind: embeddings in folders, or texts in files.

Public names: measure, CaptionOptions (from caption_scoring.py).
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from audiolect.data.dataset import Dataset
from audiolect.errors import UsageError
from audiolect.evaluate.evaluation import EvaluateRequest, evaluate
from audiolect.progress import Progress, silent_progress
from audiolect.scores import Scores
from audiolect.street.caption_scoring import CaptionOptions, evaluate_texts
from audiolect.text_predictions import is_text_predictions

__all__ = ["CaptionOptions", "measure"]


def measure(
    predictions: Sequence[Path],
    dataset: Dataset,
    request: EvaluateRequest,
    needs: CaptionOptions,
    *,
    baseline: Sequence[Path] = (),
    progress: Progress = silent_progress,
) -> Scores:
    """Measure predictions by what they are.

    Args:
        predictions: of one system; several are its runs.
        needs: what metrics of captions may need.
        baseline: predictions of another system, of the same kind.

    Raises:
        UsageError: some are embeddings and some are texts.
        AudiolectError: as ``evaluate`` and ``evaluate_texts``.
    """
    kinds = {path: is_text_predictions(path) for path in (*predictions, *baseline)}
    if all(kinds.values()):
        return evaluate_texts(predictions, dataset, request, needs, baseline=baseline, progress=progress)
    if any(kinds.values()):
        texts = [str(path) for path, is_text in kinds.items() if is_text]
        raise UsageError(
            "Embeddings and texts cannot be measured together.",
            expected="predictions of one kind, and a baseline of the same",
            found=f"texts in {', '.join(texts)}, and embeddings beside them",
        )
    return evaluate(predictions, dataset, request, baseline=baseline, progress=progress)
