#include "harness/explore/trace_self_check.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cstddef>
#include <optional>
#include <vector>

#include "harness/base/text.h"
#include "harness/crash/model.h"
#include "harness/crash/states.h"

namespace crashpoint::explore {
namespace {

// At most this many differences are listed.
constexpr std::size_t kTold = 3;

// What tells two directories apart, file by file; empty if nothing does.
std::vector<std::string> differences(const trace::Image& modelled, const trace::Image& found) {
  std::vector<std::string> all;
  for (const auto& [path, entry] : modelled) {
    const auto other = found.find(path);
    if (other == found.end()) {
      all.push_back(fmt::format("{} is not there", path));
    } else if (entry.kind != other->second.kind ||
               entry.content.size() != other->second.content.size()) {
      all.push_back(fmt::format("{} holds {}, by the trace {}", path,
                                counted(other->second.content.size(), "byte"),
                                counted(entry.content.size(), "byte")));
    } else if (entry.content != other->second.content) {
      const auto at =
          std::mismatch(entry.content.begin(), entry.content.end(), other->second.content.begin());
      all.push_back(fmt::format("{} holds other bytes, from offset {} on", path,
                                at.first - entry.content.begin()));
    }
  }
  for (const auto& [path, entry] : found) {
    if (!modelled.contains(path)) {
      all.push_back(fmt::format("{} is there", path));
    }
  }
  return all;
}

std::string told(std::vector<std::string> doubts) {
  const std::size_t count = doubts.size();
  doubts.resize(std::min(count, kTold));
  return fmt::format("{}{}", fmt::join(doubts, "; "),
                     count > kTold ? fmt::format("; and {} more", count - kTold) : "");
}

}  // namespace

std::string trace_self_check(const trace::Trace& trace,
                             const std::shared_ptr<const crash::Timeline>& timeline,
                             const trace::Image& found) {
  for (const trace::Notes& notes : {trace.unseen, timeline->notes()}) {
    if (!notes.empty()) {
      return told(notes);
    }
  }
  crash::CrashModel model(timeline, *crash::find_profile("process-kill"));
  model.advance(trace::kNever);
  std::optional<std::vector<std::string>> fewest;
  const crash::StateCount count = crash::for_each_state(model, {}, [&](crash::CrashState&& state) {
    std::vector<std::string> differs = differences(crash::to_image(state.image), found);
    const bool found_it = differs.empty();
    if (!fewest || differs.size() < fewest->size()) {
      fewest = std::move(differs);
    }
    return !found_it;
  });
  return count.stopped ? ""
                       : told(fewest.value_or(std::vector<std::string>{"the run left no state"}));
}

}  // namespace crashpoint::explore
