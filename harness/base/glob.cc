#include "harness/base/glob.h"

#include <fmt/format.h>

#include <cstddef>
#include <optional>

namespace crashpoint {
namespace {

// Does the class that opens at pattern[at] hold `c`? Moves `at` past its ']'. Empty: not closed.
std::optional<bool> match_class(std::string_view pattern, std::size_t& at, char c) {
  std::size_t i = at + 1;
  const bool negated = i < pattern.size() && (pattern[i] == '!' || pattern[i] == '^');
  if (negated) {
    ++i;
  }
  bool found = false;
  for (bool first = true; i < pattern.size(); first = false) {
    if (pattern[i] == ']' && !first) {
      at = i + 1;
      return found != negated;
    }
    const char low = pattern[i];
    char high = low;
    if (i + 2 < pattern.size() && pattern[i + 1] == '-' && pattern[i + 2] != ']') {
      high = pattern[i + 2];
      i += 2;
    }
    ++i;
    found = found || (low <= c && c <= high);
  }
  return std::nullopt;
}

// One pattern element against one character: how far the pattern moves, or 0 for no match.
std::size_t match_one(std::string_view pattern, std::size_t at, char c) {
  switch (pattern[at]) {
    case '?':
      return c == '/' ? 0 : 1;
    case '[': {
      std::size_t end = at;
      const std::optional<bool> in_class = match_class(pattern, end, c);
      if (in_class.has_value()) {
        return *in_class && c != '/' ? end - at : 0;
      }
      return c == '[' ? 1 : 0;
    }
    case '\\':
      if (at + 1 < pattern.size()) {
        return pattern[at + 1] == c ? 2 : 0;
      }
      return c == '\\' ? 1 : 0;
    default:
      return pattern[at] == c ? 1 : 0;
  }
}

// A star that can be returned to: where the pattern goes on after it, and how much text it holds.
struct Star {
  std::size_t next = std::string_view::npos;  // npos: there was none
  std::size_t text = 0;

  [[nodiscard]] bool seen() const { return next != std::string_view::npos; }
};

// Only the last `*` and the last `**` are ever reconsidered, which keeps this O(pattern * text):
// a later star can take over whatever an earlier one of its kind could have held.
bool match_whole(std::string_view pattern, std::string_view text) {
  std::size_t p = 0;
  std::size_t t = 0;
  Star star;
  Star double_star;
  while (t < text.size() || p < pattern.size()) {
    if (p < pattern.size() && pattern[p] == '*') {
      if (p + 1 < pattern.size() && pattern[p + 1] == '*') {
        p += 2;
        // "**/" also stands for nothing at all.
        if (p < pattern.size() && pattern[p] == '/' && (t == 0 || text[t - 1] == '/')) {
          ++p;
        }
        double_star = Star{p, t};
        star = {};
      } else {
        star = Star{++p, t};
      }
      continue;
    }
    if (p < pattern.size() && t < text.size()) {
      if (const std::size_t step = match_one(pattern, p, text[t]); step > 0) {
        p += step;
        ++t;
        continue;
      }
    }
    if (star.seen() && star.text < text.size() && text[star.text] != '/') {
      p = star.next;
      t = ++star.text;
      continue;
    }
    if (double_star.seen() && double_star.text < text.size()) {
      p = double_star.next;
      t = ++double_star.text;
      star = {};
      continue;
    }
    return false;
  }
  return true;
}

}  // namespace

bool glob_match(std::string_view pattern, std::string_view path) {
  if (pattern.find('/') == std::string_view::npos) {
    path.remove_prefix(path.rfind('/') + 1);  // npos + 1 == 0
  }
  return match_whole(pattern, path);
}

bool name_match(std::string_view pattern, std::string_view name) {
  std::size_t p = 0;
  std::size_t n = 0;
  Star star;
  while (n < name.size()) {
    if (p < pattern.size() && pattern[p] == '*') {
      star = Star{++p, n};
    } else if (p < pattern.size() && (pattern[p] == '?' || pattern[p] == name[n])) {
      ++p;
      ++n;
    } else if (star.seen()) {
      p = star.next;
      n = ++star.text;
    } else {
      return false;
    }
  }
  return pattern.find_first_not_of('*', p) == std::string_view::npos;
}

std::string path_glob_problem(std::string_view pattern) {
  if (pattern.empty()) {
    return "is empty";
  }
  for (std::size_t at = 0; at < pattern.size();) {
    if (pattern[at] == '[') {
      const std::size_t open = at;
      if (!match_class(pattern, at, 'x').has_value()) {
        return fmt::format("has a '[' at character {} that is never closed", open + 1);
      }
    } else if (pattern[at] == '\\') {
      if (at + 1 == pattern.size()) {
        return "ends in a '\\' that quotes nothing";
      }
      at += 2;
    } else {
      ++at;
    }
  }
  return {};
}

std::string outside_problem(std::string_view path) {
  if (path.empty()) {
    return "is empty";
  }
  if (path.front() == '/') {
    return "is absolute; paths are relative to the data directory";
  }
  if (path.find('\0') != std::string_view::npos) {
    return "holds a NUL byte";
  }
  for (std::size_t begin = 0; begin <= path.size();) {
    std::size_t end = path.find('/', begin);
    end = end == std::string_view::npos ? path.size() : end;
    if (path.substr(begin, end - begin) == "..") {
      return "leads out of the data directory through '..'";
    }
    begin = end + 1;
  }
  return {};
}

}  // namespace crashpoint
