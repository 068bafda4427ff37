"""The only place where an operator meets a tensor.

A bend chooses channels, scales amounts to the site, calls its operator in float32, renormalises,
mixes, and gives the site back its dtype and memory layout. It returns a new tensor and never writes
to its input.
"""

from dataclasses import replace
from typing import NamedTuple

import torch
from torch import Tensor

from livebend.bending.channels import channel_index
from livebend.bending.feedback_state import Given
from livebend.core.errors import Refused
from livebend.core.sites import is_attention, is_text, place
from livebend.core.specs import ParameterValue, Spec
from livebend.operators.library import find_operator
from livebend.operators.registry import Operator, Past
from livebend.scene.values import Bend

LIMIT = 6.0  # deviations of the site from its mean, to which a bend is clamped
WHOLE = (1, 2, 3)  # axes: all of a sample
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
    y = _bent(bend, h, mask, given or {})
    return _like(x, y), torch.dist(y, h) / torch.linalg.vector_norm(h).clamp_min_(1e-12)


def _as_picture(x: Tensor) -> Tensor:
    if x.dim() == 3:
        return x.transpose(1, 2).unsqueeze(2)
    return x[..., None, None] if x.dim() == 2 else x


class _Moments(NamedTuple):
    """Of x [B, C, H, W] over some axes: its mean, what is left of it, and its deviation."""

    mean: Tensor
    rest: Tensor
    sd: Tensor


def _moments(x: Tensor, axes: tuple[int, ...] = WHOLE) -> _Moments:
    """Take x's mean away first: as exact as torch.std_mean, and a tenth of its time.

    Squares are summed and not taken as a norm, which adds up in plain float32: over 300,000 numbers
    it is off by 3e-6, this by 1e-8.
    """
    mean = x.mean(axes, keepdim=True)
    rest = x - mean
    return _Moments(mean, rest, rest.square().mean(axes, keepdim=True).sqrt())


def _bent(bend: Bend, h: Tensor, mask: Tensor | None, given: Given) -> Tensor:
    op, sigma = find_operator(bend.operator), units_of(bend) == "sigma"
    index = channel_index(bend.channels, h.shape[1], h.device)
    part = h if index is None else h.index_select(1, index)
    moments = _moments(part) if sigma else None
    extras = {name: _given(given.get(name), index) for name in op.given}
    y = _laid_like(part, op.function(part, **_amounts(op, bend, moments), **extras))
    y = _normalised(op, bend, y, part, moments)
    if bend.strength > 0.0:
        y = part + _factor(bend.strength, y - part, h) * (y - part)
    if moments is not None:
        y = _clamped(y, moments)
    if mask is not None:
        y = torch.lerp(part, y, bend.mix * mask)
    elif bend.mix != 1.0:
        y = torch.lerp(part, y, bend.mix)
    return y if index is None else h.index_copy(1, index, y)


def _factor(strength: float, change: Tensor, x: Tensor) -> Tensor:
    """Return s [B, 1, 1, 1] so that ‖s·change‖ = strength·‖x‖, sample by sample, but never above
    REACH: an operator that does next to nothing cannot be driven to a strength."""
    size, whole = (
        torch.linalg.vector_norm(h, dim=(1, 2, 3), keepdim=True).clamp_min(1e-12)
        for h in (change, x)
    )
    factor: Tensor = (strength * whole / size).clamp_max(REACH)
    return factor


def _given(given: Past | Tensor | None, index: Tensor | None) -> Past | Tensor | None:
    """What an operator takes besides x, as a picture, of the channels that it acts on."""
    if isinstance(given, Past):
        return Past(_selected(given.tensor, index), given.seconds)
    return None if given is None else _selected(given, index)


def _selected(x: Tensor, index: Tensor | None) -> Tensor:
    h = _as_picture(x.float())
    return h if index is None else h.index_select(1, index)


def _amounts(
    op: Operator, bend: Bend, moments: _Moments | None
) -> dict[str, ParameterValue | Tensor]:
    """The operator's arguments, those measured in σ scaled to the site, sample by sample."""
    values: dict[str, ParameterValue | Tensor] = {**op.defaults(), **bend.values}
    if moments is not None:
        scaled = [n for n, s in op.specs.items() if s.range is not None and s.range.scales]
        values.update({n: moments.sd * values[n] for n in scaled})
    return values


def _normalised(op: Operator, bend: Bend, y: Tensor, x: Tensor, moments: _Moments | None) -> Tensor:
    """Give y the mean and deviation of x, per sample or per channel, unless it keeps them."""
    rule = bend.normalise
    if rule == "auto":
        rule = "match" if op.matched and moments is not None else "none"
    if rule == "none":
        return y
    axes = WHOLE if rule == "match" else (2, 3)
    like = moments if moments is not None and rule == "match" else _moments(x, axes)
    own = _moments(y, axes)
    return own.rest * (like.sd / own.sd.clamp_min(1e-6)) + like.mean


def _clamped(y: Tensor, x: _Moments) -> Tensor:
    """Clamp y to LIMIT deviations of x about its mean, or to the range of x where that is wider."""
    reach = torch.maximum(LIMIT * x.sd, x.rest.abs().amax(WHOLE, keepdim=True))
    # Not clamp: it takes three times as long where its bounds are tensors.
    return torch.minimum(torch.maximum(y, x.mean - reach), x.mean + reach)


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
