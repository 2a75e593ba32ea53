// A GGUF model as the CUDA runtime takes it, or the reason why it cannot.
#pragma once

#include <string>
#include <vector>

#include "runtimes/cuda/model/mapped_file.h"
#include "runtimes/cuda/network_source.h"
#include "runtimes/llama/gguf_file.h"

namespace octet::cuda {

/// Keeps the files mapped that `source` points into.
struct ModelSource {
  NetworkSource source;
  std::vector<MappedFile> files;
};

/// `parts` have passed llama::check_shape. Throws Error(kModelUnsupported) naming the architecture, parameter or tensor that
/// this runtime cannot run; the llama runtime may.
ModelSource describe_network(const std::vector<llama::GgufFile>& parts);

}  // namespace octet::cuda
