// Runs cases under the race detector. A report of it makes the run fail. Without arguments: the cases of this folder, "races: ...".
#define DOCTEST_CONFIG_IMPLEMENT
#include <doctest/doctest.h>

#include <cstdio>

#include "runtimes/cuda/device/host/races.h"

namespace races = octet::cuda::host::races;

namespace {

struct Namer : doctest::IReporter {
  explicit Namer(const doctest::ContextOptions&) {}
  void test_case_start(const doctest::TestCaseData& test) override { races::name_test(test.m_name); }
  void test_case_reenter(const doctest::TestCaseData&) override {}
  void test_case_end(const doctest::CurrentTestCaseStats&) override {}
  void test_case_exception(const doctest::TestCaseException&) override {}
  void subcase_start(const doctest::SubcaseSignature&) override {}
  void subcase_end() override {}
  void log_assert(const doctest::AssertData&) override {}
  void log_message(const doctest::MessageData&) override {}
  void report_query(const doctest::QueryData&) override {}
  void test_run_start() override {}
  void test_run_end(const doctest::TestRunStats&) override {}
  void test_case_skipped(const doctest::TestCaseData&) override {}
};
DOCTEST_REGISTER_LISTENER("namer", 1, Namer);

}  // namespace

int main(int argc, char** argv) {
  doctest::Context context;
  if (argc == 1) context.addFilter("test-case", "races:*");
  context.applyCommandLine(argc, argv);
  const int failed = context.run();
  if (races::reports() > 0) std::fprintf(stderr, "the race detector has %d reports\n", races::reports());
  return failed != 0 || races::reports() > 0;
}
