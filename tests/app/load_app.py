"""Many visitors at once: time, mix-ups and memory of the page. Run by hand:

    .venv/bin/python tests/app/load_app.py FOLDER_OF_AUDIO_FILES [VISITORS] [UPLOADS]

Ten visitors upload 200 files in all, unless told otherwise, the same files among them;
each answer is compared with that of ``predict`` for its file.
"""

import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
from visitor import ask, resident, served

from gtzan_lib.app.classifier import Classifier


def main(folder, visitors=10, uploads=200):
    """Print what is asked for in the module's first lines; return the failures."""
    files = sorted(p for p in Path(folder).rglob("*") if p.is_file())
    classifier = Classifier()
    expected = {p: classifier.predict_file(p).probabilities for p in files}

    def visit(number):
        path = files[number // 2 % len(files)]  # two visitors at a time have the same
        started = time.perf_counter()
        response = ask(url, path.name, path.read_bytes())
        took = time.perf_counter() - started
        answer = response.json()
        if response.status_code != 200:
            return f"{path.name}: {answer['error']}", took
        p = list(answer["percentages"].values())
        if answer["file"] != path.name or not np.allclose(
            p, 100 * expected[path], atol=1e-3
        ):
            return f"{path.name}: the answer is that of {answer['file']}", took
        return None, took

    with served() as (process, url), ThreadPoolExecutor(visitors) as pool:
        sizes, results = [resident(process)], []
        for start in range(0, uploads, max(1, uploads // 4)):
            part = range(start, min(start + uploads // 4, uploads))
            results += pool.map(visit, part)
            sizes.append(resident(process))
    wrong = [fault for fault, _ in results if fault]
    print(*wrong, sep="\n")
    print(f"{uploads} uploads by {visitors} visitors at once: {len(wrong)} failures")
    median, p95 = np.percentile([took for _, took in results], [50, 95])
    print(f"upload and answer: median {median:.2f} s, p95 {p95:.2f} s")
    print("resident MB:", *(f"{size / 1e6:.0f}" for size in sizes))
    return len(wrong)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], *map(int, sys.argv[2:])))
