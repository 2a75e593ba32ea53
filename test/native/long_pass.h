// A pass of the scripted runtime that lasts until it is given up, or until patience is over.
#pragma once

#include <atomic>
#include <chrono>
#include <memory>
#include <thread>

#include "scripted_runtime.h"

namespace octet::test {

constexpr std::chrono::seconds kPatience{20};

inline bool comes(const std::atomic<bool>& flag) {
  for (const auto end = std::chrono::steady_clock::now() + kPatience; !flag && std::chrono::steady_clock::now() < end;) std::this_thread::yield();
  return flag;
}

/// A device within a long pass: it says so, and ends early only where it is given up.
struct LongPass {
  std::shared_ptr<Script> script = std::make_shared<Script>();
  std::atomic<bool> within{false}, ended{false}, early{false};

  void operator()() {
    if (ended) return;  // later passes are short
    within = true;
    early = comes(*script->given_up);
    ended = true;
    if (early) throw GivenUp();
  }
  std::unique_ptr<Engine> engine() {
    return std::make_unique<Engine>(std::make_unique<ScriptedRuntime>(script), std::make_shared<ScriptedVocabulary>());
  }
};

}  // namespace octet::test
