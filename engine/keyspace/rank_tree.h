// Elements of a sorted set in order of (score, member): a B+ tree whose inner nodes count what lies
// below them, so that rank, select, insert and erase take logarithmic time.
//
// Borrows the nodes; who inserts them frees them.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "engine/keyspace/scored_node.h"

namespace engine::keyspace {

class RankTree {
 public:
  RankTree() = default;
  ~RankTree();
  RankTree(const RankTree&) = delete;
  RankTree& operator=(const RankTree&) = delete;

  std::size_t size() const { return size_; }
  std::size_t bytes() const { return bytes_; }
  void insert(ScoredNode* node);
  void erase(const ScoredNode* node);  // must be in the tree
  std::size_t rank(const ScoredNode* node) const;

  // Elements that come before the bound.
  std::size_t count_below_score(double bound, bool inclusive) const;
  std::size_t count_below_member(std::string_view bound, bool inclusive) const;

 private:
  struct Leaf;
  struct Inner;

 public:
  // A place by rank; next() past the last and previous() before the first end in a place that must
  // not be read.
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
  Cursor at(std::size_t rank) const;

 private:
  void* root_ = nullptr;
  unsigned height_ = 0;  // 0: the root is a leaf
  std::size_t size_ = 0;
  std::size_t bytes_ = 0;
};

}  // namespace engine::keyspace
