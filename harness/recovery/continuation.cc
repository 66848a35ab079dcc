#include "harness/recovery/continuation.h"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <map>
#include <utility>
#include <variant>
#include <vector>

#include "harness/base/clock.h"
#include "harness/base/text.h"
#include "harness/oracle/derive_guarantee.h"
#include "harness/oracle/resp/digest.h"
#include "harness/oracle/resp/judge.h"
#include "harness/recovery/last_line.h"
#include "harness/scenario/restarted.h"
#include "harness/target/state_dump.h"
#include "harness/workload/runner.h"

namespace crashpoint::recovery {
namespace {

namespace fs = std::filesystem;
using oracle::Outcome;
using oracle::Verdict;
using workload::Admin;
using workload::Arguments;
using workload::Commands;
using workload::Plan;

constexpr const char* kPromise =
    "after recovery it takes writes of every kind, and what it acknowledges survives a kill, with "
    "what had been recovered";

const std::vector<Arguments>& new_keys() {
  static const std::vector<Arguments> commands = {
      {"SET", "crashpoint:string", "one"},
      {"APPEND", "crashpoint:string", "-two"},
      {"INCR", "crashpoint:counter"},
      {"MSET", "crashpoint:a", "1", "crashpoint:b", "2", "crashpoint:c", "3"},
      {"RPUSH", "crashpoint:list", "a", "b", "c", "d"},
      {"LPOP", "crashpoint:list"},
      {"RPOPLPUSH", "crashpoint:list", "crashpoint:other-list"},
      {"SADD", "crashpoint:set", "x", "y", "z", "w"},
      {"SPOP", "crashpoint:set", "2"},
      {"SINTERSTORE", "crashpoint:other-set", "crashpoint:set", "crashpoint:set"},
      {"HSET", "crashpoint:hash", "f", "1", "g", "2"},
      {"HINCRBY", "crashpoint:hash", "f", "5"},
      {"ZADD", "crashpoint:zset", "1", "m", "2", "n", "3", "o"},
      {"ZPOPMIN", "crashpoint:zset"},
      {"EXPIRE", "crashpoint:a", "100000"},
      {"RENAME", "crashpoint:b", "crashpoint:renamed"},
      {"MULTI"},
      {"SET", "crashpoint:in-transaction", "1"},
      {"RPUSH", "crashpoint:list", "e"},
      {"DEL", "crashpoint:c"},
      {"EXEC"},
  };
  return commands;
}

std::vector<Arguments> writes_to(const target::Key& key, const target::Value& value) {
  const std::string type = target::type_name(value);
  if (type == "string") {
    return {{"APPEND", key.name, "+"}};
  }
  if (type == "list") {
    return {{"RPUSH", key.name, "crashpoint", "crashpoint"}, {"LPOP", key.name}};
  }
  if (type == "set") {
    return {{"SADD", key.name, "crashpoint"}, {"SPOP", key.name}};
  }
  if (type == "hash") {
    return {{"HSET", key.name, "crashpoint", "1"}};
  }
  if (type == "zset") {
    return {{"ZADD", key.name, "1.5", "crashpoint"}, {"ZPOPMIN", key.name}};
  }
  return {};
}

// One key of each type, one that is deleted, one that gets a deadline. Keys that have one already may be
// gone by then.
std::vector<Arguments> existing_keys(const target::State& base) {
  std::vector<Arguments> commands;
  std::map<std::string, int> seen;
  std::uint32_t database = 0;
  for (const auto& [key, entry] : base.entries) {
    const std::string type = target::type_name(entry.value);
    const int number = entry.expire_at_ms ? 3 : seen[type]++;
    std::vector<Arguments> of_key;
    if (number == 0) {
      of_key = writes_to(key, entry.value);
    } else if (number == 1) {
      of_key = {{"DEL", key.name}};
    } else if (number == 2) {
      of_key = {{"EXPIRE", key.name, "100000"}};
    }
    if (!of_key.empty() && key.database != database) {
      database = key.database;
      commands.push_back({"SELECT", std::to_string(database)});
    }
    std::ranges::move(of_key, std::back_inserter(commands));
  }
  if (database != 0) {
    commands.push_back({"SELECT", "0"});
  }
  return commands;
}

const std::vector<Arguments>& last_writes() {
  static const std::vector<Arguments> commands = {
      {"SET", "crashpoint:string", "last"},
      {"INCR", "crashpoint:counter"},
      {"MULTI"},
      {"RPUSH", "crashpoint:list", "f", "g"},
      {"SADD", "crashpoint:set", "v"},
      {"EXEC"},
      {"MSET", "crashpoint:d", "4", "crashpoint:e", "5"},
  };
  return commands;
}

Verdict verdict_of(Outcome outcome, std::string summary) {
  Verdict verdict;
  verdict.check = "continues";
  verdict.promise = kPromise;
  verdict.outcome = outcome;
  verdict.summary = std::move(summary);
  return verdict;
}

bool is_unknown(const target::RespValue& reply) {
  return reply.text.find("unknown command") != std::string::npos;
}

bool is_full(const scenario::Case& of, const target::RespValue& reply) {
  return reply.text.starts_with("OOM ") &&
         oracle::directive_value(scenario::restarted(of).config, "maxmemory", "0") != "0";
}

// No fault of the case is in force in a further life: where fork fails, the machine has no room for processes.
bool could_not_fork(const std::string& log) {
  return log.find(" in background: fork") != std::string::npos;
}

class Continuation {
 public:
  Continuation(const scenario::Case& of, const Program& program, Starter& starter,
               const fs::path& directory)
      : case_(of),
        starter_(starter),
        directory_(directory),
        variant_(variant_of(directory)),
        has_log_(keeps_a_log(of, program)),
        promised_(promise_after_recovery(of, program, oracle::CrashKind::kProcessKill)) {}

