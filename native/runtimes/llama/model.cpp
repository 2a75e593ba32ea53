// One llama.cpp context as a LogitsModel.
//
// Where attention slides over a window, llama.cpp reuses cells that have left the window of the one sequence that owns
// them: holes in prompts that are kept for later, and in lanes that roll back. Every row of such a model is given a
// second, hidden owner (the sequence's shadow), because llama.cpp never reuses a cell with two.
#include "runtimes/llama/model.h"

#include <algorithm>
#include <array>
#include <stdexcept>

#include "runtimes/llama/log.h"

namespace octet::llama {
namespace {

ggml_type cache_type(LoadOptions::KvType type) {
  switch (type) {
    case LoadOptions::KvType::kF32: return GGML_TYPE_F32;
    case LoadOptions::KvType::kQ8_0: return GGML_TYPE_Q8_0;
    default: return GGML_TYPE_F16;
  }
}

// On the CPU, flash attention skips the cells that a row's mask hides: in a unified cache, all other lanes' tails. It is the
// slower kernel for few rows over a long shared prompt (7.5 against 5.1 ms for 8 rows over 1500 cells) and the faster one as
// soon as tails add up: 16 lanes of 128 tokens decode 1.5 times as fast with it (llama_peer_bench). Its rounding depends on
// a pass's shape by up to 1e-3 in a log-probability, so the exact cache, float32, keeps all scores in memory instead where
// they fit, and so do models with sliding windows. A quantized cache needs it; on a GPU llama.cpp decides.
llama_flash_attn_type attention(const ContextOptions& options, bool sliding) {
  using KvType = LoadOptions::KvType;
  if (options.kv_type == KvType::kQ8_0) return LLAMA_FLASH_ATTN_TYPE_ENABLED;
  // Of a split model llama.cpp would ask whether a layer's attention is on the layer's device, by a pass of a row a sequence. From 32 rows on
  // it is not (layers of the processor are then computed on the GPU), and shadows make 48.
  if (options.split) return LLAMA_FLASH_ATTN_TYPE_ENABLED;
  const bool exact = options.kv_type == KvType::kF32 || sliding;
  return exact && options.keep_scores && !options.on_gpu ? LLAMA_FLASH_ATTN_TYPE_DISABLED : LLAMA_FLASH_ATTN_TYPE_AUTO;
}

llama_context_params context_params(const ContextOptions& options, bool shadowed) {
  llama_context_params params = llama_context_default_params();
  params.n_ctx = static_cast<std::uint32_t>(options.cache_tokens);
  params.n_batch = static_cast<std::uint32_t>(max_rows(options));
  params.n_ubatch = kPassRows;
  params.n_seq_max = shadowed ? 2 * kSequences : kSequences;
  params.n_outputs_max = static_cast<std::uint32_t>(max_logit_rows(options));
  params.n_outputs_max_per_seq = 0;
  params.n_threads = options.threads;
  params.n_threads_batch = options.threads;
  params.flash_attn_type = attention(options, shadowed);
  params.type_k = params.type_v = cache_type(options.kv_type);
  params.offload_kqv = options.on_gpu;
  params.op_offload = options.on_gpu;
  params.swa_full = true;
  params.kv_unified = true;
  params.no_perf = true;
  return params;
}

class LlamaModel final : public LogitsModel {
 public:
  LlamaModel(ModelHandle model, ThreadPool pool, const ContextOptions& options)
      : model_(std::move(model)), pool_(std::move(pool)), shadowed_(llama_model_n_swa(model_.get()) > 0) {
    const ErrorLines errors;
    context_.reset(llama_init_from_model(model_.get(), context_params(options, shadowed_)));
    if (!context_) {
      throw Error(ErrorCode::kOutOfMemory, "llama.cpp could not make a context of " +
                  std::to_string(options.cache_tokens) + " tokens: " + errors.first(),
                  "Close other programs, or choose a smaller model or context.");
    }
    memory_ = llama_get_memory(context_.get());
    if (!memory_) throw Error(ErrorCode::kModelUnsupported, "This model keeps no key-value cache");
    if (pool_) llama_attach_threadpool(context_.get(), pool_.get(), pool_.get());
    vocabulary_ = llama_vocab_n_tokens(llama_model_get_vocab(model_.get()));
    max_rows_ = static_cast<int>(llama_n_batch(context_.get()));
    max_logit_rows_ = std::min(max_rows_, max_logit_rows(options));
  }

