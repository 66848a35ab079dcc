// The dumps that a recovered state is held against: what the program's dump command prints of the directory before
// the run and after each acknowledgement.
//
// Each is taken of the directory as the recorded calls make it, laid out as crash states are, so that nothing but its
// content can make a difference (times of files, for one). After a step that ended, it must also be what two further
// runs of the steps show: a dump that differs from run to run can judge nothing.
#pragma once

#include <cstddef>
#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "harness/campaign/program_run.h"
#include "harness/crash/image/image.h"
#include "harness/crash/image/lay_out.h"
#include "harness/crash/timeline.h"
#include "harness/oracle/dump/dump_judge.h"
#include "harness/recovery/command_recoverer.h"
#include "harness/scenario/scenario.h"

namespace crashpoint::campaign {

// Takes dumps of directories in memory.
class DumpTaker {
 public:
  // Works in `folder`; the rest as CommandRecoverer.
  DumpTaker(const scenario::Case& of, const std::filesystem::path& folder,
            recovery::FixedPath* fixed_path = nullptr);

  // Throws UsageError where the dump fails: `when` says on which directory.
  [[nodiscard]] std::string take(const crash::CrashImage& image, const std::string& when);

  // Recovers it as a crash state is recovered. Throws UsageError unless that succeeds and prints `dump` again: what goes
  // wrong without a crash says nothing of one.
  void require_recovery(const crash::CrashImage& image, const std::string& dump,
                        const std::string& when);

  // Where directories are laid out.
  [[nodiscard]] std::filesystem::path directory() const { return layout_.directory(); }

 private:
  recovery::CommandRecoverer recoverer_;
  crash::Layout layout_;
};

struct ExpectedDumps {
  std::vector<std::string> dumps;         // [0] before the run, [i] after the i-th acknowledgement
  std::vector<crash::CrashImage> images;  // of which they were taken
  std::vector<oracle::DumpHistory::Passing> passing;
};

// What the calls in the trace make of the directory by each of these positions, if the machine lives on.
[[nodiscard]] std::vector<crash::CrashImage> images_at(
    const std::shared_ptr<const crash::Timeline>& timeline,
    const std::vector<trace::Position>& positions);

// Throws UsageError where a dump fails.
[[nodiscard]] ExpectedDumps expected_dumps(const scenario::Case& of, const ProgramRun& run,
                                           const std::shared_ptr<const crash::Timeline>& timeline,
                                           DumpTaker& taker);

// Runs the steps again in `data`, which holds what `initial` does, and takes the dumps before them and after each.
// Throws UsageError where a step or a dump fails that did not when it was recorded.
[[nodiscard]] std::vector<crash::CrashImage> run_again(const scenario::Case& of,
                                                       const trace::Image& initial,
                                                       const std::filesystem::path& data,
                                                       const std::filesystem::path& folder,
                                                       const std::function<bool()>& go_on);

// Throws UsageError where two dumps that must be the same are not, and names the lines.
void require_same_dump(const std::string& first, const std::string& second,
                       const std::string& when);

// Why the acknowledgements of a run cannot be told apart by its dumps; empty: they can. What it says of lines makes
// every verdict worthless; `only_passes`: it is of steps, and a violation is one all the same.
struct BlindSpot {
  std::string why;
  bool only_passes = false;
};
[[nodiscard]] BlindSpot blind_spot(const scenario::Case& of, const ProgramRun& run,
                                   const ExpectedDumps& expected);

}  // namespace crashpoint::campaign
