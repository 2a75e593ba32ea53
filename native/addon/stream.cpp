#include "addon/stream.h"

#include <mutex>

#include "addon/errors.h"
#include "addon/to_js.h"

namespace octet::addon {

struct Stream::Shared {
  explicit Shared(Napi::Promise::Deferred deferred) : deferred(deferred) {}

  Callback callback;
  Napi::Promise::Deferred deferred;
  std::function<void()> on_settled;

  std::mutex mutex;  // guards the rest
  bool notified = false;
  std::optional<PrefillEvent> prefill;
  std::vector<StepEvent> steps;
  std::optional<Result> result;
  std::optional<Error> error;
  std::shared_ptr<Shared> self;  // alive while a notification is on its way
};

Stream::Stream(Napi::Env env, Napi::Function on_progress, Napi::Promise::Deferred deferred, std::function<void()> on_settled)
    : shared_(std::make_shared<Shared>(deferred)) {
  shared_->on_settled = std::move(on_settled);
  shared_->callback = Callback::New(env, on_progress, "octet.generate", 0, 1, nullptr);
}

Stream::~Stream() {
  if (!settled_) shared_->callback.Release();  // it was never taken up
}

void Stream::notify() {  // with the mutex held
  if (shared_->notified) return;
  shared_->notified = true;
  shared_->self = shared_;
  if (shared_->callback.NonBlockingCall(shared_.get()) != napi_ok) shared_->self.reset();  // the environment is closing
}

void Stream::on_prefill(const PrefillEvent& event) {
  const std::lock_guard lock(shared_->mutex);
  shared_->prefill = event;
  notify();
}

void Stream::on_step(StepEvent&& event) {
  const std::lock_guard lock(shared_->mutex);
  shared_->steps.push_back(std::move(event));
  notify();
}

void Stream::on_finish(Result&& result) {
  const std::lock_guard lock(shared_->mutex);
  shared_->result = std::move(result);
  settled_ = true;
  notify();
}

void Stream::on_error(const Error& error) {
  const std::lock_guard lock(shared_->mutex);
  shared_->error = error;
  settled_ = true;
  notify();
}

void Stream::deliver(Napi::Env env, Napi::Function on_progress, std::nullptr_t*, Shared* raw) {
  std::shared_ptr<Shared> shared;
  std::optional<PrefillEvent> prefill;
  std::vector<StepEvent> steps;
  std::optional<Result> result;
  std::optional<Error> error;
  {
    const std::lock_guard lock(raw->mutex);
    shared = std::move(raw->self);
    raw->notified = false;
    prefill = std::exchange(raw->prefill, std::nullopt);
    steps = std::exchange(raw->steps, {});
    result = std::exchange(raw->result, std::nullopt);
    error = std::exchange(raw->error, std::nullopt);
  }
  if (env == nullptr) return;  // shutting down
  const Napi::HandleScope scope(env);
  if (prefill || !steps.empty()) {
    Napi::Object progress = Napi::Object::New(env);
    if (prefill) progress.Set("prefill", to_js(env, *prefill));
    Napi::Array list = Napi::Array::New(env, steps.size());
    for (std::uint32_t i = 0; i < steps.size(); ++i) list.Set(i, to_js(env, steps[i]));
    progress.Set("steps", list);
    try {
      on_progress.Call({progress});
    } catch (const Napi::Error&) {  // the listener's fault; the promise is settled all the same
    }
  }
  if (!result && !error) return;
  if (result)
    shared->deferred.Resolve(to_js(env, *result));
  else
    shared->deferred.Reject(to_js(env, *error).Value());
  shared->on_settled();
  shared->callback.Release();
}

}  // namespace octet::addon
