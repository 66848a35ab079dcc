// Which earlier operations a new one needs, by the rules of a profile.
//
// Only direct needs are given: where the earlier side of a rule is a chain (each needs the one before),
// its newest members stand for all.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>
#include <unordered_map>
#include <vector>

#include "harness/crash/index.h"
#include "harness/crash/profile.h"
#include "harness/crash/timeline.h"

namespace crashpoint::crash {

// An operation of a node, and the class that the profile puts it in.
struct ClassifiedOp {
  const MicroOp* op = nullptr;
  OpClasses op_class = 0;
};

class OrderTracker {
 public:
  using NodeId = OpIndex;  // Node::id()

  // Borrows `rules`.
  explicit OrderTracker(std::span<const OrderRule> rules) : rules_(rules) {}

  // `node` comes after all added before. Returns those of them that it needs: the ones that the rules
  // name and for which `precedes` holds (M10: their call had returned).
  std::vector<NodeId> add(NodeId node, std::span<const ClassifiedOp> ops,
                          const std::function<bool(NodeId)>& precedes);

  void clear() { newest_.clear(); }

 private:
  struct Key {
    std::uint64_t rule = 0;
    std::uint64_t a = 0;
    std::uint64_t b = 0;
    friend bool operator==(const Key&, const Key&) = default;
  };
  struct KeyHash {
    std::size_t operator()(const Key& key) const noexcept;
  };
  template <typename Visit>
  static void for_each_key(std::uint64_t rule, Scope scope, const MicroOp& op, Visit visit);

  std::span<const OrderRule> rules_;
  // For each rule and each place it applies to: the nodes of its earlier side that no later one of
  // them needs.
  std::unordered_map<Key, std::vector<NodeId>, KeyHash> newest_;
};

}  // namespace crashpoint::crash
