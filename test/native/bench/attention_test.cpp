// octet-native-bench attention: its tails, and a run to its end.
#include <doctest/doctest.h>

#include <algorithm>
#include <set>

#include "bench/attention_bench.h"
#include "run_bench.h"

using namespace octet::bench;

TEST_CASE("bench: ragged tails are all different, the longest as asked, and hold the lane's rows") {
  for (int lanes = 1; lanes <= 16; ++lanes) {
    CAPTURE(lanes);
    const std::vector<int> tails = ragged_tails({lanes, 1, 0, 256});
    CHECK(std::set<int>(tails.begin(), tails.end()).size() == static_cast<std::size_t>(lanes));
    CHECK(*std::max_element(tails.begin(), tails.end()) == 256);
  }
  for (const int tail : ragged_tails({8, 33, 0, 64})) CHECK(tail >= 33);
}

TEST_CASE("bench: attention of a tiny shape, three forms a setting") {
  const BenchRun run = run_bench({"attention", "--shape", "tiny", "--lanes", "2", "--rows", "1,3", "--prompt", "70", "--tail", "20", "--repeats", "1"});
  CHECK(run.code == 0);
  CHECK(run.progress == "");
  for (const char* const form : {"| split ", "| pad ", "| rows "}) CHECK(run.lines_with(form) >= 2);
}

TEST_CASE("bench: a tail too short for its rows is refused") {
  const BenchRun run = run_bench({"attention", "--rows", "9", "--tail", "8"});
  CHECK(run.code == 2);
  CHECK(run.progress == "octet-native-bench: --tail: a longest tail of 8 does not hold 9 rows\n");
}
