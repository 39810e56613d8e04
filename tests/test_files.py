from __future__ import annotations

import os
import resource
import shutil
import signal
import subprocess
import sys
import tempfile
from contextlib import contextmanager
from pathlib import Path

import pytest

from llmroute.errors import OutsideError
from llmroute.files import atomic_write, atomic_writer


@contextmanager
def files_limited_to(n_bytes):
    """No file may grow beyond it: the nearest thing to a full disk a test can ask for."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (n_bytes, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


@pytest.fixture
def closed_folder():
    """A folder this process may not write to, root or not."""
    folder = Path(tempfile.mkdtemp())
    folder.chmod(0o555)
    is_root = os.geteuid() == 0
    if is_root:
        os.seteuid(65534)
    yield folder
    if is_root:
        os.seteuid(0)
    shutil.rmtree(folder)


def test_text_is_written_as_utf8_with_its_line_breaks_as_they_are(tmp_path):
    atomic_write(tmp_path / "a.txt", "é\n\r\n")
    assert (tmp_path / "a.txt").read_bytes() == b"\xc3\xa9\n\r\n"


def test_missing_folders_are_made(tmp_path):
    atomic_write(tmp_path / "a" / "b" / "c.txt", b"x")
    assert (tmp_path / "a" / "b" / "c.txt").read_bytes() == b"x"


def test_a_full_disk_leaves_the_old_file_and_nothing_else(tmp_path):
    path = tmp_path / "report.html"
    atomic_write(path, "old")
    with pytest.raises(OutsideError) as caught, files_limited_to(5000):
        atomic_write(path, "x" * 100_000)
    assert str(path) in str(caught.value)
    assert "Free some space" in str(caught.value)
    assert caught.value.exit_code == 3
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_a_closed_folder_is_named(closed_folder):
    with pytest.raises(OutsideError, match="Permission denied") as caught:
        atomic_write(closed_folder / "report.html", "x")
    assert "Choose a folder you may write to" in str(caught.value)
    assert list(closed_folder.iterdir()) == []


def test_a_folder_is_no_file(tmp_path):
    with pytest.raises(OutsideError, match="This is a folder"):
        atomic_write(tmp_path, "x")
    assert list(tmp_path.iterdir()) == []


def test_an_error_of_the_writers_leaves_the_old_file_and_nothing_else(tmp_path):
    path = tmp_path / "map.yaml"
    atomic_write(path, "old")
    with pytest.raises(KeyError), atomic_writer(path) as stream:  # noqa: PT012
        stream.write(b"half")
        raise KeyError
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_a_new_file_has_the_mode_any_file_would_have(tmp_path):
    (tmp_path / "plain").touch()
    atomic_write(tmp_path / "ours", "x")
    assert (tmp_path / "ours").stat().st_mode == (tmp_path / "plain").stat().st_mode


def test_a_replaced_file_keeps_its_mode(tmp_path):
    path = tmp_path / "private"
    path.touch()
    path.chmod(0o600)
    atomic_write(path, "x")
    assert path.stat().st_mode & 0o777 == 0o600


def test_a_link_is_followed(tmp_path):
    (tmp_path / "link").symlink_to(tmp_path / "target")
    atomic_write(tmp_path / "link", "x")
    assert (tmp_path / "link").is_symlink()
    assert (tmp_path / "target").read_text() == "x"


def test_a_device_is_written_to_and_not_replaced():
    atomic_write("/dev/null", "x")
    assert Path("/dev/null").is_char_device()


WRITE_FOR_EVER = """
import sys
from llmroute.files import atomic_write
number = 0
while True:
    number += 1
    atomic_write(sys.argv[1], f"{number % 10}" * 2_000_000)
    print(number, flush=True)
"""


def test_a_killed_writer_leaves_a_whole_file_and_the_next_one_clears_up(tmp_path):
    path = tmp_path / "report.html"
    atomic_write(path, "0" * 2_000_000)
    for _ in range(5):
        writer = subprocess.Popen(
            [sys.executable, "-c", WRITE_FOR_EVER, str(path)], stdout=subprocess.PIPE
        )
        writer.stdout.readline()
        writer.send_signal(signal.SIGKILL)
        writer.wait()
        writer.stdout.close()
        content = path.read_text()
        assert len(content) == 2_000_000
        assert len(set(content)) == 1
    atomic_write(path, "done")
    assert list(tmp_path.iterdir()) == [path]


def test_the_temporary_file_of_a_living_process_is_left_alone(tmp_path):
    other = tmp_path / f".report.html.{os.getpid()}-00000000.tmp"
    other.touch()
    atomic_write(tmp_path / "report.html", "x")
    assert other.exists()
