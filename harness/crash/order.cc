#include "harness/crash/order.h"

#include <algorithm>

namespace crashpoint::crash {
namespace {

template <typename T>
void insert_once(std::vector<T>& items, T item) {
  if (std::find(items.begin(), items.end(), item) == items.end()) {
    items.push_back(item);
  }
}

}  // namespace

std::size_t OrderTracker::KeyHash::operator()(const Key& key) const noexcept {
  std::uint64_t hash = key.rule * 0x9E3779B97F4A7C15U;
  hash = (hash ^ key.a) * 0xBF58476D1CE4E5B9U;
  hash = (hash ^ (hash >> 31U) ^ key.b) * 0x94D049BB133111EBU;
  return hash ^ (hash >> 29U);
}

template <typename Visit>
void OrderTracker::for_each_key(std::uint64_t rule, Scope scope, const MicroOp& op, Visit visit) {
  switch (scope) {
    case Scope::kAnywhere:
      visit(Key{rule, 0, 0});
      break;
    case Scope::kSameFile:
      if (!op.is_entry()) {
        visit(Key{rule, op.inode.value(), 0});
      }
      break;
    case Scope::kSameBlock:
    case Scope::kSameSector:
      if (!op.is_entry() && op.size > 0) {
        const std::uint64_t size = scope == Scope::kSameBlock ? kBlockSize : kSectorSize;
        for (std::uint64_t at = op.offset / size; at <= (op.offset + op.size - 1) / size; ++at) {
          visit(Key{rule, op.inode.value(), at});
        }
      }
      break;
    case Scope::kSameCall:
      visit(Key{rule, op.call.value(), 0});
      break;
    case Scope::kSameFileInDirectory:
      if (op.is_entry()) {
        visit(Key{rule, op.parent.value(), op.inode.value()});
      }
      break;
    case Scope::kSameName:
      if (op.is_entry()) {
        // Names are interned: one address for each.
        visit(Key{rule, op.parent.value(), reinterpret_cast<std::uintptr_t>(&op.name.str())});
      }
      break;
  }
}

std::vector<OrderTracker::NodeId> OrderTracker::add(NodeId node, std::span<const ClassifiedOp> ops,
                                                    const std::function<bool(NodeId)>& precedes) {
  std::vector<NodeId> needs;
  for (std::uint64_t rule = 0; rule < rules_.size(); ++rule) {
    for (const ClassifiedOp& classified : ops) {
      if ((classified.op_class & rules_[rule].later) == 0) {
        continue;
      }
      for_each_key(rule, rules_[rule].scope, *classified.op, [&](const Key& key) {
        const auto found = newest_.find(key);
        if (found == newest_.end()) {
          return;
        }
        for (const NodeId earlier : found->second) {
          if (earlier != node && precedes(earlier)) {
            insert_once(needs, earlier);
          }
        }
      });
    }
  }
  for (std::uint64_t rule = 0; rule < rules_.size(); ++rule) {
    for (const ClassifiedOp& classified : ops) {
      if ((classified.op_class & rules_[rule].earlier) == 0) {
        continue;
      }
      for_each_key(rule, rules_[rule].scope, *classified.op, [&](const Key& key) {
        std::vector<NodeId>& newest = newest_[key];
        std::erase_if(newest, [&](NodeId earlier) {
          return std::find(needs.begin(), needs.end(), earlier) != needs.end();
        });
        insert_once(newest, node);
      });
    }
  }
  return needs;
}

}  // namespace crashpoint::crash
