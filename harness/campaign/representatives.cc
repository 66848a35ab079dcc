#include "harness/campaign/representatives.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <iterator>
#include <set>

#include "harness/crash/cause.h"

namespace crashpoint::campaign {
namespace {

constexpr std::uint64_t kOfOneShape = 3;

// What the target was doing: the last call to begin or return.
std::string shape_of_point(const crash::Timeline& timeline, trace::Position point) {
  const auto& steps = timeline.steps();
  const auto after = std::lower_bound(
      steps.begin(), steps.end(), point,
      [](const auto& step, trace::Position wanted) { return step.position < wanted; });
  if (after == steps.begin()) {
    return {};
  }
  const auto& last = *std::prev(after);
  return (last.returns ? "after " : "during ") +
         crash::shape_of(timeline, timeline.calls()[last.call]);
}

}  // namespace

bool Representatives::take(const Scene& scene, const crash::CrashModel& model,
                           const crash::Selection& selection, oracle::CrashKind kind) {
  // What earlier bytes of a file read as in another place depends on the bytes: each such state is its own.
  const bool stale =
      std::count(selection.choices.begin(), selection.choices.end(), crash::Choice::kStale) > 0 ||
      (selection.tear && selection.tear->rest == crash::Tear::Rest::kStale);
  if (stale) {
    return true;
  }
  const crash::Timeline& timeline = model.timeline();
  std::set<std::string> shapes;
  for (std::size_t i = 0; i < model.nodes().size(); ++i) {
    const crash::Node& node = model.nodes()[i];
    const bool lost = selection.choices[i] != crash::Choice::kPresent;
    const auto reply = std::upper_bound(scene.replies.begin(), scene.replies.end(),
                                        timeline.calls()[node.call].enter);
    const bool acked = reply != scene.replies.end() && *reply < model.point();
    shapes.insert((lost ? acked ? "!" : "-" : "+") + crash::shape_of(timeline, node));
  }
  std::string key = fmt::format("{}|{}|{}", static_cast<int>(kind),
                                shape_of_point(timeline, model.point()), fmt::join(shapes, "|"));
  if (selection.tear) {
    const crash::Tear& tear = *selection.tear;
    key += fmt::format("|{} {} {}", static_cast<int>(tear.rest), tear.from == 0 ? "head" : "tail",
                       crash::shape_of(timeline, timeline.calls()[tear.call]));
  }
  return ++taken_[key] <= kOfOneShape;
}

}  // namespace crashpoint::campaign
