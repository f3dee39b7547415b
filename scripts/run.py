"""Runs a task of the checkout in its own virtual environment: `python3 scripts/run.py <task> [arguments]`.

It decides which environment a task runs in and keeps that environment equal to the lock; what a task does
stands in the product and in tests/. Standard library only. Every line must be readable by a Python older
than the project's, because the first thing this file does is to say so.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
VENV = ROOT / ".venv"
PYTHON = VENV / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
LOCK = ROOT / "requirements" / "dev.lock"
PROJECT = ROOT / "pyproject.toml"
STAMP = VENV / "installed.json"
GATES = ROOT / "tests" / "gates"

# Programs that tests and gates start, each as its Debian package and the place it lies in, seen from the root.
# Tests of a program that cannot be had are skipped with that reason.
PROGRAMS = (
    ("postgresql", "usr/lib/postgresql/*/bin/postgres"),
    ("chromium", "usr/bin/chromium"),
)

OLDEST = (3, 11)
NEWER = ("python3.14", "python3.13", "python3.12", "python3.11")

# These hold every decision that money or correctness hangs on: each branch of them is tested.
CORE = ("domain", "catalog", "wire", "routing", "sessions", "billing")

# What Python is given to run. Import-linter alone has no module that `-m` could start.
STATIC_CHECKS = (
    ("-m", "ruff", "format", "--check", "."),
    ("-m", "ruff", "check", "."),
    ("-m", "mypy"),
    ("-c", "import importlinter.cli; importlinter.cli.lint_imports_command()"),
)


def main(arguments: list[str]) -> int:
    """Run the named task and return the exit status of its first failing command, else 0."""
    if sys.version_info < OLDEST:
        return rerun_with_newer_python(arguments)
    commands = commands_of(arguments[0], arguments[1:]) if arguments else None
    if commands is None:
        return refuse(arguments)
    prepare_environment()
    if arguments[0] not in ("serve", "demo"):
        install_programs()
    for command in commands:
        status = run_python(*command)
        if status:
            return status
    return 0


# ---------------------------------------------------------------------------------------- the tasks


def commands_of(task: str, extra: list[str]) -> list[tuple[str, ...]] | None:
    """Return what Python is given to run, command by command; None when there is no such task."""
    if task in ("serve", "demo"):
        return [("-m", "gammainfra", task, *extra)]
    if task == "test":
        measured = "CI" in os.environ or "--cov" in extra
        return tests_with_coverage(extra) if measured else [("-m", "pytest", *extra)]
    if task == "check":
        # --static: for a caller that has run the tests already.
        static = list(STATIC_CHECKS)
        return static if "--static" in extra else static + tests_with_coverage(extra)
    if task == "bench":
        return [("-m", "tests.bench", *extra)]
    if task.startswith("gate-") and task[len("gate-") :] in gate_names():
        return [("-m", "tests.gates." + task[len("gate-") :].replace("-", "_"), *extra)]
    return None


def tests_with_coverage(extra: list[str]) -> list[tuple[str, ...]]:
    """Return the whole test run, measured, then the rule that every branch of the core packages is tested."""
    passed_on = [argument for argument in extra if argument != "--cov"]
    core = ",".join("src/gammainfra/" + package + "/*" for package in CORE)
    return [
        ("-m", "pytest", "--cov", "--cov-report=", *passed_on),
        ("-m", "coverage", "report", "--include=" + core, "--fail-under=100"),
    ]


def gate_names() -> list[str]:
    """Return the gates there are, as tasks write them: with dashes."""
    return sorted(path.stem.replace("_", "-") for path in GATES.glob("*.py") if not path.stem.startswith("_"))


def refuse(arguments: list[str]) -> int:
    """Say in one sentence which tasks there are."""
    asked = "there is no task " + repr(arguments[0]) if arguments else "a task is missing"
    known = ["serve", "demo", "test", "check", "bench"] + ["gate-" + name for name in gate_names()]
    sys.stderr.write("run.py: " + asked + "; the tasks are " + ", ".join(known) + ".\n")
    return 2


# ---------------------------------------------------------------------------------- the environment


def prepare_environment() -> None:
    """Make .venv hold what the lock says, and the package itself from this checkout.

    A changed lock rebuilds the environment, so that nothing dropped from the lock lingers. A changed
    pyproject.toml only installs the package again: it may name other scripts.
    """
    wanted = {"python": list(sys.version_info[:2]), "lock": digest(LOCK), "project": digest(PROJECT)}
    found = json.loads(STAMP.read_text(encoding="utf-8")) if STAMP.exists() and PYTHON.exists() else {}
    if found == wanted:
        return
    if any(found.get(part) != wanted[part] for part in ("python", "lock")):
        sys.stdout.write("Installing the locked requirements into .venv\n")
        run_or_stop(sys.executable, "-m", "venv", "--clear", str(VENV))
        pip_install("--require-hashes", "-r", str(LOCK))
    pip_install("--no-deps", "--no-build-isolation", "-e", str(ROOT))
    STAMP.write_text(json.dumps(wanted), encoding="utf-8")


def install_programs() -> None:
    """Install the Debian packages that are missing, where that is possible without asking anybody: as root."""
    missing = [package for package, place in PROGRAMS if not any(Path("/").glob(place))]
    apt_get = shutil.which("apt-get")
    if not missing or not apt_get:
        return
    if os.geteuid() != 0:
        sys.stdout.write("Not installed, so their tests are skipped: apt-get install " + " ".join(missing) + "\n")
        return
    sys.stdout.write("Installing " + " and ".join(missing) + " with apt-get\n")
    sys.stdout.flush()
    quiet = dict(os.environ, DEBIAN_FRONTEND="noninteractive")
    for command in (("update", "-qq"), ("install", "-y", "-qq", "--no-install-recommends", *missing)):
        if subprocess.call([apt_get, *command], env=quiet, stdout=subprocess.DEVNULL):
            sys.stdout.write("apt-get " + command[0] + " failed; what is missing is skipped\n")
            return


def digest(path: Path) -> str:
    """Return the SHA-256 of a file's bytes, in hexadecimal."""
    return hashlib.sha256(path.read_bytes()).hexdigest()


