// Errors that reach the user, with a code for programs. The codes are those of protocol/messages.ts.
#pragma once

#include <stdexcept>
#include <string>

namespace octet {

enum class ErrorCode {
  kBadParams, kModelNotFound, kModelDamaged, kModelUnsupported, kVocabularyMismatch, kOutOfMemory, kDeviceNotFound,
  kNotLoaded, kEmptyPrompt, kPromptTooLong, kNoFim, kBusy, kCancelled, kInternal,
};

constexpr const char* name(ErrorCode code) {
  constexpr const char* names[] = {
      "badParams", "modelNotFound", "modelDamaged", "modelUnsupported", "vocabularyMismatch", "outOfMemory",
      "deviceNotFound", "notLoaded", "emptyPrompt", "promptTooLong", "noFim", "busy", "cancelled", "internal"};
  return names[static_cast<int>(code)];
}

/// `what()` is one line for people; `advice` one sentence on what to do, or empty where the line says it.
struct Error : std::runtime_error {
  Error(ErrorCode code, const std::string& message, std::string advice = {})
      : std::runtime_error(message), code(code), advice(std::move(advice)) {}
  ErrorCode code;
  std::string advice;
};

}  // namespace octet
