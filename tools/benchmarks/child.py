"""The process that measures one group of figures: `child.py MODULE NAME…` prints its values as one JSON object."""

from __future__ import annotations

import importlib
import json
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from benchmarks.measured import CannotMeasure


def main(module: str, names: list[str]) -> None:
    """Measure and print `{"values": {...}}`, or `{"reason": "..."}`."""
    measuring = importlib.import_module(f"benchmarks.{module}")
    try:
        answer = {"values": measuring.measure(names)}
    except CannotMeasure as error:
        answer = {"reason": str(error)}
    print(json.dumps(answer))


main(sys.argv[1], sys.argv[2:])
