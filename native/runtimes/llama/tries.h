// Devices that a pair may be loaded onto, and those on which it failed for want of memory: whatever else fills a GPU, another window that
// loads for one, does so behind the estimate's back.
#pragma once

#include "runtimes/llama/backends.h"
#include "runtimes/llama/placement.h"

namespace octet::llama {

class Tries {
 public:
  explicit Tries(std::vector<ChosenDevice> devices);

  /// Where the pair goes, of what is left. A device on which it failed and that does not get it now is not tried again. Throws as
  /// llama::place does, and what the first load threw where nothing is left after a failure.
  struct Try {
    ChosenDevice device;
    Placement placement;
  };
  Try next(const LoadOptions& options, const Footprint& target, const Footprint* draft, std::uint64_t machine_bytes);

  /// The last try ended with `error`, for want of memory, as it asked for `wanted` bytes at least: the device is given less, and is given up after
  /// the third time. Throws `error` where no device is left.
  void failed(const Error& error, std::uint64_t wanted);

  /// No other device than the last try's is left.
  bool is_last() const;

  /// A sentence for each device on which a load failed.
  std::vector<std::string> notices() const;

 private:
  struct Tried {
    ChosenDevice device;
    std::uint64_t most = UINT64_MAX;  ///< Bytes of its memory that it may be asked for.
    int failures = 0;
    bool given_up = false;
  };
  std::vector<Tried> devices_;
  std::size_t last_ = 0;
  std::optional<Error> first_;
};

}  // namespace octet::llama
