#include "harness/target/state.h"

namespace crashpoint::target {

std::string type_name(const Value& value) {
  struct Visitor {
    std::string operator()(const std::string&) const { return "string"; }
    std::string operator()(const List&) const { return "list"; }
    std::string operator()(const Set&) const { return "set"; }
    std::string operator()(const Hash&) const { return "hash"; }
    std::string operator()(const SortedSet&) const { return "zset"; }
    std::string operator()(const Opaque& opaque) const { return opaque.type; }
  };
  return std::visit(Visitor{}, value);
}

}  // namespace crashpoint::target
