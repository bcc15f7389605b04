"""Decoders of transformers in a captioner: not yet there.

Public names: build_hf_decoder, open_hf_decoder, save_hf_decoder.
"""

from __future__ import annotations

from typing import Any


def build_hf_decoder(*_: Any) -> Any:
    """To come."""
    raise NotImplementedError


def open_hf_decoder(*_: Any) -> Any:
    """To come."""
    raise NotImplementedError


def save_hf_decoder(*_: Any) -> Any:
    """To come."""
    raise NotImplementedError
