"""What collect and verify share: the table, and the results beside it."""

import json
import pathlib
import sys


def table(path):
    """The options of each run, from 1."""
    lines = pathlib.Path(path).read_text().splitlines()
    names = lines[0].split("\t")
    rows = {number: dict(zip(names, line.split("\t"))) for number, line in enumerate(lines[1:], 1)}
    for number, line in enumerate(lines[1:], 1):
        if line.count("\t") != len(names) - 1:
            sys.exit(f"{path}, row {number}: {line.count(chr(9)) + 1} values; expected {len(names)}")
    return names, rows


def results(directory, rows):
    """The result of each run. A run that was done twice must have the same weights both times."""
    found = {}
    for path in sorted([*pathlib.Path(directory).glob("*.json"), *pathlib.Path(directory).glob("*.jsonl")]):
        for number, line in enumerate(path.read_text().splitlines(), 1):
            try:
                result = json.loads(line)
                run, weights = result["run"], result["weights"]
            except (ValueError, KeyError, TypeError):
                # Cut short by a kill; the run counts as missing, unless it was done again.
                print(f"{path}, line {number}: not a result: {line[:60]!r}", file=sys.stderr)
                continue
            if run not in rows:
                sys.exit(f"{path}, line {number}: run {run} is not in the table, which has {len(rows)}")
            if run in found and found[run]["weights"] != weights:
                sys.exit(f"run {run} gave two results: {found[run]['weights']} on {found[run]['host']}, {weights} on {result['host']}")
            found[run] = result
    return found
