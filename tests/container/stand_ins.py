"""Build stand-ins for the base images, because image registries are not reachable everywhere.

They have the names that the Dockerfiles and docker-compose.yml use, and consist of packages from
Debian, npm and PyPI. Azurite, nginx and Python are the real programs. The embedded host replaces
the Azure Functions host (stand_in/functions_host.py). The tests therefore verify the content of the
images, names and ports, the order of the start, and volumes.
"""

from __future__ import annotations

import platform
import re
import shutil
import subprocess
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from tests.container.compose import ROOT
from tests.container.engine import CommandError, Engine, run

HERE = Path(__file__).parent / "stand_in"
PACKAGES = ("ca-certificates", "netcat-openbsd", "nginx-light", "nodejs", "python3", "python3-pip")
FUNCTIONS = "mcr.microsoft.com/azure-functions/python:4-python3.11"
PYTHON = "python:3.11-slim"
STORAGE_SDK = "azure-storage-blob==12.28.0"


def make_stand_ins(engine: Engine) -> None:
    """Build all stand-ins, in about a minute. Raises CommandError."""
    work = engine.folder / "stand-ins"
    work.mkdir()
    with ThreadPoolExecutor() as pool:
        azurite = pool.submit(_azurite, work / "azurite")
        _base(engine, work)
        docker(engine, "tag", "stand-in", PYTHON)
        _functions(engine, work / "functions")
        azurite.result()
    _build(engine, HERE / "azurite.Dockerfile", work / "azurite", _image("azurite"))
    (work / "nginx").mkdir()
    _build(engine, HERE / "nginx.Dockerfile", work / "nginx", _image("nginx"))


def docker(engine: Engine, *arguments: str | Path, seconds: float = 600) -> str:
    return run(["docker", *arguments], environment=engine.environment, seconds=seconds)


def _build(engine: Engine, dockerfile: Path, context: Path, name: str) -> None:
    docker(engine, "build", "--quiet", f"--file={dockerfile}", f"--tag={name}", context)


def _base(engine: Engine, work: Path) -> None:
    """Build the common base: Debian 12 (Python 3.11), with this machine's PyPI settings."""
    archive = work / "base.tar"
    own = [
        file
        for file in ("/etc/ssl/certs/ca-certificates.crt", "/etc/pip.conf")
        if Path(file).exists()
    ]
    run(
        [
            *(
                "mmdebstrap",
                "--variant=minbase",
                "--mode=root",
                "--quiet",
                f"--include={','.join(PACKAGES)}",
            ),
            *('--aptopt=Acquire::Languages "none"', "--dpkgopt=force-unsafe-io"),
            *(
                "--dpkgopt=path-exclude=/usr/share/doc/*",
                "--dpkgopt=path-exclude=/usr/share/locale/*",
            ),
            '--customize-hook=rm -f "$1"/usr/lib/python3*/EXTERNALLY-MANAGED; ln -s python3 '
            '"$1"/usr/bin/python',
            *(f'--customize-hook=cp {file} "$1"{file}' for file in own),
            *("bookworm", archive),
        ],
        environment={"TMPDIR": str(work)},  # the build folder
    )
    docker(
        engine,
        "import",
        "--change=ENV PATH=/usr/local/bin:/usr/local/sbin:/usr/bin:/usr/sbin:/bin:/sbin",
        archive,
        "stand-in",
    )
    archive.unlink()


def _azurite(folder: Path) -> None:
    """Return the release of Azurite in docker-compose.yml."""
    if shutil.which("npm") is None:
        raise CommandError(
            "npm is not on this machine, and the real Azurite is one of its packages"
        )
    version = _image("azurite").rpartition(":")[2]
    target = folder / "azurite"
    target.mkdir(parents=True)
    run(
        [
            "npm",
            "install",
            "--silent",
            "--no-audit",
            "--no-fund",
            f"--prefix={target}",
            f"azurite@{version}",
        ]
    )


def _functions(engine: Engine, folder: Path) -> None:
    """Install the dependencies of the embedded host that the app's image does not have."""
    folder.mkdir()
    theirs = _pins("deploy/requirements-container.txt")
    lines = [
        f"{name}=={version}"
        for name, version in _pins("deploy/requirements-embedded.txt").items()
        if name not in theirs
    ]
    storage = [STORAGE_SDK, "azure-core", "isodate", "cryptography", "cffi", "pycparser"]
    (folder / "requirements.txt").write_text("\n".join([*lines, *storage]) + "\n", encoding="utf-8")
    shutil.copytree(
        ROOT / "embedded-host" / "src", folder / "src", ignore=shutil.ignore_patterns("__pycache__")
    )
    shutil.copy(HERE / "functions_host.py", folder)
    _build(engine, HERE / "functions.Dockerfile", folder, FUNCTIONS)


def _image(name: str) -> str:
    """Return the image that docker-compose.yml names, with its tag."""
    found = re.search(
        rf"^    image: (.*\b{name}:.*)$",
        (ROOT / "docker-compose.yml").read_text(encoding="utf-8"),
        re.MULTILINE,
    )
    assert found, name
    return found[1]


def _pins(name: str) -> dict[str, str]:
    text = (ROOT / name).read_text(encoding="utf-8")
    return dict(re.findall(r"^([a-z0-9-]+)==([^ \\;]+)", text, re.MULTILINE))


def unavailable() -> str:
    """Return the reason why the stand-ins cannot be built here, or an empty string."""
    import os

    if platform.system() != "Linux" or not hasattr(os, "geteuid") or os.geteuid() != 0:
        return "only root on Linux can start a Docker engine"
    if not Path("/etc/apt/sources.list.d/debian.sources").exists():
        return (
            "the engine and the stand-ins are made of Debian packages, and this machine does "
            "not run Debian"
        )
    if shutil.which("npm") is None:
        return "npm is not on this machine, and the real Azurite is one of its packages"
    requested = subprocess.run(["apt-get", "update", "-q"], capture_output=True, check=False)
    return "" if requested.returncode == 0 else "Debian's packages cannot be reached"
