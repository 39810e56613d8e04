"""A disk that is full, or read-only, as the kernel says it: on a small file system of its own."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.soak


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Callable[[str], Path]]:
    """Mounts 2 MB, or mounts it again with other options."""
    folder = tmp_path / "disk"
    folder.mkdir()

    def mount(options: str) -> Path:
        command = ["mount", "-t", "tmpfs", "-o", options, "tmpfs", str(folder)]
        if os.geteuid() != 0 or subprocess.run(command, capture_output=True).returncode:
            pytest.skip("only root may mount a file system, and not in every container")
        return folder

    yield mount
    subprocess.run(["umount", str(folder)], capture_output=True)


@pytest.fixture
def bench_on(
    new_bench: Callable[[str, int], Any], small_disk: Callable[[str], Path]
) -> Callable[[str], Any]:
    """A bench of 600 calls with 5 kB answers in a folder on the small disk."""

    def make(options: str) -> Any:
        bench = new_bench("bench", 300)
        script = bench.server.script

        def longer(asked: Any) -> Any:
            reply = script(asked)
            message = reply.body["choices"][0]["message"]
            message["content"] += " " * 5000
            return reply

        bench.server.script = longer
        disk = small_disk(options)
        for path in list(bench.folder.iterdir()):
            (disk / path.name).write_bytes(path.read_bytes())
        bench.folder = disk
        return bench

    return make


def run_to_the_end(bench: Any) -> tuple[int, str]:
    process = bench.start()
    _, said = process.communicate(timeout=300)
    return process.returncode, said


def test_a_full_disk_keeps_what_was_answered_and_goes_on_once_there_is_room(
    bench_on: Callable[[str], Any],
) -> None:
    bench = bench_on("size=2m")
    code, said = run_to_the_end(bench)
    assert code == 3, said
    assert "Free some" in said
    assert "Traceback" not in said
    known = bench.answered()
    assert 0 < len(known) < 600
    remount = ["mount", "-o", "remount,size=64m", str(bench.folder)]
    subprocess.run(remount, check=True)
    first = len(bench.server.requests)
    bench.finish()
    assert len(bench.asked(first)) == 600 - len(known)
    assert not set(bench.asked(first)) & known
    bench.check_files()


def test_a_disk_too_full_for_the_report_still_keeps_every_answer(
    bench_on: Callable[[str], Any],
) -> None:
    bench = bench_on("size=64m")
    bench.finish()
    for path in (bench.folder / "llmroute-out").iterdir():
        path.unlink()
    space = os.statvfs(bench.folder)
    used_kb = (space.f_blocks - space.f_bfree) * space.f_frsize // 1024
    subprocess.run(["mount", "-o", f"remount,size={used_kb + 200}k", str(bench.folder)], check=True)
    code, said = run_to_the_end(bench)
    assert code == 3, said
    assert "Free some" in said
    assert "Traceback" not in said
    assert len(bench.answered()) == 600
    bench.check_files()
    assert not list(bench.folder.rglob("*.tmp"))


def test_a_read_only_disk_is_said_and_its_store_can_be_read(
    bench_on: Callable[[str], Any],
) -> None:
    bench = bench_on("size=64m")
    bench.finish()
    subprocess.run(["mount", "-o", "remount,ro", str(bench.folder)], check=True)
    code, said = run_to_the_end(bench)
    assert code == 3, said
    assert "read-only" in said.lower()
    assert "Traceback" not in said
    assert len(bench.answered()) == 600
