#include "harness/campaign/survivors.h"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <sys/wait.h>

#include <algorithm>
#include <chrono>
#include <utility>

#include "harness/base/clock.h"
#include "harness/base/error.h"
#include "harness/base/text.h"
#include "harness/campaign/case_verdict.h"
#include "harness/oracle/derive_guarantee.h"
#include "harness/recovery/continuation.h"
#include "harness/recovery/last_line.h"
#include "harness/scenario/restarted.h"
#include "harness/target/state_dump.h"
#include "harness/trace/audit.h"

namespace crashpoint::campaign {
namespace {

namespace fs = std::filesystem;
using oracle::Outcome;
using oracle::Verdict;
using scenario::Beside;
using std::chrono::milliseconds;
using workload::Admin;

constexpr const char* kCheck = "survivors";
constexpr const char* kPromise =
    "what lives of the first instance takes nothing from one that is started on its directory";

// Of continuation_plan(): with a rewrite, or a snapshot, that is complete before the last writes.
constexpr std::uint64_t kRewriteInBetween = 4;
constexpr std::uint64_t kSaveInBetween = 8;

std::string describe_beside(Beside beside) {
  return beside == Beside::kOrphans   ? "the children of the killed one"
         : beside == Beside::kStopped ? "the stopped one"
                                      : "the one that serves";
}

std::string describe_process(const ptrace::Survivor& survivor) {
  const trace::Role& role = survivor.role;
  return role.kind == trace::RoleKind::kMain
             ? "the main process"
             : fmt::format("{} child",
                           role.purpose.empty() ? std::string("a") : "the " + role.purpose.str());
}

bool is_of(const trace::Event& event, const ptrace::Survivor& survivor) {
  return event.pid == survivor.pid;
}

bool came_after(const trace::Event& event, std::int64_t at_ns) {
  return event.exit != trace::kNever && event.exit_ns >= at_ns && event.performed >= 0 &&
         trace::changes_directory(event);
}

bool exited_with_error(int status) {
  return WIFEXITED(status) && WEXITSTATUS(status) != 0;
}

class BesideRun {
 public:
  BesideRun(const scenario::Case& of, const recovery::Program& program, const fs::path& data,
            const fs::path& folder)
      : case_(of),
        program_(program),
        data_(data),
        folder_(folder),
        deadline_(of.recovery.deadline_ms),
        life_(of, program, 1, data, folder) {}

  LifeBeside run() {
    life_.live();
    const std::optional<int> status = tracer().main_status();
    const bool lives = someone_lives();
    if (lives) {
      go_on_beside();
    }
    LiveRun& run = result_.run = life_.end();
    run.ended_by_itself = case_.recovery.beside == Beside::kOrphans ? run.ended_by_itself : status;
    run.told = std::move(told_);
    run.crashed_ns = crashed_ns_;
    if (lives) {
      forget_late_acks(run.workload.history);
      tell_fates();
    }
    return std::move(result_);
  }

 private:
  ptrace::Tracer& tracer() { return life_.target().tracer(); }

  void tell(std::string what) { told_.emplace_back(now_ns(), std::move(what)); }

  void cannot_tell(std::string summary) {
    Verdict verdict = inconclusive(kCheck, std::move(summary));
    verdict.promise = kPromise;
    result_.checks.push_back(std::move(verdict));
  }

  // Whether the first life is as the case wants it: then what lives of it is held, or serves.
  bool someone_lives() {
    if (!life_.so_far().start.ready() || !life_.so_far().unanswered.empty()) {
      return false;  // which is judged as that of any run
    }
    const bool completed = life_.so_far().workload.end == workload::End::kCompleted;
    const Beside beside = case_.recovery.beside;
    if (beside == Beside::kInstance) {
      if (!completed || tracer().main_status()) {
        cannot_tell("the target does not serve any more: " + life_.so_far().workload.detail);
        return false;
      }
      return true;
    }
    if (beside == Beside::kStopped && completed && !tracer().main_status()) {
      tracer().hold();  // nothing where a fault has done it
    }
    if (beside == Beside::kOrphans && !tracer().is_holding()) {
      cannot_tell("the main process was not killed alone");
      return false;
    }
    if ((beside == Beside::kOrphans && !tracer().wait_for_main(deadline_)) ||
        !tracer().wait_until_held(deadline_)) {
      cannot_tell(fmt::format("what lives of the target could not be stopped within {} ms",
                              deadline_.count()));
      return false;
    }
    tell(beside == Beside::kOrphans ? "the main process is dead; its children are held"
                                    : "the target and its children are stopped");
    return true;
  }

