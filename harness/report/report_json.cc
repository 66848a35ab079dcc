#include "harness/report/report_json.h"

#include <fmt/format.h>

#include <array>
#include <optional>
#include <stdexcept>
#include <type_traits>
#include <utility>

#include <nlohmann/json.hpp>

#include "harness/base/error.h"
#include "harness/base/text.h"
#include "harness/report/totals.h"

namespace crashpoint::report {
namespace {

using Json = nlohmann::ordered_json;  // members stay in the order in which people want to read them
using oracle::Outcome;
using oracle::Verdict;

constexpr std::string_view kFormat = "crashpoint-report";
constexpr int kFormatVersion = 1;

template <typename Enum, std::size_t kSize>
using Words = std::array<std::pair<Enum, std::string_view>, kSize>;

constexpr Words<Outcome, 3> kOutcomes = {{{Outcome::kPass, "pass"},
                                          {Outcome::kViolation, "violation"},
                                          {Outcome::kInconclusive, "inconclusive"}}};
constexpr Words<Moment::Kind, 6> kMoments = {{{Moment::Kind::kStep, "step"},
                                              {Moment::Kind::kAck, "ack"},
                                              {Moment::Kind::kSync, "sync"},
                                              {Moment::Kind::kFault, "fault"},
                                              {Moment::Kind::kCrash, "crash"},
                                              {Moment::Kind::kRecovery, "recovery"}}};

template <typename Enum, std::size_t kSize>
std::string to_word(const Words<Enum, kSize>& words, Enum value) {
  for (const auto& [key, text] : words) {
    if (key == value) {
      return std::string(text);
    }
  }
  throw std::logic_error("an enumerator without a word");
}

template <typename Enum, std::size_t kSize>
Enum from_word(const Words<Enum, kSize>& words, const std::string& text) {
  for (const auto& [key, known] : words) {
    if (known == text) {
      return key;
    }
  }
  throw std::runtime_error(fmt::format("'{}' is not a word of the format", printable(text)));
}

// --- writing: members that say nothing are left out ---

void put(Json& object, const char* name, const std::string& text) {
  if (!text.empty()) {
    object[name] = printable(text);
  }
}

void put(Json& object, const char* name, std::uint64_t number) {
  if (number != 0) {
    object[name] = number;
  }
}

void put(Json& object, const char* name, const std::optional<std::uint64_t>& number) {
  if (number) {
    object[name] = *number;
  }
}

void put(Json& object, const char* name, const std::vector<std::string>& texts) {
  for (const std::string& text : texts) {
    object[name].push_back(printable(text));
  }
}

template <typename Item>
void put_all(Json& object, const char* name, const std::vector<Item>& items,
             Json (*convert)(const std::type_identity_t<Item>&)) {
  for (const Item& item : items) {
    object[name].push_back(convert(item));
  }
}

Json to_json(const oracle::LostCommand& lost) {
  return {{"client", lost.client},
          {"index", lost.index},
          {"command", printable(lost.command)},
          {"acked_ms", lost.acked_ms},
          {"before_crash_ms", lost.before_crash_ms}};
}

Json to_json(const oracle::KeyDifference& difference) {
  return {{"database", difference.database},
          {"key", printable(difference.key)},
          {"expected", printable(difference.expected)},
          {"found", printable(difference.found)}};
}

Json to_json(const Verdict& verdict) {
  Json object = {{"outcome", to_word(kOutcomes, verdict.outcome)}};
  put(object, "check", verdict.check);
  put(object, "promise", verdict.promise);
  put(object, "summary", verdict.summary);
  put(object, "lost_count", verdict.lost_count);
  put_all(object, "lost", verdict.lost, to_json);
  put(object, "difference_count", verdict.difference_count);
  put_all(object, "differences", verdict.differences, to_json);
  put(object, "nearest", verdict.nearest);
  return object;
}

Json to_json(const FaultResult& fault) {
  Json object = {{"text", printable(fault.text)},
                 {"armed", fault.report.armed},
                 {"passed", fault.report.passed},
                 {"fired", fault.report.fired}};
  if (fault.report.first_fired != trace::kNever) {
    object["first_fired"] = fault.report.first_fired;
  }
  if (fault.report.first_fired_ns != 0) {
    object["first_fired_ns"] = fault.report.first_fired_ns;
  }
  put(object, "where", fault.report.where);
  put(object, "nearest", fault.report.nearest);
  return object;
}

Json to_json(const Moment& moment) {
  return {{"at_ms", moment.at_ms},
          {"kind", to_word(kMoments, moment.kind)},
          {"what", printable(moment.what)}};
}

Json to_json(const Timing& timing) {
  return {{"start_ms", timing.start_ms}, {"workload_ms", timing.workload_ms},
          {"crash_ms", timing.crash_ms}, {"recovery_ms", timing.recovery_ms},
          {"judge_ms", timing.judge_ms}, {"total_ms", timing.total_ms}};
}

Json to_json(const StateCounts& states) {
  Json object = {{"crash", states.crash},
                 {"profile", states.profile},
                 {"points", states.points},
                 {"permitted", states.permitted},
                 {"permitted_exactly", states.permitted_exactly},
                 {"tried", states.tried},
                 {"alike", states.alike},
                 {"violating", states.violating},
                 {"inconclusive", states.inconclusive},
                 {"findings", states.findings}};
  for (const auto& [reason, count] : states.skipped) {
    object["skipped"][printable(reason)] = count;
  }
  return object;
}

Json to_json(const StateTimes& times) {
  return {{"make_ms", times.make_ms},
          {"lay_out_ms", times.lay_out_ms},
          {"start_ms", times.start_ms},
          {"load_ms", times.load_ms},
          {"judge_ms", times.judge_ms}};
}

Json to_json(const CaseResult& result) {
  Json object = {{"name", printable(result.name)}, {"status", word(status_of(result))}};
  put(object, "summary", result.summary);
  put(object, "file", result.file);
  put(object, "tags", result.tags);
  object["seed"] = result.seed;
  put(object, "target", result.target);
  put(object, "crash", result.crash);
  put(object, "promise", result.promise);
  object["verdict"] = to_json(result.verdict);
  put_all(object, "checks", result.checks, to_json);
  put_all(object, "faults", result.faults, to_json);
  put_all(object, "story", result.story, to_json);
  put(object, "notes", result.notes);
  put(object, "reproduce", result.reproduce);
  put(object, "known_finding", result.known_finding);
  for (const auto& [name, path] : result.artifacts) {
    object["artifacts"][printable(name)] = printable(path);
  }
  object["cycles"] = result.cycles;
  put_all(object, "states", result.states, to_json);
  if (!result.states.empty()) {
    object["state_times"] = to_json(result.state_times);
  }
  object["timing"] = to_json(result.timing);
  return object;
}

Json to_json(const Shard& shard) {
  Json object = {{"command", printable(shard.command)},
                 {"started_at", printable(shard.started_at)}};
  put(object, "seed", shard.seed);
  object["jobs"] = shard.jobs;
  object["wall_ms"] = shard.wall_ms;
  object["interrupted"] = shard.interrupted;
  object["case_count"] = shard.case_count;
  return object;
}

Json to_json(const Totals& totals) {
  return {{"cases", totals.cases},
          {"passed", totals.passed},
          {"violations", totals.violations},
          {"known", totals.known},
          {"inconclusive", totals.inconclusive},
          {"cycles", totals.cycles},
          {"cycles_per_second", totals.cycles_per_second}};
}

Json to_json(const RunResult& run) {
  Json object = {{"format", kFormat},
                 {"format_version", kFormatVersion},
                 {"version", printable(run.version)},
                 {"target", printable(run.target)},
                 {"command", printable(run.command)},
                 {"started_at", printable(run.started_at)}};
  put(object, "seed", run.seed);
  object["jobs"] = run.jobs;
  object["wall_ms"] = run.wall_ms;
  object["planned"] = run.planned;
  object["interrupted"] = run.interrupted;
  object["totals"] = to_json(count(run));
  put_all(object, "shards", run.shards, to_json);
  object["cases"] = Json::array();
  put_all(object, "cases", run.cases, to_json);
  return object;
}

// --- reading: a member that is left out keeps the value its struct has ---

template <typename Value>
void get(const Json& object, const char* name, Value& value) {
  if (const auto found = object.find(name); found != object.end()) {
    found->get_to(value);
  }
}

void get(const Json& object, const char* name, std::optional<std::uint64_t>& number) {
  if (const auto found = object.find(name); found != object.end()) {
    number = found->get<std::uint64_t>();
  }
}

// `from(const Json&)` makes one item; what it throws is told with the item's place.
template <typename Item, typename From>
void get_all(const Json& object, const char* name, std::vector<Item>& items, From from) {
  const auto found = object.find(name);
  if (found == object.end()) {
    return;
  }
  for (std::size_t i = 0; i < found->size(); ++i) {
    try {
      items.push_back(from(found->at(i)));
    } catch (const std::exception& error) {
      throw std::runtime_error(fmt::format("/{}/{}: {}", name, i, error.what()));
    }
  }
}

oracle::LostCommand lost_from(const Json& object) {
  return {object.at("client").get<std::uint32_t>(), object.at("index").get<std::uint64_t>(),
          object.at("command").get<std::string>(), object.at("acked_ms").get<std::int64_t>(),
          object.at("before_crash_ms").get<std::int64_t>()};
}

oracle::KeyDifference difference_from(const Json& object) {
  return {object.at("database").get<std::uint32_t>(), object.at("key").get<std::string>(),
          object.at("expected").get<std::string>(), object.at("found").get<std::string>()};
}

Verdict verdict_from(const Json& object) {
  Verdict verdict;
  verdict.outcome = from_word(kOutcomes, object.at("outcome").get<std::string>());
  get(object, "check", verdict.check);
  get(object, "promise", verdict.promise);
  get(object, "summary", verdict.summary);
  get(object, "lost_count", verdict.lost_count);
  get_all(object, "lost", verdict.lost, lost_from);
  get(object, "difference_count", verdict.difference_count);
  get_all(object, "differences", verdict.differences, difference_from);
  get(object, "nearest", verdict.nearest);
  return verdict;
}

FaultResult fault_from(const Json& object) {
  FaultResult fault;
  fault.text = object.at("text").get<std::string>();
  fault.report.armed = object.at("armed").get<bool>();
  fault.report.passed = object.at("passed").get<std::uint64_t>();
  fault.report.fired = object.at("fired").get<std::uint64_t>();
  get(object, "first_fired", fault.report.first_fired);
  get(object, "first_fired_ns", fault.report.first_fired_ns);
  get(object, "where", fault.report.where);
  get(object, "nearest", fault.report.nearest);
  return fault;
}

Moment moment_from(const Json& object) {
  return {object.at("at_ms").get<double>(), object.at("what").get<std::string>(),
          from_word(kMoments, object.at("kind").get<std::string>())};
}

Timing timing_from(const Json& object) {
  return {object.at("start_ms").get<double>(), object.at("workload_ms").get<double>(),
          object.at("crash_ms").get<double>(), object.at("recovery_ms").get<double>(),
          object.at("judge_ms").get<double>(), object.at("total_ms").get<double>()};
}

StateCounts states_from(const Json& object) {
  StateCounts states;
  states.crash = object.at("crash").get<std::string>();
  states.profile = object.at("profile").get<std::string>();
  states.points = object.at("points").get<std::uint64_t>();
  states.permitted = object.at("permitted").get<std::uint64_t>();
  states.permitted_exactly = object.at("permitted_exactly").get<bool>();
  states.tried = object.at("tried").get<std::uint64_t>();
  get(object, "alike", states.alike);
  states.violating = object.at("violating").get<std::uint64_t>();
  states.inconclusive = object.at("inconclusive").get<std::uint64_t>();
  get(object, "findings", states.findings);
  get(object, "skipped", states.skipped);
  return states;
}

StateTimes state_times_from(const Json& object) {
  return {object.at("make_ms").get<double>(), object.at("lay_out_ms").get<double>(),
          object.at("start_ms").get<double>(), object.at("load_ms").get<double>(),
          object.at("judge_ms").get<double>()};
}

CaseResult case_from(const Json& object) {
  CaseResult result;
  result.name = object.at("name").get<std::string>();
  get(object, "summary", result.summary);
  get(object, "file", result.file);
  get(object, "tags", result.tags);
  result.seed = object.at("seed").get<std::uint64_t>();
  get(object, "target", result.target);
  get(object, "crash", result.crash);
  get(object, "promise", result.promise);
  result.verdict = verdict_from(object.at("verdict"));
  get_all(object, "checks", result.checks, verdict_from);
  get_all(object, "faults", result.faults, fault_from);
  get_all(object, "story", result.story, moment_from);
  get(object, "notes", result.notes);
  get(object, "reproduce", result.reproduce);
  get(object, "known_finding", result.known_finding);
  get(object, "artifacts", result.artifacts);
  result.cycles = object.at("cycles").get<std::uint64_t>();
  get_all(object, "states", result.states, states_from);
  if (const auto times = object.find("state_times"); times != object.end()) {
    result.state_times = state_times_from(*times);
  }
  result.timing = timing_from(object.at("timing"));
  return result;
}

Shard shard_from(const Json& object) {
  Shard shard;
  shard.command = object.at("command").get<std::string>();
  shard.started_at = object.at("started_at").get<std::string>();
  get(object, "seed", shard.seed);
  shard.jobs = object.at("jobs").get<unsigned>();
  shard.wall_ms = object.at("wall_ms").get<double>();
  shard.interrupted = object.at("interrupted").get<bool>();
  shard.case_count = object.at("case_count").get<std::uint64_t>();
  return shard;
}

RunResult run_from(const Json& object) {
  RunResult run;
  run.version = object.at("version").get<std::string>();
  run.target = object.at("target").get<std::string>();
  run.command = object.at("command").get<std::string>();
  run.started_at = object.at("started_at").get<std::string>();
  get(object, "seed", run.seed);
  run.jobs = object.at("jobs").get<unsigned>();
  run.wall_ms = object.at("wall_ms").get<double>();
  run.planned = object.at("planned").get<std::uint64_t>();
  run.interrupted = object.at("interrupted").get<bool>();
  get_all(object, "shards", run.shards, shard_from);
  get_all(object, "cases", run.cases, case_from);
  return run;
}

void check_format(const Json& object) {
  if (!object.is_object() || !object.contains("format") || object["format"] != kFormat) {
    throw std::runtime_error(
        fmt::format("no \"format\": \"{}\" in it, so it is not a report.json", kFormat));
  }
  if (const Json& version = object.at("format_version"); version != kFormatVersion) {
    throw std::runtime_error(
        fmt::format("it has format_version {}; this crashpoint reads {}: merge reports with the "
                    "version that wrote them",
                    version.dump(), kFormatVersion));
  }
}

}  // namespace

std::string encode_case(const CaseResult& result) {
  return to_json(result).dump();
}

CaseResult decode_case(std::string_view text) {
  return case_from(Json::parse(text));
}

std::string encode_run(const RunResult& run, Layout layout) {
  return layout == Layout::kCompact ? to_json(run).dump() : to_json(run).dump(1) + "\n";
}

RunResult decode_run(std::string_view text, const std::string& source) {
  try {
    const Json object = Json::parse(text);
    check_format(object);
    return run_from(object);
  } catch (const std::exception& error) {
    throw UsageError(fmt::format("{}: {}", source, error.what()));
  }
}

}  // namespace crashpoint::report
