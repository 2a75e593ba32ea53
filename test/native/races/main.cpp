// Runs cases under the race detector. A report of it makes the run fail. Where no cases are named: those of this folder and those of
// cuda/ that together go through every kernel in little time; -tc="*" runs all.
#define DOCTEST_CONFIG_IMPLEMENT
#include <doctest/doctest.h>

#include <algorithm>
#include <cstdio>
#include <cstring>

#include "case_listener.h"
#include "runtimes/cuda/device/host/races.h"

namespace races = octet::cuda::host::races;

namespace {

struct Namer : octet::test::CaseListener {
  using CaseListener::CaseListener;
  void test_case_start(const doctest::TestCaseData& test) override { races::name_test(test.m_name); }
};
DOCTEST_REGISTER_LISTENER("namer", 1, Namer);

constexpr const char* kChosen[] = {
    "races:*",
    "cuda device:*",
    "cuda layers:*",
    "cuda attention: ragged*",
    "cuda attention: as many query rows*",
    "cuda attention: sixteen lanes*",
    "cuda attention: a prompt under way*",
    "cuda attention: blocks that take several items*",
    "cuda attention: one recorded graph*",
    "cuda attention by rows: ragged*",
    "cuda compare:*",
    "cuda gemm: every format*",
    "cuda gemm: every division*",
    "cuda gemm: every number of stages*",
    "cuda gemm: tiles shared*",
    "cuda gemm: float32 without*",
    "cuda gemm: replays*",
    "cuda gemm few rows: norms*",
    "cuda gemm few rows: heads*",
    "cuda wgmma: tiles shared*",
    "cuda wgmma: norms*",
    "cuda warp: rows over many slices*",
    "cuda warp: a boundary within more equal*",
    "cuda warp: extreme*",
    "cuda step: the engine's own steps, every lane*",
    "cuda step: a lane never outgrows*",
    "cuda step: what the host writes*",
    "cuda step: drafts that are given are bounded*",
    "cuda runtime: drafts that a plan gives are cut*",
    "cuda runtime: times and rows*",
    "cuda runtime: a draft whose prompt was put off*",
    "cuda runtime: cells and slots given away*",
    "cuda engine: scores*",
    "cuda engine: healed*",
    "cuda folded norm: tiles shared*",
    "cuda fused: logits of some rows*",
    "cuda fused: the order of blocks*",
    "cuda fused: launches of a pass*",
    "cuda graphs:*",
    "cuda overlap:*",
};

bool names_cases(const char* argument) {
  for (const char* option : {"-tc=", "--tc=", "-test-case=", "--test-case="})
    if (std::strncmp(argument, option, std::strlen(option)) == 0) return true;
  return false;
}

}  // namespace

int main(int argc, char** argv) {
  doctest::Context context;
  context.setOption("no-colors", true);
  if (std::none_of(argv + 1, argv + argc, names_cases))
    for (const char* cases : kChosen) context.addFilter("test-case", cases);
  context.applyCommandLine(argc, argv);
  const int failed = context.run();
  if (races::reports() > 0) std::fprintf(stderr, "the race detector has %d reports\n", races::reports());
  return failed != 0 || races::reports() > 0;
}
