// Switching between stacks: a few nanoseconds on x86-64 and ARM64, ucontext elsewhere.
#pragma once

namespace octet::cuda::host {

using FiberContext = void*;  ///< A suspended fiber's stack pointer (or its ucontext_t).

/// A fiber that will call `entry`, which must never return, on the stack that ends at `top` (16-byte aligned).
FiberContext new_fiber(void* top, void (*entry)());

/// Saves the running fiber into `*save` and goes on with `to`.
void switch_fiber(FiberContext* save, FiberContext to);

}  // namespace octet::cuda::host
