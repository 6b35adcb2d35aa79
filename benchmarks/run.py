"""Measure the metrics and write docs/benchmarks.md: `make bench`, or `python benchmarks/run.py --quick --out FILE`."""

import argparse
import platform
import re
from importlib.metadata import version
from pathlib import Path

import many
import maps
import peers
import ratios
import report
from rates import costs, gemm_rates
from score_jobs import protocols_apart, score_jobs
from sizes import FULL, QUICK
from threadpoolctl import threadpool_info

WALL = "Wall times, which other work on the machine lengthens, most of all those of milliseconds.\n\n"
PAGE = Path(__file__).parents[1] / "docs" / "benchmarks.md"


def machine(d: int) -> list[str]:
    """What was measured on, and how."""
    found = re.search(r"^model name\s*: (.+)$", _read("/proc/cpuinfo"), re.MULTILINE)
    cores = _read("/proc/cpuinfo").count("processor\t:")
    blas = ", ".join(sorted({f"{b['internal_api']} {b['version']} ({b.get('architecture', 'kernels unknown')})"
                             for b in threadpool_info() if b["user_api"] == "blas"}))  # fmt: skip
    return [
        f"Machine: {found[1] if found else platform.machine()}, {cores} cores, shared with other work.",
        f"Python {platform.python_version()}, numpy {version('numpy')} with {blas}, scipy {version('scipy')}, "
        f"PyTorch {version('torch')}, scikit-learn {version('scikit-learn')}, rsatoolbox {version('rsatoolbox')}.",
        "Times are medians of process time (seconds of CPU), which other work on the machine disturbs little, on one "
        "thread unless said; those on two threads are wall time, and other work lengthens them.",
        f"Features are float32, d = {d:,} unless said; scores are those of the exact protocol, k = 10.",
    ]


def _read(path: str) -> str:
    return Path(path).read_text(encoding="utf-8") if Path(path).exists() else ""


def main() -> None:
    """Measure all and write the page."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="small sizes: seconds, numbers without meaning")
    parser.add_argument("--out", type=Path, default=PAGE, help="the page to write")
    given = parser.parse_args()
    sizes = QUICK if given.quick else FULL
    print("rates and costs, 1 thread", flush=True)
    with ratios.threads(1):
        rates = gemm_rates(sizes)
    one = costs(sizes, 1, "process")
    print("costs, 2 threads", flush=True)
    two = costs(sizes, 2, "wall")
    print("against the straightforward forms", flush=True)
    plain = {count: ratios.straightforward_ratios(sizes, count) for count in (1, 2)}
    print("score jobs", flush=True)
    jobs = [job for n in sizes.n_jobs for job in score_jobs(n, sizes.d)]
    print("all pairs of many models", flush=True)
    together = many.all_pairs(sizes)
    print("fitted maps of a pair", flush=True)
    fitted = maps.layers(sizes)
    print("against libraries", flush=True)
    others, notes = ratios.peer_ratios(peers.RESULTS, sizes)
    parts = {
        "Against the machine": report.rates_section(rates, one, two),
        "Against the straightforward forms": report.ratios_section(plain[1]),
        "The same on two threads": WALL + report.ratios_section(plain[2]),
        "Score jobs": report.jobs_section(jobs, protocols_apart(sizes.n_jobs[0], sizes.d)),
        "All pairs of many models": report.many_section(together, sizes.memory_many),
        "Fitted maps of a pair": report.maps_section(fitted, sizes.n),
        "Against other libraries": report.ratios_section([*ratios.library_ratios(sizes), *others]),
    }
    report.write(given.out, machine(sizes.d), parts, notes)
    print(f"written: {given.out}", flush=True)


if __name__ == "__main__":
    main()
