#include "harness/campaign/crash_directories.h"

#include <fmt/format.h>

#include <algorithm>
#include <memory>
#include <vector>

#include "harness/base/error.h"
#include "harness/crash/damage.h"
#include "harness/crash/image.h"
#include "harness/crash/model.h"
#include "harness/crash/profile.h"
#include "harness/crash/states.h"
#include "harness/crash/timeline.h"

namespace crashpoint::campaign {
namespace {

// The rules a power loss follows unless a scenario explores: whatever any file system might do.
constexpr const char* kPowerLossProfile = "weakest";

std::vector<trace::Position> acked_positions(const workload::History& history,
                                             trace::Position end) {
  std::vector<trace::Position> acked;
  for (const workload::Operation& operation : history.operations) {
    if (operation.is_acked()) {
      // A reply can be read before its send is seen to return; the kill may come in between.
      acked.push_back(std::min(operation.acked, end));
    }
  }
  std::sort(acked.begin(), acked.end());
  return acked;
}

void for_each_power_loss_state(const trace::Trace& trace, std::uint64_t seed,
                               const VisitDirectory& visit) {
  // Borrowed: the trace outlives the model.
  const std::shared_ptr<const trace::Trace> borrowed(std::shared_ptr<void>(), &trace);
  crash::CrashModel model(std::make_shared<crash::Timeline>(borrowed),
                          *crash::find_profile(kPowerLossProfile));
  model.advance(trace.end);
  crash::StateOptions options;
  options.seed = seed;
  std::size_t number = 0;
  crash::for_each_state(model, options, [&](const crash::CrashState& state) {
    visit(fmt::format("crash state {} ({})", ++number, crash::to_string(state.phase)),
          crash::to_image(state.image));
    return true;
  });
}

}  // namespace

void for_each_crash_directory(const scenario::Case& scenario, const trace::Trace& trace,
                              const workload::History& history, const std::filesystem::path& data,
                              const VisitDirectory& visit) {
  const std::vector<trace::Position> acked = acked_positions(history, trace.end);
  const crash::RunContext run{&trace, trace::kNever, acked};
  const VisitDirectory visit_damaged = [&](const std::string& name, const trace::Image& image) {
    for (const crash::DamageCase& damage : crash::expand(scenario.damage, image, run)) {
      trace::Image damaged = image;
      crash::apply(damage, damaged, scenario.seed, run);
      visit(name + (name.empty() || damage.name.empty() ? "" : ", ") + damage.name, damaged);
    }
  };
  if (scenario.crash.kind == oracle::CrashKind::kPowerLoss) {
    for_each_power_loss_state(trace, scenario.seed, visit_damaged);
  } else {
    visit_damaged("", crash::read_directory(data));
  }
}

}  // namespace crashpoint::campaign
