#include "harness/crash/model.h"

#include <algorithm>
#include <utility>

#include "harness/base/check.h"

namespace crashpoint::crash {

CrashModel::CrashModel(std::shared_ptr<const Timeline> timeline, Profile profile)
    : timeline_(std::move(timeline)),
      profile_(std::move(profile)),
      order_(profile_.order),
      disk_(*timeline_) {}

// ---- walking

void CrashModel::advance(trace::Position point) {
  HARNESS_CHECK(point >= point_, point, point_);
  const auto& steps = timeline_->steps();
  while (next_step_ < steps.size() && steps[next_step_].position < point) {
    const Timeline::Step& step = steps[next_step_++];
    if (step.returns) {
      leave(step.call);
    } else {
      enter(step.call);
    }
  }
  point_ = point;
}

void CrashModel::enter(CallIndex index) {
  const OpRange ops = timeline_->call(index).ops;
  const OpIndex end = ops.first + ops.count;
  for (OpIndex first = ops.first; first < end;) {
    const std::uint32_t count = ops_in_node(first, end);
    add_node(index, {first, count});
    first = first + count;
  }
}

// How many operations of a call, from `first` on, reach the disk as one.
std::uint32_t CrashModel::ops_in_node(OpIndex first, OpIndex end) const {
  const MicroOp& op = timeline_->op(first);
  const std::uint32_t left = end.value() - first.value();
  if (op.is_entry() && profile_.rename_atomic) {
    return left;  // M7
  }
  if (op.kind == MicroKind::kDeleteEntry && left > 1) {
    return 2;  // M7: a rename over an existing name, which is never missing in between
  }
  if (op.kind == MicroKind::kGrow && (class_of(op) & profile_.with_data) != 0) {
    return 2;  // M24: its bytes follow
  }
  if (left > 2 && grows_its_block(op, timeline_->op(first + 1))) {
    return 3;  // M24: the new size follows, and the bytes after the old one
  }
  if (op.kind == MicroKind::kCutTail && (kResizeOp & profile_.with_data) != 0) {
    return 2;  // M25: the new size follows
  }
  return 1;
}

// Whether bytes come as one with the growth that the same write goes on to: where blocks come whole, and
// with their sizes.
bool CrashModel::grows_its_block(const MicroOp& bytes, const MicroOp& next) const {
  return profile_.tears == Tears::kBetweenBlocks && bytes.kind == MicroKind::kData &&
         next.kind == MicroKind::kGrow && !next.new_block &&
         (class_of(next) & profile_.with_data) != 0 &&
         bytes.offset / kBlockSize == next.offset / kBlockSize;
}

void CrashModel::add_node(CallIndex call, OpRange ops) {
  if (unreachable_.contains(timeline_->op(ops.first).inode)) {
    return;
  }
  Node node{.ops = ops, .call = call};
  HARNESS_CHECK(nodes_.empty() || nodes_.back().ops.last() < node.id(), node.id().value());
  for (const MicroOp& op : timeline_->ops(ops)) {
    node.classes |= class_of(op);
  }
  find_needs(node);
  nodes_.push_back(std::move(node));
  ++version_;
}

void CrashModel::find_needs(Node& node) {
  std::vector<ClassifiedOp> ops;
  for (const MicroOp& op : ops_of(node)) {
    // Of bytes and growths the class was decided when the call was entered, and stays.
    const bool decided = op.kind == MicroKind::kGrow || op.kind == MicroKind::kData;
    const OpClasses kinds = op.kind == MicroKind::kGrow ? kGrowOps : kDataOps;
    ops.push_back({&op, decided ? static_cast<OpClasses>(node.classes & kinds) : class_of(op)});
  }
  node.needs = order_.add(node.id(), ops, [&](OpIndex earlier) {
    const std::optional<NodeIndex> at = node_of(earlier);
    return at && precedes(this->node(*at), node.call);
  });
  need_allocated_sizes(node);
}

void CrashModel::find_needs_anew() {
  order_.clear();
  for (Node& node : nodes_) {
    find_needs(node);
  }
}

// M27: a name that replaces another needs the sizes that its file was given; whatever is in the journal,
// those of files that were closed before.
void CrashModel::need_allocated_sizes(Node& node) const {
  constexpr OpClasses kOrdered = kEntryOp | kResizeOp | kShiftOp | kGrowOps;
  if (!profile_.auto_da_alloc || (node.classes & kOrdered) == 0) {
    return;
  }
  const auto ops = ops_of(node);
  const bool replaces = ops.size() > 1 && ops[0].kind == MicroKind::kDeleteEntry;
  for (const Node& earlier : nodes_) {
    if (earlier.id() >= node.id()) {
      break;
    }
    if ((earlier.classes & kGrowOps) == 0 || !precedes(earlier, node.call)) {
      continue;
    }
    const bool is_allocated =
        (replaces && timeline_->op(earlier.id()).inode == ops[1].inode) ||
        (earlier.allocated_by && returned_before(*earlier.allocated_by, node.call));
    const bool is_known =
        std::find(node.needs.begin(), node.needs.end(), earlier.id()) != node.needs.end();
    if (is_allocated && !is_known) {
      node.needs.push_back(earlier.id());
    }
  }
}

void CrashModel::allocate(InodeId inode, CallIndex close) {
  for (Node& node : nodes_) {
    if (timeline_->op(node.id()).inode == inode && (node.classes & kGrowOps) != 0 &&
        !node.allocated_by && precedes(node, close)) {
      node.allocated_by = close;
    }
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
    const MicroOp& op = timeline_->op(node->ops.first);
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

void CrashModel::leave(CallIndex index) {
  for (auto node = nodes_.rbegin(); node != nodes_.rend() && node->call >= index; ++node) {
    if (node->call == index) {
      HARNESS_CHECK(!node->returned, index.value());
      node->returned = true;
      node->durable = node->durable || profile_.durable_on_return;  // M11
    }
  }
  if (profile_.auto_da_alloc && timeline_->call(index).closes != kNoInode) {
    allocate(timeline_->call(index).closes, index);
  }
  if (const Call& call = timeline_->call(index); call.sets_mode_of != kNoInode) {
    disk_.set_mode(call.sets_mode_of, call.mode);
    ++version_;
  }
  const SyncRequest& sync = timeline_->call(index).sync;
  const bool syncs = sync.what != SyncRequest::What::kNothing;
  if (syncs && !profile_.durable_on_return) {
    if (sync.failed) {
      fail(index);
    } else {
      make_durable(index);
    }
  }
  if (syncs || profile_.durable_on_return) {
    spread_durability();
    fold();
    forget_unreachable(index);
    ++version_;
  }
}

// M10: what a call comes after, and a sync covers: what had returned before it began, and the call
// itself.
bool CrashModel::precedes(const Node& node, CallIndex call) const {
  return node.call == call || returned_before(node.call, call);
}

bool CrashModel::returned_before(CallIndex earlier, CallIndex call) const {
  return timeline_->call(earlier).exit < timeline_->call(call).enter;
}

// ---- the base

void CrashModel::fold() {
  // What an undurable operation may still change, and what lies over it must wait.
  std::unordered_set<InodeId> open_files;
  std::unordered_set<const std::string*> open_names;  // of any directory: rarely one too many
  std::vector<bool> gone(nodes_.size(), false);
  std::vector<OpIndex> folded;
  for (const NodeIndex i : indices()) {
    const std::span<const MicroOp> ops = ops_of(node(i));
    const bool free = std::none_of(ops.begin(), ops.end(), [&](const MicroOp& op) {
      return op.is_entry() ? open_names.contains(&op.name.str()) : open_files.contains(op.inode);
    });
    if (node(i).durable && free) {
      gone[i.value()] = true;
      for (const OpIndex op : node(i).ops) {
        folded.push_back(op);
        if (timeline_->op(op).kind == MicroKind::kDeleteEntry) {
          nameless_.push_back(timeline_->op(op).inode);
        }
        if ((node(i).classes & kDataOps) != 0) {
          newest_folded_bytes_[timeline_->op(op).inode] = node(i).call;
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
  check_nodes();
}

// M6: files that lost their last name for good, and that no later call names again, are dropped with all
// that was written to them.
void CrashModel::forget_unreachable(CallIndex index) {
  for (const InodeId inode : std::exchange(nameless_, {})) {
    const auto names_it = [&](const Node& node) {
      const auto ops = ops_of(node);
      return std::any_of(ops.begin(), ops.end(),
                         [&](const MicroOp& op) { return op.is_entry() && op.inode == inode; });
    };
    if (disk_.names_of(inode) > 0 ||
        timeline_->last_named_by(inode).value_or(CallIndex(0)) > index ||
        std::any_of(nodes_.begin(), nodes_.end(), names_it)) {
      continue;
    }
    unreachable_.insert(inode);
    disk_.forget(inode);
    std::vector<bool> gone;
    for (const Node& node : nodes_) {
      gone.push_back(timeline_->op(node.ops.first).inode == inode);
    }
    remove(gone);
  }
}

void CrashModel::remove(const std::vector<bool>& gone) {
  HARNESS_CHECK(gone.size() == nodes_.size(), gone.size(), nodes_.size());
  if (std::find(gone.begin(), gone.end(), true) == gone.end()) {
    return;
  }
  bool undurable = false;  // one is removed that may have stood between two that stay
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

// What the permitted states rest on: nodes lie in order of the trace, need only what lies earlier, and
// what a durable one needs is durable (M8).
void CrashModel::check_nodes() const {
  for (std::size_t i = 0; i < nodes_.size(); ++i) {
    HARNESS_CHECK(i == 0 || nodes_[i - 1].ops.last() < nodes_[i].id(), i);
    for (const NodeIndex needed : needs_of(nodes_[i])) {
      HARNESS_CHECK(needed.value() < i, needed.value(), i);
      HARNESS_CHECK(!nodes_[i].durable || node(needed).durable, needed.value(), i);
    }
  }
}

}  // namespace crashpoint::crash