  // From here on two programs change one directory.
  void go_on_beside() {
    tracer().share_directory();
    recovery::LiveTarget next(program_, scenario::restarted(case_), data_, folder_ / "beside",
                              recovery::guard_only());
    tell(
        fmt::format("a new instance is started beside {}", describe_beside(case_.recovery.beside)));
    const recovery::StartOutcome outcome = next.wait_ready(deadline_);
    if (outcome.ready()) {
      take_writes(next);
    } else {
      judge_refusal(outcome, next.log());
    }
    let_go_ns_ = now_ns();
    if (case_.recovery.beside == Beside::kInstance) {
      save_once_more();
    } else {
      tell("what was held goes on");
      tracer().let_go();
      case_.recovery.beside == Beside::kOrphans ? await_orphans() : save_once_more();
    }
    crashed_ns_ = now_ns();
    next.tracer().kill_tree();
    next.tracer().wait_for_end(deadline_);
  }

  void take_writes(recovery::LiveTarget& next) {
    LifeSince since{.base = target::dump_state(next.endpoint()), .history = {}, .judged_as = case_};
    tell(fmt::format("it serves, with {}", counted(since.base.entries.size(), "key")));
    const bool has_log = recovery::keeps_a_log(case_, program_);
    workload::Plan plan = recovery::continuation_plan(since.base, has_log,
                                                      has_log ? kRewriteInBetween : kSaveInBetween);
    plan.stall_ms = case_.workload.stall_ms;
    const workload::Run run = workload::run(plan, next.endpoint());
    tell(fmt::format("it answers {}, {} among them",
                     counted(static_cast<std::uint64_t>(std::ranges::count_if(
                                 run.history.operations, &workload::Operation::is_acked)),
                             "command"),
                     has_log ? "BGREWRITEAOF" : "SAVE"));
    recovery::Continued found = recovery::judge_further_life(case_, run, next.log());
    if (found.verdict) {
      found.verdict->check = kCheck;
      result_.checks.push_back(*std::move(found.verdict));
    } else if (!found.note.empty()) {
      cannot_tell(found.note);
    }
    since.history = run.history;
    since.judged_as.oracle.expect = {};
    since.judged_as.oracle.guarantee =
        recovery::promise_after_recovery(case_, program_, oracle::CrashKind::kProcessKill);
    result_.since = std::move(since);
  }

  void judge_refusal(const recovery::StartOutcome& outcome, const std::string& log) {
    const std::string beside = describe_beside(case_.recovery.beside);
    if (outcome.kind == recovery::StartOutcome::Kind::kTimeout) {
      tell("it does not serve");
      cannot_tell(fmt::format("beside {} it did not serve within {} ms, nor did it end; {}", beside,
                              deadline_.count(), recovery::last_line(log)));
      return;
    }
    const std::string how = fmt::format("it {}; {}", recovery::describe_status(outcome.status),
                                        recovery::last_line(log));
    tell("it does not start: " + how);
    if (exited_with_error(outcome.status)) {
      result_.notes.push_back(fmt::format(
          "a new instance refuses to start beside {}, which keeps the promise: {}", beside, how));
      return;
    }
    Verdict verdict;
    verdict.outcome = Outcome::kViolation;
    verdict.check = "start";
    verdict.promise = fmt::format("a new instance starts beside {}, or refuses to", beside);
    verdict.summary = how;
    result_.checks.push_back(std::move(verdict));
  }

  void await_orphans() {
    if (!tracer().wait_for_end(deadline_)) {
      tell(fmt::format("a child is still at work after {} ms", deadline_.count()));
    }
  }

