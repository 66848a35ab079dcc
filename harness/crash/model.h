// The crash model: walks a timeline under one profile and knows, at a crash point, what is durable,
// what is not, and which sets of the latter may be on disk.
//
// Nodes      What is not durable yet, in order of the trace: each a micro-operation, or several that
//            come as one (a rename; an append's bytes and size where the profile ties them). Durable
//            nodes are folded into a base as soon as nothing undurable lies under them, so that the
//            cost of a state does not grow with the trace.
// States     A selection of nodes is permitted when it holds every durable one and, with each, all
//            that it needs. An operation in flight may have happened or not, a sync in flight too.
// Threads    One thread at a time; separate models of one timeline are independent.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <unordered_set>
#include <vector>

#include "harness/crash/disk.h"
#include "harness/crash/image.h"
#include "harness/crash/order.h"
#include "harness/crash/profile.h"
#include "harness/crash/selection.h"
#include "harness/crash/timeline.h"

namespace crashpoint::crash {

struct Node {
  std::uint32_t first_op = 0;  // in Timeline::ops(); also what tells nodes apart
  std::uint32_t op_count = 1;
  std::uint32_t call = 0;   // in Timeline::calls()
  OpClasses classes = 0;    // of all its operations
  bool returned = false;    // its call has; if not, it may not have happened at all
  bool durable = false;     // but not folded, because it lies over something that is not
  bool unsyncable = false;  // a sync failed on it, and no later one will make it durable
  std::vector<std::uint32_t> needs = {};  // first_op of the nodes that are there when this one is
};

// The operation that says what a node is about: of a name that is replaced, the new one.
[[nodiscard]] inline std::uint32_t telling_op(const Node& node) {
  return (node.classes & kEntryOp) != 0 ? node.first_op + node.op_count - 1 : node.first_op;
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

  // Whether something else may be read where the node's bytes did not come. On a filesystem that is in
  // blocks that are new only: behind the end of one that is on disk there are zeros.
  [[nodiscard]] bool may_be_garbage(std::size_t node) const;
  // Tears a write of the selection there, or where the profile tears it nearest before that: what
  // lies wholly beyond is lost. Nothing if the profile does not tear it.
  [[nodiscard]] std::optional<Selection> torn(Selection selection, Tear tear) const;
  // Indices in nodes() of what a node needs.
  [[nodiscard]] std::vector<std::size_t> needs_of(const Node& node) const;
  // The index in nodes() of the node with this operation.
  [[nodiscard]] std::optional<std::size_t> node_of(std::uint32_t op) const;

  // What a selection leaves on disk.
  [[nodiscard]] CrashImage image(const Selection& selection);

 private:
  void enter(std::uint32_t call);
  void leave(std::uint32_t call);
  void add_node(std::uint32_t call, std::uint32_t first_op, std::uint32_t op_count);
  void find_needs(Node& node);
  void find_needs_anew();
  [[nodiscard]] OpClasses class_of(const MicroOp& op) const;
  [[nodiscard]] bool grows_its_block(const MicroOp& bytes, const MicroOp& next) const;
  [[nodiscard]] bool allocation_is_pending(InodeId inode, std::uint64_t offset) const;

  // Of a node with bytes: they come last in it, after the size.
  [[nodiscard]] const MicroOp& bytes_of(const Node& node) const {
    return timeline_->ops()[node.first_op + node.op_count - 1];
  }
  [[nodiscard]] bool permits_tear(const Selection& selection) const;
  [[nodiscard]] bool precedes(const Node& node, std::uint32_t call) const;
  [[nodiscard]] bool is_content_of(const Node& node, const SyncRequest& sync) const;
  void make_durable(std::uint32_t call);
  void keep_entries_in(InodeId directory, std::uint32_t call);
  void keep_names_of(InodeId inode, std::uint32_t call);
  void keep_journal(std::uint32_t call);
  [[nodiscard]] bool has_metadata_to_commit(std::uint32_t call) const;
  void fail(std::uint32_t call);
  void split_nodes_of(std::uint32_t call);
  void spread_durability();
  void fold();
  void forget_unreachable(std::uint32_t call);
  void remove(const std::vector<bool>& gone);

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
};

}  // namespace crashpoint::crash
