"""Pictures of other programs: NDI, Spout, Syphon. Each file imports a library that may be missing.

kinds (which there are) · ndi · spout · syphon
"""
