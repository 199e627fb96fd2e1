"""How time and memory grow with the data: ``make scale``, and 100 times: TIMES=100.

The pictures of a data set are written again and again under new names, and each stage
runs on them in a process of its own.
"""

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

from gtzan_lib.data.genres import GENRES
from gtzan_lib.data.sources import open_dataset

STAGES = ("open", "pack", "pool", "epoch")


def multiplied(source: str, times: int, folder: Path) -> Path:
    """Write every picture of a data set ``times`` times; return the folder."""
    dataset = open_dataset(source)
    numbers = dict.fromkeys(GENRES, 0)
    for track in dataset.tracks * times:
        genre = track.split(".")[0]
        to = folder / "images_original" / genre
        to.mkdir(parents=True, exist_ok=True)
        shutil.copy(dataset.image_path(track), to / f"{genre}{numbers[genre]:05d}.png")
        numbers[genre] += 1
    return folder


def stage(name: str, source: str) -> None:
    """Do one stage of the pipeline; print how long it took and its peak of memory."""
    peak = {}
    threading.Thread(target=_watch, args=(peak,), daemon=True).start()
    from gtzan_lib.data import packing
    from gtzan_lib.encoders import pooling
    from gtzan_lib.experiments import runs
    from gtzan_lib.parameters import Parameters

    started = time.perf_counter()
    dataset = open_dataset(source)
    if name == "pack":
        packing.pack(dataset)
    elif name == "pool":
        pooling.pool(dataset)
    elif name == "epoch":
        p = Parameters(recipe="corrected", epochs=1)
        run = runs.train(open_dataset(source), p, progress=False)
        print(json.dumps({"epoch": run.provenance["seconds"]}))
    print(json.dumps({"seconds": time.perf_counter() - started} | peak))


def _watch(peak: dict) -> None:
    """Keep the highest memory of this process: its own, and with the files it maps."""
    while True:
        status = Path("/proc/self/status").read_text()
        for key, name in (("RssAnon", "own"), ("VmHWM", "mapped")):
            kilobytes = int(status.split(f"{key}:")[1].split()[0])
            peak[name] = max(peak.get(name, 0), kilobytes / 1e6)
        time.sleep(0.01)


def main() -> None:
    """Measure every stage at one and at many times the data."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("data", nargs="?", default="sample")
    parser.add_argument("--times", type=int, default=10)
    parser.add_argument("--stage", choices=STAGES, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.stage:
        stage(arguments.stage, arguments.data)
        return
    n = len(open_dataset(arguments.data).tracks)
    print(f"{'stage':6s} {'tracks':>7s} {'seconds':>8s} {'ms/track':>9s}  memory, GB")
    with tempfile.TemporaryDirectory(dir=os.environ.get("SCALE_DIR")) as name:
        for times in (1, arguments.times):
            folder = multiplied(arguments.data, times, Path(name) / str(times))
            environment = os.environ | {"GTZAN_RUNS": str(Path(name) / f"runs-{times}")}
            for one in STAGES:
                command = [sys.executable, __file__, str(folder), "--stage", one]
                output = subprocess.run(
                    command, env=environment, stdout=subprocess.PIPE, check=True
                ).stdout
                found = {}
                for line in output.splitlines():
                    found |= json.loads(line)
                seconds = found.get("epoch", found["seconds"])
                print(
                    f"{one:6s} {n * times:7d} {seconds:8.2f} "
                    f"{1000 * seconds / (n * times):9.2f}  {found['own']:.2f}, with "
                    f"mapped files {found['mapped']:.2f}",
                    flush=True,
                )


if __name__ == "__main__":
    main()
