"""Writes `review/calibration.json` from kept runs of ``vivek bench --kind review`` on Vivek's own pairs.

vivek bench --kind review --arms model,run-examples --model qwen2.5-coder:1.5b --out RUN
.venv/bin/python scripts/calibrate.py RUN
"""

from __future__ import annotations

import argparse
import json
from dataclasses import asdict
from pathlib import Path

from vivek.bench import records
from vivek.bench.reviews.curves import auc
from vivek.bench.reviews.fitting import fit
from vivek.review import calibration

COMMAND = "vivek bench --kind review --arms model,run-examples --out RUN && scripts/calibrate.py RUN"


def main() -> None:
    """Fit, write, and tell how good it is on what it was not fitted to."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("run", type=Path, help="the folder of the run")
    parser.add_argument("--out", type=Path, default=Path(calibration.__file__).with_name(calibration.DATA))
    arguments = parser.parse_args()
    kept = records.read(arguments.run)
    results = [each for each in kept.results if each["arm"] in ("model", "run-examples")]
    found = fit(results)
    areas = {}
    for arm in ("model", "run-examples"):
        told = [
            (value, each["bug"])
            for each, value in zip(results, found.suspicions, strict=True)
            if each["arm"] == arm
        ]
        areas[arm] = round(auc(told) or 0.0, 3)
    doubted = any(calibration.DOUBT in each["signals"] for each in results)
    content = {
        "made_by": COMMAND,
        "model": kept.settings["model"] if doubted else "none: no doubt was measured, so it weighs nothing",
        "quantization": kept.settings["quantization"],
        "functions": len({each["task"] for each in results}),
        "cross_validated_area": areas,
        "coefficients": asdict(found.coefficients),
    }
    arguments.out.write_text(json.dumps(content, indent=2) + "\n", "utf-8")
    print(json.dumps(content, indent=2))


if __name__ == "__main__":
    main()
