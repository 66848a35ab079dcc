// Strings as arrays of bits; bit 0 is the most significant one of the first byte.
#include <algorithm>
#include <bit>
#include <cstdint>
#include <cstring>
#include <limits>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "engine/base/text.h"
#include "engine/commands/dispatch/context.h"
#include "engine/commands/dispatch/executor_state.h"
#include "engine/commands/dispatch/handlers.h"
#include "engine/commands/families/bit_offset.h"

namespace engine::commands {
namespace {

using keyspace::Element;
using keyspace::KeyEntry;
using keyspace::Object;
using keyspace::Type;

bool bit_at(std::string_view bytes, std::uint64_t offset) {
  const std::uint64_t byte = offset / 8;
  return byte < bytes.size() &&
         ((static_cast<unsigned char>(bytes[byte]) >> (7 - offset % 8)) & 1) != 0;
}

std::uint64_t count_bits(std::string_view bytes) {
  std::uint64_t count = 0;
  std::size_t at = 0;
  for (; at + 8 <= bytes.size(); at += 8) {
    std::uint64_t word;
    std::memcpy(&word, bytes.data() + at, 8);
    count += static_cast<std::uint64_t>(std::popcount(word));
  }
  for (; at < bytes.size(); ++at) {
    count += static_cast<std::uint64_t>(std::popcount(static_cast<unsigned char>(bytes[at])));
  }
  return count;
}

// [start, end] in bits, from [start [end [BYTE|BIT]]] at argument `first`, clamped to the string.
struct BitRange {
  std::uint64_t start;
  std::uint64_t end;
};

// The range as BITCOUNT and BITPOS give it, before the size of the string is known.
struct RangeArguments {
  std::int64_t start = 0;
  std::int64_t end = -1;
  bool in_bits = false;

