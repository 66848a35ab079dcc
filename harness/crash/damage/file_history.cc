#include "harness/crash/damage/file_history.h"

#include <fmt/format.h>

#include <algorithm>
#include <memory>
#include <optional>
#include <vector>

#include "harness/base/error.h"
#include "harness/base/text.h"
#include "harness/crash/model.h"

namespace crashpoint::crash {
namespace {

using trace::Event;
using trace::Op;

const trace::Trace& trace_of(const RunContext& run, std::string_view path, const char* what) {
  if (run.trace == nullptr) {
    throw UsageError(fmt::format("damage: {} of {} needs a recorded run", what, path));
  }
  return *run.trace;
}

bool had_returned(const Event& event, const RunContext& run) {
  return event.exit != trace::kNever && event.exit < run.crash && event.performed >= 0 &&
         !event.not_performed;
}

// Whether the event replaces the content of `path` as a whole, or makes what it holds durable.
bool makes_version(const Event& event, std::string_view path) {
  const bool here = event.path == path;
  const bool arrives = event.path2 == path;
  return (here && (event.op == Op::kFsync || event.op == Op::kFdatasync || event.synced_write ||
                   event.op == Op::kUnlink || event.op == Op::kRename)) ||
         (arrives && (event.op == Op::kRename || event.op == Op::kLink));
}

// The distinct contents one after another, the last one last.
std::vector<SharedContent> versions(const RunContext& run, std::string_view path) {
  // Borrowed for as long as this takes.
  const std::shared_ptr<const trace::Trace> trace(run.trace, [](const trace::Trace*) {});
  CrashModel model(std::make_shared<const Timeline>(trace), *find_profile("process-kill"));
  std::vector<SharedContent> found;
  const auto look = [&](trace::Position point) {
    model.advance(point);
    const CrashImage image = model.image(model.only_durable());
    const CrashImage::Entry* const entry = image.find(path);
    if (entry != nullptr && entry->kind == CrashImage::Kind::kFile &&
        (found.empty() || found.back()->digest != entry->content->digest)) {
      found.push_back(entry->content);
    }
  };
  look(0);
  for (const Event& event : run.trace->events) {
    if (had_returned(event, run) && makes_version(event, path)) {
      if (event.op == Op::kRename || event.op == Op::kUnlink || event.op == Op::kLink) {
        look(std::max(event.enter, model.point()));
      }
      look(std::max(event.exit + 1, model.point()));
    }
  }
  return found;
}

}  // namespace

std::string earlier_version(const RunContext& run, std::string_view path, std::string_view content,
                            std::uint64_t back) {
  (void)trace_of(run, path, "an earlier version");
  std::vector<SharedContent> all = versions(run, path);
  if (!all.empty() && all.back()->bytes == content) {
    all.pop_back();
  }
  if (back == 0 || back > all.size()) {
    throw UsageError(fmt::format("damage: {} has {} to go back to, not {}", path,
                                 counted(all.size(), "earlier version"), back));
  }
  return all[all.size() - back]->bytes;
}

std::optional<Extent> last_commands(const RunContext& run, std::string_view path,
                                    std::uint64_t count) {
  const trace::Trace& trace = trace_of(run, path, "the size of the last commands");
  if (run.acked.empty() || count == 0) {
    return std::nullopt;
  }
  const trace::Position last_acked = run.command_in_flight ? trace::kNever : run.acked.back();
  const trace::Position first_acked =
      run.acked[run.acked.size() - std::min<std::uint64_t>(count, run.acked.size())];
  // The file is the one last written under this name: it may have had another before.
  trace::FileId file = 0;
  for (const Event& event : trace.events) {
    if (event.op == Op::kWrite && event.path == path && had_returned(event, run)) {
      file = event.file;
    }
  }
  std::optional<std::int64_t> begin;
  std::int64_t end = 0;
  for (const Event& event : trace.events) {
    const bool is_ours = file != 0 ? event.file == file : event.path == path;
    if (event.op != Op::kWrite || !is_ours || !had_returned(event, run)) {
      continue;
    }
    if (event.exit < last_acked) {
      end = std::max(end, event.offset + event.performed);
    }
    if (event.exit < first_acked || !begin) {  // or nothing had been written before that reply
      begin = event.offset;
    }
  }
  if (!begin || *begin >= end) {
    return std::nullopt;
  }
  return Extent{static_cast<std::uint64_t>(*begin), static_cast<std::uint64_t>(end)};
}

}  // namespace crashpoint::crash
