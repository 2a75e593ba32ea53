#include "runtimes/cuda/runtime/tuning.h"

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <memory>
#include <optional>
#include <set>

#include "runtimes/cuda/runtime/lanes.h"
#include "runtimes/cuda/runtime/plan_file.h"
#include "runtimes/cuda/runtime/product_bench.h"

namespace octet::cuda {
namespace {

struct Work {
  TunedProduct product;
  std::vector<Gemm> of_layers;
  const TunedNetwork* network = nullptr;
};

// What has no choice yet, each product once.
std::vector<Work> work_of(std::span<const TunedNetwork> networks, std::span<const TunedPass> passes) {
  std::vector<Work> all;
  std::set<ProductKey> seen;
  const auto add = [&](const TunedNetwork& network, const char* name, std::vector<Gemm> of_layers) {
    const Gemm& call = of_layers.front();
    if (call.precision == Precision::kFloat32 || !takes_tensor_cores(call.weights) || !seen.insert(key_of(call)).second) return;
    all.push_back({{.draft = network.draft, .name = name, .key = key_of(call), .trials = {}}, std::move(of_layers), &network});
  };
  for (const TunedPass& pass : passes) {
    for (const TunedNetwork& network : networks) {
      if (network.draft != pass.draft) continue;
      // Layers may differ in format: products of one key go round together.
      std::vector<std::pair<const char*, std::vector<Gemm>>> groups;
      const auto group = [&](const char* name, const Gemm& call) {
        for (auto& [_, calls] : groups)
          if (key_of(calls.front()) == key_of(call)) return calls.push_back(call);
        groups.push_back({name, {call}});
      };
      for (int layer = 0; layer < network.forward->shape().layers; ++layer) {
        const LayerProducts products = network.forward->products(layer, pass.rows);
        for (const Gemm& part : products.qkv) group("qkv", part);
        group("attention-out", products.attention_output);
        group("gate-up", products.gate_up);
        group("down", products.down);
      }
      for (auto& [name, calls] : groups) add(network, name, std::move(calls));
      if (pass.logits_rows > 0) add(network, "output", {network.forward->output_product(pass.rows, pass.logits_rows, nullptr)});
    }
  }
  return all;
}

double milliseconds() {
  return std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

/// Every plan by its name.
std::optional<GemmPlan> plan_named(const std::string& name, const Gemm& call, const PlanDevice& device, bool wgmma) {
  for (const bool by_wgmma : {false, true}) {
    if (by_wgmma && !wgmma) continue;
    for (const CostedPlan& each : possible_plans(call, device.with_wgmma(by_wgmma)))
      if (name_of(each.plan) == name) return each.plan;
  }
  return std::nullopt;
}

class Tuning {
 public:
  Tuning(Stream& stream, const DeviceInfo& device, const TuningOptions& options, GemmChoices& choices)
      : stream_(stream), options_(options), choices_(choices), scope_{device, options.build, ""}, may_wgmma_(has_wgmma(device) && !wgmma_refused()) {
    scope_.wgmma = !may_wgmma_ ? "never" : wgmma_asked() ? "model" : "measured";
  }

  bool run(std::vector<Work> work) {
    if (!options_.file.empty()) {
      take_stored(work);
      std::erase_if(work, [&](const Work& each) { return choices_.find(each.product.key) != nullptr; });
    }
    if (work.empty()) return true;
    std::optional<MeasuringMark> mark;
    if (!options_.file.empty() && !may_measure(mark.emplace(options_.file, options_.build).state())) return true;
    try {
      GemmChoices measured;
      if (!measure(work, measured)) return false;
      keep(work, measured);
    } catch (...) {
      if (mark) mark->leave();
      throw;
    }
    return true;
  }

 private:
  void log(const std::string& line) const {
    if (options_.log) options_.log(line);
  }

  void take_stored(const std::vector<Work>& work) {
    const std::optional<StoredPlans> stored = read_plans(options_.file, scope_);
    if (stored) take(work, *stored);
  }

  void take(const std::vector<Work>& work, const StoredPlans& stored) {
    for (const Work& each : work) {
      const auto found = stored.find(name_of(each.product.key));
      if (found == stored.end()) continue;
      if (const auto plan = plan_named(found->second, each.of_layers.front(), each.network->forward->workspace(), may_wgmma_))
        choices_.set(each.product.key, *plan);
    }
  }

  bool may_measure(MeasuringMark::State state) {
    switch (state) {
      case MeasuringMark::State::kMine: return true;
      case MeasuringMark::State::kOthers: log("Matrix products: another process is measuring their plans; this one does without"); return false;
      case MeasuringMark::State::kLeftBehind:
        log("Matrix products: a process ended while it measured their plans; those by wgmma are left out now");
        may_wgmma_ = false;
        return true;
      case MeasuringMark::State::kGivenUp:
        log("Matrix products: their plans are not measured, since " + options_.file + ".measuring is left of a process that ended over it, or cannot be made");
        return false;
    }
    return false;
  }

  bool measure(std::vector<Work>& work, GemmChoices& measured) {
    const auto now = [&] { return options_.clock ? options_.clock() : milliseconds(); };
    const double start = now();
    std::unique_ptr<ProductBench> bench;
    const TunedNetwork* network = nullptr;
    std::size_t done = 0, tried = 0, other = 0;
    std::string dropped;
    for (Work& each : work) {
      if (options_.progress && !options_.progress(static_cast<float>(done) / static_cast<float>(work.size()))) return false;
      ++done;
      if (now() - start > options_.budget_ms) continue;
      const GemmWorkspace& workspace = each.network->forward->workspace();
      if (network != each.network) bench = std::make_unique<ProductBench>(stream_, workspace, each.network->spare);
      network = each.network;
      const Gemm& call = each.of_layers.front();
      try {
        each.product.trials = try_on(*bench, each.of_layers, plans_worth_trying(call, workspace, may_wgmma_, options_.most_plans));
      } catch (const std::exception& error) {
        stream_.synchronize();  // throws where the device is lost
        bench = std::make_unique<ProductBench>(stream_, workspace, each.network->spare);
        dropped += "; " + name_of(each.product.key) + " was not measured: " + error.what();
        continue;
      }
      ++tried;
      other += each.product.trials.chosen != 0;
      measured.set(each.product.key, each.product.trials.plan());
      for (const PlanTrial& trial : each.product.trials.plans)
        if (trial.finding == Finding::kWrong || trial.finding == Finding::kFailed)
          dropped += "; " + name_of(each.product.key) + " by " + name_of(trial.plan) + (trial.finding == Finding::kWrong ? ": WRONG" : ": cannot be launched") +
                     ", dropped";
      if (options_.heard) options_.heard(each.product);
    }
    char line[200];
    std::snprintf(line, sizeof line, "Matrix products: plans of %zu of %zu measured in %.1f s, %zu by others than the cost model's", tried, work.size(),
                  (now() - start) / 1e3, other);
    log(line + dropped);
    return true;
  }

  // What was not measured for want of time stays the cost model's, and is kept as that: results are the same from load to load.
  void keep(const std::vector<Work>& work, const GemmChoices& measured) {
    StoredPlans plans;
    for (const Work& each : work) {
      const Gemm& call = each.of_layers.front();
      const GemmPlan* const found = measured.find(each.product.key);
      const GemmPlan plan = found ? *found : model_plan_of(call, each.network->forward->workspace());
      choices_.set(each.product.key, plan);
      plans[name_of(each.product.key)] = name_of(plan);
    }
    if (options_.file.empty()) return;
    try {
      take(work, add_plans(options_.file, scope_, plans));  // another process may have been the first
    } catch (const std::exception& error) {
      log("Matrix products: measured plans are not kept: " + std::string(error.what()));
    }
  }

  Stream& stream_;
  const TuningOptions& options_;
  GemmChoices& choices_;
  PlanScope scope_;
  bool may_wgmma_;
};

}  // namespace

std::vector<TunedPass> passes_to_tune(int lanes, int spare_lanes, int most_draft_length, int catch_up_rows, bool has_draft) {
  std::vector<TunedPass> passes;
  const auto add = [&](bool draft, int rows, int logits_rows) {
    if (rows <= kMostTunedRows) passes.push_back({draft, rows, logits_rows});
  };
  const int all = lanes + spare_lanes;
  std::vector<int> sizes;  // of graphs
  const auto add_size = [&](int size) {
    if (std::find(sizes.begin(), sizes.end(), size) == sizes.end()) sizes.push_back(size);
  };
  for (int i = lanes; i > 0; --i) add_size(graph_lanes(i, all));
  const std::size_t own = sizes.size();
  for (int i = all; i > lanes; --i) add_size(graph_lanes(i, all));
  // What `auto` and `bass` come to most; what is looked up is often long, or cut where hope ends.
  std::vector<int> lengths = has_draft ? std::vector{7, 5, 4, 3, 6, 8, 2, 1} : std::vector{16, 8, 4, 3, 2, 1, 12, 6};
  for (int k = 1; k <= most_draft_length; ++k)
    if (std::find(lengths.begin(), lengths.end(), k) == lengths.end()) lengths.push_back(k);
  const auto verify = [&](int size) {
    for (const int k : lengths)
      if (k <= most_draft_length) add(false, size * (k + 1), size * (k + 1));
  };
  if (!has_draft) {
    const std::span<const int> every = sizes;
    for (const std::span<const int> some : {every.first(own), every.subspan(own)}) {
      for (const int size : some) add(false, size, size);
      for (const int size : some) verify(size);
    }
    return passes;
  }
  for (const int size : sizes) {
    add(false, size, size);
    add(true, size, size);
    add(true, 2 * size, size);
    verify(size);
  }
  for (const int size : sizes)
    for (const int rows : {std::min(8, catch_up_rows), catch_up_rows}) add(true, size * rows, 0);
  return passes;
}

bool tune(Stream& stream, std::span<const TunedNetwork> networks, std::span<const TunedPass> passes, const DeviceInfo& device,
          const TuningOptions& options, GemmChoices& choices) {
  return Tuning(stream, device, options, choices).run(work_of(networks, passes));
}

}  // namespace octet::cuda
