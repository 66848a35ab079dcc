// Holds what a program's dump command printed after a crash against what it printed along the run.
//
// A run is a row of acknowledged steps. Before the first and after each one the state was dumped:
// expected[0] to expected[n]. At a crash point with `a` acknowledgements out, a recovered dump must be
// expected[j] with
//
//   durable     j >= a
//   buffered    j >= the number of those acknowledged longer ago than the guarantee allows
//   prefix      any j
//   none        whatever it is
//
// A step in flight may be there or not, so a later one is never too much; a step that is there in part is
// what no expected dump shows. A state that occurs several times in the run counts as its last occurrence.
//
// Checks      "guarantee": an acknowledged step is lost. "atomic": the run never had such a state between its
//             steps: a part of a step, or a later one without an earlier one.
// Threads     Const members may be called from several threads at once.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "harness/oracle/crash_moment.h"
#include "harness/oracle/guarantee.h"
#include "harness/oracle/verdict.h"
#include "harness/trace/event.h"

namespace crashpoint::oracle {

// The program, or whoever waited for it, said that a step is done.
struct Acknowledgement {
  trace::Position position = 0;
  std::int64_t at_ns = 0;  // CLOCK_MONOTONIC
  std::string what;        // the step in words, for people: "git commit -m one", "line \"ok 3\""
  bool promises = true;    // that it and all before it survives; else only a later one may
};

struct DumpHistory {
  std::vector<std::string> expected;  // one more than `acks`
  std::vector<Acknowledgement> acks;  // in order
  std::int64_t began_ns = 0;          // the zero of times shown to people
  // Of steps that need not be atomic: dumps that were seen inside, with the number of acknowledgements
  // that were out then.
  struct Passing {
    std::string dump;
    std::size_t acked = 0;
  };
  std::vector<Passing> passing = {};
};

class DumpJudge {
 public:
  explicit DumpJudge(DumpHistory history);
  DumpJudge(DumpJudge&&) = default;
  DumpJudge& operator=(DumpJudge&&) = default;

  // kSnapshot is no guarantee of such a program: inconclusive.
  [[nodiscard]] Verdict guarantee(std::string_view dump, const Guarantee& promised,
                                  const CrashMoment& crash = {}) const;

  [[nodiscard]] const DumpHistory& history() const { return history_; }

 private:
  [[nodiscard]] std::size_t required(const Guarantee& promised, const CrashMoment& crash) const;
  [[nodiscard]] std::string nearest(std::string_view dump, std::size_t required) const;
  [[nodiscard]] std::string name_of(std::size_t step) const;

  DumpHistory history_;
  std::unordered_map<std::string_view, std::size_t> last_;  // of each dump: the last step it is of
};

// In words, for reports: what the guarantee says of the steps of a program.
[[nodiscard]] std::string describe_of_steps(const Guarantee& guarantee);

}  // namespace crashpoint::oracle
