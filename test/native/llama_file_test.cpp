// Files that are not what they should be, models that cannot run, and models in parts.
#include <doctest/doctest.h>

#include <algorithm>
#include <filesystem>

#include "gguf_editor.h"
#include "llama_fixture.h"
#include "temporary_folder.h"

#if defined(__unix__) || defined(__APPLE__)
#include <sys/stat.h>
#include <unistd.h>
#endif

using namespace octet;
using namespace octet::llama;
using octet::test::GgufBytes;
using octet::test::TemporaryFolder;

namespace {

namespace fs = std::filesystem;

template <typename Function>
Error error_of(Function function) {
  try {
    function();
  } catch (const Error& error) {
    CHECK(std::string(error.what()).find('\n') == std::string::npos);
    return error;
  }
  FAIL("no Error was thrown");
  return {ErrorCode::kInternal, ""};
}

bool mentions(const Error& error, const std::string& text) {
  return std::string(error.what()).find(text) != std::string::npos;
}

/// Both entry points refuse the file with this code, in a line that holds `text`.
void refused(const std::string& path, ErrorCode code, const std::string& text) {
  for (const Error& error : {error_of([&] { inspect(path); }), error_of([&] { load_pair(exact_options(path)); }),
                             error_of([&] { load_pair(exact_options(kTargetFile, path)); })}) {
    INFO(std::string(error.what()));
    CHECK(error.code == code);
    CHECK(mentions(error, text));
  }
}

void unsupported(const std::string& path, const std::string& text) {
  const Inspection inspection = inspect(path);
  CHECK_FALSE(inspection.runnable);
  REQUIRE(inspection.reasons.size() == 1);
  INFO(inspection.reasons[0]);
  CHECK(inspection.reasons[0].find(text) != std::string::npos);
  const Error error = error_of([&] { load_pair(exact_options(path)); });
  CHECK(error.code == ErrorCode::kModelUnsupported);
  CHECK(mentions(error, text));
}

}  // namespace

TEST_CASE("what is no model file is refused with its reason") {
  start_backends();
  const TemporaryFolder folder;
  refused(folder / "absent.gguf", ErrorCode::kModelNotFound, "There is no file");
  refused(folder.path(), ErrorCode::kModelNotFound, "is a folder");

  test::write_file(folder / "empty.gguf", "");
  refused(folder / "empty.gguf", ErrorCode::kModelDamaged, "is empty");
  test::write_file(folder / "text.gguf", "# A title\n\nThis is text, and longer than a header.\n");
  refused(folder / "text.gguf", ErrorCode::kModelDamaged, "not a GGUF file");
  test::write_file(folder / "short.gguf", "GG");
  refused(folder / "short.gguf", ErrorCode::kModelDamaged, "not a GGUF file");
  test::write_file(folder / "magic.gguf", "GGUF");
  refused(folder / "magic.gguf", ErrorCode::kModelDamaged, "ends in the middle");

  std::string bytes = test::read_file(kDraftFile);
  bytes.resize(bytes.size() - 1000);
  test::write_file(folder / "cut.gguf", bytes);
  refused(folder / "cut.gguf", ErrorCode::kModelDamaged, "cut short");
  std::reverse(bytes.begin() + 4, bytes.begin() + 8);
  test::write_file(folder / "swapped.gguf", bytes);
  refused(folder / "swapped.gguf", ErrorCode::kModelDamaged, "big-endian");

#if defined(__unix__) || defined(__APPLE__)
  REQUIRE(mkfifo((folder / "pipe.gguf").c_str(), 0600) == 0);
  refused(folder / "pipe.gguf", ErrorCode::kModelNotFound, "not a regular file");
  refused("/dev/zero", ErrorCode::kModelNotFound, "not a regular file");
  if (geteuid() != 0) {
    fs::copy_file(kDraftFile, folder / "locked.gguf");
    fs::permissions(folder / "locked.gguf", fs::perms::none);
    refused(folder / "locked.gguf", ErrorCode::kModelNotFound, "cannot be opened");
  }
#endif
}

TEST_CASE("a path may hold spaces and letters of any language") {
  start_backends();
  const TemporaryFolder folder;
  const std::string path = folder / "ein Modell für 你好 🎉.gguf";
  fs::copy_file(fs::path(kDraftFile), fs::path(std::u8string(path.begin(), path.end())));
  CHECK(inspect(path).runnable);
  CHECK(load_pair(exact_options(path)).target_info.path == path);
}

TEST_CASE("models that Octet cannot run are named as such") {
  start_backends();
  const TemporaryFolder folder;
  const std::string path = folder / "model.gguf";
  const GgufBytes original(kDraftFile);
  const auto with = [&](auto&& change) {
    GgufBytes edited = original;
    change(edited);
    edited.write(path);
  };
  for (const char* architecture : {"mamba", "rwkv7", "jamba", "qwen3next", "dream", "t5", "t5encoder"}) {
    CAPTURE(architecture);
    with([&](GgufBytes& model) { model.set_string("general.architecture", architecture); });
    unsupported(path, std::string("the architecture ") + architecture);
  }
  with([](GgufBytes& model) { model.set_string("general.architecture", "never-heard-of"); });
  unsupported(path, "never-heard-of");
  with([](GgufBytes& model) { model.set_string("general.type", "adapter"); });
  unsupported(path, "adapter");
  with([](GgufBytes& model) { model.set_string("tokenizer.ggml.model", "none"); });
  unsupported(path, "no vocabulary");
  with([](GgufBytes& model) { model.set_u32("llama.pooling_type", 1); });
  unsupported(path, "embeddings");
  with([](GgufBytes& model) { model.set_bool("llama.attention.causal", false); });
  unsupported(path, "embeddings");
}