  Continued run() {
    const SteadyClock::time_point began = SteadyClock::now();
    Started now = starter_.start(directory_);
    if (now.running != nullptr) {
      for (std::size_t round = 0; round <= case_.oracle.then.size() && !is_over(); ++round) {
        live_and_die(now, round);
      }
    }
    result_.ms = ms_since(began);
    return std::move(result_);
  }

 private:
  [[nodiscard]] bool is_over() const {
    return !result_.note.empty() || (result_.verdict && result_.verdict->outcome != Outcome::kPass);
  }

  // One round: writes, a kill, the next start, the verdict. `now` is that start then.
  void live_and_die(Started& now, std::size_t round) {
    target::State base = target::dump_state(now.running->endpoint());
    Plan plan =
        round == 0 ? continuation_plan(base, has_log_, variant_) : case_.oracle.then[round - 1];
    const workload::Run run = workload::run(plan, now.running->endpoint());
    if (Continued trouble = judge_further_life(case_, run, now.running->log());
        trouble.verdict || !trouble.note.empty()) {
      result_.verdict = std::move(trouble.verdict);
      result_.note = std::move(trouble.note);
      return;
    }
    now.running.reset();
    now = starter_.start(directory_);
    const std::string when = describe(run.history);
    if (now.running == nullptr) {
      result_.verdict = verdict_of(Outcome::kViolation, when + "it does not start: " + now.trouble);
      return;
    }
    const target::State state = target::dump_state(now.running->endpoint());
    const oracle::Judge judge(run.history, std::move(base));
    Verdict verdict = judge.replies();
    if (verdict.outcome != Outcome::kViolation) {
      verdict = judge.guarantee(state, promised_);
    }
    verdict.check = "continues";
    verdict.promise = kPromise;
    verdict.summary = when + verdict.summary;
    result_.verdict = std::move(verdict);
  }

  // "killed once it had recovered and answered 30 further commands, "
  [[nodiscard]] std::string describe(const workload::History& history) const {
    const auto answered = std::ranges::count_if(history.operations, &workload::Operation::is_acked);
    return fmt::format("killed once it had recovered and answered {}: ",
                       counted(static_cast<std::uint64_t>(answered), "further command"));
  }

