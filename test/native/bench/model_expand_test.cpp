// The starter pair expanded: the same logits, and its own acceptance in decode.
#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <tuple>

#include "bench/expand.h"
#include "bench/shapes.h"
#include "llama_fixture.h"
#include "run_bench.h"
#include "runtimes/cuda/model/describe.h"
#include "small_networks.h"

using namespace octet;
using namespace octet::bench;
using cuda::Precision;
using cuda::WeightFormat;

namespace {

const std::string kText = std::string(OCTET_TEST_MODELS) + "/../extension/config.ts";

}  // namespace

TEST_CASE("bench expand: the starter draft's own logits from its Q8_0 file, in a larger shape and both precisions") {
  const cuda::ModelSource file = cuda::describe_network(llama::open_parts(llama::kDraftFile));
  const std::vector<Token> tokens = {311, 12, 4021, 77, 900};
  const auto want = testing::logits_of(*cuda::load_network(file.source, {}), tokens, Precision::kFloat32);
  cuda::Stream stream;
  for (const auto& [format, precision, bound] : {std::tuple{WeightFormat::kQ8_0, Precision::kFloat32, 1e-4},
                                                 {WeightFormat::kBf16, Precision::kBf16, 2e-2}, {WeightFormat::kQ8_0, Precision::kBf16, 2e-2}}) {
    const cuda::Network large = *expand(stream, small_network(file.source), *shape_named("small-draft"), format, {});
    const auto got = testing::logits_of(large, tokens, precision);
    for (std::size_t row = 0; row < tokens.size(); ++row) {
      const double moved = got[row][0] - want[row][0];
      double apart = 0, size = 0, padding = -1e30;
      for (std::size_t i = 0; i < want[row].size(); ++i) {
        apart += std::pow(got[row][i] - moved - want[row][i], 2.0);
        size += std::pow(want[row][i], 2.0);
      }
      for (std::size_t i = want[row].size(); i < got[row].size(); ++i) padding = std::max<double>(padding, got[row][i]);
      CHECK(std::sqrt(apart / size) <= bound);
      CHECK(padding < *std::min_element(got[row].begin(), got[row].begin() + 8192) - 200);
    }
  }
}

TEST_CASE("bench: decode with the starter pair in larger shapes reports real acceptance") {
  const std::string files = llama::kTargetFile + "," + llama::kDraftFile;
  const BenchRun run = run_bench({"decode", "--expand", files.c_str(), "--prompt-file", kText.c_str(), "--target", "small", "--draft", "small-draft",
                                  "--formats", "q8_0", "--batches", "1", "--prompts", "12", "--draft-lengths", "fixed:2", "--tokens", "4",
                                      "--repeats", "1"});
  CAPTURE(run.progress);
  REQUIRE(run.code == 0);
  CHECK(run.text.find("acceptance real") != std::string::npos);
  CHECK(run.text.find("simulated") == std::string::npos);
  CHECK(run.lines_with("| q8_0") == 1);
}

TEST_CASE("bench: decode says in one line what is wrong with files and shapes") {
  const std::string files = llama::kTargetFile + "," + llama::kDraftFile;
  const auto line = [&](const char* target, const std::string& file, const char* prompt) {
    const BenchRun run = run_bench({"decode", "--expand", files.c_str(), "--prompt-file", file.c_str(), "--target", target, "--draft", "tiny-draft",
                                    "--prompts", prompt});
    CHECK(run.code == 2);
    return run.progress;
  };
  CHECK(line("tiny", kText, "12").find("the shape tiny is too small to hold the network: layers 2, at least 6 wanted\n") != std::string::npos);
  CHECK(line("small", "/no/such/file", "12").find("--prompt-file: /no/such/file cannot be read\n") != std::string::npos);
  CHECK(line("small", kText, "100000").find("a prompt of 100000 is asked for\n") != std::string::npos);
}
