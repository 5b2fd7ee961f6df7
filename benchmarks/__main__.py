"""``make bench``: every module here that has ``figures()`` is run and its figures are printed.

``python -m benchmarks press`` runs one; ``--full`` takes the long way (a million readers).
"""

import argparse
import importlib
import os
import pkgutil
import sys
from pathlib import Path

import benchmarks
from benchmarks.figures import Figure

ROOT = Path(__file__).resolve().parents[1]


def main() -> int:
    found = [module.name for module in pkgutil.iter_modules(benchmarks.__path__) if module.name[0] != "_"]
    names = sorted(set(found) - {"figures", "databases"})
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description="Measures, and prints the figures.")
    parser.add_argument("modules", nargs="*", metavar="MODULE", help=f"which to run: {', '.join(names)}; all if none")
    parser.add_argument("--full", action="store_true", help="the long way: a million readers")
    chosen = parser.parse_args()
    unknown = sorted(set(chosen.modules) - set(names))
    if unknown:
        parser.error(f"there is no benchmark {unknown[0]}; there is: {', '.join(names)}")
    _set_up(full=chosen.full)
    rows: list[Figure] = []
    for name in chosen.modules or names:
        module = importlib.import_module(f"benchmarks.{name}")
        if hasattr(module, "figures"):
            rows += module.figures()
    _print(rows)
    return 1 if any(figure.met is False for figure in rows) else 0


def _set_up(*, full: bool) -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "broadsheet.settings")
    os.environ.setdefault("BROADSHEET_WORKSPACE", str(ROOT))
    os.environ["BROADSHEET_BENCH_FULL"] = "1" if full else ""
    import django

    django.setup()


def _print(rows: list[Figure]) -> None:
    width = max((len(figure.name) for figure in rows), default=6)
    print(f"{'figure':<{width}}  {'median':>10}  {'unit':<12}  {'target':>9}  met")
    for figure in rows:
        target = "" if figure.target is None else f"{figure.target:,.2f}"
        met = {True: "yes", False: "NO", None: ""}[figure.met]
        print(f"{figure.name:<{width}}  {figure.value:>10,.2f}  {figure.unit:<12}  {target:>9}  {met}")


if __name__ == "__main__":
    sys.exit(main())
