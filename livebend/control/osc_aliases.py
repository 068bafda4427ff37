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
from livebend.scene.values import Scene

Arguments = Sequence[object]
LISTED = "list"  # before the place of a prompt of /prompt_list, in its name in the mixer
LONGEST_LIST = limits.PROMPTS * limits.TEXT  # characters of a list in JSON


class Meaning(NamedTuple):
    """The messages that an alias stands for, and a notice."""

    messages: tuple[tuple[str, Arguments], ...] = ()
    notice: str = ""


def is_pressed(arguments: Arguments) -> bool:
    """Whether a button is pressed, and not let go."""
    return not arguments or arguments[-1] not in (0, False)


def _same(path: str, arguments: Arguments, _: Scene) -> Meaning:
    return Meaning(((f"{ROOT}/{path}", list(arguments)),))


def _hold(value: bool, arguments: Arguments, _: Scene) -> Meaning:
    """A button that holds the picture or lets it go on; released, it does nothing."""
    return Meaning(((f"{ROOT}/freeze", [int(value)]),) if is_pressed(arguments) else ())


def _nothing(notice: str, _: Arguments, __: Scene) -> Meaning:
    return Meaning(notice=notice)


def _prompts(arguments: Arguments, scene: Scene) -> Meaning:
    """[[text, weight], …]: the first is the scene's own, the others are in the mixer, each under a
    name of its place, so that a fader of a weight stays one."""
    texts = [(one, w) for one, w in _pairs("/prompt_list", arguments) if isinstance(one, str)]
    if not any(weight > 0.0 for _, weight in texts):
        raise OutOfRange("/prompt_list: expected [[text, weight], …] with a weight above 0")
    (first, weight), *others = texts
    messages: list[tuple[str, Arguments]] = []
    if scene.prompt.text != first:
        messages.append((f"{ROOT}/prompt/text", [first]))
    if scene.prompt.to:
        messages.append((f"{ROOT}/prompt/to", [""]))
    messages.append((f"{ROOT}/prompt/weight", [weight]))
    here, mixer = {one.name: one.text for one in scene.mix}, f"{ROOT}/prompt/mix"
    names = [f"{LISTED}{place}" for place in range(2, limits.MIXED + 2)]
    for name, (text, weight) in zip(names, others, strict=False):
        if name not in here:
            messages.append((f"{mixer}/replace", [name, text, "weight", weight]))
            continue
        if here[name] != text:
            messages.append((f"{mixer}/{name}/text", [text]))
        messages.append((f"{mixer}/{name}/weight", [weight]))
    gone = [name for name in names[len(others) :] if name in here]
    messages += [(f"{mixer}/remove", [name]) for name in gone]
    left = len(others) - len(names)
    said = f"/prompt_list: the last {left} are left out" if left > 0 else ""
    return Meaning(tuple(messages), said)


def _seeds(arguments: Arguments, _: Scene) -> Meaning:
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


ALIASES: Mapping[str, Callable[[Arguments, Scene], Meaning]] = {
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
