// A sorted set value: members with a score, ordered by (score, member).
//
// While small one listpack of member, score, member, score ...; else a hash table from member to
// score and a counted B+ tree for order and rank (reported as "skiplist", Redis's name for it).
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "engine/base/random.h"
#include "engine/keyspace/element.h"
#include "engine/keyspace/encoding_limits.h"
#include "engine/keyspace/listpack.h"
#include "engine/keyspace/rank_tree.h"
#include "engine/keyspace/scored_node.h"
#include "engine/keyspace/table.h"

namespace engine::keyspace {

class SortedSet {
 public:
  SortedSet() = default;  // an empty listpack
  // From a listpack of pairs in order, no member twice, every score a number.
  explicit SortedSet(Listpack pairs) : listpack_(std::move(pairs)) {}
  ~SortedSet();
  SortedSet(const SortedSet&) = delete;
  SortedSet& operator=(const SortedSet&) = delete;
  std::unique_ptr<SortedSet> clone() const;

  std::size_t size() const;
  // Heap bytes, extrapolated from at most `samples` elements (0: all).
  std::size_t memory_bytes(std::size_t samples) const;
  bool is_listpack() const { return index_ == nullptr; }
  const Listpack& listpack() const { return listpack_; }  // only when is_listpack()

  std::optional<double> score(std::string_view member) const;
  // Adds the member or moves it to `score` (not NaN). True when it is new.
  bool set(std::string_view member, double score, const EncodingLimits& limits);
  bool erase(std::string_view member);  // false when it was not there
  // How a listpack holds a score: a whole number up to 2^62 as such (-0 loses its sign), else
  // "%.17g".
  static std::string score_text(double score);
  // Position from the lowest, 0-based.
  std::optional<std::size_t> rank(std::string_view member) const;

  struct Entry {
    Element member;
    double score;
  };
  // A place in the order, by rank: [0, size()]. Changing the set invalidates it.
  class Cursor {
   public:
    Entry get() const;  // not at size()
    void next();
    void previous();  // from the first it moves to a place that must not be read

   private:
    friend class SortedSet;
    const SortedSet* set_ = nullptr;
    Listpack::Position at_ = 0;
    RankTree::Cursor tree_;
  };
  Cursor at(std::size_t rank) const;

  // The rank of the first element not below the bound: the number of elements before it.
  std::size_t count_below_score(double bound, bool inclusive) const;  // score < or <= bound
  std::size_t count_below_member(std::string_view bound, bool inclusive) const;  // all scores equal

  void erase_range(std::size_t rank, std::size_t count);
  Entry random(Random& random) const;  // not when empty
  void convert_to_tree();
  // Leaves the listpack when it is beyond `limits` (after a load).
  void fit(const EncodingLimits& limits);
  // Back to a listpack when within `limits` (ZUNIONSTORE, ZINTERSTORE, ... do this to a new set).
  void convert_to_listpack_if_small(const EncodingLimits& limits);

  template <typename Fn>  // fn(std::string_view member, double score), lowest first
  void for_each(Fn&& fn) const {
    Cursor cursor = at(0);
    for (std::size_t left = size(); left > 0; --left, cursor.next()) {
      const Entry entry = cursor.get();
      fn(entry.member.text(), entry.score);
    }
  }
  template <typename Fn>  // the same, highest first (the order of RDB files)
  void for_each_reverse(Fn&& fn) const {
    std::size_t left = size();
    if (left == 0) {
      return;
    }
    for (Cursor cursor = at(left - 1); left > 0; --left, cursor.previous()) {
      const Entry entry = cursor.get();
      fn(entry.member.text(), entry.score);
    }
  }
  // As Table::scan; a listpack is returned whole, in one call.
  template <typename Fn>  // fn(std::string_view member, double score)
  std::uint64_t scan(std::uint64_t cursor, std::size_t count, Fn&& fn) const {
    if (index_) {
      return index_->members.scan(cursor, count,
                                  [&fn](const ScoredNode& node) { fn(node.key(), node.score); });
    }
    for_each(fn);
    return 0;
  }

 private:
  struct Index {
    Table<ScoredNode> members;
    RankTree order;
    void add(std::string_view member, double score);  // the member must be new
  };
  bool is_small(const EncodingLimits& limits) const;

  Listpack listpack_;
  std::unique_ptr<Index> index_;
};

}  // namespace engine::keyspace
