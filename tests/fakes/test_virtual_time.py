"""Virtual time runs threads one after another."""

import threading

from tests.fakes.virtual_time import VirtualTime


def test_virtual_time_runs_threads_one_after_another_in_order():
    time, order, stop = VirtualTime({"a": 1, "b": 0, "c": 2}), [], threading.Event()

    def play(name, period, count):
        for k in range(1, count + 1):
            assert time.wait_until(k * period, stop)
            order.append((round(time.now(), 3), name))

    plays = {"a": (0.2, 3), "b": (0.3, 3), "c": (0.1, 2)}
    threads = [threading.Thread(target=play, args=(n, *p), name=n) for n, p in plays.items()]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(5)
    ranks = {"a": 1, "b": 0, "c": 2}
    assert order == sorted(order, key=lambda o: (o[0], ranks[o[1]]))
    assert len(order) == 8
