"""The precisions a network can be computed in, and the fastest one on each device."""

import torch

from livebend.core.errors import UnknownName
from livebend.device.devices import AUTO

DTYPES = {"float32": torch.float32, "bfloat16": torch.bfloat16, "float16": torch.float16}


def dtype_of(name: str) -> torch.dtype | None:
    """Return the type of that name; None for auto, which is the fastest. Raises: UnknownName."""
    if name not in (AUTO, *DTYPES):
        raise UnknownName("dtype", name, (AUTO, *DTYPES))
    return DTYPES.get(name)


def best_dtype(device: str) -> torch.dtype:
    """Return the fastest precision without visible loss on a device, as `--device` names it. An
    Intel GPU or NPU takes float32 and computes in float16 itself."""
    if device in ("cuda", "mps"):
        return torch.float16
    return torch.bfloat16 if device == "cpu" and multiplies_bfloat16() else torch.float32


def multiplies_bfloat16() -> bool:
    """Whether this processor multiplies in bfloat16, which is faster than in float32."""
    capability = torch.backends.cpu.get_cpu_capability()
    return capability.startswith("AVX512") and torch.ops.mkldnn._is_mkldnn_bf16_supported()


def name_of(dtype: torch.dtype) -> str:
    """Return a type's name, such as float32."""
    return str(dtype).removeprefix("torch.")
