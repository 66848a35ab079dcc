// The accounts of an exploration in words and counts, for verdicts and reports.
#pragma once

#include <string>

#include "harness/explore/explore.h"
#include "harness/oracle/verdict.h"
#include "harness/report/result.h"

namespace crashpoint::explore {

// "process kill", "power loss"
[[nodiscard]] std::string name_of(oracle::CrashKind kind);

[[nodiscard]] report::StateCounts counts_of(const StateAccount& account);

// Of a kind of crash without findings: a pass that says what was tried, or inconclusive where something could not be
// judged. `promise` in words.
[[nodiscard]] oracle::Verdict verdict_of(const StateAccount& account, const std::string& promise,
                                         const std::string& why_inconclusive);

// That an exploration was interrupted: inconclusive.
[[nodiscard]] oracle::Verdict interrupted(const Exploration& exploration);

// A finding about files of which the trace may be wrong may be none.
void doubt_violation(oracle::Verdict& verdict, const std::string& doubt);

// A pass of states that may not be those of the run is none. `doubt`: Doubt::words.
void doubt_pass(oracle::Verdict& verdict, const std::string& doubt);

}  // namespace crashpoint::explore
