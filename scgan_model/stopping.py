"""Ctrl-C and SIGTERM, which a machine that is about to be taken away sends: finish the step, save, leave.

A handler cannot save: it may run in the middle of Adam's update, where half of the weights are of this step and half of
the last. So it takes a note, and the loop looks at it between two steps. A second Ctrl-C does not wait.
"""

from __future__ import annotations

import signal
import threading
from types import FrameType, TracebackType
from typing import Any, Self

SIGNALS = (signal.SIGINT, signal.SIGTERM)


class StopSignals:
    """While entered, `caught` is the first signal that came; None until then.

    `patient` takes a second signal for the same one: torchrun passes on what the terminal has sent already. `last` goes
    on catching after an error: torchrun ends who is left once a process is dead, and this one is still to say why.
    Signals are a process's own: in any thread but the main one nothing is installed and nothing is caught.
    """

    def __init__(self, *, patient: bool = False, last: bool = False) -> None:
        self._patient, self._last = patient, last
        self.caught: signal.Signals | None = None
        self._before: dict[signal.Signals, Any] = {}

    def __enter__(self) -> Self:
        if threading.current_thread() is threading.main_thread():
            self._before = {number: signal.signal(number, self._note) for number in SIGNALS}
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._last and error is not None:
            return
        for number, handler in self._before.items():
            signal.signal(number, handler)

    def _note(self, number: int, frame: FrameType | None) -> None:
        self.caught = signal.Signals(number)
        for each in () if self._patient else SIGNALS:
            signal.signal(each, signal.default_int_handler if each == signal.SIGINT else signal.SIG_DFL)
