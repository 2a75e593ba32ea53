// Plans of matrix products measured on the device, before its first step: for every product of target and draft and every number of rows that
// decoding comes to, most important first, as many as a limit of time allows. The cost model's choices stay for the rest.
#pragma once

#include <functional>
#include <span>
#include <string>
#include <vector>

#include "runtimes/cuda/kernels/gemm_choices.h"
#include "runtimes/cuda/runtime/forward.h"
#include "runtimes/cuda/runtime/plan_trials.h"

namespace octet::cuda {

struct TunedProduct {
  bool draft = false;
  const char* name = "";  ///< "qkv", "attention-out", "gate-up", "down", "output"
  ProductKey key;
  ProductTrials trials;
};

struct TuningOptions {
  bool on = false;           ///< Measured, though no file is given.
  std::string file;          ///< Where choices are kept (plan_file.h), UTF-8. Empty: nowhere, and without `on` nothing is measured.
  std::string build;         ///< kBuild: the file's plans are of this code.
  double budget_ms = 3000;   ///< No product is begun later.
  std::size_t most_plans = kMostPlansTried;                ///< Of a product.
  std::function<double()> clock;                           ///< Milliseconds; null: of the system.
  std::function<bool(float)> progress;                     ///< 0 to 1; returns false to give up.
  std::function<void(const std::string&)> log;             ///< One line for a person.
  std::function<void(const TunedProduct&)> heard;          ///< Of every product that was measured.

  bool wanted() const { return on || !file.empty(); }
};

/// A network whose products are measured. `draft` is of no importance to what is measured.
struct TunedNetwork {
  const Forward* forward = nullptr;
  bool draft = false;
  std::span<std::byte> spare;  ///< ProductBench's.
};

/// A pass of steps: rows of its layers, and rows whose logits are asked for.
struct TunedPass {
  bool draft = false;
  int rows = 0, logits_rows = 0;
};

/// The passes that steps come to, of up to kMostTunedRows rows, most important first: all lanes' regular step, the draft's passes, verification;
/// then those of fewer lanes, then of more, spare ones among them; then the draft's catching up. Without a draft: regular steps of any lanes,
/// then verifications of drafts that plans give; then both with spare lanes among them.
std::vector<TunedPass> passes_to_tune(int lanes, int spare_lanes, int most_draft_length, int catch_up_rows, bool has_draft);

/// Fills `choices`, which the networks' workspaces look in. False: given up, with nothing kept. Throws std::runtime_error where the device
/// is lost.
bool tune(Stream& stream, std::span<const TunedNetwork> networks, std::span<const TunedPass> passes, const DeviceInfo& device,
          const TuningOptions& options, GemmChoices& choices);

}  // namespace octet::cuda
