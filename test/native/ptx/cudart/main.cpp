// octet-ptx-test: cases whose kernels run as nvcc compiled them. A fault of the machine makes the run fail. Without arguments: cases that
// together go through every kernel in little time; -tc="*" runs all.
#define DOCTEST_CONFIG_IMPLEMENT
#include <doctest/doctest.h>

#include <cstdio>

#include <cuda_runtime_api.h>

#include "ptx/cudart/counts_table.h"

namespace {

/// After each case all work is done, also what nobody waited for, so that a fault is the case's that caused it.
struct Waiter : doctest::IReporter {
  explicit Waiter(const doctest::ContextOptions&) {}
  void test_case_start(const doctest::TestCaseData& test) override { name_ = test.m_name; }
  void test_case_reenter(const doctest::TestCaseData&) override {}
  void test_case_end(const doctest::CurrentTestCaseStats&) override {
    const cudaError_t error = cudaDeviceSynchronize();
    if (error == cudaSuccess || broken) return;
    broken = true;
    std::fprintf(stderr, "the PTX machine stopped in \"%s\": %s\n", name_, cudaGetErrorString(error));
  }
  void test_case_exception(const doctest::TestCaseException&) override {}
  void subcase_start(const doctest::SubcaseSignature&) override {}
  void subcase_end() override {}
  void log_assert(const doctest::AssertData&) override {}
  void log_message(const doctest::MessageData&) override {}
  void report_query(const doctest::QueryData&) override {}
  void test_run_start() override {}
  void test_run_end(const doctest::TestRunStats&) override {}
  void test_case_skipped(const doctest::TestCaseData&) override {}

  static inline bool broken = false;

 private:
  const char* name_ = "";
};
DOCTEST_REGISTER_LISTENER("waiter", 1, Waiter);

constexpr const char* kChosen[] = {
    "cudart:*",
    "cuda device:*",
    "cuda layers:*",
    "cuda attention: ragged*",
    "cuda attention: as many query rows*",
    "cuda attention: sixteen lanes*",
    "cuda attention: blocks that take several items*",
    "cuda attention: one recorded graph*",
    "cuda attention by rows: ragged*",
    "cuda gemm: every format*",
    "cuda gemm: every division*",
    "cuda gemm: tiles shared*",
    "cuda gemm: float32 without*",
    "cuda gemm: replays*",
    "cuda warp: rows over many slices*",
    "cuda warp: a boundary within more equal*",
    "cuda warp: extreme*",
    "cuda step: the engine's own steps, every lane*",
    "cuda step: a lane never outgrows*",
    "cuda runtime: times and rows*",
    "cuda runtime: a draft whose prompt was put off*",
    "cuda runtime: cells and slots given away*",
    "cuda engine: scores*",
    "cuda folded norm: tiles shared*",
    "cuda fused: logits of some rows*",
    "cuda fused: the order of blocks*",
    "cuda fused: launches of a pass*",
    "cuda graphs:*",
    "cuda overlap:*",
};

}  // namespace

int main(int argc, char** argv) {
  doctest::Context context;
  context.setOption("no-colors", true);
  if (argc == 1)
    for (const char* cases : kChosen) context.addFilter("test-case", cases);
  context.applyCommandLine(argc, argv);
  const int failed = context.run();
  const std::vector<std::string> left_out = argc == 1 ? octet::ptx::cudart::never_run() : std::vector<std::string>{};
  for (const std::string& kernel : left_out) std::fprintf(stderr, "no chosen case runs %s\n", kernel.c_str());
  return failed != 0 || Waiter::broken || !left_out.empty();
}
