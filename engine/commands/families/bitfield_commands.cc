// BITFIELD: integers of any width at any bit of a string.
#include <cstdint>
#include <limits>
#include <optional>
#include <string_view>
#include <vector>

#include "engine/base/text.h"
#include "engine/commands/dispatch/context.h"
#include "engine/commands/dispatch/handlers.h"
#include "engine/commands/families/bit_offset.h"

namespace engine::commands {
namespace {

using keyspace::KeyEntry;
using keyspace::Object;
using keyspace::Type;

enum class Overflow { kWrap, kSaturate, kFail };

// A field of up to 64 bits when signed, 63 when not: its values fit an int64.
struct Field {
  bool is_signed;
  unsigned bits;
  std::uint64_t offset;

  std::uint64_t mask() const {
    return bits == 64 ? std::numeric_limits<std::uint64_t>::max() : (std::uint64_t{1} << bits) - 1;
  }
  std::int64_t highest() const {
    return static_cast<std::int64_t>(is_signed ? mask() >> 1 : mask());
  }
  std::int64_t lowest() const { return is_signed ? -highest() - 1 : 0; }
  // The value of these bits.
  std::int64_t interpret(std::uint64_t pattern) const {
    pattern &= mask();
    const bool negative = is_signed && ((pattern >> (bits - 1)) & 1) != 0;
    return static_cast<std::int64_t>(negative ? pattern | ~mask() : pattern);
  }
};

struct Operation {
  enum class Kind { kGet, kSet, kIncrement } kind;
  Field field;
  std::int64_t operand = 0;
  Overflow overflow = Overflow::kWrap;
};

std::uint64_t read_bits(std::string_view bytes, const Field& field) {
  std::uint64_t value = 0;
  for (std::uint64_t bit = field.offset; bit < field.offset + field.bits; ++bit) {
    const std::uint64_t byte = bit / 8;
    const unsigned held = byte < bytes.size() ? static_cast<unsigned char>(bytes[byte]) : 0u;
    value = value << 1 | ((held >> (7 - bit % 8)) & 1);
  }
  return value;
}

void write_bits(char* bytes, const Field& field, std::uint64_t value) {
  for (unsigned i = 0; i < field.bits; ++i) {
    const std::uint64_t bit = field.offset + field.bits - 1 - i;
    const auto mask = static_cast<char>(1u << (7 - bit % 8));
    char& byte = bytes[bit / 8];
    byte = static_cast<char>((value >> i & 1) != 0 ? byte | mask : byte & ~mask);
  }
}

// "i8", "u63". Replies the error.
std::optional<Field> parse_field(Context& c, std::size_t index) {
  const std::string_view type = c.argv[index];
  if (!type.empty() && (type[0] == 'i' || type[0] == 'u')) {
    const bool is_signed = type[0] == 'i';
    const auto bits = parse_int64(type.substr(1));
    if (bits && *bits >= 1 && *bits <= (is_signed ? 64 : 63)) {
      return Field{is_signed, static_cast<unsigned>(*bits), 0};
    }
  }
  c.error(
      "ERR Invalid bitfield type. Use something like i16 u8. Note that u64 is not supported but "
      "i64 is.");
  return std::nullopt;
}

// All operations are checked before the first is executed.
bool parse_operations(Context& c, bool read_only, std::vector<Operation>& operations) {
  Overflow overflow = Overflow::kWrap;
  bool changes = false;
  for (std::size_t i = 2; i < c.argv.size();) {
    const std::size_t left = c.argv.size() - i - 1;
    if (c.is_word(i, "OVERFLOW") && left >= 1) {
      if (c.is_word(i + 1, "WRAP")) {
        overflow = Overflow::kWrap;
      } else if (c.is_word(i + 1, "SAT")) {
        overflow = Overflow::kSaturate;
      } else if (c.is_word(i + 1, "FAIL")) {
        overflow = Overflow::kFail;
      } else {
        c.error("ERR Invalid OVERFLOW type specified");
        return false;
      }
      i += 2;
      continue;
    }
    Operation operation{};
    operation.overflow = overflow;
    std::size_t used = 4;
    if (c.is_word(i, "GET") && left >= 2) {
      operation.kind = Operation::Kind::kGet;
      used = 3;
    } else if (c.is_word(i, "SET") && left >= 3) {
      operation.kind = Operation::Kind::kSet;
    } else if (c.is_word(i, "INCRBY") && left >= 3) {
      operation.kind = Operation::Kind::kIncrement;
    } else {
      c.error(errors::kSyntax);
      return false;
    }
    const auto field = parse_field(c, i + 1);
    if (!field) {
      return false;
    }
    operation.field = *field;
    const auto offset = parse_bit_offset(c, i + 2, field->bits);
    if (!offset) {
      return false;
    }
    operation.field.offset = *offset;
    if (operation.kind != Operation::Kind::kGet) {
      const auto operand = c.integer(i + 3);
      if (!operand) {
        return false;
      }
      operation.operand = *operand;
    }
    changes |= operation.kind != Operation::Kind::kGet;
    operations.push_back(operation);
    i += used;
  }
  if (changes && read_only) {
    c.error("ERR BITFIELD_RO only supports the GET subcommand");
    return false;
  }
  return true;
}

// The value `base` + `added` in the field, by the rule for overflow; nothing when that fails.
std::optional<std::int64_t> fit(const Field& field, Overflow rule, std::int64_t base,
                                std::int64_t added) {
  std::int64_t sum = 0;
  const bool beyond_int64 = __builtin_add_overflow(base, added, &sum);
  // SET of a negative number in an unsigned field, or of one near the lowest int64 in a signed one:
  // Redis's arithmetic wraps around and treats it as a very large one.
  const bool is_huge =
      field.is_signed
          ? field.bits < 64 && base < field.highest() - std::numeric_limits<std::int64_t>::max()
          : base < 0;
  const bool too_high = is_huge || (beyond_int64 ? added > 0 : sum > field.highest());
  const bool too_low = !is_huge && (beyond_int64 ? added < 0 : sum < field.lowest());
  if (!too_high && !too_low) {
    return sum;
  }
  switch (rule) {
    case Overflow::kWrap:
      return field.interpret(static_cast<std::uint64_t>(base) + static_cast<std::uint64_t>(added));
    case Overflow::kSaturate:
      return too_high ? field.highest() : field.lowest();
    case Overflow::kFail:
      break;
  }
  return std::nullopt;
}

void bitfield(Context& c, bool read_only) {
  std::vector<Operation> operations;
  if (!parse_operations(c, read_only, operations)) {
    return;
  }
  std::uint64_t bytes_needed = 0;
  for (const Operation& operation : operations) {
    if (operation.kind != Operation::Kind::kGet) {
      bytes_needed =
          std::max(bytes_needed, (operation.field.offset + operation.field.bits + 7) / 8);
    }
  }
  KeyEntry* entry = bytes_needed > 0 ? c.find_to_write(c.argv[1]) : c.find_to_read(c.argv[1]);
  if (c.wrong_type(entry, Type::kString)) {
    return;
  }
  char* bytes = nullptr;
  std::uint64_t changes = 0;
  if (bytes_needed > 0) {
    // Growing is a change even if every operation then fails (Redis does not log it, and loses it).
    changes = entry == nullptr || entry->object.size() < bytes_needed ? 1 : 0;
    if (entry == nullptr) {
      entry = &c.insert(c.argv[1], Object::verbatim_string(""));
    }
    bytes = entry->object.resize(std::max<std::size_t>(entry->object.size(), bytes_needed));
  }
  c.reply.array(operations.size());
  for (const Operation& operation : operations) {
    const Field& field = operation.field;
    const std::int64_t held =
        entry == nullptr ? 0 : field.interpret(read_bits(entry->object.text().text(), field));
    if (operation.kind == Operation::Kind::kGet) {
      c.reply.integer(held);
      continue;
    }
    const bool is_set = operation.kind == Operation::Kind::kSet;
    const auto value = is_set ? fit(field, operation.overflow, operation.operand, 0)
                              : fit(field, operation.overflow, held, operation.operand);
    if (!value) {
      c.reply.null();
      continue;
    }
    write_bits(bytes, field, static_cast<std::uint64_t>(*value));
    c.reply.integer(is_set ? held : *value);
    ++changes;
  }
  if (changes > 0) {
    c.modified(c.argv[1], {kStringEvent, "setbit"}, changes);
  }
}

}  // namespace

void bitfield_command(Context& c) {
  bitfield(c, false);
}

void bitfield_ro_command(Context& c) {
  bitfield(c, true);
}

}  // namespace engine::commands
