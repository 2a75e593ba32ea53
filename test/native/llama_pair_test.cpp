// Which drafts fit a target, what a load gives of what was asked for, and how it ends early.
#include <doctest/doctest.h>

#include <algorithm>

#include "gguf_editor.h"
#include "llama_fixture.h"
#include "runtimes/llama/memory.h"
#include "temporary_folder.h"

using namespace octet;
using namespace octet::llama;
using octet::test::GgufBytes;
using octet::test::TemporaryFolder;

namespace {

/// Appends tokens with zero rows in the (tied) embedding. `count` must keep the embedding a multiple of 32 bytes.
void add_tokens(GgufBytes& model, int count, const std::string& name, std::int32_t type) {
  auto tokens = model.strings("tokenizer.ggml.tokens");
  auto types = model.integers("tokenizer.ggml.token_type");
  for (int i = 0; i < count; ++i) {
    tokens.push_back(name + std::to_string(tokens.size()) + "]");
    types.push_back(type);
  }
  model.set_strings("tokenizer.ggml.tokens", tokens);
  model.set_integers("tokenizer.ggml.token_type", types);
  auto& embedding = model.tensors[0];
  REQUIRE(embedding.name == "token_embd.weight");
  const auto width = test::value_at<std::uint64_t>(embedding.body, 4);
  const std::uint64_t added = static_cast<std::uint64_t>(count) * width / 32 * 34;
  REQUIRE(added % 32 == 0);
  const auto end = test::value_at<std::uint64_t>(model.tensors[1].body, model.tensors[1].body.size() - 8);
  model.data.insert(end, std::string(added, '\0'));
  embedding.body.replace(12, 8, std::string(8, '\0'));
  const std::uint64_t size = tokens.size();
  std::memcpy(embedding.body.data() + 12, &size, 8);
  for (std::size_t i = 1; i < model.tensors.size(); ++i) {
    std::string& body = model.tensors[i].body;
    const std::uint64_t offset = test::value_at<std::uint64_t>(body, body.size() - 8) + added;
    std::memcpy(body.data() + body.size() - 8, &offset, 8);
  }
}

std::string mismatch(const std::string& target, const std::string& draft) {
  const Inspection inspection = inspect(target, draft);
  CHECK(inspection.runnable);
  CHECK_FALSE(inspection.draft_compatible);
  try {
    load_pair(exact_options(target, draft));
    FAIL("a mismatched pair was loaded");
  } catch (const Error& error) {
    CHECK(error.code == ErrorCode::kVocabularyMismatch);
    CHECK(error.what() == inspection.draft_reason);
  }
  return inspection.draft_reason;
}

bool holds(const std::string& text, const std::string& part) {
  INFO(text);
  CHECK(text.find(part) != std::string::npos);
  return true;
}

}  // namespace

TEST_CASE("vocabularies that differ by padding fit") {
  start_backends();
  const TemporaryFolder folder;
  const std::string path = folder / "padded.gguf";
  GgufBytes draft(kDraftFile);
  add_tokens(draft, 64, "[PAD", 5);
  draft.write(path);
  {
    const auto pair = load_pair(exact_options(kTargetFile, path));
    CHECK(pair.shared_vocabulary == 8192);
    CHECK(pair.draft->vocabulary() == 8256);
    CHECK(pair.target->vocabulary() == 8192);
  }
  GgufBytes target(kTargetFile);
  add_tokens(target, 128, "[PAD", 5);
  target.write(path);
  {
    const auto pair = load_pair(exact_options(path, kDraftFile));
    CHECK(pair.shared_vocabulary == 8192);
    CHECK(pair.target->vocabulary() == 8320);
    CHECK(pair.vocabulary->size() == 8320);
  }
  // A real token that the draft lacks could never be drawn: the output would not be the target's.
  target = GgufBytes(kTargetFile);
  add_tokens(target, 64, "word[", 1);
  target.write(path);
  holds(mismatch(path, kDraftFile), "lacks token 8192, \"word[8192]\"");
}

