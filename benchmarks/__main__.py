"""Run every benchmark in a process of its own and print one table."""

import json
import subprocess
import sys

from benchmarks.rows import ROOT, SCRATCH, to_table

BENCHMARKS = (
    "bench_stages",
    "bench_extract",
    "bench_run",
    "bench_reduce",
    "bench_train",
    "bench_cluster",
    "bench_memory",
    "bench_serve",
    "bench_listing",
    "bench_inventory",
    "bench_bucket",
)


def main() -> int:
    """Return 1 if a benchmark failed; the others are run all the same."""
    chosen = sys.argv[1:] or BENCHMARKS
    rows, failed = [], []
    SCRATCH.mkdir(parents=True, exist_ok=True)
    for name in chosen:
        print(f"running {name} ...", file=sys.stderr)
        command = [sys.executable, "-m", f"benchmarks.{name}"]
        done = subprocess.run(command, cwd=ROOT, stdout=subprocess.PIPE, text=True, check=False)
        rows += [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]
        failed += [name] if done.returncode else []
    (SCRATCH / "rows.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    print(to_table(rows))
    print("failed or not measured: " + ", ".join(failed) if failed else "", file=sys.stderr)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
