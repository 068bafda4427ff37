"""The scene: everything a performer wants, as one frozen value.

values, show_values (its parts) · paths (the name of every live parameter) · copy (a value with some
fields changed) · sides (of the crossfader) · loops (what automation plays) · edit (a scene with
another value or part, checked) · commands (changes as values) · tables, preset_text, presets
(scenes as tables, text and files) · morph (crossing from one scene to the next) · cost (how much of
a frame a preset computes again) · autosave (of a show)
"""