  const scenario::Case& case_;
  Starter& starter_;
  const fs::path& directory_;
  std::uint64_t variant_;
  bool has_log_;
  oracle::Guarantee promised_;
  Continued result_;
};

}  // namespace

oracle::Guarantee promise_after_recovery(const scenario::Case& of, const Program& program,
                                         oracle::CrashKind crash) {
  const std::optional<oracle::Guarantee>& stated = of.oracle.guarantee;
  if (!takes_config(program, scenario::restarted(of))) {
    return stated.value_or(oracle::Guarantee{});
  }
  const oracle::Guarantee configured =
      oracle::derive_guarantee(scenario::restarted(of).config, crash, program.everysec_loss)
          .guarantee;
  const bool about_the_target =
      of.damage.empty() && of.faults.empty() && of.recovery.faults.empty();
  // The kinds are listed from the strictest on.
  return about_the_target && stated && stated->kind > configured.kind ? *stated : configured;
}

std::string why_no_continuation(const scenario::Case& of, const Program& program) {
  if (oracle::may_evict(scenario::restarted(of).config)) {
    return "maxmemory with a policy that evicts: the target may drop keys at any time";
  }
  if (promise_after_recovery(of, program, oracle::CrashKind::kProcessKill).kind ==
      oracle::Guarantee::Kind::kNone) {
    return "nothing is promised about the data after a process kill";
  }
  return {};
}

bool keeps_a_log(const scenario::Case& of, const Program& program) {
  return takes_config(program, scenario::restarted(of))
             ? oracle::directive_value(scenario::restarted(of).config, "appendonly", "no") == "yes"
             : promise_after_recovery(of, program, oracle::CrashKind::kProcessKill).kind !=
                   oracle::Guarantee::Kind::kSnapshot;
}

Continued judge_further_life(const scenario::Case& of, const workload::Run& run,
                             const std::string& log) {
  Continued found;
  if (run.end != workload::End::kCompleted) {
    found.verdict = verdict_of(
        run.end == workload::End::kStopped ? Outcome::kInconclusive : Outcome::kViolation,
        fmt::format("after recovery it does not go on serving: {}; {}", run.detail,
                    last_line(log)));
    return found;
  }
  const auto& operations = run.history.operations;
  const auto is_write = [](const workload::Operation& operation) {
    return operation.is_acked() && !operation.is_refused();
  };
  if (std::ranges::any_of(operations, is_write)) {
    const auto refused = std::ranges::find_if(operations, [](const workload::Operation& operation) {
      return operation.is_refused() && operation.arguments.front() == "SET" &&
             !is_unknown(*operation.reply);
    });
    if (refused != operations.end() && !is_full(of, *refused->reply)) {
      found.verdict = verdict_of(
          could_not_fork(log) ? Outcome::kInconclusive : Outcome::kViolation,
          fmt::format("after recovery SET is answered -{}", escape(refused->reply->text)));
    }
    return found;
  }
  for (const workload::Operation& operation : operations) {
    if (!is_unknown(*operation.reply) && !is_full(of, *operation.reply)) {
      found.verdict =
          verdict_of(Outcome::kViolation,
                     fmt::format("after recovery {} is answered -{}", operation.arguments.front(),
                                 escape(operation.reply->text)));
      return found;
    }
  }
  found.note = "every command is refused";
  return found;
}

std::string promise_of_continuation() {
  return kPromise;
}

std::string note_on_continuation(const std::string& why) {
  return fmt::format("not checked whether {}: {} (\"continues\": false leaves this check out)",
                     kPromise, why);
}

Plan continuation_plan(const target::State& base, bool has_log, std::uint64_t variant) {
  variant %= kContinuationVariants;
  Plan plan;
  const auto commands = [&](std::vector<Arguments> list) {
    plan.steps.push_back({Commands{
        .commands = std::move(list), .client = 0, .pipeline = variant % 2 == 0 ? 1U : 4U}});
  };
  const auto admin = [&](const char* name, Admin::Wait wait) {
    plan.steps.push_back({Admin{.command = {name}, .wait = wait}});
  };
  std::vector<Arguments> first = new_keys();
  std::ranges::move(existing_keys(base), std::back_inserter(first));
  commands(std::move(first));
  using Wait = Admin::Wait;
  if (variant < 4 && has_log) {
    admin("BGREWRITEAOF", Wait::kNone);
  } else if (variant == 4 && has_log) {
    admin("BGREWRITEAOF", Wait::kDone);
  } else if (variant == 5 || variant == 6) {
    admin("BGSAVE", Wait::kNone);
  } else if (variant == 7) {
    admin("BGSAVE", Wait::kDone);
  } else if (!has_log && variant >= 8) {
    admin("SAVE", Wait::kNone);
  } else {
    return plan;
  }
  commands(last_writes());
  return plan;
}

std::uint64_t variant_of(const fs::path& directory) {
  std::uint64_t sum = 0;
  for (const auto& entry : fs::recursive_directory_iterator(directory)) {
    if (entry.is_regular_file() && !entry.is_symlink()) {
      sum += oracle::hash_bytes(
          fmt::format("{} {}", fs::relative(entry.path(), directory).string(), entry.file_size()));
    }
  }
  return sum;
}

Continued continue_and_judge(const scenario::Case& of, const Program& program, Starter& starter,
                             const fs::path& directory) {
  return Continuation(of, program, starter, directory).run();
}

}  // namespace crashpoint::recovery
