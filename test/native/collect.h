// Runs one request on an engine and waits for what it leaves.
#pragma once

#include <future>
#include <optional>

#include "engine/engine.h"

namespace octet {

/// Everything a listener hears.
struct Heard {
  std::vector<StepEvent> steps;
  std::vector<PrefillEvent> prefill;
  Result result;
  std::optional<Error> error;
};

class Collector final : public Listener {
 public:
  void on_prefill(const PrefillEvent& event) override { heard_.prefill.push_back(event); }
  void on_step(StepEvent&& event) override {
    heard_.steps.push_back(std::move(event));
    if (each_step) each_step(heard_.steps.back());
  }
  void on_finish(Result&& result) override {
    heard_.result = std::move(result);
    done_.set_value(std::move(heard_));
  }
  void on_error(const Error& error) override {
    heard_.error = error;
    done_.set_value(std::move(heard_));
  }

  std::future<Heard> future() { return done_.get_future(); }
  std::function<void(const StepEvent&)> each_step;

 private:
  Heard heard_;
  std::promise<Heard> done_;
};

inline std::future<Heard> start(Engine& engine, Request request, Engine::RequestId* id = nullptr,
                                std::function<void(const StepEvent&)> each_step = {}) {
  auto collector = std::make_unique<Collector>();
  collector->each_step = std::move(each_step);
  auto future = collector->future();
  const auto given = engine.submit(std::move(request), std::move(collector));
  if (id) *id = given;
  return future;
}

inline Heard run(Engine& engine, Request request) { return start(engine, std::move(request)).get(); }

}  // namespace octet
