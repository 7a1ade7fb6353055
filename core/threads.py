"""Threads that know what they work for: whatever is set around the one who asks is set in them too."""

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from contextvars import copy_context
from typing import Any


class KnowingThreads(ThreadPoolExecutor):
    """A pool in which work sees the context of who handed it in, such as the use case that it is a part of."""

    def submit(self, work: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        """Hand in work; see `Executor.submit`."""
        return super().submit(copy_context().run, work, *args, **kwargs)
