from __future__ import annotations

import random
import subprocess
import sys
import time

from llmroute.store import StoreReader

# Writes answers for ever and prints each key once its flush has returned: from then on it counts.
WRITE = """
import sys
from llmroute.digest import digest
from llmroute.records import Call, Candidate, Completion, Failure, Message, Score
from llmroute.store import StoreWriter

writer = StoreWriter.open(sys.argv[1])
number = 0
while True:
    keys = []
    for _ in range(1 + number % 37):
        number += 1
        messages = (Message("user", f"prompt {number // 3}"),)
        key = digest([sys.argv[2], number])
        call = Call(key, "s", "t", str(number), Candidate("m", "m"), messages, digest(messages), {})
        writer.put_answer(call, Completion(key, f"answer {key} " + "x" * (number % 700)))
        writer.put_scores([(key, "exact", Score(1.0))])
        keys.append(key)
    writer.flush()
    print(*keys, sep="\\n", flush=True)
"""


def run_and_kill(store_path, log_path, round_name, seconds):
    with log_path.open("ab") as log:
        process = subprocess.Popen(
            [sys.executable, "-c", WRITE, str(store_path), round_name], stdout=log
        )
    begun = log_path.stat().st_size
    while log_path.stat().st_size == begun:
        assert process.poll() is None
        time.sleep(0.005)
    time.sleep(seconds)
    process.kill()
    process.wait()


def test_no_acknowledged_answer_is_lost_to_ten_kills(store_path, tmp_path):
    log_path = tmp_path / "acknowledged"
    log_path.touch()
    noise = random.Random(9)
    for number in range(10):
        run_and_kill(store_path, log_path, str(number), noise.uniform(0.0, 0.25))
        with StoreReader.open(store_path) as reader:
            assert reader.damage() == ()
    # A key the kill cut short was not yet told to anybody.
    acknowledged = {line for line in log_path.read_text().split("\n") if len(line) == 64}
    assert len(acknowledged) >= 10
    with StoreReader.open(store_path) as reader:
        answers = {answer.key: answer.output for answer in reader.completions(acknowledged)}
        assert len(reader.scores((key, "exact") for key in acknowledged)) == len(acknowledged)
    assert answers.keys() == acknowledged
    assert all(output.startswith(f"answer {key} ") for key, output in answers.items())
