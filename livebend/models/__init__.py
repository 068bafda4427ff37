"""Models: a checkpoint becomes named stages, and stages become functions that run them.

checkpoint (load one) · default_model · vocabulary (what a small one understands) · fingerprint ·
random_weights (for measuring) · precision · lean_imports · stages (diffusers' modules, regrouped) ·
stage_groups (neighbours that run as one) · attention · adapted_layers (LoRAs beside weights) ·
lora_file · fused_upsample · sampler · pixels · backends/ (what runs a stage) · tiny/ (the embedded
model's weights)
"""
