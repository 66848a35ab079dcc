#include "harness/recovery/recovery_checks.h"

#include <fmt/format.h>
#include <sys/wait.h>

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <fstream>
#include <map>
#include <optional>
#include <string_view>
#include <utility>

#include "harness/base/clock.h"
#include "harness/base/error.h"
#include "harness/base/glob.h"
#include "harness/base/text.h"
#include "harness/recovery/bounds.h"
#include "harness/recovery/continuation.h"
#include "harness/recovery/last_line.h"
#include "harness/recovery/live_target.h"
#include "harness/recovery/pattern_check.h"
#include "harness/scenario/restarted.h"
#include "harness/target/state_dump.h"

namespace crashpoint::recovery {
namespace {

namespace fs = std::filesystem;
using oracle::Outcome;
using oracle::Verdict;
using std::chrono::milliseconds;

constexpr std::string_view kWhen = "after recovery";

Verdict passed(std::string check, std::string promise) {
  Verdict verdict;
  verdict.check = std::move(check);
  verdict.promise = std::move(promise);
  return verdict;
}

Verdict broken(std::string check, std::string promise, std::string summary) {
  Verdict verdict = passed(std::move(check), std::move(promise));
  verdict.outcome = Outcome::kViolation;
  verdict.summary = std::move(summary);
  return verdict;
}

// "name:value" lines of INFO.
std::map<std::string, std::string, std::less<>> read_info(const target::Endpoint& endpoint) {
  std::map<std::string, std::string, std::less<>> fields;
  const std::string text = target::Client(endpoint).call({"INFO"}).text;
  for (const std::string_view line : lines_of(text)) {
    if (const std::size_t colon = line.find(':'); colon != std::string_view::npos) {
      fields.emplace(line.substr(0, colon), line.substr(colon + 1));
    }
  }
  return fields;
}

class RecoveryRun {
 public:
  RecoveryRun(const RecoveryPlan& plan, const oracle::Judge& judge,
              const oracle::CrashMoment& crash, const fs::path& data, const fs::path& folder)
      : plan_(plan),
        oracle_(plan.of.oracle),
        judge_(judge),
        crash_(crash),
        data_(data),
        folder_(folder) {}

  Recovery run() {
    oracle_.starts ? must_start() : must_refuse();
    return std::move(result_);
  }

 private:
  milliseconds deadline() const { return milliseconds(plan_.of.recovery.deadline_ms); }

  LiveTarget start() {
    return {plan_.program, scenario::restarted(plan_.of), data_,
            folder_ / fmt::format("start-{}", ++starts_), guard_only()};
  }

  void add(Verdict verdict) { result_.checks.push_back(std::move(verdict)); }

  std::string describe_failure(const StartOutcome& outcome, std::string_view log) const {
    return outcome.kind == StartOutcome::Kind::kTimeout
               ? fmt::format("it did not serve within {} ms; {}", deadline().count(),
                             last_line(log))
               : fmt::format("it {} after {:.0f} ms; {}", describe_status(outcome.status),
                             outcome.ms, last_line(log));
  }

  void must_refuse() {
    const std::string promise = "the target refuses to start on what the crash and the damage left";
    // Twice: a refusal that changes something on its way may start the next time.
    for (const char* which : {"first", "second"}) {
      LiveTarget target = start();
      const StartOutcome outcome = target.wait_ready(deadline());
      if (starts_ == 1) {
        result_.start_ms = outcome.ms;
        result_.log = target.log();
      }
      if (outcome.ready()) {
        add(broken("start", promise, fmt::format("at the {} start it serves clients", which)));
        return;
      }
      if (outcome.kind == StartOutcome::Kind::kTimeout || WIFSIGNALED(outcome.status) ||
          WEXITSTATUS(outcome.status) == 0) {
        add(broken(
            "start", promise,
            fmt::format("at the {} start {}", which, describe_failure(outcome, target.log()))));
        return;
      }
    }
    add(passed("start", promise));
    judge_files();
    judge_log();
  }

