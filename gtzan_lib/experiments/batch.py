"""Training several runs in one process, for the pipeline: one import for all of them.

``python -m gtzan_lib.experiments.batch DATA LIST_OF_PARAMETERS_AS_JSON``
"""

import json
import sys

from gtzan_lib.data.sources import open_dataset
from gtzan_lib.errors import UserError
from gtzan_lib.experiments.runs import train
from gtzan_lib.parameters import Parameters


def main(data: str, runs: str) -> int:
    """Train every run that is missing; return 0, or 2 after saying what is wrong."""
    try:
        dataset = open_dataset(data)
        for values in json.loads(runs):
            run = train(dataset, Parameters(**values), progress=False)
            accuracy = run.metric("accuracy")["value"]
            print(f"[{run.name}] test accuracy {accuracy:.3f}", flush=True)
    except UserError as error:
        print(error, file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
