// octet-ptx-test: cases whose kernels run as nvcc compiled them. A fault of the machine makes the run fail. Without arguments: cases that
// together must go through every kernel in little time; -tc="*" runs all.
#define DOCTEST_CONFIG_IMPLEMENT
#include <doctest/doctest.h>

#include <cstdio>

#include <cuda_runtime_api.h>

#include "case_listener.h"
#include "ptx/cudart/counts_table.h"

namespace {

/// After each case all work is done, also what nobody waited for, so that a fault is the case's that caused it.
struct Waiter : octet::test::CaseListener {
  using CaseListener::CaseListener;
  void test_case_start(const doctest::TestCaseData& test) override { name_ = test.m_name; }
  void test_case_end(const doctest::CurrentTestCaseStats&) override {
    const cudaError_t error = cudaDeviceSynchronize();
    if (error == cudaSuccess || broken) return;
    broken = true;
    std::fprintf(stderr, "the PTX machine stopped in \"%s\": %s\n", name_, cudaGetErrorString(error));
  }

  static inline bool broken = false;

 private:
  const char* name_ = "";
};
DOCTEST_REGISTER_LISTENER("waiter", 1, Waiter);

constexpr const char* kChosen[] = {"cudart:*", "cuda *", "bench: every layer*", "bench: synthetic weights*", "bench expand: the starter draft*"};
/// Slow here, and nothing of them runs only here.
constexpr const char* kLeftOut[] = {"cuda gemm: a plan deals out*"};

}  // namespace

int main(int argc, char** argv) {
  doctest::Context context;
  context.setOption("no-colors", true);
  if (argc == 1) {
    for (const char* cases : kChosen) context.addFilter("test-case", cases);
    for (const char* cases : kLeftOut) context.addFilter("test-case-exclude", cases);
  }
  context.applyCommandLine(argc, argv);
  const int failed = context.run();
  const std::vector<std::string> left_out = argc == 1 ? octet::ptx::cudart::never_run() : std::vector<std::string>{};
  for (const std::string& kernel : left_out) std::fprintf(stderr, "no chosen case runs %s\n", kernel.c_str());
  return failed != 0 || Waiter::broken || !left_out.empty();
}
