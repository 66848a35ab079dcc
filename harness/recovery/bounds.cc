#include "harness/recovery/bounds.h"

#include <fmt/format.h>

#include <algorithm>
#include <fstream>
#include <map>
#include <string>
#include <system_error>
#include <utility>

#include "harness/base/glob.h"
#include "harness/base/text.h"

namespace crashpoint::recovery {
namespace {

namespace fs = std::filesystem;
using oracle::Outcome;
using oracle::Verdict;

// What one life of a server may leave or hold at once, generously: a file of each kind that has a temporary name; the files of a
// rewrite and a snapshot; a child, and one that has just ended.
constexpr std::uint64_t kTemporaryFiles = 4;
constexpr std::uint64_t kDescriptors = 32;
constexpr std::uint64_t kChildren = 8;

// The targets whose ways we know.
bool has_defaults(const scenario::Case& of) {
  return of.target.use == "engine" || of.target.use == "redis";
}

Verdict bounded(std::string check, std::string promise, std::uint64_t found, std::uint64_t most,
                std::string summary) {
  Verdict verdict;
  verdict.check = std::move(check);
  verdict.promise = std::move(promise);
  if (found > most) {
    verdict.outcome = Outcome::kViolation;
    verdict.summary = std::move(summary);
  }
  return verdict;
}

std::optional<std::uint64_t> count_entries(const fs::path& directory) {
  std::error_code error;
  std::uint64_t count = 0;
  for (fs::directory_iterator at(directory, error); !error && at != end(at); at.increment(error)) {
    ++count;
  }
  return error ? std::nullopt : std::optional(count);
}

// "PID (NAME) STATE PARENT ...": the name may hold anything.
std::optional<pid_t> parent_in(const std::string& stat) {
  const std::size_t name_end = stat.rfind(')');
  if (name_end == std::string::npos || name_end + 4 >= stat.size()) {
    return std::nullopt;
  }
  return static_cast<pid_t>(std::strtol(stat.c_str() + name_end + 4, nullptr, 10));
}

std::uint64_t count_children(pid_t process) {
  std::uint64_t children = 0;
  std::error_code error;
  for (const auto& entry : fs::directory_iterator("/proc", error)) {
    const std::string name = entry.path().filename().string();
    if (!std::ranges::all_of(name, [](char c) { return '0' <= c && c <= '9'; })) {
      continue;
    }
    std::ifstream file(entry.path() / "stat");
    std::string stat;
    std::getline(file, stat, '\0');  // empty for one that ends meanwhile
    children += parent_in(stat) == process ? 1U : 0U;
  }
  return children;
}

}  // namespace

std::optional<Holdings> holdings_of(pid_t process) {
  const std::optional<std::uint64_t> descriptors =
      count_entries(fmt::format("/proc/{}/fd", process));
  if (!descriptors) {
    return std::nullopt;
  }
  return Holdings{*descriptors, count_children(process)};
}

std::vector<Verdict> judge_growth(const scenario::Case& of, const Holdings& before,
                                  const Holdings& after, std::uint64_t clients) {
  const scenario::Growth& bounds = of.oracle.growth;
  std::vector<Verdict> verdicts;
  if (bounds.descriptors || has_defaults(of)) {
    const std::uint64_t most = bounds.descriptors.value_or(kDescriptors);
    const std::uint64_t expected = before.descriptors + clients;
    verdicts.push_back(bounded(
        "growth",
        fmt::format("at the end of the workload the target holds at most {} more than at its "
                    "beginning, besides one for each client",
                    counted(most, "descriptor")),
        after.descriptors, expected + most,
        fmt::format("it holds {}, and held {} before {} came", after.descriptors,
                    before.descriptors, counted(clients, "client"))));
  }
  if (bounds.processes || has_defaults(of)) {
    const std::uint64_t most = bounds.processes.value_or(kChildren);
    verdicts.push_back(
        bounded("growth",
                fmt::format("at the end of the workload the target has at most {} more than at its "
                            "beginning",
                            counted(most, "child process", "child processes")),
                after.children, before.children + most,
                fmt::format("it has {}, and had {}; ended ones that it did not wait for count",
                            after.children, before.children)));
  }
  return verdicts;
}

std::vector<Verdict> judge_file_bounds(const scenario::Case& of, const fs::path& data) {
  std::map<std::string, std::uint64_t> bounds = of.oracle.file_counts;
  if (has_defaults(of)) {
    bounds.try_emplace("temp-*", kTemporaryFiles);
  }
  std::map<std::string, std::vector<std::string>> found;
  std::uint64_t bytes = 0;
  for (const auto& entry : fs::recursive_directory_iterator(data)) {
    if (!entry.is_regular_file()) {
      continue;
    }
    bytes += entry.file_size();
    const std::string path = fs::relative(entry.path(), data).string();
    for (const auto& [glob, most] : bounds) {
      if (glob_match(glob, path)) {
        found[glob].push_back(path);
      }
    }
  }
  std::vector<Verdict> verdicts;
  for (const auto& [glob, most] : bounds) {
    std::vector<std::string>& paths = found[glob];
    std::ranges::sort(paths);
    verdicts.push_back(bounded(
        "files", fmt::format("files that match '{}' after recovery: at most {}", glob, most),
        paths.size(), most,
        fmt::format("there are {}, '{}' for one", paths.size(),
                    paths.empty() ? "" : escape(paths.front()))));
  }
  if (of.oracle.bytes_max) {
    verdicts.push_back(bounded("files",
                               fmt::format("bytes in all files after recovery: at most {}",
                                           with_commas(*of.oracle.bytes_max)),
                               bytes, *of.oracle.bytes_max,
                               fmt::format("they hold {}", with_commas(bytes))));
  }
  return verdicts;
}

}  // namespace crashpoint::recovery
