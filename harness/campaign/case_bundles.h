// The bundles of a case: what reproduces each violation elsewhere.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "harness/recovery/recovery_checks.h"
#include "harness/report/bundle.h"
#include "harness/report/result.h"
#include "harness/target/state.h"
#include "harness/workload/history.h"

namespace crashpoint::campaign {

class CaseBundles {
 public:
  // `folder` gets a folder for each bundle; empty: no bundles are wanted.
  explicit CaseBundles(std::filesystem::path folder) : folder_(std::move(folder)) {}

  [[nodiscard]] bool wanted() const { return !folder_.empty(); }
  [[nodiscard]] bool empty() const { return bundles_.empty(); }

  // The first one added holds the verdict of the case; a new violation goes before all known ones.
  // `bundle.result` needs only the verdict.
  void add(report::Bundle bundle);

  // Writes all, each with the finished result of the case, and adds to `result` where they are and how to
  // reproduce the first. A bundle that cannot be written becomes a note.
  void write(report::CaseResult& result);

 private:
  void write(report::Bundle& bundle, std::size_t number, report::CaseResult& result) const;

  std::filesystem::path folder_;
  std::vector<report::Bundle> bundles_;
};

// A bundle of a run, without crash state, image and verdict. `base` is what the target held before.
[[nodiscard]] report::Bundle bundle_of(const recovery::RecoveryPlan& plan,
                                       const workload::History& history, const target::State& base);

}  // namespace crashpoint::campaign