  void must_start() {
    const std::string promise = "the target starts on what the crash left";
    const std::optional<fs::path> untouched = copy_for_continuation();
    LiveTarget target = start();
    const StartOutcome outcome = target.wait_ready(deadline());
    result_.start_ms = outcome.ms;
    result_.log = target.log();
    if (!outcome.ready()) {
      add(broken("start", promise, describe_failure(outcome, result_.log)));
      return;
    }
    add(passed("start", promise));
    result_.started = true;
    result_.state = target::dump_state(target.endpoint());
    result_.final_state = result_.state;
    result_.log = target.log();
    judge_data();
    judge_files();
    judge_log();
    judge_info(target.endpoint());
    target.tracer().kill_tree();
    target.tracer().wait_for_end(deadline());
    if (oracle::may_evict(scenario::restarted(plan_.of).config)) {
      result_.notes.emplace_back(
          "maxmemory with a policy that evicts: the target may drop keys at any time, so it is not "
          "checked whether further starts give the same data (idempotent, usable)");
    } else {
      judge_restarts();
    }
    if (untouched) {
      judge_continuation(*untouched);
    }
    for (const std::string& use : oracle_.also_loads_in) {
      judge_other_reader(use);
    }
    for (const std::vector<std::string>& tool : oracle_.tools) {
      judge_tool(tool);
    }
  }

  void judge_restarts() {
    if (oracle_.idempotent) {
      judge_further_starts();
    }
    if (oracle_.usable) {
      judge_usable();
    }
  }

  void judge_data() {
    const auto began = SteadyClock::now();
    if (plan_.guarantee.kind != oracle::Guarantee::Kind::kNone) {
      add(judge_.guarantee(result_.state, plan_.guarantee, crash_));
    }
    if (!oracle_.expect.empty()) {
      add(judge_.expectations(result_.state, oracle_.expect, crash_));
    }
    result_.judge_ms = ms_since(began);
  }

  void judge_files() {
    for (const scenario::Pattern& pattern : oracle_.files) {
      std::string found;
      for (const auto& entry : fs::recursive_directory_iterator(data_)) {
        const std::string path = fs::relative(entry.path(), data_).string();
        if (glob_match(pattern.glob, path)) {
          found = path;
          break;
        }
      }
      add(judge_pattern("files", kWhen, "file", pattern, found));
    }
    for (Verdict& verdict : judge_file_bounds(plan_.of, data_)) {
      add(std::move(verdict));
    }
  }

  void judge_log() {
    for (Verdict& verdict : recovery::judge_log("log", kWhen, oracle_.log, result_.log)) {
      add(std::move(verdict));
    }
  }

  void judge_info(const target::Endpoint& endpoint) {
    if (oracle_.info.empty() && !oracle_.memory_mb_max) {
      return;
    }
    const auto fields = read_info(endpoint);
    for (const scenario::InfoField& wanted : oracle_.info) {
      add(judge_info_field(wanted, fields));
    }
    if (oracle_.memory_mb_max) {
      add(judge_info_field(
          {"used_memory_rss", "", std::nullopt, static_cast<double>(*oracle_.memory_mb_max << 20)},
          fields));
    }
  }

  static Verdict judge_info_field(const scenario::InfoField& wanted,
                                  const std::map<std::string, std::string, std::less<>>& fields) {
    std::string promise = fmt::format("INFO {} after recovery", wanted.name);
    if (!wanted.glob.empty()) {
      promise += fmt::format(" matches '{}'", wanted.glob);
    }
    if (wanted.min) {
      promise += fmt::format(" is at least {}", *wanted.min);
    }
    if (wanted.max) {
      promise += fmt::format(" is at most {}", *wanted.max);
    }
    const auto found = fields.find(wanted.name);
    if (found == fields.end()) {
      return broken("info", promise, "there is no such field");
    }
    const double number = std::strtod(found->second.c_str(), nullptr);
    const bool good = (wanted.glob.empty() || name_match(wanted.glob, found->second)) &&
                      (!wanted.min || number >= *wanted.min) &&
                      (!wanted.max || number <= *wanted.max);
    return good ? passed("info", promise)
                : broken("info", promise, fmt::format("it is '{}'", escape(found->second)));
  }

