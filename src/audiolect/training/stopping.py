"""Being asked to stop: SIGTERM, as batch systems send it, and Ctrl-C become a question that the loop asks.

    with stop_signals() as asked:
        train(…, asked_to_stop=asked)
    asked.exit_code      # 143 after SIGTERM, 130 after Ctrl-C, 0 otherwise

Conventions: the first signal is only remembered, so that the step under way is finished and saved. A second Ctrl-C
interrupts at once, as does anything stronger; the last checkpoint then is what remains. Handlers are put back
afterwards. Only the main thread may set handlers; elsewhere nothing is changed.

Public names: stop_signals, AskedToStop.
"""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

_EXIT_CODES = {signal.SIGTERM: 143, signal.SIGINT: 130}


class AskedToStop:
    """Whether a signal has come. Calling it answers."""

    def __init__(self) -> None:
        self.exit_code = 0

    def __call__(self) -> bool:
        return self.exit_code != 0

    def hear(self, number: int, frame: FrameType | None) -> None:  # noqa: ARG002 - what a handler is given
        """The handler."""
        if self.exit_code and number == signal.SIGINT:
            raise KeyboardInterrupt
        self.exit_code = self.exit_code or _EXIT_CODES[signal.Signals(number)]


@contextmanager
def stop_signals() -> Iterator[AskedToStop]:
    """Remember SIGTERM and Ctrl-C for as long as a block lasts."""
    asked = AskedToStop()
    if threading.current_thread() is not threading.main_thread():
        yield asked
        return
    before = {number: signal.signal(number, asked.hear) for number in _EXIT_CODES}
    try:
        yield asked
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
