#include "harness/crash/cause.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cctype>
#include <utility>

#include "harness/crash/words.h"

namespace crashpoint::crash {
namespace {

using trace::Event;
using trace::Op;
using Nodes = std::vector<std::size_t>;

// temp-4711.rdb and temp-4712.rdb are the same file of two runs.
std::string without_numbers(std::string_view text) {
  std::string shape;
  for (const char c : text) {
    if (std::isdigit(static_cast<unsigned char>(c)) == 0) {
      shape += c;
    } else if (shape.empty() || shape.back() != '#') {
      shape += '#';
    }
  }
  return shape;
}

// ---- minimising

class Minimiser {
 public:
  Minimiser(CrashModel& model, const Violates& violates) : model_(model), violates_(violates) {}

  // Puts back all that can be put back without mending it. What is torn or garbage is taken for lost
  // where that is enough: it is the same cause, and the simpler one to tell.
  Selection restore(Selection selection) {
    if (selection.tear) {
      Selection whole = selection;
      whole.tear.reset();
      Selection lost = whole;
      for (const std::size_t node : nodes_of_call(selection.tear->call)) {
        lost.choices[node] = Choice::kAbsent;
      }
      model_.drop_dependents(lost);
      Selection without_bytes = lose_bytes(whole, *selection.tear);
      if (still(whole)) {
        selection = std::move(whole);
      } else if (model_.permits(lost) && still(lost)) {
        selection = std::move(lost);
      } else if (without_bytes.choices != whole.choices && model_.permits(without_bytes) &&
                 still(without_bytes)) {
        selection = std::move(without_bytes);
      }
    }
    empty_what_is_filled(selection);
    lose_whole_calls(selection);
    restore_by(selection, calls_of(missing(selection)));
    restore_by(selection, parts_missing(selection));
    return selection;
  }

  // Takes out all that can be taken out without mending it; returns what is left of the undurable.
  Nodes needed_among_kept(const Selection& selection) {
    Selection left = selection;
    const auto try_without = [&](const Nodes& nodes) {
      Selection fewer = left;
      for (const std::size_t node : nodes) {
        fewer.choices[node] = Choice::kAbsent;
      }
      model_.drop_dependents(fewer);
      if (still(fewer)) {
        left = std::move(fewer);
      }
    };
    by_halves(calls_of(present(left)), try_without);
    return present(left);
  }

  [[nodiscard]] Nodes missing(const Selection& selection) const {
    Nodes nodes;
    for (std::size_t i = 0; i < model_.nodes().size(); ++i) {
      if (selection.choices[i] != Choice::kPresent) {
        nodes.push_back(i);
      }
    }
    return nodes;
  }

 private:
  bool still(const Selection& selection) { return violates_(model_.image(selection)); }

  [[nodiscard]] Nodes present(const Selection& selection) const {
    Nodes nodes;
    for (std::size_t i = 0; i < model_.nodes().size(); ++i) {
      if (!model_.nodes()[i].durable && selection.choices[i] == Choice::kPresent) {
        nodes.push_back(i);
      }
    }
    return nodes;
  }

  [[nodiscard]] std::vector<Nodes> calls_of(const Nodes& nodes) const {
    std::vector<Nodes> calls;
    for (const std::size_t node : nodes) {
      if (calls.empty() || model_.nodes()[calls.back().back()].call != model_.nodes()[node].call) {
        calls.emplace_back();
      }
      calls.back().push_back(node);
    }
    return calls;
  }

  // Of calls that are not missing as a whole, each node that is.
  [[nodiscard]] std::vector<Nodes> parts_missing(const Selection& selection) const {
    std::vector<Nodes> units;
    for (const Nodes& call : calls_of(missing(selection))) {
      if (call.size() < nodes_of_call(model_.nodes()[call.front()].call).size()) {
        for (const std::size_t node : call) {
          units.push_back({node});
        }
      }
    }
    return units;
  }

