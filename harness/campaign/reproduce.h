// Recovers the crash state of a bundle again and judges what comes back.
#pragma once

#include <filesystem>
#include <string>

#include "harness/report/bundle.h"
#include "harness/report/result.h"

namespace crashpoint::campaign {

struct Reproduction {
  report::CaseResult result;  // the bundle's case, with what was found now
  std::string target;         // with its version, as found here
  std::string log;            // of the recovering target
  // Whether it was another target than the bundle's, and used no file of the crash state: then what it
  // came back with says nothing, and the verdict is inconclusive.
  bool used_no_file = false;
};

// `folder` is for this alone and must exist; it holds the recovered directory ("data") on return.
// `target` (may be empty) is recovered with instead of the bundle's own. The first check that failed
// in the bundle decides the verdict if it fails again. Throws UsageError (a target that is missing,
// a scenario this version does not read), EnvironmentError.
Reproduction reproduce(const report::Bundle& bundle, const std::string& target,
                       const std::filesystem::path& folder);

}  // namespace crashpoint::campaign
