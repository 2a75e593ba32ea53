#include "runtimes/cuda/device/host/fiber.h"

#include <cstdint>

#if (defined(__x86_64__) || defined(__aarch64__)) && (defined(__linux__) || defined(__APPLE__))
#define OCTET_OWN_SWITCH 1
#else
#include <ucontext.h>

#include <new>
#endif

namespace octet::cuda::host {

#ifdef OCTET_OWN_SWITCH

#ifdef __APPLE__
#define OCTET_SWITCH_SYMBOL "_octet_switch_stack"
#else
#define OCTET_SWITCH_SYMBOL "octet_switch_stack"
#endif

extern "C" void octet_switch_stack(void** save, void* to);

#ifdef __x86_64__
// Callee-saved registers of the System V ABI; the return address lies above them.
asm(".text\n.globl " OCTET_SWITCH_SYMBOL "\n" OCTET_SWITCH_SYMBOL ":\n"
    "  pushq %rbp\n  pushq %rbx\n  pushq %r12\n  pushq %r13\n  pushq %r14\n  pushq %r15\n"
    "  movq %rsp, (%rdi)\n  movq %rsi, %rsp\n"
    "  popq %r15\n  popq %r14\n  popq %r13\n  popq %r12\n  popq %rbx\n  popq %rbp\n  ret\n");

FiberContext new_fiber(void* top, void (*entry)()) {
  auto* stack = static_cast<std::uint64_t*>(top);
  *--stack = 0;  // entry sees the alignment of a called function
  *--stack = reinterpret_cast<std::uint64_t>(entry);
  for (int i = 0; i < 6; ++i) *--stack = 0;
  return stack;
}
#else
// x19 to x30 and d8 to d15 of the ARM64 procedure call standard.
asm(".text\n.globl " OCTET_SWITCH_SYMBOL "\n" OCTET_SWITCH_SYMBOL ":\n"
    "  sub sp, sp, #160\n"
    "  stp x19, x20, [sp, #0]\n  stp x21, x22, [sp, #16]\n  stp x23, x24, [sp, #32]\n"
    "  stp x25, x26, [sp, #48]\n  stp x27, x28, [sp, #64]\n  stp x29, x30, [sp, #80]\n"
    "  stp d8, d9, [sp, #96]\n  stp d10, d11, [sp, #112]\n  stp d12, d13, [sp, #128]\n  stp d14, d15, [sp, #144]\n"
    "  mov x2, sp\n  str x2, [x0]\n  mov sp, x1\n"
    "  ldp x19, x20, [sp, #0]\n  ldp x21, x22, [sp, #16]\n  ldp x23, x24, [sp, #32]\n"
    "  ldp x25, x26, [sp, #48]\n  ldp x27, x28, [sp, #64]\n  ldp x29, x30, [sp, #80]\n"
    "  ldp d8, d9, [sp, #96]\n  ldp d10, d11, [sp, #112]\n  ldp d12, d13, [sp, #128]\n  ldp d14, d15, [sp, #144]\n"
    "  add sp, sp, #160\n  ret\n");

FiberContext new_fiber(void* top, void (*entry)()) {
  auto* stack = static_cast<std::uint64_t*>(top) - 20;
  for (int i = 0; i < 20; ++i) stack[i] = 0;
  stack[11] = reinterpret_cast<std::uint64_t>(entry);  // x30: where ret goes
  return stack;
}
#endif

void switch_fiber(FiberContext* save, FiberContext to) { octet_switch_stack(save, to); }

#else

namespace {
constexpr std::uintptr_t kStackBytes = 96 << 10;
}

FiberContext new_fiber(void* top, void (*entry)()) {
  auto* context = new (static_cast<char*>(top) - sizeof(ucontext_t) / 16 * 16 - 16) ucontext_t;
  getcontext(context);
  context->uc_stack.ss_sp = reinterpret_cast<char*>(context) - kStackBytes;
  context->uc_stack.ss_size = kStackBytes;
  makecontext(context, entry, 0);
  return context;
}

void switch_fiber(FiberContext* save, FiberContext to) {
  static thread_local ucontext_t scheduler;
  auto* mine = *save ? static_cast<ucontext_t*>(*save) : &scheduler;
  *save = mine;
  swapcontext(mine, static_cast<ucontext_t*>(to));
}

#endif

}  // namespace octet::cuda::host
