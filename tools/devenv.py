"""Makes the development environment: a virtual environment with exactly what requirements.lock names.

Usage: ``python tools/devenv.py [VENV]``. Needs nothing but a bare Python; ``make`` calls it when the lock changed.
uv comes from the lock like everything else, by its hashes; it then installs the rest in seconds.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tempfile
import venv
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
LOCK = ROOT / "requirements.lock"
OLDEST = (3, 11)


def main(folder: Path) -> None:
    """Create or update the environment in ``folder``."""
    if sys.version_info < OLDEST:
        sys.exit(f"molthub needs Python {'.'.join(map(str, OLDEST))} or newer; this is {sys.version.split()[0]}. "
                 "Call make with PYTHON=/path/to/python3")  # fmt: skip
    python = folder / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
    if not python.exists():
        venv.create(folder, with_pip=True, symlinks=os.name != "nt")
    _run(python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--require-hashes",
         "-r", str(_only("uv")))  # fmt: skip
    uv = (python, "-m", "uv", "pip")
    _run(*uv, "sync", "--quiet", "--require-hashes", "--python", str(python), str(LOCK))
    _run(*uv, "install", "--quiet", "--no-deps", "--no-build-isolation", "--python", str(python), "-e", str(ROOT))


def _only(name: str) -> Path:
    """Return a requirements file with one package of the lock and its hashes."""
    block = re.search(rf"^{name}==.*?(?=^\S|\Z)", LOCK.read_text(), flags=re.MULTILINE | re.DOTALL)
    if block is None:
        sys.exit(f"{LOCK.name} does not name {name}: run `make lock`")
    path = Path(tempfile.mkdtemp()) / "requirements.txt"
    path.write_text(block.group(0))
    return path


def _run(*command: str | Path) -> None:
    environment = {key: value for key, value in os.environ.items() if key not in ("VIRTUAL_ENV", "PYTHONPATH")}
    environment.setdefault("UV_SYSTEM_CERTS", "true")  # as pip does; some networks have a certificate of their own
    done = subprocess.run([str(part) for part in command], check=False, cwd=ROOT, env=environment)
    if done.returncode:
        sys.exit(f"could not install what {LOCK.name} names: is the package index reachable? Then run make again")


if __name__ == "__main__":
    main(Path(sys.argv[1] if len(sys.argv) > 1 else ROOT / ".venv"))
