#include "harness/campaign/case_bundles.h"

#include <fmt/format.h>

#include <algorithm>
#include <exception>
#include <utility>

#include "harness/base/text.h"
#include "harness/base/version.h"

namespace crashpoint::campaign {

namespace fs = std::filesystem;

void CaseBundles::add(report::Bundle bundle) {
  const auto is_known = [](const report::Bundle& other) {
    return !other.result.verdict.known.empty();
  };
  const auto before = is_known(bundle) ? bundles_.end() : std::ranges::find_if(bundles_, is_known);
  bundles_.insert(before, std::move(bundle));
}

void CaseBundles::write(report::CaseResult& result) {
  for (std::size_t i = 0; i < bundles_.size(); ++i) {
    write(bundles_[i], i + 1, result);
  }
}

void CaseBundles::write(report::Bundle& bundle, std::size_t number,
                        report::CaseResult& result) const {
  oracle::Verdict verdict = std::move(bundle.result.verdict);
  bundle.result = result;
  bundle.result.verdict = std::move(verdict);
  const std::string which = number == 1 ? "" : fmt::format("-{}", number);
  const std::string name = report::bundle_name(result) + which;
  const fs::path folder = folder_ / name;
  try {
    fs::create_directories(folder_);
    fs::remove_all(folder);  // of an earlier run with the same report folder
    report::write_bundle(bundle, folder);
  } catch (const std::exception& error) {
    result.notes.push_back(fmt::format("the bundle could not be kept: {}", error.what()));
    return;
  }
  result.artifacts["bundle" + which] = (folder_.filename() / name).string();
  if (number == 1) {
    result.reproduce = "crashpoint reproduce " + shell_quote(folder.string());
  }
}

report::Bundle bundle_of(const recovery::RecoveryPlan& plan, const workload::History& history,
                         const target::State& base) {
  const recovery::Program& program = plan.program;
  return {.result = {},
          .version = std::string(version()),
          .target = program.version.empty() ? program.use : program.use + " " + program.version,
          .scenario = plan.of.stand_alone,
          .crash_state = {},
          .guarantee = plan.guarantee,
          .crash = {},
          .history = history,
          .base = base,
          .dumps = {},
          .image = {},
          .path = {},
          .recovery_log = {}};
}

}  // namespace crashpoint::campaign
