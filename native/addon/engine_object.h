// The JavaScript object NativeEngine of octet.d.ts.
#pragma once

#include <napi.h>

#include <memory>
#include <string>
#include <unordered_map>

#include "engine/engine.h"

namespace octet::addon {

class EngineObject final : public Napi::ObjectWrap<EngineObject> {
 public:
  static Napi::Function define(Napi::Env env);

  /// Called by load() with an external holding a Loaded*, which it takes over.
  explicit EngineObject(const Napi::CallbackInfo& info);
  ~EngineObject() override;

 private:
  Napi::Value loaded(const Napi::CallbackInfo& info);
  Napi::Value generate(const Napi::CallbackInfo& info);
  void cancel(const Napi::CallbackInfo& info);
  void cancel_lane(const Napi::CallbackInfo& info);
  Napi::Value tokenize(const Napi::CallbackInfo& info);
  Napi::Value counts(const Napi::CallbackInfo& info);
  Napi::Value close(const Napi::CallbackInfo& info);
  Engine& engine() const;

  std::unique_ptr<Engine> engine_;
  Napi::ObjectReference description_;
  // By the client's id. Shared with the streams, which may settle after this object is gone.
  std::shared_ptr<std::unordered_map<std::string, Engine::RequestId>> requests_;
};

}  // namespace octet::addon
