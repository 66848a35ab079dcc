// Which commands the oracle knows, what they do, and which keys they rest on.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "harness/oracle/resp/context.h"
#include "harness/target/state.h"

namespace crashpoint::oracle {

// Where a command's arguments name keys: from `first` to `last` (negative: from the end), every
// `step`. Of those, the first `written` are written, 0: all.
struct KeyRange {
  int first = 0;
  int last = 0;
  int step = 1;
  int written = 0;
};

inline constexpr KeyRange kFirstKey{.first = 1, .last = 1};
inline constexpr KeyRange kFirstTwoKeys{.first = 1, .last = 2};

struct Command {
  std::string_view name;  // upper case
  int arity = 0;          // with the name; negative: at least so many
  KeyRange keys;
  Reply (*run)(Context& context) = nullptr;
  // For commands whose keys a KeyRange cannot tell.
  void (*list_keys)(std::span<const std::string> arguments, std::uint32_t database,
                    std::vector<target::Key>& keys) = nullptr;
  bool is_global = false;  // rests on every key there is
};

// One that may change data; nullptr for all others.
[[nodiscard]] const Command* find_writing_command(std::string_view name);

// One that changes no data: reads, and commands to the server and the connection.
[[nodiscard]] bool is_known_without_effect(std::string_view name);

// Appends the keys that the effect of `command` rests on, written ones first. Wrong arguments give
// some keys or none, never a crash.
void append_keys(const Command& command, std::span<const std::string> arguments,
                 std::uint32_t database, std::vector<target::Key>& keys);

// Whether, with these arguments, the effect rests on more keys than can be listed.
[[nodiscard]] bool rests_on_everything(const Command& command,
                                       std::span<const std::string> arguments);

// The keys behind a "numkeys" argument.
void append_counted_keys(std::span<const std::string> arguments, std::size_t numkeys_at,
                         std::uint32_t database, std::vector<target::Key>& keys);

// The families, each in a file of its own.
[[nodiscard]] std::span<const Command> string_commands();
[[nodiscard]] std::span<const Command> bit_commands();
[[nodiscard]] std::span<const Command> list_commands();
[[nodiscard]] std::span<const Command> set_commands();
[[nodiscard]] std::span<const Command> hash_commands();
[[nodiscard]] std::span<const Command> sorted_set_commands();
[[nodiscard]] std::span<const Command> sorted_set_range_commands();
[[nodiscard]] std::span<const Command> key_commands();
[[nodiscard]] std::span<const Command> sort_commands();
[[nodiscard]] std::span<const Command> server_commands();

}  // namespace crashpoint::oracle
