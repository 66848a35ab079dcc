#include "harness/oracle/guarantee.h"

#include <fmt/format.h>

namespace crashpoint::oracle {

std::string describe(const Guarantee& guarantee) {
  switch (guarantee.kind) {
    case Guarantee::Kind::kDurable:
      return "every acknowledged command survives";
    case Guarantee::Kind::kBuffered:
      return fmt::format(
          "a prefix of the history survives, with every command acknowledged more than {} s before "
          "the crash",
          guarantee.seconds);
    case Guarantee::Kind::kPrefix:
      return "a prefix of the history survives, however short";
    case Guarantee::Kind::kSnapshot:
      return "the data is that of one snapshot, whole, and no older than the last one reported "
             "complete";
    case Guarantee::Kind::kNone:
      break;
  }
  return "nothing is promised about the data";
}

}  // namespace crashpoint::oracle
