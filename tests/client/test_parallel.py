"""Work beside other work: it is waited for, what it raises is raised, and it is stopped where it is not wanted."""

from __future__ import annotations

import threading

import pytest

from molthub.client.parallel import beside


def test_work_goes_on_while_the_block_runs_and_is_waited_for() -> None:
    begun, allowed, done = threading.Event(), threading.Event(), []

    def work() -> None:
        begun.set()
        allowed.wait(10)
        done.append(True)

    with beside(work, done.clear):
        assert begun.wait(10)
        allowed.set()
    assert done == [True]


def test_what_the_work_raises_is_raised_after_the_block() -> None:
    reached: list[str] = []
    with pytest.raises(OSError, match="torn"), beside(lambda: fail("torn"), reached.clear):
        reached.append("the end of the block")
    assert reached


def test_where_the_block_raises_the_work_is_stopped_and_that_counts() -> None:
    stopped = threading.Event()

    def work() -> None:
        assert stopped.wait(10)
        fail("stopped")

    with pytest.raises(ValueError, match="refused"), beside(work, stopped.set):
        raise ValueError("refused")
    assert stopped.is_set()


def fail(message: str) -> None:
    raise OSError(message)