TEST_CASE("a draft with other tokens is refused, the difference named") {
  start_backends();
  const TemporaryFolder folder;
  const std::string path = folder / "draft.gguf";
  const GgufBytes original(kDraftFile);
  const auto with = [&](auto&& change) {
    GgufBytes edited = original;
    change(edited);
    edited.write(path);
    return mismatch(kTargetFile, path);
  };
  const auto swap_tokens = [&](GgufBytes& model) {
    auto tokens = model.strings("tokenizer.ggml.tokens");
    std::swap(tokens[4000], tokens[5000]);
    model.set_strings("tokenizer.ggml.tokens", tokens);
  };
  const auto tokens = GgufBytes(original).strings("tokenizer.ggml.tokens");
  holds(with(swap_tokens), "token 4000 is \"" + tokens[4000] + "\" in the target and \"" + tokens[5000] + "\" in");
  holds(with([](GgufBytes& model) {
    auto types = model.integers("tokenizer.ggml.token_type");
    types[4000] = 3;
    model.set_integers("tokenizer.ggml.token_type", types);
  }), "token 4000");
  holds(with([](GgufBytes& model) { model.set_bool("tokenizer.ggml.add_bos_token", true); }), "only the draft");
  holds(with([](GgufBytes& model) { model.set_u32("tokenizer.ggml.eos_token_id", 300); }), "end with token");
  holds(with([](GgufBytes& model) { model.set_u32("tokenizer.ggml.fim_mid_token_id", 8191); }), "middle marker");

  // Where one side only holds a place, the pair fits.
  GgufBytes edited = original;
  auto types = edited.integers("tokenizer.ggml.token_type");
  auto texts = edited.strings("tokenizer.ggml.tokens");
  types[4000] = 5;
  texts[4000] = "[PAD4000]";
  edited.set_integers("tokenizer.ggml.token_type", types);
  edited.set_strings("tokenizer.ggml.tokens", texts);
  edited.write(path);
  CHECK(inspect(kTargetFile, path).draft_compatible);
}

TEST_CASE("context, then lanes, are reduced to the memory there is") {
  start_backends();
  LoadOptions options = exact_options(kTargetFile, kDraftFile);
  options.context_tokens = 0;
  options.lanes = 16;
  const auto full = load_pair(options);
  CHECK(full.lanes == 16);
  CHECK(full.context_tokens == 2048);
  CHECK(full.notices.empty());
  CHECK(full.cache_tokens >= 2048 + 15 * 1024 + 16 * 33);
  CHECK(full.memory.total > full.memory.target_weights + full.memory.kv_cache);
  CHECK(full.memory.total < full.memory.available);

  options.memory_limit_bytes = full.memory.total - (std::uint64_t{4} << 20);
  const auto shorter = load_pair(options);
  CHECK(shorter.lanes == 16);
  CHECK(shorter.context_tokens < 2048);
  CHECK(shorter.context_tokens >= 1024);
  REQUIRE(shorter.notices.size() == 1);
  holds(shorter.notices[0], "instead of 2048");
  CHECK(shorter.memory.total <= options.memory_limit_bytes);

  options.memory_limit_bytes = full.memory.total / 2;
  const auto fewer = load_pair(options);
  CHECK(fewer.lanes < 16);
  CHECK(fewer.context_tokens == 1024);
  REQUIRE(fewer.notices.size() == 2);
  holds(fewer.notices[1], "instead of 16");

  options.memory_limit_bytes = full.memory.target_weights + full.memory.draft_weights + (1 << 20);
  try {
    load_pair(options);
    FAIL("loaded into no memory");
  } catch (const Error& error) {
    CHECK(error.code == ErrorCode::kOutOfMemory);
    holds(error.what(), "one lane and 256 tokens");
  }
}

TEST_CASE("the training bounds the context") {
  LoadOptions options = exact_options(kTargetFile, kStoriesFile);
  options.draft.clear();
  options.context_tokens = 100000;
  const auto pair = load_pair(options);
  CHECK(pair.context_tokens == 2048);
  REQUIRE(pair.notices.size() == 1);
  holds(pair.notices[0], "instead of 100000");
}

TEST_CASE("quantized keys and values where the heads allow it") {
  LoadOptions options = exact_options(kTargetFile, kDraftFile);
  options.kv_type = LoadOptions::KvType::kQ8_0;
  CHECK(load_pair(options).notices.empty());
  options = exact_options(kStoriesFile);
  options.kv_type = LoadOptions::KvType::kQ8_0;
  const auto pair = load_pair(options);
  REQUIRE(pair.notices.size() == 1);
  holds(pair.notices[0], "float16");
}

