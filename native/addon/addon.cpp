// The module: everything of octet.d.ts but the engine object.

#include <atomic>
#include <cstdlib>

#include "addon/engine_object.h"
#include "addon/errors.h"
#include "addon/from_js.h"
#include "addon/loaded.h"
#include "addon/memory.h"
#include "addon/to_js.h"

namespace octet::addon {
namespace {

constexpr const char* kPhases[] = {"checking", "target", "draft", "warmup"};
constexpr const char* kLevels[] = {"error", "warning", "info", "debug"};
constexpr const char* kGpuStates[] = {"usable", "noDevice", "unusable"};

std::atomic<bool> cancel_load_requested{false};
Napi::FunctionReference engine_constructor;

// Work off the JavaScript thread whose errors keep their code.
class Task : public Napi::AsyncWorker {
 public:
  explicit Task(Napi::Env env) : AsyncWorker(env), deferred_(env) {}
  Napi::Promise promise() { return deferred_.Promise(); }

 protected:
  virtual void work() = 0;
  virtual Napi::Value result(Napi::Env env) = 0;

  void Execute() override {
    try {
      work();
    } catch (const std::exception& error) {
      error_ = as_error(error);
    }
  }
  void OnOK() override {
    if (error_)
      deferred_.Reject(to_js(Env(), *error_).Value());
    else
      deferred_.Resolve(result(Env()));
  }
  void OnError(const Napi::Error& error) override { deferred_.Reject(error.Value()); }

 private:
  Napi::Promise::Deferred deferred_;
  std::optional<Error> error_;
};

class Inspect final : public Task {
 public:
  Inspect(Napi::Env env, std::string path, std::string draft) : Task(env), path_(std::move(path)), draft_(std::move(draft)) {}

 protected:
  void work() override { inspection_ = llama::inspect(path_, draft_); }
  Napi::Value result(Napi::Env env) override { return to_js(env, inspection_); }

 private:
  std::string path_, draft_;
  llama::Inspection inspection_;
};

class Load final : public Task {
 public:
  Load(Napi::Env env, llama::LoadOptions options, Napi::Function on_progress)
      : Task(env), options_(std::move(options)),
        progress_(Napi::ThreadSafeFunction::New(env, on_progress, "octet.load", 0, 1)) {}
  ~Load() override { progress_.Release(); }

 protected:
  void work() override {
    loaded_ = start_engine(options_, [this](llama::LoadPhase phase, float fraction) {
      const char* name = kPhases[static_cast<int>(phase)];
      progress_.NonBlockingCall([name, fraction](Napi::Env env, Napi::Function callback) {
        Napi::Object progress = Napi::Object::New(env);
        progress.Set("phase", name);
        progress.Set("fraction", fraction);
        callback.Call({progress});
      });
      return !cancel_load_requested;
    });
  }
  Napi::Value result(Napi::Env env) override {
    return engine_constructor.New({Napi::External<Loaded>::New(env, &loaded_)});
  }

 private:
  llama::LoadOptions options_;
  Napi::ThreadSafeFunction progress_;
  Loaded loaded_;
};

void initialize(const Napi::CallbackInfo& info) {
  guarded(info.Env(), [&] {
    const auto options = info[0].As<Napi::Object>();
    const auto list = options.Get("libraries").As<Napi::Array>();
    std::vector<std::string> folders;
    for (std::uint32_t i = 0; i < list.Length(); ++i) folders.push_back(list.Get(i).ToString());
    auto log = Napi::ThreadSafeFunction::New(info.Env(), options.Get("onLog").As<Napi::Function>(), "octet.log", 0, 1);
    log.Unref(info.Env());
    llama::initialize(folders, [log](llama::LogLevel level, const std::string& message) {
      log.NonBlockingCall([level, message](Napi::Env env, Napi::Function callback) {
        Napi::Object line = Napi::Object::New(env);
        line.Set("level", kLevels[static_cast<int>(level)]);
        line.Set("message", message);
        callback.Call({line});
      });
    }, options.Get("gpus").ToBoolean());
  });
}

Napi::Value versions(const Napi::CallbackInfo& info) {
  Napi::Object result = Napi::Object::New(info.Env());
  result.Set("octet", OCTET_VERSION);
  result.Set("llama.cpp", OCTET_LLAMA_VERSION);
  return result;
}

Napi::Value devices(const Napi::CallbackInfo& info) {
  return guarded(info.Env(), [&]() -> Napi::Value {
    Napi::Array result = Napi::Array::New(info.Env());
    for (const llama::Device& device : llama::devices()) result.Set(result.Length(), to_js(info.Env(), device));
    return result;
  });
}

Napi::Value gpu_backends(const Napi::CallbackInfo& info) {
  const auto& backends = llama::gpu_backends();
  if (!backends) return info.Env().Null();
  Napi::Array result = Napi::Array::New(info.Env());
  for (const llama::GpuBackend& backend : *backends) {
    Napi::Object object = Napi::Object::New(info.Env());
    object.Set("name", backend.name);
    object.Set("state", kGpuStates[static_cast<int>(backend.state)]);
    object.Set("reason", backend.reason);
    result.Set(result.Length(), object);
  }
  return result;
}

Napi::Value machine(const Napi::CallbackInfo& info) {
  const llama::Machine machine = llama::machine();
  Napi::Object result = Napi::Object::New(info.Env());
  result.Set("physicalCores", machine.physical_cores);
  result.Set("logicalCores", machine.logical_cores);
  result.Set("memoryBytes", static_cast<double>(machine.memory_bytes));
  result.Set("freeMemoryBytes", static_cast<double>(machine.free_memory_bytes));
  return result;
}

Napi::Value default_threads(const Napi::CallbackInfo& info) { return Napi::Number::New(info.Env(), llama::default_threads()); }

Napi::Value inspect(const Napi::CallbackInfo& info) {
  return guarded(info.Env(), [&]() -> Napi::Value {
    const auto params = info[0].As<Napi::Object>();
    const bool with_draft = params.Get("draft").IsString();
    auto* const task = new Inspect(info.Env(), get_string(params, "path"), with_draft ? get_string(params, "draft") : "");
    const Napi::Promise promise = task->promise();  // the task deletes itself
    task->Queue();
    return promise;
  });
}

Napi::Value start_load(const Napi::CallbackInfo& info) {
  return guarded(info.Env(), [&]() -> Napi::Value {
    cancel_load_requested = false;
    auto* const task = new Load(info.Env(), load_options(info[0].As<Napi::Object>()), info[1].As<Napi::Function>());
    const Napi::Promise promise = task->promise();
    task->Queue();
    return promise;
  });
}

void cancel_load(const Napi::CallbackInfo&) { cancel_load_requested = true; }

// Without destructors: a load may still be running on another thread.
void exit_now(const Napi::CallbackInfo& info) { std::_Exit(info[0].ToNumber()); }

Napi::Object define(Napi::Env env, Napi::Object exports) {
  keep_large_memory_apart();
  engine_constructor = Napi::Persistent(EngineObject::define(env));
  engine_constructor.SuppressDestruct();
  const auto add = [&](const char* name, auto function) { exports.Set(name, Napi::Function::New(env, function, name)); };
  add("initialize", initialize);
  add("versions", versions);
  add("devices", devices);
  add("gpuBackends", gpu_backends);
  add("machine", machine);
  add("defaultThreads", default_threads);
  add("inspect", inspect);
  add("load", start_load);
  add("cancelLoad", cancel_load);
  add("exitNow", exit_now);
  return exports;
}

}  // namespace

NODE_API_MODULE(octet, define)

}  // namespace octet::addon
