#include "harness/crash/cause/shape.h"

#include <algorithm>
#include <cctype>
#include <string>
#include <vector>

namespace crashpoint::crash {
namespace {

// Each run of digits becomes '#'.
std::string without_numbers(std::string_view text) {
  std::string shape;
  for (const char c : text) {
    if (std::isdigit(static_cast<unsigned char>(c)) == 0) {
      shape += c;
    } else if (shape.empty() || shape.back() != '#') {
      shape += '#';
    }
  }
  return shape;
}

bool is_hex(std::string_view text) {
  return text.find_first_not_of("0123456789abcdef") == std::string_view::npos;
}

// Whether a name ends as mkstemp() makes it end: six letters and digits of several kinds, which after a letter
// must not look like the end of a word.
bool ends_at_random(std::string_view name) {
  constexpr std::size_t kRandom = 6;
  if (name.size() <= kRandom) {
    return false;
  }
  const std::string_view end = name.substr(name.size() - kRandom);
  const auto count = [](std::string_view text, int (*is_kind)(int)) {
    return std::count_if(text.begin(), text.end(),
                         [&](unsigned char c) { return is_kind(c) != 0; });
  };
  if (count(end, std::isalnum) != static_cast<std::ptrdiff_t>(kRandom)) {
    return false;
  }
  const bool digits = count(end, std::isdigit) > 0;
  const bool lower = count(end, std::islower) > 0;
  const bool upper = count(end, std::isupper) > 0;
  const char before = name[name.size() - kRandom - 1];
  const bool apart = before == '.' || before == '_' || before == '-';
  return apart ? int{digits} + int{lower} + int{upper} > 1
               : count(end.substr(1), std::isupper) > 0 && (digits || lower);
}

// Names that are made up anew in each run become the same: numbers, digests (of git: the first two digits of one are
// a directory), and what mkstemp() puts at the end.
std::string shape_of_path(std::string_view path) {
  constexpr std::size_t kDigest = 16;
  std::vector<std::string_view> names;
  for (std::size_t at = 0; at <= path.size();) {
    const std::size_t slash = std::min(path.find('/', at), path.size());
    names.push_back(path.substr(at, slash - at));
    at = slash + 1;
  }
  std::string shape;
  for (std::size_t i = 0; i < names.size(); ++i) {
    const std::string_view name = names[i];
    const auto is_digest = [&](std::string_view other) {
      return other.size() >= kDigest && is_hex(other);
    };
    const bool begins_digest =
        name.size() == 2 && is_hex(name) &&
        ((i > 0 && names[i - 1] == "objects") || (i + 1 < names.size() && is_digest(names[i + 1])));
    shape += i == 0 ? "" : "/";
    if (is_digest(name) || begins_digest) {
      shape += '#';
    } else if (ends_at_random(name)) {
      shape += without_numbers(name.substr(0, name.size() - 6)) + "#";
    } else {
      shape += without_numbers(name);
    }
  }
  return shape;
}

CallPart part_of(MicroKind kind, bool with_bytes) {
  switch (kind) {
    case MicroKind::kGrow:
      return with_bytes ? CallPart::kAppend : CallPart::kSize;
    case MicroKind::kData:
      return CallPart::kBytes;
    case MicroKind::kCutTail:
      return CallPart::kZeros;
    case MicroKind::kCreateEntry:
      return CallPart::kEntry;
    case MicroKind::kDeleteEntry:
      return CallPart::kRemoval;
    case MicroKind::kResize:
    case MicroKind::kZero:
    case MicroKind::kCollapse:
    case MicroKind::kInsert:
      break;
  }
  return CallPart::kChange;
}

}  // namespace

Shape shape_of(const Timeline& timeline, const Call& call) {
  const trace::Event& event = timeline.event_of(call);
  return {.part = CallPart::kWhole,
          .entry = {},
          .syscall = event.syscall,
          .path = trace::Name(shape_of_path(event.path.str())),
          .path2 = trace::Name(shape_of_path(event.path2.str()))};
}

Shape shape_of(const Timeline& timeline, const Node& node) {
  const Call& call = timeline.call(node.call);
  const MicroOp& op = timeline.op(representative_op(node));
  Shape shape = shape_of(timeline, call);
  shape.part = part_of(op.kind, (node.classes & kDataOps) != 0);
  if (op.is_entry() && node.ops.count < call.ops.count) {
    shape.entry = trace::Name(shape_of_path(op.name.str()));
  }
  return shape;
}

}  // namespace crashpoint::crash
