#include "runtimes/cuda/kernels/gemm_choices.h"

#include <algorithm>

namespace octet::cuda {
namespace {

const char* name_of(Epilogue epilogue) {
  switch (epilogue) {
    case Epilogue::kStore: return "store";
    case Epilogue::kAdd: return "add";
    case Epilogue::kSwiGlu: return "swiglu";
    case Epilogue::kHeads: return "heads";
  }
  return "";
}

}  // namespace

ProductKey key_of(const Gemm& call) {
  return {.format = call.weights.format, .rows = call.weights.rows, .columns = call.weights.columns, .epilogue = call.epilogue,
          .normed = call.norm.squares != nullptr, .norms_next = call.next.weight != nullptr, .bucket = (call.n + 7) / 8};
}

std::string name_of(const ProductKey& key) {
  std::string name(name_of(key.format));
  name += " " + std::to_string(key.rows) + " " + std::to_string(key.columns) + " " + name_of(key.epilogue);
  if (key.normed) name += " norm";
  if (key.norms_next) name += " next";
  return name + " " + std::to_string(key.bucket * 8);
}

std::string name_of(const GemmPlan& plan) {
  const auto text = [](int number) { return std::to_string(number); };
  std::string name = text(plan.tiles) + " tiles, warps " + text(plan.row_warps) + "x" + text(plan.n_warps) + "x" + text(plan.k_warps) + ", steps of " +
                     text(plan.step_units) + ", " + text(plan.stages) + " stages, " + text(plan.blocks) + " blocks";
  if (plan.rounds > 0) name += ", " + text(plan.rounds) + " rounds";
  if (plan.sharers > 0) name += ", " + text(plan.sharers) + " share " + text(plan.shared_tiles());
  return name + (plan.wgmma ? ", wgmma" : "");
}

const GemmPlan* GemmChoices::find(const ProductKey& key) const {
  const auto found = plans_.find(key);
  return found == plans_.end() ? nullptr : &found->second;
}

GemmPlan plan_of(const Gemm& call, const GemmWorkspace& workspace) {
  if (workspace.choices() && call.n <= kMostTunedRows)
    if (const GemmPlan* const chosen = workspace.choices()->find(key_of(call))) return *chosen;
  return model_plan_of(call, workspace);
}

GemmPlan model_plan_of(const Gemm& call, const PlanDevice& device) {
  return plan_gemm(call.weights, call.n, device, call.next.weight ? call.next.group : 0);
}

std::vector<GemmPlan> plans_worth_trying(const Gemm& call, const PlanDevice& device, bool wgmma, std::size_t most) {
  std::vector<CostedPlan> all = possible_plans(call, device.with_wgmma(false));
  if (wgmma || device.wgmma())
    for (const CostedPlan& each : possible_plans(call, device.with_wgmma(true)))
      if (each.plan.wgmma) all.push_back(each);
  std::stable_sort(all.begin(), all.end(), [](const CostedPlan& a, const CostedPlan& b) { return a.cost < b.cost; });
  std::vector<GemmPlan> plans{model_plan_of(call, device)};
  for (const CostedPlan& each : all) {
    if (plans.size() >= most || each.cost > kCostsWorthTrying * all.front().cost) break;
    if (each.plan != plans.front()) plans.push_back(each.plan);
  }
  return plans;
}

}  // namespace octet::cuda
