#include "harness/campaign/finding_words.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <iterator>
#include <string_view>
#include <utility>

#include "harness/base/text.h"
#include "harness/explore/account_words.h"

namespace crashpoint::campaign {
namespace {

constexpr std::array<std::pair<std::string_view, std::string_view>, 5> kFileSystems = {
    {{"xfs", "xfs"},
     {"btrfs", "btrfs"},
     {"ext4-ordered", "ext4"},
     {"ext4-noauto_da_alloc", "ext4 with noauto_da_alloc"},
     {"ext4-writeback", "ext4 with data=writeback"}}};

}  // namespace

std::string file_systems(const std::vector<std::string>& profiles) {
  const auto has = [&](std::string_view name) {
    return std::find(profiles.begin(), profiles.end(), name) != profiles.end();
  };
  if (has("process-kill")) {
    return "any file system, also if the machine runs on";
  }
  if (has("prefix")) {
    return "any file system";
  }
  std::vector<std::string_view> names;
  for (const auto& [profile, name] : kFileSystems) {
    // ext4 with an option is of interest where plain ext4 does not do the same.
    if (has(profile) && !(name.starts_with("ext4 ") && has("ext4-ordered"))) {
      names.push_back(name);
    }
  }
  if (names.empty()) {
    return has("weakest") ? "none that we know of, but POSIX permits it"
                          : "a combination of several";
  }
  if (names.size() == 1) {
    return std::string(names.front());
  }
  return fmt::format("{} and {}", fmt::join(names.begin(), std::prev(names.end()), ", "),
                     names.back());
}

oracle::Verdict verdict_of(const explore::Finding& finding) {
  oracle::Verdict verdict = finding.verdict;
  verdict.profiles = finding.profiles;
  verdict.summary = fmt::format(
      "after a {}, {}\nwhy: {}\nfile systems: {}\nfirst seen {}; {} with this cause",
      explore::name_of(finding.kind), finding.verdict.summary, finding.cause,
      file_systems(finding.profiles), finding.point, counted(finding.states, "crash state"));
  return verdict;
}

}  // namespace crashpoint::campaign
