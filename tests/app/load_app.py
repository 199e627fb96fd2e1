"""Many visitors at once: time, mix-ups and memory of the page. Run by hand:

    .venv/bin/python tests/load_app.py FOLDER_OF_AUDIO_FILES [VISITORS] [UPLOADS]

Ten visitors upload 200 files in all, unless told otherwise, the same files among them;
each answer is compared with that of ``predict`` for its file.
"""

import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import psutil
from visitor import Visitor, served, shares, shown_name

from gtzan_lib.app import shipped
from gtzan_lib.app.classifier import Classifier
from gtzan_lib.experiments import runs


def main(folder, visitors=10, uploads=200):
    """Print what is asked for in the module's first lines; return the failures."""
    files = sorted(p for p in Path(folder).rglob("*") if p.is_file())
    classifier = Classifier(runs.open_run(shipped.FOLDER))
    expected = {p: list(classifier.predict_file(p).probabilities) for p in files}

    def visit(number):
        path = files[number // 2 % len(files)]  # two visitors at a time have the same
        content, visitor = path.read_bytes(), Visitor(url)
        started = time.perf_counter()
        try:
            where = visitor.upload(path.name, content).raise_for_status().json()[0]
            uploaded = time.perf_counter()
            answer = visitor.answer(where)
        except Exception as error:
            return f"{path.name}: {error!r}", 0, 0
        took = time.perf_counter() - started, time.perf_counter() - uploaded
        p = list(shares(answer).values())
        same = sorted(expected[path], reverse=True)
        if shown_name(answer) != path.name or not np.allclose(p, same, atol=1e-5):
            return f"{path.name}: the answer is that of {shown_name(answer)}", *took
        return None, *took

    with served() as (process, url), ThreadPoolExecutor(visitors) as pool:
        memory = psutil.Process(process.pid).memory_info
        resident = [memory().rss]
        results = []
        for start in range(0, uploads, max(1, uploads // 4)):
            part = range(start, min(start + uploads // 4, uploads))
            results += pool.map(visit, part)
            resident.append(memory().rss)
    wrong = [fault for fault, *_ in results if fault]
    print(*wrong, sep="\n")
    print(f"{uploads} uploads by {visitors} visitors at once: {len(wrong)} failures")
    for name, column in (("upload and answer", 1), ("answer alone", 2)):
        median, p95 = np.percentile([r[column] for r in results], [50, 95])
        print(f"{name}: median {median:.2f} s, p95 {p95:.2f} s")
    print("resident MB:", *(f"{size / 1e6:.0f}" for size in resident))
    return len(wrong)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], *map(int, sys.argv[2:])))
