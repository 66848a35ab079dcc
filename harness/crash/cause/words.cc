#include "harness/crash/cause/words.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <map>
#include <optional>
#include <set>
#include <string_view>
#include <utility>
#include <vector>

#include "harness/base/text.h"

namespace crashpoint::crash {
namespace {

using trace::Event;
using trace::Op;
using Nodes = std::vector<NodeIndex>;

constexpr std::size_t kListedMax = 6;

// One or more of the same kind, which are counted together.
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

std::string_view text_of(Choice filling) {
  return filling == Choice::kStale ? "earlier bytes of the file" : "garbage";
}

// What became of the nodes of one call.
struct Fate {
  CallIndex call = {};
  Nodes lost;
  Nodes kept;
  Nodes filled;  // with garbage or stale bytes
};

std::vector<Fate> fates(const CrashModel& model, const Selection& selection) {
  std::vector<Fate> fates;
  for (const NodeIndex i : model.indices()) {
    const Node& node = model.node(i);
    if (node.durable) {
      continue;
    }
    if (fates.empty() || fates.back().call != node.call) {
      fates.push_back({node.call, {}, {}, {}});
    }
    switch (selection[i]) {
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

Item item_for(const CrashModel& model, CallIndex index) {
  const Timeline& timeline = model.timeline();
  const Call& call = timeline.call(index);
  const bool in_flight = call.exit >= model.point();
  return {in_flight ? std::string() : kind_of(timeline.event_of(call)),
          name_of(timeline, call) + (in_flight ? " (in flight)" : "")};
}

std::vector<std::string> names_of(const CrashModel& model, const Nodes& nodes) {
  const Timeline& timeline = model.timeline();
  std::vector<std::string> names;
  std::string last_write_to;
  std::size_t writes = 0;
  const auto count_writes = [&] {
    if (writes > 1) {
      names.back() = fmt::format("{} writes to {}", writes, last_write_to);
    }
    writes = 0;
  };
  for (std::size_t i = 0; i < nodes.size();) {
    const Node& node = model.node(nodes[i]);
    const Call& call = timeline.call(node.call);
    std::size_t end = i;
    std::uint32_t ops = 0;
    while (end < nodes.size() && model.node(nodes[end]).call == node.call) {
      ops += model.node(nodes[end++]).ops.count;
    }
    const Event& event = timeline.event_of(call);
    const bool whole = ops == call.ops.count;
    if (whole && event.op == Op::kWrite) {
      if (writes > 0 && last_write_to == event.path.str()) {
        ++writes;
        i = end;
        continue;
      }
      count_writes();
      writes = 1;
      last_write_to = event.path.str();
      names.push_back(name_of(timeline, call));
    } else {
      count_writes();
      for (; !whole && i + 1 < end; ++i) {
        names.push_back(name_of(timeline, model.node(nodes[i])));
      }
      names.push_back(whole ? name_of(timeline, call) : name_of(timeline, model.node(nodes[i])));
    }
    i = end;
  }
  count_writes();
  return names;
}

std::string directory_of(std::string_view path) {
  const std::size_t slash = path.rfind('/');
  return slash == std::string_view::npos ? "." : std::string(path.substr(0, slash));
}

// What would have had to be synced for the lost operations to be durable.
std::string unsynced(const CrashModel& model, const Nodes& lost) {
  const Timeline& timeline = model.timeline();
  std::set<std::string> files;
  std::set<std::string> directories;
  const CallIndex first_call = model.node(lost.front()).call;
  for (const NodeIndex index : lost) {
    const Node& node = model.node(index);
    const Event& event = timeline.event_of(timeline.call(node.call));
    for (const MicroOp& op : timeline.ops(node.ops)) {
      if (!op.is_entry()) {
        files.insert(event.path.str());
        continue;
      }
      const bool by_second = event.op == Op::kLink || event.op == Op::kSymlink ||
                             (event.op == Op::kRename && op.kind == MicroKind::kCreateEntry);
      directories.insert(directory_of(by_second ? event.path2.str() : event.path.str()));
    }
  }
  std::vector<std::string> parts;
  for (const std::string& file : files) {
    const auto is_range_sync = [&](const Event& event) {
      return event.op == Op::kSyncRange && event.path == file && event.exit < model.point() &&
             event.enter > timeline.call(first_call).enter;
    };
    const auto& events = timeline.trace().events;
    const bool range_synced = std::any_of(events.begin(), events.end(), is_range_sync);
    parts.push_back(fmt::format("{} was not synced{}", file,
                                range_synced ? " (sync_file_range makes nothing durable)" : ""));
  }
  for (const std::string& directory : directories) {
    parts.push_back(fmt::format("directory {} was not synced", directory));
  }
  return fmt::format("{}", fmt::join(parts, ", "));
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
  const Call& call = timeline.call(node.call);
  const std::string whole = name_of(timeline, call);
  if (node.ops.count == call.ops.count) {
    return whole;
  }
  const MicroOp& op = timeline.op(representative_op(node));
  switch (op.kind) {
    case MicroKind::kGrow:
      return fmt::format("{} of the {}", (node.classes & kDataOps) != 0 ? "a part" : "the new size",
                         whole);
    case MicroKind::kCutTail:
      return fmt::format("the zeros after the new end of the {}", whole);
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

std::string to_string(const Shape& shape) {
  const std::string call =
      shape.path2.empty()
          ? fmt::format("{} {}", shape.syscall.str(), shape.path.str())
          : fmt::format("{} {} {}", shape.syscall.str(), shape.path.str(), shape.path2.str());
  switch (shape.part) {
    case CallPart::kWhole:
      return call;
    case CallPart::kAppend:
      return "append: " + call;
    case CallPart::kSize:
      return "size: " + call;
    case CallPart::kBytes:
      return "bytes: " + call;
    case CallPart::kZeros:
      return "zeros: " + call;
    case CallPart::kEntry:
      return fmt::format("entry {}: {}", shape.entry.str(), call);
    case CallPart::kRemoval:
      return fmt::format("removal {}: {}", shape.entry.str(), call);
    case CallPart::kChange:
      return "change: " + call;
  }
  return call;
}

std::string to_string(const std::set<Shape>& shapes) {
  std::map<std::string, std::set<std::string>> parts;  // by call
  for (const Shape& shape : shapes) {
    Shape whole = shape;
    whole.part = CallPart::kWhole;
    const bool all = shape.part == CallPart::kWhole || shape.entry.empty();
    parts[to_string(whole)].insert(all ? to_string(whole) : to_string(shape));
  }
  std::set<std::string> texts;
  for (const auto& [call, of_call] : parts) {
    texts.insert(of_call.size() == 1 ? *of_call.begin() : call);
  }
  return texts.empty() ? "nothing lost" : fmt::format("{}", fmt::join(texts, " + "));
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
                     name_of(timeline, timeline.call(last.call)));
}

std::string describe_tear(const Timeline& timeline, const Tear& tear) {
  const std::string write = name_of(timeline, timeline.call(tear.call));
  if (tear.from == tear.to) {
    return fmt::format("torn: of {} no byte survived, {}", write, text_of(tear.rest));
  }
  return fmt::format("torn: of {} only bytes {} to {} survived, {}", write, tear.from, tear.to,
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
      for (const NodeIndex node : fate.lost) {
        parts.push_back({{}, name_of(model.timeline(), model.node(node))});
      }
      for (const NodeIndex node : fate.filled) {
        parts.push_back(
            {{},
             fmt::format("{} (and {} in their place)", name_of(model.timeline(), model.node(node)),
                         text_of(selection[node]))});
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

std::string describe_cause(const CrashModel& model, const Selection& least, const Nodes& kept) {
  Nodes lost;
  std::optional<Choice> filling;
  for (const NodeIndex i : model.indices()) {
    const Choice choice = least[i];
    if (choice != Choice::kPresent) {
      lost.push_back(i);
    }
    if (choice == Choice::kStale || (choice == Choice::kGarbage && !filling)) {
      filling = choice;
    }
  }
  if (lost.empty() && !least.tear) {
    return fmt::format("nothing needs to be lost: any crash {}",
                       describe_point(model.timeline(), model.point()));
  }
  std::vector<std::string> sentences;
  if (least.tear) {
    sentences.push_back(describe_tear(model.timeline(), *least.tear));
  }
  if (!lost.empty()) {
    const std::string what = fmt::format("{}", fmt::join(names_of(model, lost), ", "));
    const std::string instead =
        filling ? fmt::format("with {} in its place", text_of(*filling)) : "";
    const std::string syncs = unsynced(model, lost);
    if (kept.empty()) {
      sentences.push_back(fmt::format("{} lost{}: {}", what, filling ? ", " + instead : "", syncs));
    } else {
      sentences.push_back(fmt::format("{} survived, {} did not{}: {} in between",
                                      fmt::join(names_of(model, kept), ", "), what,
                                      filling ? " (" + instead + ")" : "", syncs));
    }
  }
  return fmt::format("{}", fmt::join(sentences, "; "));
}

}  // namespace crashpoint::crash
