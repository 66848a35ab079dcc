// A history with the digests of every cut: what the judge looks up.
//
// A cut of a lane is how many of its commands are in: cut c holds the first c. A cut of an epoch is
// one cut of each of its lanes, and everything of the epochs before it.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "harness/oracle/resp/digest.h"
#include "harness/oracle/resp/model.h"
#include "harness/oracle/resp/schedule.h"
#include "harness/oracle/resp/shared_key.h"
#include "harness/oracle/verdict.h"
#include "harness/target/state.h"
#include "harness/workload/history.h"

namespace crashpoint::oracle {

// A version of a key that is not judged by its digest alone: it may expire, or may be anything. It
// is there at the cuts [from, to) of its lane.
struct Special {
  KeyId key = 0;
  std::uint32_t from = 0;
  std::uint32_t to = 0;
  Digest digest = 0;  // as counted in the lane's digests
  std::optional<TimeWindow> deadline;
  bool unknown = false;
  Plausible plausible = {};
};

// From cut `cut` on, the key has this digest.
struct Version {
  std::uint32_t cut = 0;
  KeyId key = 0;
  Digest digest = 0;
  std::int32_t special = -1;  // in PreparedLane::specials
};

struct PreparedLane {
  std::vector<Digest> digests;        // by cut: of the keys the lane owns
  std::vector<std::uint32_t> prints;  // print_of() each of them
  std::vector<Version> versions;      // by cut
  std::vector<Special> specials;
};

// A part of a digest: what differs here differs.
constexpr std::uint32_t print_of(Digest digest) {
  return static_cast<std::uint32_t>(digest);
}

struct PreparedEpoch {
  std::vector<PreparedLane> lanes;
  Digest rest = 0;                     // of the keys nobody owns
  std::vector<Special> rest_specials;  // among those, at every cut
  std::vector<SharedKey> shared;       // keys of several lanes, in no digest of this epoch
  std::vector<std::pair<KeyId, Digest>> shared_after;  // what all of the epoch made of them
  std::string undecidable;                             // why, when nothing can be said from here on
};

class Prepared {
 public:
  // Borrows `history`.
  Prepared(const workload::History& history, target::State base);

  [[nodiscard]] const workload::History& history() const { return history_; }
  [[nodiscard]] const Schedule& schedule() const { return schedule_; }
  [[nodiscard]] const std::vector<PreparedEpoch>& epochs() const { return epochs_; }
  // Knows every key of base and history, and holds the state after all of it.
  [[nodiscard]] const Model& model() const { return model_; }
  // By KeyId, of what the server held at first; keys past the end were absent.
  [[nodiscard]] const std::vector<Digest>& base_digests() const { return base_digests_; }
  [[nodiscard]] const Verdict& replies() const { return replies_; }

  // The model after everything before `epoch` and the given cut of each of its lanes.
  [[nodiscard]] std::unique_ptr<Model> replay(std::size_t epoch,
                                              const std::vector<std::uint32_t>& cuts) const;

 private:
  void prepare_epoch(std::size_t number);
  void prepare_lane(std::size_t number, std::size_t lane, Digest digest);
  void settle_shared(PreparedEpoch& epoch);
  void check_reply(const workload::Operation& operation, const ScheduledCall& call,
                   const Executed& executed);

  const workload::History& history_;
  target::State base_;
  Model model_;
  std::vector<Digest> base_digests_;
  Schedule schedule_;
  std::vector<PreparedEpoch> epochs_;
  std::map<KeyId, Special> special_;  // of keys whose version, so far, is special
  Verdict replies_;
};

}  // namespace crashpoint::oracle
