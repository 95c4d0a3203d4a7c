"""What of the durable queues needs no process of its own."""

import threading
import time

from core.worker.durable import Turns


def test_a_task_given_out_twice_is_run_one_after_the_other() -> None:
    turns, events = Turns(), []

    def run(name: str, task_id: str, begun: threading.Event, end: threading.Event) -> None:
        with turns.take(task_id):
            events.append(f"{name} begins")
            begun.set()
            end.wait(10)
            events.append(f"{name} ends")

    end = threading.Event()
    runs = {"first": "a", "again": "a", "other": "b"}
    begun = {name: threading.Event() for name in runs}
    threads = []
    for name, task_id in runs.items():
        threads.append(threading.Thread(target=run, args=(name, task_id, begun[name], end)))
        threads[-1].start()
        if name != "again":
            assert begun[name].wait(10)
    time.sleep(0.05)
    assert turns.knows("a")
    assert not begun["again"].is_set()
    end.set()
    for thread in threads:
        thread.join(10)
    assert events.index("again begins") > events.index("first ends")
    assert events.index("other begins") < events.index("first ends")
    assert not turns.knows("a")
    assert not turns.knows("b")
