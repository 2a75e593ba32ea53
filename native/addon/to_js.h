// The engine's types as the protocol's JavaScript objects (protocol/worker.ts).
#pragma once

#include <napi.h>

#include "addon/loaded.h"
#include "engine/request.h"

namespace octet::addon {

Napi::Object to_js(Napi::Env env, const llama::Device& device);
Napi::Object to_js(Napi::Env env, const llama::ModelInfo& model);
Napi::Object to_js(Napi::Env env, const llama::Inspection& inspection);
Napi::Object to_js(Napi::Env env, const Loaded& loaded, bool fim);
Napi::Object to_js(Napi::Env env, const PrefillEvent& event);
Napi::Object to_js(Napi::Env env, const StepEvent& event);
Napi::Object to_js(Napi::Env env, const Result& result);

}  // namespace octet::addon
