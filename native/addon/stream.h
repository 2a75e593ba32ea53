// Carries a request's events from the engine's thread to JavaScript, and settles its promise.
#pragma once

#include <napi.h>

#include <functional>
#include <memory>

#include "engine/request.h"

namespace octet::addon {

/// Steps pile up while the JavaScript thread is busy and are handed over together: the engine never waits for it.
class Stream final : public Listener {
 public:
  Stream(Napi::Env env, Napi::Function on_progress, Napi::Promise::Deferred deferred, std::function<void()> on_settled);
  ~Stream() override;

  void on_prefill(const PrefillEvent& event) override;
  void on_step(StepEvent&& event) override;
  void on_finish(Result&& result) override;
  void on_error(const Error& error) override;

 private:
  struct Shared;
  void notify();
  static void deliver(Napi::Env env, Napi::Function on_progress, std::nullptr_t* context, Shared* shared);
  using Callback = Napi::TypedThreadSafeFunction<std::nullptr_t, Shared, deliver>;

  std::shared_ptr<Shared> shared_;
  bool settled_ = false;
};

}  // namespace octet::addon
