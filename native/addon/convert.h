// Between the engine's types and the protocol's JavaScript objects (protocol/worker.ts).
#pragma once

#include <napi.h>

#include "addon/loaded.h"

namespace octet::addon {

/// Field readers. A missing or mistyped field throws Error(kBadParams) that names it.
std::string get_string(const Napi::Object& object, const char* field);
double get_number(const Napi::Object& object, const char* field);

llama::LoadOptions load_options(const Napi::Object& params);

/// `vocabulary` turns the prompt into tokens: text, a fill-in-the-middle pair (prefix, suffix, middle order), or ids.
Request request(const Napi::Object& params, const Vocabulary& vocabulary, int vocabulary_size);

Napi::Object to_js(Napi::Env env, const llama::Device& device);
Napi::Object to_js(Napi::Env env, const llama::ModelInfo& model);
Napi::Object to_js(Napi::Env env, const llama::Inspection& inspection);
Napi::Object to_js(Napi::Env env, const Loaded& loaded, bool fim);
Napi::Object to_js(Napi::Env env, const PrefillEvent& event);
Napi::Object to_js(Napi::Env env, const StepEvent& event);
Napi::Object to_js(Napi::Env env, const Result& result);

/// A JavaScript Error with `code` and, where there is one, `advice`.
Napi::Error to_js(Napi::Env env, const Error& error);

/// Any C++ exception as an Error of ours.
Error as_error(const std::exception& error);

/// Runs `body`, turning C++ exceptions into JavaScript ones.
template <class Body>
auto guarded(Napi::Env env, Body&& body) -> decltype(body()) {
  try {
    return body();
  } catch (const Napi::Error&) {
    throw;
  } catch (const std::exception& error) {
    throw to_js(env, as_error(error));
  }
}

}  // namespace octet::addon
