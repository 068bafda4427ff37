"""Backends: what runs the stages of the network. Bends run between stages on every backend.

    torch      diffusers' modules as they are: nothing to prepare, the reference for the others
    openvino   every stage compiled once by OpenVINO: the usual one on a processor, and on an Intel
               GPU or NPU
    graphs     every stage captured as a CUDA graph: the usual one on an NVIDIA GPU
    compiled   every stage compiled ahead of time by torch's inductor (needs a C++ compiler), and
               captured as a CUDA graph
    onnx       every stage exported once and run by ONNX Runtime
    auto       what `livebend tune` measured on this machine, or else the usual one

A backend is one file with a class that fulfils `protocol.Backend`, and one line in `engine.TABLE`.
"""