def pip_install(*arguments: str) -> None:
    """Install into .venv with its own pip, quietly; stop the program when that fails."""
    run_or_stop(str(PYTHON), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", *arguments)


def run_or_stop(*command: str) -> None:
    """Run a command of the preparation; stop the program with its status when it fails."""
    status = subprocess.call(command, cwd=ROOT)
    if status:
        sys.stderr.write("run.py: could not prepare .venv; this failed: " + " ".join(command) + "\n")
        raise SystemExit(status)


def run_python(*arguments: str) -> int:
    """Run .venv's Python from the root of the checkout, and return its exit status."""
    sys.stdout.write("$ python " + " ".join(arguments) + "\n")
    sys.stdout.flush()
    try:
        return subprocess.call([str(PYTHON), *arguments], cwd=ROOT)
    except KeyboardInterrupt:
        return 130  # the way a shell reports Ctrl-C; the child has had it too and has said its word


# ------------------------------------------------------------------------------------ an old Python


def rerun_with_newer_python(arguments: list[str]) -> int:
    """Run this file again with a newer Python from PATH; say what is missing when there is none."""
    have = ".".join(str(part) for part in sys.version_info[:3])
    for name in NEWER:
        path = shutil.which(name)
        # A name on PATH may be a version manager's shim for a Python that is not installed: try it.
        if path and subprocess.call([path, "-c", ""], stderr=subprocess.DEVNULL) == 0:
            sys.stderr.write("run.py: this is Python " + have + ", older than 3.11; using " + path + ".\n")
            return subprocess.call([path, __file__, *arguments])
    sys.stderr.write("run.py: Python 3.11 or newer is needed; this is " + have + " and PATH has no other.\n")
    return 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
