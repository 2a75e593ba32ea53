// Measured choices of plans: by what products they are found, that they serve a whole bucket of rows, and which plans are worth measuring.
#include <doctest/doctest.h>

#include <algorithm>
#include <set>

#include "gemm_case.h"
#include "runtimes/cuda/kernels/gemm_choices.h"

using namespace octet::cuda;
using namespace octet::cuda::testing;

namespace {

Matrix matrix(WeightFormat format, int rows, int columns) { return {.format = format, .rows = rows, .columns = columns}; }

PlanDevice device_of(int multiprocessors, int shared_kib, bool wgmma = false) {
  return {DeviceInfo{.multiprocessors = multiprocessors, .shared_bytes = static_cast<std::size_t>(shared_kib) << 10}, wgmma};
}

}  // namespace

TEST_CASE("cuda choices: plans are the same for all rows of a bucket, and no two of a product have one name") {
  for (const int shared_kib : {99, 227})
    for (const int multiprocessors : {1, 132})
      for (const WeightFormat format : {WeightFormat::kBf16, WeightFormat::kQ4_K, WeightFormat::kQ4_0})
        for (const int rows : {896, 28672})
          for (const bool wgmma : {false, true})
            for (const int bucket : {1, 2, 9, 18}) {
              CAPTURE(rows);
              CAPTURE(bucket);
              const PlanDevice device = device_of(multiprocessors, shared_kib, wgmma);
              const auto plans = possible_plans(matrix(format, rows, 3584), bucket * 8, device);
              std::set<std::string> names;
              for (const CostedPlan& each : plans) names.insert(name_of(each.plan));
              CHECK(names.size() == plans.size());
              for (const int n : {bucket * 8 - 7, bucket * 8 - 3}) {
                const auto others = possible_plans(matrix(format, rows, 3584), n, device);
                REQUIRE(others.size() == plans.size());
                for (std::size_t i = 0; i < plans.size(); ++i) CHECK(others[i].plan == plans[i].plan);
              }
            }
}

TEST_CASE("cuda choices: a product's own choice is taken, and no other's") {
  const auto key = [](const Gemm& call) { return key_of(call); };
  Gemm call{.weights = matrix(WeightFormat::kQ8_0, 300, 256), .n = 9, .epilogue = Epilogue::kAdd};
  DeviceInfo device = device_info();
  device.multiprocessors = 2;
  GemmChoices choices;
  const GemmWorkspace workspace(device, false, &choices), without(device, false);
  const GemmPlan model = plan_gemm(call.weights, call.n, without);
  GemmPlan other = model;
  for (const CostedPlan& each : possible_plans(call.weights, call.n, without))
    if (each.plan != model) other = each.plan;
  REQUIRE(other != model);
  choices.set(key(call), other);
  CHECK(plan_of(call, workspace) == other);
  CHECK(plan_of(call, without) == model);
  call.n = 16;  // the same bucket
  CHECK(plan_of(call, workspace) == other);
  const auto not_taken = [&](const auto& change) {
    Gemm changed = call;
    change(changed);
    CHECK(plan_of(changed, workspace) == plan_gemm(changed.weights, changed.n, without));
  };
  float number = 0;
  not_taken([](Gemm& c) { c.n = 17; });
  not_taken([](Gemm& c) { c.n = 8; });
  not_taken([](Gemm& c) { c.weights.rows = 301; });
  not_taken([](Gemm& c) { c.weights.columns = 320; });
  not_taken([](Gemm& c) { c.weights.format = WeightFormat::kBf16; });
  not_taken([](Gemm& c) { c.epilogue = Epilogue::kStore; });
  not_taken([&](Gemm& c) { c.norm.squares = &number; });
  not_taken([&](Gemm& c) { c.next.weight = &number; });
  CHECK(name_of(key(call)) == "Q8_0 300 256 add 16");
  call.next.weight = call.norm.squares = &number;
  CHECK(name_of(key(call)) == "Q8_0 300 256 add norm next 16");
}

TEST_CASE("cuda choices: worth trying are the model's plan and those not much dearer, by warpgroups too where they may be") {
  const Matrix weights = matrix(WeightFormat::kQ4_K, 28672, 4096);
  const PlanDevice device = device_of(132, 227);
  for (const int n : {8, 64, 72}) {
    CAPTURE(n);
    const auto plans = plans_worth_trying({.weights = weights, .n = n}, device, false, 8), with = plans_worth_trying({.weights = weights, .n = n}, device, true, 8);
    CHECK(plans.size() > 1);
    CHECK(plans.size() <= 8);
    CHECK(plans.front() == plan_gemm(weights, n, device));
    CHECK(with.front() == plans.front());
    CHECK(std::none_of(plans.begin(), plans.end(), [](const GemmPlan& plan) { return plan.wgmma; }));
    CHECK((n == 8 || std::any_of(with.begin(), with.end(), [](const GemmPlan& plan) { return plan.wgmma; })));
    for (std::size_t i = 0; i < with.size(); ++i) CHECK(std::count(with.begin(), with.end(), with[i]) == 1);
    CHECK(plans_worth_trying({.weights = weights, .n = n}, device, true, 2).size() == 2);
    // Where the model itself may take warpgroups, the others are tried beside its choice.
    const auto asked = plans_worth_trying({.weights = weights, .n = n}, device.with_wgmma(true), true, 8);
    CHECK(asked.front() == plan_gemm(weights, n, device.with_wgmma(true)));
    double least = 1e30;
    for (const CostedPlan& each : possible_plans(weights, n, device)) least = std::min(least, each.cost);
    for (const CostedPlan& each : possible_plans(weights, n, device))
      if (each.cost > kCostsWorthTrying * least) CHECK(std::count(plans.begin(), plans.end(), each.plan) == 0);
  }
}