TEST_CASE("hyper-parameters that contradict the file are damage") {
  start_backends();
  const TemporaryFolder folder;
  const std::string path = folder / "model.gguf";
  const GgufBytes original(kDraftFile);
  for (const auto& [key, value] : {std::pair{"block_count", 0u}, {"block_count", 600u}, {"embedding_length", 127u},
                                   {"attention.head_count", 0u}, {"attention.head_count", 3u},
                                   {"attention.head_count_kv", 0u}, {"rope.dimension_count", 63u},
                                   {"context_length", 0u}, {"expert_used_count", 2u}, {"expert_count", 5000u}}) {
    CAPTURE(key);
    GgufBytes edited = original;
    edited.set_u32(std::string("llama.") + key, value);
    edited.write(path);
    refused(path, ErrorCode::kModelDamaged, path);
  }
  GgufBytes edited = original;
  edited.set_f32("llama.attention.layer_norm_rms_epsilon", -1);
  edited.write(path);
  refused(path, ErrorCode::kModelDamaged, "layer_norm_rms_epsilon");
  edited = original;
  edited.set_string("llama.rope.scaling.type", "spiral");
  edited.write(path);
  refused(path, ErrorCode::kModelDamaged, "rope.scaling.type");
  edited = original;
  auto tokens = edited.strings("tokenizer.ggml.tokens");
  tokens[100] = tokens[99];
  edited.set_strings("tokenizer.ggml.tokens", tokens);
  edited.write(path);
  refused(path, ErrorCode::kModelDamaged, "two of its tokens are the same");
}

TEST_CASE("a model in parts is loaded from its first part") {
  start_backends();
  const TemporaryFolder folder;
  const GgufBytes whole(kDraftFile);
  const std::size_t split = whole.tensors.size() / 2;
  const auto offset_of = [&](std::size_t tensor) {
    const std::string& body = whole.tensors[tensor].body;
    return static_cast<std::size_t>(test::value_at<std::uint64_t>(body, body.size() - 8));
  };
  const std::string first = folder / "a model-00001-of-00002.gguf", second = folder / "a model-00002-of-00002.gguf";
  for (int number : {0, 1}) {
    GgufBytes part = whole;
    const auto middle = part.tensors.begin() + static_cast<std::ptrdiff_t>(split);
    if (number == 0) {
      part.tensors.erase(middle, part.tensors.end());
      part.data = whole.data.substr(0, offset_of(split));
    } else {
      part.metadata.clear();
      part.tensors.erase(part.tensors.begin(), middle);
      part.data = whole.data.substr(offset_of(split));
      for (auto& tensor : part.tensors) {
        const auto offset = test::value_at<std::uint64_t>(tensor.body, tensor.body.size() - 8) - offset_of(split);
        tensor.body.resize(tensor.body.size() - 8);
        test::append<std::uint64_t>(tensor.body, offset);
      }
    }
    part.set_u16("split.no", static_cast<std::uint16_t>(number));
    part.set_u16("split.count", 2);
    part.key("split.tensors.count").body = std::string("\5\0\0\0", 4);
    test::append<std::int32_t>(part.key("split.tensors.count").body, static_cast<std::int32_t>(whole.tensors.size()));
    part.write(number == 0 ? first : second);
  }
  const Inspection in_parts = inspect(first), at_once = inspect(kDraftFile);
  CHECK(in_parts.runnable);
  CHECK(in_parts.model.parameters == at_once.model.parameters);
  CHECK(load_pair(exact_options(kTargetFile, first)).draft != nullptr);

  CHECK(mentions(error_of([&] { inspect(second); }), "part 2 of 2"));
  const std::string bytes = test::read_file(second);
  test::write_file(second, bytes.substr(0, bytes.size() - 5000));
  refused(first, ErrorCode::kModelDamaged, "00002-of-00002.gguf: it is cut short");
  fs::remove(second);
  refused(first, ErrorCode::kModelNotFound, "00002-of-00002.gguf");
}

TEST_CASE("inspect tells what a file is") {
  start_backends();
  const Inspection inspection = inspect(kTargetFile);
  CHECK(inspection.runnable);
  CHECK(inspection.reasons.empty());
  CHECK(inspection.model.architecture == "llama");
  CHECK(inspection.model.quantization == "Q8_0");
  CHECK(inspection.model.vocabulary_size == 8192);
  CHECK(inspection.model.trained_context == 2048);
  CHECK(inspection.model.layers == 6);
  CHECK(inspection.model.fim);
  CHECK(inspection.model.parameters > 6'000'000);
  CHECK(inspection.model.file_bytes == fs::file_size(kTargetFile));
  CHECK(inspection.kv_bytes_per_token == 6 * 2 * (64 + 64) * 2);
  REQUIRE(inspection.tensor_types.size() == 2);
  CHECK(inspection.tensor_types[0].type == "q8_0");
  const auto& metadata = inspection.metadata;
  CHECK(std::any_of(metadata.begin(), metadata.end(), [](const auto& entry) {
    return entry.first == "llama.context_length" && entry.second == "2048";
  }));
  CHECK_FALSE(inspection.draft_given);
}
