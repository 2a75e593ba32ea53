// The shared library's one symbol.
#include "runtimes/cuda/library.h"

#ifdef _WIN32
#define OCTET_EXPORT __declspec(dllexport)
#else
#define OCTET_EXPORT __attribute__((visibility("default")))
#endif

extern "C" OCTET_EXPORT const octet::cuda::Library* octet_cuda_library() { return &octet::cuda::linked_library(); }
