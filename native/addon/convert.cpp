#include "addon/convert.h"

#include <cmath>

namespace octet::addon {
namespace {

[[noreturn]] void bad(const char* field, const char* wanted) {
  throw Error(ErrorCode::kBadParams, std::string(field) + " is not " + wanted);
}

Napi::Object get_object(const Napi::Object& object, const char* field) {
  const Napi::Value value = object.Get(field);
  if (!value.IsObject()) bad(field, "an object");
  return value.As<Napi::Object>();
}

int get_int(const Napi::Object& object, const char* field, int low, int high) {
  const double value = get_number(object, field);
  if (value != std::floor(value) || value < low || value > high)
    bad(field, ("a whole number from " + std::to_string(low) + " to " + std::to_string(high)).c_str());
  return static_cast<int>(value);
}

template <class Item>
std::vector<Item> get_array(const Napi::Object& object, const char* field, Item (*item)(const Napi::Value&)) {
  const Napi::Value value = object.Get(field);
  if (!value.IsArray()) bad(field, "an array");
  const auto array = value.As<Napi::Array>();
  std::vector<Item> items;
  items.reserve(array.Length());
  for (std::uint32_t i = 0; i < array.Length(); ++i) {
    const Napi::HandleScope scope(object.Env());
    items.push_back(item(array.Get(i)));
  }
  return items;
}

Token token(const Napi::Value& value) { return value.IsNumber() ? value.As<Napi::Number>().Int32Value() : -1; }
std::string text(const Napi::Value& value) { return value.IsString() ? value.As<Napi::String>().Utf8Value() : std::string(); }

std::vector<Token> fim_prompt(const Napi::Object& prompt, const Vocabulary& vocabulary) {
  const auto& fim = vocabulary.fim();
  if (!fim)
    throw Error(ErrorCode::kNoFim, "the model has no fill-in-the-middle tokens", "Give a prompt without a suffix, or load a model trained for infilling.");
  std::vector<Token> tokens = vocabulary.tokenize("", true, false);
  const auto add = [&](Token marker, const char* field) {
    tokens.push_back(marker);
    const std::vector<Token> part = vocabulary.tokenize(get_string(prompt, field), false, false);
    tokens.insert(tokens.end(), part.begin(), part.end());
  };
  add(fim->prefix, "prefix");
  add(fim->suffix, "suffix");
  tokens.push_back(fim->middle);
  return tokens;
}

std::vector<Token> prompt_tokens(const Napi::Object& prompt, const Vocabulary& vocabulary, int vocabulary_size) {
  const std::string kind = get_string(prompt, "kind");
  if (kind == "text") {
    const std::string given = get_string(prompt, "text");
    return given.empty() ? std::vector<Token>() : vocabulary.tokenize(given, true, false);
  }
  if (kind == "fim") return fim_prompt(prompt, vocabulary);
  if (kind != "tokens") bad("prompt.kind", "\"text\", \"fim\" or \"tokens\"");
  std::vector<Token> tokens = get_array<Token>(prompt, "tokens", token);
  for (const Token t : tokens)
    if (t < 0 || t >= vocabulary_size) bad("prompt.tokens", ("a list of token ids below " + std::to_string(vocabulary_size)).c_str());
  return tokens;
}

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
  return object;
}

}  // namespace

std::string get_string(const Napi::Object& object, const char* field) {
  const Napi::Value value = object.Get(field);
  if (!value.IsString()) bad(field, "a string");
  return value.As<Napi::String>().Utf8Value();
}

double get_number(const Napi::Object& object, const char* field) {
  const Napi::Value value = object.Get(field);
  if (!value.IsNumber() || !std::isfinite(value.As<Napi::Number>().DoubleValue())) bad(field, "a number");
  return value.As<Napi::Number>().DoubleValue();
}

llama::LoadOptions load_options(const Napi::Object& params) {
  llama::LoadOptions options;
  options.target = get_string(params, "target");
  if (params.Get("draft").IsString()) options.draft = get_string(params, "draft");
  options.device = get_string(params, "device");
  options.threads = get_int(params, "threads", 0, 1024);
  options.lanes = get_int(params, "lanes", 1, kMaxLanes);
  options.context_tokens = get_int(params, "contextTokens", 0, 1 << 24);
  if (params.Get("cudaPlans").IsString()) options.cuda_plans = get_string(params, "cudaPlans");
  const std::string kv = get_string(params, "kvType");
  using KvType = llama::LoadOptions::KvType;
  if (kv != "f32" && kv != "f16" && kv != "q8_0") bad("kvType", "f32, f16 or q8_0");
  options.kv_type = kv == "f32" ? KvType::kF32 : kv == "f16" ? KvType::kF16 : KvType::kQ8_0;
  return options;
}

Request request(const Napi::Object& params, const Vocabulary& vocabulary, int vocabulary_size) {
  Request request;
  request.prompt = prompt_tokens(get_object(params, "prompt"), vocabulary, vocabulary_size);
  request.lanes = get_int(params, "lanes", 1, kMaxLanes);
  request.max_new_tokens = get_int(params, "maxTokens", 1, 1 << 24);
  const Napi::Object sampling = get_object(params, "sampling");
  request.sampling.temperature = static_cast<float>(get_number(sampling, "temperature"));
  request.sampling.top_k = get_int(sampling, "topK", 0, 1 << 30);
  request.sampling.top_p = static_cast<float>(get_number(sampling, "topP"));
  request.sampling.min_p = static_cast<float>(get_number(sampling, "minP"));
  request.sampling.seed = static_cast<std::uint64_t>(std::max(0.0, get_number(sampling, "seed")));
  request.stop = get_array<std::string>(params, "stop", text);
  for (const std::string& stop : request.stop)
    if (stop.empty()) bad("stop", "a list of strings that are not empty");
  request.stop_tokens = get_array<Token>(params, "stopTokens", token);
  request.ignore_end = params.Get("ignoreEnd").ToBoolean();
  request.fresh_prompt = params.Get("freshPrompt").ToBoolean();
  if (params.Get("score").IsString())
    request.score = get_string(params, "score") == "draft" ? Request::Score::kDraft : Request::Score::kTarget;
  if (params.Get("budgetMs").IsNumber()) request.budget_ms = get_number(params, "budgetMs");
  request.draft_length = DraftLengthSpec::parse(get_string(params, "draftLength"));
  return request;
}

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

Napi::Error to_js(Napi::Env env, const Error& error) {
  Napi::Error result = Napi::Error::New(env, error.what());
  result.Set("code", Napi::String::New(env, name(error.code)));
  if (!error.advice.empty()) result.Set("advice", Napi::String::New(env, error.advice));
  return result;
}

Error as_error(const std::exception& error) {
  if (const auto* ours = dynamic_cast<const Error*>(&error)) return *ours;
  if (dynamic_cast<const std::bad_alloc*>(&error))
    return Error(ErrorCode::kOutOfMemory, "memory ran out", "Close other programs, or use fewer lanes, a shorter context or a smaller model.");
  return Error(ErrorCode::kInternal, error.what());
}

}  // namespace octet::addon
