#include "addon/to_js.h"

namespace octet::addon {
namespace {

Napi::Value optional_number(Napi::Env env, const std::optional<double>& value) {
  return value ? Napi::Number::New(env, *value).As<Napi::Value>() : env.Null();
}

template <class Items, class Make>
Napi::Array array(Napi::Env env, const Items& items, Make&& make) {
  Napi::Array result = Napi::Array::New(env, items.size());
  std::uint32_t i = 0;
  for (const auto& item : items) result.Set(i++, make(item));
  return result;
}

Napi::Array strings(Napi::Env env, const std::vector<std::string>& items) {
  return array(env, items, [&](const std::string& item) { return Napi::String::New(env, item); });
}

void set_tokens(Napi::Object& object, const std::vector<EmittedToken>& tokens, const char* ids, const char* logprobs) {
  const Napi::Env env = object.Env();
  object.Set(ids, array(env, tokens, [&](const EmittedToken& t) { return Napi::Number::New(env, t.token); }));
  object.Set(logprobs, array(env, tokens, [&](const EmittedToken& t) { return Napi::Number::New(env, t.logprob); }));
}

Napi::Object to_js(Napi::Env env, const LaneEvent& lane) {
  Napi::Object object = Napi::Object::New(env);
  object.Set("lane", lane.lane);
  set_tokens(object, lane.tokens, "tokens", "logprobs");
  object.Set("drafted", lane.drafted);
  object.Set("accepted", lane.accepted);
  object.Set("text", array(env, lane.text, [&](const TextSpan& span) {
    Napi::Object piece = Napi::Object::New(env);
    piece.Set("text", span.text);
    piece.Set("accepted", span.accepted);
    return piece;
  }));
  if (lane.finish) object.Set("finishReason", name(*lane.finish));
  return object;
}

Napi::Object to_js(Napi::Env env, const SequenceResult& sequence) {
  Napi::Object object = Napi::Object::New(env);
  object.Set("lane", sequence.lane);
  object.Set("rank", sequence.rank);
  object.Set("text", sequence.text);
  set_tokens(object, sequence.tokens, "tokens", "tokenLogprobs");
  object.Set("meanLogprob", optional_number(env, sequence.mean_logprob));
  object.Set("finishReason", name(sequence.finish));
  object.Set("drafted", sequence.drafted);
  object.Set("accepted", sequence.accepted);
  object.Set("firstTokenMs", optional_number(env, sequence.first_token_ms));
  object.Set("msPerToken", optional_number(env, sequence.ms_per_token));
  return object;
}

Napi::Object to_js(Napi::Env env, const Totals& totals) {
  Napi::Object object = Napi::Object::New(env);
  object.Set("promptTokens", totals.prompt_tokens);
  object.Set("reusedTokens", totals.reused_tokens);
  object.Set("prefillMs", totals.prefill_ms);
  object.Set("decodeMs", totals.decode_ms);
  object.Set("wallMs", totals.wall_ms);
  object.Set("steps", totals.steps);
  object.Set("tokens", totals.tokens);
  object.Set("drafted", totals.drafted);
  object.Set("accepted", totals.accepted);
  object.Set("acceptanceRate", optional_number(env, totals.acceptance_rate));
  object.Set("tokensPerStep", optional_number(env, totals.tokens_per_step));
  object.Set("tokensPerSecond", optional_number(env, totals.tokens_per_second));
  Napi::Object per_token = Napi::Object::New(env);
  per_token.Set("first", optional_number(env, totals.ms_per_token_first));
  per_token.Set("last", optional_number(env, totals.ms_per_token_last));
  per_token.Set("all", optional_number(env, totals.ms_per_token_all));
  object.Set("msPerToken", per_token);
  object.Set("draftMs", totals.draft_ms);
  object.Set("verifyMs", totals.verify_ms);
  object.Set("hostMs", totals.host_ms);
  Napi::Object alone = Napi::Object::New(env);
  alone.Set("prompt", totals.prompt_alone);
  alone.Set("steps", totals.steps_alone);
  object.Set("alone", alone);
  return object;
}

}  // namespace

Napi::Object to_js(Napi::Env env, const llama::Device& device) {
  Napi::Object object = Napi::Object::New(env);
  object.Set("name", device.name);
  object.Set("description", device.description);
  object.Set("kind", device.kind);
  object.Set("runtime", "llama");
  object.Set("memoryBytes", static_cast<double>(device.memory_bytes));
  object.Set("freeMemoryBytes", static_cast<double>(device.free_memory_bytes));
  return object;
}

Napi::Object to_js(Napi::Env env, const llama::ModelInfo& model) {
  Napi::Object object = Napi::Object::New(env);
  object.Set("path", model.path);
  object.Set("name", model.name);
  object.Set("architecture", model.architecture);
  object.Set("quantization", model.quantization);
  object.Set("parameters", static_cast<double>(model.parameters));
  object.Set("fileBytes", static_cast<double>(model.file_bytes));
  object.Set("vocabularySize", model.vocabulary_size);
  object.Set("trainedContext", model.trained_context);
  object.Set("layers", model.layers);
  object.Set("fim", model.fim);
  return object;
}

Napi::Object to_js(Napi::Env env, const llama::Inspection& inspection) {
  Napi::Object object = Napi::Object::New(env);
  object.Set("model", to_js(env, inspection.model));
  object.Set("runnable", inspection.runnable);
  object.Set("reasons", strings(env, inspection.reasons));
  object.Set("kvBytesPerToken", static_cast<double>(inspection.kv_bytes_per_token));
  object.Set("tensorTypes", array(env, inspection.tensor_types, [&](const llama::TensorType& type) {
    Napi::Object item = Napi::Object::New(env);
    item.Set("type", type.type);
    item.Set("count", type.count);
    item.Set("bytes", static_cast<double>(type.bytes));
    return item;
  }));
  Napi::Object metadata = Napi::Object::New(env);
  for (const auto& [key, value] : inspection.metadata) metadata.Set(key, value);
  object.Set("metadata", metadata);
  if (inspection.draft_given) {
    Napi::Object draft = Napi::Object::New(env);
    draft.Set("model", to_js(env, inspection.draft));
    draft.Set("compatible", inspection.draft_compatible);
    draft.Set("reason", inspection.draft_reason);
    object.Set("draft", draft);
  }
  return object;
}

Napi::Object to_js(Napi::Env env, const Loaded& loaded, bool fim) {
  Napi::Object object = Napi::Object::New(env);
  object.Set("target", to_js(env, loaded.target));
  object.Set("draft", loaded.has_draft ? to_js(env, loaded.draft).As<Napi::Value>() : env.Null());
  object.Set("runtime", loaded.runtime);
  object.Set("device", to_js(env, loaded.device));
  object.Set("threads", loaded.threads);
  object.Set("lanes", loaded.lanes);
  object.Set("spareLanes", loaded.spare_lanes);
  object.Set("contextTokens", loaded.context_tokens);
  object.Set("cacheTokens", loaded.cache_tokens);
  Napi::Object memory = Napi::Object::New(env);
  memory.Set("targetWeights", static_cast<double>(loaded.memory.target_weights));
  memory.Set("draftWeights", static_cast<double>(loaded.memory.draft_weights));
  memory.Set("kvCache", static_cast<double>(loaded.memory.kv_cache));
  memory.Set("compute", static_cast<double>(loaded.memory.compute));
  memory.Set("total", static_cast<double>(loaded.memory.total));
  memory.Set("available", static_cast<double>(loaded.memory.available));
  object.Set("memory", memory);
  if (loaded.gpu_layers > 0) {
    Napi::Object split = Napi::Object::New(env);
    split.Set("layersOnDevice", loaded.gpu_layers);
    split.Set("machineMemoryBytes", static_cast<double>(loaded.memory.host));
    object.Set("split", split);
  }
  object.Set("fim", fim);
  object.Set("notices", strings(env, loaded.notices));
  object.Set("loadMs", loaded.load_ms);
  return object;
}

Napi::Object to_js(Napi::Env env, const PrefillEvent& event) {
  Napi::Object object = Napi::Object::New(env);
  object.Set("done", event.done);
  object.Set("total", event.total);
  object.Set("reused", event.reused);
  return object;
}

Napi::Object to_js(Napi::Env env, const StepEvent& event) {
  Napi::Object object = Napi::Object::New(env);
  object.Set("atMs", event.at_ms);
  object.Set("stepMs", event.step_ms);
  object.Set("draftMs", event.draft_ms);
  object.Set("verifyMs", event.verify_ms);
  object.Set("hostMs", event.host_ms);
  object.Set("draftLength", event.draft_length);
  object.Set("lanes", array(env, event.lanes, [&](const LaneEvent& lane) { return to_js(env, lane); }));
  return object;
}

Napi::Object to_js(Napi::Env env, const Result& result) {
  Napi::Object object = Napi::Object::New(env);
  object.Set("sequences", array(env, result.sequences, [&](const SequenceResult& s) { return to_js(env, s); }));
  object.Set("totals", to_js(env, result.totals));
  if (!result.prompt_logprobs.empty())
    object.Set("promptLogprobs", array(env, result.prompt_logprobs, [&](float logprob) { return Napi::Number::New(env, logprob); }));
  object.Set("notices", strings(env, result.notices));
  return object;
}

}  // namespace octet::addon
