// What a sync makes durable (M12 to M19), and what one that failed leaves behind (M20).
#include <algorithm>
#include <utility>

#include "harness/base/check.h"
#include "harness/crash/model.h"

namespace crashpoint::crash {

using What = SyncRequest::What;

bool CrashModel::is_content_of(const Node& node, const SyncRequest& sync) const {
  const MicroOp& op = timeline_->op(node.ops.first);
  if (op.is_entry() || op.inode != sync.inode) {
    return false;
  }
  if (op.kind == MicroKind::kData || op.kind == MicroKind::kGrow) {
    const std::uint64_t end = op.kind == MicroKind::kData ? op.offset + op.size : op.size;
    return op.offset < sync.to && end > sync.from;
  }
  return true;
}

// Whether the node is one that this sync may make durable, if it concerns it.
bool CrashModel::is_synced_by(const Node& node, CallIndex call) const {
  return precedes(node, call) && !node.unsyncable;
}

void CrashModel::make_durable(CallIndex index) {
  const SyncRequest& sync = timeline_->call(index).sync;
  if (sync.what == What::kEverything) {  // M14
    for (Node& node : nodes_) {
      node.durable = node.durable || is_synced_by(node, index);
    }
    return;
  }
  if (sync.what == What::kDirectory) {
    keep_entries_in(sync.inode, index);
  } else {  // M12, M15, M16
    for (Node& node : nodes_) {
      node.durable = node.durable || (is_content_of(node, sync) && is_synced_by(node, index));
    }
  }
  switch (profile_.fsync_keeps) {
    case FsyncKeeps::kFileOnly:
      break;
    case FsyncKeeps::kOwnNames:
      keep_names_of(sync.inode, index);
      break;
    case FsyncKeeps::kJournal:
      if (sync.what == What::kDirectory) {
        keep_journal(index);
        break;
      }
      [[fallthrough]];
    case FsyncKeeps::kJournalToOwn:
      keep_journal_to_own(index);
      break;
  }
}

// M13
void CrashModel::keep_entries_in(InodeId directory, CallIndex index) {
  for (Node& node : nodes_) {
    const auto ops = ops_of(node);
    const bool lies_in_it = std::any_of(ops.begin(), ops.end(), [&](const MicroOp& op) {
      return op.is_entry() && op.parent == directory;
    });
    node.durable = node.durable || (lies_in_it && is_synced_by(node, index));
  }
}

// M19: the names of a file or directory, and of the directories they lie in, up to the root: those that
// these had when the name was made, as later ones may be committed later.
void CrashModel::keep_names_of(InodeId inode, CallIndex index) {
  std::vector<std::pair<InodeId, CallIndex>> wanted{{inode, index}};
  for (std::size_t next = 0; next < wanted.size(); ++next) {
    const auto [named, by] = wanted[next];
    for (Node& node : nodes_) {
      for (const MicroOp& op : ops_of(node)) {
        if (op.is_entry() && op.inode == named && is_synced_by(node, by)) {
          node.durable = true;
          const std::pair<InodeId, CallIndex> way{op.parent, node.call};
          if (std::find(wanted.begin(), wanted.end(), way) == wanted.end()) {
            wanted.push_back(way);
          }
        }
      }
    }
  }
}

// M18: all metadata.
void CrashModel::keep_journal(CallIndex index) {
  for (Node& node : nodes_) {
    node.durable = node.durable || (is_journaled(node, index) && is_synced_by(node, index));
  }
}

// M18: the metadata up to the last of the file's own. What comes later may be in a transaction that is
// committed later.
void CrashModel::keep_journal_to_own(CallIndex index) {
  const SyncRequest& sync = timeline_->call(index).sync;
  const auto last = std::find_if(nodes_.rbegin(), nodes_.rend(), [&](const Node& node) {
    return is_own_metadata(node, sync) && is_synced_by(node, index);
  });
  if (last == nodes_.rend()) {
    return;
  }
  const CallIndex up_to = last->call;
  last->durable = true;
  for (Node& node : nodes_) {
    node.durable = node.durable || (is_journaled(node, up_to) && is_synced_by(node, up_to));
  }
}

// Whether the node is in the journal by the time of a call that comes after it. Sizes that come with
// their bytes (M24) are not before these are written back.
bool CrashModel::is_journaled(const Node& node, CallIndex call) const {
  const OpClasses with_bytes = profile_.with_data & kGrowOps;
  const OpClasses journaled = (kEntryOp | kResizeOp | kShiftOp | kGrowInOp) & ~with_bytes;
  const bool is_allocated = node.allocated_by && returned_before(*node.allocated_by, call);  // M27
  return (node.classes & journaled) != 0 || is_allocated;
}

// M18: a size, a name, an entry of the directory. On ext4 fdatasync does not count a new name of an old
// file (ext4_rename leaves i_datasync_tid as it is).
bool CrashModel::is_own_metadata(const Node& node, const SyncRequest& sync) const {
  const auto ops = ops_of(node);
  return std::any_of(ops.begin(), ops.end(), [&](const MicroOp& op) {
    const bool is_own = op.inode == sync.inode || (op.is_entry() && op.parent == sync.inode);
    if (!is_own || op.kind == MicroKind::kData) {
      return false;
    }
    const bool of_a_new_file =
        timeline_->event_of(timeline_->call(node.call)).op == trace::Op::kOpen;
    return !op.is_entry() || !sync.data_only || of_a_new_file ||
           profile_.fsync_keeps != FsyncKeeps::kJournal;
  });
}

// ---- a sync that failed

// M20
void CrashModel::fail(CallIndex index) {
  const SyncRequest& sync = timeline_->call(index).sync;
  const auto concerns = [&](const Node& node) {
    const MicroOp& op = timeline_->op(node.ops.first);
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

// Separates the size from its bytes in what a failed sync was asked to write: the one is on disk now,
// the other may never be.
void CrashModel::split_nodes_of(CallIndex index) {
  const SyncRequest& sync = timeline_->call(index).sync;
  std::vector<Node> split;
  for (Node& node : nodes_) {
    const bool whole = node.ops.count == 1 || (node.classes & kGrowOps) == 0 ||
                       !precedes(node, index) ||
                       (sync.what == What::kFile && !is_content_of(node, sync));
    if (whole) {
      split.push_back(std::move(node));
      continue;
    }
    for (const OpIndex op : node.ops) {
      const bool is_size = timeline_->op(op).kind == MicroKind::kGrow;
      Node part = node;
      part.ops = {op, 1};
      part.classes = static_cast<OpClasses>(node.classes & (is_size ? ~kDataOps : kDataOps));
      split.push_back(std::move(part));
    }
  }
  nodes_ = std::move(split);
  find_needs_anew();
}

// M8: what a durable operation needs is durable with it.
void CrashModel::spread_durability() {
  for (auto node = nodes_.rbegin(); node != nodes_.rend(); ++node) {
    if (node->durable) {
      for (const NodeIndex needed : needs_of(*node)) {
        nodes_[needed.value()].durable = true;
      }
    }
  }
}

}  // namespace crashpoint::crash
