"""Models: diffusers' modules regrouped as named stages, and the embedded model's weights."""

from livebend.models.folder import (
    Model,
    best_device,
    find_folder,
    lay_out,
    load_model,
    multiplies_bfloat16,
    name_of,
)
from livebend.models.stages import (
    LAYOUT,
    Group,
    Stage,
    groups,
    sites,
    time_stage,
    unet_stages,
    vae_stages,
)

__all__ = [
    "LAYOUT",
    "Group",
    "Model",
    "Stage",
    "best_device",
    "find_folder",
    "groups",
    "lay_out",
    "load_model",
    "multiplies_bfloat16",
    "name_of",
    "sites",
    "time_stage",
    "unet_stages",
    "vae_stages",
]
