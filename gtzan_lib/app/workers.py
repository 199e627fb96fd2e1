"""Processes that analyse tracks, each within limits of time and memory.

A place is one process that has loaded the model; it is ended, and another takes its
place, when a track needs too much. Used by ``gtzan_lib.app.server``.
"""

import asyncio
import multiprocessing
import os
from pathlib import Path

import psutil
from pebble import ProcessExpired, ProcessPool
from starlette.requests import ClientDisconnect

from gtzan_lib.app.limits import Refused

AT_ONCE = 2  # tracks analysed at the same time
WAITING = 50  # tracks that may wait for it
SECONDS = 60
MEMORY_BYTES = 1_500_000_000  # resident, of a process and of ffmpeg, which it starts
RETRY_SECONDS = 30
_WATCH_SECONDS = 0.1

_analyst = None  # of a worker process: the model, once it is loaded


class Workers:
    """Places where tracks are analysed, and the queue for them.

    Parameters
    ----------
    folder : Path
        Of the training run whose model answers.
    """

    def __init__(self, folder: Path):
        self._free, self._asked = asyncio.Queue(), 0
        for _ in range(AT_ONCE):
            self._free.put_nowait(_Place(folder))

    def check(self) -> None:
        """Refuse where as many wait as may."""
        if self._asked >= AT_ONCE + WAITING:
            raise Refused(
                503,
                "Too many visitors at once: try again in half a minute.",
                {"Retry-After": str(RETRY_SECONDS)},
            )

    async def answer(self, task, argument, receive=None) -> dict:
        """Return the answer of ``analyse`` or ``example``, when a place is free.

        Parameters
        ----------
        task : callable
        argument : str
        receive : ASGI callable or None
            Whose disconnection gives up the visitor's place in the queue.

        Raises
        ------
        Refused
            If too many wait, or the task needs too much.
        UserError
            If the track cannot be analysed.
        """
        self.check()
        self._asked += 1
        try:
            place = await self._turn(receive)
            try:
                return await place.run(task, argument)
            finally:
                self._free.put_nowait(place)
        finally:
            self._asked -= 1

    def close(self) -> None:
        """End the processes."""
        while not self._free.empty():
            self._free.get_nowait().close()

    async def _turn(self, receive) -> "_Place":
        turn = asyncio.ensure_future(self._free.get())
        gone = asyncio.ensure_future(_disconnected(receive))
        try:
            await asyncio.wait({turn, gone}, return_when=asyncio.FIRST_COMPLETED)
            if not turn.done():
                raise ClientDisconnect
            return turn.result()
        finally:
            turn.cancel()
            gone.cancel()


class _Place:
    """One worker process, started anew whenever it was ended."""

    def __init__(self, folder: Path):
        self._folder = folder
        self._start()

    def _start(self) -> None:
        context = multiprocessing.get_context("spawn")
        self._pool = ProcessPool(1, 0, _load, (self._folder,), context)
        self._pool.schedule(os.getpid)  # starts it

    def close(self) -> None:
        self._pool.stop()
        self._pool.join()

    async def run(self, task, argument: str) -> dict:
        if not self._pool.active:  # its process was ended by something else
            self._start()
        pid = await asyncio.wrap_future(self._pool.schedule(os.getpid))
        running = self._pool.schedule(task, (argument,), timeout=SECONDS)
        answer, children = asyncio.wrap_future(running), []
        try:
            while not answer.done():
                await asyncio.wait({answer}, timeout=_WATCH_SECONDS)
                used, children = await asyncio.to_thread(_resident, pid)
                if used > MEMORY_BYTES and not answer.done():
                    raise MemoryError
            return answer.result()
        except TimeoutError:
            raise Refused(
                422, f"The track takes longer than {SECONDS} s to analyse: cut it."
            ) from None
        except MemoryError:
            raise Refused(
                422, "The track needs too much memory to analyse: cut it."
            ) from None
        except ProcessExpired:
            raise Refused(
                422, "The track ended its analysis: convert it to WAV and try again."
            ) from None
        finally:
            if not answer.done() or answer.cancelled() or answer.exception():
                running.cancel()
                for child in children:
                    child.kill()


async def _disconnected(receive) -> None:
    """Return when a visitor whose request has come whole is gone."""
    if receive is None:
        await asyncio.Future()
    while (await receive())["type"] != "http.disconnect":
        pass


def _resident(pid: int) -> tuple[int, list[psutil.Process]]:
    """Return the resident bytes of a process and its children, and the children."""
    used, children = 0, []
    try:
        children = psutil.Process(pid).children(recursive=True)
        for process in (psutil.Process(pid), *children):
            used += process.memory_info().rss
    except psutil.NoSuchProcess:
        pass
    return used, children


def _load(folder: Path) -> None:
    """Load the model: what a worker process begins with."""
    global _analyst
    import torch

    from gtzan_lib.app.answer import Analyst

    torch.set_num_threads(max(1, (os.cpu_count() or 1) // AT_ONCE))
    _analyst = Analyst(folder)
    _analyst.example("classical")  # loads what the first visitor would wait for


def analyse(path: str) -> dict:
    """Return the answer for a file (see ``Analyst``); in a worker process."""
    return _analyst.file(Path(path))


def example(genre: str) -> dict:
    """Return the answer for a synthetic clip; in a worker process."""
    return _analyst.example(genre)