  // As its schedule may want it at any time: a save rule, the growth of the log.
  void save_once_more() {
    const char* const command = recovery::keeps_a_log(case_, program_) ? "BGREWRITEAOF" : "BGSAVE";
    workload::Plan plan;
    plan.stall_ms = deadline_.count();
    // What its children have begun comes first.
    plan.steps.push_back({Admin{.command = {"PING"}, .wait = Admin::Wait::kDone}});
    plan.steps.push_back({Admin{.command = {command}, .wait = Admin::Wait::kDone}});
    try {
      const workload::Run run = workload::run(plan, life_.target().endpoint());
      const auto& operations = run.history.operations;
      if (operations.size() == plan.steps.size() && operations.back().is_acked()) {
        tell(fmt::format("the first instance answers {}: {}", command,
                         escape(operations.back().reply->text)));
      } else {
        tell("the first instance does not answer: " + run.detail);
      }
    } catch (const EnvironmentError& error) {
      tell(fmt::format("the first instance does not answer: {}", error.what()));
    }
  }

  // A reply that left once the new instance had its writes, and that nobody read, is of no life.
  void forget_late_acks(workload::History& history) const {
    for (workload::Operation& operation : history.operations) {
      if (operation.is_acked() && operation.read_ns == 0 && operation.acked_ns >= let_go_ns_) {
        operation.reply.reset();
        operation.acked = trace::kNever;
        operation.acked_ns = 0;
      }
    }
    if (result_.since) {  // what it served is of no later one
      std::erase_if(history.snapshots, [this](const workload::Snapshot& snapshot) {
        return snapshot.from_ns >= let_go_ns_;
      });
    }
  }

  void tell_fates() {
    const ptrace::Run& traced = result_.run.traced;
    std::vector<std::string> ended;
    bool acted = false;
    for (const ptrace::Survivor& survivor : traced.survivors) {
      const Fate fate = fate_of(survivor, traced.trace, let_go_ns_);
      acted = acted || fate == Fate::kActed;
      if (fate == Fate::kEndedByItself) {
        ended.push_back(fmt::format("{} {}", describe_process(survivor),
                                    recovery::describe_status(*survivor.status)));
      }
    }
    if (!ended.empty()) {
      result_.notes.push_back(
          fmt::format("what did not outlive the main process: {}", fmt::join(ended, ", ")));
    }
    if (case_.recovery.beside != Beside::kOrphans) {
      acted = std::ranges::any_of(traced.trace.events, [this](const trace::Event& event) {
        return came_after(event, let_go_ns_);
      });
    }
    if (acted || !ended.empty() || !result_.since) {
      Verdict verdict;
      verdict.check = kCheck;
      verdict.promise = kPromise;
      result_.checks.push_back(std::move(verdict));
      return;
    }
    cannot_tell(traced.survivors.empty() && case_.recovery.beside == Beside::kOrphans
                    ? "no child was at work when the main process was killed"
                    : "what lived on changed no file after the new instance had taken its writes");
  }

  const scenario::Case& case_;
  const recovery::Program& program_;
  const fs::path& data_;
  const fs::path& folder_;
  milliseconds deadline_;
  Life life_;
  LifeBeside result_;
  std::vector<std::pair<std::int64_t, std::string>> told_;
  std::int64_t let_go_ns_ = 0;
  std::int64_t crashed_ns_ = 0;
};

}  // namespace

Fate fate_of(const ptrace::Survivor& survivor, const trace::Trace& trace, std::int64_t let_go_ns) {
  if (std::ranges::any_of(trace.events, [&](const trace::Event& event) {
        return is_of(event, survivor) && came_after(event, let_go_ns);
      })) {
    return Fate::kActed;
  }
  // A signal that came while it was held is of its parent's end: the harness sends none then.
  const bool gave_up =
      survivor.status && ((WIFSIGNALED(*survivor.status) && survivor.ended_while_held) ||
                          exited_with_error(*survivor.status));
  return gave_up ? Fate::kEndedByItself : Fate::kHadNothingLeftToDo;
}

LifeBeside live_beside(const scenario::Case& of, const recovery::Program& program,
                       const fs::path& data, const fs::path& folder) {
  return BesideRun(of, program, data, folder).run();
}

}  // namespace crashpoint::campaign
