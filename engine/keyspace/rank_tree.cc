#include "engine/keyspace/rank_tree.h"

#include <algorithm>
#include <new>
#include <numeric>

#include "engine/base/check.h"
#include "engine/base/memory.h"

namespace engine::keyspace {
namespace {

constexpr std::size_t kLeafItems = 64;
constexpr std::size_t kChildren = 32;

template <typename T>
void open_gap(T* items, std::size_t count, std::size_t at) {
  std::copy_backward(items + at, items + count, items + count + 1);
}
template <typename T>
void close_gap(T* items, std::size_t count, std::size_t at) {
  std::copy(items + at + 1, items + count, items + at);
}

}  // namespace

// NOLINTNEXTLINE(cppcoreguidelines-pro-type-member-init): filled as far as `count` says
struct RankTree::Leaf {
  static constexpr std::size_t kCapacity = kLeafItems;
  std::size_t count = 0;
  Leaf* previous = nullptr;
  Leaf* next = nullptr;
  Item items[kLeafItems];

  // Moves `moved` items from the front of the right neighbour to the end of this one ...
  void take_front(Leaf& right, std::size_t moved) {
    std::copy_n(right.items, moved, items + count);
    std::copy(right.items + moved, right.items + right.count, right.items);
    count += moved;
    right.count -= moved;
  }
  // ... and from the end of this one to the front of the right neighbour.
  void give_back(Leaf& right, std::size_t moved) {
    std::copy_backward(right.items, right.items + right.count, right.items + right.count + moved);
    std::copy_n(items + count - moved, moved, right.items);
    count -= moved;
    right.count += moved;
  }
  std::size_t total() const { return count; }
};

// NOLINTNEXTLINE(cppcoreguidelines-pro-type-member-init): filled as far as `count` says
struct RankTree::Inner {
  static constexpr std::size_t kCapacity = kChildren;
  std::size_t count = 0;
  std::size_t sizes[kChildren];  // elements below each child
  void* children[kChildren];
  Item firsts[kChildren];  // the first element below each child

  void take_front(Inner& right, std::size_t moved) {
    const auto take = [this, &right, moved](auto* mine, auto* theirs) {
      std::copy_n(theirs, moved, mine + count);
      std::copy(theirs + moved, theirs + right.count, theirs);
    };
    take(sizes, right.sizes);
    take(children, right.children);
    take(firsts, right.firsts);
    count += moved;
    right.count -= moved;
  }
  void give_back(Inner& right, std::size_t moved) {
    const auto give = [this, &right, moved](auto* mine, auto* theirs) {
      std::copy_backward(theirs, theirs + right.count, theirs + right.count + moved);
      std::copy_n(mine + count - moved, moved, theirs);
    };
    give(sizes, right.sizes);
    give(children, right.children);
    give(firsts, right.firsts);
    count -= moved;
    right.count += moved;
  }
  std::size_t total() const { return std::accumulate(sizes, sizes + count, std::size_t{0}); }

