// Which steps are recorded as graphs, which are forgotten, and that this does not change what is written.
#include <doctest/doctest.h>

#include <algorithm>

#include "any_device.h"
#include "runtime_setup.h"
#include "runtimes/cuda/runtime/sizes.h"
#include "runtimes/cuda/runtime/step_graphs.h"

using namespace octet;
using namespace octet::cuda;
using namespace octet::cuda::testing;

namespace {

constexpr int kMostDraft = 12;

RuntimeOptions one_lane() {
  RuntimeOptions options = tiny_options();
  options.lanes = 1;
  options.most_draft_length = kMostDraft;
  return options;
}

/// One lane's steps by graphs of at most so many passes.
class Steps {
 public:
  explicit Steps(int most_passes, int remembered = 1024, bool has_draft = true)
      : target_(pair_.target.network()), draft_(pair_.draft.network()),
        sizes_(sizes_of(target_.architecture, has_draft ? &draft_.architecture : nullptr, options_)),
        target_cache_(target_.architecture, options_.cache_tokens, options_.precision),
        draft_cache_(draft_.architecture, options_.cache_tokens, options_.precision),
        target_memory_(pass_needs(target_, options_.precision), options_.precision, sizes_.target_rows, device_info()),
        draft_memory_(pass_needs(draft_, options_.precision), options_.precision, std::max(1, sizes_.draft_rows), device_info()),
        target_pass_(target_, target_cache_, target_memory_), draft_pass_(draft_, draft_cache_, draft_memory_),
        memory_(sizes_.limits, {}, device_info()), graphs_({memory_, clock_, target_pass_, has_draft ? &draft_pass_ : nullptr}, most_passes, remembered) {
    memory_.open_lane(stream_, 0, {.prompt_start = 0, .prompt_length = 0, .tail_start = 0},
                      {.sampling = {.seed = 5}, .length = 1, .room = 90, .ends_at_end = false}, 17);
  }
  ~Steps() { stream_.synchronize(); }

  void put(int draft_length) {
    StepInput& input = memory_.input(number_++ % kStepRing);
    std::fill(std::begin(input.slot), std::end(input.slot), -1);
    input.slot[0] = 0;
    input.draft_length[0] = draft_length;
    std::fill(std::begin(input.draft[0]), std::end(input.draft[0]), 7);  // where no draft network draws them
    graphs_.put_step(stream_, {.lanes = 1, .draft_length = draft_length});
  }

  /// Of the last `steps` steps, once they are over.
  std::vector<Token> collect(int steps) {
    stream_.synchronize();
    std::vector<Token> tokens;
    for (int step = number_ - steps; step < number_; ++step) {
      const StepOutput::Lane& lane = memory_.output(step % kStepRing).lane[0];
      tokens.insert(tokens.end(), lane.token, lane.token + lane.tokens);
    }
    return tokens;
  }

  /// How many recordings each of these steps took.
  std::vector<int> recordings(const std::vector<int>& draft_lengths) {
    std::vector<int> recordings;
    for (const int length : draft_lengths) {
      const int before = graphs_.recorded();
      put(length);
      stream_.synchronize();
      recordings.push_back(graphs_.recorded() - before);
    }
    return recordings;
  }
  int recorded() const { return graphs_.recorded(); }

 private:
  TinyPair pair_;
  RuntimeOptions options_ = one_lane();
  Network target_, draft_;
  Sizes sizes_;
  KvCache target_cache_, draft_cache_;
  Activations target_memory_, draft_memory_;
  Forward target_pass_, draft_pass_;
  StepMemory memory_;
  StepClock clock_;
  Stream stream_;
  StepGraphs graphs_;
  int number_ = 0;
};

}  // namespace

TEST_CASE("cuda graphs: a shape is recorded when it comes again, and where others must go, when it has come more often than they") {
  Steps steps(8);
  CHECK(steps.recordings({1, 1, 1}) == std::vector{0, 1, 0});  // two passes
  CHECK(steps.recordings({2, 2}) == std::vector{0, 1});        // five
  CHECK(steps.recordings({3, 3, 3}) == std::vector{0, 0, 1});  // would be nine: as often as 2 is not enough; six without 2
  CHECK(steps.recordings({1, 3}) == std::vector{0, 0});
  CHECK(steps.recordings({2, 2, 2}) == std::vector{0, 0, 1});  // recorded anew, in 3's place: five
  CHECK(steps.recordings({1, 2, 0, 0, 0}) == std::vector{0, 0, 0, 1, 0});  // six
  CHECK(steps.recordings(std::vector(6, kMostDraft)) == std::vector(6, 0));
  CHECK(steps.recordings({kMostDraft, kMostDraft}) == std::vector{1, 0});  // more than there is room for: alone
  CHECK(steps.recordings({0, 1, 2}) == std::vector{0, 0, 0});
}

TEST_CASE("cuda graphs: what was used long ago counts less") {
  Steps steps(3, 8);
  CHECK(steps.recordings({1, 1, 1, 1, 1, 1}) == std::vector{0, 1, 0, 0, 0, 0});
  CHECK(steps.recordings({2, 2, 2, 2, 2}) == std::vector{0, 0, 0, 0, 1});
}

TEST_CASE("cuda graphs: tokens do not depend on which steps are recorded, forgotten while under way, or recorded anew") {
  const AsLateAsAGpuMay deferred;
  const int drafts[] = {2, 2, 2, 0, 3, 3, 3, 3, 2, 0, 0, 3, 0, 0, 0, 0, 1, 1, 2, 1, 0, 3};
  int recorded = 0;
  const auto written = [&](int most_passes) {
    Steps steps(most_passes);
    std::vector<Token> tokens;
    for (int at = 0; at < static_cast<int>(std::size(drafts)); at += 2) {  // two are under way
      steps.put(drafts[at]);
      steps.put(drafts[at + 1]);
      for (const Token token : steps.collect(2)) tokens.push_back(token);
    }
    recorded = steps.recorded();
    return tokens;
  };
  const std::vector<Token> all_kept = written(1000);
  CHECK(all_kept.size() > std::size(drafts));
  CHECK(recorded == 4);
  CHECK(written(4) == all_kept);
  CHECK(recorded == 5);  // 2, 3 in its place, 0 in 3's, beside it 1, and in 1's place 2 again
}

TEST_CASE("cuda graphs: without a draft network a step is one pass, however long the drafts it is given") {
  Steps steps(3, 1024, false);
  CHECK(steps.recordings({kMostDraft, kMostDraft, 5, 5, 2, 2}) == std::vector{0, 1, 0, 1, 0, 1});
  CHECK(steps.recordings({kMostDraft, 5, 2}) == std::vector{0, 0, 0});
  CHECK(steps.recordings({3, 3, 3, 3}) == std::vector{0, 0, 0, 1});  // one must go
}
