"""How many CPU threads a dream computes on: one, whoever asks for it, and nobody's setting is changed.

A step of an engine is a few hundred small operators. On an idle machine a second thread gains nothing; where
anything else runs, the threads wait for each other at every operator (on two busy cores a step of one dream
took 8 ms with one thread and 260 to 770 ms with two).

It is also what makes dreams work in forked processes, such as those of Gymnasium's ``AsyncVectorEnv``: a fork
copies torch's thread pool without its threads, and the first operator that wants more than one waits for
ever. With one thread nothing asks the pool.

The number is set for as long as a step takes and then put back (0.3 microseconds, measured), since a library
that sets it for good, or on import, would slow down its user's own torch code.
"""

import contextlib
from collections.abc import Iterator

import torch


@contextlib.contextmanager
def one_thread() -> Iterator[None]:
    """Compute on one CPU thread in here, or in a function that this decorates.

    The number belongs to the thread that asks, so that other threads of the process keep theirs. Only one
    that uses torch for the first time meanwhile takes over the 1.
    """
    before = torch.get_num_threads()
    if before == 1:
        yield
        return
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)
