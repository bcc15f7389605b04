"""A packed output layer: the same products, only where it serves, and never stale."""

from __future__ import annotations

import pytest
import torch

from audiolect.models.caption_decoder import CaptionDecoder, DecoderShape
from audiolect.models.packed_linear import apply_packed, pack_weight

needs_onednn = pytest.mark.skipif(not torch.backends.mkldnn.is_available(), reason="this torch has no oneDNN")


@needs_onednn
@pytest.mark.parametrize("rows", [1, 8, 40])
def test_products_are_those_of_the_weight(rows: int) -> None:
    weight, vectors = torch.randn(2**15 + 77, 128), torch.randn(rows, 128)
    with torch.inference_mode():
        packed = pack_weight(weight, 8)
        assert packed is not None
        torch.testing.assert_close(apply_packed(vectors, packed), vectors @ weight.T, rtol=0, atol=1e-4)


def test_nothing_is_packed_where_it_would_not_serve() -> None:
    large = torch.zeros(2**15, 128)
    with torch.inference_mode():
        assert pack_weight(torch.zeros(1000, 128), 8) is None
        assert pack_weight(large.to(torch.bfloat16), 8) is None
        with torch.autocast("cpu"):
            assert pack_weight(large, 8) is None
    assert pack_weight(large, 8) is None  # gradients may be wanted


@needs_onednn
def test_a_decoder_packs_for_one_batch_and_sees_new_weights_in_the_next() -> None:
    torch.manual_seed(0)
    decoder = CaptionDecoder(DecoderShape(width=64, layers=1, heads=2, feed_forward=64, positions=20, vocabulary=2**16))
    decoder.eval()
    encoded = torch.randn(2, 7, 64)
    for _ in range(2):
        with torch.inference_mode():
            state = decoder.start([[3, 4], [5, 6]], encoded, None, 10)
            assert state.output is not None
            torch.testing.assert_close(decoder.next_logits(state), decoder.logits(state.hidden), rtol=0, atol=1e-4)
            decoder.step(state, torch.tensor([7, 8]))
            torch.testing.assert_close(decoder.next_logits(state), decoder.logits(state.hidden), rtol=0, atol=1e-4)
        decoder.embed_tokens.weight.data.mul_(2.0)
