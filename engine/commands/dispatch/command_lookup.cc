#include "engine/commands/dispatch/command_lookup.h"

#include <algorithm>
#include <array>
#include <cstdint>

#include "engine/base/check.h"
#include "engine/base/text.h"
#include "engine/commands/dispatch/command_table.h"

namespace engine::commands {
namespace {

bool is_subcommand(const CommandSpec& spec) {
  return spec.name.find('|') != std::string_view::npos;
}

// Commands by name: open addressing, sized so that nearly every lookup ends at its first slot.
class NameIndex {
 public:
  NameIndex() {
    for (const CommandSpec& spec : command_table()) {
      if (!is_subcommand(spec)) {
        std::size_t slot = hash(spec.name);
        while (slots_[slot % kSlots] != nullptr) {
          ++slot;
        }
        slots_[slot % kSlots] = &spec;
      }
    }
  }

  const CommandSpec* find(std::string_view name) const {
    for (std::size_t slot = hash(name); slots_[slot % kSlots] != nullptr; ++slot) {
      if (equals_ignoring_case(slots_[slot % kSlots]->name, name)) {
        return slots_[slot % kSlots];
      }
    }
    return nullptr;
  }

 private:
  static constexpr std::size_t kSlots = 2048;

  // FNV-1a, letters without their case.
  static std::size_t hash(std::string_view name) {
    std::uint64_t hash = 0xcbf29ce484222325;
    for (const char c : name) {
      hash = (hash ^ (static_cast<unsigned char>(c) | 0x20u)) * 0x100000001b3;
    }
    return hash ^ hash >> 32;
  }

  std::array<const CommandSpec*, kSlots> slots_{};
};

}  // namespace

const CommandSpec* find_command(std::string_view name) {
  static const NameIndex index;
  return index.find(name);
}

std::span<const CommandSpec> subcommands_of(const CommandSpec& parent) {
  const std::span<const CommandSpec> table = command_table();
  const std::size_t first = index_of(parent) + 1;
  std::size_t end = first;
  while (end < table.size() && is_subcommand(table[end])) {
    ++end;
  }
  return is_subcommand(parent) ? std::span<const CommandSpec>() : table.subspan(first, end - first);
}

const CommandSpec* find_subcommand(const CommandSpec& parent, std::string_view name) {
  for (const CommandSpec& spec : subcommands_of(parent)) {
    if (equals_ignoring_case(spec.name.substr(parent.name.size() + 1), name)) {
      return &spec;
    }
  }
  return nullptr;
}

std::vector<const CommandSpec*> top_level_commands() {
  std::vector<const CommandSpec*> commands;
  for (const CommandSpec& spec : command_table()) {
    if (!is_subcommand(spec)) {
      commands.push_back(&spec);
    }
  }
  return commands;
}

std::string full_name(const CommandSpec& spec) {
  return to_lower(spec.name);
}

bool has_arguments_for(const CommandSpec& spec, std::size_t count) {
  const auto words = static_cast<std::ptrdiff_t>(count);
  return spec.arity > 0 ? words == spec.arity : words >= -spec.arity;
}

std::size_t index_of(const CommandSpec& spec) {
  const auto index = static_cast<std::size_t>(&spec - command_table().data());
  ENGINE_DCHECK(index < command_table().size(), index);
  return index;
}

namespace {

// Where "STORE destination" is among options of which some take arguments; 0: nowhere. The last one
// counts.
std::size_t destination_of_sort(std::span<const std::string_view> argv) {
  std::size_t destination = 0;
  for (std::size_t i = 2; i < argv.size(); ++i) {
    if (equals_ignoring_case(argv[i], "limit")) {
      i += 2;
    } else if (equals_ignoring_case(argv[i], "get") || equals_ignoring_case(argv[i], "by")) {
      ++i;
    } else if (equals_ignoring_case(argv[i], "store") && i + 1 < argv.size()) {
      destination = ++i;
    }
  }
  return destination;
}

std::size_t destination_of_georadius(std::span<const std::string_view> argv) {
  std::size_t destination = 0;
  for (std::size_t i = 5; i + 1 < argv.size(); ++i) {
    if (equals_ignoring_case(argv[i], "store") || equals_ignoring_case(argv[i], "storedist")) {
      destination = ++i;
    }
  }
  return destination;
}

}  // namespace

std::vector<std::size_t> key_positions(const CommandSpec& spec,
                                       std::span<const std::string_view> argv) {
  std::vector<std::size_t> positions;
  const auto argc = static_cast<std::int64_t>(argv.size());
  const auto add = [&](std::int64_t first, std::int64_t last, std::int64_t step) {
    for (std::int64_t i = first; i <= last && i < argc; i += step) {
      positions.push_back(static_cast<std::size_t>(i));
    }
  };
  if (spec.keys.first > 0) {
    add(spec.keys.first, spec.keys.last < 0 ? argc + spec.keys.last : spec.keys.last,
        spec.keys.step);
  }
  if (spec.keys.count_at > 0 && spec.keys.count_at < argc) {
    const auto count = parse_int64(argv[static_cast<std::size_t>(spec.keys.count_at)]);
    if (!count || *count < 1 || *count > argc - spec.keys.count_at - 1) {
      return {};
    }
    add(spec.keys.count_at + 1, spec.keys.count_at + *count, 1);
  }
  std::size_t destination = 0;
  if (spec.name == "SORT") {
    destination = destination_of_sort(argv);
  } else if (spec.name == "GEORADIUS" || spec.name == "GEORADIUSBYMEMBER") {
    destination = destination_of_georadius(argv);
  }
  if (destination > 0) {
    positions.push_back(destination);
  }
  return positions;
}

}  // namespace engine::commands
