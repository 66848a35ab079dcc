#include "harness/base/glob.h"

#include <cstddef>

namespace crashpoint {
namespace {

// Matches `c` against the set that opens at pattern[0] == '['; `size` becomes its length. A set
// that never closes is a plain '['.
bool match_set(std::string_view pattern, char c, std::size_t& size) {
  const bool negated = pattern.size() > 1 && (pattern[1] == '!' || pattern[1] == '^');
  std::size_t at = negated ? 2 : 1;
  const std::size_t first = at;
  bool found = false;
  while (at < pattern.size() && (pattern[at] != ']' || at == first)) {
    if (at + 2 < pattern.size() && pattern[at + 1] == '-' && pattern[at + 2] != ']') {
      found = found || (pattern[at] <= c && c <= pattern[at + 2]);
      at += 3;
    } else {
      found = found || pattern[at] == c;
      ++at;
    }
  }
  if (at >= pattern.size()) {
    size = 1;
    return c == '[';
  }
  size = at + 1;
  return c != '/' && found != negated;
}

bool match(std::string_view pattern, std::string_view text) {
  constexpr std::size_t kNone = std::string_view::npos;
  // The last star seen, and how much of the text it takes: enough to fall back to, because a later
  // star can take whatever an earlier one could have. But a `*` stops at '/', so it may have to
  // give way to the `**` before it.
  struct Star {
    std::size_t pattern = kNone;
    std::size_t text = 0;
  };
  Star one;
  Star any;
  std::size_t p = 0;
  std::size_t t = 0;
  while (true) {
    if (pattern.substr(p, 2) == "**") {
      p += 2;
      any = {p, t};
      one = {};
      continue;
    }
    if (p < pattern.size() && pattern[p] == '*') {
      ++p;
      one = {p, t};
      continue;
    }
    if (p == pattern.size() && t == text.size()) {
      return true;
    }
    if (p < pattern.size() && t < text.size()) {
      std::size_t size = 1;
      const bool same = pattern[p] == '['   ? match_set(pattern.substr(p), text[t], size)
                        : pattern[p] == '?' ? text[t] != '/'
                                            : pattern[p] == text[t];
      if (same) {
        p += size;
        ++t;
        continue;
      }
    }
    if (one.pattern != kNone && one.text < text.size() && text[one.text] != '/') {
      p = one.pattern;
      t = ++one.text;
    } else if (any.pattern != kNone && any.text < text.size()) {
      p = any.pattern;
      t = ++any.text;
      one = {};
    } else {
      return false;
    }
  }
}

}  // namespace

bool glob_match(std::string_view pattern, std::string_view path) {
  if (pattern.find('/') == std::string_view::npos) {
    path.remove_prefix(path.rfind('/') + 1);
  }
  return match(pattern, path);
}

}  // namespace crashpoint
