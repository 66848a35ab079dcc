// Sorts as much of a sequence as is wanted, and orders equal elements as redis-server does: by the
// quicksort of Bentley and McIlroy ("Engineering a Sort Function", 1993) without the parts that
// hold none of the elements wanted. What is returned of a few equal ones depends on that.
#pragma once

#include <algorithm>
#include <cstddef>
#include <iterator>

namespace engine::commands {

template <typename Iterator, typename Compare>  // int compare(a, b): below, equal to or above 0
class PartialSort {
 public:
  // The elements in [wanted_begin, wanted_end) get their final places.
  PartialSort(Iterator wanted_begin, Iterator wanted_end, Compare compare)
      : wanted_begin_(wanted_begin), wanted_end_(wanted_end), compare_(compare) {}

  void sort(Iterator begin, Iterator end) {
    while (end - begin >= kSmall && begin < wanted_end_ && end > wanted_begin_) {
      std::iter_swap(begin, pivot(begin, end));
      const auto [below_end, above_begin] = part(begin, end);
      if (below_end - begin > 1 && begin < wanted_end_ && below_end > wanted_begin_) {
        sort(begin, below_end);
      }
      begin = above_begin;
    }
    if (begin < wanted_end_ && end > wanted_begin_) {
      insertion_sort(begin, end);
    }
  }

 private:
  static constexpr std::ptrdiff_t kSmall = 7;
  static constexpr std::ptrdiff_t kLarge = 40;

  void insertion_sort(Iterator begin, Iterator end) {
    for (Iterator next = begin; next != end; ++next) {
      for (Iterator at = next; at != begin && compare_(*(at - 1), *at) > 0; --at) {
        std::iter_swap(at, at - 1);
      }
    }
  }

  Iterator median(Iterator a, Iterator b, Iterator c) {
    if (compare_(*a, *b) < 0) {
      return compare_(*b, *c) < 0 ? b : compare_(*a, *c) < 0 ? c : a;
    }
    return compare_(*b, *c) > 0 ? b : compare_(*a, *c) < 0 ? a : c;
  }

  Iterator pivot(Iterator begin, Iterator end) {
    const std::ptrdiff_t size = end - begin;
    Iterator low = begin;
    Iterator middle = begin + size / 2;
    Iterator high = end - 1;
    if (size == kSmall) {
      return middle;
    }
    if (size > kLarge) {
      const std::ptrdiff_t gap = size / 8;
      low = median(low, low + gap, low + 2 * gap);
      middle = median(middle - gap, middle, middle + gap);
      high = median(high - 2 * gap, high - gap, high);
    }
    return median(low, middle, high);
  }

  struct Parts {
    Iterator below_end;
    Iterator above_begin;
  };
  // Around the element at `begin`. While it works, equal ones are kept at both ends.
  Parts part(Iterator begin, Iterator end) {
    Iterator equal_end = begin + 1;
    Iterator low = begin + 1;
    Iterator high = end - 1;
    Iterator equal_begin = end - 1;  // the last that is not known to be equal
    for (;;) {
      for (int order = 0; low <= high && (order = compare_(*low, *begin)) <= 0; ++low) {
        if (order == 0) {
          std::iter_swap(equal_end++, low);
        }
      }
      for (int order = 0; low <= high && (order = compare_(*high, *begin)) >= 0; --high) {
        if (order == 0) {
          std::iter_swap(high, equal_begin--);
        }
      }
      if (low > high) {
        break;
      }
      std::iter_swap(low++, high--);
    }
    const std::ptrdiff_t below = low - equal_end;
    const std::ptrdiff_t above = equal_begin - high;
    const std::ptrdiff_t front = std::min(equal_end - begin, below);
    std::swap_ranges(begin, begin + front, low - front);
    const std::ptrdiff_t back = std::min(above, end - equal_begin - 1);
    std::swap_ranges(low, low + back, end - back);
    return {begin + below, end - above};
  }

  Iterator wanted_begin_;
  Iterator wanted_end_;
  Compare compare_;
};

}  // namespace engine::commands
