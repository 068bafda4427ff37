"""A start imports what it plays, and what it left out can be imported whole afterwards."""

import subprocess
import sys

PLAYED = """
import sys
from livebend.models.checkpoint import load_model
from livebend.rendering.network import Network
from livebend.device.memory import Versioned
from livebend.scene.values import Sampling
network = Network(load_model("tiny"), 64, 64)
text = Versioned(-1, network.model.encode(["a red orb"]))
network.paint(network.noise(1)[0], text, (), Sampling("euler", 1))
print(*(n for n in ("torch._dynamo", "torch._inductor", "torch.onnx", "onnxruntime",
                    "torch.distributed.tensor", "diffusers.models.transformers",
                    "diffusers.loaders", "scipy") if n in sys.modules))
"""
WHOLE = """
import torch._dynamo
from diffusers import StableDiffusionPipeline, UNet2DConditionModel
from diffusers.models.autoencoders import AutoencoderTiny
from diffusers.loaders import PeftAdapterMixin
from torch.distributed.tensor import DTensor, Shard
from transformers.loss.loss_utils import LOSS_MAPPING
assert hasattr(PeftAdapterMixin, "load_lora_adapter")
assert issubclass(DTensor, torch.Tensor) and Shard(1).dim == 1
assert LOSS_MAPPING
assert torch._dynamo.disable.__module__ == "torch._dynamo.decorators"
print(type(network.model.unet) is UNet2DConditionModel)
print(type(network.model.vae) is AutoencoderTiny)
"""


def test_a_start_leaves_out_what_it_does_not_play():
    done = subprocess.run(
        [sys.executable, "-c", PLAYED + WHOLE], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines() == ["", "True", "True"]
