// The crash model: walks a timeline under one profile and knows, at a crash point, what is durable, what
// is not, and which sets of the latter may be on disk. README.md has its rules by number (M1...).
//
// Nodes      What is not durable yet, in order of the trace: each a micro-operation, or several that
//            reach the disk as one (a rename; an append's bytes and size where the profile ties them).
//            Durable nodes are folded into a base as soon as nothing undurable lies under them, so
//            that the cost of a state does not grow with the trace.
// States     A selection of nodes is permitted when it holds every durable one and, with each, all
//            that it needs (M8). An operation in flight may have happened or not, a sync in flight
//            too (M9).
// Threads    One thread at a time; separate models of one timeline are independent.
//
// model.cc walks the timeline and makes nodes, model_sync.cc makes them durable, model_states.cc answers
// which selections are permitted.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <unordered_set>
#include <vector>

#include "harness/crash/disk.h"
#include "harness/crash/image/image.h"
#include "harness/crash/index.h"
#include "harness/crash/order.h"
#include "harness/crash/profile.h"
#include "harness/crash/selection.h"
#include "harness/crash/timeline.h"

namespace crashpoint::crash {

struct Node {
  OpRange ops = {};
  CallIndex call = {};
  OpClasses classes = 0;    // of all its operations
  bool returned = false;    // its call has; if not, it may not have happened at all
  bool durable = false;     // but not folded, because it lies over something that is not
  bool unsyncable = false;  // M20: a sync failed on it, and no later one will make it durable
  std::optional<CallIndex> allocated_by =
      {};                           // M27: of a growth, the close that put it in the journal
  std::vector<OpIndex> needs = {};  // id() of the nodes that are there whenever this one is

  // Stays the same for as long as there is this node; its index changes from point to point.
  [[nodiscard]] OpIndex id() const { return ops.first; }
};

// The operation that stands for the node in words: of a name that is replaced, the new one.
[[nodiscard]] inline OpIndex representative_op(const Node& node) {
  return (node.classes & kEntryOp) != 0 ? node.ops.last() : node.ops.first;
}

class CrashModel {
 public:
  CrashModel(std::shared_ptr<const Timeline> timeline, Profile profile);
  CrashModel(const CrashModel&) = delete;
  CrashModel& operator=(const CrashModel&) = delete;

  // Moves on to a later crash point, or stays.
  void advance(trace::Position point);

  [[nodiscard]] trace::Position point() const { return point_; }
  [[nodiscard]] const Timeline& timeline() const { return *timeline_; }
  [[nodiscard]] const Profile& profile() const { return profile_; }
  [[nodiscard]] const std::vector<Node>& nodes() const { return nodes_; }
  [[nodiscard]] const Node& node(NodeIndex node) const { return nodes_[node.value()]; }
  [[nodiscard]] NodeRange indices() const {
    return {NodeIndex(0), static_cast<std::uint32_t>(nodes_.size())};
  }
  // While it stays the same, so do the nodes and the permitted states.
  [[nodiscard]] std::uint64_t version() const { return version_; }

  [[nodiscard]] Selection everything() const;
  [[nodiscard]] Selection only_durable() const;
  // Takes out of a selection that holds all that is durable what cannot be there because something
  // it needs is not.
  void drop_dependents(Selection& selection) const;
  // Puts in what is needed by what is there, and what is durable.
  void add_needed(Selection& selection) const;
  [[nodiscard]] bool permits(const Selection& selection) const;
  // Whether bytes of one file are there although bytes written before to another file are not.
  [[nodiscard]] bool reorders_files(const Selection& selection) const;

  // M29: whether something else may be read where the node's bytes are lost. On a filesystem that is
  // in new blocks only: after the end of one that is on disk there are zeros.
  [[nodiscard]] bool may_be_garbage(NodeIndex index) const;
  // M28: tears a write of the selection there, or at the nearest place before that where the profile
  // tears it: what lies wholly beyond is lost. Nothing if the profile does not tear it.
  [[nodiscard]] std::optional<Selection> torn(Selection selection, Tear tear) const;
  [[nodiscard]] std::vector<NodeIndex> needs_of(const Node& node) const;
  // The node with this operation.
  [[nodiscard]] std::optional<NodeIndex> node_of(OpIndex op) const;

  // What a selection leaves on disk.
  [[nodiscard]] CrashImage image(const Selection& selection);

 private:
  void enter(CallIndex index);
  void leave(CallIndex index);
  [[nodiscard]] std::uint32_t ops_in_node(OpIndex first, OpIndex end) const;
  void add_node(CallIndex call, OpRange ops);
  void find_needs(Node& node);
  void find_needs_anew();
  void need_allocated_sizes(Node& node) const;
  void allocate(InodeId inode, CallIndex close);
  [[nodiscard]] OpClasses class_of(const MicroOp& op) const;
  [[nodiscard]] bool grows_its_block(const MicroOp& bytes, const MicroOp& next) const;
  [[nodiscard]] bool allocation_is_pending(InodeId inode, std::uint64_t offset) const;

  [[nodiscard]] std::span<const MicroOp> ops_of(const Node& node) const {
    return timeline_->ops(node.ops);
  }
  // Of a node with bytes: they come last in it, after the size.
  [[nodiscard]] const MicroOp& bytes_of(const Node& node) const {
    return timeline_->op(node.ops.last());
  }
  [[nodiscard]] bool permits_tear(const Selection& selection) const;
  [[nodiscard]] bool returned_before(CallIndex earlier, CallIndex call) const;
  [[nodiscard]] bool precedes(const Node& node, CallIndex call) const;
  [[nodiscard]] bool is_content_of(const Node& node, const SyncRequest& sync) const;
  [[nodiscard]] bool is_synced_by(const Node& node, CallIndex call) const;
  void make_durable(CallIndex index);
  void keep_entries_in(InodeId directory, CallIndex index);
  void keep_names_of(InodeId inode, CallIndex index);
  void keep_journal(CallIndex index);
  void keep_journal_to_own(CallIndex index);
  [[nodiscard]] bool is_journaled(const Node& node, CallIndex call) const;
  [[nodiscard]] bool is_own_metadata(const Node& node, const SyncRequest& sync) const;
  void fail(CallIndex index);
  void split_nodes_of(CallIndex index);
  void spread_durability();
  void fold();
  void forget_unreachable(CallIndex index);
  void remove(const std::vector<bool>& gone);
  void check_nodes() const;

  std::shared_ptr<const Timeline> timeline_;
  Profile profile_;
  OrderTracker order_;
  Disk disk_;
  trace::Position point_ = 0;
  std::size_t next_step_ = 0;
  std::uint64_t version_ = 0;
  std::vector<Node> nodes_;
  std::vector<InodeId> nameless_;            // lost a name for good since the last look
  std::unordered_set<InodeId> unreachable_;  // no image will show them again
  std::map<InodeId, CallIndex> newest_folded_bytes_;
};

}  // namespace crashpoint::crash
