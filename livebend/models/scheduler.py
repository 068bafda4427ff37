"""How a model wants to be sampled, read from its scheduler_config.json.

The class decides the sampler, the number of steps and the guidance, its options the noise schedule
and the times of the steps. What is left out of the file is what diffusers' class has for it, except
betas, which are then Stable Diffusion's. As in diffusers' pipeline, leading times begin at 1 and no
latent is clamped, whatever the file says.

A class that has no counterpart here is played by the nearest sampler, and a note says so; what
would give another picture altogether (a flow model, an unknown noise schedule) is refused.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, get_args

from livebend.core.errors import ModelError
from livebend.models.sampler import (
    BETA_END,
    BETA_START,
    USUAL,
    Betas,
    Kind,
    Noising,
    OwnSampler,
    Prediction,
    Spacing,
)

Config = Mapping[str, Any]

STEPS, GUIDANCE = 20, 7.5  # of a model that is not distilled
TURBO_STEPS, LCM_STEPS = 1, 4


@dataclass(frozen=True, slots=True)
class _Played:
    """How a class of diffusers is played: by which sampler, at times as `spacing` where the file
    does not say; without a spacing at the sampler's usual times. `like` is for a note."""

    sampler: OwnSampler
    spacing: Kind | None = None
    like: str = ""


_EULER, _DDIM = _Played("euler", like="euler"), _Played("ddim", like="ddim")
CLASSES: Mapping[str, _Played] = {
    "EulerDiscreteScheduler": _Played("euler", "linspace"),
    "EulerAncestralDiscreteScheduler": _Played("euler", "linspace", "euler, without new noise"),
    "HeunDiscreteScheduler": _EULER,
    "LMSDiscreteScheduler": _EULER,
    "KDPM2DiscreteScheduler": _EULER,
    "KDPM2AncestralDiscreteScheduler": _EULER,
    "DPMSolverSDEScheduler": _EULER,
    "DDIMScheduler": _Played("ddim", "leading"),
    "PNDMScheduler": _Played("pndm", "leading"),
    "DDPMScheduler": _Played("ddim", "leading", "ddim, without new noise"),
    "DPMSolverMultistepScheduler": _Played("dpm++", "linspace"),
    "DPMSolverSinglestepScheduler": _Played("ddim", like="ddim, its first order"),
    "DEISMultistepScheduler": _DDIM,
    "UniPCMultistepScheduler": _DDIM,
    "TCDScheduler": _Played("ddim", like="ddim"),
    "LCMScheduler": _Played("lcm", "lcm"),
}
FEW = {"LCMScheduler": LCM_STEPS, "TCDScheduler": LCM_STEPS}  # classes of distilled models
ONE_TO_END = ("DDIMScheduler", "LCMScheduler", "TCDScheduler")  # set_alpha_to_one, unless it says
# What a file must say, if anything: another value is another model than is played here.
FIXED: Mapping[str, tuple[Any, ...]] = {
    "num_train_timesteps": (1000,),
    "trained_betas": (None,),
    "timestep_type": ("discrete",),
    "use_flow_sigmas": (False, None),
}
# What changes where steps lie or how they are taken: played without, and noted.
TASTE: Mapping[str, tuple[Any, ...]] = {
    "use_karras_sigmas": (False, None),
    "use_exponential_sigmas": (False, None),
    "use_beta_sigmas": (False, None),
    "thresholding": (False, None),
    "interpolation_type": ("linear", None),
    "timestep_scaling": (10.0, None),
}


