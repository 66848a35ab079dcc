#include "harness/campaign/case_story.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <chrono>
#include <variant>

#include "harness/base/text.h"
#include "harness/report/story.h"

namespace crashpoint::campaign {
namespace {

using report::Moment;

double ms_between(std::int64_t from_ns, std::int64_t to_ns) {
  return static_cast<double>(to_ns - from_ns) / 1e6;
}

std::string describe_step(const workload::Step& step) {
  struct Describe {
    std::string operator()(const workload::Commands& commands) const {
      return counted(commands.commands.size(), "command");
    }
    std::string operator()(const workload::Generate& generate) const {
      return fmt::format("{} from {}", counted(generate.count, "generated command"),
                         counted(generate.clients, "client"));
    }
    std::string operator()(const workload::Admin& admin) const {
      return fmt::format("{}", fmt::join(admin.command, " "));
    }
    std::string operator()(const workload::Pause& pause) const {
      return fmt::format("nothing for {} ms", pause.ms);
    }
  };
  return std::visit(Describe{}, step.action);
}

std::string describe_start(const std::string& damage) {
  return damage.empty() ? "the target is started on what the crash left"
                        : fmt::format("the target is started ({})", damage);
}

}  // namespace

void CaseStory::tell_run(const ptrace::Run& traced, const workload::History& history,
                         const std::vector<fault::Fault>& faults, const workload::Plan& plan,
                         const Steps& steps, const std::string& end) {
  moments_.clear();
  if (history.began_ns == 0) {
    return;  // no workload began
  }
  std::vector<report::FaultResult> results;
  for (std::size_t i = 0; i < traced.faults.size(); ++i) {
    results.push_back({faults[i].text, traced.faults[i]});
  }
  moments_ = report::tell_story(traced.trace, history, results, end);
  const auto crash = std::ranges::find(moments_, Moment::Kind::kCrash, &Moment::kind);
  std::vector<Moment> course(moments_.begin(), crash);
  for (const auto& [began_ns, step] : steps) {
    course.push_back({ms_between(history.began_ns, began_ns),
                      fmt::format("step {}: {}", step, describe_step(plan.steps[step]))});
  }
  std::ranges::stable_sort(course, {}, &Moment::at_ms);
  course.insert(course.end(), crash, moments_.end());
  moments_ = std::move(course);
}

void CaseStory::tell_struck_start(const workload::History& history, const std::string& damage,
                                  const std::vector<std::string>& struck, std::int64_t began_ns) {
  forget_recovery();
  struck_ = true;
  tell(history, began_ns,
       fmt::format("{}, and {}", describe_start(damage),
                   struck.empty() ? "ended" : fmt::format("struck: {}", fmt::join(struck, "; "))));
}

void CaseStory::tell_recovery(const workload::History& history, const recovery::Recovery& recovery,
                              const std::string& damage, std::int64_t began_ns) {
  if (!struck_) {
    forget_recovery();
  }
  tell(history, began_ns, struck_ ? "the target is started again" : describe_start(damage));
  tell(history, began_ns + static_cast<std::int64_t>(recovery.start_ms * 1e6),
       recovery.started
           ? fmt::format("it serves, with {}", counted(recovery.state.entries.size(), "key"))
           : "it does not serve");
  for (const oracle::Verdict& verdict : recovery.checks) {
    if (verdict.outcome == oracle::Outcome::kViolation) {
      tell(history, now_ns(),
           fmt::format("check \"{}\" fails: {}", verdict.check, verdict.summary));
    }
  }
  struck_ = false;
}

void CaseStory::tell(const workload::History& history, std::int64_t at_ns, std::string what) {
  moments_.push_back(
      {ms_between(history.began_ns, at_ns), std::move(what), Moment::Kind::kRecovery});
}

void CaseStory::forget_recovery() {
  std::erase_if(moments_,
                [](const Moment& moment) { return moment.kind == Moment::Kind::kRecovery; });
}

std::int64_t now_ns() {
  return std::chrono::duration_cast<std::chrono::nanoseconds>(
             std::chrono::steady_clock::now().time_since_epoch())
      .count();
}

}  // namespace crashpoint::campaign
