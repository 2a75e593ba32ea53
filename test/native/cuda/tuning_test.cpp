// Plans tried on the device, by real launches: wrong ones are found out, a whole runtime is tuned and writes what it wrote before, within its
// limit of time, once, and not where it is given up. Times on the host mean nothing: any plan may be chosen.
#include <doctest/doctest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>

#include "any_device.h"
#include "fusible_network.h"
#include "gemm_case.h"
#include "runtimes/cuda/kernels/compare.h"
#include "runtimes/cuda/kernels/gemm_tile.h"
#include "runtimes/cuda/runtime/cuda_runtime.h"
#include "runtimes/cuda/runtime/product_bench.h"
#include "temporary_folder.h"

using namespace octet;
using namespace octet::cuda;
using namespace octet::cuda::testing;

namespace {

const FusibleShape kShape{"heads of 64", {4, 2, 64}, {.dimensions = 64, .base = 10000}};

std::unique_ptr<Runtime> runtime_of(const TuningOptions& tuning) {
  const FusibleNetwork target(kShape, 1), draft(kShape, 2);
  return make_cuda_runtime(target.network(), draft.network(),
                           {.vocabulary = 50, .lanes = 2, .context_tokens = 32, .cache_tokens = 128, .most_draft_length = 2, .tuning = tuning});
}

/// A clock by which each product takes a millisecond, so that `products` are measured.
TuningOptions some(int products, std::vector<TunedProduct>* heard = nullptr) {
  TuningOptions tuning{.on = true, .budget_ms = static_cast<double>(products) + 0.5, .most_plans = 3};
  tuning.clock = [now = 0.0]() mutable { return now++; };
  tuning.heard = [heard](const TunedProduct& product) {
    if (heard) heard->push_back(product);
  };
  return tuning;
}

/// Log-probabilities of a prompt's tokens, in passes of the lanes' few rows.
std::vector<float> scores(Runtime& runtime) {
  const std::vector<Token> tokens = {3, 9, 27, 41, 5, 20};
  return runtime.score(tokens, false);
}

}  // namespace

TEST_CASE("cuda tuning: every plan worth trying is right, and one that leaves columns out is not, for every epilogue and folded norms") {
  FusibleShape wide = kShape;  // so that every product has several steps
  wide.width = 512;
  const FusibleNetwork source(wide, 3);
  const Network network = source.network();
  const KvCache cache(network.architecture, 8, Precision::kBf16);
  const Activations activations(pass_needs(network, Precision::kBf16), Precision::kBf16, 64, device_info());
  const Forward forward(network, cache, activations);
  Stream stream;
  ProductBench bench(stream, forward.workspace(), {});
  const bool wgmma = has_wgmma(device_info());
  int by_wgmma = 0, tried = 0;
  for (const int rows : {6, 64}) {
    const LayerProducts products = forward.products(0, rows);
    std::vector<Gemm> calls = {products.qkv.front(), products.attention_output, products.gate_up, products.down, forward.output_product(rows, rows, nullptr)};
    for (const Gemm& call : calls) {
      CAPTURE(name_of(key_of(call)));
      bench.take({&call, 1});
      const auto plans = plans_worth_trying(call, forward.workspace(), wgmma, 4);
      for (const GemmPlan& plan : plans) {
        CAPTURE(name_of(plan));
        ++tried;
        by_wgmma += plan.wgmma;
        CHECK(bench.check(plan) == Finding::kRight);
      }
      const auto possible = possible_plans(call, forward.workspace());
      const auto of_several = std::find_if(possible.begin(), possible.end(), [](const CostedPlan& each) { return each.plan.steps > 1; });
      REQUIRE(of_several != possible.end());
      GemmPlan less = of_several->plan;
      --less.steps;
      less.sharers = std::min(less.sharers, less.shared_steps());
      if (less.rounds == 0) less.blocks = less.sharers;
      CHECK(bench.check(less) == Finding::kWrong);
      CHECK(bench.check(plans.front()) == Finding::kRight);  // which the wrong one has not spoilt
#ifdef OCTET_CUDA_GPU
      GemmPlan too_large = plans.front();
      too_large.stages = 200;
      CHECK(bench.check(too_large) == Finding::kFailed);
      CHECK_FALSE(bench.measure(too_large));
#endif
      const auto us = bench.measure(plans.back());
      REQUIRE(us);
      CHECK(*us >= 0);
    }
  }
  CHECK(tried > 20);
  CHECK((by_wgmma > 0 || !wgmma));
}

