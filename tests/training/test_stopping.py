"""Signals: remembered for a block, a second Ctrl-C at once, handlers put back."""

from __future__ import annotations

import signal
import subprocess
import sys
import threading
from collections.abc import Iterator

import pytest

from audiolect.training.stopping import AskedToStop, stop_signals

SIGNALS = (signal.SIGTERM, signal.SIGINT)


@pytest.fixture(autouse=True)
def handlers() -> Iterator[None]:
    """Handlers of the tests stay the tests'."""
    before = {number: signal.getsignal(number) for number in SIGNALS}
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


def test_nobody_has_asked() -> None:
    before = {number: signal.getsignal(number) for number in SIGNALS}
    with stop_signals() as asked:
        assert not asked()
    assert asked.exit_code == 0
    assert {number: signal.getsignal(number) for number in SIGNALS} == before


@pytest.mark.parametrize(("number", "code"), [(signal.SIGTERM, 143), (signal.SIGINT, 130)])
def test_the_first_signal_is_remembered(number: signal.Signals, code: int) -> None:
    """The code is 128 and the number of the signal, as shells have it."""
    with stop_signals() as asked:
        signal.raise_signal(number)
        assert asked()
    assert asked.exit_code == code == 128 + number


def test_a_second_ctrl_c_interrupts_at_once() -> None:
    before = {number: signal.getsignal(number) for number in SIGNALS}
    reached = []

    def work() -> None:
        with stop_signals() as asked:
            signal.raise_signal(signal.SIGINT)
            reached.append(asked.exit_code)
            signal.raise_signal(signal.SIGINT)
            reached.append(0)

    with pytest.raises(KeyboardInterrupt):
        work()
    assert reached == [130]
    assert {number: signal.getsignal(number) for number in SIGNALS} == before


def test_more_of_sigterm_changes_nothing() -> None:
    with stop_signals() as asked:
        signal.raise_signal(signal.SIGINT)
        signal.raise_signal(signal.SIGTERM)
        signal.raise_signal(signal.SIGTERM)
    assert asked.exit_code == 130


def test_ctrl_c_after_sigterm_interrupts() -> None:
    asked = AskedToStop()
    asked.hear(signal.SIGTERM, None)
    with pytest.raises(KeyboardInterrupt):
        asked.hear(signal.SIGINT, None)
    assert asked.exit_code == 143


def test_handlers_come_back_after_an_error() -> None:
    heard = []
    signal.signal(signal.SIGTERM, lambda number, frame: heard.append(number))
    before = signal.getsignal(signal.SIGTERM)
    with pytest.raises(RuntimeError, match="no room"), stop_signals():
        raise RuntimeError("no room")
    signal.raise_signal(signal.SIGTERM)
    assert heard == [signal.SIGTERM]
    assert signal.getsignal(signal.SIGTERM) is before


def test_another_thread_changes_no_handler() -> None:
    found = []

    def work() -> None:
        with stop_signals() as asked:
            found.append((signal.getsignal(signal.SIGTERM), asked()))

    thread = threading.Thread(target=work)
    thread.start()
    thread.join(timeout=10)
    assert found == [(signal.getsignal(signal.SIGTERM), False)]


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no SIGTERM that a process can hear")
def test_a_process_that_is_asked_finishes_its_step() -> None:
    """A signal from outside, as a batch system sends it."""
    code = (
        "import sys, time\n"
        "from audiolect.training.stopping import stop_signals\n"
        "with stop_signals() as asked:\n"
        "    print('ready', flush=True)\n"
        "    for _ in range(1000):\n"
        "        time.sleep(0.02)\n"
        "        if asked():\n"
        "            print('saved', flush=True)\n"
        "            break\n"
        "sys.exit(asked.exit_code)"
    )
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        process.send_signal(signal.SIGTERM)
        assert process.communicate(timeout=60)[0] == "saved\n"
    assert process.returncode == 143
