// C++ exceptions as JavaScript's.
#pragma once

#include <napi.h>

#include <exception>

#include "engine/error.h"

namespace octet::addon {

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
