#include "harness/explore/trace_self_check.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cstddef>
#include <optional>
#include <set>
#include <utility>
#include <vector>

#include "harness/base/text.h"
#include "harness/crash/model.h"
#include "harness/crash/states.h"

namespace crashpoint::explore {
namespace {

// At most this many differences are listed.
constexpr std::size_t kTold = 3;

struct Difference {
  std::string path;
  std::string words;
};

// What tells two directories apart, file by file; empty if nothing does.
std::vector<Difference> differences(const trace::Image& modelled, const trace::Image& found) {
  std::vector<Difference> all;
  for (const auto& [path, entry] : modelled) {
    const auto other = found.find(path);
    if (other == found.end()) {
      all.push_back({path, fmt::format("{} is not there", path)});
    } else if (entry.kind != other->second.kind ||
               entry.content.size() != other->second.content.size()) {
      all.push_back({path, fmt::format("{} holds {}, by the trace {}", path,
                                       counted(other->second.content.size(), "byte"),
                                       counted(entry.content.size(), "byte"))});
    } else if (entry.content != other->second.content) {
      const auto at =
          std::mismatch(entry.content.begin(), entry.content.end(), other->second.content.begin());
      all.push_back({path, fmt::format("{} holds other bytes, from offset {} on", path,
                                       at.first - entry.content.begin())});
    }
  }
  for (const auto& [path, entry] : found) {
    if (!modelled.contains(path)) {
      all.push_back({path, fmt::format("{} is there", path)});
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

// With every other name that these files had in the run, or have.
void add_other_names(std::set<std::string>& files, const trace::Trace& trace) {
  for (std::size_t known = 0; known != files.size();) {
    known = files.size();
    for (const trace::Event& event : trace.events) {
      if (event.op != trace::Op::kRename && event.op != trace::Op::kLink) {
        continue;
      }
      if (files.contains(event.path.str())) {
        files.insert(event.path2.str());
      } else if (files.contains(event.path2.str())) {
        files.insert(event.path.str());
      }
    }
  }
}

}  // namespace

bool Doubt::covers(const Finding& finding) const {
  return any() && (files.empty() || finding.files.empty() ||
                   std::ranges::any_of(finding.files, [&](const std::string& file) {
                     return files.contains(file);
                   }));
}

Doubt trace_self_check(const trace::Trace& trace,
                       const std::shared_ptr<const crash::Timeline>& timeline,
                       const trace::Image& found) {
  for (const trace::Notes& notes : {trace.unseen, timeline->notes()}) {
    if (!notes.empty()) {
      return {.words = told(notes), .files = {}};
    }
  }
  crash::CrashModel model(timeline, *crash::find_profile("process-kill"));
  model.advance(trace::kNever);
  std::optional<std::vector<Difference>> fewest;
  const crash::StateCount count = crash::for_each_state(model, {}, [&](crash::CrashState&& state) {
    std::vector<Difference> differs = differences(crash::to_image(state.image), found);
    const bool found_it = differs.empty();
    if (!fewest || differs.size() < fewest->size()) {
      fewest = std::move(differs);
    }
    return !found_it;
  });
  if (count.stopped) {
    return {};
  }
  if (!fewest) {
    return {.words = "the run left no state", .files = {}};
  }
  Doubt doubt;
  std::vector<std::string> words;
  for (Difference& difference : *fewest) {
    words.push_back(std::move(difference.words));
    doubt.files.insert(std::move(difference.path));
  }
  doubt.words = told(std::move(words));
  add_other_names(doubt.files, trace);
  return doubt;
}

}  // namespace crashpoint::explore
