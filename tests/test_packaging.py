"""The wheel carries everything, and runs from an empty folder."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
DATA = ("suites", "judges", "reports", "schemas")


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel, unpacked as an installation would."""
    folder = tmp_path_factory.mktemp("wheel")
    subprocess.run(
        [sys.executable, "-m", "build", "--wheel", "--no-isolation", "-o", str(folder), str(ROOT)],
        check=True,
        capture_output=True,
    )
    (wheel,) = folder.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(folder / "site")
    return folder / "site"


def hashes(folder: Path) -> dict[str, str]:
    return {
        path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and "__pycache__" not in path.parts
    }


@pytest.mark.parametrize("folder", DATA)
def test_the_wheel_carries_the_data_folders_byte_for_byte(site: Path, folder: str) -> None:
    assert hashes(site / "llmroute" / "_data" / folder) == hashes(ROOT / folder)


def test_the_wheel_carries_every_file_of_the_package(site: Path) -> None:
    packed = {name for name in hashes(site / "llmroute") if not name.startswith("_data/")}
    assert packed == set(hashes(ROOT / "llmroute"))


def test_the_wheel_benches_from_an_empty_folder(site: Path, tmp_path: Path) -> None:
    code = (
        "import llmroute, sys; from llmroute.cli.app import main; "
        f"assert llmroute.__file__.startswith({str(site)!r}), llmroute.__file__; "
        "sys.argv = ['llmroute', 'bench', '--limit', '2']; main()"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(site)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "llmroute-out" / "report.html").is_file()
