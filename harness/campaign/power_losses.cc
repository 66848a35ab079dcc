#include "harness/campaign/power_losses.h"

#include <fmt/format.h>

#include <memory>
#include <utility>

#include "harness/base/check.h"
#include "harness/crash/cause/words.h"
#include "harness/crash/image/image.h"
#include "harness/crash/model.h"
#include "harness/crash/points.h"
#include "harness/crash/states.h"
#include "harness/crash/timeline.h"
#include "harness/explore/trace_self_check.h"

namespace crashpoint::campaign {
namespace {

// Each is recovered by a start of its own, with each damage.
constexpr std::uint64_t kStates = 6;
// More are not counted.
constexpr std::uint64_t kCountedMax = 2000;

}  // namespace

PowerLosses power_losses(const scenario::Case& of, const trace::Trace& trace,
                         const std::filesystem::path& data) {
  PowerLosses losses;
  // Borrowed: the trace outlives the timeline.
  const std::shared_ptr<const trace::Trace> borrowed(std::shared_ptr<void>(), &trace);
  const auto timeline = std::make_shared<const crash::Timeline>(borrowed);
  losses.doubt = explore::trace_self_check(trace, timeline, crash::read_directory(data)).words;
  if (!losses.doubt.empty()) {
    return losses;
  }
  const std::vector<crash::CrashPoint> points = crash::crash_points(trace, {.only_the_end = true});
  HARNESS_CHECK(!points.empty(), trace.events.size());
  const crash::CrashPoint& end = points.back();
  losses.moment = {
      .position = end.position, .at_ns = end.at_ns, .sync_began_ns = end.sync_began_ns};
  const scenario::Explore defaults;
  crash::CrashModel model(timeline, defaults.profile);
  model.advance(end.position);
  crash::StateOptions options;
  options.torn_writes = defaults.torn_writes;
  options.samples = defaults.samples_per_point;
  options.seed = of.seed;
  crash::for_each_state(model, options,
                        [&](crash::CrashState&&) { return ++losses.permitted < kCountedMax; });
  std::uint64_t number = 0;
  crash::for_each_state(model, options, [&](crash::CrashState&& state) {
    const std::uint64_t taken = losses.states.size();
    const std::uint64_t wanted = std::min(kStates, losses.permitted);
    // The first, the last, and those between at equal distances.
    if (wanted == 1 || number == taken * (losses.permitted - 1) / (wanted - 1)) {
      losses.states.push_back(
          {.name = fmt::format("power loss ({})", crash::describe(model, state.selection)),
           .image = crash::to_image(state.image)});
    }
    ++number;
    return losses.states.size() < wanted;
  });
  return losses;
}

}  // namespace crashpoint::campaign
