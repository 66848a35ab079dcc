#include "harness/campaign/accept_known.h"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <fstream>
#include <map>
#include <set>
#include <tuple>

#include <nlohmann/json.hpp>

#include "harness/base/error.h"
#include "harness/base/text.h"

namespace crashpoint::campaign {
namespace {

using Json = nlohmann::ordered_json;
using oracle::Verdict;

// A glob on names for the same text with other numbers.
std::string pattern_for(const std::string& text) {
  std::string glob;
  for (const char c : text) {
    const bool digit = std::isdigit(static_cast<unsigned char>(c)) != 0;
    if (!digit) {
      glob += c == '*' ? '?' : c;
    } else if (glob.empty() || glob.back() != '*') {
      glob += '*';
    }
  }
  return glob;
}

// What was found of one kind, in all cases.
struct Entry {
  std::set<std::string> profiles;
  std::set<std::string> cases;
};
// By check, cause, found.
using Entries = std::map<std::tuple<std::string, std::string, std::string>, Entry>;

Entries entries_of(const std::vector<report::CaseResult>& cases) {
  Entries entries;
  for (const report::CaseResult& result : cases) {
    std::vector<Verdict> verdicts = result.checks;
    verdicts.push_back(result.verdict);
    for (const Verdict& verdict : verdicts) {
      if (verdict.outcome != oracle::Outcome::kViolation || !verdict.known.empty() ||
          verdict.check == "known_findings") {
        continue;
      }
      const std::string found = verdict.cause.empty() ? pattern_for(verdict.summary) : "";
      Entry& entry = entries[{verdict.check, verdict.cause, found}];
      entry.profiles.insert(verdict.profiles.begin(), verdict.profiles.end());
      entry.cases.insert(result.name);
    }
  }
  return entries;
}

Json read(const std::filesystem::path& file, const std::string& target) {
  if (!std::filesystem::exists(file)) {
    return {{"target", target}, {"findings", Json::object()}};
  }
  std::ifstream in(file, std::ios::binary);
  const std::string text(std::istreambuf_iterator<char>(in), {});
  Json json = Json::parse(text, nullptr, /*allow_exceptions=*/false, /*ignore_comments=*/true);
  if (!json.is_object() || json.value("target", Json()) != Json(target) ||
      !json.value("findings", Json()).is_object()) {
    throw UsageError(
        fmt::format("--accept-known: {} is no file of known findings of '{}' (an object with "
                    "\"target\": \"{}\" "
                    "and \"findings\"); choose another file",
                    file.string(), target, target));
  }
  return json;
}

void write(const std::filesystem::path& file, const Json& json) {
  std::filesystem::path temporary = file;
  temporary += ".tmp";
  std::ofstream out(temporary, std::ios::binary | std::ios::trunc);
  out << json.dump(2, ' ', false, Json::error_handler_t::replace) << '\n';
  out.close();
  std::error_code error;
  if (out) {
    std::filesystem::rename(temporary, file, error);
  }
  if (!out || error) {
    std::error_code ignored;
    std::filesystem::remove(temporary, ignored);
    throw EnvironmentError(fmt::format("--accept-known: cannot write {}", file.string()));
  }
}

}  // namespace

std::size_t accept_known(const std::vector<report::CaseResult>& cases, const std::string& target,
                         const std::filesystem::path& file) {
  Json json = read(file, target);
  const Entries entries = entries_of(cases);
  for (const auto& [what, entry] : entries) {
    const auto& [check, cause, found] = what;
    const std::string wanted = fmt::format("{}: {}", check, cause.empty() ? found : cause);
    std::string name = wanted;
    for (int number = 2; json["findings"].contains(name); ++number) {
      name = fmt::format("{} ({})", wanted, number);
    }
    Json added = {{"check", check}};
    if (cause.empty()) {
      added["found"] = found;
    } else {
      added["cause"] = cause;
      added["profiles"] = entry.profiles;
    }
    added["cases"] = entry.cases;
    added["reason"] = "accepted by crashpoint run --accept-known; nobody has explained it yet";
    json["findings"][name] = std::move(added);
  }
  if (!entries.empty()) {
    write(file, json);
  }
  return entries.size();
}

}  // namespace crashpoint::campaign
