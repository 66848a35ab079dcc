#include "harness/crash/words.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <string_view>
#include <utility>
#include <vector>

#include "harness/base/text.h"

namespace crashpoint::crash {
namespace {

using trace::Event;
using trace::Op;

constexpr std::size_t kListedMax = 6;

// One or more of the same kind, as they are counted together.
struct Item {
  std::string kind;  // "write to a.aof"; empty: never counted together
  std::string text;
  std::size_t count = 1;
};

std::string list(std::vector<Item> items) {
  std::vector<Item> merged;
  for (Item& item : items) {
    if (!merged.empty() && !item.kind.empty() && merged.back().kind == item.kind) {
      ++merged.back().count;
    } else {
      merged.push_back(std::move(item));
    }
  }
  std::vector<std::string> texts;
  for (const Item& item : merged) {
    if (texts.size() == kListedMax && merged.size() > kListedMax + 1) {
      texts.push_back(fmt::format("and {} more", merged.size() - kListedMax));
      break;
    }
    texts.push_back(item.count == 1 ? item.text
                                    : fmt::format("{} calls in a row: {}", item.count, item.kind));
  }
  return fmt::format("{}", fmt::join(texts, "; "));
}

std::string kind_of(const Event& event) {
  const bool counted_together = event.op == Op::kWrite || event.op == Op::kCopy;
  return counted_together ? fmt::format("write to {}", event.path.str()) : std::string();
}

std::string_view text_of(Tear::Rest rest) {
  switch (rest) {
    case Tear::Rest::kCut:
      return "nothing in place of the others";
    case Tear::Rest::kZeros:
      return "zeros in place of the others";
    case Tear::Rest::kGarbage:
      return "garbage in place of the others";
    case Tear::Rest::kStale:
      return "earlier bytes of the file in place of the others";
    case Tear::Rest::kBlock:
      return "zeros in place of the others and up to the end of the block";
  }
  return "";
}

// What became of the nodes of one call.
struct Fate {
  std::uint32_t call = 0;
  std::vector<std::size_t> lost;
  std::vector<std::size_t> kept;
  std::vector<std::size_t> filled;  // with garbage or stale bytes
};

std::vector<Fate> fates(const CrashModel& model, const Selection& selection) {
  std::vector<Fate> fates;
  for (std::size_t i = 0; i < model.nodes().size(); ++i) {
    const Node& node = model.nodes()[i];
    if (node.durable) {
      continue;
    }
    if (fates.empty() || fates.back().call != node.call) {
      fates.push_back({node.call, {}, {}, {}});
    }
    switch (selection.choices[i]) {
      case Choice::kAbsent:
        fates.back().lost.push_back(i);
        break;
      case Choice::kPresent:
        fates.back().kept.push_back(i);
        break;
      case Choice::kGarbage:
      case Choice::kStale:
        fates.back().filled.push_back(i);
        break;
    }
  }
  return fates;
}

Item item_for(const CrashModel& model, std::uint32_t call_index) {
  const Timeline& timeline = model.timeline();
  const Call& call = timeline.calls()[call_index];
  const bool in_flight = call.exit >= model.point();
  return {in_flight ? std::string() : kind_of(timeline.event_of(call)),
          name_of(timeline, call) + (in_flight ? " (in flight)" : "")};
}

}  // namespace

std::string name_of(const Timeline& timeline, const Call& call) {
  const Event& event = timeline.event_of(call);
  const std::string& path = event.path.str();
  const std::string& path2 = event.path2.str();
  if (event.op == Op::kOpen) {
    return event.truncated ? fmt::format("truncation of {} to 0 bytes", path)
                           : fmt::format("creation of {}", path);
  }
  if (event.op == Op::kWrite || event.op == Op::kCopy) {
    return fmt::format("write of {} at {} to {}", counted(event.data.size, "byte"), event.offset,
                       path);
  }
  if (event.op == Op::kTruncate) {
    return fmt::format("truncation of {} to {}", path,
                       counted(static_cast<std::uint64_t>(event.length), "byte"));
  }
  if (event.op == Op::kRename) {
    return fmt::format("rename of {} to {}", path, path2);
  }
  if (event.op == Op::kLink) {
    return fmt::format("link of {} as {}", path, path2);
  }
  if (event.op == Op::kSymlink) {
    return fmt::format("symlink {} to {}", path2, path);
  }
  return path.empty() ? event.syscall.str() : fmt::format("{} of {}", event.syscall.str(), path);
}

std::string name_of(const Timeline& timeline, const Node& node) {
  const Call& call = timeline.calls()[node.call];
  const std::string whole = name_of(timeline, call);
  if (node.op_count == call.op_count) {
    return whole;
  }
  const MicroOp& op = timeline.ops()[telling_op(node)];
  switch (op.kind) {
    case MicroKind::kGrow:
      return fmt::format("{} of the {}", (node.classes & kDataOps) != 0 ? "a part" : "the new size",
                         whole);
    case MicroKind::kCutTail:
      return fmt::format("the zeros behind the new end of the {}", whole);
    case MicroKind::kData:
      return fmt::format("the bytes at {} of the {}", op.offset, whole);
    case MicroKind::kCreateEntry:
      return fmt::format("the new entry {} of the {}", op.name.str(), whole);
    case MicroKind::kDeleteEntry:
      return fmt::format("the removal of entry {} of the {}", op.name.str(), whole);
    case MicroKind::kResize:
    case MicroKind::kZero:
    case MicroKind::kCollapse:
    case MicroKind::kInsert:
      break;
  }
  return fmt::format("a part of the {}", whole);
}

std::string describe_point(const Timeline& timeline, trace::Position point) {
  const auto& steps = timeline.steps();
  const auto after = std::lower_bound(
      steps.begin(), steps.end(), point,
      [](const Timeline::Step& step, trace::Position wanted) { return step.position < wanted; });
  if (after == steps.begin()) {
    return "before the first change";
  }
  const Timeline::Step& last = *std::prev(after);
  return fmt::format("{} {}", last.returns ? "after" : "during",
                     name_of(timeline, timeline.calls()[last.call]));
}

std::string describe_tear(const Timeline& timeline, const Tear& tear) {
  const std::string write = name_of(timeline, timeline.calls()[tear.call]);
  if (tear.from == tear.to) {
    return fmt::format("torn: of {} no byte came, {}", write, text_of(tear.rest));
  }
  return fmt::format("torn: of {} only bytes {} to {} came, {}", write, tear.from, tear.to,
                     text_of(tear.rest));
}

std::string describe(const CrashModel& model, const Selection& selection) {
  std::vector<Item> lost;
  std::vector<Item> kept;
  std::vector<Item> parts;
  for (const Fate& fate : fates(model, selection)) {
    if (fate.kept.empty() && fate.filled.empty()) {
      lost.push_back(item_for(model, fate.call));
    } else if (fate.lost.empty() && fate.filled.empty()) {
      kept.push_back(item_for(model, fate.call));
    } else {
      for (const std::size_t node : fate.lost) {
        parts.push_back({{}, name_of(model.timeline(), model.nodes()[node])});
      }
      for (const std::size_t node : fate.filled) {
        const bool stale = selection.choices[node] == Choice::kStale;
        parts.push_back({{},
                         fmt::format("{} (and {} in their place)",
                                     name_of(model.timeline(), model.nodes()[node]),
                                     stale ? "earlier bytes of the file" : "garbage")});
      }
    }
  }
  std::vector<std::string> sentences;
  if (lost.empty() && parts.empty()) {
    sentences.emplace_back("every operation applied");
  } else if (kept.empty() && parts.empty()) {
    sentences.push_back(fmt::format("nothing kept but what is durable; lost: {}", list(lost)));
  } else if (!kept.empty() && kept.size() < lost.size()) {
    std::string only =
        fmt::format("of {} kept only: {}",
                    counted(lost.size() + kept.size(), "un-synced operation"), list(kept));
    sentences.push_back(std::move(only));
  } else if (!lost.empty()) {
    sentences.push_back(fmt::format("lost: {}", list(lost)));
  }
  if (!parts.empty()) {
    sentences.push_back(fmt::format("lost in part: {}", list(parts)));
  }
  if (selection.tear) {
    sentences.push_back(describe_tear(model.timeline(), *selection.tear));
  }
  return fmt::format("{}", fmt::join(sentences, "; "));
}

}  // namespace crashpoint::crash
