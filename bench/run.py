#!/usr/bin/env python3
"""Times Windlass beside `docker compose`, in turn, in one run, and prints ratios.

    bench/run.py [--windlass PATH] [--compose 'docker compose'] [--podup PATH] [--runs N] [--many N] [--only NAME…] [--json FILE] [--check]

Each case runs both tools A B A B …; the medians and their ratio are printed, with the target where the project has one.
Times of one machine say little, ratios of one run say more. `--check` makes a missed target exit 1; without it the
exit code only says whether every command succeeded. Needs an engine and a local image `windlass-test/busybox:1`.
"""

import argparse
import json
import os
import shlex
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
IMAGE = "windlass-test/busybox:1"


@dataclass
class Result:
    """Seconds (or bytes) of the tools in one case; a list is empty where that tool does not take part."""

    name: str
    unit: str = "ms"
    ours: list[float] = field(default_factory=list)
    compose: list[float] = field(default_factory=list)
    podup: list[float] = field(default_factory=list)
    target: str = ""
    met: bool | None = None


class Bench:
    """The tools, and how to time them. `podup` takes part in what needs no engine, where it is installed."""

    def __init__(self, windlass: str, compose: str, podup: str | None, runs: int, many: int):
        self.windlass = [windlass]
        self.compose = shlex.split(compose)
        self.podup = [podup] if podup else []
        self.runs = runs
        self.many = many
        self.results: list[Result] = []

    def seconds(self, tool: list[str], args: list[str], cwd: Path) -> float:
        """Wall-clock time of one command that must succeed."""
        begin = time.monotonic()
        done = subprocess.run(tool + args, cwd=cwd, stdin=subprocess.DEVNULL, capture_output=True, text=True)
        took = time.monotonic() - begin
        if done.returncode != 0:
            sys.exit(f"bench: {shlex.join(tool + args)} in {cwd} exited {done.returncode}\n{done.stderr[-2000:]}")
        return took

    def pair(self, name: str, args: list[str], cwd: Path, ratio: float | None = None) -> Result:
        """Both tools run the same command in turn; the target is an upper bound of ours / `docker compose`'s."""
        result = Result(name)
        for tool in (self.windlass, self.compose):
            self.seconds(tool, args, cwd)
        for _ in range(self.runs):
            result.ours.append(self.seconds(self.windlass, args, cwd))
            result.compose.append(self.seconds(self.compose, args, cwd))
        if ratio is not None:
            result.target = f"≤ {ratio:.3f} × compose"
            result.met = median(result.ours) <= ratio * median(result.compose)
        return self.add(result)

    def cycle(self, count: int, cwd: Path) -> None:
        """`up -d` and `down` of a project, each tool with its own fresh project."""
        up, down = Result(f"up -d, {count} services"), Result(f"down, {count} services")
        for _ in range(max(1, min(self.runs, 3))):
            for tool, up_times, down_times in ((self.windlass, up.ours, down.ours), (self.compose, up.compose, down.compose)):
                up_times.append(self.seconds(tool, ["up", "-d"], cwd))
                down_times.append(self.seconds(tool, ["down", "-t", "0"], cwd))
        self.add(up)
        self.add(down)

    def memory(self, count: int, cwd: Path) -> None:
        """Peak memory of `up -d` and `down`, in runs of their own: looking at processes takes time from them."""
        up, down = Result(f"up -d, {count} services, peak", "MB"), Result(f"down, {count} services, peak", "MB")
        for tool, ups, downs in ((self.windlass, up.ours, down.ours), (self.compose, up.compose, down.compose)):
            for args, peaks in ((["up", "-d"], ups), (["down", "-t", "0"], downs)):
                process = subprocess.Popen(tool + args, cwd=cwd, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
                with Peak(process.pid) as peak:
                    process.wait()
                peaks.append(peak.bytes)
        self.add(up)
        self.add(down)

    def attached(self, count: int, cwd: Path) -> None:
        """An attached `up`: until every container's first line was printed, then from Ctrl-C to the end; and its peak memory."""
        first = Result(f"up, {count} services, to the last first line")
        end = Result(f"up, {count} services, Ctrl-C to the end")
        memory = Result(f"up, {count} services, attached, peak", "MB")
        for look in [False] * max(1, min(self.runs, 3)) + [True]:
            for tool, side in ((self.windlass, "ours"), (self.compose, "compose")):
                times = self.attached_once(tool, count, cwd, look)
                if look:
                    getattr(memory, side).append(times[2])
                else:
                    getattr(first, side).append(times[0])
                    getattr(end, side).append(times[1])
                self.seconds(tool, ["down", "-t", "0"], cwd)
        for result in (first, end, memory):
            self.add(result)

    def attached_once(self, tool: list[str], count: int, cwd: Path, look: bool) -> tuple[float, float, float]:
        """Seconds to the first lines, seconds to the end, and peak bytes (0 unless `look`)."""
        begin = time.monotonic()
        process = subprocess.Popen(tool + ["up"], cwd=cwd, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, start_new_session=True)
        with Peak(process.pid) if look else Nothing() as peak:
            seen: set[str] = set()
            for line in process.stdout:
                if "here I am" in line:
                    seen.add(line.split("|")[0])
                if len(seen) == count:
                    break
            shown = time.monotonic()
            if len(seen) < count:
                sys.exit(f"bench: {shlex.join(tool)} up printed the first lines of {len(seen)} of {count} containers and ended")
            # As a terminal does it: to the whole group.
            os.killpg(process.pid, signal.SIGINT)
            process.stdout.read()
            process.wait()
        return shown - begin, time.monotonic() - shown, peak.bytes

    def all_three(self, name: str, args: list[str], cwd: Path, measure: Callable[[list[str], list[str], Path], float], unit: str = "ms") -> None:
        """Each tool in turn, many times, because these runs are short; the target is podup where it is installed."""
        result = Result(name, unit)
        turns = [(self.windlass, result.ours), (self.compose, result.compose)]
        if self.podup:
            turns.append((self.podup, result.podup))
        for tool, _ in turns:
            measure(tool, args, cwd)
        for _ in range(3 * self.runs):
            for tool, values in turns:
                values.append(measure(tool, args, cwd))
        if result.podup:
            result.target = "≤ podup"
            result.met = median(result.ours) <= median(result.podup)
        self.add(result)

    def peak(self, tool: list[str], args: list[str], cwd: Path) -> float:
        """Largest resident set in bytes. By way of `time`: a child of this program would count this program's own memory."""
        command = ["/usr/bin/time", "-f", "%M", *tool, *args]
        done = subprocess.run(command, cwd=cwd, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
        if done.returncode != 0:
            sys.exit(f"bench: {shlex.join(command)} in {cwd} exited {done.returncode}\n{done.stderr[-2000:]}")
        return int(done.stderr.split()[-1]) * 1024

    def alone(self, name: str, args: list[str], cwd: Path, limit: float) -> Result:
        """Only ours, with a limit in seconds (`docker compose` may take minutes here)."""
        result = Result(name, target=f"≤ {limit * 1000:.0f} ms")
        self.seconds(self.windlass, args, cwd)
        result.ours = [self.seconds(self.windlass, args, cwd) for _ in range(self.runs)]
        result.met = median(result.ours) <= limit
        return self.add(result)

    def add(self, result: Result) -> Result:
        self.results.append(result)
        print(row(result), flush=True)
        return result


class Nothing:
    """Looks at nothing."""

    bytes = 0

    def __enter__(self) -> "Nothing":
        return self

    def __exit__(self, *_: object) -> None:
        pass


class Peak:
    """The largest peak of resident memory of any process of a tree.

    Read from /proc while it runs: what the kernel tells at the end holds the memory of this script too, which a new process
    has for a moment before its own program.
    """

    def __init__(self, root: int):
        self.root = root
        self.bytes = 0
        self.done = threading.Event()
        self.thread = threading.Thread(target=self.watch)

    def __enter__(self) -> "Peak":
        self.thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.done.set()
        self.thread.join()

    def watch(self) -> None:
        while not self.done.wait(0.01):
            for process in self.tree(self.root):
                self.bytes = max(self.bytes, self.peak_of(process))

    def tree(self, process: int) -> list[int]:
        """The process and all below it; each of its threads has children of its own."""
        all_of_them = [process]
        for thread in Path(f"/proc/{process}/task").glob("*/children"):
            try:
                for child in thread.read_text().split():
                    all_of_them += self.tree(int(child))
            except OSError:
                pass
        return all_of_them

    @staticmethod
    def peak_of(process: int) -> int:
        """Bytes; 0 for one that is gone, or is still this script."""
        try:
            if Path(f"/proc/{process}/exe").resolve() == Path(sys.executable).resolve():
                return 0
            for line in Path(f"/proc/{process}/status").read_text().splitlines():
                if line.startswith("VmHWM:"):
                    return int(line.split()[1]) * 1024
        except OSError:
            pass
        return 0


def median(values: list[float]) -> float:
    return statistics.median(values)


def number(values: list[float], unit: str) -> str:
    """The median as a column, in the unit."""
    return f"{median(values) * {'ms': 1e3, 'MB': 1e-6}[unit]:9.1f}" if values else f"{'–':>9}"


def row(result: Result) -> str:
    columns = " ".join(number(values, result.unit) for values in (result.ours, result.compose, result.podup))
    ratio = f"{median(result.ours) / median(result.compose):7.3f}" if result.compose else f"{'–':>7}"
    verdict = {True: "met", False: "MISSED", None: ""}[result.met]
    return f"{result.name + ', ' + result.unit:<48} {columns} {ratio}  {result.target:<30} {verdict}".rstrip()


def flat(count: int) -> str:
    """Independent services that end at once when asked."""
    command = "['sh', '-c', 'trap exit TERM; echo here I am; while :; do sleep 3600 & wait $$!; done']"
    services = "".join(f"  s{n}:\n    image: {IMAGE}\n    command: {command}\n" for n in range(count))
    return f"services:\n{services}"


def layered(layers: int, width: int) -> str:
    """Every service of a layer depends on every service of the layer before."""
    out = ["services:"]
    for layer in range(layers):
        for column in range(width):
            out.append(f"  l{layer}c{column}:\n    image: {IMAGE}")
            if layer:
                names = ", ".join(f"l{layer - 1}c{c}" for c in range(width))
                out.append(f"    depends_on: [{names}]")
    return "\n".join(out) + "\n"


def chain(links: int, wait: bool) -> str:
    """Services that answer on port 80 one second after their start; each waits for the one before.

    The same file for both tools: `docker compose` looks at `healthcheck`, Windlass at `x-windlass`.
    """
    serve = "['sh', '-c', 'trap exit TERM; mkdir -p /w; echo ok > /w/index.html; sleep 1; httpd -p 80 -h /w; while :; do sleep 3600 & wait $$!; done']"
    out = ["services:"]
    for n in range(links):
        out.append(f"  s{n}:\n    image: {IMAGE}\n    command: {serve}")
        if wait and n + 1 < links:
            out.append("    healthcheck: { test: ['CMD', 'wget', '-q', '-O', '/dev/null', 'http://127.0.0.1/index.html'], interval: 1s, retries: 30 }")
            out.append("    x-windlass: { ready: { plugin: tcp, with: { port: 80 } } }")
        if wait and n:
            out.append(f"    depends_on: {{ s{n - 1}: {{ condition: service_healthy }} }}")
    return "\n".join(out) + "\n"


def project(base: Path, name: str, text: str) -> Path:
    directory = base / name
    directory.mkdir(parents=True)
    (directory / "compose.yaml").write_text(f"name: {name}\n{text}")
    return directory


def case_queries(bench: Bench, base: Path) -> None:
    directory = project(base, "wlbench-query", flat(10))
    bench.seconds(bench.compose, ["up", "-d"], directory)
    try:
        bench.pair("ps, 10 services", ["ps"], directory, ratio=1 / 5)
        bench.pair("no-op up -d, 10 services", ["up", "-d"], directory, ratio=1 / 5)
    finally:
        bench.seconds(bench.compose, ["down", "-t", "0"], directory)


def case_start(bench: Bench, base: Path) -> None:
    directory = project(base, "wlbench-start", flat(40))
    bench.all_three("start alone: `--help`", ["--help"], directory, bench.seconds)
    bench.all_three("config, 40 services", ["config"], directory, bench.seconds)
    if Path("/usr/bin/time").exists():
        bench.all_three("config, 40 services, peak", ["config"], directory, bench.peak, "MB")


def case_config(bench: Bench, base: Path) -> None:
    bench.pair("config, FoodTrucks", ["config"], ROOT / "examples/foodtrucks", ratio=1 / 8)
    bench.alone("config -q, 60 services in 10 full layers", ["config", "-q"], project(base, "wlbench-layers", layered(10, 6)), 0.050)
    bench.alone("config -q, 3,000 services", ["config", "-q"], project(base, "wlbench-3000", flat(3000)), 0.300)


def case_cycles(bench: Bench, base: Path) -> None:
    for count in (1, 10, bench.many):
        bench.cycle(count, project(base, f"wlbench-{count}", flat(count)))


def case_attached(bench: Bench, base: Path) -> None:
    bench.attached(bench.many, project(base, "wlbench-attached", flat(bench.many)))


def case_memory(bench: Bench, base: Path) -> None:
    bench.memory(bench.many, project(base, "wlbench-memory", flat(bench.many)))


def case_chain(bench: Bench, base: Path) -> None:
    """Target: 1.1 × (5 × 1 s + engine time), engine time being that of the same services started one after another."""
    links = 6
    directory = project(base, "wlbench-chain", chain(links, wait=True))
    free = project(base, "wlbench-free", chain(links, wait=False))
    engine = []
    for _ in range(3):
        subprocess.run(bench.compose + ["create"], cwd=free, check=True, capture_output=True)
        names = [f"wlbench-free-s{n}-1" for n in range(links)]
        begin = time.monotonic()
        for name in names:
            subprocess.run(["docker", "start", name], check=True, capture_output=True)
        engine.append(time.monotonic() - begin)
        bench.seconds(bench.compose, ["down", "-t", "0"], free)
    result = Result("up -d, readiness chain of 6")
    for _ in range(3):
        for tool, times in ((bench.windlass, result.ours), (bench.compose, result.compose)):
            times.append(bench.seconds(tool, ["up", "-d"], directory))
            bench.seconds(tool, ["down", "-t", "0"], directory)
    limit = 1.1 * (links - 1 + median(engine))
    result.target = f"≤ {limit:.2f} s = 1.1 × (5 s + {median(engine):.2f} s)"
    result.met = median(result.ours) <= limit
    bench.add(result)


CASES = {"start": case_start, "queries": case_queries, "config": case_config, "cycles": case_cycles, "attached": case_attached, "memory": case_memory, "chain": case_chain}


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--windlass", default=str(ROOT / "target/release/windlass"))
    parser.add_argument("--compose", default="docker compose")
    parser.add_argument("--podup", default=shutil.which("podup"), help="where podup is (default: the one in PATH, if any)")
    parser.add_argument("--runs", type=int, default=7)
    parser.add_argument("--many", type=int, default=50, help="services of the largest project (fewer: only to try this script)")
    parser.add_argument("--only", nargs="*", choices=sorted(CASES), default=list(CASES))
    parser.add_argument("--json", type=Path)
    parser.add_argument("--check", action="store_true", help="exit 1 when a target is missed")
    return parser.parse_args()


def main() -> int:
    options = arguments()
    if shutil.which(options.windlass) is None:
        sys.exit(f"bench: no {options.windlass}; run `make bench`, which builds it")
    if subprocess.run(shlex.split(options.compose) + ["version"], capture_output=True).returncode != 0:
        sys.exit(f"bench: `{options.compose}` does not answer: the comparison needs it")
    bench = Bench(options.windlass, options.compose, options.podup, options.runs, options.many)
    print(f"{'median of ' + str(options.runs) + ' runs':<48} {'ours':>9} {'compose':>9} {'podup':>9} {'ratio':>7}  target")
    os.environ.pop("COMPOSE_PROJECT_NAME", None)
    with tempfile.TemporaryDirectory(prefix="wlbench-") as base:
        for name in options.only:
            CASES[name](bench, Path(base))
    if options.json:
        options.json.write_text(json.dumps([vars(result) for result in bench.results], indent=1))
    missed = [result.name for result in bench.results if result.met is False]
    print(f"{len(missed)} targets missed{': ' + '; '.join(missed) if missed else ''}")
    return 1 if missed and options.check else 0


if __name__ == "__main__":
    sys.exit(main())
