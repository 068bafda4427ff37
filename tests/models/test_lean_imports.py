"""A start imports what it plays, and what it left out can be imported whole afterwards."""

import subprocess
import sys
from importlib.metadata import version

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
                    "diffusers.loaders", "scipy", "sympy", "diffusers", "diffusers.utils",
                    "transformers", "transformers.utils", "jinja2", "requests",
                    "huggingface_hub.hf_api", "torch.distributed.checkpoint") if n in sys.modules))
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
from huggingface_hub import HfApi, snapshot_download
assert HfApi.__module__ == "huggingface_hub.hf_api" and callable(HfApi().list_models)
assert snapshot_download.__module__ == "huggingface_hub._snapshot_download"
from importlib.metadata import packages_distributions
assert "torch" in packages_distributions() and type(packages_distributions()) is dict
from transformers import CLIPTextModel, CLIPTokenizer
from livebend.models.places import TINY
folder, whole = TINY / "text_encoder", {"local_files_only": True}
text = CLIPTextModel.from_pretrained(folder, **whole).eval()
tokenizer = CLIPTokenizer.from_pretrained(TINY / "tokenizer", **whole)
unet = UNet2DConditionModel.from_pretrained(TINY / "unet", low_cpu_mem_usage=False, **whole)
for own, theirs in ((network.model.text_encoder, text), (network.model.unet, unet)):
    for a, b in zip(own.state_dict().values(), theirs.state_dict().values(), strict=True):
        assert torch.equal(a, b.to(a.dtype))
print(type(network.model.unet) is UNet2DConditionModel)
print(type(network.model.vae) is AutoencoderTiny)
"""


def test_a_start_leaves_out_what_it_does_not_play():
    done = subprocess.run(
        [sys.executable, "-c", PLAYED + WHOLE], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines() == ["", "True", "True"]


STANDING_IN = """
import sys
from livebend.models.lean_imports import lean
with lean():
    import diffusers, transformers.utils
    from transformers.utils import CONFIG_NAME, logging
    from diffusers.utils import BaseOutput
    print(diffusers.__version__, transformers.__version__, CONFIG_NAME, BaseOutput.__module__)
    print("transformers.utils.generic" in sys.modules)
    print(transformers.utils.DUMMY_INPUTS[1], hasattr(diffusers, "__file__"))
    print(transformers.utils is sys.modules["transformers.utils"])
    print(callable(transformers.utils.check_min_version), "torchvision" in sys.modules)
    try:
        diffusers.no_such_name
    except AttributeError:
        print("no such name")
import diffusers, transformers
print(diffusers.__version__, transformers.__version__, diffusers.__file__ is None)
"""


def test_a_package_that_stands_in_gives_the_names_of_the_real_one():
    done = subprocess.run(
        [sys.executable, "-c", STANDING_IN], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    versions = f"{version('diffusers')} {version('transformers')}"
    assert done.stdout.splitlines() == [
        f"{versions} config.json diffusers.utils.outputs",
        "False",
        "[1, 2, 3, 0, 0] False",
        "True",
        "True False",
        "no such name",
        f"{versions} False",
    ]