  [[nodiscard]] Nodes nodes_of_call(std::uint32_t call) const {
    Nodes nodes;
    for (std::size_t i = 0; i < model_.nodes().size(); ++i) {
      if (model_.nodes()[i].call == call) {
        nodes.push_back(i);
      }
    }
    return nodes;
  }

  // Instead of a part of its bytes, all of them are missing; the size is there.
  [[nodiscard]] Selection lose_bytes(Selection selection, const Tear& tear) const {
    for (const std::size_t index : nodes_of_call(tear.call)) {
      const Node& node = model_.nodes()[index];
      const bool bytes_alone = (node.classes & kDataOps) != 0 && (node.classes & kGrowOps) == 0;
      const bool can_be_filled = model_.may_be_garbage(index);
      if (bytes_alone) {
        selection.choices[index] = !can_be_filled                      ? Choice::kAbsent
                                   : tear.rest == Tear::Rest::kGarbage ? Choice::kGarbage
                                   : tear.rest == Tear::Rest::kStale   ? Choice::kStale
                                                                       : Choice::kAbsent;
      }
    }
    model_.drop_dependents(selection);
    return selection;
  }

  // What reads as garbage is taken for zeros where that is enough.
  void empty_what_is_filled(Selection& selection) {
    Selection empty = selection;
    for (Choice& choice : empty.choices) {
      choice = choice == Choice::kPresent ? choice : Choice::kAbsent;
    }
    model_.drop_dependents(empty);
    if (empty.choices != selection.choices && model_.permits(empty) && still(empty)) {
      selection = std::move(empty);
    }
  }

  // Of calls that are lost in part, or have garbage in their place, the whole is taken for lost.
  void lose_whole_calls(Selection& selection) {
    for (const Nodes& part : calls_of(missing(selection))) {
      Selection lost = selection;
      for (const std::size_t node : nodes_of_call(model_.nodes()[part.front()].call)) {
        lost.choices[node] = Choice::kAbsent;
      }
      model_.drop_dependents(lost);
      if (lost.choices != selection.choices && model_.permits(lost) && still(lost)) {
        selection = std::move(lost);
      }
    }
  }

  void restore_by(Selection& selection, const std::vector<Nodes>& units) {
    by_halves(units, [&](const Nodes& nodes) {
      Selection more = selection;
      for (const std::size_t node : nodes) {
        more.choices[node] = Choice::kPresent;
      }
      model_.add_needed(more);
      if (more.choices != selection.choices && still(more)) {
        selection = std::move(more);
      }
    });
  }

  // All units at once, then halves of them, then quarters, down to each.
  template <typename Try>
  static void by_halves(const std::vector<Nodes>& units, const Try& try_it) {
    for (std::size_t size = units.size(); size > 0; size /= 2) {
      for (std::size_t begin = 0; begin < units.size(); begin += size) {
        Nodes together;
        for (std::size_t i = begin; i < std::min(units.size(), begin + size); ++i) {
          together.insert(together.end(), units[i].begin(), units[i].end());
        }
        try_it(together);
      }
    }
  }

