// The protocol's JavaScript objects (protocol/worker.ts) read into the engine's types.
#pragma once

#include <napi.h>

#include <string>

#include "engine/request.h"
#include "runtimes/llama/load.h"
#include "runtimes/vocabulary.h"

namespace octet::addon {

/// Field readers. A missing or mistyped field throws Error(kBadParams) that names it.
std::string get_string(const Napi::Object& object, const char* field);
double get_number(const Napi::Object& object, const char* field);

llama::LoadOptions load_options(const Napi::Object& params);

/// `vocabulary` turns the prompt into tokens: text, a fill-in-the-middle pair (prefix, suffix, middle order), or ids.
Request request(const Napi::Object& params, const Vocabulary& vocabulary, int vocabulary_size);

}  // namespace octet::addon
