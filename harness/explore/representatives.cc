#include "harness/explore/representatives.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <iterator>
#include <set>

#include "harness/crash/cause/shape.h"
#include "harness/crash/cause/words.h"

namespace crashpoint::explore {
namespace {

constexpr std::uint64_t kOfOneShape = 3;
constexpr std::int64_t kSecondsTold = 3;  // everysec promises what is one or two old

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
         crash::to_string(crash::shape_of(timeline, timeline.call(last.call)));
}

// Of the first reply that left after the operation began: since how many seconds it is out.
std::string age_of_reply(const Scene& scene, trace::Position began,
                         const crash::CrashPoint& point) {
  const auto reply = std::upper_bound(
      scene.replies.begin(), scene.replies.end(), began,
      [](trace::Position wanted, const Scene::Reply& of) { return wanted < of.left; });
  if (reply == scene.replies.end() || reply->left >= point.position) {
    return "-";
  }
  const std::int64_t seconds = (point.at_ns - reply->left_ns) / 1'000'000'000;
  return fmt::format("!{}", std::clamp<std::int64_t>(seconds, 0, kSecondsTold));
}

}  // namespace

bool Representatives::take(const Scene& scene, std::uint32_t point, const crash::CrashModel& model,
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
    const std::string rested =
        lost ? age_of_reply(scene, timeline.call(node.call).enter, scene.points[point]) : "+";
    shapes.insert(rested + crash::to_string(crash::shape_of(timeline, node)));
  }
  std::string key = fmt::format("{}|{}|{}", static_cast<int>(kind),
                                shape_of_point(timeline, model.point()), fmt::join(shapes, "|"));
  if (selection.tear) {
    const crash::Tear& tear = *selection.tear;
    key += fmt::format("|{} {} {}", static_cast<int>(tear.rest), tear.from == 0 ? "head" : "tail",
                       crash::to_string(crash::shape_of(timeline, timeline.call(tear.call))));
  }
  return ++taken_[key] <= kOfOneShape;
}

}  // namespace crashpoint::explore
