// octet-native-bench sampling: a row for every kind of sampling, batch and draft length.
#include <doctest/doctest.h>

#include "bench/sampling_bench.h"
#include "run_bench.h"

using namespace octet::bench;

TEST_CASE("bench: sampling of small rows, as Markdown") {
  const BenchRun run = run_bench({"sampling", "--vocabularies", "300,5000", "--batches", "1,2", "--draft-lengths", "0,2", "--repeats", "1"});
  CHECK(run.code == 0);
  CHECK(run.progress == "");
  CHECK(run.lines_with("| greedy") == 8);
  CHECK(run.lines_with("| top-k 40") == 8);
  CHECK(run.text.find("5000 logits a row") != std::string::npos);
}

TEST_CASE("bench: bytes of logits a step reads") {
  CHECK(sampling_bytes({.lanes = 8, .draft_length = 0, .vocabulary = 1000}) == 8 * 3 * 4000);
  CHECK(sampling_bytes({.lanes = 2, .draft_length = 3, .vocabulary = 10}) == 2 * (2 * 7 + 2) * 40);
}
