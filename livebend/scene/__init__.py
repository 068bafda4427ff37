"""The scene: everything a performer wants, as one frozen value.

values (what it is made of) · paths (the name of every live parameter) · copy (a value with some
fields changed) · edit (another value or part, and what can be refused about one) · commands (the
changes that are asked for) · tables, presets (scenes as files) · morph (from one to the next in
time) · cost (what a preset makes a frame run again)
"""
