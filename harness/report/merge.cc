#include "harness/report/merge.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdint>
#include <iterator>
#include <map>
#include <set>
#include <tuple>
#include <utility>

#include "harness/base/error.h"
#include "harness/base/text.h"

namespace crashpoint::report {
namespace {

constexpr std::size_t kDuplicatesNamed = 10;

using Identity = std::tuple<std::string, std::string, std::uint64_t>;  // name, target, seed

Identity identity(const CaseResult& result) {
  return {result.name, result.target, result.seed};
}

void refuse_other_versions(const std::vector<NamedRun>& runs) {
  for (const NamedRun& named : runs) {
    if (named.run.version != runs.front().run.version) {
      throw UsageError(fmt::format(
          "cannot merge reports of different versions of crashpoint, whose verdicts may differ:\n"
          "  {}: {}\n  {}: {}",
          runs.front().source, runs.front().run.version, named.source, named.run.version));
    }
  }
}

void refuse_duplicates(const std::vector<NamedRun>& runs) {
  std::map<Identity, std::string> first;  // -> where it was found
  std::set<std::string> lines;
  for (const NamedRun& named : runs) {
    for (const CaseResult& result : named.run.cases) {
      const auto [place, fresh] = first.emplace(identity(result), named.source);
      if (!fresh) {
        lines.insert(fmt::format("  {} (target {}, seed {}): {} and {}\n", result.name,
                                 result.target, result.seed, place->second, named.source));
      }
    }
  }
  if (lines.empty()) {
    return;
  }
  std::string text =
      fmt::format("{} in two reports:\n", counted(lines.size(), "case is", "cases are"));
  for (auto line = lines.begin();
       line != lines.end() && std::distance(lines.begin(), line) < std::ptrdiff_t{kDuplicatesNamed};
       ++line) {
    text += *line;
  }
  if (lines.size() > kDuplicatesNamed) {
    text += fmt::format("  and {} more\n", with_commas(lines.size() - kDuplicatesNamed));
  }
  throw UsageError(text +
                   "Give each report once. The shards of a run have no case in common: did a "
                   "--shard I/N run twice, or with a different N?");
}

std::vector<Shard> shards_of(const RunResult& run) {
  if (!run.shards.empty()) {
    return run.shards;  // itself a merged report
  }
  return {{run.command, run.started_at, run.seed, run.jobs, run.wall_ms, run.interrupted,
           run.cases.size(), run.part}};
}

// Shards without a case have none in common, so the cases do not show that one is there twice.
void refuse_same_shards(const std::vector<NamedRun>& runs) {
  std::vector<std::pair<Shard, std::string>> known;  // and where it was found
  for (const NamedRun& named : runs) {
    for (const Shard& shard : shards_of(named.run)) {
      if (shard.case_count > 0) {
        continue;
      }
      const auto same = std::ranges::find(known, shard, &std::pair<Shard, std::string>::first);
      if (same != known.end()) {
        throw UsageError(fmt::format("{} and {} are the same report; give each report once",
                                     same->second, named.source));
      }
      known.emplace_back(shard, named.source);
    }
  }
}

// The parts that a run must have but that no report is of. Reports with the same number of parts and
// cases are of one run, or of several with as many, as on several targets: each has all its parts.
std::vector<Part> missing_parts(const std::vector<Shard>& shards) {
  std::map<std::pair<std::uint64_t, std::uint64_t>, std::map<std::uint64_t, std::size_t>> runs;
  for (const Shard& shard : shards) {
    if (shard.part) {
      const bool is_empty =
          shard.case_count == 0 && !shard.interrupted && shard.part->number <= shard.part->cases;
      runs[{shard.part->of, shard.part->cases}][shard.part->number] += is_empty ? 0 : 1;
    }
  }
  std::vector<Part> missing;
  for (auto& [run, counts] : runs) {
    std::size_t wanted = 1;
    for (const auto& entry : counts) {
      wanted = std::max(wanted, entry.second);
    }
    for (std::uint64_t number = 1; number <= run.first; ++number) {
      for (std::size_t i = counts[number]; i < wanted; ++i) {
        missing.push_back({number, run.first, run.second});
      }
    }
  }
  return missing;
}

auto order(const Shard& shard) {
  return std::tie(shard.started_at, shard.command, shard.seed, shard.case_count, shard.wall_ms);
}

}  // namespace

RunResult merge(std::vector<NamedRun> runs) {
  if (runs.empty()) {
    throw UsageError("no report to merge");
  }
  refuse_other_versions(runs);
  refuse_duplicates(runs);
  refuse_same_shards(runs);
  RunResult merged;
  merged.version = runs.front().run.version;
  merged.started_at = runs.front().run.started_at;
  merged.seed = runs.front().run.seed;
  merged.jobs = 0;
  std::set<std::string> targets;
  for (NamedRun& named : runs) {
    RunResult& run = named.run;
    if (!run.target.empty()) {  // else it had no case
      targets.insert(run.target);
    }
    merged.started_at = std::min(merged.started_at, run.started_at);
    merged.seed = merged.seed == run.seed ? merged.seed : std::nullopt;
    merged.jobs += run.jobs;
    merged.wall_ms = std::max(merged.wall_ms, run.wall_ms);
    merged.planned += run.planned;
    merged.interrupted = merged.interrupted || run.interrupted;
    std::ranges::move(shards_of(run), std::back_inserter(merged.shards));
    std::ranges::move(run.cases, std::back_inserter(merged.cases));
  }
  merged.target = fmt::format("{}", fmt::join(targets, ", "));
  std::ranges::sort(merged.cases, {}, identity);
  std::ranges::sort(merged.shards, {}, order);
  merged.missing = missing_parts(merged.shards);
  return merged;
}

void relocate_artifacts(RunResult& run, const std::filesystem::path& from,
                        const std::filesystem::path& to) {
  const std::filesystem::path way = std::filesystem::weakly_canonical(from).lexically_relative(
      std::filesystem::weakly_canonical(to));
  for (CaseResult& result : run.cases) {
    for (auto& [name, path] : result.artifacts) {
      path = (way / path).lexically_normal().string();
    }
  }
}

}  // namespace crashpoint::report
