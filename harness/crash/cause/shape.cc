#include "harness/crash/cause/shape.h"

#include <cctype>
#include <string>

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
          .path = without_numbers(event.path.str()),
          .path2 = without_numbers(event.path2.str())};
}

Shape shape_of(const Timeline& timeline, const Node& node) {
  const Call& call = timeline.call(node.call);
  const MicroOp& op = timeline.op(representative_op(node));
  Shape shape = shape_of(timeline, call);
  shape.part = part_of(op.kind, (node.classes & kDataOps) != 0);
  if (op.is_entry() && node.ops.count < call.ops.count) {
    shape.entry = without_numbers(op.name.str());
  }
  return shape;
}

}  // namespace crashpoint::crash
