// The generation loop: takes requests, prefills their prompts, steps all live lanes together, ends lanes, reports.
//
// One thread owns the runtime. Lanes of several requests share the batch: a request is taken up as soon as its lanes and
// its tokens fit beside what is running, first come first served.
#pragma once

#include <array>
#include <atomic>
#include <condition_variable>
#include <deque>
#include <memory>
#include <mutex>
#include <optional>
#include <thread>
#include <unordered_map>

#include "engine/lane_text.h"
#include "engine/lookup_lengths.h"
#include "engine/request.h"
#include "engine/token_index.h"
#include "runtimes/vocabulary.h"

namespace octet {

class Engine {
 public:
  Engine(std::unique_ptr<Runtime> runtime, std::shared_ptr<const Vocabulary> vocabulary);
  ~Engine();  ///< Ends everything as cancelled and joins the thread: at most one step's time.

  Engine(const Engine&) = delete;
  Engine& operator=(const Engine&) = delete;

  const RuntimeInfo& info() const { return info_; }
  const Vocabulary& vocabulary() const { return *vocabulary_; }

  using RequestId = std::uint64_t;

  /// Queues a request. Throws Error if it can never run (empty prompt, prompt longer than the context, too many lanes).
  RequestId submit(Request request, std::unique_ptr<Listener> listener);

  /// Takes effect within one step (or one prefill chunk), and at once where all lanes that the pass under way serves are cancelled one by one or
  /// whole, and its device can give it up. Unknown ids are ignored: the request may just have ended.
  void cancel(RequestId id);
  void cancel_lane(RequestId id, int lane);

  struct Counts {
    int running = 0, queued = 0, lanes_in_use = 0;
  };
  Counts counts() const;

 private:
  struct Job;
  struct LaneState;
  class Pass;
  using Choices = std::vector<std::pair<RequestId, DraftLengthPolicy::Choice>>;  // of the requests that a step serves

  void run();
  bool wait_for_work();
  void check_cancellations();
  void give_up_if_unwanted();
  void give_way(Job& next);
  void admit();
  void score(const std::shared_ptr<Job>& job);
  void prefill_oldest();
  void prefill(Job& job);
  int next_piece(const Job& job) const;
  void start_lanes(Job& job);
  void start_healed(Job& job);
  void open_lane(const Job& job, LaneState& lane, const std::optional<LaneFork>& fork);

  void prepare_lookup(Job& job);
  void plan_lookup(Job& job, const DraftLengthPolicy::Choice& choice, int live, StepPlan& plan);
  void keep_texts(const Job& job);

  void note_pass(const Choices& served);

  int live_lanes() const;
  int depth() const;
  StepPlan plan(Choices& choices);
  std::vector<std::shared_ptr<Job>> served_by(const Choices& choices) const;
  void step();
  void process(StepResult&& step, const Choices& choices, double step_ms);
  void advance(Job& job, LaneState& lane, LaneStep&& result, StepEvent& event);
  void tell(Job& job, StepEvent&& event);

  void end_lane(LaneState& lane, FinishReason reason, LaneEvent& event);
  void end_lanes(Job& job, FinishReason reason, std::uint32_t lanes);
  void end(Job& job, FinishReason reason);
  void release_ended();
  void drop_steps_in_flight();
  void fail_all(const std::string& message);
  void fail(const std::shared_ptr<Job>& job, const std::string& message);
  void free(Job& job);
  void forget(const Job& job);
  void publish_counts();
  static std::size_t kind_of(const Sampling& sampling);

  std::atomic<bool> given_up_{false};  // the pass under way
  std::unique_ptr<Runtime> runtime_;
  std::shared_ptr<const Vocabulary> vocabulary_;
  RuntimeInfo info_;

  mutable std::mutex mutex_;  // guards what follows up to the blank line; the rest belongs to the thread
  std::condition_variable wake_;
  std::deque<std::shared_ptr<Job>> arrived_;
  std::unordered_map<RequestId, std::shared_ptr<Job>> known_;
  RequestId next_request_ = 1;
  std::vector<std::shared_ptr<Job>> served_;  // by the pass under way
  bool stopping_ = false;
  Counts counts_;

  std::optional<TokenIndex> index_;  // made when first needed
  std::deque<std::shared_ptr<Job>> waiting_;
  std::vector<std::shared_ptr<Job>> running_;
  LaneId next_lane_ = 1;
  std::deque<Choices> in_flight_;  // submitted steps, oldest first
  CostModel costs_;
  std::array<Experience, 4> experience_;       // by kind of sampling
  std::array<MatchChances, 4> match_chances_;  // likewise
  RecentTexts recent_;
  double lookup_ms_ = 0;  // for the step to be submitted
  int prefill_chunk_ = 0;  // tokens; by the time that the last one took, unless the device keeps to its own
  std::thread thread_;
};

}  // namespace octet
