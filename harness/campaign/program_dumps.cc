#include "harness/campaign/program_dumps.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <set>
#include <utility>

#include "harness/base/error.h"
#include "harness/base/text.h"
#include "harness/campaign/volatile_files.h"
#include "harness/crash/model.h"
#include "harness/crash/points.h"
#include "harness/oracle/dump/text_diff.h"

namespace crashpoint::campaign {
namespace {

namespace fs = std::filesystem;

std::string name_of(const StepAck& ack) {
  return ack.by_line ? "after " + ack.ack.what
                     : fmt::format("after step {} ({})", ack.step + 1, ack.ack.what);
}

// Inside steps that need not be atomic: what a kill may leave at any of their crash points.
std::vector<oracle::DumpHistory::Passing> passing_dumps(
    const scenario::Case& of, const ProgramRun& run,
    const std::shared_ptr<const crash::Timeline>& timeline, DumpTaker& taker) {
  const std::vector<scenario::RunStep>& steps = of.program->steps;
  if (std::all_of(steps.begin(), steps.end(), [](const auto& step) { return step.atomic; })) {
    return {};
  }
  std::vector<trace::Position> positions;
  std::vector<std::size_t> acked;
  for (const crash::CrashPoint& point : crash::crash_points(run.trace)) {
    const auto next = std::find_if(run.acks.begin(), run.acks.end(), [&](const StepAck& ack) {
      return ack.ack.position >= point.position;
    });
    if (next != run.acks.end() && !steps[next->step].atomic) {
      positions.push_back(point.position);
      acked.push_back(static_cast<std::size_t>(next - run.acks.begin()));
    }
  }
  const std::vector<crash::CrashImage> images = images_at(timeline, positions);
  std::vector<oracle::DumpHistory::Passing> passing;
  std::set<crash::Digest> seen;
  for (std::size_t i = 0; i < images.size(); ++i) {
    if (seen.insert(images[i].digest()).second) {
      passing.push_back({taker.take(images[i], "inside a step that is not atomic"), acked[i]});
    }
  }
  return passing;
}

}  // namespace

DumpTaker::DumpTaker(const scenario::Case& of, const fs::path& folder,
                     recovery::FixedPath* fixed_path)
    : recoverer_(of, folder / "recoverer", fixed_path),
      layout_(folder / "data", /*keep_unchanged=*/false) {}

std::string DumpTaker::take(const crash::CrashImage& image, const std::string& when) {
  layout_.lay_out(image);
  recovery::CommandRecoverer::Dump dump = recoverer_.dump(layout_.directory());
  if (!dump.succeeded) {
    throw UsageError(
        fmt::format("without any crash, {}: {}. The dump must succeed on every state "
                    "of the run, the first included",
                    when, dump.trouble));
  }
  return std::move(dump.text);
}

void DumpTaker::require_recovery(const crash::CrashImage& image, const std::string& dump,
                                 const std::string& when) {
  layout_.lay_out(image);
  const recovery::Recovered recovered = recoverer_.recover(layout_.directory());
  std::string trouble = recovered.trouble;
  for (const oracle::Verdict& check : recovered.checks) {
    if (check.outcome == oracle::Outcome::kViolation && trouble.empty()) {
      trouble = check.nearest.empty() ? check.summary : check.summary + "\n" + check.nearest;
    }
  }
  if (trouble.empty() && recovered.dump != dump) {
    trouble = "the recovery commands change what the dump prints:\n" +
              oracle::text_diff(dump, recovered.dump);
  }
  if (!trouble.empty()) {
    throw UsageError(fmt::format("without any crash, {}: {}", when, trouble));
  }
}

std::vector<crash::CrashImage> images_at(const std::shared_ptr<const crash::Timeline>& timeline,
                                         const std::vector<trace::Position>& positions) {
  crash::CrashModel model(timeline, *crash::find_profile("process-kill"));
  std::vector<crash::CrashImage> images;
  for (const trace::Position position : positions) {
    model.advance(position);
    images.push_back(model.image(model.only_durable()));
  }
  return images;
}

ExpectedDumps expected_dumps(const scenario::Case& of, const ProgramRun& run,
                             const std::shared_ptr<const crash::Timeline>& timeline,
                             DumpTaker& taker) {
  std::vector<trace::Position> positions = {0};
  for (const StepAck& ack : run.acks) {
    positions.push_back(ack.ack.position + 1);
  }
  ExpectedDumps expected;
  expected.images = images_at(timeline, positions);
  expected.dumps.push_back(taker.take(expected.images[0], "before the first step"));
  for (std::size_t i = 0; i < run.acks.size(); ++i) {
    expected.dumps.push_back(taker.take(expected.images[i + 1], name_of(run.acks[i])));
  }
  expected.passing = passing_dumps(of, run, timeline, taker);
  return expected;
}

std::vector<crash::CrashImage> run_again(const scenario::Case& of, const trace::Image& initial,
                                         const fs::path& data, const fs::path& folder,
                                         const std::function<bool()>& go_on) {
  const auto image = [&] {
    trace::Image found = crash::read_directory(data);
    leave_out_volatile(found, of.program->volatile_files);
    return crash::share(found);
  };
  crash::lay_out(initial, data);
  std::vector<crash::CrashImage> images = {image()};
  for (std::size_t step = 0; step < of.program->steps.size(); ++step) {
    const std::string trouble = run_step(of, step, data, folder, go_on);
    if (!trouble.empty()) {
      throw UsageError(
          fmt::format("{}, although it ended with status 0 when it was recorded", trouble));
    }
    images.push_back(image());
  }
  return images;
}

void require_same_dump(const std::string& first, const std::string& second,
                       const std::string& when) {
  if (first == second) {
    return;
  }
  constexpr std::size_t kNumbers = 8;
  std::vector<std::size_t> lines = oracle::differing_lines(first, second);
  const std::size_t count = lines.size();
  lines.resize(std::min(count, kNumbers));
  throw UsageError(
      fmt::format("the dump {} differs from run to run in {} {}{}: it prints a time, a random name "
                  "or the like, "
                  "so it can judge nothing. Leave that out of the dump, or make the commands print "
                  "the same each "
                  "time. One run, and another:\n{}",
                  when, count == 1 ? "line" : "lines", fmt::join(lines, ", "),
                  count > kNumbers ? fmt::format(" and {} more", count - kNumbers) : "",
                  oracle::text_diff(first, second, {.lines = 8, .line_bytes = 120, .context = 0})));
}

BlindSpot blind_spot(const scenario::Case& of, const ProgramRun& run,
                     const ExpectedDumps& expected) {
  const auto unchanged = [&](std::size_t i) { return expected.dumps[i] == expected.dumps[i + 1]; };
  for (std::size_t i = 0; i + 1 < run.acks.size(); ++i) {
    const StepAck& ack = run.acks[i];
    const StepAck& next = run.acks[i + 1];
    if (ack.by_line && next.by_line && !next.syncs && ack.ack.position == next.ack.position) {
      return {fmt::format(
          "{} and {} were printed by one write, so the states between them are not known: make the "
          "program flush its output after each (stdbuf -oL does for many)",
          ack.ack.what, next.ack.what)};
    }
  }
  for (std::size_t i = 0; i < run.acks.size(); ++i) {
    if (run.acks[i].by_line && !run.acks[i].syncs && unchanged(i) &&
        !of.program->steps[run.acks[i].step].may_change_nothing) {
      return {
          fmt::format("{} acknowledged something that the dump does not show: it prints the same "
                      "as before, so a "
                      "loss could not be seen. If it prints all of the state, the program "
                      "acknowledged what it had "
                      "not even written yet, which a process kill loses already",
                      run.acks[i].ack.what)};
    }
  }
  if (!run.acks.empty() &&
      std::ranges::none_of(run.acks, [](const StepAck& ack) { return ack.ack.promises; })) {
    return {.why = "no line of \"synced\" was printed, so nothing was promised to survive",
            .only_passes = true};
  }
  if (run.acks.empty() && run.trouble.empty()) {
    return {"nothing was acknowledged, so there is nothing to lose"};
  }
  for (std::size_t i = 0; i < run.acks.size(); ++i) {
    const bool last_of_lines = i > 0 && run.acks[i - 1].step == run.acks[i].step;
    if (!run.acks[i].by_line && !last_of_lines && unchanged(i) &&
        !of.program->steps[run.acks[i].step].may_change_nothing) {
      return {.why = fmt::format("the dump prints the same before and after step {} ({}), so a "
                                 "loss could not be seen: "
                                 "make the dump print what the step changes",
                                 run.acks[i].step + 1, run.acks[i].ack.what),
              .only_passes = true};
    }
  }
  return {};
}

}  // namespace crashpoint::campaign
