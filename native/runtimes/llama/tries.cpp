#include "runtimes/llama/tries.h"

#include <algorithm>

namespace octet::llama {
namespace {

constexpr int kTries = 3;

}  // namespace

Tries::Tries(std::vector<ChosenDevice> devices) {
  for (ChosenDevice& device : devices) devices_.push_back({.device = std::move(device)});
}

Tries::Try Tries::next(const LoadOptions& options, const Footprint& target, const Footprint* draft, std::uint64_t machine_bytes) {
  for (;;) {
    std::vector<Device> left;
    std::vector<std::size_t> indices;
    for (std::size_t i = 0; i < devices_.size(); ++i) {
      if (devices_[i].given_up) continue;
      left.push_back(devices_[i].device.device);
      left.back().free_memory_bytes = std::min(left.back().free_memory_bytes, devices_[i].most);
      indices.push_back(i);
    }
    std::optional<Placement> placed;
    try {
      placed = place(options, target, draft, left, machine_bytes);
    } catch (const Error&) {
      if (first_) throw *first_;
      throw;
    }
    last_ = indices[placed->device];
    bool others_failed = false;
    for (std::size_t i : indices) {
      if (i == last_ || devices_[i].failures == 0) continue;
      devices_[i].given_up = others_failed = true;
    }
    if (!others_failed) return {devices_[last_].device, *std::move(placed)};
  }
}

void Tries::failed(const Error& error, std::uint64_t wanted) {
  if (!first_) first_ = error;
  Tried& tried = devices_[last_];
  if (++tried.failures < kTries) {
    tried.most = std::min({tried.most, tried.device.device.free_memory_bytes, wanted}) / 8 * 7;
    return;
  }
  if (is_last()) throw error;
  tried.given_up = true;
}

bool Tries::is_last() const {
  return std::count_if(devices_.begin(), devices_.end(), [](const Tried& tried) { return !tried.given_up; }) == 1;
}

std::vector<std::string> Tries::notices() const {
  std::vector<std::string> notices;
  for (std::size_t i = 0; i < devices_.size(); ++i) {
    if (devices_[i].failures == 0) continue;
    notices.push_back(devices_[i].device.device.description + (i == last_ ? " is given less" : " is not used") +
                      ": its memory ran out as the models were loaded. End what else uses it, or choose a smaller pair.");
  }
  return notices;
}

}  // namespace octet::llama
