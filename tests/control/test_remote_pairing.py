"""The code of a show and its tokens: who has them, and who guesses."""

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from livebend.control.door import Door
from livebend.control.remote.pairing import DIGITS, MINUTE, Pairing, key_from
from livebend.core import limits
from livebend.core.errors import Refused
from tests.fakes.times import ManualTime

HERE, THERE = "192.168.1.20", "192.168.1.66"


@pytest.fixture
def time():
    return ManualTime()


def test_every_show_has_a_code_and_a_key_of_its_own(time):
    shows = [Pairing(time.now) for _ in range(20)]
    assert all(len(show.code) == DIGITS and show.code.isdigit() for show in shows)
    assert len({show.code for show in shows}) > 15
    token = shows[0].pair(shows[0].code, HERE)
    assert [show.knows(token, HERE) for show in shows] == [True] + [False] * 19


def test_codes_are_spread_over_all_there_are(time):
    first = [Pairing(time.now, bytes([n // 256, n % 256]) * 16).code[0] for n in range(2000)]
    assert all(150 < first.count(str(digit)) < 250 for digit in range(10))


def test_a_token_is_good_on_its_machine_alone(time):
    show = Pairing(time.now)
    token = show.pair(show.code, HERE)
    assert show.knows(token, HERE)
    assert show.knows(token, f"::ffff:{HERE}")
    assert not show.knows(token, THERE)
    assert show.pair(show.code, HERE) != token


def test_a_show_that_is_started_again_knows_its_pages(time):
    first, again, other = (Pairing(time.now, key_from(text)) for text in ("a", "a", "b"))
    token = first.pair(first.code, HERE)
    assert (again.code, again.knows(token, HERE)) == (first.code, True)
    assert not other.knows(token, HERE)
    assert key_from("") is None


@given(st.one_of(st.text(max_size=200), st.binary(max_size=80).map(bytes.hex)))
@example("")
@example("00" * 48)
@example("é" * 6)
def test_what_was_not_given_out_is_no_token(text):
    show = Pairing(ManualTime().now, b"k" * 32)
    assert not show.knows(text, HERE)
    token = show.pair(show.code, HERE)
    for place in (0, 20, -1):
        bent = token[:place] + ("0" if token[place] != "0" else "1") + token[place:][1:]
        assert not show.knows(bent, HERE)


def test_wrong_codes_are_refused_and_after_a_few_right_ones_too(time):
    show = Pairing(time.now, b"k" * 32)
    wrong = f"{(int(show.code) + 1) % 10**DIGITS:0{DIGITS}}"
    for _ in range(limits.TRIES):
        with pytest.raises(Refused, match="this is not the code"):
            show.pair(wrong, THERE)
    for given_code in (wrong, show.code):
        with pytest.raises(Refused, match="too many codes"):
            show.pair(given_code, HERE)
    time.moment += MINUTE
    assert show.knows(show.pair(show.code, HERE), HERE)


@given(st.text(max_size=60))
def test_no_text_is_the_code(text):
    show = Pairing(ManualTime().now, b"k" * 32)
    if text != show.code:
        with pytest.raises(Refused):
            show.pair(text, HERE)


# ---- the operator's key --------------------------------------------------------------------------


def test_a_paired_machine_is_turned_away_by_the_key(time):
    door = Door(["10.0.0.0/8"], now=time.now)
    with pytest.raises(Refused):
        door.decide("dismiss")
    door.pair(HERE)
    door.pair("10.0.0.5")  # it is let in anyway
    assert not door.knows(HERE)
    assert not door.has_dismissed(HERE)
    assert HERE in door.decide("dismiss")
    assert door.has_dismissed(HERE)
    with pytest.raises(Refused):
        door.decide("dismiss")


def test_to_know_a_machine_names_no_stranger(time):
    warned = []
    door = Door(["10.0.0.0/8"], warned.append, now=time.now)
    assert not door.knows(HERE)
    assert warned == []
    door.lets_in(HERE)
    assert len(warned) == 1
