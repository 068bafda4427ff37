"""The device that computes.

gpu (the calls that need a GPU) · transfer (copies between host and device) · torch_threads · memory
(the last outputs of every computation) · devices (which there are) · openvino_import
"""
