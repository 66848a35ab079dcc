#include "harness/oracle/dump/dump_judge.h"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <utility>

#include "harness/base/check.h"
#include "harness/base/text.h"
#include "harness/oracle/dump/text_diff.h"

namespace crashpoint::oracle {
namespace {

constexpr double kNsPerSecond = 1e9;
constexpr std::int64_t kNsPerMs = 1'000'000;

}  // namespace

std::string describe_of_steps(const Guarantee& guarantee) {
  switch (guarantee.kind) {
    case Guarantee::Kind::kDurable:
      return "every acknowledged step survives, and each step is there whole or not at all";
    case Guarantee::Kind::kBuffered:
      return fmt::format(
          "every step acknowledged more than {} s before the crash survives, and each step is "
          "there "
          "whole or not at all",
          guarantee.seconds);
    case Guarantee::Kind::kPrefix:
      return "the state is one that the run had between its steps, however old";
    case Guarantee::Kind::kSnapshot:
    case Guarantee::Kind::kNone:
      break;
  }
  return "the dump command succeeds, whatever it prints";
}

DumpJudge::DumpJudge(DumpHistory history) : history_(std::move(history)) {
  HARNESS_CHECK(history_.expected.size() == history_.acks.size() + 1, history_.expected.size(),
                history_.acks.size());
  const auto seen = [&](std::string_view dump, std::size_t step) {
    std::size_t& last = last_.try_emplace(dump, step).first->second;
    last = std::max(last, step);
  };
  for (std::size_t step = 0; step < history_.expected.size(); ++step) {
    seen(history_.expected[step], step);
  }
  for (const DumpHistory::Passing& passing : history_.passing) {
    seen(passing.dump, passing.acked);
  }
}

std::size_t DumpJudge::required(const Guarantee& promised, const CrashMoment& crash) const {
  if (promised.kind == Guarantee::Kind::kPrefix) {
    return 0;
  }
  const auto old_enough = [&](const Acknowledgement& ack) {
    if (ack.position >= crash.position) {
      return false;
    }
    if (promised.kind != Guarantee::Kind::kBuffered) {
      return true;
    }
    const std::int64_t from_ns = std::min(crash.at_ns, crash.sync_began_ns);
    return static_cast<double>(ack.at_ns) <
           static_cast<double>(from_ns) - promised.seconds * kNsPerSecond;
  };
  // What must survive only grows along the run, so it ends at the first that need not.
  const auto end = std::find_if_not(history_.acks.begin(), history_.acks.end(), old_enough);
  const auto promised_until = std::find_if(std::make_reverse_iterator(end), history_.acks.rend(),
                                           [](const Acknowledgement& ack) { return ack.promises; });
  return static_cast<std::size_t>(promised_until.base() - history_.acks.begin());
}

std::string DumpJudge::name_of(std::size_t step) const {
  return step == 0 ? "before the first step"
                   : fmt::format("after step {} ({})", step, history_.acks[step - 1].what);
}

std::string DumpJudge::nearest(std::string_view dump, std::size_t required) const {
  std::size_t nearest = required;
  std::size_t least = line_distance(history_.expected[nearest], dump);
  // Of equals the one that is asked for, then the later one.
  for (std::size_t step = history_.expected.size(); step-- > 0;) {
    const std::size_t distance = line_distance(history_.expected[step], dump);
    if (distance < least) {
      nearest = step;
      least = distance;
    }
  }
  return fmt::format("the dump {}, and what was found:\n{}", name_of(nearest),
                     text_diff(history_.expected[nearest], dump));
}

Verdict DumpJudge::guarantee(std::string_view dump, const Guarantee& promised,
                             const CrashMoment& crash) const {
  Verdict verdict;
  verdict.check = "guarantee";
  verdict.promise = describe_of_steps(promised);
  if (promised.kind == Guarantee::Kind::kNone) {
    verdict.summary = "nothing was promised about the state";
    return verdict;
  }
  if (promised.kind == Guarantee::Kind::kSnapshot) {
    verdict.outcome = Outcome::kInconclusive;
    verdict.summary = "a snapshot is promised, and a dump cannot tell when one was taken";
    return verdict;
  }
  const std::size_t required = this->required(promised, crash);
  const auto found = last_.find(dump);
  if (found == last_.end()) {
    verdict.check = "atomic";
    verdict.outcome = Outcome::kViolation;
    verdict.summary = "the dump shows a state that the run never had between its steps";
    verdict.nearest = nearest(dump, required);
    return verdict;
  }
  if (found->second >= required) {
    verdict.summary = fmt::format("the state {}", name_of(found->second));
    return verdict;
  }
  verdict.outcome = Outcome::kViolation;
  verdict.lost_count = required - found->second;
  const std::int64_t crash_ns =
      crash.at_ns == CrashMoment{}.at_ns ? history_.acks.back().at_ns : crash.at_ns;
  for (std::size_t step = found->second; step < required && verdict.lost.size() < Verdict::kShown;
       ++step) {
    const Acknowledgement& ack = history_.acks[step];
    verdict.lost.push_back({.client = 0,
                            .index = step + 1,
                            .command = ack.what,
                            .acked_ms = (ack.at_ns - history_.began_ns) / kNsPerMs,
                            .before_crash_ms = (crash_ns - ack.at_ns) / kNsPerMs});
  }
  verdict.summary =
      fmt::format("{} lost, although acknowledged: the state is that {}",
                  verdict.lost_count == 1
                      ? fmt::format("step {} ({}) is", required, history_.acks[required - 1].what)
                      : fmt::format("steps {} to {} are", found->second + 1, required),
                  name_of(found->second));
  verdict.nearest = fmt::format("the dump {}, and what was found:\n{}", name_of(required),
                                text_diff(history_.expected[required], dump));
  return verdict;
}

}  // namespace crashpoint::oracle
