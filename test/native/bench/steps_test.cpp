// steps on a shape that a CPU can carry: the rows it reports and what is computed from them.
#include <doctest/doctest.h>

#include "bench/pass_cost.h"
#include "bench/synthetic_network.h"
#include "bench/shapes.h"
#include "run_bench.h"

using namespace octet::bench;

TEST_CASE("bench: steps reports every pass, batch, prompt and format once, with rates computed from its times") {
  const BenchRun run = run_bench({"steps", "--target", "tiny", "--draft", "tiny-draft", "--formats", "bf16,q4_k", "--batches", "1,2",
      "--prompts", "5,9",
                                  "--draft-lengths", "0,2", "--tail", "3", "--repeats", "1"});
  CHECK(run.code == 0);
  CHECK(run.lines_with("| draft: one token | tiny-draft | bf16") == 4);
  CHECK(run.lines_with("| draft: one token | tiny-draft | q4_k") == 4);
  CHECK(run.lines_with("| target: regular | tiny  | bf16") == 4);
  CHECK(run.lines_with("| target: verify k=2 | tiny  | q4_k") == 4);
  CHECK(run.lines_with("\n| ") == 2 * 2 * 2 * 3 + 1);  // and the headings
  CHECK(run.text.find("nan") == std::string::npos);
  CHECK(run.progress.find("making tiny in q4_k\n") != std::string::npos);
}

TEST_CASE("bench: steps and products by measured plans, with a table of them") {
  const BenchRun steps = run_bench({"steps", "--target", "tiny", "--draft", "none", "--formats", "bf16", "--batches", "2", "--prompts", "5", "--draft-lengths",
                                    "0", "--tail", "3", "--repeats", "1", "--tune"});
  CHECK(steps.code == 0);
  CHECK(steps.lines_with("| target: regular | tiny ") == 1);
  for (const char* const matrix : {"qkv", "attention-out", "gate-up", "output"}) {
    CAPTURE(std::string(matrix));
    CHECK(steps.lines_with(std::string("| ") + matrix + " ") == 1);
  }
  CHECK(steps.lines_with("| down ") == 0);  // the same product as attention's output, in this shape
  CHECK(steps.lines_with("| none") == 4);   // nothing was wrong
  const BenchRun products = run_bench({"products", "--shape", "tiny-draft", "--formats", "bf16", "--rows", "8,1000", "--matrices", "down", "--tune", "--once"});
  CHECK(products.code == 0);
  CHECK(products.lines_with("| down ") == 3);  // two rows, of which one is few enough to have a plan measured
  CHECK(products.text.find("products of n rows, by measured plans") != std::string::npos);
  CHECK(products.text.find("by the model's plan") != std::string::npos);
}

TEST_CASE("bench: steps refuses shapes and numbers it cannot run") {
  CHECK(run_bench({"steps", "--target", "none"}).code == 2);
  CHECK(run_bench({"steps", "--batches", "17"}).progress == "octet-native-bench: --batches: 17 is not between 1 and 16\n");
  CHECK(run_bench({"steps", "--draft-lengths", "33"}).code == 2);
}

TEST_CASE("bench: bytes and operations of a pass, counted by hand") {
  octet::cuda::Stream stream;
  const octet::cuda::Architecture& shape = *shape_named("tiny");
  const PassCost cost = pass_cost(synthetic_network(stream, shape, octet::cuda::WeightFormat::kBf16, 1));
  const double weights = 2 * (512 * 256 + 256 * 256 + 2 * 256 * 256 + 256 * 256) + 768.0 * 256;
  CHECK(cost.weight_bytes == 2 * weights);
  CHECK(cost.operations_per_row == 2 * weights);
  CHECK(cost.cell_bytes == 2 * 2 * 2 * 64 * 2);
  CHECK(cost.bytes(10, 3, 2) == 2 * weights + 16 * cost.cell_bytes);
}
