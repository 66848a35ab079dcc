// Indices as types of their own, so that the index of an operation, a call, a node and an inode cannot
// stand for one another. The number inside is read with value(), at the edge only.
#pragma once

#include <compare>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <limits>

#include "harness/base/check.h"

namespace crashpoint::crash {

template <typename Tag>
class Index {
 public:
  constexpr Index() = default;
  constexpr explicit Index(std::size_t value) : value_(static_cast<std::uint32_t>(value)) {
    HARNESS_CHECK(value <= std::numeric_limits<std::uint32_t>::max(), value);
  }

  [[nodiscard]] constexpr std::uint32_t value() const { return value_; }
  constexpr Index& operator++() {
    ++value_;
    return *this;
  }
  friend constexpr Index operator+(Index index, std::size_t count) {
    return Index(index.value_ + count);
  }
  friend constexpr auto operator<=>(const Index&, const Index&) = default;

 private:
  std::uint32_t value_ = 0;
};

// `count` indices from `first` on.
template <typename Tag>
struct IndexRange {
  Index<Tag> first = {};
  std::uint32_t count = 0;

  class Iterator {
   public:
    explicit constexpr Iterator(Index<Tag> index) : index_(index) {}
    constexpr Index<Tag> operator*() const { return index_; }
    constexpr Iterator& operator++() {
      ++index_;
      return *this;
    }
    friend constexpr bool operator==(const Iterator&, const Iterator&) = default;

   private:
    Index<Tag> index_;
  };
  [[nodiscard]] constexpr Iterator begin() const { return Iterator(first); }
  [[nodiscard]] constexpr Iterator end() const { return Iterator(first + count); }

  [[nodiscard]] constexpr bool contains(Index<Tag> index) const {
    return first <= index && index < first + count;
  }
  // Of a range that is not empty.
  [[nodiscard]] constexpr Index<Tag> last() const { return first + (count - 1); }
};

using OpIndex = Index<struct OpTag>;      // in Timeline::ops()
using CallIndex = Index<struct CallTag>;  // in Timeline::calls()
using NodeIndex = Index<struct NodeTag>;  // in CrashModel::nodes(), at one crash point
using InodeId = Index<struct InodeTag>;   // in Timeline::inodes()
using OpRange = IndexRange<OpTag>;
using NodeRange = IndexRange<NodeTag>;

}  // namespace crashpoint::crash

template <typename Tag>
struct std::hash<crashpoint::crash::Index<Tag>> {
  std::size_t operator()(crashpoint::crash::Index<Tag> index) const noexcept {
    return std::hash<std::uint32_t>()(index.value());
  }
};
