// A model that returns logits to the host: the smaller seam, for devices that cannot run a whole step themselves.
// engine/host_runtime.h builds a Runtime from one or two of these.
#pragma once

#include <span>

#include "runtimes/runtime.h"

namespace octet {

/// A sequence's slot in the KV cache, 0 to LogitsModel::max_sequences() - 1.
using Sequence = int;

/// One position of one sequence in a forward pass. Its position must be the sequence's cached length at that moment
/// (rows of one sequence come in order); its key and value are appended to the cache.
struct Row {
  Sequence sequence = 0;
  Token token = 0;
  int position = 0;
  bool wants_logits = false;
};

class LogitsModel {
 public:
  virtual ~LogitsModel() = default;

  virtual int vocabulary() const = 0;      ///< Length of a logit row.
  virtual int max_sequences() const = 0;
  virtual int cache_tokens() const = 0;    ///< Cells in the cache, shared by all sequences.
  virtual int max_rows() const = 0;        ///< Rows one decode call may have.

  /// Runtime::watch: decode() throws GivenUp, and no row is cached.
  virtual void watch(const std::atomic<bool>& given_up) { (void)given_up; }

  /// One forward pass over all rows. Afterwards logits(i) is the float32 row of rows[i] if it wanted logits,
  /// until the next decode. Throws std::runtime_error if the device fails or the cache has no room.
  virtual void decode(std::span<const Row> rows) = 0;
  virtual std::span<const float> logits(int row) const = 0;  ///< [vocabulary]

  /// Makes the (empty) sequence `to` share the first `length` cells of `from`.
  virtual void share(Sequence from, Sequence to, int length) = 0;

  /// Forgets everything of the sequence from position `length` on. Shared cells live on in other sequences.
  virtual void truncate(Sequence sequence, int length) = 0;
};

}  // namespace octet
