"""Backends: what runs the stages of the network. Bends run between stages on every backend.

    torch      diffusers' modules as they are: nothing to prepare, the reference for the others
    compiled   every stage compiled ahead of time by torch's inductor (needs a C++ compiler), and
               captured as a CUDA graph on a GPU
    graphs     every stage captured as a CUDA graph, on a GPU
    onnx       every stage exported once and run by ONNX Runtime
    openvino   every stage compiled once by OpenVINO, on a processor
    auto       for every stage the fastest of them, as `livebend tune` measured on this machine

A backend is one file with a class that fulfils `protocol.Backend`, and one line in `engine.TABLE`.
"""
