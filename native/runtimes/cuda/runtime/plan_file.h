// The file that measured plans are kept in: a machine measures once, and results stay the same from load to load, since a plan decides
// about the order of a product's sums. Lines of text; written whole, beside and then over what is there.
#pragma once

#include <cstdio>
#include <map>
#include <optional>
#include <string>

#include "runtimes/cuda/device/stream.h"

namespace octet::cuda {

/// For which device and which code plans hold.
struct PlanScope {
  DeviceInfo device;
  std::string build;  ///< kBuild
  std::string wgmma;  ///< What may be taken: "never", "measured", "model".

  std::string text() const;  ///< Lines.
};

/// Plans by their products, in the words of gemm_choices.h.
using StoredPlans = std::map<std::string, std::string>;

/// What the file holds for this scope. Nothing where it is absent, damaged, or another scope's.
std::optional<StoredPlans> read_plans(const std::string& path, const PlanScope& scope);

/// Adds `plans` to the file, where what is there for the same scope stays, and returns what it now holds. Folders are made. Throws
/// std::runtime_error where it cannot be written.
StoredPlans add_plans(const std::string& path, const PlanScope& scope, const StoredPlans& plans);

/// A file beside it that is there while a process measures. Others do without measuring meanwhile, since they would spoil its times and their
/// own; and what brought a process down is not tried again.
class MeasuringMark {
 public:
  enum class State {
    kMine,        ///< It was not there.
    kOthers,      ///< Another process is measuring.
    kLeftBehind,  ///< By a process that ended while it measured: it is mine now. Nothing by warpgroups is to be tried.
    kGivenUp,     ///< By one that tried nothing by warpgroups, or it cannot be made: nothing is to be measured.
  };
  /// `stale_seconds`: after which one that is there counts as left behind.
  MeasuringMark(const std::string& plans_path, const std::string& build, double stale_seconds = 60);
  ~MeasuringMark();
  MeasuringMark(const MeasuringMark&) = delete;

  State state() const { return state_; }
  /// The device is lost: the mark stays, for the next process to see.
  void leave() { state_ = State::kGivenUp; }

 private:
  std::string path_;
  State state_ = State::kGivenUp;
};

}  // namespace octet::cuda
