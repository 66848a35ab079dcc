// Elements of a sorted set in order of (score, member): a B+ tree whose inner nodes count the
// elements below them, so that rank, select, insert and erase take logarithmic time.
//
// Borrows the elements: the caller frees them.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "engine/keyspace/scored_node.h"

namespace engine::keyspace {

class RankTree {
 private:
  struct Leaf;
  struct Inner;
  // The score is kept beside the pointer so that most comparisons stay within the tree.
  struct Item {
    double score;
    ScoredNode* node;
  };

 public:
  RankTree() = default;
  ~RankTree();
  RankTree(const RankTree&) = delete;
  RankTree& operator=(const RankTree&) = delete;

  std::size_t size() const { return size_; }
  std::size_t bytes() const { return bytes_; }
  void insert(ScoredNode* node);
  void erase(const ScoredNode* node);              // must be in the tree
  std::size_t rank(const ScoredNode* node) const;  // must be in the tree

  // Elements that come before the bound. By member: where all scores are equal.
  std::size_t count_below_score(double bound, bool inclusive) const;
  std::size_t count_below_member(std::string_view bound, bool inclusive) const;

  // A place by rank. next() past the last and previous() before the first end in a place that must
  // not be read or moved on from.
  class Cursor {
   public:
    ScoredNode* get() const;
    void next();
    void previous();

   private:
    friend class RankTree;
    const Leaf* leaf_ = nullptr;
    std::ptrdiff_t index_ = 0;
  };
  Cursor at(std::size_t rank) const;  // rank <= size()

 private:
  static bool less(const Item& a, const Item& b);
  static Item first_of(const void* node, unsigned height);
  void destroy(void* node, unsigned height);
  // Inserts below `node`; when it had to be split, returns its new right sibling.
  void* insert_below(void* node, unsigned height, const Item& item);
  void erase_below(void* node, unsigned height, const Item& item);
  void rebalance(Inner& parent, std::size_t index, unsigned child_height);
  template <typename IsBefore>
  std::size_t count_while(IsBefore is_before) const;

  void* root_ = nullptr;
  unsigned height_ = 0;  // 0: the root is a leaf
  std::size_t size_ = 0;
  std::size_t bytes_ = 0;
};

}  // namespace engine::keyspace
