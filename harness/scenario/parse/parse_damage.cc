#include <fmt/format.h>

#include "harness/base/glob.h"
#include "harness/base/text.h"
#include "harness/scenario/parse/parse.h"

namespace crashpoint::scenario {
namespace {

// -1 is the last byte.
crash::Offset parse_offset(const Node& node) {
  const auto value = node.as<std::int64_t>();
  return value < 0 ? crash::Offset{static_cast<std::uint64_t>(-(value + 1)) + 1, true}
                   : crash::Offset{static_cast<std::uint64_t>(value), false};
}

crash::ByteRange parse_range(const Node& node) {
  crash::ByteRange range;
  if (const auto from = node.find("from")) {
    range.from = parse_offset(*from);
  }
  if (const auto to = node.find("to")) {
    range.to = parse_offset(*to);
  }
  if (range.from.from_end == range.to.from_end &&
      (range.from.from_end ? range.from.bytes < range.to.bytes
                           : range.from.bytes > range.to.bytes)) {
    node.problem("\"from\" is after \"to\"");
  }
  return range;
}

crash::DamageAction parse_truncate_tail(const Node& node) {
  if (node.json().is_number()) {
    return crash::Truncate{{node.as<std::uint64_t>(), true}};
  }
  if (node.is_text()) {  // "every": from an empty file to one byte missing
    return crash::TruncateEvery{{0, false}, {1, true}, 1};
  }
  if (const auto count = node.find("last_commands")) {
    return crash::TruncateLastCommands{count->as<std::uint64_t>()};
  }
  std::uint64_t least = 1;
  node.read("from", least);
  const auto most = node.at("to").as<std::uint64_t>();
  std::uint64_t step = 1;
  node.read("step", step);
  check_order(node, least, most);
  return crash::TruncateEvery{{most, true}, {least, true}, step};
}

crash::DamageAction parse_flip_bit(const Node& node) {
  if (const auto at = node.find("at")) {
    crash::FlipBit flip{parse_offset(*at), 0};
    node.read("bit", flip.bit);
    return flip;
  }
  const crash::ByteRange range = parse_range(node);
  if (const auto count = node.find("random")) {
    return crash::FlipRandomBits{range, count->as<std::uint64_t>()};
  }
  static_cast<void>(node.at("each_byte"));
  crash::FlipEveryByte flip{range, 1};
  node.read("step", flip.step);
  return flip;
}

crash::DamageAction parse_append(const Node& node) {
  if (node.json().is_object()) {
    if (const auto zeros = node.find("zeros")) {
      return crash::AppendZeros{zeros->as<std::uint64_t>()};
    }
    if (const auto garbage = node.find("garbage")) {
      return crash::AppendGarbage{garbage->as<std::uint64_t>()};
    }
  }
  return crash::Append{parse_bytes(node)};
}

crash::DamageAction parse_replace(const Node& node) {
  if (node.is_text()) {
    return crash::Empty{};
  }
  return crash::EarlierVersion{node.at("earlier_version").as<std::uint64_t>()};
}

crash::DamageAction parse_swap(const Node& node) {
  if (const std::string problem = outside_problem(node.text()); !problem.empty()) {
    node.problem(fmt::format("\"{}\" {}", shorten(node.text()), problem));
  }
  return crash::Swap{node.text()};
}

crash::DamageAction parse_action(const Node& node) {
  if (const auto tail = node.find("truncate_tail")) {
    return parse_truncate_tail(*tail);
  }
  if (const auto size = node.find("truncate_to")) {
    return crash::Truncate{{size->as<std::uint64_t>(), false}};
  }
  if (const auto flip = node.find("flip_bit")) {
    return parse_flip_bit(*flip);
  }
  if (const auto range = node.find("zero_range")) {
    return crash::Zero{parse_range(*range)};
  }
  if (const auto range = node.find("garbage_range")) {
    return crash::Garbage{parse_range(*range)};
  }
  if (const auto bytes = node.find("append")) {
    return parse_append(*bytes);
  }
  if (const auto size = node.find("duplicate_tail")) {
    return crash::DuplicateTail{size->as<std::uint64_t>()};
  }
  if (const auto other = node.find("swap")) {
    return parse_swap(*other);
  }
  if (node.has("remove")) {
    return crash::Remove{};
  }
  if (const auto by = node.find("replace")) {
    return parse_replace(*by);
  }
  return crash::Chmod{static_cast<std::uint32_t>(std::stoul(node.at("chmod").text(), nullptr, 8))};
}

}  // namespace

std::vector<crash::Damage> parse_damage(const Node& node) {
  std::vector<crash::Damage> all;
  for (const Node& item : node.items()) {
    all.push_back({parse_inside_path(item.at("file")), parse_action(item)});
  }
  return all;
}

}  // namespace crashpoint::scenario