  std::optional<BitRange> within(std::size_t bytes) const {
    const auto size = static_cast<std::int64_t>(in_bits ? bytes * 8 : bytes);
    const std::int64_t from = std::max<std::int64_t>(start < 0 ? start + size : start, 0);
    const std::int64_t to =
        std::min(std::max<std::int64_t>(end < 0 ? end + size : end, 0), size - 1);
    if (from > to) {
      return std::nullopt;
    }
    const auto unit = in_bits ? 1u : 8u;
    return BitRange{static_cast<std::uint64_t>(from) * unit,
                    static_cast<std::uint64_t>(to) * unit + unit - 1};
  }
};

// Replies the error. An end may be left out only if `end_is_optional`.
std::optional<RangeArguments> parse_range(Context& c, std::size_t first, bool end_is_optional) {
  RangeArguments range;
  const std::size_t given = c.argv.size() - first;
  if (given > 3 || (given == 1 && !end_is_optional)) {
    c.error(errors::kSyntax);
    return std::nullopt;
  }
  if (given >= 1) {
    const auto start = c.integer(first);
    if (!start) {
      return std::nullopt;
    }
    range.start = *start;
  }
  // Of two mistakes redis-server reports the unit in BITPOS, where the end is optional, and the end
  // in BITCOUNT.
  const bool bad_unit = given == 3 && !c.is_word(first + 2, "BIT") && !c.is_word(first + 2, "BYTE");
  if (bad_unit && end_is_optional) {
    c.error(errors::kSyntax);
    return std::nullopt;
  }
  if (given >= 2) {
    const auto end = c.integer(first + 1);
    if (!end) {
      return std::nullopt;
    }
    range.end = *end;
  }
  if (bad_unit) {
    c.error(errors::kSyntax);
    return std::nullopt;
  }
  range.in_bits = given == 3 && c.is_word(first + 2, "BIT");
  return range;
}

enum class BitOperation { kAnd, kOr, kXor, kNot };

// The operation over all sources, shorter ones continued with zeros.
std::string combine(BitOperation operation, const std::vector<std::string>& sources) {
  std::size_t size = 0;
  for (const std::string& source : sources) {
    size = std::max(size, source.size());
  }
  std::string result = sources.front();
  result.resize(size, '\0');
  if (operation == BitOperation::kNot) {
    for (char& byte : result) {
      byte = static_cast<char>(~byte);
    }
    return result;
  }
  for (std::size_t s = 1; s < sources.size(); ++s) {
    for (std::size_t i = 0; i < size; ++i) {
      const char other = i < sources[s].size() ? sources[s][i] : '\0';
      switch (operation) {
        case BitOperation::kAnd:
          result[i] = static_cast<char>(result[i] & other);
          break;
        case BitOperation::kOr:
          result[i] = static_cast<char>(result[i] | other);
          break;
        case BitOperation::kXor:
        case BitOperation::kNot:
          result[i] = static_cast<char>(result[i] ^ other);
          break;
      }
    }
  }
  return result;
}

}  // namespace

std::optional<std::uint64_t> parse_bit_offset(Context& c, std::size_t index, unsigned unit_bits) {
  std::string_view text = c.argv[index];
  const bool in_units = unit_bits > 0 && text.starts_with('#');
  if (in_units) {
    text.remove_prefix(1);
  }
  const std::optional<std::int64_t> given = parse_int64(text);
  const std::uint64_t factor = in_units ? unit_bits : 1;
  if (!given || *given < 0 ||
      static_cast<std::uint64_t>(*given) > std::numeric_limits<std::uint64_t>::max() / factor ||
      (static_cast<std::uint64_t>(*given) * factor >> 3) >= c.state.settings.proto_max_bulk_len) {
    c.error(errors::kBitOffset);
    return std::nullopt;
  }
  return static_cast<std::uint64_t>(*given) * factor;
}

void setbit_command(Context& c) {
  const auto offset = parse_bit_offset(c, 2, 0);
  if (!offset) {
    return;
  }
  const auto bit = c.integer_in(3, 0, 1, errors::kBitValue);
  if (!bit) {
    return;
  }
  KeyEntry* entry = c.find_to_write(c.argv[1]);
  if (c.wrong_type(entry, Type::kString)) {
    return;
  }
  if (entry == nullptr) {
    entry = &c.insert(c.argv[1], Object::verbatim_string(""));
  }
  const std::uint64_t byte = *offset / 8;
  const bool grows = entry->object.size() <= byte;
  char* const bytes = entry->object.resize(std::max<std::size_t>(entry->object.size(), byte + 1));
  const auto mask = static_cast<char>(1u << (7 - *offset % 8));
  const bool was_set = (bytes[byte] & mask) != 0;
  bytes[byte] = static_cast<char>(*bit == 1 ? bytes[byte] | mask : bytes[byte] & ~mask);
  if (grows || was_set != (*bit == 1)) {
    c.modified(c.argv[1], {kStringEvent, "setbit"});
  }
  c.reply.integer(was_set ? 1 : 0);
}

void getbit_command(Context& c) {
  const auto offset = parse_bit_offset(c, 2, 0);
  if (!offset) {
    return;
  }
  KeyEntry* entry = c.find_to_read(c.argv[1]);
  if (c.wrong_type(entry, Type::kString)) {
    return;
  }
  c.reply.integer(entry != nullptr && bit_at(entry->object.text().text(), *offset) ? 1 : 0);
}

void bitcount_command(Context& c) {
  KeyEntry* entry = c.find_to_read(c.argv[1]);
  if (entry == nullptr) {
    return c.reply.integer(0);
  }
  if (c.wrong_type(entry, Type::kString)) {
    return;
  }
  const auto arguments = parse_range(c, 2, false);
  if (!arguments) {
    return;
  }
  const Element element = entry->object.text();
  const std::string_view bytes = element.text();
  const auto range = arguments->within(bytes.size());
  const bool backwards =
      arguments->start < 0 && arguments->end < 0 && arguments->start > arguments->end;
  if (!range || backwards) {
    return c.reply.integer(0);
  }
  // Whole bytes, less the bits before and after the range.
  const std::uint64_t first_byte = range->start / 8;
  const std::uint64_t last_byte = range->end / 8;
  std::uint64_t count = count_bits(bytes.substr(first_byte, last_byte - first_byte + 1));
  for (std::uint64_t bit = first_byte * 8; bit < range->start; ++bit) {
    count -= bit_at(bytes, bit) ? 1u : 0u;
  }
  for (std::uint64_t bit = range->end + 1; bit < (last_byte + 1) * 8; ++bit) {
    count -= bit_at(bytes, bit) ? 1u : 0u;
  }
  c.reply.integer(static_cast<std::int64_t>(count));
}

void bitpos_command(Context& c) {
  const auto bit = c.integer(2);
  if (!bit) {
    return;
  }
  if (*bit != 0 && *bit != 1) {
    return c.error("ERR The bit argument must be 1 or 0.");
  }
  KeyEntry* entry = c.find_to_read(c.argv[1]);
  if (entry == nullptr) {
    return c.reply.integer(*bit == 1 ? -1 : 0);
  }
  if (c.wrong_type(entry, Type::kString)) {
    return;
  }
  const auto arguments = parse_range(c, 3, true);
  if (!arguments) {
    return;
  }
  const Element element = entry->object.text();
  const std::string_view bytes = element.text();
  const auto range = arguments->within(bytes.size());
  if (!range) {
    return c.reply.integer(-1);
  }
  const bool wanted = *bit == 1;
  const auto skipped = static_cast<char>(wanted ? 0x00 : 0xff);
  for (std::uint64_t at = range->start; at <= range->end; ++at) {
    while (at % 8 == 0 && at + 7 <= range->end && bytes[at / 8] == skipped) {
      at += 8;
    }
    if (at <= range->end && bit_at(bytes, at) == wanted) {
      return c.reply.integer(static_cast<std::int64_t>(at));
    }
  }
  // A string without an end given is followed by zeros without end.
  const bool end_given = c.argv.size() > 4;
  c.reply.integer(!wanted && !end_given ? static_cast<std::int64_t>(bytes.size() * 8) : -1);
}

void bitop_command(Context& c) {
  static constexpr std::pair<std::string_view, BitOperation> kOperations[] = {
      {"AND", BitOperation::kAnd},
      {"OR", BitOperation::kOr},
      {"XOR", BitOperation::kXor},
      {"NOT", BitOperation::kNot}};
  const auto* found = std::find_if(std::begin(kOperations), std::end(kOperations),
                                   [&c](const auto& each) { return c.is_word(1, each.first); });
  if (found == std::end(kOperations)) {
    return c.error(errors::kSyntax);
  }
  if (found->second == BitOperation::kNot && c.argv.size() != 4) {
    return c.error("ERR BITOP NOT must be called with a single source key.");
  }
  std::vector<std::string> sources;
  for (const std::string_view key : c.argv.subspan(3)) {
    KeyEntry* entry = c.find_to_read(key);
    if (c.wrong_type(entry, Type::kString)) {
      return;
    }
    sources.push_back(entry == nullptr ? std::string() : entry->object.text().str());
  }
  const std::string result = combine(found->second, sources);
  std::optional<Object> value;
  if (!result.empty()) {
    value = Object::verbatim_string(result);
    value->resize(result.size());  // raw, however short
  }
  c.store(c.argv[2], std::move(value), {kStringEvent, "set"});
  c.reply.integer(static_cast<std::int64_t>(result.size()));
}

}  // namespace engine::commands
