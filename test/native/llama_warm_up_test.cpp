// The passes that make a GPU's driver compile its kernels: which, in which order, for how long.
#include <doctest/doctest.h>

#include <algorithm>
#include <stdexcept>
#include <string>
#include <cmath>
#include <thread>

#include "engine/error.h"
#include "runtimes/llama/warm_up.h"

using namespace octet;
using namespace octet::llama;

namespace {

/// Knows nothing but how many rows it was given; refuses what the contract of LogitsModel forbids.
class CountingModel final : public LogitsModel {
 public:
  explicit CountingModel(int cells = 4096, std::chrono::milliseconds pass = {}) : cells_(cells), pass_(pass) {}

  int vocabulary() const override { return 4; }
  int max_sequences() const override { return 1; }
  int cache_tokens() const override { return cells_; }
  int max_rows() const override { return 512; }
  void decode(std::span<const Row> rows) override {
    for (const Row& row : rows) REQUIRE(row.position == length++);
    REQUIRE(length <= cells_);
    REQUIRE(rows.back().wants_logits);
    REQUIRE(std::count_if(rows.begin(), rows.end(), [](const Row& row) { return row.wants_logits; }) <= 64);
    if (!failure.empty()) throw std::runtime_error(failure);
    passes.push_back(static_cast<int>(rows.size()));
    std::this_thread::sleep_for(pass_);
  }
  std::span<const float> logits(int) const override { return logits_of_all; }
  void share(Sequence, Sequence, int) override { FAIL("nothing is shared"); }
  void truncate(Sequence, int to) override { length = to; }

  std::vector<int> passes;
  std::vector<float> logits_of_all{0, 0, 0, 0};
  int length = 0;
  std::string failure;  ///< Of every pass.

 private:
  int cells_;
  std::chrono::milliseconds pass_;
};

constexpr std::chrono::minutes kLong{1};

}  // namespace

TEST_CASE("a model that computes no numbers: on a GPU its driver may be to blame") {
  CountingModel model;
  model.logits_of_all[2] = NAN;
  const auto refusal = [&](const std::string& gpu) {
    try {
      model.length = 0;
      check_numbers(model, "model.gguf", gpu);
    } catch (const Error& error) {
      CHECK(error.code == ErrorCode::kModelDamaged);
      return std::string(error.what()) + ". " + error.advice;
    }
    return std::string();
  };
  CHECK(refusal("") == "model.gguf: it computes values that are not numbers. Download the file again.");
  CHECK(refusal("Vulkan0").find("model.gguf: it computes values that are not numbers on Vulkan0. Set the device to cpu") == 0);
  model.logits_of_all[2] = 0;
  CHECK(refusal("Vulkan0").empty());
}

TEST_CASE("kernels: a prompt's piece first, then all lanes, one lane, and every number of rows that has a kernel of its own") {
  for (const int lanes : {1, 8, 12}) {
    CAPTURE(lanes);
    CountingModel model;
    std::vector<float> heard;
    compile_kernels(model, lanes, kLong, [&](float done) { heard.push_back(done); });
    CHECK(model.passes == kernel_rows(lanes));
    CHECK(model.length == 0);
    CHECK(model.passes[0] > 64);
    CHECK(model.passes[1] == lanes);
    for (int rows = 1; rows <= 8; ++rows) CHECK(std::count(model.passes.begin(), model.passes.end(), rows) == 1);
    CHECK(heard.size() == model.passes.size());
    CHECK(std::is_sorted(heard.begin(), heard.end()));
    CHECK(heard.front() == 0);
    CHECK(heard.back() < 1);
  }
}

TEST_CASE("kernels: no pass has more rows than the cache has cells") {
  CountingModel model(40);
  compile_kernels(model, 8, kLong, [](float) {});
  CHECK(*std::max_element(model.passes.begin(), model.passes.end()) == 40);
}

TEST_CASE("kernels: a slow device ends with the pass in which the time is over, and whoever gives up with the next") {
  CountingModel slow(4096, std::chrono::milliseconds(30));
  compile_kernels(slow, 8, std::chrono::milliseconds(10), [](float) {});
  CHECK(slow.passes.size() == 1);
  CHECK(slow.length == 0);

  CountingModel model;
  int reports = 0;
  CHECK_THROWS_AS(compile_kernels(model, 8, kLong, [&](float) {
                    if (++reports == 3) throw Error(ErrorCode::kCancelled, "Loading was cancelled");
                  }), Error);
  CHECK(model.passes.size() == 2);
}

TEST_CASE("kernels: a GPU whose memory ends in its first pass is out of memory; any other failure is told as it is") {
  const auto code = [](const std::string& failure, bool numbers) {
    CountingModel model;
    model.failure = failure;
    try {
      if (numbers) check_numbers(model, "a.gguf", "Vulkan0");
      else compile_kernels(model, 8, kLong, [](float) {});
    } catch (const Error& error) {
      CHECK(std::string(error.what()).find(failure) != std::string::npos);
      return error.code;
    } catch (const std::runtime_error& error) {
      CHECK(error.what() == failure);
      return ErrorCode::kInternal;
    }
    return ErrorCode::kBusy;
  };
  for (const bool numbers : {true, false}) {
    CHECK(code("The forward pass failed: vk::Device::allocateMemory: ErrorOutOfDeviceMemory", numbers) == ErrorCode::kOutOfMemory);
    CHECK(code("The forward pass failed: vk::Queue::submit: ErrorDeviceLost", numbers) == ErrorCode::kInternal);
  }
}
