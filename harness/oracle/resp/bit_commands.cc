// Strings as arrays of bits, the first bit being the highest of the first byte.
#include <algorithm>
#include <limits>

#include "harness/oracle/resp/command_table.h"

namespace crashpoint::oracle {
namespace {

constexpr std::int64_t kBitMax = 4LL * 1024 * 1024 * 1024 - 1;  // of a string of 512 MB

bool get_bit(const std::string& text, std::uint64_t bit) {
  const std::size_t byte = bit / 8;
  return byte < text.size() && ((static_cast<unsigned char>(text[byte]) >> (7 - bit % 8)) & 1) != 0;
}

void set_bit(std::string& text, std::uint64_t bit, bool on) {
  const auto mask = static_cast<unsigned char>(1U << (7 - bit % 8));
  auto byte = static_cast<unsigned char>(text[bit / 8]);
  byte = static_cast<unsigned char>(on ? byte | mask : byte & ~mask);
  text[bit / 8] = static_cast<char>(byte);
}

std::string grown(Context& c, KeyId key, std::uint64_t last_bit) {
  const TrackedString* old = c.find<TrackedString>(key);
  std::string text = old == nullptr ? "" : old->get();
  if (text.size() < last_bit / 8 + 1) {
    text.resize(last_bit / 8 + 1);
  }
  return text;
}

Reply setbit(Context& c) {
  const std::int64_t offset = c.integer_at(2);
  if (offset < 0 || offset > kBitMax) {
    throw Failure{};
  }
  if (c[3] != "0" && c[3] != "1") {
    throw Failure{};
  }
  const KeyId key = c.key(1);
  const auto bit = static_cast<std::uint64_t>(offset);
  std::string text = grown(c, key, bit);
  const bool before = get_bit(text, bit);
  set_bit(text, bit, c[3] == "1");
  c.replace_string(key, std::move(text));
  return integer(before ? 1 : 0);
}

Reply bitop(Context& c) {
  enum class Operation : std::uint8_t { kAnd, kOr, kXor, kNot };
  const Operation operation = c.is(1, "AND")   ? Operation::kAnd
                              : c.is(1, "OR")  ? Operation::kOr
                              : c.is(1, "XOR") ? Operation::kXor
                              : c.is(1, "NOT") ? Operation::kNot
                                               : throw Failure{};
  if (operation == Operation::kNot && c.count() != 4) {
    throw Failure{};
  }
  std::vector<std::string> sources;
  std::size_t size = 0;
  for (std::size_t at = 3; at < c.count(); ++at) {
    const TrackedString* source = c.find<TrackedString>(c.key(at));
    sources.push_back(source == nullptr ? "" : source->get());
    size = std::max(size, sources.back().size());
  }
  std::string result(size, '\0');
  for (std::size_t at = 0; at < size; ++at) {
    const auto byte_of = [at](const std::string& source) {
      return static_cast<unsigned char>(at < source.size() ? source[at] : 0);
    };
    unsigned value = byte_of(sources.front());
    if (operation == Operation::kNot) {
      value = ~value;
    }
    for (std::size_t other = 1; other < sources.size(); ++other) {
      const unsigned byte = byte_of(sources[other]);
      value = operation == Operation::kAnd  ? value & byte
              : operation == Operation::kOr ? value | byte
                                            : value ^ byte;
    }
    result[at] = static_cast<char>(static_cast<unsigned char>(value));
  }
  const KeyId destination = c.key(2);
  if (result.empty()) {
    c.erase(destination);
  } else {
    c.put_string(destination, std::move(result));
  }
  return integer(static_cast<std::int64_t>(size));
}

// One field of BITFIELD: u1..u63 or i1..i64.
struct Field {
  bool is_signed = false;
  unsigned bits = 0;
};

Field parse_field(const std::string& text) {
  if (text.size() < 2 || (text[0] != 'i' && text[0] != 'u')) {
    throw Failure{};
  }
  const std::optional<std::int64_t> bits = parse_integer(std::string_view(text).substr(1));
  const bool is_signed = text[0] == 'i';
  if (!bits || *bits < 1 || *bits > (is_signed ? 64 : 63)) {
    throw Failure{};
  }
  return {.is_signed = is_signed, .bits = static_cast<unsigned>(*bits)};
}

std::uint64_t parse_offset(const std::string& text, const Field& field) {
  const bool counted = text.starts_with('#');
  const std::optional<std::int64_t> offset =
      parse_integer(std::string_view(text).substr(counted ? 1 : 0));
  if (!offset || *offset < 0 || *offset > kBitMax) {
    throw Failure{};
  }
  const std::uint64_t bit = static_cast<std::uint64_t>(*offset) * (counted ? field.bits : 1);
  if (bit + field.bits - 1 > static_cast<std::uint64_t>(kBitMax)) {
    throw Failure{};
  }
  return bit;
}

std::int64_t get_field(const std::string& text, const Field& field, std::uint64_t offset) {
  std::uint64_t value = 0;
  for (unsigned bit = 0; bit < field.bits; ++bit) {
    value = value << 1 | (get_bit(text, offset + bit) ? 1 : 0);
  }
  const bool negative = field.is_signed && (value >> (field.bits - 1) & 1) != 0;
  if (negative && field.bits < 64) {
    value |= ~std::uint64_t{0} << field.bits;
  }
  return static_cast<std::int64_t>(value);
}

void set_field(std::string& text, const Field& field, std::uint64_t offset, std::int64_t value) {
  for (unsigned bit = 0; bit < field.bits; ++bit) {
    set_bit(text, offset + bit,
            (static_cast<std::uint64_t>(value) >> (field.bits - 1 - bit) & 1) != 0);
  }
}

enum class Overflow : std::uint8_t { kWrap, kSaturate, kFail };

__extension__ typedef __int128 SignedWide;  // NOLINT(modernize-use-using): takes no __extension__

// `value` brought into the range of `field`; empty when it may not be.
std::optional<std::int64_t> fit(SignedWide value, const Field& field, Overflow overflow) {
  const SignedWide low = field.is_signed ? -(SignedWide{1} << (field.bits - 1)) : 0;
  const SignedWide high = (SignedWide{1} << (field.is_signed ? field.bits - 1 : field.bits)) - 1;
  if (value >= low && value <= high) {
    return static_cast<std::int64_t>(value);
  }
  switch (overflow) {
    case Overflow::kFail:
      return std::nullopt;
    case Overflow::kSaturate:
      return static_cast<std::int64_t>(value > high ? high : low);
    case Overflow::kWrap:
      break;
  }
  const SignedWide range = SignedWide{1} << field.bits;
  SignedWide wrapped = (value - low) % range;
  if (wrapped < 0) {
    wrapped += range;
  }
  return static_cast<std::int64_t>(wrapped + low);
}

Reply bitfield(Context& c) {
  enum class Kind : std::uint8_t { kGet, kSet, kIncrement };
  struct Operation {
    Kind kind;
    Field field;
    std::uint64_t offset;
    std::int64_t value;
    Overflow overflow;
  };
  std::vector<Operation> operations;
  Overflow overflow = Overflow::kWrap;
  std::optional<std::uint64_t> last_written;
  for (std::size_t at = 2; at < c.count();) {
    if (c.is(at, "OVERFLOW") && at + 1 < c.count()) {
      overflow = c.is(at + 1, "WRAP")   ? Overflow::kWrap
                 : c.is(at + 1, "SAT")  ? Overflow::kSaturate
                 : c.is(at + 1, "FAIL") ? Overflow::kFail
                                        : throw Failure{};
      at += 2;
      continue;
    }
    const bool is_get = c.is(at, "GET");
    const Kind kind = is_get               ? Kind::kGet
                      : c.is(at, "SET")    ? Kind::kSet
                      : c.is(at, "INCRBY") ? Kind::kIncrement
                                           : throw Failure{};
    if (at + (is_get ? 2 : 3) >= c.count()) {
      throw Failure{};
    }
    const Field field = parse_field(c[at + 1]);
    const std::uint64_t offset = parse_offset(c[at + 2], field);
    if (!is_get) {
      last_written = std::max(last_written.value_or(0), offset + field.bits - 1);
    }
    operations.push_back({.kind = kind,
                          .field = field,
                          .offset = offset,
                          .value = is_get ? 0 : c.integer_at(at + 3),
                          .overflow = overflow});
    at += is_get ? 3 : 4;
  }
  const KeyId key = c.key(1);
  const TrackedString* old = c.find<TrackedString>(key);
  std::string text = last_written ? grown(c, key, *last_written) : old == nullptr ? "" : old->get();
  std::vector<target::RespValue> replies;
  for (const Operation& operation : operations) {
    const std::int64_t before = get_field(text, operation.field, operation.offset);
    if (operation.kind == Kind::kGet) {
      replies.push_back(*integer(before));
      continue;
    }
    const bool increments = operation.kind == Kind::kIncrement;
    // SET of an unsigned field takes its number as 64 bits without a sign.
    SignedWide wanted = operation.value;
    if (increments) {
      wanted += before;
    } else if (!operation.field.is_signed) {
      wanted = static_cast<std::uint64_t>(operation.value);
    }
    const std::optional<std::int64_t> fitted = fit(wanted, operation.field, operation.overflow);
    if (!fitted) {
      replies.push_back(*null());
      continue;
    }
    set_field(text, operation.field, operation.offset, *fitted);
    replies.push_back(*integer(increments ? *fitted : before));
  }
  if (last_written) {
    c.replace_string(key, std::move(text));
  }
  return array(std::move(replies));
}

constexpr Command kBitCommands[] = {
    {"SETBIT", 4, {.first = 1, .last = 1}, setbit},
    {"BITOP", -4, {.first = 2, .last = -1, .step = 1, .written = 1}, bitop},
    {"BITFIELD", -2, {.first = 1, .last = 1}, bitfield},
};

}  // namespace

std::span<const Command> bit_commands() {
  return kBitCommands;
}

}  // namespace crashpoint::oracle