  ~LlamaModel() override {
    if (pool_) llama_detach_threadpool(context_.get());
  }

  // Backends that know no callback (all but the CPU's and Metal's) compute the pass to its end.
  void watch(const std::atomic<bool>& given_up) override {
    given_up_ = &given_up;
    const auto asked = [](void* data) { return static_cast<const std::atomic<bool>*>(data)->load(std::memory_order_relaxed); };
    llama_set_abort_callback(context_.get(), asked, const_cast<std::atomic<bool>*>(&given_up));
  }

  int vocabulary() const override { return vocabulary_; }
  int max_sequences() const override { return kSequences; }
  int cache_tokens() const override { return static_cast<int>(llama_n_ctx(context_.get())); }
  int max_rows() const override { return max_rows_; }

  void decode(std::span<const Row> rows) override {
    if (rows.empty()) return;
    std::array<int, kSequences> lengths = lengths_;
    fill(rows, lengths);
    llama_batch batch{};
    batch.n_tokens = static_cast<std::int32_t>(rows.size());
    batch.token = tokens_.data();
    batch.pos = positions_.data();
    batch.n_seq_id = owner_counts_.data();
    batch.seq_id = owners_.data();
    batch.logits = wanted_.data();

    int status = 0;
    std::string reason;
    try {
      const ErrorLines errors(given_up_);
      status = llama_decode(context_.get(), batch);
      if (status == 0) llama_synchronize(context_.get());
      reason = errors.first();
    } catch (const std::exception& error) {
      status = -1;
      reason = error.what();
    }
    if (status == 0) {
      lengths_ = lengths;
      return;
    }
    wanted_.clear();
    for (const Row& row : rows) remove(row.sequence, lengths_[static_cast<std::size_t>(row.sequence)]);
    if (status == 1) {
      throw std::runtime_error("The cache has no room for " + std::to_string(rows.size()) + " more tokens");
    }
    if (status == 2) throw GivenUp();
    throw std::runtime_error("The forward pass failed" + (reason.empty() ? "" : ": " + reason));
  }

  std::span<const float> logits(int row) const override {
    const auto index = static_cast<std::size_t>(row);
    const bool known = row >= 0 && index < wanted_.size() && wanted_[index];
    const float* const values = known ? llama_get_logits_ith(context_.get(), row) : nullptr;
    if (!values) throw std::runtime_error("Row " + std::to_string(row) + " of the last forward pass has no logits");
    return {values, static_cast<std::size_t>(vocabulary_)};
  }

  void share(Sequence from, Sequence to, int length) override {
    check(from);
    check(to);
    int& known = lengths_[static_cast<std::size_t>(to)];
    if (known != 0) throw std::runtime_error("A sequence that shares a prefix must be empty first");
    if (length < 0 || length > lengths_[static_cast<std::size_t>(from)]) {
      throw std::runtime_error("A sequence cannot share more than there is");
    }
    if (length == 0 || from == to) return;
    llama_memory_seq_cp(memory_, from, to, 0, length);
    if (shadowed_) llama_memory_seq_cp(memory_, from, shadow(to), 0, length);
    known = length;
  }

  void truncate(Sequence sequence, int length) override {
    check(sequence);
    int& known = lengths_[static_cast<std::size_t>(sequence)];
    if (length < 0) length = 0;
    if (length >= known) return;
    if (!remove(sequence, length)) throw std::runtime_error("This model's cache cannot be rolled back");
    known = length;
  }