TEST_CASE("cuda tuning: of two networks' products those that decoding needs most come first, each once, until time is up") {
  const AsLateAsAGpuMay deferred;
  std::vector<TunedProduct> heard;
  std::vector<std::string> lines;
  TuningOptions tuning = some(3, &heard);
  tuning.log = [&](const std::string& line) { lines.push_back(line); };
  const auto runtime = runtime_of(tuning);
  REQUIRE(runtime);
  REQUIRE(heard.size() == 3);
  for (std::size_t i = 0; i < 3; ++i) {
    CHECK(std::string(heard[i].name) == std::vector<std::string>{"qkv", "attention-out", "gate-up"}[i]);
    CHECK_FALSE(heard[i].draft);
    CHECK(heard[i].key.bucket == 1);
    CHECK(heard[i].trials.plans.size() > 1);
    CHECK(std::all_of(heard[i].trials.plans.begin(), heard[i].trials.plans.end(),
                      [](const PlanTrial& trial) { return trial.finding == Finding::kRight || trial.finding == Finding::kHopeless; }));
  }
  REQUIRE(lines.size() == 1);
  CHECK(lines[0].find("plans of 3 of ") != std::string::npos);
  CHECK(lines[0].find("dropped") == std::string::npos);
}

TEST_CASE("cuda tuning: passes in the order of their worth") {
  const auto passes = passes_to_tune(8, 0, 16, 32, true);
  REQUIRE(passes.size() > 10);
  const auto is = [&](std::size_t i, bool draft, int rows, int logits) {
    CHECK(passes[i].draft == draft);
    CHECK(passes[i].rows == rows);
    CHECK(passes[i].logits_rows == logits);
  };
  is(0, false, 8, 8);
  is(1, true, 8, 8);
  is(2, true, 16, 8);
  is(3, false, 64, 64);
  for (const TunedPass& pass : passes) CHECK(pass.rows <= kMostTunedRows);
  const auto has = [&](bool draft, int rows) {
    return std::any_of(passes.begin(), passes.end(), [&](const TunedPass& pass) { return pass.draft == draft && pass.rows == rows; });
  };
  CHECK(has(false, 144 - 8));
  CHECK(has(false, 1));
  CHECK(has(true, 128));  // catching up: four lanes of 32
  CHECK_FALSE(has(false, 7 * 8 / 2 + 3 * 100));
  for (const TunedPass& pass : passes_to_tune(8, 0, 0, 0, false)) CHECK_FALSE(pass.draft);
}

TEST_CASE("cuda tuning: without a draft plain steps come first, then verifications of any draft that a plan may give") {
  const auto rows_of = [](const std::vector<TunedPass>& passes) {
    std::vector<int> rows;
    for (const TunedPass& pass : passes) {
      CHECK_FALSE(pass.draft);
      CHECK(pass.logits_rows == pass.rows);
      CHECK(pass.rows <= kMostTunedRows);
      rows.push_back(pass.rows);
    }
    return rows;
  };
  std::vector<int> own = rows_of(passes_to_tune(8, 0, 32, 0, false));
  CHECK(std::vector<int>(own.begin(), own.begin() + 10) == std::vector{8, 6, 4, 3, 2, 1, 136, 72, 40, 32});
  const auto verified = [&](int rows) { return std::find(own.begin() + 6, own.end(), rows) != own.end(); };
  for (int k = 1; k <= 32; ++k) CHECK(verified(k + 1));
  for (int k = 1; k <= 17; ++k) CHECK(verified(8 * (k + 1)));
  const std::vector<int> roomy = rows_of(passes_to_tune(8, 8, 32, 0, false));
  REQUIRE(roomy.size() > own.size() + 2);
  const auto spare = roomy.begin() + static_cast<std::ptrdiff_t>(own.size());
  CHECK(std::vector<int>(roomy.begin(), spare) == own);
  CHECK(std::vector<int>(spare, spare + 3) == std::vector{16, 12, 144});
  CHECK(rows_of(passes_to_tune(8, 0, 2, 0, false)).size() == 18);
}

TEST_CASE("cuda tuning: passes of spare lanes come after those of a request's own") {
  const auto plain = passes_to_tune(8, 0, 0, 0, false), roomy = passes_to_tune(8, 8, 0, 0, false);
  REQUIRE(roomy.size() == plain.size() + 2);
  for (std::size_t i = 0; i < plain.size(); ++i) CHECK(roomy[i].rows == plain[i].rows);
  CHECK(roomy[plain.size()].rows == 16);
  CHECK(roomy[plain.size() + 1].rows == 12);
  CHECK(passes_to_tune(5, 2, 0, 0, false)[0].rows == 6);  // five lanes' graph, where six may be at work
}

