"""Models: a checkpoint becomes named stages, and stages become functions that run them.

checkpoint (load one) · places (where one is) · model_hash (its SHA-256, and where
what has that one is) · model_folder, single_file (what is in
one) · families (kinds of Stable Diffusion) · original_layout (names of tensors) · decoders ·
parts, weights, weight_files (made, read, found) · scheduler (how one is sampled) ·
sampler · img2img (from a picture on) ·
default_model · catalogue (what is here) · prompt_syntax, prompt_reader (brackets, tokens) ·
vocabulary (what a small one understands) · fingerprint · random_weights (for measuring) ·
precision · lean_imports · stages (diffusers' modules, regrouped) ·
stage_groups (neighbours that run as one) · attention · adapted_layers (LoRAs beside weights) ·
lora_file · embedding_file (textual inversions) · fused_upsample · pixels · declared_sites (what a
configuration has) · backends/ (what runs a stage) · families/, tiny/ (configurations; the embedded
model's weights)
"""
