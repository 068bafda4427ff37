"""The only place where an operator meets a tensor.

A bend chooses channels, scales amounts to the site, calls its operator in float32, renormalises,
mixes, and gives the site back its dtype and memory layout. It returns a new tensor and never writes
to its input.
"""

import math
from dataclasses import replace
from typing import cast

import torch
from torch import Tensor

from livebend.bending.channels import channel_index
from livebend.bending.feedback_state import Given
from livebend.bending.moments import (
    WHOLE,
    Moments,
    Number,
    added,
    held,
    is_one,
    length,
    moments,
    moved,
    over,
    sizes,
)
from livebend.core.errors import Refused
from livebend.core.sites import is_attention, is_text, place
from livebend.core.specs import ParameterValue, Spec
from livebend.operators.library import find_operator
from livebend.operators.registry import Operator, Past
from livebend.scene.values import Bend

LIMIT = 6.0  # deviations of the site from its mean, to which a bend is clamped
MANY = 32  # channels from which a copy to channels-last is faster as one matrix transposed
REACH = 8.0  # times the operator's own change: how far a strength may drive it


def check_given(bend: Bend) -> None:
    """Raises: Refused where the bend's operator needs something that its site does not have."""
    if "toward" in find_operator(bend.operator).given and not is_text(place(bend.site).site):
        raise Refused(
            f"bend.{bend.name}.site = {bend.site!r}: {bend.operator} acts at unet.text and"
            " unet.text.BLOCK"
        )


def units_of(bend: Bend) -> str:
    """Return `sigma`, amounts in deviations of the site, or `raw`, amounts as they are: the factors
    at `unet.attention` are ones, which have no deviation."""
    return "raw" if is_attention(place(bend.site).site) else bend.units


def is_active(bend: Bend) -> bool:
    """Whether the bend would change anything."""
    return not (
        bend.mute or bend.mix == 0.0 or find_operator(bend.operator).is_neutral(bend.values)
    )


def active(bends: tuple[Bend, ...]) -> tuple[Bend, ...]:
    """The bends that change something, in order; where any is solo, only those that are."""
    chosen = tuple(b for b in bends if b.solo) or bends
    return tuple(b for b in chosen if is_active(b))


def fraction_of(bend: Bend, w: float) -> Bend:
    """Return the fraction w (0..1) of a bend, so that w and 1 − w together make about the whole.

    A factor r (an amount whose neutral value is not 0) becomes r^w, any other amount a becomes w·a;
    an angle keeps its whole turns. An operator without amounts, or with integer ones, gets w of its
    mix. A strength is divided like an amount. It is exact where nothing lies between the two parts
    and the operator is a group in its amount (turns, gains, powers, shifts); elsewhere about right.
    """
    op = find_operator(bend.operator)
    specs = [op.specs[name] for name in op.amounts]
    if w == 1.0:
        return bend
    if not specs or any(spec.kind == "int" for spec in specs):
        return replace(bend, mix=w * bend.mix)
    parts = {s.name: _fraction(s, float(bend.values.get(s.name, s.default)), w) for s in specs}
    return replace(bend, values={**bend.values, **parts}, strength=w * bend.strength)


def _fraction(spec: Spec, value: float, w: float) -> float:
    neutral = float(spec.default)
    return w * value if neutral == 0.0 else float(neutral * (value / neutral) ** w)


def signature(bend: Bend) -> tuple[object, ...]:
    """Everything about a bend, but its mask, that its result depends on, as a key."""
    values = tuple(sorted(bend.values.items()))
    kept = (bend.channels, bend.mix, bend.strength, bend.normalise, bend.units)
    return (bend.operator, values, *kept)


def apply_bend(
    bend: Bend, x: Tensor, mask: Tensor | None = None, given: Given | None = None
) -> tuple[Tensor, Tensor]:
    """Bend x [B, C, H, W]; return (y, d), y like x in shape, dtype and strides, d = ‖y−x‖/‖x‖.

    Text embeddings [B, T, C] are seen as [B, C, 1, T], time embeddings [B, C] as [B, C, 1, 1].
    `mask` [H, W], float32, is how much of the bend acts at each position: x + mask·mix·s·(y − x).
    s is 1, or what brings d to the bend's strength where mask and mix are 1, from this x alone.
    `given` is what the operator takes besides x, tensors in the shape of x.
    """
    h = _as_picture(x.float())
    index = None
    if bend.channels != "all":
        index = channel_index(bend.channels, h.shape[1], h.device)
    part = h if index is None else h.index_select(1, index)
    like = moments(part) if units_of(bend) == "sigma" else None
    y = _bent(bend, h, part, like, index, given or {})
    y, size = _mixed(bend, y, part, mask)
    d = over(size, _size(h, part, like))
    y = y if index is None else h.index_copy(1, index, y)
    return _like(x, y), torch.scalar_tensor(d) if isinstance(d, float) else d


