#include "addon/from_js.h"

#include <cmath>

#include "engine/token_healing.h"

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

HealedText tokens_of(const std::string& text, const Vocabulary& vocabulary, bool begin, bool healed) {
  return healed ? heal(vocabulary, text, begin) : HealedText{vocabulary.tokenize(text, begin, false), {}};
}

struct PromptTokens : HealedText {
  int stable = 0;  // Request::stable_tokens
};

PromptTokens fim_prompt(const Napi::Object& prompt, const Vocabulary& vocabulary, bool healed) {
  const auto& fim = vocabulary.fim();
  if (!fim)
    throw Error(ErrorCode::kNoFim, "the model has no fill-in-the-middle tokens", "Give a prompt without a suffix, or load a model trained for infilling.");
  std::vector<Token> tokens = vocabulary.tokenize("", true, false);
  const auto add = [&](Token marker, const std::vector<Token>& part) {
    tokens.push_back(marker);
    tokens.insert(tokens.end(), part.begin(), part.end());
  };
  const HealedText prefix = tokens_of(get_string(prompt, "prefix"), vocabulary, false, healed);
  add(fim->prefix, prefix.tokens);
  const int stable = static_cast<int>(tokens.size());
  add(fim->suffix, vocabulary.tokenize(get_string(prompt, "suffix"), false, false));
  tokens.push_back(fim->middle);
  return {{std::move(tokens), prefix.lead}, stable};
}

PromptTokens prompt_tokens(const Napi::Object& prompt, const Vocabulary& vocabulary, int vocabulary_size, bool healed) {
  const std::string kind = get_string(prompt, "kind");
  if (kind == "text") {
    const std::string given = get_string(prompt, "text");
    return given.empty() ? PromptTokens() : PromptTokens{tokens_of(given, vocabulary, true, healed)};
  }
  if (kind == "fim") return fim_prompt(prompt, vocabulary, healed);
  if (kind != "tokens") bad("prompt.kind", "\"text\", \"fim\" or \"tokens\"");
  std::vector<Token> tokens = get_array<Token>(prompt, "tokens", token);
  for (const Token t : tokens)
    if (t < 0 || t >= vocabulary_size) bad("prompt.tokens", ("a list of token ids below " + std::to_string(vocabulary_size)).c_str());
  return {{std::move(tokens), {}}};
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
  if (params.Get("spareLanes").IsNumber()) options.spare_lanes = get_int(params, "spareLanes", 0, kMaxLanes);
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
  const bool prepare = params.Get("prepare").ToBoolean();
  const bool healed = params.Get("heal").ToBoolean() && !prepare && !params.Get("score").IsString();
  PromptTokens prompt = prompt_tokens(get_object(params, "prompt"), vocabulary, vocabulary_size, healed);
  request.prompt = std::move(prompt.tokens);
  request.lead = std::move(prompt.lead);
  request.stable_tokens = prompt.stable;
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
  request.prepare = prepare;
  request.fresh_prompt = params.Get("freshPrompt").ToBoolean();
  if (params.Get("score").IsString())
    request.score = get_string(params, "score") == "draft" ? Request::Score::kDraft : Request::Score::kTarget;
  if (params.Get("budgetMs").IsNumber()) request.budget_ms = get_number(params, "budgetMs");
  request.draft_length = DraftLengthSpec::parse(get_string(params, "draftLength"));
  return request;
}

}  // namespace octet::addon
