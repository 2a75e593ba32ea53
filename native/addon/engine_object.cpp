#include "addon/engine_object.h"

#include "addon/errors.h"
#include "addon/from_js.h"
#include "addon/loaded.h"
#include "addon/memory.h"
#include "addon/stream.h"
#include "addon/to_js.h"

namespace octet::addon {
namespace {

// Ends an engine off the JavaScript thread: its thread may be in the middle of a step.
class Closer final : public Napi::AsyncWorker {
 public:
  Closer(Napi::Env env, std::unique_ptr<Engine> engine) : AsyncWorker(env), deferred_(env), engine_(std::move(engine)) {}
  Napi::Promise promise() { return deferred_.Promise(); }

 protected:
  void Execute() override {
    engine_.reset();
    give_back_freed_memory();
  }
  void OnOK() override { deferred_.Resolve(Env().Undefined()); }
  void OnError(const Napi::Error& error) override { deferred_.Reject(error.Value()); }

 private:
  Napi::Promise::Deferred deferred_;
  std::unique_ptr<Engine> engine_;
};

}  // namespace

Napi::Function EngineObject::define(Napi::Env env) {
  return DefineClass(env, "NativeEngine",
                     {InstanceAccessor<&EngineObject::loaded>("loaded"), InstanceMethod<&EngineObject::generate>("generate"),
                      InstanceMethod<&EngineObject::cancel>("cancel"), InstanceMethod<&EngineObject::cancel_lane>("cancelLane"),
                      InstanceMethod<&EngineObject::tokenize>("tokenize"), InstanceMethod<&EngineObject::counts>("counts"),
                      InstanceMethod<&EngineObject::close>("close")});
}

EngineObject::EngineObject(const Napi::CallbackInfo& info)
    : ObjectWrap(info), requests_(std::make_shared<std::unordered_map<std::string, Engine::RequestId>>()) {
  if (info.Length() != 1 || !info[0].IsExternal()) throw Napi::TypeError::New(info.Env(), "engines are made by load()");
  Loaded& loaded = *info[0].As<Napi::External<Loaded>>().Data();
  description_ = Napi::Persistent(to_js(info.Env(), loaded, loaded.engine->vocabulary().fim().has_value()));
  engine_ = std::move(loaded.engine);
}

EngineObject::~EngineObject() = default;

Engine& EngineObject::engine() const {
  if (!engine_) throw Error(ErrorCode::kNotLoaded, "the models were unloaded");
  return *engine_;
}

Napi::Value EngineObject::loaded(const Napi::CallbackInfo&) { return description_.Value(); }

Napi::Value EngineObject::generate(const Napi::CallbackInfo& info) {
  return guarded(info.Env(), [&]() -> Napi::Value {
    const Napi::Env env = info.Env();
    const auto params = info[0].As<Napi::Object>();
    const std::string id = get_string(params, "id");
    if (requests_->contains(id)) throw Error(ErrorCode::kBusy, "a request with the id \"" + id + "\" is running");
    Request asked = request(params, engine().vocabulary(), engine().info().vocabulary);
    const auto deferred = Napi::Promise::Deferred::New(env);
    // The engine may settle before submit() returns: the entry must be there to be erased.
    const auto entry = requests_->emplace(id, 0).first;
    auto stream = std::make_unique<Stream>(env, info[1].As<Napi::Function>(), deferred,
                                           [requests = requests_, id] { requests->erase(id); });
    try {
      entry->second = engine().submit(std::move(asked), std::move(stream));
    } catch (const std::exception&) {
      requests_->erase(id);
      throw;
    }
    return deferred.Promise();
  });
}

void EngineObject::cancel(const Napi::CallbackInfo& info) {
  const auto found = requests_->find(info[0].ToString());
  if (engine_ && found != requests_->end()) engine_->cancel(found->second);
}

void EngineObject::cancel_lane(const Napi::CallbackInfo& info) {
  const auto found = requests_->find(info[0].ToString());
  if (engine_ && found != requests_->end()) engine_->cancel_lane(found->second, info[1].ToNumber());
}

Napi::Value EngineObject::tokenize(const Napi::CallbackInfo& info) {
  return guarded(info.Env(), [&]() -> Napi::Value {
    const std::vector<Token> tokens = engine().vocabulary().tokenize(info[0].ToString().Utf8Value(), false, false);
    Napi::Array result = Napi::Array::New(info.Env(), tokens.size());
    for (std::uint32_t i = 0; i < tokens.size(); ++i) result.Set(i, tokens[i]);
    return result;
  });
}

Napi::Value EngineObject::counts(const Napi::CallbackInfo& info) {
  const Engine::Counts counts = engine_ ? engine_->counts() : Engine::Counts{};
  Napi::Object result = Napi::Object::New(info.Env());
  result.Set("running", counts.running);
  result.Set("queued", counts.queued);
  result.Set("lanesInUse", counts.lanes_in_use);
  return result;
}

Napi::Value EngineObject::close(const Napi::CallbackInfo& info) {
  auto* const closer = new Closer(info.Env(), std::move(engine_));  // deletes itself
  const Napi::Promise promise = closer->promise();
  closer->Queue();
  return promise;
}

}  // namespace octet::addon
