"""Addresses of StreamDiffusion in TouchDesigner, so that patches for it play livebend too.

Each is read as messages to addresses of livebend. What livebend has no equal of is said once in a
while, with what comes nearest.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import NamedTuple

from livebend.control.osc_packets import ROOT
from livebend.core import limits
from livebend.core.errors import OutOfRange, shown

Arguments = Sequence[object]
LONGEST_LIST = limits.PROMPTS * limits.TEXT  # characters of a list in JSON


class Meaning(NamedTuple):
    """The messages that an alias stands for, and a notice."""

    messages: tuple[tuple[str, Arguments], ...] = ()
    notice: str = ""


def _same(path: str, arguments: Arguments) -> Meaning:
    return Meaning(((f"{ROOT}/{path}", list(arguments)),))


def _hold(value: bool, arguments: Arguments) -> Meaning:
    """A button that holds the picture or lets it go on; released, it does nothing."""
    pressed = not arguments or arguments[-1] not in (0, False)
    return Meaning(((f"{ROOT}/freeze", [int(value)]),) if pressed else ())


def _nothing(notice: str, _: Arguments) -> Meaning:
    return Meaning(notice=notice)


def _prompts(arguments: Arguments) -> Meaning:
    """[[text, weight], …]: one is painted alone, of more the two heaviest are blended."""
    pairs = sorted(_pairs("/prompt_list", arguments), key=lambda pair: -pair[1])
    texts = [(text, weight) for text, weight in pairs if isinstance(text, str) and weight > 0.0]
    if not texts:
        raise OutOfRange("/prompt_list: expected [[text, weight], …] with a weight above 0")
    (first, most), (second, rest) = texts[0], texts[1] if len(texts) > 1 else ("", 0.0)
    messages = (
        (f"{ROOT}/prompt/text", [first]),
        (f"{ROOT}/prompt/to", [second]),
        (f"{ROOT}/prompt/blend", [rest / (most + rest)]),
    )
    left = len(texts) - 2
    said = f"/prompt_list: the two heaviest are blended, {left} left out" if left > 0 else ""
    return Meaning(messages, said)


def _seeds(arguments: Arguments) -> Meaning:
    """[[seed, weight], …]: the heaviest counts."""
    pairs = _pairs("/seed_list", arguments)
    if not pairs:
        raise OutOfRange("/seed_list: expected [[seed, weight], …]")
    said = "/seed_list: noises are not mixed, the heaviest counts; walk.radius moves through noise"
    seed = max(pairs, key=lambda pair: pair[1])[0]
    return Meaning(((f"{ROOT}/seed", [seed]),), said if len(pairs) > 1 else "")


def _pairs(address: str, arguments: Arguments) -> list[tuple[object, float]]:
    """Read a list of pairs, something and its weight, in JSON. Raises: OutOfRange."""
    text = arguments[0] if arguments else ""
    try:
        if not isinstance(text, str) or len(text) > LONGEST_LIST:
            raise ValueError
        found = json.loads(text)
        return [(one, float(weight)) for one, weight in found][: limits.PROMPTS]
    except (ValueError, TypeError, RecursionError):
        raise OutOfRange(f"{address} = {shown(text)}: expected [[…, weight], …] in JSON") from None


ALIASES: Mapping[str, Callable[[Arguments], Meaning]] = {
    "/prompt": partial(_same, "prompt"),
    "/prompt_list": _prompts,
    "/negative_prompt": partial(_same, "prompt/negative"),
    "/seed": partial(_same, "seed"),
    "/seed_list": _seeds,
    "/guidance_scale": partial(_same, "sampling/guidance"),
    "/num_inference_steps": partial(_same, "sampling/steps"),
    "/pause": partial(_hold, True),
    "/play": partial(_hold, False),
    "/delta": partial(
        _nothing, "/delta does nothing: no noise of a frame before is left over; try walk.radius"
    ),
    "/t_list": partial(
        _nothing, "/t_list does nothing: the sampler places its steps; try sampling.steps"
    ),
}
