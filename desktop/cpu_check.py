"""Whether this processor can run Latchkey at all: Qt and NumPy are compiled for x86-64-v2, and below it end by SIGILL.

Asked before anything of theirs is imported.
"""

import sys

# The features of x86-64-v2 and their bits in ECX of CPUID leaf 1 (System V ABI for x86-64, section 3.1.1). LAHF, the
# seventh, stands in another leaf; no processor has these six without it.
_X86_64_V2 = {"SSE3": 0, "SSSE3": 9, "CMPXCHG16B": 13, "SSE4.1": 19, "SSE4.2": 20, "POPCNT": 23}


def missing_features() -> tuple[str, ...]:
    """The features of x86-64-v2 that this processor lacks, by name; () where it is no x86-64, or nothing tells."""
    if sys.platform != "linux":
        return ()
    import ctypes
    import os

    if os.uname().machine != "x86_64":
        return ()
    # glibc 2.33 and later, <sys/platform/x86.h>: EAX, EBX, ECX and EDX of a leaf; leaf 1 has the number 0.
    leaf = getattr(ctypes.CDLL(None), "__x86_get_cpuid_feature_leaf", None)
    if leaf is None:
        return ()
    leaf.restype, leaf.argtypes = ctypes.POINTER(ctypes.c_uint32), [ctypes.c_uint]
    return missing_in(leaf(0)[2])


def missing_in(ecx: int) -> tuple[str, ...]:
    """What of x86-64-v2 is not in `ecx` (CPUID leaf 1), by name. 0 tells nothing, so nothing is said to be lacking."""
    return tuple(name for name, bit in _X86_64_V2.items() if not ecx >> bit & 1) if ecx else ()
