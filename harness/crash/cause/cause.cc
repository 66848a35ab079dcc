#include "harness/crash/cause/cause.h"

#include <algorithm>
#include <utility>

#include "harness/base/check.h"
#include "harness/crash/cause/words.h"

namespace crashpoint::crash {
namespace {

using Nodes = std::vector<NodeIndex>;

// ---- minimising

class Minimiser {
 public:
  Minimiser(CrashModel& model, const Violates& violates) : model_(model), violates_(violates) {}

  // Puts back all that can be put back without making the violation disappear. What is torn or garbage
  // is taken for lost where that is enough: it is the same cause, and the simpler one to explain.
  Selection restore(Selection selection) {
    if (selection.tear) {
      Selection whole = selection;
      whole.tear.reset();
      Selection lost = whole;
      for (const NodeIndex node : nodes_of_call(selection.tear->call)) {
        lost[node] = Choice::kAbsent;
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

  // Takes out all that can be taken out without making the violation disappear; returns what is left of
  // the undurable.
  Nodes needed_among_kept(const Selection& selection) {
    Selection left = selection;
    const auto try_without = [&](const Nodes& nodes) {
      Selection fewer = left;
      for (const NodeIndex node : nodes) {
        fewer[node] = Choice::kAbsent;
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
    for (const NodeIndex i : model_.indices()) {
      if (selection[i] != Choice::kPresent) {
        nodes.push_back(i);
      }
    }
    return nodes;
  }

 private:
  bool still(const Selection& selection) { return violates_(model_.image(selection)); }

  [[nodiscard]] Nodes present(const Selection& selection) const {
    Nodes nodes;
    for (const NodeIndex i : model_.indices()) {
      if (!model_.node(i).durable && selection[i] == Choice::kPresent) {
        nodes.push_back(i);
      }
    }
    return nodes;
  }

  [[nodiscard]] std::vector<Nodes> calls_of(const Nodes& nodes) const {
    std::vector<Nodes> calls;
    for (const NodeIndex node : nodes) {
      if (calls.empty() || model_.node(calls.back().back()).call != model_.node(node).call) {
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
      if (call.size() < nodes_of_call(model_.node(call.front()).call).size()) {
        for (const NodeIndex node : call) {
          units.push_back({node});
        }
      }
    }
    return units;
  }

  [[nodiscard]] Nodes nodes_of_call(CallIndex call) const {
    Nodes nodes;
    for (const NodeIndex i : model_.indices()) {
      if (model_.node(i).call == call) {
        nodes.push_back(i);
      }
    }
    return nodes;
  }

  // Instead of a part of its bytes, all of them are missing; the size is there.
  [[nodiscard]] Selection lose_bytes(Selection selection, const Tear& tear) const {
    for (const NodeIndex index : nodes_of_call(tear.call)) {
      const Node& node = model_.node(index);
      const bool bytes_alone = (node.classes & kDataOps) != 0 && (node.classes & kGrowOps) == 0;
      const bool can_be_filled = model_.may_be_garbage(index);
      if (bytes_alone) {
        selection[index] = !can_be_filled                      ? Choice::kAbsent
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
      for (const NodeIndex node : nodes_of_call(model_.node(part.front()).call)) {
        lost[node] = Choice::kAbsent;
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
      for (const NodeIndex node : nodes) {
        more[node] = Choice::kPresent;
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

// ---- the cause as data

std::vector<OpIndex> ops_of(const CrashModel& model, const Nodes& nodes) {
  std::vector<OpIndex> ops;
  for (const NodeIndex index : nodes) {
    for (const OpIndex op : model.node(index).ops) {
      ops.push_back(op);
    }
  }
  return ops;
}

std::set<Shape> shapes_of(const CrashModel& model, const Nodes& nodes) {
  std::set<Shape> shapes;
  for (const NodeIndex node : nodes) {
    shapes.insert(shape_of(model.timeline(), model.node(node)));
  }
  return shapes;
}

// Of names one by one, of a file's content by the call that made it.
std::set<Shape> operations_of(const CrashModel& model, const Nodes& nodes,
                              const std::optional<Shape>& torn_shape) {
  std::set<Shape> operations;
  for (const NodeIndex index : nodes) {
    const Node& node = model.node(index);
    operations.insert((node.classes & kEntryOp) != 0
                          ? shape_of(model.timeline(), node)
                          : shape_of(model.timeline(), model.timeline().call(node.call)));
  }
  if (torn_shape) {
    operations.insert(*torn_shape);
  }
  return operations;
}

// What is read in place of what is lost: stale bytes if any are, else garbage, else nothing.
Choice lost_as(const Selection& selection) {
  const auto& choices = selection.choices;
  for (const Choice filled : {Choice::kStale, Choice::kGarbage}) {
    if (std::find(choices.begin(), choices.end(), filled) != choices.end()) {
      return filled;
    }
  }
  return Choice::kAbsent;
}

std::optional<Shape> torn_shape_of(const Timeline& timeline, const std::optional<Tear>& tear) {
  return tear ? std::optional(shape_of(timeline, timeline.call(tear->call))) : std::nullopt;
}

}  // namespace

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
  cause.lost_as = lost_as(least);
  cause.lost_shapes = shapes_of(model, lost);
  cause.kept_shapes = shapes_of(model, kept);
  cause.torn_shape = torn_shape_of(model.timeline(), least.tear);
  cause.lost_operations = operations_of(model, lost, cause.torn_shape);
  cause.words = describe_cause(model, least, kept);
  return cause;
}

bool has_cause(const CrashModel& model, const Selection& selection, const Cause& cause) {
  if (cause.torn_shape && cause.torn_shape != torn_shape_of(model.timeline(), selection.tear)) {
    return false;
  }
  if (cause.lost_as != Choice::kAbsent && lost_as(selection) == Choice::kAbsent) {
    return false;
  }
  if (cause.lost.empty() && !cause.torn_shape) {
    return false;  // that nothing needs to be lost here too must be tried
  }
  Nodes lost;
  for (const NodeIndex i : model.indices()) {
    const bool torn = selection.tear && !cause.torn_shape && !model.node(i).durable &&
                      model.node(i).call == selection.tear->call;
    if (torn || selection[i] != Choice::kPresent) {
      lost.push_back(i);
    }
  }
  const std::set<Shape> shapes = shapes_of(model, lost);
  return std::includes(shapes.begin(), shapes.end(), cause.lost_shapes.begin(),
                       cause.lost_shapes.end()) &&
         std::none_of(cause.kept_shapes.begin(), cause.kept_shapes.end(),
                      [&](const Shape& shape) { return shapes.contains(shape); });
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
    for (const OpIndex op : cause.lost) {
      const std::optional<NodeIndex> node = model.node_of(op);
      can_be_lost = can_be_lost && node && !model.node(*node).durable;
      if (can_be_lost) {
        const bool filled = cause.lost_as != Choice::kAbsent && model.may_be_garbage(*node);
        any_filled = any_filled || filled;
        selection[*node] = filled ? cause.lost_as : Choice::kAbsent;
      }
    }
    if (!can_be_lost || (cause.lost_as != Choice::kAbsent && !any_filled)) {
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
    HARNESS_CHECK(model.permits(selection), profile.name, point);
    states.push_back({profile.name, model.image(selection)});
  }
  return states;
}

}  // namespace crashpoint::crash
