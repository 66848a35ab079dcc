// What a target promises in the run of a case, whose workload may change its configuration.
#pragma once

#include <cstddef>
#include <optional>

#include "harness/oracle/derive_guarantee.h"
#include "harness/scenario/scenario.h"

namespace crashpoint::scenario {

// That of the configuration that promises least of those in force before the crash: the one of the case, with
// which the target is started again, and each that CONFIG SET makes of it. `crashed_in`: in which step of the
// workload the crash came; nothing: it may come at any time.
[[nodiscard]] oracle::DerivedGuarantee promise_of(const Case& of, oracle::CrashKind crash,
                                                  oracle::EverysecLoss everysec,
                                                  std::optional<std::size_t> crashed_in);

}  // namespace crashpoint::scenario
