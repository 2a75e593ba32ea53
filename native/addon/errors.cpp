#include "addon/errors.h"

#include <new>

namespace octet::addon {

Napi::Error to_js(Napi::Env env, const Error& error) {
  Napi::Error result = Napi::Error::New(env, error.what());
  result.Set("code", Napi::String::New(env, name(error.code)));
  if (!error.advice.empty()) result.Set("advice", Napi::String::New(env, error.advice));
  return result;
}

Error as_error(const std::exception& error) {
  if (const auto* ours = dynamic_cast<const Error*>(&error)) return *ours;
  if (dynamic_cast<const std::bad_alloc*>(&error))
    return Error(ErrorCode::kOutOfMemory, "memory ran out", "Close other programs, or use fewer lanes, a shorter context or a smaller model.");
  return Error(ErrorCode::kInternal, error.what());
}

}  // namespace octet::addon
