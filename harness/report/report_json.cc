#include "harness/report/report_json.h"

#include <fmt/format.h>

#include <array>
#include <concepts>
#include <map>
#include <optional>
#include <stdexcept>
#include <type_traits>
#include <utility>
#include <vector>

#include <nlohmann/json.hpp>

#include "harness/base/error.h"
#include "harness/base/text.h"
#include "harness/base/written_files.h"
#include "harness/report/status.h"
#include "harness/report/totals.h"

namespace crashpoint::report {
namespace {

using Json = nlohmann::ordered_json;  // keeps the order of members
using oracle::Outcome;
using oracle::Verdict;

constexpr std::string_view kFormat = kReportFormat;
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
  throw std::logic_error("an enumerator has no word");
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

// --- the format: each type's members, in the order in which they are written ---
//
// visit() calls one of these for each member, on a Writer or a Reader:
//   required   always written; an error if it is missing when read
//   defaulted  always written; keeps its value if it is missing when read (reports of older versions)
//   optional   written unless it has `omitted`, by default an empty value; keeps its value if missing

template <typename T, typename Record>
concept Is = std::same_as<std::remove_const_t<T>, Record>;

template <typename Fields, Is<oracle::LostCommand> T>
void visit(Fields& fields, T& lost) {
  fields.required("client", lost.client);
  fields.required("index", lost.index);
  fields.required("command", lost.command);
  fields.required("acked_ms", lost.acked_ms);
  fields.required("before_crash_ms", lost.before_crash_ms);
}

template <typename Fields, Is<oracle::KeyDifference> T>
void visit(Fields& fields, T& difference) {
  fields.required("database", difference.database);
  fields.required("key", difference.key);
  fields.required("expected", difference.expected);
  fields.required("found", difference.found);
}

template <typename Fields, Is<Verdict> T>
void visit(Fields& fields, T& verdict) {
  fields.required("outcome", verdict.outcome);
  fields.optional("check", verdict.check);
  fields.optional("promise", verdict.promise);
  fields.optional("summary", verdict.summary);
  fields.optional("lost_count", verdict.lost_count);
  fields.optional("lost", verdict.lost);
  fields.optional("difference_count", verdict.difference_count);
  fields.optional("differences", verdict.differences);
  fields.optional("nearest", verdict.nearest);
  fields.optional("cause", verdict.cause);
  fields.optional("profiles", verdict.profiles);
  fields.optional("known", verdict.known);
}

template <typename Fields, Is<FaultResult> T>
void visit(Fields& fields, T& fault) {
  fields.required("text", fault.text);
  fields.required("armed", fault.report.armed);
  fields.required("passed", fault.report.passed);
  fields.required("fired", fault.report.fired);
  fields.optional("first_fired", fault.report.first_fired, trace::kNever);
  fields.optional("first_fired_ns", fault.report.first_fired_ns);
  fields.optional("where", fault.report.where);
  fields.optional("nearest", fault.report.nearest);
}

template <typename Fields, Is<Moment> T>
void visit(Fields& fields, T& moment) {
  fields.required("at_ms", moment.at_ms);
  fields.required("kind", moment.kind);
  fields.required("what", moment.what);
}

template <typename Fields, Is<Timing> T>
void visit(Fields& fields, T& timing) {
  fields.required("start_ms", timing.start_ms);
  fields.required("workload_ms", timing.workload_ms);
  fields.required("crash_ms", timing.crash_ms);
  fields.required("recovery_ms", timing.recovery_ms);
  fields.required("judge_ms", timing.judge_ms);
  fields.required("total_ms", timing.total_ms);
}

template <typename Fields, Is<StateCounts> T>
void visit(Fields& fields, T& states) {
  fields.required("crash", states.crash);
  fields.required("profile", states.profile);
  fields.required("points", states.points);
  fields.required("permitted", states.permitted);
  fields.required("permitted_exactly", states.permitted_exactly);
  fields.required("tried", states.tried);
  fields.defaulted("alike", states.alike);
  fields.optional("kinds", states.kinds);
  fields.required("violating", states.violating);
  fields.required("inconclusive", states.inconclusive);
  fields.defaulted("findings", states.findings);
  fields.optional("skipped", states.skipped);
}

template <typename Fields, Is<StateTimes> T>
void visit(Fields& fields, T& times) {
  fields.required("make_ms", times.make_ms);
  fields.required("lay_out_ms", times.lay_out_ms);
  fields.required("start_ms", times.start_ms);
  fields.required("load_ms", times.load_ms);
  fields.required("judge_ms", times.judge_ms);
}

template <typename Fields, Is<CaseResult> T>
void visit(Fields& fields, T& result) {
  fields.required("name", result.name);
  fields.derived("status", [&] { return word(status_of(result)); });
  fields.optional("summary", result.summary);
  fields.optional("file", result.file);
  fields.optional("tags", result.tags);
  fields.required("seed", result.seed);
  fields.optional("target", result.target);
  fields.optional("crash", result.crash);
  fields.optional("promise", result.promise);
  fields.required("verdict", result.verdict);
  fields.optional("checks", result.checks);
  fields.optional("faults", result.faults);
  fields.optional("story", result.story);
  fields.optional("notes", result.notes);
  fields.optional("reproduce", result.reproduce);
  fields.optional("artifacts", result.artifacts);
  fields.required("cycles", result.cycles);
  fields.defaulted("continued", result.continued);
  fields.optional("states", result.states);
  fields.optional("state_times", result.state_times);
  fields.required("timing", result.timing);
}

template <typename Fields, Is<Part> T>
void visit(Fields& fields, T& part) {
  fields.required("number", part.number);
  fields.required("of", part.of);
  fields.required("cases", part.cases);
}

template <typename Fields, Is<Shard> T>
void visit(Fields& fields, T& shard) {
  fields.required("command", shard.command);
  fields.required("started_at", shard.started_at);
  fields.optional("seed", shard.seed);
  fields.required("jobs", shard.jobs);
  fields.required("wall_ms", shard.wall_ms);
  fields.required("interrupted", shard.interrupted);
  fields.required("case_count", shard.case_count);
  fields.optional("part", shard.part);
}

template <typename Fields, Is<Totals> T>
void visit(Fields& fields, T& totals) {
  fields.required("cases", totals.cases);
  fields.required("passed", totals.passed);
  fields.required("violations", totals.violations);
  fields.required("known", totals.known);
  fields.required("inconclusive", totals.inconclusive);
  fields.required("cycles", totals.cycles);
  fields.defaulted("continued", totals.continued);
  fields.required("cycles_per_second", totals.cycles_per_second);
}

template <typename Fields, Is<RunResult> T>
void visit(Fields& fields, T& run) {
  fields.derived("format", [] { return kFormat; });
  fields.derived("format_version", [] { return kFormatVersion; });
  fields.required("version", run.version);
  fields.required("target", run.target);
  fields.required("command", run.command);
  fields.required("started_at", run.started_at);
  fields.optional("seed", run.seed);
  fields.required("jobs", run.jobs);
  fields.required("wall_ms", run.wall_ms);
  fields.required("planned", run.planned);
  fields.required("interrupted", run.interrupted);
  fields.derived("totals", [&] { return count(run); });
  fields.optional("part", run.part);
  fields.optional("shards", run.shards);
  fields.optional("missing", run.missing);
  fields.required("cases", run.cases);
}

// --- writing ---

class Writer {
 public:
  template <typename T>
  static Json to_json(const T& value) {
    if constexpr (std::is_convertible_v<T, std::string_view>) {
      return printable(value);
    } else if constexpr (std::is_arithmetic_v<T>) {
      return value;
    } else if constexpr (std::is_same_v<T, Outcome>) {
      return to_word(kOutcomes, value);
    } else if constexpr (std::is_same_v<T, Moment::Kind>) {
      return to_word(kMoments, value);
    } else {
      Writer writer;
      visit(writer, value);
      return std::move(writer.object_);
    }
  }
  template <typename T>
  static Json to_json(const std::optional<T>& value) {
    return to_json(*value);
  }
  template <typename T>
  static Json to_json(const std::vector<T>& items) {
    Json array = Json::array();
    for (const T& item : items) {
      array.push_back(to_json(item));
    }
    return array;
  }
  template <typename T>
  static Json to_json(const std::map<std::string, T>& members) {
    Json object = Json::object();
    for (const auto& [name, value] : members) {
      object[printable(name)] = to_json(value);
    }
    return object;
  }

