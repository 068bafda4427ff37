"""Everything a user can do wrong, as one tree.

    LivebendError
    ├── Refused          a value, name or file that cannot be used
    │   ├── UnknownName  a name outside a closed set, with the nearest one
    │   ├── OutOfRange   a number, choice or type outside what its parameter allows
    │   └── NoEncoder    an encoder that is not on this machine, or gives up
    ├── PresetError      a preset or cue file that cannot be read, with file and key
    ├── SoundError       a sound file or device that cannot be read
    ├── PictureError     a picture, a film or a camera that cannot be read
    ├── OperatorError    a performer's own operator that cannot be used
    ├── BendFault        a bend whose operator failed while a frame was painted
    ├── ModelError       a model folder that cannot be run
    └── BackendError     an engine that cannot run a stage here; torch runs it instead

The command line prints the message of a LivebendError as one line; nothing else may reach a user.
"""

import heapq
from collections.abc import Iterable
from difflib import get_close_matches
from itertools import pairwise
from reprlib import Repr

LISTED = 12  # names of a closed set that are listed in full
NEAREST = 3  # names that are listed of a larger one, where none is like what was given
COMPARED = 50  # names that are compared letter by letter
NO_MEMORY = ("out of memory", "enough memory", "allocate memory", "bad_alloc", "bad allocation")
LONGEST = 100  # characters of a foreign name or value that a message repeats


class LivebendError(Exception):
    """Something a user can correct; the message says what was given, where, and what is allowed."""


class Refused(LivebendError):
    """A value that cannot be used: an error before the show, counted and ignored during it."""


class OutOfRange(Refused):
    """A value of the wrong type, or outside its parameter's range or choices."""


class NoEncoder(Refused):
    """An encoder of films that is not on this machine, or gives up; files are as they should be."""


class UnknownName(Refused):
    """A name outside a closed set. The message has the nearest name or, where none is near, all
    of a few names and the nearest few of many."""

    def __init__(self, kind: str, got: str, allowed: Iterable[str]) -> None:
        names, short = sorted(allowed), got[:LONGEST]
        near = nearest(short, names)
        if near:
            hint = f"did you mean {near!r}?"
        elif len(names) > LISTED:
            hint = f"nearest of {len(names)}: {', '.join(_close(short, names, NEAREST, 0.0))}"
        else:
            hint = f"known: {', '.join(names) or 'none'}"
        super().__init__(f"unknown {kind} {short!r}; {hint}")


class PresetError(LivebendError):
    """A preset or cue file that cannot be read; the message begins with file and key."""


class SoundError(LivebendError):
    """A sound file or device that cannot be opened or decoded."""


class PictureError(LivebendError):
    """A picture, a film or a camera that cannot be opened or decoded."""


class OperatorError(LivebendError):
    """A performer's own operator that cannot be used, with file and line."""


class BendFault(LivebendError):
    """A bend whose operator failed while a frame was painted; live, the show goes on without it."""

    def __init__(self, bend: str, operator: str, site: str, why: Exception) -> None:
        super().__init__(f"bend.{bend}: {operator} at {site}: {one_line(why)}")
        self.bend = bend


class ModelError(LivebendError):
    """A model folder that is missing, incomplete or of a family livebend does not run."""


class BackendError(LivebendError):
    """An engine that is missing, or that cannot run a stage; the message says which and why."""


def lacks_memory(fault: BaseException | None) -> bool:
    """Whether a fault, or what it came of, is that the machine or the device has no memory left:
    libraries say so in their own words."""
    while fault is not None:
        words = str(fault).lower()
        if isinstance(fault, MemoryError) or any(word in words for word in NO_MEMORY):
            return True
        fault = fault.__cause__
    return False


def one_line(fault: BaseException) -> str:
    """Return the first line of a fault's message, after the name of its class unless it is one of
    livebend's own."""
    text = str(fault).strip().partition("\n")[0].rstrip()
    kind = type(fault).__name__
    return text if isinstance(fault, LivebendError) else f"{kind}: {text}" if text else kind


class _Shown(Repr):
    """Reprs of bounded depth and length."""

    def __init__(self) -> None:
        super().__init__()
        self.maxlevel, self.maxstring, self.maxother = 2, LONGEST, LONGEST
        self.maxdict = self.maxlist = self.maxtuple = 3

    def repr_int(self, x: int, _: int) -> str:
        return str(x) if x.bit_length() <= 128 else f"a number of {x.bit_length()} bits"


_shown = _Shown()


def shown(value: object) -> str:
    """Return a foreign value as a message repeats it: on one line, and never long.

    >>> shown("a\\nb"), shown([[[[1]]]])
    ("'a\\\\nb'", '[[[...]]]')
    """
    return _shown.repr(value)


def nearest(got: str, allowed: Iterable[str], least: float = 0.5) -> str | None:
    """Return the allowed name most like `got`, or None where none is similar by `least` (0..1)."""
    found = _close(got, allowed, 1, least)
    return found[0] if found else None


def _close(got: str, allowed: Iterable[str], most: int, least: float) -> list[str]:
    """The names most like `got`, the best first. Of many, those that share most pairs of letters
    are compared further, since that takes a tenth of a millisecond for each."""
    wanted, folded = got.casefold(), {name.casefold(): name for name in allowed}
    names: Iterable[str] = folded
    if len(folded) > COMPARED:
        pairs = set(pairwise(wanted))
        shared = {n: len(pairs.intersection(pairwise(n))) / (len(n) + 9) for n in folded}
        names = heapq.nlargest(COMPARED, folded, key=shared.__getitem__)
    return [folded[name] for name in get_close_matches(wanted, names, n=most, cutoff=least)]
