"""Mailboxes between threads: the newest counts, and what nobody asks for is not made."""

from functools import partial

from livebend.core.mailbox import OnDemand


def test_what_is_offered_is_made_once_and_only_for_who_asks() -> None:
    made: list[int] = []

    def make(n: int) -> int:
        made.append(n)
        return n

    slot = OnDemand(0)
    assert slot.get() == 0
    for n in range(1, 4):
        slot.offer(partial(make, n))
    assert (slot.get(), slot.get(), made) == (3, 3, [3])
    slot.offer(partial(make, 4))
    assert (slot.get(), made) == (4, [3, 4])