  template <typename T>
  void required(const char* name, const T& value) {
    object_[name] = to_json(value);
  }
  template <typename T>
  void defaulted(const char* name, const T& value) {
    required(name, value);
  }
  template <typename T>
  void optional(const char* name, const T& value, const T& omitted = {}) {
    if (!is_omitted(value, omitted)) {
      required(name, value);
    }
  }
  // What follows from other members: written, never read.
  template <typename Value>
  void derived(const char* name, Value value) {
    required(name, value());
  }

 private:
  template <typename T>
  static bool is_omitted(const T& value, const T& omitted) {
    return value == omitted;
  }
  template <typename T>
  static bool is_omitted(const std::vector<T>& items, const std::vector<T>& /*omitted*/) {
    return items.empty();
  }

  Json object_ = Json::object();
};

// --- reading: errors start with the JSON pointer of the object or member ---

class Reader {
 public:
  // Borrows both.
  Reader(const Json& object, const std::string& pointer) : object_(object), pointer_(pointer) {}

  template <typename T>
  static void from_json(const Json& json, const std::string& pointer, T& value) {
    if constexpr (std::is_same_v<T, std::string> || std::is_arithmetic_v<T>) {
      json.get_to(value);
    } else if constexpr (std::is_same_v<T, Outcome>) {
      value = from_word(kOutcomes, json.get<std::string>());
    } else if constexpr (std::is_same_v<T, Moment::Kind>) {
      value = from_word(kMoments, json.get<std::string>());
    } else {
      Reader reader(json, pointer);
      visit(reader, value);
    }
  }
  template <typename T>
  static void from_json(const Json& json, const std::string& pointer, std::optional<T>& value) {
    from_json(json, pointer, value.emplace());
  }
  template <typename T>
  static void from_json(const Json& json, const std::string& pointer, std::vector<T>& items) {
    items.resize(json.get_ref<const Json::array_t&>().size());
    for (std::size_t i = 0; i < items.size(); ++i) {
      read(json[i], fmt::format("{}/{}", pointer, i), items[i]);
    }
  }
  template <typename T>
  static void from_json(const Json& json, const std::string& pointer,
                        std::map<std::string, T>& members) {
    for (const auto& [name, value] : json.get_ref<const Json::object_t&>()) {
      read(value, fmt::format("{}/{}", pointer, name), members[name]);
    }
  }

