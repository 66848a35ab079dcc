// Runs cases in parallel and collects their results.
#pragma once

#include <filesystem>
#include <functional>
#include <string>
#include <vector>

#include "harness/report/result.h"
#include "harness/scenario/scenario.h"

namespace crashpoint::campaign {

struct CampaignOptions {
  unsigned jobs = 1;
  std::string reproduce_options;  // what the printed command needs besides file, case and seed
  std::filesystem::path bundles;  // where the bundles of violations go; empty: none are made
  // Called once everything that the cases need is found, before anything is started.
  std::function<void()> begin = [] {};
  // Called in order of completion.
  std::function<void(const report::CaseResult&)> case_done = [](const report::CaseResult&) {};
  // Called about five times a second and after a signal; false stops the run (Ctrl-C).
  std::function<bool()> go_on = [] { return true; };
};

struct CampaignResult {
  std::vector<report::CaseResult> cases;  // in the order given, as far as the run came
  std::vector<std::string> targets;       // "engine 0.1.0"
  bool interrupted = false;
};

// What is known to be impossible is refused before anything is started: a program that is missing, a
// failpoint that the engine does not have (UsageError). Leaves no process and no file.
// Call it while the process has no other threads.
CampaignResult run_campaign(const std::vector<scenario::Case>& cases,
                            const CampaignOptions& options);

}  // namespace crashpoint::campaign