 private:
  static Sequence shadow(Sequence sequence) { return sequence + kSequences; }

  static void check(Sequence sequence) {
    if (sequence < 0 || sequence >= kSequences) {
      throw std::runtime_error("There is no sequence " + std::to_string(sequence));
    }
  }

  bool remove(Sequence sequence, int length) {
    const bool removed = llama_memory_seq_rm(memory_, sequence, length, -1);
    return (!shadowed_ || llama_memory_seq_rm(memory_, shadow(sequence), length, -1)) && removed;
  }

  // Copies the rows into the batch's arrays and counts them into `lengths`; throws before anything has changed.
  void fill(std::span<const Row> rows, std::array<int, kSequences>& lengths) {
    if (rows.size() > static_cast<std::size_t>(max_rows_)) {
      throw std::runtime_error("A forward pass has at most " + std::to_string(max_rows_) + " rows");
    }
    const auto wanting = std::count_if(rows.begin(), rows.end(), [](const Row& row) { return row.wants_logits; });
    if (wanting > max_logit_rows_) {
      throw std::runtime_error("At most " + std::to_string(max_logit_rows_) + " rows of a forward pass have logits");
    }
    for (const Row& row : rows) {
      check(row.sequence);
      int& length = lengths[static_cast<std::size_t>(row.sequence)];
      if (row.position != length) {
        throw std::runtime_error("Sequence " + std::to_string(row.sequence) + " continues at position " +
                                 std::to_string(length) + ", not " + std::to_string(row.position));
      }
      if (row.token < 0 || row.token >= vocabulary_) {
        throw std::runtime_error("There is no token " + std::to_string(row.token));
      }
      ++length;
    }
    const std::size_t count = rows.size();
    tokens_.resize(count);
    positions_.resize(count);
    owner_counts_.assign(count, shadowed_ ? 2 : 1);
    owners_.resize(count);
    wanted_.resize(count);
    for (std::size_t i = 0; i < count; ++i) {
      tokens_[i] = rows[i].token;
      positions_[i] = rows[i].position;
      owners_[i] = owner_pairs_[static_cast<std::size_t>(rows[i].sequence)].data();
      wanted_[i] = rows[i].wants_logits;
    }
  }

  static std::array<std::array<llama_seq_id, 2>, kSequences> make_owner_pairs() {
    std::array<std::array<llama_seq_id, 2>, kSequences> pairs{};
    for (Sequence sequence = 0; sequence < kSequences; ++sequence) {
      pairs[static_cast<std::size_t>(sequence)] = {sequence, shadow(sequence)};
    }
    return pairs;
  }

  ModelHandle model_;
  ThreadPool pool_;  ///< Outlives the context.
  bool shadowed_;
  ContextHandle context_;
  llama_memory_t memory_ = nullptr;
  const std::atomic<bool>* given_up_ = nullptr;
  int vocabulary_ = 0, max_rows_ = 0, max_logit_rows_ = 0;
  std::array<int, kSequences> lengths_{};  ///< Cached tokens of each sequence.

  std::array<std::array<llama_seq_id, 2>, kSequences> owner_pairs_ = make_owner_pairs();
  std::vector<llama_token> tokens_;
  std::vector<llama_pos> positions_;
  std::vector<std::int32_t> owner_counts_;
  std::vector<llama_seq_id*> owners_;
  std::vector<std::int8_t> wanted_;
};

}  // namespace

int max_logit_rows(const ContextOptions& options) { return std::max(64, options.lanes * (kMaxDraftLength + 1)); }

int max_rows(const ContextOptions& options) { return std::max(kPassRows, max_logit_rows(options)); }

std::unique_ptr<LogitsModel> make_model(ModelHandle model, ThreadPool pool, const ContextOptions& options) {
  return std::make_unique<LlamaModel>(std::move(model), std::move(pool), options);
}

}  // namespace octet::llama
