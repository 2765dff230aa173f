"""What Vivek adds to the start of Neovim: `python tests/benchmarks/bench_startup.py [RUNS]`.

Starts of a bare Neovim with and without Vivek take turns, so that what else the machine does falls on both alike. The
figure is the median of the differences within a pair, beside what Neovim itself says it spent on sourcing the plugin.
"""

from __future__ import annotations

import re
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from neovim_child import ROOT, neovim_binary

LIMIT_MS = 1.0


def start(log: Path, *options: str) -> str:
    """The lines of --startuptime for one start."""
    log.unlink(missing_ok=True)
    command = [
        neovim_binary(),
        "--clean",
        "-n",
        "-i",
        "NONE",
        "--headless",
        *options,
        "--startuptime",
        str(log),
    ]
    subprocess.run([*command, "+qall!"], check=True, capture_output=True)
    return log.read_text()


def total_ms(log: str) -> float:
    """Time from the start of the process to the end of the start."""
    line = next(line for line in log.splitlines() if "--- NVIM STARTED ---" in line)
    return float(line.split()[0])


def sourcing_ms(log: str) -> float:
    """Time that the plugin file took, by itself."""
    found = re.search(r"^\d+\.\d+ +(\d+\.\d+) .*sourcing .*/plugin/vivek\.lua$", log, re.MULTILINE)
    if not found:
        raise SystemExit("Neovim did not load plugin/vivek.lua.")
    return float(found[1])


def main() -> None:
    runs = int(sys.argv[1]) if len(sys.argv) > 1 else 40
    with tempfile.TemporaryDirectory() as folder:
        log = Path(folder) / "startup.log"
        pairs = [(start(log), start(log, "--cmd", f"set rtp^={ROOT}")) for _ in range(runs)]
    without = statistics.median(total_ms(bare) for bare, _ in pairs)
    added = statistics.median(total_ms(with_plugin) - total_ms(bare) for bare, with_plugin in pairs)
    sourcing = statistics.median(sourcing_ms(with_plugin) for _, with_plugin in pairs)
    print(
        f"Neovim alone: {without:.1f} ms; with Vivek: {added:+.2f} ms ({added / without:+.1%}); {runs} pairs"
    )
    print(f"sourcing plugin/vivek.lua: {sourcing:.2f} ms (limit: {LIMIT_MS:.0f} ms)")
    sys.exit(sourcing > LIMIT_MS)


if __name__ == "__main__":
    main()
