// What every runtime's load begins with: the options and the files checked before any weight is read.
#pragma once

#include <future>

#include "runtimes/llama/handles.h"
#include "runtimes/llama/memory.h"

namespace octet::llama {

/// A model's file, checked, before its weights are read.
struct Candidate {
  ModelHandle vocabulary;  ///< The model without its weights.
  std::vector<GgufFile> parts;
  Footprint footprint;
  ModelInfo info;
};

/// Throws Error(kModelNotFound | kModelDamaged | kModelUnsupported).
Candidate examine(const std::string& path);

/// Begins to examine the draft, where there is one, beside whatever comes: half of a load's time can be that of two vocabularies.
std::future<Candidate> examine_draft(const LoadOptions& options);

/// Throws Error(kBadParams) where an option is out of bounds.
void check(const LoadOptions& options);

/// Bytes of the device a pair may take: a twentieth of what is free, at most half a gigabyte, is left to others.
std::uint64_t available_memory(const LoadOptions& options, const Device& device);

/// The same of the machine's memory, beside a device's.
std::uint64_t available_memory(const Machine& machine);

}  // namespace octet::llama