TASTE_OF: Mapping[str, Mapping[str, tuple[Any, ...]]] = {
    "dpm++": {
        "use_karras_sigmas": (True, False, None), "algorithm_type": ("dpmsolver++",),
        "solver_order": (2,), "solver_type": ("midpoint",), "use_lu_lambdas": (False, None),
        "lower_order_final": (True,), "euler_at_final": (False,),
    },
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Sampled:
    """How a model is sampled unless a scene says otherwise. `notes` are for the performer."""

    noising: Noising
    steps: int
    guidance: float  # 0 = off
    notes: tuple[str, ...] = ()

    def __str__(self) -> str:
        steps = f"{self.steps} step{'s' if self.steps != 1 else ''}"
        guidance = f"guidance {self.guidance:g}" if self.guidance > 1.0 else "no guidance"
        return f"{self.noising.sampler}, {steps}, {guidance}"


def read_scheduler(config: Config, *, name: str = "", steps: int = 0) -> Sampled:
    """Read how a model is sampled.

    config: of the file.
    name: what the model is called, where its scheduler is of no distilled model's class.
    steps: network calls without guidance, of a model that says so itself; 0 = it does not.
    Raises: ModelError.
    """
    kind = str(config.get("_class_name") or "EulerDiscreteScheduler")
    played = _played(kind, config)
    _check(config)
    spacing = _spacing(config, played)
    noising = Noising(
        float(config.get("beta_start", BETA_START)),
        float(config.get("beta_end", BETA_END)),
        prediction=_one_of(config, "prediction_type", Prediction, "epsilon"),
        betas=_one_of(config, "beta_schedule", Betas, "scaled_linear"),
        zero_snr=bool(config.get("rescale_betas_zero_snr")),
        final_one=_ends_clean(config, kind, played.sampler),
        sampler=played.sampler,
        spacing=spacing,
        karras=bool(played.sampler == "dpm++" and config.get("use_karras_sigmas")),
    )
    _check_end(noising)
    few = steps or _few(kind, noising, name)
    notes = [f"{kind} is played as {played.like}"] if played.like else []
    taste = {**TASTE, **TASTE_OF.get(played.sampler, {})}
    notes += [f"{k} = {config[k]!r} is left out" for k in taste if _differs(config, k, taste[k])]
    return Sampled(noising, few or STEPS, 0.0 if few else GUIDANCE, tuple(notes))


def _played(kind: str, config: Config) -> _Played:
    prediction = str(config.get("prediction_type", ""))
    if "Flow" in kind or prediction.startswith("flow"):
        raise ModelError(
            f"scheduler {kind}: a flow model; expected Stable Diffusion 1.x, 2.x or Turbo"
        )
    if kind not in CLASSES and "beta_schedule" not in config:
        raise ModelError(f"scheduler {kind} is not known; expected one such as DDIMScheduler")
    if kind == "PNDMScheduler" and not config.get("skip_prk_steps"):
        return _Played("ddim", "leading", "ddim: skip_prk_steps is off")
    return CLASSES.get(kind, _DDIM)


def _ends_clean(config: Config, kind: str, sampler: str) -> bool:
    """Whether nothing of the noise is left after the last step."""
    if sampler == "dpm++":
        return str(config.get("final_sigmas_type", "zero")) == "zero"
    return bool(config.get("set_alpha_to_one", kind in ONE_TO_END))


def _check(config: Config) -> None:
    for key, allowed in FIXED.items():
        if _differs(config, key, allowed):
            got = str(config[key])[:40]
            raise ModelError(f"scheduler: {key} = {got}: expected {allowed[0]}")


def _differs(config: Config, key: str, allowed: tuple[Any, ...]) -> bool:
    return key in config and config[key] not in allowed


def _one_of(config: Config, key: str, kind: Any, default: Any) -> Any:
    value, allowed = config.get(key) or default, get_args(kind)
    if value not in allowed:
        raise ModelError(f"scheduler: {key} = {value!r}: expected {' or '.join(allowed)}")
    return value


def _spacing(config: Config, played: _Played) -> Spacing:
    if played.spacing is None:
        return USUAL[played.sampler]
    if played.spacing == "lcm":
        return Spacing("lcm", origin=int(config.get("original_inference_steps") or 50))
    kinds = Literal["trailing", "leading", "linspace"]
    return Spacing(_one_of(config, "timestep_spacing", kinds, played.spacing))


def _check_end(noising: Noising) -> None:
    """Refuse noise from which a network that predicts the noise cannot tell a picture."""
    starts_at_noise = noising.sampler != "euler" and noising.spacing.kind != "leading"
    if noising.zero_snr and noising.prediction == "epsilon" and starts_at_noise:
        raise ModelError(
            "scheduler: rescale_betas_zero_snr with prediction_type = 'epsilon' and"
            f" {noising.spacing.kind} times divides by zero: expected v_prediction or leading times"
        )


def _few(kind: str, noising: Noising, name: str) -> int:
    """The steps of a distilled model; 0 for any other.

    SD-Turbo has Euler's sampler with trailing times and predicts the noise: trailing times alone
    are also those of models trained with a terminal signal of zero.
    """
    if kind in FEW:
        return FEW[kind]
    turbo = noising.sampler == "euler" and noising.spacing.kind == "trailing"
    if turbo and noising.prediction == "epsilon" and not noising.zero_snr:
        return TURBO_STEPS
    if "turbo" in name.lower():
        return TURBO_STEPS
    return LCM_STEPS if is_called_lcm(name) else 0


def is_called_lcm(name: str) -> bool:
    """Whether a model's name says that it is a latent consistency model."""
    return re.search(r"LCM|(?<![a-z])lcm(?![a-z])", name) is not None