TEST_CASE("a load can be given up in every phase") {
  start_backends();
  const LoadOptions options = exact_options(kTargetFile, kDraftFile);
  std::vector<LoadPhase> phases;
  load(options, [&](LoadPhase phase, float fraction) {
    CHECK(fraction >= 0);
    CHECK(fraction <= 1);
    if (phases.empty() || phases.back() != phase) phases.push_back(phase);
    return true;
  });
  const std::vector<LoadPhase> all = {LoadPhase::kChecking, LoadPhase::kTarget, LoadPhase::kDraft, LoadPhase::kWarmup};
  CHECK(phases == all);
  for (LoadPhase last : phases) {
    for (float from : {0.0f, 0.3f}) {
      try {
        load(options, [&](LoadPhase phase, float fraction) { return phase != last || fraction < from; });
        FAIL("the load went on");
      } catch (const Error& error) {
        CHECK(error.code == ErrorCode::kCancelled);
      }
    }
    CHECK_THROWS_AS(load(options, [&](LoadPhase phase, float fraction) -> bool {
      if (phase == last && fraction > 0) throw std::out_of_range("from the caller");
      return true;
    }), std::out_of_range);
  }
  CHECK(load(options, nullptr).draft != nullptr);
}

TEST_CASE("options out of bounds and devices that are not there are refused") {
  start_backends();
  const auto code = [](auto&& change) {
    LoadOptions options = exact_options(kTargetFile);
    change(options);
    try {
      load_pair(options);
    } catch (const Error& error) {
      return error.code;
    }
    return ErrorCode::kInternal;
  };
  CHECK(code([](LoadOptions& options) { options.lanes = 0; }) == ErrorCode::kBadParams);
  CHECK(code([](LoadOptions& options) { options.lanes = kMaxLanes + 1; }) == ErrorCode::kBadParams);
  CHECK(code([](LoadOptions& options) { options.context_tokens = -1; }) == ErrorCode::kBadParams);
  CHECK(code([](LoadOptions& options) { options.threads = 100000; }) == ErrorCode::kBadParams);
  CHECK(code([](LoadOptions& options) { options.target.clear(); }) == ErrorCode::kBadParams);
  try {
    LoadOptions options = exact_options(kTargetFile);
    options.device = "abacus";
    load_pair(options);
    FAIL("loaded on an abacus");
  } catch (const Error& error) {
    CHECK(error.code == ErrorCode::kDeviceNotFound);
    holds(error.what(), "CPU");
  }
  const auto all = devices();
  CHECK(std::any_of(all.begin(), all.end(), [](const Device& device) { return device.kind == "cpu"; }));
  if (std::none_of(all.begin(), all.end(), [](const Device& device) { return device.kind != "cpu"; })) {
    CHECK(code([](LoadOptions& options) { options.device = "gpu"; }) == ErrorCode::kDeviceNotFound);
  }
  const Machine here = machine();
  CHECK(here.physical_cores >= 1);
  CHECK(here.logical_cores >= here.physical_cores);
  CHECK(here.free_memory_bytes > 0);
  CHECK(here.free_memory_bytes <= here.memory_bytes);
  CHECK(default_threads() >= 1);
  CHECK((here.physical_cores == 1 || default_threads() < here.physical_cores));
}

TEST_CASE("no more compute threads than cores, and said so") {
  LoadOptions options = exact_options(kDraftFile);
  options.context_tokens = 256;
  const int cores = machine().logical_cores;
  for (const int threads : {0, cores, cores + 1, 256}) {
    options.threads = threads;
    const auto pair = load_pair(options);
    CHECK(pair.threads == (threads == 0 ? default_threads() : cores));
    REQUIRE(pair.notices.size() == (threads > cores ? 1 : 0));
    if (threads > cores) holds(pair.notices[0], "instead of " + std::to_string(threads));
  }
}

TEST_CASE("pieces of a prompt follow from the models and the threads") {
  auto options = exact_options(kTargetFile);
  CHECK(load_pair(options).prefill_chunk == 64);
  options.threads = 2;
  const int two = load_pair(options).prefill_chunk;
  CHECK(two == (load_pair(options).threads == 2 ? 128 : 64));  // a machine of one core has one thread
  options.target = kStoriesFile;
  CHECK(load_pair(options).prefill_chunk == 512);
}