  void insert(std::size_t at, void* child, std::size_t size, const Item& first) {
    ENGINE_DCHECK(count < kChildren && at <= count, count, at);
    open_gap(sizes, count, at);
    open_gap(children, count, at);
    open_gap(firsts, count, at);
    ++count;
    sizes[at] = size;
    children[at] = child;
    firsts[at] = first;
  }
  void remove(std::size_t at) {
    close_gap(sizes, count, at);
    close_gap(children, count, at);
    close_gap(firsts, count, at);
    --count;
  }
  // The child below which `item` is or belongs.
  std::size_t child_for(const Item& item) const {
    const Item* after = std::upper_bound(firsts, firsts + count, item, less);
    return after == firsts ? 0 : static_cast<std::size_t>(after - firsts) - 1;
  }
};

bool RankTree::less(const Item& a, const Item& b) {
  if (a.score != b.score) {
    return a.score < b.score;
  }
  return a.node != b.node && a.node->key() < b.node->key();
}

RankTree::Item RankTree::first_of(const void* node, unsigned height) {
  return height == 0 ? static_cast<const Leaf*>(node)->items[0]
                     : static_cast<const Inner*>(node)->firsts[0];
}

namespace {

template <typename Node>
Node* create(std::size_t& bytes) {
  bytes += sizeof(Node);
  return new (memory::allocate(sizeof(Node))) Node;
}

template <typename Node>
void release(Node* node, std::size_t& bytes) {
  bytes -= sizeof(Node);
  memory::release(node);
}

}  // namespace

RankTree::~RankTree() {
  if (root_ != nullptr) {
    destroy(root_, height_);
  }
}

void RankTree::destroy(void* node, unsigned height) {
  if (height > 0) {
    auto* inner = static_cast<Inner*>(node);
    for (std::size_t i = 0; i < inner->count; ++i) {
      destroy(inner->children[i], height - 1);
    }
  }
  memory::release(node);
}

void RankTree::insert(ScoredNode* node) {
  if (root_ == nullptr) {
    root_ = create<Leaf>(bytes_);
    height_ = 0;
  }
  const Item item{node->score, node};
  void* sibling = insert_below(root_, height_, item);
  ++size_;
  if (sibling != nullptr) {
    auto* root = create<Inner>(bytes_);
    const std::size_t right =
        height_ == 0 ? static_cast<Leaf*>(sibling)->total() : static_cast<Inner*>(sibling)->total();
    root->insert(0, root_, size_ - right, first_of(root_, height_));
    root->insert(1, sibling, right, first_of(sibling, height_));
    root_ = root;
    ++height_;
  }
}

void* RankTree::insert_below(void* node, unsigned height, const Item& item) {
  if (height == 0) {
    auto* leaf = static_cast<Leaf*>(node);
    Leaf* sibling = nullptr;
    if (leaf->count == kLeafItems) {
      sibling = create<Leaf>(bytes_);
      sibling->previous = leaf;
      sibling->next = leaf->next;
      if (leaf->next != nullptr) {
        leaf->next->previous = sibling;
      }
      leaf->next = sibling;
      // Ascending inserts fill leaves whole: then only the new element starts the new leaf.
      const bool ascending = sibling->next == nullptr && less(leaf->items[leaf->count - 1], item);
      leaf->give_back(*sibling, ascending ? 1 : kLeafItems / 2);
      if (!less(item, sibling->items[0])) {
        leaf = sibling;
      }
    }
    const auto at = static_cast<std::size_t>(
        std::lower_bound(leaf->items, leaf->items + leaf->count, item, less) - leaf->items);
    ENGINE_DCHECK(leaf->count < kLeafItems, leaf->count);
    open_gap(leaf->items, leaf->count, at);
    leaf->items[at] = item;
    ++leaf->count;
    return sibling;
  }
  auto* inner = static_cast<Inner*>(node);
  const std::size_t index = inner->child_for(item);
  void* child_sibling = insert_below(inner->children[index], height - 1, item);
  inner->firsts[index] = first_of(inner->children[index], height - 1);
  ++inner->sizes[index];
  if (child_sibling == nullptr) {
    return nullptr;
  }
  const std::size_t moved = height == 1 ? static_cast<Leaf*>(child_sibling)->total()
                                        : static_cast<Inner*>(child_sibling)->total();
  inner->sizes[index] -= moved;
  Inner* sibling = nullptr;
  std::size_t at = index + 1;
  if (inner->count == kChildren) {
    sibling = create<Inner>(bytes_);
    inner->give_back(*sibling, kChildren / 2);
    if (at > inner->count) {
      at -= inner->count;
      inner = sibling;
    }
  }
  inner->insert(at, child_sibling, moved, first_of(child_sibling, height - 1));
  return sibling;
}

void RankTree::erase(const ScoredNode* node) {
  ENGINE_CHECK(size_ > 0);
  erase_below(root_, height_, {node->score, const_cast<ScoredNode*>(node)});
  --size_;
  if (size_ == 0) {
    destroy(root_, height_);
    root_ = nullptr;
    bytes_ = 0;
    return;
  }
  while (height_ > 0 && static_cast<Inner*>(root_)->count == 1) {
    auto* old = static_cast<Inner*>(root_);
    root_ = old->children[0];
    --height_;
    release(old, bytes_);
  }
}

void RankTree::erase_below(void* node, unsigned height, const Item& item) {
  if (height == 0) {
    auto* leaf = static_cast<Leaf*>(node);
    const auto at = static_cast<std::size_t>(
        std::lower_bound(leaf->items, leaf->items + leaf->count, item, less) - leaf->items);
    ENGINE_CHECK(at < leaf->count && leaf->items[at].node == item.node);
    close_gap(leaf->items, leaf->count, at);
    --leaf->count;
    return;
  }
  auto* inner = static_cast<Inner*>(node);
  const std::size_t index = inner->child_for(item);
  erase_below(inner->children[index], height - 1, item);
  --inner->sizes[index];
  rebalance(*inner, index, height - 1);
}

// A child less than a quarter full is merged with a neighbour, or takes half of what both have.
void RankTree::rebalance(Inner& parent, std::size_t index, unsigned child_height) {
  const auto even_out = [&]<typename Node>(Node* /*type*/) {
    auto* child = static_cast<Node*>(parent.children[index]);
    if (child->count >= Node::kCapacity / 4 || parent.count == 1) {
      return;
    }
    const std::size_t left_index = index == 0 ? 0 : index - 1;
    auto* left = static_cast<Node*>(parent.children[left_index]);
    auto* right = static_cast<Node*>(parent.children[left_index + 1]);
    const std::size_t both = left->count + right->count;
    if (both <= Node::kCapacity) {
      left->take_front(*right, right->count);
      if constexpr (std::is_same_v<Node, Leaf>) {
        left->next = right->next;
        if (right->next != nullptr) {
          right->next->previous = left;
        }
      }
      parent.sizes[left_index] += parent.sizes[left_index + 1];
      parent.remove(left_index + 1);
      release(right, bytes_);
    } else {
      const std::size_t below_both = parent.sizes[left_index] + parent.sizes[left_index + 1];
      if (left->count < right->count) {
        left->take_front(*right, both / 2 - left->count);
      } else {
        left->give_back(*right, both / 2 - right->count);
      }
      parent.sizes[left_index] = left->total();
      parent.sizes[left_index + 1] = below_both - parent.sizes[left_index];
      parent.firsts[left_index + 1] = first_of(right, child_height);
    }
    parent.firsts[left_index] = first_of(left, child_height);
  };
  if (child_height == 0) {
    even_out(static_cast<Leaf*>(nullptr));
  } else {
    even_out(static_cast<Inner*>(nullptr));
  }
  // The erased element may have been the first.
  if (index < parent.count) {
    parent.firsts[index] = first_of(parent.children[index], child_height);
  }
}

template <typename IsBefore>
std::size_t RankTree::count_while(IsBefore is_before) const {
  if (size_ == 0) {
    return 0;
  }
  const void* node = root_;
  std::size_t before = 0;
  for (unsigned height = height_; height > 0; --height) {
    const auto* inner = static_cast<const Inner*>(node);
    const Item* end = inner->firsts + inner->count;
    const auto begun = std::partition_point(inner->firsts, end, is_before) - inner->firsts;
    if (begun == 0) {
      return before;
    }
    before = std::accumulate(inner->sizes, inner->sizes + begun - 1, before);
    node = inner->children[begun - 1];
  }
  const auto* leaf = static_cast<const Leaf*>(node);
  const Item* end = leaf->items + leaf->count;
  return before +
         static_cast<std::size_t>(std::partition_point(leaf->items, end, is_before) - leaf->items);
}

std::size_t RankTree::rank(const ScoredNode* node) const {
  const Item bound{node->score, const_cast<ScoredNode*>(node)};
  return count_while([&bound](const Item& item) { return less(item, bound); });
}

std::size_t RankTree::count_below_score(double bound, bool inclusive) const {
  return count_while([bound, inclusive](const Item& item) {
    return inclusive ? item.score <= bound : item.score < bound;
  });
}

std::size_t RankTree::count_below_member(std::string_view bound, bool inclusive) const {
  return count_while([bound, inclusive](const Item& item) {
    return inclusive ? item.node->key() <= bound : item.node->key() < bound;
  });
}

ScoredNode* RankTree::Cursor::get() const {
  ENGINE_DCHECK(leaf_ != nullptr && index_ >= 0 &&
                index_ < static_cast<std::ptrdiff_t>(leaf_->count));
  return leaf_->items[index_].node;
}

void RankTree::Cursor::next() {
  if (++index_ == static_cast<std::ptrdiff_t>(leaf_->count)) {
    leaf_ = leaf_->next;
    index_ = 0;
  }
}

void RankTree::Cursor::previous() {
  if (--index_ < 0) {
    leaf_ = leaf_->previous;
    index_ = leaf_ == nullptr ? 0 : static_cast<std::ptrdiff_t>(leaf_->count) - 1;
  }
}

RankTree::Cursor RankTree::at(std::size_t rank) const {
  Cursor cursor;
  if (rank >= size_) {
    return cursor;
  }
  const void* node = root_;
  for (unsigned height = height_; height > 0; --height) {
    const auto* inner = static_cast<const Inner*>(node);
    std::size_t index = 0;
    while (rank >= inner->sizes[index]) {
      rank -= inner->sizes[index++];
    }
    node = inner->children[index];
  }
  cursor.leaf_ = static_cast<const Leaf*>(node);
  cursor.index_ = static_cast<std::ptrdiff_t>(rank);
  return cursor;
}

}  // namespace engine::keyspace