def _mixed(bend: Bend, y: Tensor, x: Tensor, mask: Tensor | None) -> tuple[Tensor, Number]:
    """Return x on its way to y by the bend's mix and mask, and how far that is: ‖result − x‖."""
    if mask is not None:
        y = torch.lerp(x, y, bend.mix * mask)
    if not is_one(x):
        y = y if mask is not None or bend.mix == 1.0 else torch.lerp(x, y, bend.mix)
        return y, torch.dist(y, x)
    change = y - x
    if mask is not None or bend.mix == 1.0:
        return y, length(change)
    return added(x, bend.mix, change), bend.mix * length(change)


def _size(h: Tensor, part: Tensor, like: Moments | None) -> Number:
    """Return ‖h‖; `like` are the moments of the part, if they are known."""
    if not is_one(h):
        whole: Tensor = torch.linalg.vector_norm(h)
        return whole
    if part is h and like is not None:
        return math.hypot(cast(float, like.mean), cast(float, like.sd)) * math.sqrt(h.numel())
    return length(h)


def _as_picture(x: Tensor) -> Tensor:
    if x.dim() == 3:
        return x.transpose(1, 2).unsqueeze(2)
    return x[..., None, None] if x.dim() == 2 else x


def _bent(
    bend: Bend,
    h: Tensor,
    part: Tensor,
    like: Moments | None,
    index: Tensor | None,
    given: Given,
) -> Tensor:
    """Return what the operator makes of the part of h that it acts on, brought to the bend's
    deviation and strength, bounded, and laid in memory like that part."""
    op = find_operator(bend.operator)
    extras = {name: _given(given.get(name), index) for name in op.given}
    made = op.function(part, **_amounts(op, bend, like), **extras)
    y = _laid_like(part, made.to(part.dtype))  # a performer's own may return any
    y = _normalised(op, bend, y, part, like)
    if bend.strength > 0.0:
        change = y - part
        y = added(part, _factor(bend.strength, change, h), change)
    return y if like is None else held(y, like, LIMIT)


def _factor(strength: float, change: Tensor, x: Tensor) -> Number:
    """Return s so that ‖s·change‖ = strength·‖x‖, sample by sample, but never above REACH: an
    operator that does next to nothing cannot be driven to a strength."""
    return over(strength * sizes(x), sizes(change), most=REACH)


def _given(given: Past | Tensor | None, index: Tensor | None) -> Past | Tensor | None:
    """What an operator takes besides x, as a picture, of the channels that it acts on."""
    if isinstance(given, Past):
        return Past(_selected(given.tensor, index), given.seconds)
    return None if given is None else _selected(given, index)


def _selected(x: Tensor, index: Tensor | None) -> Tensor:
    h = _as_picture(x.float())
    return h if index is None else h.index_select(1, index)


def _amounts(op: Operator, bend: Bend, like: Moments | None) -> dict[str, ParameterValue | Tensor]:
    """The operator's arguments, those measured in σ scaled to the site, sample by sample."""
    values: dict[str, ParameterValue | Tensor] = {**op.defaults, **bend.values}
    if like is not None:
        for name in op.scaled:
            values[name] = like.sd * cast(float, values[name])
    return values


def _normalised(op: Operator, bend: Bend, y: Tensor, x: Tensor, like: Moments | None) -> Tensor:
    """Give y the mean and deviation of x, per sample or per channel, unless it keeps them."""
    rule = bend.normalise
    if rule == "auto":
        rule = "match" if op.matched and like is not None else "none"
    if rule == "none":
        return y
    axes = WHOLE if rule == "match" else (2, 3)
    wanted = like if like is not None and rule == "match" else moments(x, axes)
    own = moments(y, axes)
    return moved(own, over(wanted.sd, own.sd, least=1e-6), wanted.mean, y)


def _like(x: Tensor, y: Tensor) -> Tensor:
    """Return y with the dtype and strides of x: a changed layout would recompile what follows."""
    out = y.to(x.dtype)
    if x.dim() < 4:
        out = out.flatten(2)
        out = out.transpose(1, 2) if x.dim() == 3 else out.squeeze(2)
    return _laid_like(x, out)


def _laid_like(x: Tensor, y: Tensor) -> Tensor:
    """Return y with the strides of x: arithmetic on two different layouts is slow."""
    if y.stride() == x.stride():
        return y
    made = torch.empty_like(x, dtype=y.dtype)
    many = len(y) == 1 and y.shape[1] >= MANY
    if many and y.is_contiguous() and made.is_contiguous(memory_format=torch.channels_last):
        made.permute(0, 2, 3, 1).flatten(0, 2).copy_(y[0].flatten(1).T)
        return made
    return made.copy_(y)
