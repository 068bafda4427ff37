"""Which of several devices or streams a performer means."""

from collections.abc import Sequence

from livebend.core.errors import PictureError, nearest


def chosen(what: str, which: str, names: Sequence[str]) -> str:
    """Return the name that is `which`, or has it as a part; "" is the first.

    Raises: PictureError, with the nearest name, or with all that there are.
    """
    wanted = which.casefold()
    found = [name for name in names if name.casefold() == wanted]
    found = found or [name for name in names if wanted in name.casefold()]
    if not found:
        raise missing(what, which, names)
    return found[0]


def missing(what: str, which: str, names: Sequence[str]) -> PictureError:
    """Return what to raise where nothing has that name: with the nearest, or all that there are."""
    near, here = nearest(which, names), ", ".join(names)
    hint = f"did you mean {near!r}?" if near else f"there are: {here}" if here else "there is none"
    return PictureError(f"no {what} {which!r}; {hint}" if which else f"no {what} is there")
