#include "harness/crash/model.h"

#include <algorithm>
#include <span>
#include <utility>

namespace crashpoint::crash {

using What = SyncRequest::What;

namespace {

// What came of a torn write, in bytes of the file.
struct Came {
  std::uint64_t from = 0;
  std::uint64_t to = 0;

  [[nodiscard]] bool holds(const MicroOp& op) const {
    return from <= op.offset && op.offset + op.size <= to;
  }
  [[nodiscard]] bool misses(const MicroOp& op) const {
    return to <= op.offset || op.offset + op.size <= from;
  }
};

Came came_of(const trace::Event& write, const Tear& tear) {
  const auto offset = static_cast<std::uint64_t>(write.offset);
  return {offset + tear.from, offset + tear.to};
}

}  // namespace

CrashModel::CrashModel(std::shared_ptr<const Timeline> timeline, Profile profile)
    : timeline_(std::move(timeline)),
      profile_(std::move(profile)),
      order_(profile_.order),
      disk_(*timeline_) {}

// ---- walking

void CrashModel::advance(trace::Position point) {
  const auto& steps = timeline_->steps();
  while (next_step_ < steps.size() && steps[next_step_].position < point) {
    const Timeline::Step& step = steps[next_step_++];
    if (step.returns) {
      leave(step.call);
    } else {
      enter(step.call);
    }
  }
  point_ = std::max(point_, point);
}

void CrashModel::enter(std::uint32_t index) {
  const Call& call = timeline_->calls()[index];
  const std::uint32_t end = call.first_op + call.op_count;
  for (std::uint32_t op = call.first_op; op < end;) {
    std::uint32_t count = 1;
    const MicroOp& first = timeline_->ops()[op];
    if (first.is_entry() && profile_.rename_atomic) {
      count = end - op;
    } else if (first.kind == MicroKind::kDeleteEntry && op + 1 < end) {
      count = 2;  // a rename over an existing name, which is never missing in between
    } else if (first.kind == MicroKind::kGrow && (class_of(first) & profile_.with_data) != 0) {
      count = 2;  // its bytes follow
    } else if (op + 2 < end && grows_its_block(first, timeline_->ops()[op + 1])) {
      count = 3;  // the new size follows, and the bytes behind the old one
    } else if (first.kind == MicroKind::kCutTail && (kResizeOp & profile_.with_data) != 0) {
      count = 2;  // the new size follows
    }
    add_node(index, op, count);
    op += count;
  }
}

// Whether bytes come as one with the growth that the same write goes on to: where blocks come whole, and
// with their sizes.
bool CrashModel::grows_its_block(const MicroOp& bytes, const MicroOp& next) const {
  return profile_.tears == Tears::kBetweenBlocks && bytes.kind == MicroKind::kData &&
         next.kind == MicroKind::kGrow && !next.new_block &&
         (class_of(next) & profile_.with_data) != 0 &&
         bytes.offset / kBlockSize == next.offset / kBlockSize;
}

void CrashModel::add_node(std::uint32_t call, std::uint32_t first_op, std::uint32_t op_count) {
  if (unreachable_.contains(timeline_->ops()[first_op].inode)) {
    return;
  }
  Node node{.first_op = first_op, .op_count = op_count, .call = call};
  for (std::uint32_t op = first_op; op < first_op + op_count; ++op) {
    node.classes |= class_of(timeline_->ops()[op]);
  }
  find_needs(node);
  nodes_.push_back(std::move(node));
  ++version_;
}

void CrashModel::find_needs(Node& node) {
  std::vector<ClassifiedOp> ops;
  for (std::uint32_t at = node.first_op; at < node.first_op + node.op_count; ++at) {
    const MicroOp& op = timeline_->ops()[at];
    const bool told_once = op.kind == MicroKind::kGrow || op.kind == MicroKind::kData;
    const OpClasses kinds = op.kind == MicroKind::kGrow ? kGrowOps : kDataOps;
    ops.push_back({&op, told_once ? static_cast<OpClasses>(node.classes & kinds) : class_of(op)});
  }
  node.needs = order_.add(node.first_op, ops, [&](std::uint32_t earlier) {
    const std::optional<std::size_t> at = node_of(earlier);
    return at && precedes(nodes_[*at], node.call);
  });
}

void CrashModel::find_needs_anew() {
  order_.clear();
  for (Node& node : nodes_) {
    find_needs(node);
  }
}

OpClasses CrashModel::class_of(const MicroOp& op) const {
  switch (op.kind) {
    case MicroKind::kData:
    case MicroKind::kCutTail: {
      const bool needs_size = op.past_end && (profile_.with_data & kGrowInOp) != 0;
      return op.new_block || needs_size || allocation_is_pending(op.inode, op.offset) ? kNewDataOp
                                                                                      : kInPlaceOp;
    }
    case MicroKind::kGrow:
      return op.new_block                                 ? kGrowNewOp
             : allocation_is_pending(op.inode, op.offset) ? kGrowDelayedOp
                                                          : kGrowInOp;
    case MicroKind::kResize:
      return kResizeOp;
    case MicroKind::kZero:
    case MicroKind::kCollapse:
    case MicroKind::kInsert:
      return kShiftOp;
    case MicroKind::kCreateEntry:
    case MicroKind::kDeleteEntry:
      break;
  }
  return kEntryOp;
}

// Whether the block at `offset` was reached by an append that is not durable itself.
bool CrashModel::allocation_is_pending(InodeId inode, std::uint64_t offset) const {
  const std::uint64_t block = offset / kBlockSize * kBlockSize;
  for (auto node = nodes_.rbegin(); node != nodes_.rend(); ++node) {
    const MicroOp& op = timeline_->ops()[node->first_op];
    if (op.inode != inode || op.kind != MicroKind::kGrow) {
      continue;
    }
    if (op.size <= block) {
      return false;  // files grow upwards: what came before ended even lower
    }
    if (op.new_block && op.offset <= offset) {
      return !node->durable;
    }
  }
  return false;
}

void CrashModel::leave(std::uint32_t index) {
  const Call& call = timeline_->calls()[index];
  for (auto node = nodes_.rbegin(); node != nodes_.rend() && node->call >= index; ++node) {
    if (node->call == index) {
      node->returned = true;
      node->durable = node->durable || profile_.durable_on_return;
    }
  }
  if (call.sync.what != What::kNothing && !profile_.durable_on_return) {
    if (call.sync.failed) {
      fail(index);
    } else {
      make_durable(index);
    }
  }
  if (call.sync.what != What::kNothing || profile_.durable_on_return) {
    spread_durability();
    fold();
    forget_unreachable(index);
    ++version_;
  }
}

// ---- what becomes durable

// What a call comes after, and a sync covers: what had returned before it began, and the call itself.
bool CrashModel::precedes(const Node& node, std::uint32_t call) const {
  return node.call == call || timeline_->calls()[node.call].exit < timeline_->calls()[call].enter;
}

bool CrashModel::is_content_of(const Node& node, const SyncRequest& sync) const {
  const MicroOp& op = timeline_->ops()[node.first_op];
  if (op.is_entry() || op.inode != sync.inode) {
    return false;
  }
  if (op.kind == MicroKind::kData || op.kind == MicroKind::kGrow) {
    const std::uint64_t end = op.kind == MicroKind::kData ? op.offset + op.size : op.size;
    return op.offset < sync.to && end > sync.from;
  }
  return true;
}

void CrashModel::make_durable(std::uint32_t index) {
  const SyncRequest& sync = timeline_->calls()[index].sync;
  if (sync.what == What::kEverything) {
    for (Node& node : nodes_) {
      node.durable = node.durable || (precedes(node, index) && !node.unsyncable);
    }
    return;
  }
  const bool commits_journal =
      profile_.fsync_keeps == FsyncKeeps::kWholeJournal && has_metadata_to_commit(index);
  if (sync.what == What::kDirectory) {
    keep_entries_in(sync.inode, index);
  } else {
    for (Node& node : nodes_) {
      node.durable =
          node.durable || (precedes(node, index) && is_content_of(node, sync) && !node.unsyncable);
    }
  }
  if (commits_journal) {
    keep_journal(index);
  } else if (profile_.fsync_keeps == FsyncKeeps::kOwnNames) {
    keep_names_of(sync.inode, index);
  }
}

void CrashModel::keep_entries_in(InodeId directory, std::uint32_t index) {
  for (Node& node : nodes_) {
    for (std::uint32_t op = node.first_op; op < node.first_op + node.op_count; ++op) {
      if (timeline_->ops()[op].is_entry() && timeline_->ops()[op].parent == directory &&
          precedes(node, index) && !node.unsyncable) {
        node.durable = true;
      }
    }
  }
}

// The names of a file or directory, and of the directories these lie in, up to the root.
void CrashModel::keep_names_of(InodeId inode, std::uint32_t index) {
  std::unordered_set<InodeId> wanted{inode};
  for (bool found = true; found;) {
    found = false;
    for (Node& node : nodes_) {
      for (std::uint32_t at = node.first_op; at < node.first_op + node.op_count; ++at) {
        const MicroOp& op = timeline_->ops()[at];
        if (op.is_entry() && wanted.contains(op.inode) && precedes(node, index) &&
            !node.unsyncable) {
          node.durable = true;
          found = wanted.insert(op.parent).second || found;
        }
      }
    }
  }
}

void CrashModel::keep_journal(std::uint32_t index) {
  constexpr OpClasses kJournaled = kEntryOp | kResizeOp | kShiftOp | kGrowInOp;
  for (Node& node : nodes_) {
    node.durable = node.durable ||
                   ((node.classes & kJournaled) != 0 && precedes(node, index) && !node.unsyncable);
  }
}

// Whether a sync makes the filesystem commit its journal: of a directory always, of a file if its
// size, or a name of it, is not durable. fdatasync does not count a new name of an old file.
bool CrashModel::has_metadata_to_commit(std::uint32_t index) const {
  const SyncRequest& sync = timeline_->calls()[index].sync;
  if (sync.what == What::kDirectory) {
    return true;
  }
  return std::any_of(nodes_.begin(), nodes_.end(), [&](const Node& node) {
    if (node.durable || !precedes(node, index)) {
      return false;
    }
    for (std::uint32_t at = node.first_op; at < node.first_op + node.op_count; ++at) {
      const MicroOp& op = timeline_->ops()[at];
      if (op.inode != sync.inode || op.kind == MicroKind::kData) {
        continue;
      }
      const trace::Op made_by = timeline_->event_of(timeline_->calls()[node.call]).op;
      if (!op.is_entry() || !sync.data_only || made_by == trace::Op::kOpen) {
        return true;
      }
    }
    return false;
  });
}

// ---- a sync that failed

void CrashModel::fail(std::uint32_t index) {
  const SyncRequest& sync = timeline_->calls()[index].sync;
  const auto concerns = [&](const Node& node) {
    const MicroOp& op = timeline_->ops()[node.first_op];
    const bool asked_for = sync.what == What::kEverything ||
                           (op.is_entry() ? op.parent == sync.inode : is_content_of(node, sync));
    return asked_for && !node.durable && precedes(node, index);
  };
  if (profile_.fsync_failure == FsyncFailure::kReverts) {
    std::vector<bool> gone;
    for (const Node& node : nodes_) {
      gone.push_back(concerns(node) && (node.classes & kEntryOp) == 0);
    }
    remove(gone);
    return;
  }
  if (profile_.fsync_failure == FsyncFailure::kSizeDurable) {
    split_nodes_of(index);
  }
  for (Node& node : nodes_) {
    if (!concerns(node)) {
      continue;
    }
    if (profile_.fsync_failure == FsyncFailure::kSizeDurable &&
        (node.classes & (kGrowOps | kResizeOp)) != 0) {
      node.durable = true;
    } else {
      node.unsyncable = true;
    }
  }
}

// Parts the size from its bytes in what a failed sync was asked to write: the one is on disk now, the
// other may never be.
void CrashModel::split_nodes_of(std::uint32_t index) {
  std::vector<Node> parted;
  for (Node& node : nodes_) {
    const SyncRequest& sync = timeline_->calls()[index].sync;
    const bool whole = node.op_count == 1 || (node.classes & kGrowOps) == 0 ||
                       !precedes(node, index) ||
                       (sync.what == What::kFile && !is_content_of(node, sync));
    if (whole) {
      parted.push_back(std::move(node));
      continue;
    }
    const OpClasses classes = node.classes;
    const std::uint32_t count = std::exchange(node.op_count, 1);
    for (std::uint32_t op = 0; op < count; ++op) {
      const bool size = timeline_->ops()[node.first_op].kind == MicroKind::kGrow;
      node.classes = static_cast<OpClasses>(classes & (size ? ~kDataOps : kDataOps));
      parted.push_back(node);
      ++node.first_op;
    }
  }
  nodes_ = std::move(parted);
  find_needs_anew();
}

// ---- the base

void CrashModel::spread_durability() {
  for (auto node = nodes_.rbegin(); node != nodes_.rend(); ++node) {
    if (node->durable) {
      for (const std::size_t needed : needs_of(*node)) {
        nodes_[needed].durable = true;
      }
    }
  }
}

void CrashModel::fold() {
  // What an undurable operation may still change, and what lies over it must wait.
  std::unordered_set<InodeId> open_files;
  std::unordered_set<const std::string*> open_names;  // of any directory: rarely one too many
  std::vector<bool> gone(nodes_.size(), false);
  std::vector<std::uint32_t> folded;
  for (std::size_t i = 0; i < nodes_.size(); ++i) {
    const std::span<const MicroOp> ops =
        std::span(timeline_->ops()).subspan(nodes_[i].first_op, nodes_[i].op_count);
    const bool free = std::none_of(ops.begin(), ops.end(), [&](const MicroOp& op) {
      return op.is_entry() ? open_names.contains(&op.name.str()) : open_files.contains(op.inode);
    });
    if (nodes_[i].durable && free) {
      gone[i] = true;
      for (std::uint32_t op = 0; op < nodes_[i].op_count; ++op) {
        folded.push_back(nodes_[i].first_op + op);
        if (ops[op].kind == MicroKind::kDeleteEntry) {
          nameless_.push_back(ops[op].inode);
        }
      }
      continue;
    }
    for (const MicroOp& op : ops) {
      if (op.is_entry()) {
        open_names.insert(&op.name.str());
      } else {
        open_files.insert(op.inode);
      }
    }
  }
  disk_.apply(folded);
  remove(gone);
}

// Files that lost their last name for good, and that no later call names again, are dropped with all
// that was written to them.
void CrashModel::forget_unreachable(std::uint32_t index) {
  for (const InodeId inode : std::exchange(nameless_, {})) {
    const auto names_it = [&](const Node& node) {
      const auto ops = std::span(timeline_->ops()).subspan(node.first_op, node.op_count);
      return std::any_of(ops.begin(), ops.end(),
                         [&](const MicroOp& op) { return op.is_entry() && op.inode == inode; });
    };
    if (disk_.names_of(inode) > 0 || timeline_->last_named_by(inode).value_or(0) > index ||
        std::any_of(nodes_.begin(), nodes_.end(), names_it)) {
      continue;
    }
    unreachable_.insert(inode);
    disk_.forget(inode);
    std::vector<bool> gone;
    for (const Node& node : nodes_) {
      gone.push_back(timeline_->ops()[node.first_op].inode == inode);
    }
    remove(gone);
  }
}

void CrashModel::remove(const std::vector<bool>& gone) {
  if (std::find(gone.begin(), gone.end(), true) == gone.end()) {
    return;
  }
  bool undurable = false;  // goes, and may have stood between two that stay
  std::size_t kept = 0;
  for (std::size_t i = 0; i < nodes_.size(); ++i) {
    if (gone[i]) {
      undurable = undurable || !nodes_[i].durable;
      continue;
    }
    if (kept != i) {
      nodes_[kept] = std::move(nodes_[i]);
    }
    ++kept;
  }
  nodes_.resize(kept);
  if (undurable || nodes_.empty()) {
    find_needs_anew();
  }
}

// ---- selections

std::optional<std::size_t> CrashModel::node_of(std::uint32_t op) const {
  const auto after = std::upper_bound(
      nodes_.begin(), nodes_.end(), op,
      [](std::uint32_t wanted, const Node& node) { return wanted < node.first_op; });
  if (after == nodes_.begin()) {
    return std::nullopt;
  }
  const Node& node = *std::prev(after);
  if (op >= node.first_op + node.op_count) {
    return std::nullopt;
  }
  return static_cast<std::size_t>(std::prev(after) - nodes_.begin());
}

std::vector<std::size_t> CrashModel::needs_of(const Node& node) const {
  std::vector<std::size_t> indices;
  for (const std::uint32_t needed : node.needs) {
    if (const std::optional<std::size_t> at = node_of(needed)) {
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
  for (std::size_t i = 0; i < nodes_.size(); ++i) {
    selection.choices[i] = nodes_[i].durable ? Choice::kPresent : Choice::kAbsent;
  }
  return selection;
}

void CrashModel::drop_dependents(Selection& selection) const {
  for (std::size_t i = 0; i < nodes_.size(); ++i) {
    for (const std::size_t needed : needs_of(nodes_[i])) {
      if (!selection.has(needed)) {
        selection.choices[i] = Choice::kAbsent;
      }
    }
  }
}

void CrashModel::add_needed(Selection& selection) const {
  for (std::size_t i = nodes_.size(); i-- > 0;) {
    if (nodes_[i].durable && !selection.has(i)) {
      selection.choices[i] = Choice::kPresent;
    }
    if (selection.has(i)) {
      for (const std::size_t needed : needs_of(nodes_[i])) {
        if (!selection.has(needed)) {
          selection.choices[needed] = Choice::kPresent;
        }
      }
    }
  }
}

bool CrashModel::may_be_garbage(std::size_t node) const {
  return profile_.garbage && nodes_[node].op_count == 1 &&
         timeline_->ops()[nodes_[node].first_op].past_end &&
         (profile_.tears == Tears::kAnywhere || (nodes_[node].classes & kNewDataOp) != 0);
}

bool CrashModel::permits(const Selection& selection) const {
  for (std::size_t i = 0; i < nodes_.size(); ++i) {
    const Choice choice = selection.choices[i];
    if (choice == Choice::kAbsent
            ? nodes_[i].durable
            : choice != Choice::kPresent && (!may_be_garbage(i) || nodes_[i].durable)) {
      return false;
    }
    if (choice == Choice::kAbsent) {
      continue;
    }
    for (const std::size_t needed : needs_of(nodes_[i])) {
      if (selection.choices[needed] != Choice::kPresent) {
        return false;
      }
    }
  }
  return !selection.tear || permits_tear(selection);
}

std::optional<Selection> CrashModel::torn(Selection selection, Tear tear) const {
  if (profile_.tears == Tears::kAtSectors) {
    const trace::Event& write = timeline_->event_of(timeline_->calls()[tear.call]);
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
    const Came came = came_of(write, tear);
    for (std::size_t i = 0; i < nodes_.size(); ++i) {
      const Node& node = nodes_[i];
      if (node.call == tear.call && (node.classes & kDataOps) != 0 && !node.durable &&
          came.misses(bytes_of(node))) {
        selection.choices[i] = Choice::kAbsent;
      }
    }
    drop_dependents(selection);
  }
  selection.tear = tear;
  return permits(selection) ? std::optional(std::move(selection)) : std::nullopt;
}

// At sectors: of a block written in place some of the new sectors may come, and of the newest write
// to it only, as one after it would have brought them all.
bool CrashModel::permits_tear(const Selection& selection) const {
  if (profile_.tears != Tears::kAtSectors) {
    return profile_.tears == Tears::kAnywhere;
  }
  const Tear& tear = *selection.tear;
  const trace::Event& write = timeline_->event_of(timeline_->calls()[tear.call]);
  const Came came = came_of(write, tear);
  const auto is_bytes_of_it = [&](const Node& node) {
    return node.call == tear.call && (node.classes & kDataOps) != 0;
  };
  bool is_torn = false;
  for (std::size_t i = 0; i < nodes_.size(); ++i) {
    const Node& node = nodes_[i];
    if (!selection.has(i)) {
      continue;
    }
    if (is_bytes_of_it(node) && !came.holds(bytes_of(node))) {
      if (node.classes != kInPlaceOp || node.durable || came.misses(bytes_of(node))) {
        return false;
      }
      is_torn = true;
    }
    const std::vector<std::size_t> needs = needs_of(node);
    if (node.call != tear.call && std::any_of(needs.begin(), needs.end(), [&](std::size_t needed) {
          return is_bytes_of_it(nodes_[needed]);
        })) {
      return false;
    }
  }
  return is_torn && tear.rest == Tear::Rest::kZeros &&
         (tear.from == 0 || came.from % kSectorSize == 0) &&
         (tear.to == write.data.size || came.to % kSectorSize == 0);
}

CrashImage CrashModel::image(const Selection& selection) {
  std::vector<AppliedOp> ops;
  for (std::size_t i = 0; i < nodes_.size(); ++i) {
    if (selection.has(i)) {
      for (std::uint32_t op = 0; op < nodes_[i].op_count; ++op) {
        ops.push_back({nodes_[i].first_op + op, selection.choices[i]});
      }
    }
  }
  return disk_.image(ops, selection.tear);
}

}  // namespace crashpoint::crash
