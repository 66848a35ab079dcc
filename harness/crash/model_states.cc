// Which selections of the nodes are permitted (M8), and which torn writes (M28).
#include <algorithm>
#include <utility>

#include "harness/base/check.h"
#include "harness/crash/model.h"

namespace crashpoint::crash {
namespace {

// What is left of a torn write, in bytes of the file.
struct SurvivingRange {
  std::uint64_t from = 0;
  std::uint64_t to = 0;

  [[nodiscard]] bool holds(const MicroOp& op) const {
    return from <= op.offset && op.offset + op.size <= to;
  }
  [[nodiscard]] bool misses(const MicroOp& op) const {
    return to <= op.offset || op.offset + op.size <= from;
  }
};

SurvivingRange surviving_range(const trace::Event& write, const Tear& tear) {
  HARNESS_CHECK(tear.from <= tear.to && tear.to <= write.data.size, tear.from, tear.to,
                write.data.size);
  const auto offset = static_cast<std::uint64_t>(write.offset);
  return {offset + tear.from, offset + tear.to};
}

}  // namespace

std::optional<NodeIndex> CrashModel::node_of(OpIndex op) const {
  const auto after =
      std::upper_bound(nodes_.begin(), nodes_.end(), op,
                       [](OpIndex wanted, const Node& node) { return wanted < node.id(); });
  if (after == nodes_.begin() || !std::prev(after)->ops.contains(op)) {
    return std::nullopt;
  }
  return NodeIndex(static_cast<std::size_t>(std::prev(after) - nodes_.begin()));
}

std::vector<NodeIndex> CrashModel::needs_of(const Node& node) const {
  std::vector<NodeIndex> indices;
  for (const OpIndex needed : node.needs) {
    if (const std::optional<NodeIndex> at = node_of(needed)) {
      indices.push_back(*at);
    }
  }
  return indices;
}

Selection CrashModel::everything() const {
  return {std::vector<Choice>(nodes_.size(), Choice::kPresent), std::nullopt};
}

Selection CrashModel::only_durable() const {
  Selection selection{std::vector<Choice>(nodes_.size(), Choice::kAbsent), std::nullopt};
  for (const NodeIndex i : indices()) {
    selection[i] = node(i).durable ? Choice::kPresent : Choice::kAbsent;
  }
  return selection;
}

void CrashModel::drop_dependents(Selection& selection) const {
  HARNESS_CHECK(selection.choices.size() == nodes_.size(), selection.choices.size(), nodes_.size());
  for (const NodeIndex i : indices()) {
    for (const NodeIndex needed : needs_of(node(i))) {
      if (selection[needed] != Choice::kPresent) {
        HARNESS_CHECK(!node(i).durable, i.value(), needed.value());
        selection[i] = Choice::kAbsent;
      }
    }
  }
}

void CrashModel::add_needed(Selection& selection) const {
  HARNESS_CHECK(selection.choices.size() == nodes_.size(), selection.choices.size(), nodes_.size());
  for (std::size_t at = nodes_.size(); at-- > 0;) {
    const NodeIndex i(at);
    if (node(i).durable && !selection.has(i)) {
      selection[i] = Choice::kPresent;
    }
    if (selection.has(i)) {
      for (const NodeIndex needed : needs_of(node(i))) {
        if (!selection.has(needed)) {
          selection[needed] = Choice::kPresent;
        }
      }
    }
  }
}

bool CrashModel::may_be_garbage(NodeIndex index) const {
  const Node& node = this->node(index);
  return profile_.garbage && node.ops.count == 1 && timeline_->op(node.id()).past_end &&
         (profile_.tears == Tears::kAnywhere || (node.classes & kNewDataOp) != 0);
}

bool CrashModel::permits(const Selection& selection) const {
  HARNESS_CHECK(selection.choices.size() == nodes_.size(), selection.choices.size(), nodes_.size());
  for (const NodeIndex i : indices()) {
    const Choice choice = selection[i];
    if (choice == Choice::kAbsent
            ? node(i).durable
            : choice != Choice::kPresent && (!may_be_garbage(i) || node(i).durable)) {
      return false;
    }
    if (choice == Choice::kAbsent) {
      continue;
    }
    for (const NodeIndex needed : needs_of(node(i))) {
      if (selection[needed] != Choice::kPresent) {
        return false;
      }
    }
  }
  return !selection.tear || permits_tear(selection);
}

bool CrashModel::reorders_files(const Selection& selection) const {
  std::map<InodeId, CallIndex> newest = newest_folded_bytes_;
  for (const NodeIndex i : indices()) {
    if ((node(i).classes & kDataOps) != 0 && selection[i] == Choice::kPresent) {
      newest[timeline_->op(node(i).id()).inode] = node(i).call;
    }
  }
  std::erase_if(newest, [&](const auto& file) { return unreachable_.contains(file.first); });
  for (const NodeIndex i : indices()) {
    const bool is_lost = (node(i).classes & kDataOps) != 0 && !selection.has(i);
    const auto is_later_elsewhere = [&](const auto& file) {
      return file.first != timeline_->op(node(i).id()).inode && file.second > node(i).call;
    };
    if (is_lost && std::ranges::any_of(newest, is_later_elsewhere)) {
      return true;
    }
  }
  return false;
}

// M28
std::optional<Selection> CrashModel::torn(Selection selection, Tear tear) const {
  const trace::Event& write = timeline_->event_of(timeline_->call(tear.call));
  HARNESS_CHECK(tear.from <= tear.to && tear.to <= write.data.size, tear.from, tear.to,
                write.data.size);
  if (profile_.tears == Tears::kAtSectors) {
    const auto offset = static_cast<std::uint64_t>(write.offset);
    if (tear.from > 0) {
      tear.from = (offset + tear.from + kSectorSize - 1) / kSectorSize * kSectorSize - offset;
    }
    if (tear.to < write.data.size) {
      tear.to = std::max((offset + tear.to) / kSectorSize * kSectorSize, offset) - offset;
    }
    if (tear.from >= tear.to) {
      return std::nullopt;
    }
    tear.rest = Tear::Rest::kZeros;
    const SurvivingRange survives = surviving_range(write, tear);
    for (const NodeIndex i : indices()) {
      if (node(i).call == tear.call && (node(i).classes & kDataOps) != 0 && !node(i).durable &&
          survives.misses(bytes_of(node(i)))) {
        selection[i] = Choice::kAbsent;
      }
    }
    drop_dependents(selection);
  }
  selection.tear = tear;
  return permits(selection) ? std::optional(std::move(selection)) : std::nullopt;
}

// M28, at sectors: of a block written in place some of the new sectors may be there, and of the newest
// write to it only, because one after it would have brought them all.
bool CrashModel::permits_tear(const Selection& selection) const {
  if (profile_.tears != Tears::kAtSectors) {
    return profile_.tears == Tears::kAnywhere;
  }
  const Tear& tear = *selection.tear;
  const trace::Event& write = timeline_->event_of(timeline_->call(tear.call));
  const SurvivingRange survives = surviving_range(write, tear);
  const auto is_bytes_of_it = [&](const Node& node) {
    return node.call == tear.call && (node.classes & kDataOps) != 0;
  };
  bool is_torn = false;
  for (const NodeIndex i : indices()) {
    const Node& node = this->node(i);
    if (!selection.has(i)) {
      continue;
    }
    if (is_bytes_of_it(node) && !survives.holds(bytes_of(node))) {
      if (node.classes != kInPlaceOp || node.durable || survives.misses(bytes_of(node))) {
        return false;
      }
      is_torn = true;
    }
    const std::vector<NodeIndex> needs = needs_of(node);
    if (node.call != tear.call && std::any_of(needs.begin(), needs.end(), [&](NodeIndex needed) {
          return is_bytes_of_it(this->node(needed));
        })) {
      return false;
    }
  }
  return is_torn && tear.rest == Tear::Rest::kZeros &&
         (tear.from == 0 || survives.from % kSectorSize == 0) &&
         (tear.to == write.data.size || survives.to % kSectorSize == 0);
}

CrashImage CrashModel::image(const Selection& selection) {
  HARNESS_CHECK(selection.choices.size() == nodes_.size(), selection.choices.size(), nodes_.size());
  std::vector<AppliedOp> ops;
  for (const NodeIndex i : indices()) {
    if (selection.has(i)) {
      for (const OpIndex op : node(i).ops) {
        ops.push_back({op, selection[i]});
      }
    }
  }
  return disk_.image(ops, selection.tear);
}

}  // namespace crashpoint::crash
