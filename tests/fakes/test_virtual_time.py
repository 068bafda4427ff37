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


def test_time_stands_once_the_thread_that_ends_it_has_left():
    """However long it takes until the others are told to stop, no moment comes for them."""
    ranks, stop = {"sound": 0, "pictures": 1}, threading.Event()
    time, heard = VirtualTime(ranks, ends="pictures"), []

    def work(moments):
        for moment in moments:
            if time.wait_until(moment, stop) and threading.current_thread().name == "sound":
                heard.append(moment)

    threads = [
        threading.Thread(target=work, args=([1, 2, 3, 4, 5, 6],), name="sound"),
        threading.Thread(target=work, args=([2, 4],), name="pictures"),
    ]
    for thread in threads:
        thread.start()
    threads[1].join()
    threads[0].join(0.2)
    assert threads[0].is_alive()
    stop.set()
    threads[0].join()
    assert heard == [1, 2, 3, 4]
