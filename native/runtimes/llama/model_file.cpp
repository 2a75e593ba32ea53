// llama_model_load_from_file with progress that may throw, cancellation and readable failures.
#include "runtimes/llama/model_file.h"

#include <array>
#include <cstring>
#include <exception>

#include "runtimes/llama/log.h"

namespace octet::llama {
namespace {

struct Progress {
  const std::function<bool(float)>& call;
  std::exception_ptr failure;
  bool cancelled = false;
};

// Called from C: keeps what the caller's function throws until the C frames are gone.
bool on_progress(float fraction, void* data) {
  auto& progress = *static_cast<Progress*>(data);
  try {
    if (progress.call(fraction)) return true;
    progress.cancelled = true;
  } catch (...) {
    progress.failure = std::current_exception();
  }
  return false;
}

ModelHandle load_file(const std::string& path, const llama_model_params& params) {
  const ErrorLines errors;
  llama_model* model = nullptr;
  std::string reason;
  try {
    model = llama_model_load_from_file(path.c_str(), params);
    reason = errors.first();
  } catch (const std::exception& error) {
    reason = error.what();
  }
  if (model) return ModelHandle(model, llama_model_free);
  const bool unknown = reason.find("unknown model architecture") != std::string::npos ||
                       reason.find("unknown pre-tokenizer") != std::string::npos ||
                       reason.find("unknown tokenizer") != std::string::npos;
  for (const char* const before : {"error loading model: ", "error loading model vocabulary: ",
                                   "error loading model hyperparameters: "}) {
    if (reason.rfind(before, 0) == 0) reason.erase(0, std::strlen(before));
  }
  throw Error(unknown ? ErrorCode::kModelUnsupported : ErrorCode::kModelDamaged,
              path + ": llama.cpp cannot load it" + (reason.empty() ? "" : ": " + printable(reason)));
}

bool names(const std::string& reason, ggml_backend_dev_t device) { return reason.find(ggml_backend_dev_name(device)) != std::string::npos; }

std::string metadata(const llama_model* model, const std::string& key) {
  std::array<char, 128> text{};
  const int length = llama_model_meta_val_str(model, key.c_str(), text.data(), text.size());
  return length < 0 ? std::string() : std::string(text.data());
}

}  // namespace

bool ran_out_of_memory(const std::string& reason) {
  for (const char* const words : {"failed to allocate", "unable to allocate", "emory allocation of size", "OutOfDeviceMemory"}) {
    if (reason.find(words) != std::string::npos) return true;
  }
  return false;
}

ModelHandle open_weights(const std::string& path, ggml_backend_dev_t device, std::optional<int> layers,
                         const std::function<bool(float)>& progress) {
  std::array<ggml_backend_dev_t, 2> devices{device, nullptr};
  Progress state{progress, nullptr, false};
  llama_model_params params = llama_model_default_params();
  params.devices = devices.data();
  params.n_gpu_layers = !device ? 0 : layers ? *layers + 1 : -1;  // the output counts as a layer
  params.split_mode = LLAMA_SPLIT_MODE_NONE;
  params.progress_callback = on_progress;
  params.progress_callback_user_data = &state;
  try {
    return load_file(path, params);
  } catch (const Error& error) {
    if (state.failure) std::rethrow_exception(state.failure);
    if (state.cancelled) throw Error(ErrorCode::kCancelled, "Loading was cancelled");
    if (device && ran_out_of_memory(error.what())) {
      throw Error(ErrorCode::kOutOfMemory, error.what(), names(error.what(), device) ? kGpuMemoryAdvice : kMachineMemoryAdvice);
    }
    throw;
  }
}

ModelHandle open_vocabulary(const std::string& path) {
  std::array<ggml_backend_dev_t, 1> none{nullptr};
  llama_model_params params = llama_model_default_params();
  params.devices = none.data();
  params.vocab_only = true;
  params.progress_callback = [](float, void*) { return true; };
  return load_file(path, params);
}

std::string unsupported_reason(const llama_model* model) {
  const std::string architecture = metadata(model, "general.architecture");
  const std::string subject = "the architecture " + printable(architecture) + " ";
  if (llama_model_is_recurrent(model)) return subject + "is recurrent: its state cannot be rolled back";
  if (llama_model_is_hybrid(model)) return subject + "is partly recurrent: its state cannot be rolled back";
  if (llama_model_is_diffusion(model)) return subject + "is a diffusion model, not a left-to-right decoder";
  if (llama_model_has_encoder(model) || !llama_model_has_decoder(model)) {
    return subject + "has an encoder: only decoder-only models are supported";
  }
  const std::string causal = metadata(model, architecture + ".attention.causal");
  const std::string pooling = metadata(model, architecture + ".pooling_type");
  if (causal == "false" || (!pooling.empty() && pooling != "0")) return subject + "makes embeddings, not text";
  const auto tokenizer = llama_vocab_type(llama_model_get_vocab(model));
  if (tokenizer != LLAMA_VOCAB_TYPE_BPE && tokenizer != LLAMA_VOCAB_TYPE_SPM) {
    const std::string name = printable(metadata(model, "tokenizer.ggml.model"));
    return "the tokenizer \"" + name + "\" is neither byte-pair nor SentencePiece";
  }
  return {};
}

}  // namespace octet::llama