TEST_CASE("cuda tuning: a tuned runtime's log-probabilities are those of one that is not, up to rounding") {
  const AsLateAsAGpuMay deferred;
  const auto plain = runtime_of({}), tuned = runtime_of(some(4));
  const std::vector<float> want = scores(*plain), got = scores(*tuned);
  REQUIRE(got.size() == want.size());
  for (std::size_t i = 0; i < got.size(); ++i) CHECK(got[i] == doctest::Approx(want[i]).epsilon(2e-2));
}

TEST_CASE("cuda tuning: measured once, kept, and taken the next time to the last bit") {
  const octet::test::TemporaryFolder folder;
  std::vector<TunedProduct> heard;
  TuningOptions tuning = some(2, &heard);
  tuning.file = folder / "plans.txt";
  tuning.build = "this build";
  const std::vector<float> first = scores(*runtime_of(tuning));
  CHECK(heard.size() == 2);
  CHECK_FALSE(std::filesystem::exists(tuning.file + ".measuring"));
  const auto again = [&](const std::string& build) {
    heard.clear();
    TuningOptions next = some(2, &heard);
    next.file = tuning.file;
    next.build = build;
    return scores(*runtime_of(next));
  };
  CHECK(again("this build") == first);
  CHECK(heard.empty());
  again("another build");
  CHECK(heard.size() == 2);
}

TEST_CASE("cuda tuning: stored plans are what products run by") {
  const octet::test::TemporaryFolder folder;
  std::vector<TunedProduct> heard;
  TuningOptions tuning = some(1, &heard);
  runtime_of(tuning);
  REQUIRE(heard.size() == 1);
  // The dearest of the plans tried, chosen by nobody, put into the table by hand: the pass's sums then run in its order.
  const FusibleNetwork source(kShape, 1);
  const Network network = source.network();
  GemmChoices choices;
  choices.set(heard[0].key, heard[0].trials.plans.back().plan);
  const KvCache cache(network.architecture, 8, Precision::kBf16);
  const Activations activations(pass_needs(network, Precision::kBf16), Precision::kBf16, 8, device_info(), &choices);
  const Forward forward(network, cache, activations);
  CHECK(plan_of(forward.products(1, 2).qkv.front(), forward.workspace()) == heard[0].trials.plans.back().plan);
}

TEST_CASE("cuda tuning: given up, or where nothing can be kept") {
  const octet::test::TemporaryFolder folder;
  TuningOptions tuning = some(5);
  tuning.file = folder / "plans.txt";
  int told = 0;
  tuning.progress = [&](float fraction) { return fraction >= 0 && fraction <= 1 && ++told < 3; };
  CHECK(runtime_of(tuning) == nullptr);
  CHECK(told == 3);
  CHECK(std::filesystem::is_empty(folder.path()));

  std::ofstream(folder / "file") << "x";
  std::vector<std::string> lines;
  tuning = some(1);
  tuning.file = folder / "file/plans.txt";
  tuning.log = [&](const std::string& line) { lines.push_back(line); };
  CHECK(runtime_of(tuning));
  REQUIRE(lines.size() == 1);
  CHECK(lines[0].find("cannot be made") != std::string::npos);
}

TEST_CASE("cuda compare: columns apart by more than rounding, and what is no number") {
  Stream stream;
  std::vector<float> a(3 * 200, 1.0f), b = a;
  const auto apart = [&](float relative, float floor) {
    const DeviceArray<float> one(a), other(b);
    const DeviceArray<int> count(std::vector<int>{0});
    count_apart(stream, {.a = one.data(), .b = other.data(), .rows = 3, .columns = 200, .relative = relative, .floor = floor}, count.data());
    stream.synchronize();
    return count.download().front();
  };
  CHECK(apart(0, 0) == 0);
  b[150] = 1.01f, b[350] = 0.99f, b[7] = 1.5f;  // two in one column
  CHECK(apart(0, 0) == 2);
  CHECK(apart(0.02f, 0) == 1);
  CHECK(apart(0.02f, 100) == 0);
  a[199] = b[199] = NAN;
  CHECK(apart(0.02f, 100) == 1);
  b[0] = INFINITY;
  CHECK(apart(0.02f, 100) == 2);
}
