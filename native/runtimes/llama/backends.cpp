// Loads the ggml backends, lists their devices and makes the pool of compute threads.
#include "runtimes/llama/backends.h"

#include <filesystem>
#include <mutex>

#include "runtimes/llama/backend_files.h"
#include "runtimes/llama/log.h"
#include "runtimes/llama/shared_library.h"

namespace octet::llama {
namespace {

namespace fs = std::filesystem;

std::mutex loading;
bool initialized = false;
std::optional<std::vector<GpuBackend>> gpus;  // written once, by initialize

std::string to_utf8(const fs::path& path) {
  const auto text = path.u8string();
  return {text.begin(), text.end()};
}

ggml_backend_dev_t cpu_device() { return ggml_backend_dev_by_type(GGML_BACKEND_DEVICE_TYPE_CPU); }

// What became of a GPU backend's library: first opened here, since ggml does not say why it cannot be.
GpuBackend load_gpu_backend(const BackendFile& file) {
  const ExpectedErrors no_driver_installed;
  const SharedLibrary library(file.path);
  if (!library) return {file.backend, GpuBackend::State::kUnusable, library.reason()};
  const ggml_backend_reg_t backend = ggml_backend_load(to_utf8(file.path).c_str());
  const bool has_devices = backend && ggml_backend_reg_dev_count(backend) > 0;
  return {file.backend, has_devices ? GpuBackend::State::kUsable : GpuBackend::State::kNoDevice, {}};
}

void tell(const GpuBackend& backend) {
  const std::string sentence = "the " + backend.name + " backend ";
  if (backend.state == GpuBackend::State::kUnusable) {
    write_log(LogLevel::kInfo, sentence + "cannot be used on this machine: " + backend.reason);
  } else if (backend.state == GpuBackend::State::kNoDevice) {
    write_log(LogLevel::kInfo, sentence + "finds no device on this machine");
  }
}

// The package of a GPU backend brings its own copies of the CPU variants and of libggml-base; where the CPU is there, only the
// GPU library itself is wanted from it (its libggml-base is the one already loaded, by soname).
void load_backends(const fs::path& folder) {
  const std::vector<BackendFile> files = backend_files(folder);
  for (const BackendFile& file : files) {
    if (!is_gpu_backend(file.backend)) continue;
    if (!gpus || ggml_backend_reg_by_name(file.backend.c_str())) continue;
    const GpuBackend loaded = load_gpu_backend(file);
    tell(loaded);
    std::erase_if(*gpus, [&](const GpuBackend& before) { return before.name == loaded.name; });
    gpus->push_back(loaded);
  }
  for (const BackendFile& file : files) {
    if (file.backend == "blas" && !ggml_backend_reg_by_name("blas")) ggml_backend_load(to_utf8(file.path).c_str());
  }
  if (cpu_device()) return;
  const fs::path cpu = best_cpu_backend(files);
  if (!cpu.empty()) ggml_backend_load(to_utf8(cpu).c_str());
}

std::string kind_of(ggml_backend_dev_t device) {
  switch (ggml_backend_dev_type(device)) {
    case GGML_BACKEND_DEVICE_TYPE_CPU: return "cpu";
    case GGML_BACKEND_DEVICE_TYPE_GPU: return "gpu";
    case GGML_BACKEND_DEVICE_TYPE_IGPU: return "integratedGpu";
    default: return "accelerator";
  }
}

Device describe(ggml_backend_dev_t handle) {
  Device device;
  device.name = ggml_backend_dev_name(handle);
  device.description = ggml_backend_dev_description(handle);
  device.kind = kind_of(handle);
  if (device.kind == "cpu") {
    const Machine here = machine();
    device.memory_bytes = here.memory_bytes;
    device.free_memory_bytes = here.free_memory_bytes;
  } else {
    std::size_t free = 0, total = 0;
    ggml_backend_dev_memory(handle, &free, &total);
    device.memory_bytes = total;
    device.free_memory_bytes = free;
  }
  return device;
}

template <typename Function>
Function* cpu_function(const char* name) {
  const ggml_backend_dev_t cpu = cpu_device();
  if (!cpu) return nullptr;
  return reinterpret_cast<Function*>(ggml_backend_reg_get_proc_address(ggml_backend_dev_backend_reg(cpu), name));
}

}  // namespace

void initialize(const std::vector<std::string>& folders, std::function<void(LogLevel, const std::string&)> log, bool with_gpus) {
  route_log(std::move(log));
  const std::lock_guard lock(loading);
  if (initialized) return;
  if (with_gpus) gpus.emplace();
  for (const std::string& folder : folders) load_backends(fs::path(std::u8string(folder.begin(), folder.end())));
  if (!cpu_device()) {
    std::string where;
    for (const std::string& folder : folders) where += (where.empty() ? "" : ", ") + folder;
    throw Error(ErrorCode::kDeviceNotFound, "No CPU backend of llama.cpp in " + (where.empty() ? "no folder" : where),
                "Reinstall the extension: its package for this platform is incomplete.");
  }
  llama_backend_init();
  initialized = true;
}

const std::optional<std::vector<GpuBackend>>& gpu_backends() { return gpus; }

std::vector<Device> devices() {
  std::vector<Device> all;
  for (std::size_t i = 0; i < ggml_backend_dev_count(); ++i) all.push_back(describe(ggml_backend_dev_get(i)));
  return all;
}

std::vector<ChosenDevice> usable_devices() {
  {
    const std::lock_guard lock(loading);
    if (!initialized) throw Error(ErrorCode::kInternal, "llama::initialize has not been called");
  }
  std::vector<ChosenDevice> found;
  for (const char* kind : {"gpu", "integratedGpu", "cpu"}) {
    for (std::size_t i = 0; i < ggml_backend_dev_count(); ++i) {
      const ggml_backend_dev_t handle = ggml_backend_dev_get(i);
      if (kind_of(handle) != kind) continue;
      found.push_back({describe(handle), std::string(kind) == "cpu" ? nullptr : handle});
    }
  }
  return found;
}

std::vector<ChosenDevice> matching_devices(const std::string& request) {
  const std::vector<ChosenDevice> all = usable_devices();
  std::vector<ChosenDevice> matching;
  std::string names;
  for (const ChosenDevice& chosen : all) {
    const std::string& kind = chosen.device.kind;
    const bool wanted = request == "auto" || request.empty() || request == chosen.device.name ||
                        (request == "cpu" && kind == "cpu") || (request == "gpu" && kind != "cpu");
    if (wanted) matching.push_back(chosen);
    names += (names.empty() ? "" : ", ") + chosen.device.name + " (" + chosen.device.description + ")";
  }
  if (matching.empty()) {
    throw Error(ErrorCode::kDeviceNotFound, "There is no device \"" + request + "\" here; there is: " + names,
                "Set the device to auto, cpu or one of these names.");
  }
  return matching;
}

ThreadPool make_thread_pool(int threads) {
  auto* const create = cpu_function<decltype(ggml_threadpool_new)>("ggml_threadpool_new");
  auto* const destroy = cpu_function<decltype(ggml_threadpool_free)>("ggml_threadpool_free");
  if (!create || !destroy) return {};
  ggml_threadpool_params params = ggml_threadpool_params_default(threads);
  params.poll = 0;
  ggml_threadpool* const pool = create(&params);
  return pool ? ThreadPool(pool, destroy) : ThreadPool{};
}

}  // namespace octet::llama
