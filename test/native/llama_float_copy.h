// The starter pair with its Q8_0 weights written out as float32.
//
// llama.cpp's Q8_0 kernels quantise activations too. Where a lane's cells lie in the cache changes the order of float32
// sums by an ulp; rounding to 8 bits makes up to 0.1 of that in a logit, though no lane ever sees another's content.
// With float32 weights the ulp stays one, so tokens can be compared and a stale cell stands out.
#pragma once

#include <llama.h>

#include <cstdio>
#include <filesystem>
#include <map>
#include <random>
#include <stdexcept>

#include "llama_fixture.h"

namespace octet::llama {

/// Path of a float32 copy of a model file, made once per process and removed at its end.
inline const std::string& float_copy(const std::string& path) {
  struct Copies {
    std::map<std::string, std::string> made;
    ~Copies() {
      for (const auto& [from, to] : made) std::remove(to.c_str());
    }
  };
  static Copies copies;
  std::string& copy = copies.made[path];
  if (!copy.empty()) return copy;
  start_backends();
  const std::string name = "octet-f32-" + std::to_string(std::random_device{}()) + ".gguf";
  copy = (std::filesystem::temp_directory_path() / name).string();
  llama_model_quantize_params params = llama_model_quantize_default_params();
  params.ftype = LLAMA_FTYPE_ALL_F32;
  params.allow_requantize = true;
  params.nthread = 1;
  if (llama_model_quantize(path.c_str(), copy.c_str(), &params) != 0) throw std::runtime_error("no float32 copy");
  return copy;
}

}  // namespace octet::llama
