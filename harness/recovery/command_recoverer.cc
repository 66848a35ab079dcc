#include "harness/recovery/command_recoverer.h"

#include <fmt/format.h>
#include <sys/stat.h>

#include <algorithm>
#include <cstdint>
#include <system_error>
#include <utility>
#include <vector>

#include "harness/base/check.h"
#include "harness/base/error.h"
#include "harness/oracle/dump/text_diff.h"
#include "harness/recovery/live_target.h"
#include "harness/recovery/program_commands.h"

namespace crashpoint::recovery {
namespace {

namespace fs = std::filesystem;
using oracle::Outcome;
using oracle::Verdict;

// The worker's own path must not make the same trouble look like another.
std::string without_path(std::string text, const std::string& path) {
  constexpr std::string_view kInstead = "{dir}";
  for (std::size_t at = text.find(path); at != std::string::npos;
       at = text.find(path, at + kInstead.size())) {
    text.replace(at, path.size(), kInstead);
  }
  return text;
}

// What changes with a file or its name: its numbers and the times of its last changes. (Not what is stored through a
// mapping, on tmpfs.)
struct Mark {
  std::string path;
  std::uint64_t inode = 0;
  std::uint32_t mode = 0;
  std::int64_t size = 0;
  std::int64_t modified_ns = 0;
  std::int64_t changed_ns = 0;
  friend bool operator==(const Mark&, const Mark&) = default;
};
using Marks = std::vector<Mark>;

Marks marks_of(const fs::path& directory) {
  constexpr std::int64_t kNsPerSecond = 1'000'000'000;
  Marks marks;
  std::error_code error;
  for (fs::recursive_directory_iterator at(directory, error), end; !error && at != end;
       at.increment(error)) {
    struct stat status {};
    if (::lstat(at->path().c_str(), &status) == 0) {
      marks.push_back(
          {.path = at->path().string(),
           .inode = status.st_ino,
           .mode = status.st_mode,
           .size = status.st_size,
           .modified_ns = status.st_mtim.tv_sec * kNsPerSecond + status.st_mtim.tv_nsec,
           .changed_ns = status.st_ctim.tv_sec * kNsPerSecond + status.st_ctim.tv_nsec});
    }
  }
  std::sort(marks.begin(), marks.end(),
            [](const Mark& a, const Mark& b) { return a.path < b.path; });
  return marks;
}

Verdict compare(const CommandRecoverer::Dump& first, const CommandRecoverer::Dump& second) {
  Verdict verdict;
  verdict.check = "idempotent";
  verdict.promise = "a second dump of the recovered directory prints the same";
  if (!second.succeeded) {
    verdict.outcome = Outcome::kViolation;
    verdict.summary = fmt::format("the second dump: {}", second.trouble);
  } else if (first.text != second.text) {
    verdict.outcome = Outcome::kViolation;
    verdict.summary = "the second dump prints another state than the first";
    verdict.nearest = fmt::format("the first dump, and the second:\n{}",
                                  oracle::text_diff(first.text, second.text));
  }
  return verdict;
}

}  // namespace

CommandRecoverer::CommandRecoverer(const scenario::Case& of, fs::path folder, FixedPath* fixed_path)
    : case_(of), folder_(std::move(folder)), fixed_path_(fixed_path) {
  HARNESS_CHECK(of.program.has_value(), of.name);
  limits_.deadline = std::chrono::milliseconds(of.recovery.deadline_ms);
  limits_.patience = std::chrono::milliseconds(0);  // what is left running is of no use
  fs::create_directories(folder_ / "run");
}

template <typename Use>
auto CommandRecoverer::at_its_path(const fs::path& directory, const Use& use) {
  if (fixed_path_ == nullptr) {
    return use(directory);
  }
  const std::lock_guard lock(fixed_path_->mutex);
  const auto move = [](const fs::path& from, const fs::path& to) {
    std::error_code error;
    fs::rename(from, to, error);
    if (error) {
      throw EnvironmentError(
          fmt::format("cannot move {} to {}: {}", from.string(), to.string(), error.message()));
    }
  };
  move(directory, fixed_path_->path);
  try {
    auto result = use(fixed_path_->path);
    move(fixed_path_->path, directory);
    return result;
  } catch (...) {
    std::error_code ignored;
    fs::rename(fixed_path_->path, directory, ignored);
    throw;
  }
}

Recovered CommandRecoverer::recover(const fs::path& directory) {
  return at_its_path(directory, [this](const fs::path& path) { return recover_at(path); });
}

CommandRecoverer::Dump CommandRecoverer::dump(const fs::path& directory) {
  return at_its_path(directory, [this](const fs::path& path) { return dump_at(path); });
}

Recovered CommandRecoverer::recover_at(const fs::path& directory) {
  Recovered recovered;
  for (const scenario::Command& command : case_.program->recovery) {
    const CommandEnd end = run(command, directory);
    recovered.start_ms += end.ms;
    if (!end.succeeded()) {
      recovered.trouble =
          trouble(fmt::format("the recovery command '{}'", to_string(command)), end, directory);
      return recovered;
    }
  }
  const Marks before = marks_of(directory);
  Dump dump = dump_at(directory);
  recovered.load_ms += dump.ms;
  if (!dump.succeeded) {
    recovered.trouble = std::move(dump.trouble);
    return recovered;
  }
  recovered.started = true;
  if (case_.oracle.idempotent) {
    // A dump that changed nothing finds the same again.
    if (marks_of(directory) == before) {
      recovered.checks.push_back(compare(dump, dump));
    } else {
      const Dump second = dump_at(directory);
      recovered.load_ms += second.ms;
      recovered.checks.push_back(compare(dump, second));
    }
  }
  for (const std::vector<std::string>& words : case_.oracle.tools) {
    recovered.checks.push_back(ask_tool({.words = words, .text = {}}, directory));
  }
  recovered.dump = std::move(dump.text);
  return recovered;
}

CommandRecoverer::Dump CommandRecoverer::dump_at(const fs::path& directory) {
  CommandEnd end = run(case_.program->dump, directory);
  Dump dump;
  dump.ms = end.ms;
  dump.succeeded = end.succeeded();
  if (dump.succeeded) {
    dump.text = std::move(end.output);
  } else {
    dump.trouble = trouble("the dump command", end, directory);
  }
  return dump;
}

Verdict CommandRecoverer::ask_tool(const scenario::Command& tool, const fs::path& directory) {
  const CommandEnd end = run(tool, directory);
  Verdict verdict;
  verdict.check = "tools";
  verdict.promise = fmt::format("'{}' exits 0 on the recovered directory", to_string(tool));
  if (!end.succeeded()) {
    verdict.outcome = Outcome::kViolation;
    verdict.summary = trouble(fmt::format("'{}'", to_string(tool)), end, directory);
  }
  return verdict;
}

CommandEnd CommandRecoverer::run(const scenario::Command& command, const fs::path& directory) {
  return run_command(command_line(case_, command, places_of(case_, directory, folder_ / "run")),
                     folder_, guard_only(), limits_);
}

std::string CommandRecoverer::trouble(const std::string& what, const CommandEnd& end,
                                      const fs::path& directory) const {
  return without_path(fmt::format("{} {}", what, trouble_of(end, limits_)), directory.string());
}

}  // namespace crashpoint::recovery