  template <typename T>
  void required(const char* name, T& value) const {
    if (!find(name, value)) {
      throw Malformed(
          fmt::format("{}{}\"{}\" is missing", pointer_, pointer_.empty() ? "" : ": ", name));
    }
  }
  template <typename T>
  void defaulted(const char* name, T& value) const {
    find(name, value);
  }
  template <typename T>
  void optional(const char* name, T& value, const T& /*omitted*/ = {}) const {
    find(name, value);
  }
  template <typename Value>
  void derived(const char* /*name*/, Value /*value*/) const {}

 private:
  // An error whose message has its position already.
  struct Malformed : std::runtime_error {
    using std::runtime_error::runtime_error;
  };

  template <typename T>
  static void read(const Json& json, const std::string& pointer, T& value) {
    try {
      from_json(json, pointer, value);
    } catch (const Malformed&) {
      throw;
    } catch (const std::exception& error) {
      throw Malformed(fmt::format("{}: {}", pointer, error.what()));
    }
  }

  template <typename T>
  bool find(const char* name, T& value) const {
    const auto found = object_.find(name);
    if (found == object_.end()) {
      return false;
    }
    read(*found, fmt::format("{}/{}", pointer_, name), value);
    return true;
  }

  const Json& object_;
  const std::string& pointer_;
};

template <typename T>
T decode(const Json& json) {
  T value;
  Reader::from_json(json, "", value);
  return value;
}

void check_format(const Json& object) {
  if (!object.is_object() || !object.contains("format") || object["format"] != kFormat) {
    throw std::runtime_error(
        fmt::format("the key \"format\" is not \"{}\", so it is not a report.json", kFormat));
  }
  if (const Json& version = object.at("format_version"); version != kFormatVersion) {
    throw std::runtime_error(
        fmt::format("it has format_version {}; this crashpoint reads {}; merge reports with the "
                    "version that wrote them",
                    version.dump(), kFormatVersion));
  }
}

}  // namespace

std::string encode_case(const CaseResult& result) {
  return Writer::to_json(result).dump();
}

CaseResult decode_case(std::string_view text) {
  return decode<CaseResult>(Json::parse(text));
}

std::string encode_run(const RunResult& run, Layout layout) {
  const Json json = Writer::to_json(run);
  return layout == Layout::kCompact ? json.dump() : json.dump(1) + "\n";
}

RunResult decode_run(std::string_view text, const std::string& source) {
  try {
    const Json object = Json::parse(text);
    check_format(object);
    return decode<RunResult>(object);
  } catch (const std::exception& error) {
    throw UsageError(fmt::format("{}: {}", source, error.what()));
  }
}

}  // namespace crashpoint::report