  CrashModel& model_;
  const Violates& violates_;
};

// ---- words

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
    const Node& node = model.nodes()[nodes[i]];
    const Call& call = timeline.calls()[node.call];
    std::size_t end = i;
    std::uint32_t ops = 0;
    while (end < nodes.size() && model.nodes()[nodes[end]].call == node.call) {
      ops += model.nodes()[nodes[end++]].op_count;
    }
    const Event& event = timeline.event_of(call);
    const bool whole = ops == call.op_count;
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
        names.push_back(name_of(timeline, model.nodes()[nodes[i]]));
      }
      names.push_back(whole ? name_of(timeline, call) : name_of(timeline, model.nodes()[nodes[i]]));
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
  std::uint32_t first_call = UINT32_MAX;
  for (const std::size_t index : lost) {
    const Node& node = model.nodes()[index];
    const Event& event = timeline.event_of(timeline.calls()[node.call]);
    first_call = std::min(first_call, node.call);
    for (std::uint32_t at = node.first_op; at < node.first_op + node.op_count; ++at) {
      const MicroOp& op = timeline.ops()[at];
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
             event.enter > timeline.calls()[first_call].enter;
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

std::string words_of(const CrashModel& model, const Cause& cause, const Nodes& lost,
                     const Nodes& kept) {
  if (lost.empty() && !cause.tear) {
    return fmt::format("nothing needs to be lost: any crash {}",
                       describe_point(model.timeline(), model.point()));
  }
  std::vector<std::string> sentences;
  if (cause.tear) {
    sentences.push_back(describe_tear(model.timeline(), *cause.tear));
  }
  if (!lost.empty()) {
    const std::string what = fmt::format("{}", fmt::join(names_of(model, lost), ", "));
    const char* const instead = cause.stale ? "earlier bytes of the file" : "garbage";
    if (kept.empty()) {
      sentences.push_back(
          fmt::format("{} lost{}: {}", what,
                      cause.garbage ? fmt::format(", with {} in its place", instead) : "",
                      unsynced(model, lost)));
    } else {
      sentences.push_back(fmt::format(
          "{} survived, {} did not{}: {} in between", fmt::join(names_of(model, kept), ", "), what,
          cause.garbage ? fmt::format(" (with {} in its place)", instead) : "",
          unsynced(model, lost)));
    }
  }
  return fmt::format("{}", fmt::join(sentences, "; "));
}

std::vector<std::uint32_t> ops_of(const CrashModel& model, const Nodes& nodes) {
  std::vector<std::uint32_t> ops;
  for (const std::size_t index : nodes) {
    const Node& node = model.nodes()[index];
    for (std::uint32_t op = 0; op < node.op_count; ++op) {
      ops.push_back(node.first_op + op);
    }
  }
  return ops;
}

std::set<std::string> shapes_of(const CrashModel& model, const Nodes& nodes) {
  std::set<std::string> shapes;
  for (const std::size_t node : nodes) {
    shapes.insert(shape_of(model.timeline(), model.nodes()[node]));
  }
  return shapes;
}

// Of names one by one, of a file's content by the call that made it.
std::set<std::string> operations_of(const CrashModel& model, const Nodes& nodes,
                                    const std::string& torn_shape) {
  std::set<std::string> operations;
  for (const std::size_t index : nodes) {
    const Node& node = model.nodes()[index];
    operations.insert((node.classes & kEntryOp) != 0
                          ? shape_of(model.timeline(), node)
                          : shape_of(model.timeline(), model.timeline().calls()[node.call]));
  }
  if (!torn_shape.empty()) {
    operations.insert(torn_shape);
  }
  return operations;
}

bool is_garbage(const Selection& selection) {
  return std::any_of(selection.choices.begin(), selection.choices.end(), [](Choice choice) {
    return choice == Choice::kGarbage || choice == Choice::kStale;
  });
}

std::string torn_shape_of(const Timeline& timeline, const std::optional<Tear>& tear) {
  return tear ? shape_of(timeline, timeline.calls()[tear->call]) : std::string();
}

}  // namespace

std::string shape_of(const Timeline& timeline, const Call& call) {
  const Event& event = timeline.event_of(call);
  const std::string from = without_numbers(event.path.str());
  return event.path2.empty() ? fmt::format("{} {}", event.syscall.str(), from)
                             : fmt::format("{} {} {}", event.syscall.str(), from,
                                           without_numbers(event.path2.str()));
}

std::string shape_of(const Timeline& timeline, const Node& node) {
  const MicroOp& op = timeline.ops()[telling_op(node)];
  const bool bytes = (node.classes & kDataOps) != 0;
  const Call& made_by = timeline.calls()[node.call];
  const std::string call = shape_of(timeline, made_by);
  switch (op.kind) {
    case MicroKind::kGrow:
      return (bytes ? "append: " : "size: ") + call;
    case MicroKind::kData:
      return "bytes: " + call;
    case MicroKind::kCutTail:
      return "zeros: " + call;
    case MicroKind::kCreateEntry:
    case MicroKind::kDeleteEntry:
      return fmt::format("{} {}: {}", op.kind == MicroKind::kCreateEntry ? "entry" : "removal",
                         node.op_count < made_by.op_count ? without_numbers(op.name.str()) : "",
                         call);
    case MicroKind::kResize:
    case MicroKind::kZero:
    case MicroKind::kCollapse:
    case MicroKind::kInsert:
      break;
  }
  return "change: " + call;
}

Cause find_cause(CrashModel& model, const Selection& selection, const Violates& violates) {
  Minimiser minimiser(model, violates);
  const Selection least = minimiser.restore(selection);
  const Nodes lost = minimiser.missing(least);
  // Where something is lost, what else had to survive; where nothing is, nothing explains it.
  const Nodes kept = lost.empty() ? Nodes{} : minimiser.needed_among_kept(least);
  Cause cause;
  cause.lost = ops_of(model, lost);
  cause.kept = ops_of(model, kept);
  cause.tear = least.tear;
  cause.garbage = is_garbage(least);
  cause.stale = std::count(least.choices.begin(), least.choices.end(), Choice::kStale) > 0;
  cause.lost_shapes = shapes_of(model, lost);
  cause.kept_shapes = shapes_of(model, kept);
  cause.torn_shape = torn_shape_of(model.timeline(), least.tear);
  cause.lost_operations = operations_of(model, lost, cause.torn_shape);
  cause.words = words_of(model, cause, lost, kept);
  return cause;
}

bool has_cause(const CrashModel& model, const Selection& selection, const Cause& cause) {
  if (cause.torn_shape != torn_shape_of(model.timeline(), selection.tear) &&
      !cause.torn_shape.empty()) {
    return false;
  }
  if (cause.garbage && !is_garbage(selection)) {
    return false;
  }
  if (cause.lost.empty() && cause.torn_shape.empty()) {
    return false;  // that nothing needs to be lost here too must be tried
  }
  Nodes lost;
  for (std::size_t i = 0; i < model.nodes().size(); ++i) {
    const bool torn = selection.tear && cause.torn_shape.empty() && !model.nodes()[i].durable &&
                      model.nodes()[i].call == selection.tear->call;
    if (torn || selection.choices[i] != Choice::kPresent) {
      lost.push_back(i);
    }
  }
  const std::set<std::string> shapes = shapes_of(model, lost);
  return std::includes(shapes.begin(), shapes.end(), cause.lost_shapes.begin(),
                       cause.lost_shapes.end()) &&
         std::none_of(cause.kept_shapes.begin(), cause.kept_shapes.end(),
                      [&](const std::string& shape) { return shapes.contains(shape); });
}

std::vector<StateUnder> states_under(std::span<const Profile> profiles,
                                     const std::shared_ptr<const Timeline>& timeline,
                                     trace::Position point, const Cause& cause) {
  std::vector<StateUnder> states;
  for (const Profile& profile : profiles) {
    CrashModel model(timeline, profile);
    model.advance(point);
    Selection selection = model.everything();
    bool can_be_lost = true;
    bool any_filled = false;
    for (const std::uint32_t op : cause.lost) {
      const std::optional<std::size_t> node = model.node_of(op);
      can_be_lost = can_be_lost && node && !model.nodes()[*node].durable;
      if (can_be_lost) {
        const bool filled = cause.garbage && model.may_be_garbage(*node);
        any_filled = any_filled || filled;
        selection.choices[*node] = !filled       ? Choice::kAbsent
                                   : cause.stale ? Choice::kStale
                                                 : Choice::kGarbage;
      }
    }
    if (!can_be_lost || (cause.garbage && !any_filled)) {
      continue;
    }
    model.drop_dependents(selection);
    if (cause.tear) {
      std::optional<Selection> torn = model.torn(std::move(selection), *cause.tear);
      if (!torn) {
        continue;
      }
      selection = *std::move(torn);
    }
    states.push_back({profile.name, model.image(selection)});
  }
  return states;
}

}  // namespace crashpoint::crash