  // Starts again and reads the data; nothing when it did not start, which is then reported.
  std::optional<target::State> start_again(const std::string& check, const std::string& promise,
                                           const std::function<void(LiveTarget&)>& then) {
    LiveTarget target = start();
    const StartOutcome outcome = target.wait_ready(deadline());
    if (!outcome.ready()) {
      add(broken(check, promise, describe_failure(outcome, target.log())));
      return std::nullopt;
    }
    target::State state = target::dump_state(target.endpoint());
    if (then) {
      then(target);
    }
    return state;
  }

  // A third start too: a second one may change what only the next then reads.
  void judge_further_starts() {
    for (const char* which : {"second", "third"}) {
      const std::string promise =
          fmt::format("a {} start on the recovered directory gives the same data", which);
      if (const auto state = start_again("idempotent", promise, nullptr)) {
        add(oracle::judge_same(result_.state, *state, "idempotent", promise));
      }
    }
  }

  // Takes a write, survives a clean restart with it, and with all else unchanged. The probe is
  // deleted again, so that a further cycle finds the data as it was.
  void judge_usable() {
    static const std::string kProbe = "crashpoint:usable";
    const std::string promise =
        "after recovery it takes writes and keeps them over a clean restart";
    std::string refused;
    std::string cannot_tell;
    bool ended = true;
    const bool needs_save = takes_config(plan_.program, scenario::restarted(plan_.of)) &&
                            directive("appendonly", "no") != "yes";
    const auto write = [&](LiveTarget& target, const std::vector<std::string>& command) {
      target::Client client(target.endpoint());
      const target::RespValue reply = client.call(command);
      if (reply.is_error() && reply.text.starts_with("OOM ") &&
          directive("maxmemory", "0") != "0") {
        cannot_tell = fmt::format("the data fills the memory that it may use ({} is answered -{})",
                                  command.front(), escape(reply.text));
      } else if (reply.is_error()) {
        refused = fmt::format("{} is answered -{}", command.front(), escape(reply.text));
      } else if (needs_save) {
        // Without a log only a snapshot survives a restart.
        const target::RespValue saved = client.call({"SAVE"});
        if (saved.is_error() && saved.text.find("unknown command") != std::string::npos) {
          cannot_tell = "it knows no SAVE, and without an AOF nothing else keeps a write";
        } else if (saved.is_error()) {
          refused = fmt::format("SAVE is answered -{}", escape(saved.text));
        }
      }
      ended = target.shut_down(deadline()).has_value();
    };
    if (!start_again("usable", promise, [&](LiveTarget& target) {
          write(target, {"SET", kProbe, "1"});
        })) {
      return;
    }
    if (!refused.empty()) {
      add(broken("usable", promise, refused));
      return;
    }
    if (!cannot_tell.empty()) {
      result_.notes.push_back(
          fmt::format("not checked whether {}: {} (\"usable\": false leaves this check out)",
                      promise, cannot_tell));
      return;
    }
    if (!ended) {
      add(broken("usable", promise,
                 fmt::format("SIGTERM did not end it within {} ms", deadline().count())));
      return;
    }
    target::State expected = result_.state;
    expected.entries[{0, kProbe}] = {std::string("1"), std::nullopt};
    const auto state = start_again("usable", promise, [&](LiveTarget& target) {
      write(target, {"DEL", kProbe});
    });
    if (state) {
      add(oracle::judge_same(expected, *state, "usable", promise));
      result_.final_state = *state;
      result_.final_state.entries.erase({0, kProbe});
    }
  }

  // What the first start gets, for another first start.
  std::optional<fs::path> copy_for_continuation() {
    if (plan_.starter == nullptr) {
      return std::nullopt;
    }
    std::string why = why_no_continuation(plan_.of, plan_.program);
    if (why.empty()) {
      const fs::path copy = folder_ / "continued";
      std::error_code error;
      fs::create_directories(folder_, error);
      fs::copy(data_, copy, fs::copy_options::recursive | fs::copy_options::copy_symlinks, error);
      if (!error) {
        return copy;
      }
      why = "the directory could not be copied: " + error.message();
    }
    result_.notes.push_back(note_on_continuation(why));
    return std::nullopt;
  }

  void judge_continuation(const fs::path& directory) {
    Continued continued = continue_and_judge(plan_.of, plan_.program, *plan_.starter, directory);
    fs::remove_all(directory);
    if (!continued.note.empty()) {
      result_.notes.push_back(note_on_continuation(continued.note));
    }
    if (continued.verdict) {
      result_.continued = true;
      add(*std::move(continued.verdict));
    }
  }

