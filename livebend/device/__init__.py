"""The device that computes: a GPU's calls, copies to and from it, torch's threads, and the memory
of what was computed there.

gpu (the calls that need a GPU) · transfer (host to device and back) · torch_threads · memory (the
last outputs of every computation)
"""
