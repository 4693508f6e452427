"""Run the four examples, each in a process of its own, and say how long each took.

python examples/run_all.py [--long] [--out FOLDER]
"""

import argparse
import subprocess
import sys
import time
from pathlib import Path

PROGRAMS = ("tour", "spring", "digits", "burgers")


def main(long=False, out=Path("out")):
    here = Path(__file__).parent
    failed, times = [], {}
    for name in PROGRAMS:
        command = [sys.executable, str(here / f"{name}.py"), "--out", str(out)]
        if long and name == "burgers":
            command.append("--long")
        start = time.perf_counter()
        if subprocess.run(command, check=False).returncode:
            failed.append(name)
        times[name] = time.perf_counter() - start
        print(flush=True)
    print("== Wall-clock times: " + ", ".join(f"{name} {t:.0f} s" for name, t in times.items()))
    print(f"all {sum(times.values()):.0f} s; plots in {out}/")
    if failed:
        print("failed: " + ", ".join(failed), file=sys.stderr)
    return len(failed)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--long", action="store_true", help="train on Burgers' equation for longer")
    parser.add_argument("--out", type=Path, default=Path("out"))
    options = parser.parse_args()
    sys.exit(main(options.long, options.out))
