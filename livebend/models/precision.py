"""The precisions a network can be computed in, and the fastest one on this machine."""

import torch

from livebend.core.errors import UnknownName

AUTO = "auto"
DTYPES = {"float32": torch.float32, "bfloat16": torch.bfloat16, "float16": torch.float16}


def dtype_of(name: str) -> torch.dtype | None:
    """Return the type of that name; None for auto, which is the fastest. Raises: UnknownName."""
    if name not in (AUTO, *DTYPES):
        raise UnknownName("dtype", name, (AUTO, *DTYPES))
    return DTYPES.get(name)


def best_device() -> tuple[torch.device, torch.dtype]:
    """Return this machine's device and the fastest precision on it without visible loss."""
    if torch.cuda.is_available():
        return torch.device("cuda"), torch.float16
    if torch.backends.mps.is_available():
        return torch.device("mps"), torch.float16
    return torch.device("cpu"), torch.bfloat16 if multiplies_bfloat16() else torch.float32


def multiplies_bfloat16() -> bool:
    """Whether this processor multiplies in bfloat16, which is faster than in float32."""
    capability = torch.backends.cpu.get_cpu_capability()
    return capability.startswith("AVX512") and torch.ops.mkldnn._is_mkldnn_bf16_supported()


def name_of(dtype: torch.dtype) -> str:
    """Return a type's name, such as float32."""
    return str(dtype).removeprefix("torch.")
