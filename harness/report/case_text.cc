#include "harness/report/case_text.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdint>
#include <vector>

#include "harness/base/text.h"
#include "harness/report/status.h"

namespace crashpoint::report {
namespace {

constexpr std::size_t kIndent = 13;

std::string lost_text(const oracle::LostCommand& lost) {
  return fmt::format("client {} #{}  {}  (acked at {} ms, {} ms before the crash)", lost.client,
                     lost.index, lost.command, lost.acked_ms, lost.before_crash_ms);
}

std::string difference_text(const oracle::KeyDifference& difference) {
  return fmt::format("db{} {}  expected {}, found {}", difference.database, difference.key,
                     difference.expected, difference.found);
}

template <typename Item, typename Text>
void list(std::string& out, std::string_view label, const std::vector<Item>& items,
          std::uint64_t count, std::size_t shown, Text text) {
  const std::size_t listed = std::min(items.size(), shown);
  for (std::size_t i = 0; i < listed; ++i) {
    out += labelled(i == 0 ? label : "", text(items[i]));
  }
  // The oracle counts more than it lists.
  const std::uint64_t all = std::max<std::uint64_t>(count, items.size());
  if (all > listed) {
    out += labelled(listed == 0 ? label : "",
                    fmt::format("{}{}", listed == 0 ? "" : "and ",
                                counted(all - listed, listed == 0 ? "entry" : "more",
                                        listed == 0 ? "entries" : "more")));
  }
}

}  // namespace

std::string labelled(std::string_view label, std::string_view text) {
  std::string out;
  const std::string start = fmt::format("{:<{}} ", label, kIndent - 3);
  for (bool first = true; first || !text.empty(); first = false) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    const std::string line = printable(text.substr(0, end));
    out += line.empty() && !first
               ? "\n"
               : fmt::format("  {:<{}}{}\n", first ? start : "", kIndent - 2, line);
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return out;
}

std::string describe_case(const CaseResult& result, std::size_t shown) {
  const oracle::Verdict& verdict = result.verdict;
  std::string out;
  if (verdict.outcome == oracle::Outcome::kInconclusive) {
    out += labelled("why", verdict.summary);
  } else {
    out += labelled("promised", verdict.promise.empty() ? result.promise : verdict.promise);
    out += labelled("found", verdict.summary);
  }
  list(out, "lost", verdict.lost, verdict.lost_count, shown, lost_text);
  list(out, "differs", verdict.differences, verdict.difference_count, shown, difference_text);
  if (!verdict.nearest.empty()) {
    out += labelled("nearest", verdict.nearest);
  }
  if (status_of(result) == Status::kKnown) {
    out += labelled("known", verdict.known);
  }
  if (!result.reproduce.empty()) {
    out += labelled("reproduce", result.reproduce);
  }
  return out;
}

}  // namespace crashpoint::report
