#include "harness/report/junit.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <map>
#include <sstream>
#include <string_view>
#include <vector>

#include "harness/base/text.h"
#include "harness/report/case_text.h"
#include "harness/report/exit_code.h"
#include "harness/report/status.h"
#include "harness/report/totals.h"

#include <pugixml.hpp>

namespace crashpoint::report {
namespace {

constexpr std::size_t kEntriesPerCase = 20;

void attribute(pugi::xml_node node, const char* name, const std::string& value) {
  node.append_attribute(name).set_value(printable(value).c_str());
}

std::string seconds(double ms) {
  return fmt::format("{:.3f}", ms / 1000);
}

void counts(pugi::xml_node node, const Totals& totals, double ms) {
  attribute(node, "tests", std::to_string(totals.cases));
  attribute(node, "failures", std::to_string(totals.violations));
  attribute(node, "errors", std::to_string(totals.inconclusive));
  attribute(node, "skipped", std::to_string(totals.known));
  attribute(node, "time", seconds(ms));
}

void property(pugi::xml_node properties, const char* name, const std::string& value) {
  if (!value.empty()) {
    pugi::xml_node node = properties.append_child("property");
    attribute(node, "name", name);
    attribute(node, "value", value);
  }
}

// "aof/kill-mid-fsync[nth=3]" -> "aof.kill-mid-fsync": CI servers group by it; dots separate levels.
std::string class_name(const CaseResult& result) {
  std::string name = result.name.substr(0, result.name.find('['));
  std::replace(name.begin(), name.end(), '/', '.');
  return name;
}

void add_outcome(pugi::xml_node test, const CaseResult& result) {
  const oracle::Verdict& verdict = result.verdict;
  const auto add = [&](const char* element, const std::string& message) {
    pugi::xml_node node = test.append_child(element);
    attribute(node, "message", message);
    return node;
  };
  switch (status_of(result)) {
    case Status::kPassed:
      return;
    case Status::kKnown:
      add("skipped", "known finding: " + result.verdict.known);
      return;
    case Status::kViolation:
    case Status::kInconclusive:
      break;
  }
  const bool violation = verdict.outcome == oracle::Outcome::kViolation;
  pugi::xml_node node = add(violation ? "failure" : "error",
                            violation ? verdict.summary : "inconclusive: " + verdict.summary);
  attribute(node, "type", verdict.check);
  node.text().set(("\n" + describe_case(result, kEntriesPerCase)).c_str());
}

// CI servers keep one result per name, so the name of a repeated case includes its seed.
void add_case(pugi::xml_node suite, const CaseResult& result, bool repeated) {
  pugi::xml_node test = suite.append_child("testcase");
  attribute(test, "classname", class_name(result));
  attribute(test, "name",
            repeated ? fmt::format("{} seed {}", result.name, result.seed) : result.name);
  if (!result.file.empty()) {
    attribute(test, "file", result.file);
  }
  attribute(test, "time", seconds(result.timing.total_ms));
  pugi::xml_node properties = test.append_child("properties");
  property(properties, "seed", std::to_string(result.seed));
  property(properties, "target", result.target);
  property(properties, "crash", result.crash);
  property(properties, "promise", result.promise);
  property(properties, "cycles", std::to_string(result.cycles));
  property(properties, "reproduce", result.reproduce);
  add_outcome(test, result);
}

// Cases that were not run are not in the report, so a reader would take what is left for all.
void add_incomplete(pugi::xml_node root, const RunResult& run) {
  pugi::xml_node suite = root.append_child("testsuite");
  attribute(suite, "name", "crashpoint");
  Totals totals;
  totals.cases = 1;
  totals.inconclusive = 1;
  counts(suite, totals, 0);
  pugi::xml_node test = suite.append_child("testcase");
  attribute(test, "classname", "crashpoint");
  attribute(test, "name", "every case was run");
  attribute(test, "time", seconds(0));
  pugi::xml_node error = test.append_child("error");
  const std::vector<std::string> lines = describe_incomplete(run);
  attribute(error, "message", lines.front());
  attribute(error, "type", "incomplete");
  error.text().set(printable(fmt::format("\n{}\n", fmt::join(lines, "\n"))).c_str());
}

}  // namespace

std::string junit_xml(const RunResult& run) {
  std::map<std::string, RunResult> suites;  // by target
  for (const CaseResult& result : run.cases) {
    suites[result.target].cases.push_back(result);
  }
  pugi::xml_document document;
  pugi::xml_node declaration = document.append_child(pugi::node_declaration);
  attribute(declaration, "version", "1.0");
  attribute(declaration, "encoding", "UTF-8");
  pugi::xml_node root = document.append_child("testsuites");
  attribute(root, "name", "crashpoint");
  Totals totals = count(run);
  totals.cases += is_incomplete(run) ? 1U : 0U;
  totals.inconclusive += is_incomplete(run) ? 1U : 0U;
  counts(root, totals, run.wall_ms);
  for (const auto& [target, cases] : suites) {
    double total_ms = 0;
    for (const CaseResult& result : cases.cases) {
      total_ms += result.timing.total_ms;
    }
    pugi::xml_node suite = root.append_child("testsuite");
    attribute(suite, "name", target.empty() ? "crashpoint" : target);
    counts(suite, count(cases), total_ms);
    // The format has no time zone; this is UTC.
    attribute(suite, "timestamp", run.started_at.substr(0, run.started_at.find('Z')));
    pugi::xml_node properties = suite.append_child("properties");
    property(properties, "crashpoint", run.version);
    property(properties, "command", run.command);
    property(properties, "interrupted", run.interrupted ? "true" : "");
    std::map<std::string, int> runs;
    for (const CaseResult& result : cases.cases) {
      ++runs[result.name];
    }
    for (const CaseResult& result : cases.cases) {
      add_case(suite, result, runs[result.name] > 1);
    }
  }
  if (is_incomplete(run)) {
    add_incomplete(root, run);
  }
  std::ostringstream out;
  document.save(out, " ", pugi::format_indent, pugi::encoding_utf8);
  return out.str();
}

}  // namespace crashpoint::report