  std::string directive(const char* name, const char* otherwise) const {
    return oracle::directive_value(scenario::restarted(plan_.of).config, name, otherwise);
  }

  void judge_other_reader(const std::string& use) {
    const std::string promise =
        fmt::format("{} reads the recovered directory and finds the same data", use);
    const Program program = plan_.other_program(use);
    const fs::path copy = folder_ / ("read-by-" + use);
    fs::copy(data_, copy, fs::copy_options::recursive);
    scenario::Target target = scenario::restarted(plan_.of);
    target.use = use;
    // Directives of the engine's own that no other program knows.
    std::erase_if(target.config,
                  [](const auto& entry) { return entry.first.starts_with("aof-checksum"); });
    target.arguments.clear();
    LiveTarget reader(program, target, copy, folder_ / ("reader-" + use), guard_only());
    const StartOutcome outcome = reader.wait_ready(deadline());
    if (!outcome.ready()) {
      add(broken("also_loads_in", promise, describe_failure(outcome, reader.log())));
      return;
    }
    add(oracle::judge_same(result_.final_state, target::dump_state(reader.endpoint()),
                           "also_loads_in", promise));
  }

  void judge_tool(const std::vector<std::string>& tool) {
    const std::string promise =
        fmt::format("`{}` accepts the recovered directory", fmt::join(tool, " "));
    const fs::path output = folder_ / "tool.log";
    target::ProcessSpec spec;
    for (const std::string& word : tool) {
      spec.argv.push_back(fill_in(word));
    }
    spec.stdout_path = output.string();
    spec.stderr_path = output.string();
    ptrace::TracerOptions options = guard_only();
    options.data_directory = data_.string();
    ptrace::Tracer tracer(spec, std::move(options));
    const bool ended = tracer.wait_for_main(deadline());
    const int status = tracer.main_status().value_or(0);
    if (ended && status == 0) {
      add(passed("tools", promise));
      return;
    }
    std::ifstream file(output);
    const std::string text(std::istreambuf_iterator<char>(file), {});
    add(broken("tools", promise,
               fmt::format("it {}; {}",
                           ended ? describe_status(status)
                                 : fmt::format("did not end within {} ms", deadline().count()),
                           last_line(text))));
  }

  // {dir}, {manifest} (the AOF manifest), {rdb} (the snapshot), as absolute paths.
  std::string fill_in(std::string word) const {
    const auto replace = [&](std::string_view name, const std::function<fs::path()>& value) {
      if (const std::size_t at = word.find(name); at != std::string::npos) {
        word.replace(at, name.size(), value().string());
      }
    };
    replace("{dir}", [&] { return data_; });
    replace("{manifest}", [&] { return find_file("*.manifest"); });
    replace("{rdb}", [&] { return find_file("*.rdb"); });
    return word;
  }

  fs::path find_file(std::string_view pattern) const {
    for (const auto& entry : fs::recursive_directory_iterator(data_)) {
      if (glob_match(pattern, fs::relative(entry.path(), data_).string())) {
        return entry.path();
      }
    }
    return data_ / pattern;  // the tool then says that it is missing
  }

  const RecoveryPlan& plan_;
  const scenario::Oracle& oracle_;
  const oracle::Judge& judge_;
  const oracle::CrashMoment& crash_;
  const fs::path& data_;
  const fs::path& folder_;
  int starts_ = 0;
  Recovery result_;
};

}  // namespace

Outcome Recovery::outcome() const {
  Outcome worst = Outcome::kPass;
  for (const Verdict& verdict : checks) {
    if (verdict.outcome == Outcome::kViolation) {
      return Outcome::kViolation;
    }
    if (verdict.outcome == Outcome::kInconclusive) {
      worst = Outcome::kInconclusive;
    }
  }
  return worst;
}

Recovery recover_and_judge(const RecoveryPlan& plan, const oracle::Judge& judge,
                           const oracle::CrashMoment& crash, const fs::path& data,
                           const fs::path& folder) {
  return RecoveryRun(plan, judge, crash, data, folder).run();
}

}  // namespace crashpoint::recovery
