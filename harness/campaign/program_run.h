// A workload of commands, recorded: the steps of a scenario run one after another in one process tree, and what
// each of them acknowledged.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <string>
#include <vector>

#include "harness/fault/fault.h"
#include "harness/oracle/dump/dump_judge.h"
#include "harness/ptrace/tracer.h"
#include "harness/recovery/command.h"
#include "harness/scenario/scenario.h"
#include "harness/trace/trace.h"

namespace crashpoint::campaign {

// An acknowledgement, and what it is of.
struct StepAck {
  oracle::Acknowledgement ack;
  std::size_t step = 0;  // of the scenario, from 0
  bool by_line = false;  // else by the end of the step
  bool syncs =
      false;  // a line that says that all before it survives, and may change nothing itself
};

struct ProgramRun {
  trace::Trace trace;
  std::vector<StepAck> acks;  // in order
  std::int64_t began_ns = 0;
  double ms = 0;
  std::string trouble;          // why a step did not end well; empty: all did
  std::size_t failed_step = 0;  // where there is trouble
  std::vector<fault::FaultReport> faults;
  bool left_running = false;
};

// Runs the commands of the setup in `data`, unrecorded. Throws UsageError where one fails.
void run_setup(const scenario::Case& of, const std::filesystem::path& data,
               const std::filesystem::path& folder, const std::function<bool()>& go_on);

// Runs all steps in `data`, recorded, with the faults of the case in force. The steps end at the first that fails.
[[nodiscard]] ProgramRun record_steps(const scenario::Case& of, const std::filesystem::path& data,
                                      const std::filesystem::path& folder,
                                      const std::function<bool()>& go_on);

// Runs one step in `data`, unrecorded. Why it did not end well; empty: it did.
[[nodiscard]] std::string run_step(const scenario::Case& of, std::size_t step,
                                   const std::filesystem::path& data,
                                   const std::filesystem::path& folder,
                                   const std::function<bool()>& go_on);

// The acknowledgements in a trace of the steps: of each that ended with status 0, and of the lines that its scenario
// names.
[[nodiscard]] std::vector<StepAck> acks_of(const scenario::Case& of, const trace::Trace& trace);

}  // namespace crashpoint::campaign
