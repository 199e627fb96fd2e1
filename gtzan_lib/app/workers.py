"""Processes that analyse tracks, each within limits of time and memory.

Each is a pool of one, so that it is known which has a track; it loads the model once,
and another takes its place where it was ended. Used by ``gtzan_lib.app.server``.
"""

import asyncio
import base64
import contextlib
import io
import multiprocessing
import os

import numpy as np
import psutil
from pebble import ProcessExpired, ProcessPool
from PIL import Image
from starlette.exceptions import HTTPException

from gtzan_lib.app import classifier
from gtzan_lib.data.mel import tables

AT_ONCE = 2  # tracks analysed at the same time
WAITING = 50  # tracks that may wait for it
SECONDS = 60
MEMORY_BYTES = 1_500_000_000  # resident, of a process and of those that it starts
FULL = "Too many visitors at once: try again in half a minute."
LEFT = HTTPException(400, "The visitor left.")
ENDED = {
    TimeoutError: "The track takes too long to analyse: cut it.",
    MemoryError: "The track needs too much memory to analyse: cut it.",
    ProcessExpired: "The track broke its analysis: convert it to WAV and try again.",
}

_model: list[classifier.Classifier] = []  # the one of a worker process


def load(processes: int) -> None:
    """Load the model: what each of some worker processes begins with."""
    threads = max(1, (os.cpu_count() or 1) // processes)
    os.environ.setdefault("OMP_NUM_THREADS", str(threads))
    _model.append(classifier.Classifier())
    noise = np.random.default_rng(0).normal(0, 0.1, 3 * classifier.RATE)
    _model[0].network(noise.astype(np.float32))  # what the first would wait for


def analyse(path: str) -> dict:
    """Return the answer of ``/api/predict`` for an audio file, in a worker process.

    It is ``Prediction.as_json`` with the ``picture`` of what the network saw, a PNG in
    base64. A ``DataError`` names the file.
    """
    prediction = _model[0].predict_file(path)
    levels = 255 * prediction.mel.T[::-1] / classifier.WHITE
    colours = tables()["magma"][levels.clip(0, 255).astype(np.uint8)]
    png = io.BytesIO()
    Image.fromarray(colours).resize((432, 288)).save(png, "PNG", compress_level=3)
    picture = base64.b64encode(png.getvalue()).decode()
    return prediction.as_json() | {"picture": picture}


class Workers:
    """The processes with the model, and the queue for them."""

    def __init__(self):
        self._free, self._asked = asyncio.Queue(), 0
        for _ in range(AT_ONCE):
            self._free.put_nowait(self._start())

    def _start(self) -> ProcessPool:
        context = multiprocessing.get_context("spawn")
        pool = ProcessPool(1, 0, load, (AT_ONCE,), context)
        pool.schedule(os.getpid)  # the first task starts its process, which pebble ends
        return pool

    def close(self) -> None:
        """End the processes that are free, as all are once nobody waits."""
        pools = [self._free.get_nowait() for _ in range(self._free.qsize())]
        for pool in pools:
            pool.stop()
        for pool in pools:
            pool.join()

    def check(self) -> None:
        """Refuse where as many wait as may."""
        if self._asked >= AT_ONCE + WAITING:
            raise HTTPException(503, FULL, {"Retry-After": "30"})

    async def answer(self, path: str, receive) -> dict:
        """Return what ``analyse`` does, in the next free process.

        It is given up when the ASGI callable ``receive`` says that the visitor left.
        """
        self.check()
        self._asked += 1
        turn = asyncio.ensure_future(self._free.get())
        gone = asyncio.ensure_future(_gone(receive))
        try:
            await asyncio.wait({turn, gone}, return_when=asyncio.FIRST_COMPLETED)
            if not turn.done():
                raise LEFT
            pool = turn.result()
            try:
                with contextlib.suppress(RuntimeError):  # where something else ended it
                    await asyncio.wrap_future(pool.schedule(os.getpid))
                pool = pool if pool.active else self._start()
                pid = await asyncio.wrap_future(pool.schedule(os.getpid))
                return await _watched(pool, psutil.Process(pid), gone, path)
            finally:
                self._free.put_nowait(pool)
        finally:
            self._asked -= 1
            turn.cancel()
            gone.cancel()


async def _gone(receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


async def _watched(pool: ProcessPool, process, gone, path: str) -> dict:
    """Return an answer; end its process, and what that started, at a limit."""
    running = pool.schedule(analyse, (path,), timeout=SECONDS)
    result, children = asyncio.wrap_future(running), []
    try:
        while not result.done():
            await asyncio.wait(
                {result, gone}, timeout=0.2, return_when=asyncio.FIRST_COMPLETED
            )
            if gone.done():
                raise LEFT
            with contextlib.suppress(psutil.NoSuchProcess):
                children = process.children(recursive=True)
                used = sum(p.memory_info().rss for p in (process, *children))
                if used > MEMORY_BYTES:
                    raise MemoryError
        return result.result()
    except tuple(ENDED) as error:
        raise HTTPException(422, ENDED[type(error)]) from None
    finally:
        running.cancel()
        for child in children:
            with contextlib.suppress(psutil.NoSuchProcess):
                child.kill()
